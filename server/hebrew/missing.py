"""Our words did not reach the caller (E4): "לא קלטתי את השעה", "את נקטעת לי", "פספסתי". Lists are data."""

from server.hebrew.data import Phrases

_AND, _THAT, _BECAUSE, _THE, _ITEM_OF = "ו", "ש", "כי", "ה", "את"
_LOST = Phrases.read("repeat/lost", "repeat/voice", prefixes=(_AND, _THAT, _BECAUSE))
_MISSED = Phrases.read("repeat/missed", prefixes=(_AND,))
_GOT = Phrases.read("repeat/missed:got")
_TRIES = Phrases.read("repeat/missed:tries")
_HEARD = Phrases.read("repeat/missed:heard")
_OF_OURS = Phrases.read("repeat/missed:of_ours")
_NOT_OURS = Phrases.read("repeat/missed_not")
_STRESS = Phrases.read("repeat/voice:stress")
_NOT = Phrases.read("repeat/words:not")
_ANOTHER = Phrases.read("repeat/words:another")
_LONG_AGO = Phrases.read("repeat/words:long_ago")
_EAR = Phrases.read("repeat/words:ear")
_ALL_OF_IT = Phrases.read("repeat/words:all_of_it")
ITEMS = Phrases.read("repeat/items", prefixes=("ה", "ב", "ל", "מה"))


def misses_us(words: list[str], place: int) -> bool:
    """At ``place`` it is said that our words, or a part of them, were lost just now."""
    if _NOT.at(words, place) and _missed_us(words, place + 1):
        return True
    return bool(_LOST.at(words, place)) and not _LONG_AGO.within(words)


def names_an_item(words: list[str]) -> bool:
    """ "המספר", "מספר הטלפון"."""
    return any(
        word.startswith(_THE) or "".join(words[place + 1 : place + 2]).startswith(_THE)
        for place, word in enumerate(words)
        if ITEMS.at(words, place)
    )


def _missed_us(words: list[str], start: int) -> bool:
    """Behind "not", which stands before ``start``: "לא (כל כך) שמעתי אותך"."""
    if start > 1 and _ANOTHER.at(words, start - 2):  # "אמא שלי לא שומעת", "אתה לא מבין"
        return False
    places = (start + passed for passed in _STRESS.reach(words[start:]))
    missed = next((place for place in places if _MISSED.at(words, place)), None)
    return missed is not None and _is_ours(words, missed)


def _is_ours(words: list[str], place: int) -> bool:
    """What is missed by the verb at ``place`` is what we said."""
    verb, behind = words[place], words[place + 1 :]
    long_ago = verb == "שמעתי" and _LONG_AGO.within(words[:place])
    if _NOT_OURS.at(words, place + 1) or _EAR.within(words):
        return False
    if not behind:
        return not _TRIES.at(words, place) and not long_ago
    if verb == "הבנתי" and behind[0] == _ITEM_OF and "אמרת" not in behind:
        return names_an_item(behind)  # not "את החשבונית"
    if _GOT.at(words, place):
        foreign = behind[0].startswith("מ") and not _ALL_OF_IT.at(behind, 0)
        return not long_ago and (verb != "שמעתי" or not foreign)
    if verb == "הספקתי":
        return bool(_HEARD.at(behind, 0)) or behind[0] in (_ITEM_OF, "אני")
    if _TRIES.at(words, place):
        return bool(_HEARD.at(behind, 0))
    if verb == "רשמתי":
        return behind[0] == _ITEM_OF and names_an_item(behind)
    return bool(_OF_OURS.at(behind, 0))  # what is missed now: "לא שומעת אותך", but not "לא שומע מוזיקה"
