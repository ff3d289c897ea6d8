"""The meaning of a caller's Hebrew words. Pure; lists are in ``data``."""
