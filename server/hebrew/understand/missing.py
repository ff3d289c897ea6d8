"""Words of the agent that the caller missed (E4): "לא קלטתי את השעה", "את נקטעת לי". Lists are data."""

from server.hebrew.data import Phrases

_AND, _THAT, _BECAUSE = "ו", "ש", "כי"
_THE, _ITEM_OF, _YOU_SAID = "ה", "את", "אמרת"
_LOST = Phrases.read("repeat/lost", "repeat/voice", prefixes=(_AND, _THAT, _BECAUSE))
_MISSED = Phrases.read("repeat/missed", prefixes=(_AND,))
_GOT = Phrases.read("repeat/missed:got")
_TRIES = Phrases.read("repeat/missed:tries")
_HEARD = Phrases.read("repeat/missed:heard")
_OF_AGENT = Phrases.read("repeat/missed:of_ours")
_NOT_OF_AGENT = Phrases.read("repeat/missed_not")
_STRESS = Phrases.read("repeat/voice:stress")
_NOT = Phrases.read("repeat/words:not")
_ANOTHER = Phrases.read("repeat/words:another")
_LONG_AGO = Phrases.read("repeat/words:long_ago")
_EAR = Phrases.read("repeat/words:ear")
_OTHERS = Phrases.read("repeat/words:other_people", prefixes=(_AND, _THAT))
_STILL_OURS = Phrases.read("repeat/words:still_ours", prefixes=(_AND,))
_NOT_OUR_WORDS = Phrases.read("repeat/words:not_our_words")
_THANKS = Phrases.read("thanks")
_AWAY = ("ה", "ב", "ל")  # "הכלב", "בבית", "לבטל"
_MIN_AWAY = 4  # letters of a word with one of them
_OF_ONESELF = ("תי", "בקושי")  # "פספסתי", "בקושי שומע": about the agent's words, whatever precedes
_NEAR = 4  # words
_ALL_OF_IT = Phrases.read("repeat/words:all_of_it")
ITEMS = Phrases.read("repeat/items", prefixes=("ה", "ב", "ל", "מה"))


def misses_agent(words: list[str], place: int) -> bool:
    """Whether the caller says at ``place`` that the agent's words, or a part of them, were lost."""
    if _NOT.at(words, place) and _missed_agent(words, place + 1):
        return True
    length = _LOST.at(words, place)
    return bool(length) and not _LONG_AGO.within(words) and not _of_another(words, place, place + length)


def _of_another(words: list[str], start: int, end: int) -> bool:
    """Whether ``words[start:end]`` is about another thing: "הטלוויזיה נתקעת", "פספסתי את התור", or thanks."""
    before, behind = words[:start], words[end:]
    if _OTHERS.at_end(before) or (not words[start].endswith(_OF_ONESELF) and _a_thing_at_end(before)):
        return True
    place = max(_STRESS.reach(behind))
    return _THANKS.within(words) or (place < len(behind) and _is_another(behind[place:]))


def _a_thing_at_end(before: list[str]) -> bool:
    """Whether a thing ends ``before``, to which the loss refers: "התשלום (לא נקלט)"."""
    thing = before[-1:] != [] and before[-1].startswith(_THE)
    return thing and not names_an_item(before[-2:]) and _is_another(before[-1:])


def _is_another(words: list[str]) -> bool:
    """Whether ``words`` begin with a thing, place or purpose that is not among the agent's words."""
    near = words[:_NEAR]
    if _STILL_OURS.at(near, 0) or names_an_item(near) or _YOU_SAID in near:
        return False
    away = near[0].startswith(_AWAY) and len(near[0]) >= _MIN_AWAY
    return away or bool(_NOT_OUR_WORDS.at(near, 0))


def names_an_item(words: list[str]) -> bool:
    """Whether an item of the agent's answer is named: "המספר", "מספר הטלפון"."""
    return any(
        word.startswith(_THE) or "".join(words[place + 1 : place + 2]).startswith(_THE)
        for place, word in enumerate(words)
        if ITEMS.at(words, place)
    )


def _missed_agent(words: list[str], start: int) -> bool:
    """Whether a loss follows at ``start``, behind "not": "לא (כל כך) שמעתי אותך"."""
    if start > 1 and _ANOTHER.at(words, start - 2):  # "אמא שלי לא שומעת", "אתה לא מבין"
        return False
    places = (start + passed for passed in _STRESS.reach(words[start:]))
    missed = next((place for place in places if _MISSED.at(words, place)), None)
    return missed is not None and _is_agents_words(words, missed)


def _is_agents_words(words: list[str], place: int) -> bool:
    """Whether the object of the verb at ``place`` is the agent's words."""
    verb, behind = words[place], words[place + 1 :]
    long_ago = verb == "שמעתי" and _LONG_AGO.within(words[:place])
    if _NOT_OF_AGENT.at(words, place + 1) or _EAR.within(words):
        return False
    if not behind:
        return not _TRIES.at(words, place) and not long_ago
    what = behind[_HEARD.at(behind, 0) :]
    if what[:1] == [_ITEM_OF] and not _ALL_OF_IT.at(what, 1) and _YOU_SAID not in behind:
        if not names_an_item(what[:_NEAR]):
            return False  # "את החשבונית"
    if _GOT.at(words, place):
        foreign = behind[0].startswith("מ") and not _ALL_OF_IT.at(behind, 0)
        return not long_ago and (verb != "שמעתי" or not foreign)
    if verb == "הספקתי":
        return bool(_HEARD.at(behind, 0)) or behind[0] in (_ITEM_OF, "אני")
    if _TRIES.at(words, place):
        return bool(_HEARD.at(behind, 0))
    if verb == "רשמתי":
        return behind[0] == _ITEM_OF and names_an_item(behind)
    return bool(_OF_AGENT.at(behind, 0))  # "לא שומעת אותך", but not "לא שומע מוזיקה"
