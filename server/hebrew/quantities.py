"""Numbers and what they count, in words that agree: שני חדרים, שתי דירות, מיליון ושמונה מאות אלף שקלים."""

import re
from dataclasses import dataclass, replace

from server.hebrew.dates import MONTHS, PREFIX, day_of_month
from server.hebrew.gender import Gender
from server.hebrew.nouns import (
    Counted,
    Found,
    counted_at,
    counted_in_the_singular,
    gender_before,
    label_before,
)
from server.hebrew.numbers import (
    FIGURES,
    Amount,
    amount_words,
    cardinal,
    dictated,
    ordinal,
)

_SCALES = {"אלף": 3, "אלפים": 3, "K": 3, "k": 3, "מיליון": 6, "מליון": 6, "M": 6, "מיליארד": 9}
_SCALE_NAMES = {3: "אלף", 6: "מיליון", 9: "מיליארד"}
_NUMBER = re.compile(
    rf"{PREFIX}(?P<minus>(?<![\w)])[-−](?=\d))?(?P<low>{FIGURES})(?:\s?[-–־]\s?(?P<high>{FIGURES}))?"
    rf"(?:[^\S\n]*(?P<scale>{'|'.join(sorted(_SCALES, key=len, reverse=True))})(?!\w))?"
)
# Another number with the same noun: 3 או 4 חדרים.
_SAME_NOUN = re.compile(rf"(?:\s+(?:או|עד|על)\s+|\s+(?:עד\s+)?[ול][-־–]?)(?:{FIGURES})")
_MONTH = re.compile(rf"[^\S\n]+[בל]?(?:{'|'.join(MONTHS)})(?!\w)")
_OF_THE_MONTH = re.compile(r"[^\S\n]+[בל]חודש(?!\w)")
# פי 2, and the children of זוג + 2
_MASCULINE_BEHIND = re.compile(r"(?<![א-ת])(?:פי[^\S\n]+|[ובלהמשכ]{0,2}זוג(?:ות)?\s*(?:\+|פלוס)\s*)$")
_DIMENSION = re.compile(r"(?<=\d)\s?[x×X]\s?(?=\d)")
_SIGN_BEFORE = re.compile(
    rf"(?P<sign>[₪$€£])\s?(?P<number>{FIGURES}(?:\s?[-–]\s?{FIGURES})?(?:\s?(?:אלף|מיליון|מיליארד|[KMk])(?!\w))?)"
)
_MONEY_SIGN = r"[₪$€£]|ש(?:[\"״”]|'')ח"
_MONEY = rf"{_MONEY_SIGN}|שקל(?:ים)?|דולר|אירו"
_PER = re.compile(rf"({_MONEY_SIGN}|%)[^\S\n]?/[^\S\n]?(?=[א-ת])")
_POINTS_IN_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:\.\d{3}){2,4}(?![\d.,]*\d)")
# No sum has three digits behind its point.
_POINT_IN_A_SUM = re.compile(rf"(?<![\d.,])[1-9]\d{{0,2}}\.\d{{3}}(?=[^\S\n]*(?:{_MONEY}))")
_DECIMAL_COMMA = re.compile(
    rf"(?<![\d.,])(\d{{1,3}}),(\d{{1,2}}(?=[^\S\n]*(?:[%₪]|(?:{'|'.join(_SCALES)})(?!\w)))|5(?!\d))"
)
_AND_PART = re.compile(r"(?<![\d.,])(\d+)[^\S\n]+ו(חצי|רבע)(?!\w)")
_MIXED = re.compile(r"(?<![\d./])(?:(\d{1,3})[^\S\n]+)?(1/2|1/4|3/4)(?![\d/]|[.,]\d)")
_THIRDS = {"1/3": "שליש", "2/3": "שני שלישים"}
_THIRD = re.compile(r"(?<![\d./])[12]/3(?![\d/]|[.,]\d)")
_WORD_HYPHEN = re.compile(r"([א-ת]{2,})[-־](?=\d)")
_PREFIX_WORD = re.compile(r"[ובלהמשכ]{1,3}")
_SHARED_SIGN = re.compile(r"(?<=\d)[^\S\n]?[%₪$€](?=\s?[-–]\s?\d[\d,.]*[^\S\n]?[%₪$€])")
_FLOOR_OF = re.compile(r"(?<=קומה[^\S\n])(-?\d{1,2})/(?=\d{1,2}(?!\d))")
_SLASH = re.compile(r"(?<=\d)/(?=\d)")
_PARTS = {"1/2": "5", "1/4": "25", "3/4": "75", "חצי": "5", "רבע": "25"}
_THOUSAND = 3
_SHEKEL = "שקל"
_AGORA = Counted(Gender.FEMININE, "אגורה", "אגורות", "אגורות")
_LAST_FEW = 10  # from eleven on some measures are said in the singular
_FIRST_YEAR = 1000
_DICTATED_FROM = 7  # digits of a bare number that is not round: no one counts so far
_LAST_ORDINAL = 10
_FAR = 20  # characters; the word that makes a bare number masculine is not farther from it
_MOST_ALTERNATIVES = 4  # two, three or four rooms: how far a number looks for its noun


@dataclass(frozen=True)
class _Place:
    """A number in its text, which ends at ``end``."""

    match: re.Match[str]
    low: Amount
    high: Amount | None
    scale: int  # a power of ten
    end: int
    found: Found | None

    @property
    def prefix(self) -> str:
        return self.match["prefix"] or ""

    @property
    def exact(self) -> bool:
        """A single whole number, without a scale."""
        return self.high is None and not self.scale and not self.low.part


def spoken_quantities(text: str) -> str:
    """``text`` without figures."""
    text = _one_way_of_writing(text)
    spoken, done = [], 0
    while match := _NUMBER.search(text, done):
        words, end = _words(_place(match))
        spoken += [text[done : match.start()], _gap(text, match.start() - 1)]
        spoken += ["מינוס " if match["minus"] else "", words, _gap(text, end)]
        done = end
    return "".join(spoken) + text[done:]


def _one_way_of_writing(text: str) -> str:
    """Signs behind their number, parts as decimals, no dash between a word and a number."""
    text = _POINTS_IN_THOUSANDS.sub(_with_commas, _DECIMAL_COMMA.sub(_with_point, text))
    text = _FLOOR_OF.sub(r"\1 מתוך ", text)
    text = _THIRD.sub(lambda m: _THIRDS[m[0]], text)
    text = _MIXED.sub(lambda m: f"{m[1] or 0}.{_PARTS[m[2]]}", text)
    text = _AND_PART.sub(lambda m: f"{m[1]}.{_PARTS[m[2]]}", text)
    text = _SIGN_BEFORE.sub(r"\g<number> \g<sign>", text)
    text = _PER.sub(r"\1 ל", _SHARED_SIGN.sub("", _POINT_IN_A_SUM.sub(_with_commas, text)))
    text = _WORD_HYPHEN.sub(lambda m: m[0] if _PREFIX_WORD.fullmatch(m[1]) else f"{m[1]} ", text)
    return _SLASH.sub(" ", _DIMENSION.sub(" על ", text))


def _with_commas(match: re.Match[str]) -> str:
    """1.890.000 as 1,890,000."""
    return match[0].replace(".", ",")


def _with_point(match: re.Match[str]) -> str:
    """2,9 מיליון and 4,5 חדרים as decimals; a half only before what it may be half of."""
    half_of_nothing = match[2] == "5" and counted_at(match.string, match.end()) is None
    return match[0] if half_of_nothing else f"{match[1]}.{match[2]}"


def _place(match: re.Match[str]) -> _Place:
    text, low = match.string, Amount.read(match["low"])
    high = Amount.read(match["high"]) if match["high"] else None
    if high and (high.whole, high.part) <= (low.whole, low.part):
        return _Place(match, low, None, 0, match.end("low"), None)
    place = _Place(match, low, high, _SCALES.get(match["scale"], 0), match.end(), None)
    label = _is_label(match)
    found = counted_at(text, place.end, one=place.exact and low.whole == 1, label_before=label)
    few = place.exact and low.whole <= 10
    if found and found.singular and few and low.whole != 1 and not counted_in_the_singular(found.counted):
        return place  # a noun that is not counted by this number: הרצל 5 בניין ב
    return replace(place, found=found)


def _is_label(match: re.Match[str]) -> bool:
    """Whether the number names the word before it; one with a prefix of its own counts: חניה ל-2 רכבים."""
    prefix = match["prefix"] or ""
    return prefix in ("", "ה") and label_before(match.string, match.start())


def _words(place: _Place) -> tuple[str, int]:
    """The words of a number and of what it counts, and where both end."""
    text, prefix, number = place.match.string, place.prefix, place.low.whole
    if _is_code(place):
        return prefix + dictated(place.match["low"].replace(".", "")), place.match.end("low")
    if place.exact and _MONTH.match(text, place.end):
        return day_of_month(prefix, number), place.end
    if place.exact and _OF_THE_MONTH.match(text, place.end):
        return _day_of_the_month(prefix, number), place.end
    if place.found:
        return _with_noun(place, place.found), place.found.end
    if place.exact and prefix.endswith("ה") and number < _FIRST_YEAR:
        return prefix[:-1] + ordinal(number, gender_before(text, place.match.start())), place.end
    return prefix + _alone(place, _gender_ahead(place)), place.end


def _is_code(place: _Place) -> bool:
    """No one says it as a number: 007, 1234567 of nothing."""
    figures = place.match["low"].partition(".")[0]
    if len(figures) > 1 and figures.startswith("0"):
        return True
    bare = place.exact and place.found is None and "," not in figures
    return bare and len(figures) >= _DICTATED_FROM and not figures.endswith("000")


def _day_of_the_month(prefix: str, day: int) -> str:
    """בחמישי לחודש, בחמישה עשר לחודש."""
    if prefix.endswith("ב") and day <= _LAST_ORDINAL:
        return prefix + ordinal(day, Gender.MASCULINE).removeprefix("ה")
    return day_of_month(prefix, day)


def _with_noun(place: _Place, found: Found) -> str:
    counted, prefix = found.counted, place.prefix
    if place.high or place.scale:
        few = not place.scale and place.high and place.high.whole <= _LAST_FEW and not place.high.part
        noun = counted.few if few else counted.many
        return f"{prefix}{_alone(place, counted.gender, before_noun=True)} {noun}"
    definite = prefix.endswith("ה") and not found.unit and place.low.whole > 1 and place.exact
    if not (definite or found.definite):
        return prefix + _counted(place.low, counted)
    noun = counted.few if found.definite else f"ה{counted.few}"
    number = cardinal(place.low.whole, counted.gender, before_noun=True, definite=True)
    return f"{prefix.removesuffix('ה')}{number} {noun}"


def _alone(place: _Place, gender: Gender, *, before_noun: bool = False) -> str:
    """The number, or both of a range, without a noun."""
    if place.scale:
        ends = [_scaled(end, place.scale, gender) for end in (place.low, place.high) if end]
    elif place.high and before_noun and not place.high.part:
        ends = [amount_words(place.low, gender), cardinal(place.high.whole, gender, before_noun=True)]
    else:
        ends = [amount_words(end, gender) for end in (place.low, place.high) if end]
    return " עד ".join(ends)


def _gender_ahead(place: _Place) -> Gender:
    """Of a noun that comes with the next number: שלושה או ארבעה חדרים."""
    text = place.match.string
    start = place.match.start()
    if _MASCULINE_BEHIND.search(text, max(0, start - _FAR), start):
        return Gender.MASCULINE
    if _is_label(place.match):
        return Gender.FEMININE
    end = place.end
    for _ in range(_MOST_ALTERNATIVES):
        if not (another := _SAME_NOUN.match(text, end)):
            break
        end = another.end()
        if found := counted_at(text, end):
            return found.counted.gender
    return Gender.FEMININE


def _counted(amount: Amount, counted: Counted) -> str:
    """A number with its noun, in the order and the form that people say."""
    if amount.significant:
        return _with_part(amount, counted)
    if amount.whole == 1 and counted.one:
        return f"{counted.one} {cardinal(1, counted.gender)}"
    if amount.whole == 2 and counted.dual:
        return counted.dual
    noun = counted.few if amount.whole <= _LAST_FEW else counted.many
    return f"{cardinal(amount.whole, counted.gender, before_noun=True)} {noun}"


def _with_part(amount: Amount, counted: Counted) -> str:
    """חצי שעה, חדר וחצי, שנתיים וחצי, שלושה וחצי חדרים, ארבעה שקלים ותשעים אגורות."""
    whole, fraction = amount.whole, amount.fraction
    if counted.one == _SHEKEL and len(amount.part) == 2 and not (fraction and whole):
        agorot = _counted(Amount(int(amount.part)), _AGORA)
        return f"{_counted(Amount(whole), counted)} ו{agorot}" if whole else agorot
    if counted.one and whole == 0 and (fraction or amount.three_quarters):
        return f"{fraction or 'שלושת רבעי'} {counted.one}"
    if fraction and counted.one and whole == 1:
        return f"{counted.one} ו{fraction}"
    if fraction and counted.dual and whole == 2:
        return f"{counted.dual} ו{fraction}"
    return f"{amount_words(amount, counted.gender)} {counted.many}"


def _scaled(amount: Amount, scale: int, gender: Gender) -> str:
    """1.2 of a million is said in full; halves and quarters are: שניים וחצי מיליון."""
    name, whole, part = _SCALE_NAMES[scale], amount.whole, amount.significant
    if whole == 0 and (amount.fraction or amount.three_quarters):
        return f"{amount.fraction or 'שלושת רבעי'} {name}"
    if amount.fraction and scale > _THOUSAND:
        whole_words = f"{cardinal(whole, Gender.MASCULINE)} ו{amount.fraction} {name}"
        return f"{name} ו{amount.fraction}" if whole == 1 else whole_words
    if len(part) > scale:
        return f"{amount_words(amount)} {name}"
    return cardinal(int(f"{whole}{part:0<{scale}}"), gender)


def _gap(text: str, at: int) -> str:
    """A blank where a letter or a digit would touch the words."""
    return " " if at >= 0 and text[at : at + 1].isalnum() else ""
