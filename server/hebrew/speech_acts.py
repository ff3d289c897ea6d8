"""What a caller does by saying it: takes leave, asks for a person, asks to hear it again. Lists are data."""

import re

from server.hebrew.data import Phrases
from server.hebrew.words import words_of

_GOODBYE = Phrases.read("goodbye", prefixes=("ו",))
_THANKS = Phrases.read("thanks", prefixes=("ו",))
_PARTING_WISH = Phrases.read("goodbye_wish", prefixes=("ו",))
_WISH_OR_GREETING = Phrases.read("goodbye_wish", "goodbye_with_thanks", prefixes=("ו",))
_YES = Phrases(["כן"])
_GOODBYES = ("goodbye", "goodbye_wish", "goodbye_till_then", "goodbye_with_thanks", "thanks")
_PARTING = Phrases.read(*_GOODBYES, "goodbye_around", "courtesy", prefixes=("ו",))
_BEFORE_A_NAME = Phrases.read(*_GOODBYES, prefixes=("ו",))
_NO_NAME = Phrases.read("no_name")

_CLAUSE = re.compile(r"[,.;:!?…\n]+")
_OF_NOUNS = ("ה", "ל", "ב", "מ", "ו")
_CALLED = Phrases.read("person_called", prefixes=_OF_NOUNS)
_WISHED = Phrases.read("person_called", "person_wished", prefixes=_OF_NOUNS)
_PERSON = Phrases.read("person_called", "person_wished", "person", prefixes=_OF_NOUNS)
_AROUND_A_PERSON = Phrases.read("courtesy", "person_around")
_NO_PERSON_BEHIND = Phrases.read("person_not_behind", prefixes=("ה", "ל"))
_MINE = Phrases(["שלי", "שלנו"])
_MACHINE = Phrases.read("person_machine")
_IF_LAST = Phrases.read("person_if_last", prefixes=("ו", "ש"))
_WISH_IF_LAST = Phrases.read("person_if_last_wish", prefixes=("ו", "ש"))
_WISH = Phrases.read("person_wish", prefixes=("ו", "ש"))
_TALK = Phrases.read("person_talk", prefixes=("ו", "ש"))
_ORDER = Phrases.read("person_order", prefixes=("ו", "ש"))
_NOT_WISHED = Phrases.read("person_not_wished", prefixes=("ו", "ש"))
_NOT_ORDERED = Phrases(["אל", "בלי", "שלא"], prefixes=("ו",))

_REPEAT = Phrases.read("repeat", prefixes=("ו", "ש"))
_NO_REPEAT = Phrases.read("repeat_not", prefixes=("ו", "ש"))
_REPEAT_AT_END = Phrases.read("repeat_at_end", prefixes=("ו",))
_REPEAT_ALONE = Phrases.read("repeat_alone", prefixes=("ו",))
_COURTESY = Phrases.read("courtesy")


def says_goodbye(text: str) -> bool:
    """All of ``text`` is leave-taking, with thanks, fillers and one name around it (F2)."""
    words = words_of(text)
    nameless = (
        words[:place] + words[place + 1 :] for place in range(1, len(words)) if _may_be_a_name(words, place)
    )
    return any(_takes_leave(rest) for rest in (words, *nameless))


def _takes_leave(words: list[str]) -> bool:
    return _PARTING.make_up(words) and (_GOODBYE.within(words) or _wishes_well(words))


def _wishes_well(words: list[str]) -> bool:
    """Thanks before a wish or a greeting take leave; thanks behind it are the answer to ours."""
    first = next((place for place in range(len(words)) if _WISH_OR_GREETING.at(words, place)), len(words))
    if first == len(words) or _THANKS.within(words[:first]):
        return first < len(words)
    answers = _YES.within(words) or _THANKS.within(words[first:])
    return not answers and bool(_PARTING_WISH.at(words, first))


def _may_be_a_name(words: list[str], place: int) -> bool:
    """Behind a goodbye or thanks; a word that means something is none."""
    means = _NO_NAME.at(words, place) or _PARTING.at(words, place)
    return bool(_BEFORE_A_NAME.at_end(words[:place])) and not means


def wants_person(text: str) -> bool:
    """The caller asks for a human being (F3), and does not merely ask about one or decline one."""
    return any(_asks_for_person(words_of(clause)) for clause in _CLAUSE.split(text))


def _asks_for_person(words: list[str]) -> bool:
    ways = (_wishes_at, _orders_at, _asks_at_last, _declines_machine_at)
    return _calls_for_person(words) or any(way(words, start) for start in range(len(words)) for way in ways)


def _calls_for_person(words: list[str]) -> bool:
    """Nothing but the word, politely: "נציג בבקשה"."""
    return _nothing_but(_CALLED, words, around=_AROUND_A_PERSON)


def _wishes_at(words: list[str], start: int) -> bool:
    """Such as "אפשר לדבר עם מנהל", but not "לא צריך לדבר עם מנהל"."""
    wish, talk = _WISH.at(words, start), _TALK.at(words, start)
    named = (wish and _ours(words, start + wish, _WISHED)) or (talk and _ours(words, start + talk, _PERSON))
    return bool(named) and not _NOT_WISHED.at_end(words[:start])


def _ours(words: list[str], start: int, persons: Phrases) -> int:
    """How many words name a person of ours at ``start``: not "היועץ שלי", not "מנהל בניין"."""
    length = persons.at(words, start)
    end = start + length
    another = _MINE.within(words[end : end + 2]) or _NO_PERSON_BEHIND.at(words, end)
    return 0 if another else length


def _asks_at_last(words: list[str], start: int) -> bool:
    """Such as "יש נציג", but not "יש נציג בסניף"."""
    wish = _WISH_IF_LAST.at(words, start)
    person = wish and _WISHED.at(words, start + wish)
    length = wish + person if person else _IF_LAST.at(words, start)
    behind = words[start + length :]
    last = not behind or _AROUND_A_PERSON.make_up(behind)
    return bool(length) and last and not _NOT_WISHED.at_end(words[:start])


def _declines_machine_at(words: list[str], start: int) -> bool:
    """Such as "לא רוצה לדבר עם רובוט"."""
    talk = _TALK.at(words, start)
    return bool(talk and _MACHINE.at(words, start + talk) and _NOT_WISHED.at_end(words[:start]))


def _orders_at(words: list[str], start: int) -> bool:
    """Such as "תעבירי אותי", but not "אל תעבירי אותי"."""
    return bool(_ORDER.at(words, start)) and not _NOT_ORDERED.at_end(words[:start])


def asks_to_repeat(text: str) -> bool:
    """The caller wants to hear the last answer again (E4)."""
    words = words_of(text)
    return (
        _nothing_but(_REPEAT_ALONE, words, around=_COURTESY)
        or _asks_at_end_to_repeat(words)
        or any(_REPEAT.at(words, start) > _NO_REPEAT.at(words, start) for start in range(len(words)))
    )


def _asks_at_end_to_repeat(words: list[str]) -> bool:
    """Such as "אתם יכולים לחזור בבקשה", but not "אני רוצה לחזור לצפון"."""
    while polite := _COURTESY.at_end(words):
        words = words[:-polite]
    return bool(_REPEAT_AT_END.at_end(words))


def _nothing_but(phrases: Phrases, words: list[str], *, around: Phrases) -> bool:
    """One of ``phrases`` is all that was said, but for ``around``."""

    def aside(rest: list[str]) -> bool:
        return not rest or around.make_up(rest)

    return any(
        aside(words[:start]) and aside(words[start + length :])
        for start in range(len(words))
        if (length := phrases.at(words, start))
    )
