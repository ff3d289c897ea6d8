"""Log lines: what may stand in them, how often, and who writes them."""
