"""What is counted: nouns with their gender, and the signs and short forms of measures (``data``)."""

import re
from dataclasses import dataclass

from server.hebrew.abbreviations import plain_marks, written
from server.hebrew.data import lines_of
from server.hebrew.gender import Gender


@dataclass(frozen=True)
class Counted:
    """What a number stands before. ``few`` is said with two to ten of it, ``many`` with more and with parts.

    ``one``: the singular; None when it is not known. ``dual``: שנתיים, if people say that.
    """

    gender: Gender
    one: str | None
    few: str
    many: str
    dual: str | None = None


@dataclass(frozen=True)
class Found:
    """What is counted at a place of a text; it ends at ``end``.

    ``unit``: a sign or a short form. ``singular``: a noun that is written so.
    """

    counted: Counted
    end: int
    definite: bool = False
    singular: bool = False
    unit: bool = False


@dataclass(frozen=True)
class _Noun:
    one: str
    plural: str
    gender: Gender
    dual: str | None


_GENDERS = {"ז": Gender.MASCULINE, "נ": Gender.FEMININE}  # as the lists write them


def _read_nouns() -> dict[str, _Noun]:
    """Every form → its noun; of a masculine plural also the construct (חדרי)."""
    nouns: dict[str, _Noun] = {}
    for line in lines_of("nouns"):
        one, plural, gender, *dual = (field.strip() for field in line.split(","))
        noun = _Noun(one, plural, _GENDERS[gender], dual[0] if dual else None)
        construct = plural[:-1] if plural.endswith("ים") else plural
        nouns |= {one: noun, plural: noun, construct: noun}
    return nouns


def _read_units() -> tuple[dict[str, Counted], dict[str, str]]:
    """Written form → what is counted; written form → what is said without a number."""
    units, alone = {}, {}
    for line in lines_of("units"):
        sign, _, forms = (field.strip() for field in line.partition("="))
        one, few, many, lone, gender = (field.strip() for field in forms.split(","))
        units[sign] = Counted(_GENDERS[gender], one, few, many)
        if lone != "-":
            alone[sign] = lone
    return units, alone


_NOUNS = _read_nouns()
UNITS, UNITS_ALONE = _read_units()
_COUNTED_IN_THE_SINGULAR = {unit.one for unit in UNITS.values()} | {"איש"}
_LABELS = frozenset(lines_of("labels"))
_NOT_COUNTED = frozenset(lines_of("not_counted"))
_ENDINGS = {"ים": Gender.MASCULINE, "ות": Gender.FEMININE}
_SHORTEST_GUESS = 4
_FAR = 30  # characters; a word that names a number is not farther from it

_UNIT = re.compile(rf"[^\S\n]*({written(UNITS)})(?!\w)")
_WORD = re.compile(r"[^\S\n]+([א-ת]+(?:['׳’][א-ת]+)?)(?!\w|[\"״׳'][א-ת])")
_NUMBER_FOLLOWS = re.compile(r"[^\S\n]+\d")
_LAST_WORD = re.compile(r"([א-ת]+)[^\S\n]*$")
_PREFIXES = re.compile(r"[ובלהמשכ]{1,3}(?=[א-ת]{2})")


def counted_at(text: str, start: int, *, one: bool = False, label_before: bool = False) -> Found | None:
    """What a number that ends at ``start`` counts; None when nothing.

    ``one``: the number is 1. ``label_before``: it names the word before it, as in קומה 3, unless a plural
    follows (דירה 3 חדרים).
    """
    if unit := _UNIT.match(text, start):
        return Found(UNITS[plain_marks(unit[1])], unit.end(), unit=True)
    if not (word := _WORD.match(text, start)):
        return None
    second = _WORD.match(text, word.end())
    if second and (pair := _NOUNS.get(f"{word[1]} {second[1]}")):
        return _found(pair, f"{word[1]} {second[1]}", second.end())
    definite = word[1] not in _NOUNS and word[1].startswith("ה") and word[1][1:] in _NOUNS
    noun = _NOUNS.get(word[1][definite:])
    if noun is None:
        return None if one or label_before else _guessed(word)
    found = _found(noun, word[1], word.end(), definite)
    if found.singular and (label_before or definite or _NUMBER_FOLLOWS.match(text, word.end())):
        return None  # "12 דירה 5": it is the name of the next number
    return found


def _found(noun: _Noun, as_written: str, end: int, definite: bool = False) -> Found:
    bare = as_written[definite:]
    singular = noun.one == bare != noun.plural
    if bare in (noun.one, noun.plural):
        counted = Counted(noun.gender, noun.one, as_written, as_written, noun.dual)
    else:  # the construct has neither a dual nor a singular of its own: שני ימי מנוחה
        counted = Counted(noun.gender, None, as_written, as_written)
    return Found(counted, end, definite, singular)


def _guessed(word: re.Match[str]) -> Found | None:
    """A plural, by its ending."""
    plural = word[1]
    gender = _ENDINGS.get(plural[-2:])
    if gender is None or len(plural) < _SHORTEST_GUESS or plural in _NOT_COUNTED:
        return None
    return Found(Counted(gender, None, plural, plural), word.end())


def counted_in_the_singular(counted: Counted) -> bool:
    """A noun that few of may be said with in the singular as well: שלושה אחוז, חמישה מטר, שלושה איש."""
    return counted.one in _COUNTED_IN_THE_SINGULAR


def label_before(text: str, end: int) -> bool:
    """Whether the word before ``end`` is one that numbers name."""
    word = _LAST_WORD.search(text, max(0, end - _FAR), end)
    return word is not None and any(bare in _LABELS for bare in _without_prefixes(word[1]))


def gender_before(text: str, end: int) -> Gender:
    """Of the noun before ``end``, known or guessed by its ending; masculine without one."""
    word = _LAST_WORD.search(text, max(0, end - _FAR), end)
    if word is None:
        return Gender.MASCULINE
    for bare in _without_prefixes(word[1]):
        if noun := _NOUNS.get(bare):
            return noun.gender
    return Gender.FEMININE if word[1].endswith(("ה", "ת")) else Gender.MASCULINE


def _without_prefixes(word: str) -> list[str]:
    prefixes = _PREFIXES.match(word)
    return [word[cut:] for cut in range(prefixes.end() + 1 if prefixes else 1)]
