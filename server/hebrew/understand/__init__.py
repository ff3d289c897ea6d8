"""What a caller's Hebrew words mean. Pure; lists are in ``data``."""
