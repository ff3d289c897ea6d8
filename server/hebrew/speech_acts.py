"""What a caller does by saying it: takes leave, asks for a person, asks to hear it again. Lists are data."""

import re

from server.hebrew.data import Phrases
from server.hebrew.words import words_of

_GOODBYE = Phrases.read("goodbye", prefixes=("ו",))
_THANKS = Phrases.read("thanks", prefixes=("ו",))
_GREETING_OR_GOODBYE = Phrases.read("goodbye_with_thanks", prefixes=("ו",))
_PARTING = Phrases.read(
    "goodbye", "goodbye_with_thanks", "thanks", "goodbye_around", "courtesy", prefixes=("ו",)
)
_BEFORE_A_NAME = Phrases.read("goodbye", "goodbye_with_thanks", "thanks")
_NO_NAME = Phrases.read("no_name")

_CLAUSE = re.compile(r"[,.;:!?…\n]+")
_OF_NOUNS = ("ה", "ל", "ב", "מ", "ו")
_CALLED = Phrases.read("person_called", prefixes=_OF_NOUNS)
_WISHED = Phrases.read("person_called", "person_wished", prefixes=_OF_NOUNS)
_PERSON = Phrases.read("person_called", "person_wished", "person", prefixes=_OF_NOUNS)
_AROUND_A_PERSON = Phrases.read("courtesy", "person_around")
_WISH = Phrases.read("person_wish", prefixes=("ו", "ש"))
_TALK = Phrases.read("person_talk", prefixes=("ו", "ש"))
_ORDER = Phrases.read("person_order", prefixes=("ו", "ש"))
_NOT_WISHED = Phrases.read("person_not_wished", prefixes=("ו", "ש"))
_NOT_ORDERED = Phrases(["אל", "בלי", "שלא"], prefixes=("ו",))

_REPEAT = Phrases.read("repeat", prefixes=("ו", "ש"))
_NO_REPEAT = Phrases.read("repeat_not", prefixes=("ו", "ש"))
_REPEAT_ALONE = Phrases.read("repeat_alone", prefixes=("ו",))
_COURTESY = Phrases.read("courtesy")


def says_goodbye(text: str) -> bool:
    """All of ``text`` is leave-taking, with thanks, fillers and one name around it (F2)."""
    words = words_of(text)
    if not (_GOODBYE.within(words) or (_GREETING_OR_GOODBYE.within(words) and _THANKS.within(words))):
        return False
    return _PARTING.make_up(words) or any(
        _PARTING.make_up(words[:place] + words[place + 1 :])
        for place in range(1, len(words))
        if _may_be_a_name(words, place)
    )


def _may_be_a_name(words: list[str], place: int) -> bool:
    """Behind a goodbye or thanks; a word that means something is none."""
    return bool(_BEFORE_A_NAME.at_end(words[:place])) and not _NO_NAME.at(words, place)


def wants_person(text: str) -> bool:
    """The caller asks for a human being (F3), and does not merely ask about one or decline one."""
    return any(_asks_for_person(words_of(clause)) for clause in _CLAUSE.split(text))


def _asks_for_person(words: list[str]) -> bool:
    return _calls_for_person(words) or any(
        _wishes_at(words, start) or _orders_at(words, start) for start in range(len(words))
    )


def _calls_for_person(words: list[str]) -> bool:
    """Nothing but the word, politely: "נציג בבקשה"."""
    return _nothing_but(_CALLED, words, around=_AROUND_A_PERSON)


def _wishes_at(words: list[str], start: int) -> bool:
    """Such as "אפשר לדבר עם מנהל", but not "לא צריך לדבר עם מנהל"."""
    wish, talk = _WISH.at(words, start), _TALK.at(words, start)
    named = (wish and _WISHED.at(words, start + wish)) or (talk and _PERSON.at(words, start + talk))
    return bool(named) and not _NOT_WISHED.at_end(words[:start])


def _orders_at(words: list[str], start: int) -> bool:
    """Such as "תעבירי אותי", but not "אל תעבירי אותי"."""
    return bool(_ORDER.at(words, start)) and not _NOT_ORDERED.at_end(words[:start])


def asks_to_repeat(text: str) -> bool:
    """The caller wants to hear the last answer again (E4)."""
    words = words_of(text)
    return _nothing_but(_REPEAT_ALONE, words, around=_COURTESY) or any(
        _REPEAT.at(words, start) > _NO_REPEAT.at(words, start) for start in range(len(words))
    )


def _nothing_but(phrases: Phrases, words: list[str], *, around: Phrases) -> bool:
    """One of ``phrases`` is all that was said, but for ``around``."""

    def aside(rest: list[str]) -> bool:
        return not rest or around.make_up(rest)

    return any(
        aside(words[:start]) and aside(words[start + length :])
        for start in range(len(words))
        if (length := phrases.at(words, start))
    )
