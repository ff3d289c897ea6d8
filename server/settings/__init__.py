"""Settings: the files and texts behind the knobs, and what is wrong with them."""
