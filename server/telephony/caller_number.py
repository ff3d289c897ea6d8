"""Callers' numbers: which of them somebody can call back."""

import re

from server.hebrew.understand.redaction import redacted

# What Twilio gives for callers who hide theirs: ANONYMOUS, RESTRICTED, BLOCKED, PRIVATE and the like, as they
# are written on a keypad.
HIDDEN = frozenset({"+266696687", "+7378742833", "+7378742883", "+86282452253", "+8656696", "+2562533"})
_HIDDEN_DIGITS = frozenset(number.removeprefix("+") for number in HIDDEN)
_SCHEME = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]*")
ISRAEL = "972"
_DIGITS = range(3, 16)  # from a short number to the longest of E.164


def number_to_call(caller: str) -> str:
    """``caller`` as Twilio tells it, or nothing when nobody can be called back by it.

    Of a SIP address it is the user, where that is a number.
    """
    number = re.split("[@;]", _SCHEME.sub("", caller.strip(), count=1))[0]
    digits = re.sub(r"\D", "", number).removeprefix("00")
    can_be_called = len(digits) in _DIGITS and digits.strip("0") and digits not in _HIDDEN_DIGITS
    return number if can_be_called and _NUMBER.fullmatch(number) else ""


def bare_number(number: str) -> str:
    """``number`` as digits with its country's code, so that all ways to write it compare equal."""
    digits = re.sub(r"\D", "", number)
    international = digits.removeprefix("00")
    if digits.startswith("0") and international == digits:
        return f"{ISRAEL}{digits[1:]}"
    return re.sub(rf"^{ISRAEL}0", ISRAEL, international)  # +972 (0)50-…


def leaves_number(details: tuple[tuple[str, str], ...]) -> bool:
    """Whether a telephone number is among what a caller told, written or in words."""
    return any("[phone]" in redacted(text) for _, text in details)
