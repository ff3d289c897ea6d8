"""Hebrew number words: cardinals and ordinals in both genders, decimals, dictated digits."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from num2words import num2words

from server.hebrew.understand.gender import Gender

# 12, 1,250,000, 3.5; at most 15 digits before the point
FIGURES = r"(?:\d{1,3}(?:,\d{3}){1,4}(?!\d)|\d{1,15})(?:\.\d+)?"
LONGEST_NUMBER = 15  # digits that ``FIGURES`` matches; longer numbers are dictated
_FRACTIONS = {"5": "חצי", "25": "רבע"}
_THREE_QUARTERS = "75"
_MOST_KEPT = 4096  # cached numbers
_MOST_DIGITS_READ = 2  # decimals read as a number: 3.14 is three point fourteen, 3.141 is dictated


@dataclass(frozen=True)
class Amount:
    """A decimal number: of ``3.50``, ``whole`` is 3 and ``part`` is "50"; "" without a point."""

    whole: int
    part: str = ""

    @classmethod
    def read(cls, figures: str) -> "Amount":
        """The amount of a text that ``FIGURES`` matches."""
        whole, _, part = figures.replace(",", "").partition(".")
        return cls(int(whole), part)

    def times(self, scale: int) -> Decimal:
        """The value times 10 to the ``scale``."""
        return Decimal(f"{self.whole}.{self.part or 0}").scaleb(scale)

    @property
    def significant(self) -> str:
        """The part without trailing zeros."""
        return self.part.rstrip("0")

    @property
    def fraction(self) -> str | None:
        """The Hebrew word for a half or a quarter; None for another part."""
        return _FRACTIONS.get(self.significant)

    @property
    def three_quarters(self) -> bool:
        """Whether the amount is exactly 0.75."""
        return self.whole == 0 and self.significant == _THREE_QUARTERS


def cardinal(
    number: int,
    gender: Gender = Gender.FEMININE,
    *,
    before_noun: bool = False,
    definite: bool = False,
) -> str:
    """``number`` (0 to 10**66) in words; feminine, as in counting, by default.

    ``before_noun``: in construct with the noun behind it, שני and שתי (but מאה ושניים). ``definite``: the
    noun has an article, as in שלושת החדרים.
    """
    construct = (before_noun and number == 2) or (definite and number <= 10)
    return _in_words(number, _letter(gender), construct)


@lru_cache(_MOST_KEPT)
def _in_words(number: int, gender: str, construct: bool) -> str:
    words: str = num2words(number, lang="he", gender=gender, construct=construct)
    return words


def ordinal(number: int, gender: Gender) -> str:
    """An ordinal with its article: החמישי, החמישית, החמישה עשר."""
    words: str = num2words(number, lang="he", to="ordinal", gender=_letter(gender), definite=True)
    return words


def _letter(gender: Gender) -> str:
    return gender.name[0].lower()


_DIGITS = {str(digit): cardinal(digit) for digit in range(10)}


def amount_words(amount: Amount, gender: Gender = Gender.FEMININE) -> str:
    """A number without a noun: שלוש וחצי, שלושה רבעים, ארבע נקודה שמונה."""
    if not amount.part:
        return cardinal(amount.whole, gender)
    if amount.three_quarters:
        return "שלושה רבעים"
    if amount.fraction:
        return f"{cardinal(amount.whole, gender)} ו{amount.fraction}" if amount.whole else amount.fraction
    return f"{cardinal(amount.whole)} נקודה {_behind_point(amount.part)}"


def _behind_point(part: str) -> str:
    read = len(part) <= _MOST_DIGITS_READ and not part.startswith("0")
    return cardinal(int(part)) if read else " ".join(_DIGITS[char] for char in part)


def dictated(digits: str) -> str:
    """Digit by digit, with a pause after every third; a single last digit joins the group before it."""
    ends = [*range(3, len(digits) - 1, 3), len(digits)]
    return dictated_groups([digits[start:end] for start, end in zip([0, *ends], ends, strict=False)])


def dictated_groups(groups: list[str]) -> str:
    """Digit by digit, with a pause between groups; other characters are dropped."""
    return ", ".join(" ".join(_DIGITS[char] for char in group if char in _DIGITS) for group in groups)
