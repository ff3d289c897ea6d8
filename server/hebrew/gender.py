"""The gender that the caller's own speech shows. Lists are data."""

import re
from collections.abc import Iterator
from enum import Enum

from server.hebrew.data import Phrases, lines_of
from server.hebrew.digits import number_in
from server.hebrew.words import words_of


class Gender(Enum):
    FEMININE = "feminine"
    MASCULINE = "masculine"


def _pairs(*names: str) -> dict[Gender, Phrases]:
    """The lists' masculine and feminine forms, which stand on one line with "/" between them."""
    pairs = [line.split("/") for name in names for line in lines_of(name)]
    masculine, feminine = zip(*pairs, strict=True)
    return {Gender.MASCULINE: Phrases(masculine), Gender.FEMININE: Phrases(feminine)}


_BEHIND_I = _pairs("gender_pairs", "gender_pairs_alone")
_KIN = _pairs("gender_pairs_kin")
_ALONE = _pairs("gender_pairs_alone")
_I = Phrases(["אני"], prefixes=("ו", "ש", "כש", "וש", "וכש", "לכש", "מש"))
_BETWEEN = Phrases.read("gender_between")
_BEFORE_ALONE = Phrases.read("gender_before_alone", "courtesy", "hesitation", "yes")
_OTHERS = Phrases(["אנחנו", "אנו", "זה", "אלה", "אלו"], prefixes=("ו", "ש"))
_OF_ONE = ("ל", "ב")  # "אמא לשלושה", "אישה בהריון"
_AGED = Phrases(["בן", "בת"])
_SAYS = Phrases.read("gender_reported")
_CLAUSE = re.compile(r"[,.;:!…\n]+|(?<=\?)")


def shown_gender(text: str) -> Gender | None:
    """The gender of what the caller says of himself or herself; None when nothing, or both, shows.

    "אני מחפשת" shows it, and so does "מחפשת דירה" at the beginning of what is said and not asked.
    """
    shown = {gender for clause in _CLAUSE.split(text) for gender in _shown_in(clause)}
    return shown.pop() if len(shown) == 1 else None


def _shown_in(clause: str) -> Iterator[Gender]:
    words = words_of(clause)
    for place in range(len(words)):
        if _I.at(words, place) and not _SAYS.at_end(words[:place]):
            yield from _form_behind(words, place + 1, _BETWEEN, _BEHIND_I)
            if not _OTHERS.within(words[:place]):
                yield from _kin_behind(words, place + 1)
    if "?" not in clause:
        yield from _form_behind(words, 0, _BEFORE_ALONE, _ALONE)


def _form_behind(
    words: list[str], start: int, between: Phrases, forms: dict[Gender, Phrases]
) -> Iterator[Gender]:
    """The gender of the forms that stand at ``start``, or behind nothing but words of ``between``."""
    places = [start + passed for passed in between.reach(words[start:])]
    for gender, phrases in forms.items():
        if any(phrases.at(words, place) for place in places):
            yield gender


def _kin_behind(words: list[str], start: int) -> Iterator[Gender]:
    """Such as "אני אמא לשלושה", but not "אני אמא ושני ילדים"."""
    places = [start + passed for passed in _BETWEEN.reach(words[start:])]
    for gender, kin in _KIN.items():
        ends = [place + length for place in places if (length := kin.at(words, place))]
        if any(_is_of_oneself(words[end:]) for end in ends):
            yield gender


def _is_of_oneself(behind: list[str]) -> bool:
    if not behind or behind[0] == "של":
        return True
    if _AGED.at(behind, 0):
        return len(behind) > 1 and number_in(behind[1]) is not None
    return behind[0].startswith(_OF_ONE)
