"""The caller's gender, as shown by the caller's own words. Lists are data."""

import re
from collections.abc import Iterator

from server.hebrew.data import Phrases
from server.hebrew.understand.digits import VALUES, number_in
from server.hebrew.understand.gender_forms import Gender, forms_at, pairs, shown_by_several
from server.hebrew.words import words_of

__all__ = ["Gender", "shown_gender"]

_ALONE = pairs("gender/pairs_alone")
_SIBLINGS = {Gender.MASCULINE: "אחי", Gender.FEMININE: "אחותי"}  # also used to address someone
_OPENINGS = pairs("gender/openings")
_OPENINGS_BEHIND = Phrases.read("gender/openings_behind") | Phrases(VALUES)
_KIN = pairs("gender/pairs_kin", prefixes=("ה",))
_STATES = pairs("gender/states")
_TOLD = Phrases.read("gender/told", prefixes=("ו", "ש", "כש"))
_ROLES = pairs("gender/pairs_roles")
_AS_A_ROLE = pairs("gender/pairs_roles", prefixes=("כ",))
_SPEAKING = {"מדבר": Gender.MASCULINE, "מדברת": Gender.FEMININE}
_I = Phrases(["אני"], prefixes=("ו", "ש", "כש", "וש", "וכש", "לכש", "מש"))
_WE = Phrases(["אנחנו", "אנו"], prefixes=("ו", "ש", "כש"))
_TWO = Phrases(["שתי", "שתיים", "שתינו"])
_WAS = Phrases.read("gender/was", prefixes=("ו", "ש", "כש"))
_FELT = Phrases.read("gender/felt")
_BOTH = Phrases.read("gender/both")
_BETWEEN = Phrases.read("gender/between", "gender/both") | Phrases(VALUES)
_GREETING = Phrases.read("gender/before_alone", "courtesy", "hesitation", "answers/yes")
_BEFORE_ALONE = Phrases.read("gender/before_alone", "courtesy", "hesitation", "answers/yes", "gender/between")
_ELSEWHERE = Phrases.read("gender/elsewhere")
_NO_NAME = Phrases.read("gender/manner", "question_words")
_SAYS = Phrases.read("gender/reported")
_TO_SOMEBODY = frozenset({"לי", "לו", "לה", "לנו", "לך"})
_COUNTING = Phrases(["אנחנו", "אנו", "זה", "אלה", "אלו"], prefixes=("ו", "ש"))
_SOMEBODY_ELSE = Phrases(["היא", "הוא", "את", "אתה"], prefixes=("ו", "ש"))
_AGED = Phrases(["בן", "בת"])
_OWN = frozenset({"של", "שלו", "שלה", "שלהם", "שלהן", "עם"})
_OF_ONE = ("ל", "ב", "ש")  # "אמא לשלושה", "אישה בהריון", "אמא שעובדת"
_TWO_OF = ("שני", "שתי")
_NOT_OF_ONE = ("של", *_TWO_OF)  # "אישה שלי ושני ילדים"
_HERE = frozenset({"כאן", "פה", "זאת"})
_IN_THE_ROLE_OF = "בתור"
_AS, _AS_ONE_WHO, _THAT = "כ", "כמי", "ש"
_AND, _IN = "ו", "ב"
_BESIDE = frozenset({"עם", "ליד", "מול", "אצל", "בלי", "את"})  # "עם טלפון שבור"
_THE = "ה"
_IN_A_ROLE = (_IN_THE_ROLE_OF, _AS)
_OF_A_QUEUE = Phrases.read("gender/queue")
_MYSELF = frozenset({"אותי", "עצמי"})
_THE_ONE = {"זה": Gender.MASCULINE, "זאת": Gender.FEMININE, "זו": Gender.FEMININE}
_MORE_OF_IT = Phrases(["שמיעה", "ראייה", "מאוד", "מת", "מתה", "לגמרי"])
_GOOD = Phrases.read("good", "answers/yes")
_NEW_CLAUSE = ("ת", "אז", "ולכן", "כי")
_LIKE_ME = frozenset({"כמוני", "בגילי", "במצבי"})
_THIS_IS_I = (["זאת", "אני"], ["זו", "אני"])
_MINE = frozenset({"שלי", "שלנו"})
_WITH_KIN = 3  # words: "מחפשת הבת שלי"
_LONGEST_NAME = 2  # words
_LONGEST_CLAUSE = 100  # words examined; no statement about oneself is longer
_SOON = 5  # words within which a statement about oneself ends
_AND_FORM = re.compile("ו(?!ה)")
_CLAUSE = re.compile(r"[,.;:!…\n]+|(?<=\?)")


def shown_gender(text: str) -> Gender | None:
    """The gender in which the caller speaks of himself or herself; None if none shows, or both.

    "אני מחפשת" shows it, and so does "מחפשת דירה" at the beginning of a statement.
    """
    shown: set[Gender] = set()
    quoting = False
    for clause in _CLAUSE.split(text):
        words = words_of(clause)[:_LONGEST_CLAUSE]
        shown.update(_shown_in(words, quoted=quoting))
        if "?" not in clause:
            shown.update(_in_the_opening(words))
        quoting = _quotes(words)
    return shown.pop() if len(shown) == 1 else None


def _shown_in(words: list[str], *, quoted: bool) -> Iterator[Gender]:
    """The genders shown in a clause. ``quoted``: somebody's words were announced right before it."""
    for place, word in enumerate(words):
        before = words[:place]
        if _TOLD.at(words, place):
            yield from _state_at_end(words[place + 1 :])
        if _I.at(words, place):
            if word.startswith("ש") or not (_quotes(before) if before else quoted):
                yield from _form_behind(words, place + 1)
                yield from _one_who(words[place + 1 : place + 3])
                if not _COUNTING.within(before):
                    yield from _kin_behind(words, place + 1)
        elif _WE.at(words, place):
            yield from _women(words, place + 1)
        elif _WAS.at(words, place) and not _FELT.at(words, place + 1):
            yield from _form_behind(words, place + 1)
        elif word in _LIKE_ME and before:
            yield from forms_at(words, place - 1)
            yield from _of(_ROLES, words, place - 1)
        elif word.startswith(_IN_A_ROLE) and not _SOMEBODY_ELSE.within(before):
            yield from _role_at(words, place)
    for place in range(len(words) - 1):
        if words[place : place + 2] in _THIS_IS_I and "".join(words[place + 2 : place + 3])[:1] in (
            "",
            _THAT,
        ):
            yield Gender.FEMININE


def _quotes(words: list[str]) -> bool:
    """Whether another person's words follow: "היא אמרה לי", "הוא כתב בהודעה"; not "אני אומר"."""
    said = words[:-1] if words and (words[-1] in _TO_SOMEBODY or words[-1].startswith(_IN)) else words
    return bool(_SAYS.at_end(said)) and not _I.within(said[-3:])


def _of(forms: dict[Gender, Phrases], words: list[str], place: int) -> Iterator[Gender]:
    return (gender for gender, phrases in forms.items() if phrases.at(words, place))


def _form_behind(words: list[str], start: int) -> Iterator[Gender]:
    """The gender of the form at ``start``, or behind words that may stand between."""
    for passed in _BETWEEN.reach(words[start:]):
        place = start + passed
        yield from forms_at(words, place)
        # "אני לבד ומפחדת", but not "אני נכה ומגיע לי"
        if (
            passed
            and _AND_FORM.match("".join(words[place : place + 1]))
            and not _ELSEWHERE.at(words, place + 1)
        ):
            yield from forms_at([words[place][1:], *words[place + 1 :]], 0)


def _state_at_end(words: list[str]) -> Iterator[Gender]:
    """A state at the end, behind "חזרתי": "ממילואים עייף"."""
    of_others = any(word.startswith((_AND, "של")) or word in _BESIDE for word in words)
    if len(words) > _SOON or of_others:
        return
    for gender, states in _STATES.items():
        length = states.at_end(words)
        if length and not "".join(words[-1 - length : -length]).startswith(_IN):  # "ברגל שבורה"
            yield gender


def _one_who(words: list[str]) -> Iterator[Gender]:
    """A demonstrative: "אני זאת שהתקשרה"."""
    if len(words) > 1 and words[0] in _THE_ONE and words[1].startswith("ש"):
        yield _THE_ONE[words[0]]


def _women(words: list[str], start: int) -> Iterator[Gender]:
    """A feminine plural: "אנחנו מחפשות", "אנחנו שתי שותפות". A masculine plural may include women."""
    places = {start + passed for passed in _BETWEEN.reach(words[start:])}
    places |= {place + two for place in places if (two := _TWO.at(words, place))}
    if any(shown_by_several(words, place) for place in places):
        yield Gender.FEMININE


def _kin_behind(words: list[str], start: int) -> Iterator[Gender]:
    """Kinship of the caller: "אני אמא לשלושה", but not "אני אמא ושני ילדים"."""
    for place in (start + passed for passed in _BETWEEN.reach(words[start:])):
        for gender, kin in _KIN.items():
            length = kin.at(words, place)
            if length and _is_of_oneself(words[place:], length, gender):
                yield gender


def _is_of_oneself(words: list[str], length: int, gender: Gender) -> bool:
    """Whether the first ``length`` words name the caller, not one of several persons counted."""
    behind = words[length:]
    if not behind or behind[0] in _OWN or words[0].startswith(_THE):
        return True
    if length == 1 and _AGED.at(words, 0) and number_in(behind[0]) is not None:
        return not behind[0].startswith((_AND, *_TWO_OF))
    if _BOTH.at(behind, 0):  # "אבא גאה"
        return True
    if _AGED.at(behind, 0):
        return len(behind) > 1 and number_in(behind[1]) is not None
    if gender in forms_at(behind, 0):
        return True
    return behind[0].startswith(_OF_ONE) and not behind[0].startswith(_NOT_OF_ONE)


def _role_at(words: list[str], place: int) -> Iterator[Gender]:
    """A role: "בתור אבא", "כלקוחה", "אותי כמנויה"."""
    if words[place] == _AS_ONE_WHO and "".join(words[place + 1 : place + 2]).startswith(_THAT):
        yield from forms_at([words[place + 1][1:], *words[place + 2 :]], 0)
    elif words[place] == _IN_THE_ROLE_OF:
        yield from _of(_ROLES, words, place + 1)
        if not _OF_A_QUEUE.at(words, place + 1):
            yield from forms_at(words, place + 1)
    elif words[place].startswith(_AS):
        yield from _of(_AS_A_ROLE, words, place)
        if words[place - 1 : place] and words[place - 1] in _MYSELF:
            yield from forms_at([words[place][1:], *words[place + 1 :]], 0)


def _in_the_opening(words: list[str]) -> Iterator[Gender]:
    """A statement without "אני": "מחפשת דירה", "מדברת דליה", "כאן אמא של איתי"."""
    if _is_of_kin(words):
        return
    for place in _BEFORE_ALONE.reach(words):
        for gender, phrases in _ALONE.items():
            length = phrases.at(words, place)
            if (
                length
                and not _ELSEWHERE.at(words, place + length)
                and not _may_be_theirs(words[:place], gender)
            ):
                yield gender
    for place in _GREETING.reach(words):
        shown = (*_speaking(words[place:]), *_inverted(words, place), *_of_oneself(words, place))
        yield from (gender for gender in shown if not _may_be_theirs(words[:place], gender))


def _may_be_theirs(before: list[str], gender: Gender) -> bool:
    """Whether the form may be a sibling's: "אחותי צריכה תור"; not "אחותי לא יודע", which addresses her."""
    return _SIBLINGS[gender] in before


def _is_of_kin(words: list[str]) -> bool:
    """Whether a relative is the subject, behind the verb: "מחפשת עבודה הבת שלי"; not "… עם הבת שלי"."""
    if len(words) < _WITH_KIN or words[-1] not in _MINE or words[-3] in (*_BESIDE, "של", "בשביל", "עבור"):
        return False
    return any(kin.at(words, len(words) - 2) for kin in _KIN.values())


def _of_oneself(words: list[str], place: int) -> Iterator[Gender]:
    """An opening about oneself: "לקוחה שלכם עשרים שנה", "עומד פה בחוץ", but not "עומד פה רכב"."""
    for gender, phrases in _OPENINGS.items():
        ends = phrases.ends(words, place)
        if any(end == len(words) or _OPENINGS_BEHIND.at(words, end) for end in ends):
            yield gender


def _inverted(words: list[str], place: int) -> Iterator[Gender]:
    """Inverted order: "כבד שמיעה אני", "עייפה מאוד אני", but not "מצוין, אני מחכה"."""
    i = place + 1 + _MORE_OF_IT.at(words, place + 1)
    if words[i : i + 1] == ["אני"] and not _GOOD.at(words, place):
        if i + 1 == len(words) or words[i + 1].startswith(_NEW_CLAUSE):
            yield from forms_at(words, place)


def _speaking(words: list[str]) -> Iterator[Gender]:
    """An introduction by name: "מדברת דליה", "דליה כהן מדברת", but not "מדברת מהר"."""
    if not words:
        return
    if words[0] in _HERE:
        yield from _speaking(words[1:])
        if "של" in words[2:3]:
            yield from _of(_KIN, words, 1)
    elif words[0] in _SPEAKING:
        if words[1:] and not _NO_NAME.at(words, 1):
            yield _SPEAKING[words[0]]
    elif words[-1] in _SPEAKING and len(words) <= _LONGEST_NAME + 1:
        if not words[0].startswith("ה") and not _NO_NAME.within(words[:-1]):
            yield _SPEAKING[words[-1]]
