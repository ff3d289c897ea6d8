"""How Hebrew is said: written text to spoken words (E6), and sentences out of a stream (C2). Pure."""
