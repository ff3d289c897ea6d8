"""The gender of words about oneself, by the patterns of Hebrew words. Exceptions are data.

Present-tense verbs, adjectives and names of trades follow patterns: "עובד, עובדת", "מתקשר, מתקשרת", "תקוע,
תקועה". The patterns here hold for words behind "אני"; elsewhere many nouns look alike. Words with the same
spelling in both genders ("רוצה", "מורה", "חולה") match no pattern.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum

from server.hebrew.data import Phrases, lines_of
from server.hebrew.families import MEDIAL


class Gender(Enum):
    FEMININE = "feminine"
    MASCULINE = "masculine"


def pairs(*names: str, prefixes: Iterable[str] = ()) -> dict[Gender, Phrases]:
    """The masculine and feminine forms of these lists. A line has both with "/" between, or one of them."""
    masculine, feminine = zip(*listed_pairs(*names), strict=True)
    return {
        Gender.MASCULINE: Phrases(filter(None, masculine), prefixes),
        Gender.FEMININE: Phrases(filter(None, feminine), prefixes),
    }


def listed_pairs(*names: str) -> Iterator[tuple[str, str]]:
    """Pairs of masculine and feminine, "" for one not listed: given side by side, or by an ending."""
    for line in (line for name in names for line in lines_of(name)):
        if line.startswith("+"):
            ending, _, forms = line[1:].partition(":")
            masculine = [form.replace("_", " ") for form in forms.split()]
            yield from ((form, _with(form, ending)) for form in masculine)
        else:
            one, _, other = line.partition("/")
            yield one.strip(), other.strip()


def _with(masculine: str, ending: str) -> str:
    return "" if ending == "-" else masculine[:-1] + masculine[-1].translate(MEDIAL) + ending


# A root letter; a consonantal י or ו is doubled inside a word.
_ROOT = r"(?:יי|וו|[^\Wוי\d_])"
# The last letter of a masculine form: with ה both genders look alike, and ת marks the feminine.
_END = r"[^\Wהתוי\d_]"
_NOT_MANY = rf"{_END}(?<!ם)"  # behind י, no plural: not "גרים"
# The first letter of an adjective. ב, ה, ו, כ, ל and מ are mostly prefixes ("בחוץ", "בקומה"), א and י mostly
# mark the future ("אגיע", "אבוא", "יגיע"). Adjectives that begin with them are listed.
_FIRST = r"[^\Wאבהוילכמ\d_]"
# Behind the מ of a verb: "מה…" and "ממ…" are "from the…" and "from a…" ("מהעירייה", "ממשרד").
_OF_A_VERB = rf"מ(?![המ])(?:{_ROOT}{{3,5}}|{_ROOT}[תסשז]ו{_ROOT}{{2}}|[תסשז]{_ROOT}ו{_ROOT}{{2}})"
_WITH_U = rf"מ(?!מ)[^\W\d_]?ו(?:י|{_ROOT}){_ROOT}{{1,2}}"
_WITH_I = rf"מ(?:ו|{_ROOT})?{_ROOT}י"
_OF_A_TRADE = r"(?:יסט|ולוג|ונר|ניק|דנט|אטור)"

_MASCULINE = re.compile(
    "|".join(
        (
            rf"[^\Wו\d_]ו{_ROOT}{_END}",  # עובד
            rf"{_OF_A_VERB}(?<![הת])",  # מדבר, מתקשר, מטלפן
            rf"{_WITH_U}(?<![הת])",  # מאושר, מעוניין, מופתע
            rf"{_WITH_I}{_NOT_MANY}",  # מרגיש, מגיע, מודיע
            rf"נ{_ROOT}{{2}}{_END}",  # נכנס
            rf"{_FIRST}{_ROOT}(?:ו{_END}|וי)",  # תקוע, פנוי
            rf"{_FIRST}{_ROOT}י{_NOT_MANY}",  # צעיר
            rf"{_FIRST}{_ROOT}{{2,3}}(?:ן|ני)",  # סקרן, עצבני
            r"[^\Wבהול\d_][^\W\d_]+אי",  # גמלאי
            rf"[^\Wבהול\d_][^\W\d_]+{_OF_A_TRADE}",  # פנסיונר
        )
    )
)
_FEMININE = re.compile(
    "|".join(
        (
            rf"[^\Wו\d_]ו{_ROOT}{_ROOT}ת",  # עובדת
            rf"{_OF_A_VERB}ת",  # מדברת, מתקשרת, מטלפנת
            rf"{_WITH_U}ת",  # מאושרת, מעוניינת, מופתעת
            rf"{_WITH_I}{_ROOT}ה",  # מרגישה, מגיעה, מודיעה
            rf"נ{_ROOT}{{2}}(?:{_ROOT}|י)ת",  # נכנסת, נהנית
            rf"{_FIRST}{_ROOT}ו(?:{_ROOT}|י)ה",  # תקועה, פנויה
            rf"{_FIRST}{_ROOT}י{_ROOT}ה",  # צעירה
            rf"{_FIRST}(?:{_ROOT}){{2}}ת",  # נהגת
            r"[^\Wבהוכלמ\d_][^\W\d_]+ית",  # עצבנית, סטודנטית
            rf"[^\Wבהול\d_][^\W\d_]+(?:א|{_OF_A_TRADE})ית",  # גמלאית, מילואימניקית
        )
    )
)
_LISTED = pairs("gender/pairs")
_LOOKALIKES = Phrases.read("gender/lookalikes", "gender/between", "gender/both")
_FROM = Phrases.read("gender/from", prefixes=("מ",))
_THE = "ה"
_OF_WOMEN = "ות"


def forms_at(words: list[str], place: int) -> frozenset[Gender]:
    """The genders shown by the form at ``place``, with or without article; empty for another word."""
    if place >= len(words):
        return frozenset()
    listed = frozenset(gender for gender, phrases in _LISTED.items() if phrases.at(words, place))
    if listed or _LOOKALIKES.at(words, place) or _FROM.at(words, place):
        return listed
    word = words[place]
    built = by_template(word)
    if built is not None:
        return frozenset({built})
    return forms_at([word[1:], *words[place + 1 :]], 0) if word.startswith(_THE) else frozenset()


def shown_by_several(words: list[str], place: int) -> bool:
    """Whether the word at ``place`` is a feminine plural: "מחפשות", "שכנות"."""
    stem = words[place].removesuffix(_OF_WOMEN) if place < len(words) else ""
    behind = words[place + 1 :]
    return stem not in ("", *words[place : place + 1]) and any(
        Gender.FEMININE in forms_at([stem + ending, *behind], 0) for ending in "תה"
    )


def by_template(word: str) -> Gender | None:
    """The gender shown by the word's pattern; None without a pattern."""
    if _FEMININE.fullmatch(word):
        return Gender.FEMININE
    return Gender.MASCULINE if _MASCULINE.fullmatch(word) else None
