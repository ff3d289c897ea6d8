"""Hebrew numbers: parsed from a caller's tokens by a small grammar, and written for the TTS. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.hebrew.speak.numbers import cardinal
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.digits import VALUES, said_together
from server.hebrew.understand.gender import Gender
from server.providers.embedded.llm import callers_he as he

THOUSAND, MILLION = 1_000, 1_000_000
_SCALES = {"אלפי": THOUSAND, "מיליונים": MILLION, "מליונים": MILLION, "אשח": THOUSAND, "מלשח": MILLION}
_SCALES |= {word: value for word, value in VALUES.items() if value in (THOUSAND, MILLION)}
_TWO_THOUSAND = {word for word, value in VALUES.items() if value == 2 * THOUSAND}
_PARTS = {"חצי": 0.5, "רבע": 0.25}
_QUARTERS = "רבעי"
_POINT = "נקודה"
_SOME = ("ומשהו", "וקצת")  # approximations inside a number: "two and a bit million"
_YEARS = "שנים"  # also a spelling of "two"; behind a number it means years
_FIGURE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?")
_PREFIXES = "ובלמכשה"
_NO_NOUNS = ("פחות", "סביבות", "קריות", "אפילו")
_COUNTED = (*he.ROOMS, *he.UNITS)
_MONEY = (*he.SHEKELS, *he.FOREIGN)
_MOST_PREFIXES = 2


@dataclass(frozen=True)
class Number:
    """``scale``: the number's greatest word of scale, 1 for none. ``end``: the index behind it."""

    value: float
    scale: int
    end: int


def number_at(tokens: Sequence[str], start: int) -> Number | None:
    """The longest number that begins at ``start``: ``שני מיליון וחצי``, ``מיליון שמונה מאות``, ``2.5``."""
    total = _Sum(since=start)
    at = start
    while at < len(tokens):
        piece = _piece(tokens[at], first=at == start)
        added = total if at > start and tokens[at] in _SOME else piece and total.add(piece, at)
        if not added:
            break
        total, at = added, at + 1
    if at == start or total.pointed:
        return None
    if total.scale and total.group is not None and (total.hangs or _counts_on(tokens, at)):
        return Number(total.total, total.greatest, total.since)
    return Number(total.value, total.greatest, at)


def is_number(token: str) -> bool:
    """Whether a number can begin with ``token``."""
    return _piece(token, first=True) is not None


def counts_things(token: str) -> bool:
    """Whether ``token`` is a plural noun that a number before it counts: ילדים, חניות."""
    plural = len(token) > 3 and token.endswith(("ים", "ות")) and token.lstrip("ולבה") not in _NO_NOUNS
    return plural and not is_number(token)


def _counts_on(tokens: Sequence[str], at: int) -> bool:
    """Whether the noun behind a number counts only its last part: "מיליון שלושה חדרים"."""
    if at == len(tokens):
        return False
    token = tokens[at]
    return token in _SCALES or token in _COUNTED or (counts_things(token) and token not in _MONEY)


@dataclass(frozen=True)
class _Piece:
    kind: str  # figure, word, scale, part, quarters or point
    value: float = 0
    joined: bool = False  # behind "and"


def _piece(token: str, *, first: bool) -> _Piece | None:
    for cut in range((_MOST_PREFIXES if first else 1) + 1):
        front, word = token[:cut], token[cut:]
        if word and set(front) <= set(_PREFIXES if first else "ו") and (found := _bare(word)):
            return replace(found, joined=front.startswith("ו"))
    return None


def _bare(word: str) -> _Piece | None:
    if _FIGURE.fullmatch(word):
        return _Piece("figure", float(word)) if word[0] != "0" or "." in word or word == "0" else None
    if word in _SCALES:
        return _Piece("scale", _SCALES[word])
    if word in _TWO_THOUSAND:
        return _Piece("thousands", 2)
    if word in _PARTS:
        return _Piece("part", _PARTS[word])
    if word in (_QUARTERS, _POINT):
        return _Piece("quarters" if word == _QUARTERS else "point")
    value = VALUES.get(word)
    return None if value is None else _Piece("years" if word == _YEARS else "word", value)


@dataclass(frozen=True)
class _Sum:
    """The sum of the pieces so far: ``total`` up to the last scale, and the open ``group`` behind it."""

    total: float = 0
    group: float | None = None
    scale: int = 0  # of the last word of scale
    greatest: int = 1
    since: int = 0  # index at which ``group`` begins
    joined: bool = False  # ``group`` begins with "and"
    pointed: bool = False  # a decimal must follow

    @property
    def hangs(self) -> bool:
        """Whether the group may be a number of its own, a small one behind a scale: "אלפיים | שלוש"."""
        return self.scale == THOUSAND and (self.group or 0) < 10 and not self.joined

    @property
    def value(self) -> float:
        """The value. "A million eight" omits "hundred thousand", "a million eight hundred" the thousand."""
        group = self.group or 0
        if self.scale == MILLION and group < THOUSAND:
            group *= 100 * THOUSAND if group < 10 else THOUSAND
        return self.total + group

    def add(self, piece: _Piece, at: int) -> "_Sum | None":
        """The sum with ``piece``; None if the piece cannot continue the number."""
        return {
            "figure": self._figure,
            "word": self._word,
            "years": self._years,
            "scale": self._scaled,
            "thousands": self._thousands,
            "part": self._part,
            "quarters": self._quarters,
            "point": self._point,
        }[piece.kind](piece, at)

    def _begun(self, piece: _Piece, at: int) -> "_Sum":
        return replace(self, group=piece.value, since=at, joined=piece.joined)

    def _figure(self, piece: _Piece, at: int) -> "_Sum | None":
        if self.pointed:
            return self._decimal(piece)
        fits = not self.scale or piece.value < min(self.scale, THOUSAND)
        return self._begun(piece, at) if self.group is None and fits else None

    def _word(self, piece: _Piece, at: int) -> "_Sum | None":
        if self.pointed:
            return self._decimal(piece)
        if self.group is None:
            return self._begun(piece, at) if self.scale != 1 else None
        if self.group != int(self.group):
            return None
        together = said_together(int(self.group), int(piece.value))
        return None if together is None else replace(self, group=float(together))

    def _years(self, piece: _Piece, at: int) -> "_Sum | None":
        alone = self.group is None and not self.scale
        return self._word(piece, at) if alone or piece.joined else None

    def _decimal(self, piece: _Piece) -> "_Sum | None":
        whole = self.group or 0
        if piece.value != int(piece.value) or piece.value >= 100:
            return None
        return replace(self, group=whole + piece.value / (10 if piece.value < 10 else 100), pointed=False)

    def _scaled(self, piece: _Piece, at: int) -> "_Sum | None":
        scale = int(piece.value)
        if (self.scale and scale >= self.scale) or self.pointed:
            return None
        group = 1 if self.group is None else self.group
        greatest = max(self.greatest, scale)
        return replace(self, total=self.total + group * scale, group=None, scale=scale, greatest=greatest)

    def _thousands(self, piece: _Piece, at: int) -> "_Sum | None":
        """Two thousand, one word in Hebrew."""
        return (
            None if self.group is not None else self._begun(piece, at)._scaled(_Piece("scale", THOUSAND), at)
        )

    def _part(self, piece: _Piece, at: int) -> "_Sum | None":
        """Half a million, three and a half, a million and a quarter."""
        if self.group is None and not self.scale:
            return self._begun(piece, at)
        if not piece.joined or self.scale == 1:
            return None
        if self.group is None:
            return replace(self, total=self.total + self.scale * piece.value, scale=1)
        return replace(self, group=self.group + piece.value)

    def _quarters(self, piece: _Piece, at: int) -> "_Sum | None":
        return None if self.group is None else replace(self, group=self.group / 4)

    def _point(self, piece: _Piece, at: int) -> "_Sum | None":
        whole = self.group is not None and self.group == int(self.group)
        return replace(self, pointed=True) if whole and not self.pointed else None


def say_rooms(rooms: float) -> str:
    """``שלושה וחצי חדרים``; halves, from one half to ten."""
    return speakable(f"{rooms:g} חדרים")


def say_shekels(amount: int) -> str:
    """``שני מיליון וחצי שקל``; from 1 to 999,999,999."""
    millions, rest = divmod(amount, MILLION)
    if millions and rest == MILLION // 2:
        return f"{cardinal(amount - rest)} וחצי שקל"
    return f"{cardinal(amount, Gender.MASCULINE)} שקל"
