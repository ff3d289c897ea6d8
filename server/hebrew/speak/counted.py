"""Amounts in words, alone and with a noun."""

from server.hebrew.speak.amounts import Written
from server.hebrew.speak.nouns import Counted
from server.hebrew.speak.numbers import Amount, amount_words, cardinal
from server.hebrew.understand.gender import Gender

_SCALE_NAMES = {3: "אלף", 6: "מיליון", 9: "מיליארד"}
_THOUSAND = 3
_LAST_FEW = 10
_HALF = "5"
_HUNDREDTHS = {
    "שקל": Counted(Gender.FEMININE, "אגורה", "אגורות", "אגורות"),
    "דולר": Counted(Gender.MASCULINE, "סנט", "סנט", "סנט"),
    "אירו": Counted(Gender.MASCULINE, "סנט", "סנט", "סנט"),
}


def alone(low: Written, high: Written | None, gender: Gender, *, before_noun: bool = False) -> str:
    """The number, or both numbers of a range, without a noun."""
    if high is None:
        return _scaled(low.amount, low.scale, gender) if low.scale else amount_words(low.amount, gender)
    low_scale = low.scale or (high.scale if low.amount.whole < 1000 else 0)
    first = _scaled(low.amount, low_scale, gender) if low_scale else amount_words(low.amount, gender)
    if high.scale:
        return f"{first} עד {_scaled(high.amount, high.scale, gender)}"
    if before_noun and not high.amount.part:
        return f"{first} עד {cardinal(high.amount.whole, gender, before_noun=True)}"
    return f"{first} עד {amount_words(high.amount, gender)}"


def counted_words(amount: Amount, counted: Counted) -> str:
    """A number with its noun, in spoken order and form."""
    if amount.significant:
        return _with_part(amount, counted)
    if amount.whole == 1 and counted.one:
        return f"{counted.one} {cardinal(1, counted.gender)}"
    if amount.whole == 2 and counted.dual:
        return counted.dual
    noun = counted.few if amount.whole <= _LAST_FEW else counted.many
    return f"{cardinal(amount.whole, counted.gender, before_noun=True)} {noun}"


def _with_part(amount: Amount, counted: Counted) -> str:
    """With a fraction: חצי שעה, חדר וחצי, שנתיים וחצי, שלושה וחצי חדרים, ארבעה שקלים ותשעים אגורות."""
    whole, fraction = amount.whole, amount.fraction
    half = amount.significant == _HALF and (whole > 0 or amount.part == _HALF)
    if (small := _HUNDREDTHS.get(counted.one or "")) and len(amount.part) <= 2 and not half:
        hundredths = counted_words(Amount(int(f"{amount.part:0<2}")), small)
        return f"{counted_words(Amount(whole), counted)} ו{hundredths}" if whole else hundredths
    if counted.one and whole == 0 and (fraction or amount.three_quarters):
        return f"{fraction or 'שלושת רבעי'} {counted.one}"
    if fraction and counted.one and whole == 1:
        return f"{counted.one} ו{fraction}"
    if fraction and counted.dual and whole == 2:
        return f"{counted.dual} ו{fraction}"
    return f"{amount_words(amount, counted.gender)} {counted.many}"


def _scaled(amount: Amount, scale: int, gender: Gender) -> str:
    """An amount with its scale. Decimals are multiplied out, halves and quarters not: שניים וחצי מיליון."""
    name, whole, part = _SCALE_NAMES[scale], amount.whole, amount.significant
    if whole == 0 and (amount.fraction or amount.three_quarters):
        return f"{amount.fraction or 'שלושת רבעי'} {name}"
    if amount.fraction and scale > _THOUSAND:
        whole_words = f"{cardinal(whole, Gender.MASCULINE)} ו{amount.fraction} {name}"
        return f"{name} ו{amount.fraction}" if whole == 1 else whole_words
    if len(part) > scale:
        return f"{amount_words(amount)} {name}"
    return cardinal(int(f"{whole}{part:0<{scale}}"), gender)
