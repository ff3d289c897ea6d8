"""Incomplete numbers: telephones, cards, documents, and amounts without their hundreds."""

import re

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.digits import said_at_end, value_of
from server.hebrew.understand.ends.ending import Ending
from server.hebrew.understand.ends.grammar import CLASSES
from server.hebrew.words import words_of

_ABROAD = re.compile(r"^972(?=[2-9])")
_STAR = re.compile(r"\*|כוכבית")
_STAR_DIGITS = 4
_TELEPHONE_NAMED = Phrases.read("ends/telephones", prefixes=("ה", "ו", "ב"))
# The beginning of each kind of telephone number, and its number of digits.
_TELEPHONES = (
    (re.compile(r"1(?:800|700|801|809|599)\d"), 10),
    (re.compile(r"0[57]"), 10),
    (re.compile(r"0[23489]"), 9),
)
_MANY = frozenset((1000, 2000, 1_000_000))
_JOINED_LABELS = ("ה", "ו", "ב", "ל")
_BETWEEN = 4  # words between a label and its digits: "תעודת הזהות שלי היא"


def _labels() -> dict[tuple[str, ...], frozenset[int]]:
    """The words of a label, with any prefix letter → the possible numbers of digits behind it."""
    labels: dict[tuple[str, ...], frozenset[int]] = {}
    for line in lines_of("ends/lengths"):
        label, _, lengths = line.partition("=")
        first, *rest = words_of(label)
        whole = frozenset(map(int, lengths.split()))
        labels |= {(letter + first, *rest): whole for letter in ("", *_JOINED_LABELS)}
    return labels


_LABELS = _labels()
_LONGEST_LABEL = max(map(len, _LABELS))


def ending_of_number(text: str, expected_digits: int | None) -> Ending:
    """The ending of the number in ``text``; OPEN without a number, or for one that may be complete."""
    before, digits = said_at_end(text)
    if not digits:
        return Ending.OPEN
    if len(digits) == expected_digits:
        return Ending.FINISHED
    ending = _ending_of_telephone(text, digits)
    if ending is Ending.OPEN:
        ending = _ending_of_labelled(before, digits)
    if expected_digits is None or ending is Ending.FINISHED:
        return ending
    return Ending.UNFINISHED if len(digits) < expected_digits else Ending.OPEN


def lacks_hundreds(words: list[str]) -> bool:
    """Whether hundreds must follow: "שלושת אלפים ושמונה" is no usual amount."""
    if len(words) < 2 or not words[-1].startswith("ו"):
        return False
    few = value_of(words[-1])
    return (
        few is not None
        and 2 < few < 10
        and not words[-1].endswith("ה" if few != 8 else " ")
        and (value_of(words[-2]) in _MANY)
    )


def lacks_years(words: list[str]) -> bool:
    """Whether a year must follow a century: "נולדתי באלף תשע מאות"."""
    return words[-2:] in (["תשע", "מאות"], ["שמונה", "מאות"]) and any(
        word in CLASSES["dated"] for word in words
    )


def _ending_of_labelled(before: str, digits: str) -> Ending:
    words = words_of(before)[-_BETWEEN - _LONGEST_LABEL :]
    lengths = _lengths_behind(words)
    if not lengths or len(digits) > max(lengths):
        return Ending.OPEN
    if len(digits) == max(lengths):
        return Ending.FINISHED
    return Ending.OPEN if len(digits) in lengths else Ending.UNFINISHED


def _lengths_behind(words: list[str]) -> frozenset[int]:
    """The numbers of digits for the last label in ``words``; empty without a label."""
    for end in range(len(words), 0, -1):
        for length in range(_LONGEST_LABEL, 0, -1):
            if lengths := _LABELS.get(tuple(words[max(end - length, 0) : end])):
                return lengths
    return frozenset()


def _ending_of_telephone(text: str, digits: str) -> Ending:
    """The ending of a telephone number; OPEN if the digits are none in Israel, or too many."""
    if said_at_end(_STAR.split(text)[-1])[1] == digits and _STAR.search(text):
        return _by_length(digits, _STAR_DIGITS)
    if digits == "0":
        return Ending.UNFINISHED if _TELEPHONE_NAMED.within(words_of(text)) else Ending.OPEN
    digits = _ABROAD.sub("0", digits)
    lengths = (length for start, length in _TELEPHONES if start.match(digits))
    return next((_by_length(digits, length) for length in lengths), Ending.OPEN)


def _by_length(digits: str, whole: int) -> Ending:
    if len(digits) == whole:
        return Ending.FINISHED
    return Ending.UNFINISHED if len(digits) < whole else Ending.OPEN
