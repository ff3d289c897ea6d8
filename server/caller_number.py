"""Callers' numbers: which of them somebody can call back."""

# What Twilio gives for callers who hide theirs: ANONYMOUS, RESTRICTED, BLOCKED, PRIVATE and the like, as they
# are written on a keypad.
HIDDEN = frozenset({"+266696687", "+7378742833", "+7378742883", "+86282452253", "+8656696", "+2562533"})


def number_to_call(caller: str) -> str:
    """``caller`` as Twilio tells it, or nothing when nobody can be called back by it."""
    return caller if caller not in HIDDEN and any(map(str.isdigit, caller)) else ""
