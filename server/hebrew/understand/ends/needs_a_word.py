"""Turns that end in a word incomplete without the next: prepositions, constructs, labels, titles."""

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.digits import number_in
from server.hebrew.understand.ends.grammar import (
    CLASSES,
    IN_TO_FROM,
    JOINED,
    NOUNS,
    TO_ME,
    WAITING,
    is_counted,
    opened,
)  # fmt: skip
from server.hebrew.understand.verbs import verb_in


def _constructs() -> frozenset[str]:
    """The construct forms of nouns, with their possible prefix letters: דירה, דירת; חדרים, חדרי."""
    nouns = [noun for noun in [*NOUNS, *lines_of("ends/nouns")] if " " not in noun]
    feminines = {noun[:-1] + "ת" for noun in nouns if noun.endswith("ה")}
    plurals = {noun[:-1] for noun in nouns if noun.endswith("ים") and len(noun) >= _MIN_PLURAL}
    shapes = (feminines | plurals) - frozenset(lines_of("ends/no_constructs"))
    return frozenset(front + shape for shape in shapes for front in _FRONTS)


_MIN_PLURAL = 5  # letters
_FRONTS = ("", *"בלמוהשכ", "של", "וב", "ול", "שב")
_CONSTRUCTS = _constructs()
_FLATS = tuple(word for word in _CONSTRUCTS if word.endswith("דירת"))
_PREFIX_LETTERS = frozenset(lines_of("ends/letters"))
_HALVES = Phrases(CLASSES["halves"], (*IN_TO_FROM, *JOINED))
_TO_TITLES = frozenset(front + title for title in CLASSES["titles"] for front in "למ")
_PLACES = Phrases(CLASSES["places"], JOINED)
_MEASURED = Phrases(CLASSES["measured"], JOINED)
_LABELS = Phrases(CLASSES["label"], (*IN_TO_FROM, "ו"))
_LABELS_ALONE = Phrases.read("ends/labels_alone", prefixes=("ה", "ו"))
_OF_ADDRESS = Phrases(CLASSES["label_of_address"], ("ו",))
_STREETS = Phrases(CLASSES["streets"], (*IN_TO_FROM, "ה"))
_LETTERED = Phrases(CLASSES["lettered"], (*IN_TO_FROM, "ה"))
_NONE = "אין"
_STREET_AWAY = 3  # words from the street to a label behind its name: "רחוב בן גוריון דירה"
_WHOLE = ("כן", "הכול", "הכל")  # "כן בערך"
_MOST_COUNTED = 10  # numbers up to this have a construct form


def letter_named(words: list[str]) -> bool:
    """Whether the last letter is a name: "קומה ה"."""
    return len(words[-1]) == 1 and bool(_LETTERED.at_end(words[:-1]))


def prefix_letters(words: list[str]) -> bool:
    """Whether the last word is only a prefix: "ב", "ול", "כש"."""
    return words[-1] in _PREFIX_LETTERS


def place(words: list[str]) -> bool:
    """A preposition of place: "אני גרה ליד", "לפני"; not "ממש ליד", "יום אחרי", "לפני החג או אחרי"."""
    if not _PLACES.at_end(words):
        return False
    return len(words) == 1 or not (words[-2] in CLASSES["leaning"] or number_in(words[-2]) is not None)


def measure(words: list[str]) -> bool:
    """An approximation without its amount: "זה עולה בערך"; not "שלושה בערך", "מאה שקל בערך"."""
    if not _MEASURED.at_end(words):
        return False
    return len(words) == 1 or not (is_counted(words[-2]) or words[-2] in _WHOLE)


def construct(words: list[str]) -> bool:
    """The first half of a compound or place name: "בחברת", "דירת", "בפתח"; also "דירת שלושה"."""
    flat = len(words) > 1 and words[-2] in _FLATS and number_in(words[-1]) is not None
    return flat or words[-1] in _CONSTRUCTS or (bool(_HALVES.at_end(words)) and not _asked_for(words))


def title(words: list[str]) -> bool:
    """A title without its name: "אצל דוקטור", "לגברת"; not "תודה גברת"."""
    behind = words[-1] in CLASSES["titles"] and bool(WAITING.at_end(words[:-1]))
    return behind or words[-1] in _TO_TITLES


def label(words: list[str]) -> bool:
    """A label without its value: "קומה", "שם משפחה"; behind a street "דירה"; not "איזו קומה", "אין מספר"."""
    if alone := _LABELS_ALONE.at_end(words):
        return alone == len(opened(words)) or _LABELS_ALONE.within(words[:-alone])
    if _asked_for(words):
        return False
    return bool(_LABELS.at_end(words)) or (bool(_OF_ADDRESS.at_end(words)) and _in_address(words[:-1]))


def number_of_noun(words: list[str]) -> bool:
    """A number in construct form, without its noun: "שלושת", "יש לי שתי", "ראיתי שני"; not "ביום שני"."""
    last = words[-1]
    if last not in CLASSES["two"]:
        return last.endswith("ת") and 2 < (number_in(last) or 0) <= _MOST_COUNTED
    if len(words) == 1 or words[-2] in CLASSES["day_before"]:
        return False
    before = words[-2]
    counts = before in TO_ME or before in CLASSES["before_two"] or verb_in(before) is not None
    return counts or bool(WAITING.at_end(words[:-1]))


def _in_address(before: list[str]) -> bool:
    """Whether a street with its name, or with its number, precedes: "רחוב ויצמן", "הרצל ארבעים"."""
    service = len(before) > 1 and number_in(before[-1]) is not None and verb_in(before[-2]) is None
    return service or _STREETS.within(before[-_STREET_AWAY:])


def _asked_for(words: list[str]) -> bool:
    """Whether the label is asked for or denied: "איזו קומה", "באיזה רחוב", "אין (לי) מספר"."""
    before = words[:-1]
    if before and before[-1] in TO_ME and before[-2:-1] == [_NONE]:
        return True
    return bool(before) and before[-1] in CLASSES["before_label"]
