"""Spoken telephone numbers: "אפס חמישים ושתיים, שלוש פעמים שבע, 42 אחת". Pure.

Digits come written, one by one, or in twos and threes. The same words can be grouped in several ways
("חמישים שתיים" is 52, or 50 and 2), so every grouping is tried. If exactly one is a telephone number, or the
greediest is, it is taken; otherwise the caller is asked again.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from server.hebrew.data import lines_of
from server.hebrew.understand.digits import VALUES, said_together
from server.providers.embedded.llm import callers_he as he
from server.providers.embedded.llm.tokens import DASH, PAUSE

# Mobiles and 07 numbers have ten digits, others nine.
_TELEPHONE = re.compile(r"0(?:5\d|7[2-9])\d{7}|0[23489]\d{7}", re.ASCII)
_ABROAD = re.compile(r"^(?:00)?9720?")
_JOINS = frozenset((*lines_of("digit_joins"), DASH, PAUSE, "+", "/", "פלוס")) - frozenset(he.TWICE)
_FILLERS = frozenset(lines_of("digit_fillers"))
_MOST_FILLERS = 2
_MOST_PIECES = 18
_MOST_DIGITS = 16  # in one reading: 00972, the number, and a reserve
_MOST_SAID = 999
_MOST_TIMES = 7
_TEN, _HUNDRED = 10, 100
_ZERO, _AND = "אפס", "ו"
_HUNDREDS = "מאות"
_TEENS = ("עשר", "עשרה")


class Link(Enum):
    """The relation of a piece to the one before it."""

    FREE = "free"
    AND = "and"  # part of the same number wherever possible
    APART = "apart"  # separated by a pause


Piece = tuple[str | int, Link]  # digits as written, or a spoken value


def telephone_in(tokens: Sequence[str]) -> str | None:
    """The last complete telephone number of a line, as ``0521234567``; None without one."""
    found = None
    for run in _runs(tokens):
        found = _telephone(run) or found
    return found


def begins(tokens: Sequence[str]) -> bool:
    """Whether some number begins with a zero, which no amount does."""
    numbers = (token.removeprefix(_AND) for token in tokens)
    return any(number == _ZERO or (number[:1] == "0" < number and "." not in number) for number in numbers)


def plain(digits: str) -> str | None:
    """``digits`` in domestic form; None if they are no Israeli telephone number."""
    here = _ABROAD.sub("0", digits)
    return here if _TELEPHONE.fullmatch(here) else None


def _telephone(run: list[Piece]) -> str | None:
    """The greediest reading if it is a number, else the only reading that is, else a written part that is."""
    if len(run) > _MOST_PIECES:
        return None
    readings = list(dict.fromkeys(map(plain, _readings(run))))
    found = [number for number in readings if number]
    if found and (readings[0] or len(found) == 1):
        return found[0]
    return next((number for digits, _ in reversed(run) if (number := plain(str(digits)))), None)


def _readings(pieces: list[Piece]) -> Iterator[str]:
    """Every grouping of ``pieces``, the greediest first."""
    if not pieces:
        yield ""
        return
    for length, group in reversed(list(_groups(pieces))):
        for rest in _readings(pieces[length:]):
            if len(group) + len(rest) <= _MOST_DIGITS:
                yield group + rest


def _groups(pieces: list[Piece]) -> Iterator[tuple[int, str]]:
    """The first piece alone, and joined with as many of the next as can be one number with it."""
    number, _ = pieces[0]
    for length in range(1, len(pieces) + 1):
        more, link = pieces[length] if length < len(pieces) else ("", Link.APART)
        joined = None
        if not isinstance(number, str) and link is not Link.APART:
            joined = said_together(number, more)
        if joined is None or link is Link.FREE:
            yield length, str(number)
        if joined is None:
            return
        number = joined


def _runs(tokens: Sequence[str]) -> Iterator[list[Piece]]:
    """Runs of digits, with joining words and a few fillers between them."""
    run: list[Piece] = []
    fillers = at = 0
    while at < len(tokens):
        length, pieces = _pieces(tokens, at)
        if pieces:
            value, link = pieces[0]
            paused = link is Link.FREE and at > 0 and tokens[at - 1] == PAUSE
            run += [(value, Link.APART if paused else link), *pieces[1:]]
            fillers = 0
        elif tokens[at] not in _JOINS:
            fillers += 1
            if tokens[at] not in _FILLERS or fillers > _MOST_FILLERS:
                yield run
                run, fillers = [], 0
        at += max(length, 1)
    yield run


def _pieces(tokens: Sequence[str], at: int) -> tuple[int, list[Piece]]:
    """The pieces at ``at`` and the number of their tokens: "שלוש פעמים שבע" is three sevens."""
    whole = _whole(tokens, at)
    if whole:
        return whole[0], [whole[1]]
    first = _piece(tokens, at)
    if tokens[at] in he.TWICE:
        again = _piece(tokens, at + 1)
        return (2, [_alone(again)] * 2) if again and _is_digit(again) else (1, [])
    if first and not isinstance(first[0], str) and 1 < first[0] <= _MOST_TIMES:
        again = _piece(tokens, at + 2) if tokens[at + 1 : at + 2] and tokens[at + 1] in he.TIMES else None
        if again and _is_digit(again):
            return 3, [_alone(again)] * first[0]
        if tokens[at + 1 : at + 2] and tokens[at + 1] in he.ZEROES:
            return 2, [_alone((0, Link.FREE))] * first[0]
    return (1, [first]) if first else (0, [])


def _whole(tokens: Sequence[str], at: int) -> tuple[int, Piece] | None:
    """Thirteen, or three hundred: two words, one number."""
    first = _piece(tokens, at)
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    if first is None or isinstance(first[0], str) or not 1 <= first[0] < _TEN:
        return None
    if following in _TEENS:
        return 2, (first[0] + _TEN, first[1])
    return (2, (first[0] * _HUNDRED, first[1])) if following == _HUNDREDS else None


def _alone(piece: Piece) -> Piece:
    return str(piece[0]), Link.FREE


def _is_digit(piece: Piece) -> bool:
    return len(str(piece[0])) == 1


def _piece(tokens: Sequence[str], at: int) -> Piece | None:
    if at >= len(tokens):
        return None
    token = tokens[at]
    figures = token.removeprefix(_AND)
    if figures.isdecimal():
        return figures, Link.FREE
    joined = token[0] == _AND and token not in VALUES
    value = None if token == _HUNDREDS else VALUES.get(token[joined:])
    return None if value is None or value > _MOST_SAID else (value, Link.AND if joined else Link.FREE)
