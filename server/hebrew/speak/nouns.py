"""Counted nouns with their gender, and signs and abbreviations of measures (``data``)."""

import re
from dataclasses import dataclass, replace

from server.hebrew.data import lines_of
from server.hebrew.speak.abbreviations import plain_marks
from server.hebrew.understand.gender import Gender


@dataclass(frozen=True)
class Counted:
    """A noun behind a number. ``few``: the form for two to ten, ``many``: for more and for fractions.

    ``one``: the singular; None if unknown. ``dual``: a form like שנתיים, if it is in use.
    """

    gender: Gender
    one: str | None
    few: str
    many: str
    dual: str | None = None


@dataclass(frozen=True)
class Found:
    """A counted noun in a text, ending at ``end``.

    ``unit``: a sign or abbreviation. ``singular``: written in the singular. ``guessed``: not in a list.
    """

    counted: Counted
    end: int
    definite: bool = False
    singular: bool = False
    unit: bool = False
    guessed: bool = False


@dataclass(frozen=True)
class _Noun:
    one: str
    plural: str
    gender: Gender
    dual: str | None


_GENDERS = {"ז": Gender.MASCULINE, "נ": Gender.FEMININE}  # as written in the lists


def _read_nouns() -> dict[str, _Noun]:
    """Every form → its noun, including the construct of a masculine plural (חדרי)."""
    nouns: dict[str, _Noun] = {}
    for line in lines_of("nouns"):
        one, plural, gender, *dual = (field.strip() for field in line.split(","))
        noun = _Noun(one, plural, _GENDERS[gender], dual[0] if dual else None)
        construct = plural[:-1] if plural.endswith("ים") else plural
        nouns |= {one: noun, plural: noun, construct: noun}
    return nouns


def _read_units() -> tuple[dict[str, Counted], dict[str, str]]:
    """Written form → counted noun; written form → the words without a number."""
    units, alone = {}, {}
    for line in lines_of("spoken/units"):
        sign, _, forms = (field.strip() for field in line.partition("="))
        one, few, many, lone, gender = (field.strip() for field in forms.split(","))
        units[sign] = Counted(_GENDERS[gender], one, few, many)
        if lone != "-":
            alone[sign] = lone
    return units, alone


_NOUNS = _read_nouns()
UNITS, UNITS_ALONE = _read_units()
_COUNTED_IN_THE_SINGULAR = {unit.one for unit in UNITS.values()} | {"איש"}
_CONTAINERS = frozenset(lines_of("spoken/containers"))
_WATER = "מים"  # not counted itself, but in containers
_LABELS = frozenset(lines_of("labels"))
_NOT_COUNTED = frozenset(lines_of("spoken/not_counted"))
_AGAINST_THEIR_ENDING = {
    word: _GENDERS[gender]
    for gender, *words in map(str.split, lines_of("spoken/nouns_against_ending"))
    for word in words
}
_PLURALS = {"ים": Gender.MASCULINE, "ות": Gender.FEMININE}
_CONSTRUCT = "י"
_FEMININE_ENDINGS = ("ה", "ת")
_SHORTEST_GUESS = 4
_SHORTEST_CONSTRUCT = 3
_FAR = 30  # characters back in which a label for the number is searched

_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
_NOT_A_POINT = re.compile(f"[{_POINTS}]")
_SHORT = r"[א-ת]+(?:(?:[\"״“”„'׳’]|''|׳׳)[א-ת]+)?['׳’‘´`]?"
_UNIT = re.compile(rf"[^\S\n]*(°(?: ?[CF])?|[₪$€£¥%‰]|{_SHORT}|[A-Za-z]+[23]?)(?![\w\"״])")
_WORD = re.compile(rf"[^\S\n]+((?:[א-ת][{_POINTS}]*)+(?:['׳’\"״](?:[א-ת][{_POINTS}]*)+)?)(?!\w|[\"״׳'][א-ת])")
_NUMBER_FOLLOWS = re.compile(r"[^\S\n]+\d")
_WORD_FOLLOWS = re.compile(r"[^\S\n]+[א-ת][א-ת\"'״׳]")
_FEMININE_PLURAL = re.compile(r"[^\S\n]+[א-הח-ת][א-ת]+ות(?![א-ת\"'])")
_OF_ACTION = re.compile(r"[א-ת]{2}י[א-ת]ה")  # בחירה, מכירה: the first letter belongs to the root
_PREFIX_LETTERS = frozenset("ובלהמשכ")
_LAST_WORD = re.compile(r"(?<![א-ת])([א-ת]+)[^\S\n]*$")
_LAST_NOUN = re.compile(r"(?<![א-ת])(?P<word>[א-ת]+)(?P<colon>:)?[^\S\n]*$")
_PREFIXES = re.compile(r"[ובלהמשכ]{1,3}(?=[א-ת]{2})")
_PARTITIVE = re.compile(r"[^\S\n]+מ(?:תוך[^\S\n]+|בין[^\S\n]+)?ה([א-ת]{3,})")
_NO_NOUN_BEGINS = ("ו", "ה", "ב", "ל", "ש", "כש", "מה")


def counted_at(
    text: str, start: int, *, one: bool = False, label_before: bool = False, unlisted: bool = False
) -> Found | None:
    """The noun that a number ending at ``start`` counts, or None.

    ``one``: the number is 1; with ``unlisted``, any noun may follow it. ``label_before``: the number names
    the word before it, as in קומה 3, unless a plural follows (דירה 3 חדרים).
    """
    if found := _unit(text, start):
        return found
    if not (match := _WORD.match(text, start)):
        return None
    word = unpointed(match[1])
    if pair := _pair(text, word, match.end()):
        return pair
    definite = word not in _NOUNS and word.startswith("ה") and word[1:] in _NOUNS
    noun = _NOUNS.get(word[definite:])
    if (
        noun is None
        and one
        and (head := _construct_of(word))
        and (longer := _one_of_two_words(text, head, match))
    ):
        return longer
    if noun is None and one:
        return _unlisted(match, word) if unlisted and not label_before else None
    if noun is None:
        return None if label_before else _guessed(match, word)
    if one and (longer := _one_of_two_words(text, noun, match)):
        return longer
    found = _agreeing(text, _found(noun, match[1], word, match.end(), definite))
    label_before = label_before and not counted_in_the_singular(found.counted)
    if found.singular and (label_before or definite or _NUMBER_FOLLOWS.match(text, match.end())):
        return None  # "12 דירה 5": the noun is the label of the next number
    return found


def _construct_of(word: str) -> _Noun | None:
    """The noun of which ``word`` is the singular construct: מנת, of מנה."""
    return _NOUNS.get(f"{word[:-1]}ה") if word.endswith("ת") else None


def _agreeing(text: str, found: Found) -> Found:
    """``found`` with the gender of its adjective, for nouns of both genders: לקוחות נוספות."""
    if not (found.counted.few.endswith("ות") and _FEMININE_PLURAL.match(text, found.end)):
        return found
    return replace(found, counted=replace(found.counted, gender=Gender.FEMININE))


def _one_of_two_words(text: str, noun: _Noun, match: re.Match[str]) -> Found | None:
    """One compound of two words: כרטיס כניסה, מנת פלאפל, בקבוק יין."""
    second = _WORD.match(text, match.end())
    if not second or not _is_of(unpointed(match[1]), noun, unpointed(second[1])):
        return None
    both = f"{match[1]} {second[1]}"
    return Found(Counted(noun.gender, both, both, both), second.end(), singular=True)


def _is_of(word: str, noun: _Noun, second: str) -> bool:
    """Whether ``second`` complements ``word``: a noun, not an adjective, a verb or a prefixed noun."""
    contents = second == _WATER and word in _CONTAINERS
    if (second in _NOT_COUNTED and not contents) or second[0] == "ה" or len(second) < _SHORTEST_CONSTRUCT:
        return False
    if word != noun.one or contents:  # the construct form: מנת, of מנה
        return True
    prefixed = second[0] in _PREFIX_LETTERS and second not in _NOUNS
    if prefixed and (second[1:] in _NOUNS or not _OF_ACTION.fullmatch(second)):
        return False
    disagrees = noun.gender is Gender.MASCULINE and second.endswith(_FEMININE_ENDINGS)
    listed = second in _NOUNS and _NOUNS[second].one == second
    return disagrees or listed or word in _CONTAINERS


def unpointed(word: str) -> str:
    """``word`` without niqqud."""
    return word if word.isascii() else _NOT_A_POINT.sub("", word)


def _unit(text: str, start: int) -> Found | None:
    """A sign or abbreviation, together with a noun that completes it: חד' שינה."""
    match = _UNIT.match(text, start)
    unit = UNITS.get(plain_marks(match[1])) if match else None
    if match is None or unit is None:
        return None
    pair = _pair(text, unit.one or "", match.end())
    if pair is None:
        return Found(unit, match.end(), unit=True)
    return replace(pair, unit=True, singular=False, counted=_all_forms(pair))


def _all_forms(pair: Found) -> Counted:
    """All forms of an abbreviation, which stands for singular and plural."""
    noun = _NOUNS[pair.counted.few]
    return Counted(noun.gender, noun.one, noun.plural, noun.plural, noun.dual)


def _pair(text: str, word: str, end: int) -> Found | None:
    """A noun of two words; the first may be in its plain form: יחידה, of יחידת דיור."""
    if not (second := _WORD.match(text, end)):
        return None
    construct = f"{word[:-1]}ת" if word.endswith("ה") else word
    for first in (word, construct):
        if noun := _NOUNS.get(f"{first} {second[1]}"):
            as_written = f"{first} {second[1]}"
            return _found(noun, as_written, as_written, second.end())
    return None


def pair_of_unit(text: str, unit: str, end: int) -> tuple[str, int] | None:
    """The singular of an abbreviation ending at ``end`` with the noun behind it, and its end; or None."""
    pair = _pair(text, UNITS[unit].one or "", end)
    return (pair.counted.one, pair.end) if pair and pair.counted.one else None


def _found(noun: _Noun, as_written: str, bare: str, end: int, definite: bool = False) -> Found:
    bare = bare[definite:]
    singular = noun.one == bare != noun.plural
    if bare in (noun.one, noun.plural):
        counted = Counted(noun.gender, noun.one, as_written, as_written, noun.dual)
    else:  # a construct has neither dual nor singular: שני ימי מנוחה
        counted = Counted(noun.gender, None, as_written, as_written)
    return Found(counted, end, definite, singular)


def _guessed(match: re.Match[str], word: str) -> Found | None:
    """A plural or construct recognised by its ending."""
    gender = None if _is_no_noun(word) else _gender_of_plural(match, word)
    if gender is None:
        return None
    return _agreeing(
        match.string, Found(Counted(gender, None, match[1], match[1]), match.end(), guessed=True)
    )


def _is_no_noun(word: str) -> bool:
    """Whether the word is listed as uncounted, or is a noun behind a prefix: 3 בדירות, 2 מהחדרים."""
    if any(bare in _NOT_COUNTED for bare in without_prefixes(word)[:2]):
        return word not in _AGAINST_THEIR_ENDING
    return word.startswith("מה") or (word[0] in "בל" and word[1:] in _NOUNS)


def _gender_of_plural(match: re.Match[str], word: str) -> Gender | None:
    if exception := _AGAINST_THEIR_ENDING.get(word):
        return exception if word[-2:] in _PLURALS or word.endswith(_CONSTRUCT) else None
    if len(word) >= _SHORTEST_GUESS and (gender := _PLURALS.get(word[-2:])):
        return gender
    construct = len(word) >= _SHORTEST_CONSTRUCT and word.endswith(_CONSTRUCT)
    return Gender.MASCULINE if construct and _WORD_FOLLOWS.match(match.string, match.end()) else None


def _unlisted(match: re.Match[str], word: str) -> Found | None:
    """One unlisted noun: פנטהאוז, סוויטה; not a word that begins like other word classes."""
    if len(word) < _SHORTEST_GUESS - 1 or word in _NOT_COUNTED or word.startswith(_NO_NOUN_BEGINS):
        return None
    return Found(Counted(gender_of_singular(word), match[1], match[1], match[1]), match.end(), singular=True)


def gender_of_singular(word: str) -> Gender:
    """The gender of a singular noun, listed or guessed by its ending."""
    if noun := _NOUNS.get(word):
        return noun.gender
    if exception := _AGAINST_THEIR_ENDING.get(word):
        return exception
    return Gender.FEMININE if word.endswith(_FEMININE_ENDINGS) else Gender.MASCULINE


def counted_in_the_singular(counted: Counted) -> bool:
    """Whether the noun may stay singular behind a small number: שלושה אחוז, חמישה מטר, שלושה איש."""
    return counted.one in _COUNTED_IN_THE_SINGULAR


def label_before(text: str, end: int) -> bool:
    """Whether the word before ``end`` is a label for numbers."""
    word = _LAST_WORD.search(text, max(0, end - _FAR), end)
    return word is not None and any(bare in _LABELS for bare in without_prefixes(word[1]))


def gender_before(text: str, end: int) -> Gender:
    """The gender of the noun before ``end``, listed or guessed by its ending; masculine without a noun."""
    word = _LAST_WORD.search(text, max(0, end - _FAR), end)
    if word is None:
        return Gender.MASCULINE
    bares = without_prefixes(word[1])
    known = next((bare for bare in bares if bare in _NOUNS or bare in _AGAINST_THEIR_ENDING), bares[0])
    return gender_of_singular(known)


def gender_of_all(text: str, start: int) -> Gender | None:
    """The gender of the noun of which some are counted: שניים מהחדרים."""
    match = _PARTITIVE.match(text, start)
    if match is None:
        return None
    noun = _NOUNS.get(match[1])
    return noun.gender if noun else _AGAINST_THEIR_ENDING.get(match[1]) or _PLURALS.get(match[1][-2:])


def listed_before(text: str, end: int, *, one: bool) -> Gender | None:
    """The gender of a noun counted by the number behind it: חדרים: 3, or with ``one``, כדור 1."""
    word = _LAST_NOUN.search(text, max(0, end - _FAR), end)
    for bare in without_prefixes(word["word"]) if word else ():
        if bare in _LABELS:
            return None
        if (noun := _NOUNS.get(bare)) and (one if bare == noun.one else word and word["colon"]):
            return noun.gender
    return None


def without_prefixes(word: str) -> list[str]:
    """``word``, and what remains of it without each possible number of prefix letters."""
    prefixes = _PREFIXES.match(word)
    return [word[cut:] for cut in range(prefixes.end() + 1 if prefixes else 1)]
