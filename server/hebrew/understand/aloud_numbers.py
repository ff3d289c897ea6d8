"""Numbers in words, as they are compared: amounts, hours and dictated digits in every way of saying them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from server.hebrew.data import lines_of
from server.hebrew.understand.digits import VALUES, said_together
from server.hebrew.words import spellings, without_prefixes

_ORDINALS = {
    spelled: int(value)
    for value, *words in map(str.split, lines_of("aloud/ordinals"))
    for word in words
    for spelled in spellings(word)
}
_FRACTIONS = {
    word: Fraction(value) for value, *words in map(str.split, lines_of("aloud/fractions")) for word in words
}
_PARTS = {"רבעי": Fraction(1, 4), "רבעים": Fraction(1, 4), "שלישים": Fraction(1, 3)}
_BILLION = {"מיליארד": 10**9, "מליארד": 10**9}
_SCALES = (1000, 10**6, 10**9)
_YEARS, _TEEN = "שנים", "עשר"  # "שנים" counts only in שנים עשר
_NOT_NUMBERS = frozenset(["שנים", "משני", "שמאה"])
_POINT, _AND, _TO, _FROM = "נקודה", "ו", "ל", "מ"
_MAX_PREFIX_CHARS = 2
_NOON, _MOST_HOURS, _MINUTES = 12, 24, 60
_MOST_DECIMALS = 30
_FEW_DIGITS = 3  # of a dictated number, at least
_TO_THE_HOUR = (5, 10, 15, 20, 25)
_MILLION, _THOUSAND, _TEN = 10**6, 1000, 10


@dataclass(frozen=True, slots=True)
class NumberWord:
    """A word of a number. ``of_it``: a fraction of what stands before (רבעי); ``point``: a decimal point."""

    word: str
    value: Fraction
    prefix: str = ""
    ordinal: bool = False
    of_it: bool = False
    point: bool = False

    @property
    def fraction(self) -> bool:
        return self.value.denominator > 1

    @property
    def scale(self) -> bool:
        return self.value in _SCALES


def number_word(word: str) -> NumberWord | None:
    """The number word that ``word`` is, behind up to two prefix letters; None for other words."""
    if word in _NOT_NUMBERS:
        return None
    for bare in without_prefixes(word, _MAX_PREFIX_CHARS):
        prefix = word[: len(word) - len(bare)]
        if bare.isdecimal() and bare.isascii():
            return NumberWord(word, Fraction(int(bare[:4000])), prefix)
        value = VALUES.get(bare, _BILLION.get(bare))
        if value is not None:
            return NumberWord(word, Fraction(value), prefix)
        if bare in _FRACTIONS or bare in _PARTS:
            part = _PARTS.get(bare)
            return NumberWord(word, part or _FRACTIONS[bare], prefix, of_it=part is not None)
        if bare in _ORDINALS:
            return NumberWord(word, Fraction(_ORDINALS[bare]), prefix, ordinal=True)
    return None


class NumberReader:
    """Joins the words of a number. ``read`` gives other words as they are, and numbers when they are over."""

    def __init__(self) -> None:
        self._number: list[NumberWord] = []
        self._held = ""

    def read(self, word: str) -> Iterator[str | list[NumberWord]]:
        """What is certain with ``word``: words, and the words of a number as one list."""
        if held := self._held:
            self._held = ""
            if held.endswith(_YEARS):
                two = NumberWord(held, Fraction(2), held.removesuffix(_YEARS))
                yield from self._other(held) if word != _TEEN else self._add(two)
            elif number_word(word) is not None:
                self._number.append(NumberWord(held, Fraction(0), point=True))
            else:
                yield from self._other(held)
        if word.endswith(_YEARS) and len(word) <= len(_YEARS) + _MAX_PREFIX_CHARS:
            self._held = word
        elif word == _POINT and self._number:
            self._held = word
        elif (number := number_word(word)) is not None:
            yield from self._add(number)
        else:
            yield from self._other(word)

    def close(self) -> Iterator[str | list[NumberWord]]:
        """What is left when nothing follows."""
        held, self._held = self._held, ""
        if held:
            yield from self._other(held)
        yield from self._closed()

    def _other(self, word: str) -> Iterator[str | list[NumberWord]]:
        yield from self._closed()
        yield word

    def _add(self, number: NumberWord) -> Iterator[str | list[NumberWord]]:
        if self._number and not self._goes_on(number):
            yield from self._closed()
        self._number.append(number)

    def _goes_on(self, number: NumberWord) -> bool:
        last = self._number[-1]
        if number.ordinal or last.ordinal:
            return False
        return number.prefix in ("", _AND) or (number.prefix == _TO and _is_before_an_hour(self._number))

    def _closed(self) -> Iterator[list[NumberWord]]:
        if self._number:
            yield self._number
            self._number = []


def _is_before_an_hour(words: list[NumberWord]) -> bool:
    """Whether "ל" and an hour may follow: רבע לשלוש, עשרים לשש; but not מחמש לתשע."""
    return (
        len(words) == 1 and _FROM not in words[0].prefix and words[0].value in (Fraction(1, 4), *_TO_THE_HOUR)
    )


def values_of(words: list[NumberWord], *, apart: bool = False) -> list[Fraction]:
    """The numbers that ``words`` say: one amount, or the groups of dictated digits.

    ``apart``: "fifty" and "four" without "and" are two groups. A fraction behind "and" alone belongs to the
    noun before it: "אחוז וחצי" is one and a half.
    """
    if len(words) == 1 and words[0].fraction and words[0].prefix == _AND:
        return [1 + words[0].value]
    said = _Sum(apart=apart)
    for word in words:
        said.add(word)
    return said.close()


class _Sum:
    """The number being said: ``_total`` of what is over, ``_now`` of the words since the last scale."""

    def __init__(self, *, apart: bool) -> None:
        self._apart = apart
        self._numbers: list[Fraction] = []
        self._total = Fraction(0)
        self._now: Fraction | None = None
        self._last = 0  # scale of what was added last to the total; 0: nothing was
        self._decimals: list[int] | None = None  # what was said behind a point

    def add(self, word: NumberWord) -> None:
        if word.point:
            if self._decimals:  # of a version: 15.5.8
                self.close()
            self._decimals = []
        elif self._decimals is not None and not (word.scale or word.fraction):
            self._decimal(word)
        elif word.fraction:
            self._fraction(word)
        elif word.scale or word.value == 2 * _THOUSAND:
            self._scale(int(word.value))
        else:
            self._simple(int(word.value), joined=word.prefix == _AND or not self._apart)

    def close(self) -> list[Fraction]:
        self._add_decimals()
        if self._now is not None or self._last:
            self._numbers.append(self._total + (self._now or 0))
        self._total, self._now, self._last = Fraction(0), None, 0
        return self._numbers

    def _decimal(self, word: NumberWord) -> None:
        """A digit behind the point; "nine and four" there are two numbers, "ninety and four" one."""
        decimals = self._decimals or []
        together = said_together(decimals[-1], int(word.value)) if decimals else None
        if together is not None:
            decimals[-1] = together
        elif word.prefix == _AND and decimals:
            self.close()
            self._now = word.value
            return
        else:
            decimals.append(int(word.value))
        self._decimals = decimals

    def _add_decimals(self) -> None:
        if self._decimals:
            digits = "".join(map(str, self._decimals))[:_MOST_DECIMALS]
            self._now = (self._now or 0) + Fraction(int(digits), 10 ** len(digits))
        self._decimals = None

    def _fraction(self, word: NumberWord) -> None:
        if word.of_it and self._now is not None:
            self._now *= word.value
        elif word.prefix == _AND and self._now is not None and self._now.denominator == 1:
            self._now += word.value
        elif word.prefix == _AND and self._now is None and self._last:
            self._total += self._last * word.value
        else:
            self.close()
            self._now = word.value

    def _scale(self, value: int) -> None:
        self._add_decimals()
        scale = value if value in _SCALES else _THOUSAND
        if (self._last and scale >= self._last) or (value not in _SCALES and self._now is not None):
            self.close()
        count = Fraction(value, scale) if self._now is None else self._now
        self._total, self._now, self._last = self._total + count * scale, None, scale

    def _simple(self, value: int, *, joined: bool) -> None:
        whole = self._now is not None and self._now.denominator == 1 and (joined or value >= _TEN)
        together = said_together(int(self._now), value) if whole and self._now is not None else None
        if together is not None:
            self._now = Fraction(together)
            return
        if self._now is not None or (self._last and value == 0):
            self.close()
        self._now = Fraction(value)


def digits_of(values: list[Fraction]) -> str:
    """The digits one after the other; of a fraction with its point."""
    return "".join(map(_written, values))


def forms_of(words: list[NumberWord]) -> frozenset[str]:
    """Everything a number may mean: two numbers are the same if they have one of these in common."""
    values = values_of(words)
    forms = {*_in_digits(values), *_in_digits(values_of(words, apart=True)), *_clocks(words, values)}
    if len(values) == 1 and values[0] > _MILLION and 0 < values[0] % _MILLION < _THOUSAND:
        part = values[0] % _MILLION
        forms.add(_written(values[0] - part + part * _THOUSAND))  # "מיליון שמונה מאות"
    return frozenset(forms)


def _in_digits(values: list[Fraction]) -> Iterator[str]:
    """The numbers apart, and in a row if they may be dictated: 0, 52 is 0, 5, 2."""
    yield " ".join(map(_written, values))
    digits = digits_of(values)
    if len(values) > 1 and any(value.denominator > 1 for value in values):
        return
    if len(values) == 1 or len(digits) == len(values) >= _FEW_DIGITS or len(digits) > _FEW_DIGITS:
        yield digits


def _clocks(words: list[NumberWord], values: list[Fraction]) -> Iterator[str]:
    """The hours that the number may be: שתיים וחצי, שתיים שלושים, רבע לשלוש."""
    if len(values) == 2 and words[-1].prefix == _TO and values[1].denominator == 1:
        to = values[0] * _MINUTES if values[0] < 1 else values[0]
        yield _clock(int(values[1]) - 1, _MINUTES - int(to))
    if len(values) == 3 and values[1] == 0:
        values = [values[0], values[2]]
    hour = values[0]
    if hour >= _MOST_HOURS:
        return
    if len(values) == 1 and hour > 1:
        minutes = hour % 1 * _MINUTES
        if minutes.denominator == 1 and (minutes or hour <= _NOON):
            yield _clock(int(hour), int(minutes))
    elif len(values) == 2 and hour.denominator == values[1].denominator == 1 and values[1] < _MINUTES:
        yield _clock(int(hour), int(values[1]))


def _clock(hour: int, minutes: int) -> str:
    return f"{(hour - 1) % _NOON + 1}:{minutes:02}"


def _written(value: Fraction) -> str:
    if value.denominator == 1:
        return str(int(value))
    behind = f"{float(value % 1):.6f}".removeprefix("0").rstrip("0")
    return f"{int(value)}{behind}"
