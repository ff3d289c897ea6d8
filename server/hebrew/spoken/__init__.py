"""A grammar of what is written and said otherwise: numbers, signs, short forms (E6)."""
