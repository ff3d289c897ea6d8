"""A caller asks to hear again what we said: again, slower, louder, or an item of it (E4). Lists are data.

Constructions are looked for: a verb of telling, in the forms that ask it of us, beside "again" or a manner
("תגידי לי את זה לאט"); our words that were missed ("לא קלטתי את השעה"); a question word beside "you said"
("איזו קומה אמרת"); an item and "again" ("שוב את המספר"). To come back, or to do it again, is none of them.
"""

import re

from server.hebrew.data import Phrases, lines_of
from server.hebrew.words import words_of


def _forms(infinitive: str, stem: str, short: str) -> tuple[str, ...]:
    """תגיד, תגידי, תגידו, and the orders to a man and to a woman."""
    return infinitive, f"ת{stem}", f"ת{short}י", f"ת{short}ו", stem, f"{short}י"


_LINES = [line.split() for line in lines_of("repeat/tell")]
_VERBS = [_forms(infinitive, stem, short) for infinitive, stem, short, _ in _LINES]
_SAID = frozenset(
    f"{front}{told}{end}" for *_, told in (*_LINES, ["נתת"]) for front in ("", "ש") for end in ("", "ם")
)
_INFINITIVES = frozenset(infinitive for infinitive, *_ in _VERBS)
_TELL = frozenset(f"{front}{form}" for forms in _VERBS for form in forms for front in ("", "ו", "ש"))
_COME_BACK = frozenset(f"{front}{form}" for form in _VERBS[0] for front in ("", "ו", "ש"))
_HEAR = frozenset({"לשמוע", "ולשמוע", "שאשמע"})
_GIVE = frozenset({"לקבל", "לתת", "תן", "תני", "תנו", "תתן", "תתני", "תיתן", "תביא", "תביאי"})
_AGAIN = Phrases.read("repeat/again", prefixes=("ו",))
_MORE = [
    more
    for manner in lines_of("repeat/manner")
    for more in (f"יותר {manner}", f"{manner} יותר", f"{manner} {manner}")
]
_PIECES = [
    form for piece in lines_of("repeat/pieces") for form in (f"{piece} {piece}", f"{piece} אחרי {piece}")
]
_AGAIN_OR_MANNER = Phrases([*lines_of("repeat/again"), *lines_of("repeat/manner"), *_MORE, *_PIECES])
_MANNER_ALONE = Phrases([*lines_of("repeat/manner_alone"), *_MORE, *_PIECES], prefixes=("ו",))
_BETWEEN = Phrases.read("repeat/between", "courtesy")
_OPENING = Phrases.read("repeat/opening", "courtesy", "hesitation", "answers/yes", prefixes=("ו",))
_ALONE = Phrases.read("repeat/alone", prefixes=("ו",))
_ALONE_POLITELY = Phrases.read("repeat/alone", "courtesy", "repeat/called", prefixes=("ו",))
_PHRASES = Phrases.read("repeat/phrases", "repeat/line", prefixes=("ו", "ש"))
_DENIED = Phrases.read("repeat/denied", prefixes=("ו", "ש"))
_MISSED = Phrases.read("repeat/missed", prefixes=("ו",))
_NOT_OURS = Phrases.read("repeat/missed_not")
_VOICE = Phrases.read("repeat/voice", prefixes=("ו", "ש", "כי"))
_BAD = Phrases.read("repeat/bad")
_STRESS = Phrases(["קצת", "ממש", "מאוד", "נורא", "כל הזמן", "לי", "כל כך", "די", "טיפה", "יותר מדי", "את זה"])
_ITEMS = Phrases.read("repeat/items", prefixes=("ה", "ב", "ל", "מה"))
_LAST_SAID = Phrases.read("repeat/last_said")
_THANKS = Phrases.read("thanks")
_COURTESY = Phrases.read("courtesy", "repeat/called")
_ASKING = Phrases.read("question_words", prefixes=("ו", "ב", "ל", "מ"))
_REASON = frozenset({"למה", "מדוע", "האם"})
_TO_OTHERS = frozenset({"לו", "לה", "להם", "להן"})
_OURSELVES = frozenset({"עצמי", "עצמך", "עצמנו", "עצמו", "עצמה"})
_I = frozenset({"אני", "אנחנו", "רציתי", "שאני", "ואני"})
_NOT = frozenset({"לא", "ולא", "שלא"})
_LONG_AGO = frozenset({"אתמול", "שבוע", "שבועיים", "חודש", "חודשיים", "שנה", "ימים", "יומיים", "פעם"})
_WAS = frozenset({"היה", "הייתה", "היתה"})
_IS = _WAS | {"זה", "זאת", "השם", "קוראים"}
_ITEM_OF = "את"
_ABOUT = "על"
_WISH = "אפשר"
_WISHING = frozenset({"אפשר", "אפשרות", "מבקש", "מבקשת", "בבקשה", "ניתן", "נא"})
_US = frozenset(
    {"יכול", "יכולה", "יכולים", "תוכל", "תוכלי", "תוכלו", "מוכן", "מוכנה", "מוכנים", "אכפת", "לך", "לכם"}
)
_TO = "ל"
_THAT = "ש"
_TOWARDS = "אל"
_THE = "ה"
_WHAT = "מה"
_WHAT_SOUNDS = (["אה"], ["הה"], ["ה"], ["אהה"])
_NO_VERB = frozenset({"לי", "לנו", "לאט", "שם", "של", "שלך", "שלכם", "שעה", "שעות", "שוב", "שנית"})
_ANOTHER = frozenset({"את", "אתה", "אתם", "הוא", "היא", "הם", "הן", "שלי", "שלנו"})
_END_OF_LISTENING = frozenset(
    {"אותך", "אותכם", "אתכם", "כלום", "מילה", "עברית", "אני", "טוב", "סליחה", "אחי"}
)
_WRITING = frozenset({"לרשום", "לכתוב", "לשמוע", "לקלוט", "להבין", "לתפוס", "את", "אני"})
_HINDERED = frozenset(
    {"לא", "בקושי", "רושם", "רושמת", "כותב", "כותבת", "כבד", "כבדה", "כבדת", "מבוגר", "מבוגרת"}
)
_GOT = frozenset({"שמעתי", "קלטתי", "תפסתי", "עקבתי", "הבנתי"})
_ALL_OF_IT = frozenset({"מה", "מילה", "מההתחלה"})
_TRIES = frozenset({"הצלחתי", "יכולתי", "מצליח", "מצליחה", "מצליחים"})
_HEARING = frozenset({"אוזן", "באוזן", "האוזן"})
_CLAUSE = re.compile(r"[.;:!…\n]+|(?<=\?)")
_GAP = 4  # words between the verb and "again": "תגידי את שם הרחוב שוב"


def asks_to_repeat(text: str) -> bool:
    """The caller wants to hear the last answer again (E4)."""
    whole = words_of(text)
    if _ALONE_POLITELY.make_up(whole) and _ALONE.within(whole) and not _THANKS.within(whole):
        return True
    return any(_asks(words, "?" in clause) for clause in _CLAUSE.split(text) if (words := words_of(clause)))


def _asks(words: list[str], asked: bool) -> bool:
    return (
        any(_asks_at(words, place) for place in range(len(words)))
        or _asks_in_the_opening(words)
        or _asks_at_end_to_repeat(words)
        or (asked and (words in _WHAT_SOUNDS or _asks_for_the_missing_word(words)))
    )


def _asks_at(words: list[str], place: int) -> bool:
    word = words[place]
    if word in _TELL:
        return _tells_again(words, place)
    if word in _GIVE:
        return _gives_again(words, place)
    if word in _HEAR:
        return not _is_denied(words[:place]) and _again_behind(words, place + 1, _AGAIN)
    if word in _NOT and _missed_us(words, place + 1):
        return True
    if word in _SAID and _what_was_said(words, place):
        return True
    lost = _PHRASES.at(words, place) or _voice_is_bad(words, place)
    return bool(lost) and not _LONG_AGO.intersection(words)


def _is_denied(before: list[str]) -> bool:
    return bool(_DENIED.at_end(before))


# ---- a verb of telling ---------------------------------------------------------------------------


def _tells_again(words: list[str], place: int) -> bool:
    """ "תגידי לי את זה שוב", "דבר חזק יותר", "לחזור על המספר"; not "אני רוצה להגיד שוב תודה"."""
    word, before = words[place], words[:place]
    if _is_denied(before) or (word.lstrip("וש") in _INFINITIVES and not _is_asked_of_us(words, place)):
        return False
    if word in _COME_BACK and _returns_to_it(words[place + 1 :]):
        return True
    first = any(
        (length := _AGAIN.at(words, start)) and start + length == place for start in _OPENING.reach(words)
    )
    return first or _again_behind(words, place + 1, _AGAIN_OR_MANNER)


def _is_asked_of_us(words: list[str], place: int) -> bool:
    """The infinitive at ``place`` is for us: "אתם יכולים לחזור"; not "אני רוצה לחזור", "היא צריכה לחזור"."""
    near = words[max(0, place - _GAP) : place]
    if _WISHING.intersection(near):
        return True
    return not _I.intersection(near) and (bool(_US.intersection(near)) or place in _OPENING.reach(words))


def _returns_to_it(behind: list[str]) -> bool:
    """ "תחזור (רגע, בבקשה, לי) על המחיר", but nobody is asked to repeat himself."""
    places = (passed for passed in _BETWEEN.reach(behind) if behind[passed : passed + 1] == [_ABOUT])
    return any(not _OURSELVES.intersection(behind[place + 1 : place + 2]) for place in places)


def _again_behind(words: list[str], start: int, again: Phrases) -> bool:
    """One of ``again`` follows, with an object at most between: no other verb, and nobody else to be told."""
    for place in range(start, min(start + _GAP + 1, len(words))):
        if length := again.at(words, place):
            return not (behind := words[place + length : place + length + 1]) or _is_no_one_elses(behind[0])
        word = words[place]
        if word in _NO_VERB:
            continue
        if word in _REASON or not _is_no_one_elses(word) or word.startswith((_THAT, _TOWARDS)):
            return False
    return False


def _gives_again(words: list[str], place: int) -> bool:
    """ "תן לי שוב את הטלפון", "תני שוב"."""
    starts = (place + 1 + passed for passed in _BETWEEN.reach(words[place + 1 :]))
    bare = any(_AGAIN.at(words, start) and start + _AGAIN.at(words, start) == len(words) for start in starts)
    return bare or (_names_an_item(words[place:]) and _again_behind(words, place + 1, _AGAIN))


def _is_no_one_elses(word: str) -> bool:
    """Neither another verb nor somebody to be told: not "תגיד שוב לרופא", "שוב לבוא", "שוב ושוב"."""
    return word in _NO_VERB or not (word in _TO_OTHERS or word.startswith(_TO) or word == "ושוב")


# ---- our words that were missed ------------------------------------------------------------------


def _missed_us(words: list[str], start: int) -> bool:
    """Behind "not", which stands before ``start``: "לא (כל כך) שמעתי אותך"."""
    if start > 1 and words[start - 2] in _ANOTHER:  # "אמא שלי לא שומעת", "אתה לא מבין"
        return False
    for place in (start + passed for passed in _STRESS.reach(words[start:])):
        if _MISSED.at(words, place):
            return _is_ours(words, place)
    return False


def _is_ours(words: list[str], place: int) -> bool:
    """What is missed by the verb at ``place`` is what we said."""
    verb, behind = words[place], words[place + 1 :]
    if _NOT_OURS.at(words, place + 1) or _HEARING.intersection(words):
        return False
    if not behind:
        return verb not in _TRIES and not (verb == "שמעתי" and _LONG_AGO.intersection(words[:place]))
    if verb == "הבנתי" and behind[0] == _ITEM_OF and "אמרת" not in behind:
        return _names_an_item(behind)  # not "את החשבונית"
    if verb in _GOT:
        foreign = behind[0].startswith("מ") and behind[0] not in _ALL_OF_IT
        return verb != "שמעתי" or not (foreign or _LONG_AGO.intersection(words[:place]))
    if verb == "הספקתי":
        return behind[0] in _WRITING
    if verb in _TRIES:
        return behind[0] in _WRITING and behind[0].startswith(_TO)
    if verb == "רשמתי":
        return behind[0] == _ITEM_OF and _names_an_item(behind)
    # What is missed now: "לא שומעת אותך", but not "לא שומע מוזיקה".
    return behind[0] in _END_OF_LISTENING or behind[:2] in (["מה", "את"], ["מה", "אתה"])


def _voice_is_bad(words: list[str], place: int) -> bool:
    """ "את ממש נקטעת", "הקו מקרטע"."""
    if not (length := _VOICE.at(words, place)):
        return False
    start = place + length
    return any(_BAD.at(words, start + passed) for passed in _STRESS.reach(words[start:]))


# ---- a question about it -------------------------------------------------------------------------


def _what_was_said(words: list[str], place: int) -> bool:
    """Beside "you said": "איזו קומה אמרת", "מה היה המספר שאמרת", "אמרת שלוש או ארבע"; not "כל מה שאמרת"."""
    behind = words[place + 1 :]
    if _TO_OTHERS.intersection(behind[:1]):
        return False
    near = 2 if words[place].startswith(_THAT) else 1
    if any(_asks_what(words, start) for start in range(max(0, place - _GAP), place - near + 1)):
        return True
    if place not in _OPENING.reach(words) and words[:place] not in (["את"], ["אתה"]):
        return False
    return "או" in behind or (0 < len(behind) < _GAP and _asks_what(words, len(words) - 1))


def _asks_what(words: list[str], start: int) -> bool:
    """A question word about a thing: neither "why" nor "how many times"."""
    counts = words[start + 1 : start + 2] == ["פעמים"]
    return bool(_ASKING.at(words, start)) and words[start] not in _REASON and not counts


def _asks_for_the_missing_word(words: list[str]) -> bool:
    """ "ברחוב מה?"."""
    return words[-1] == _WHAT and bool(_ITEMS.at(words, len(words) - 2)) and len(words) > 1


def _names_an_item(words: list[str]) -> bool:
    """ "המספר", "מספר הטלפון"."""
    return any(
        word.startswith(_THE) or "".join(words[place + 1 : place + 2]).startswith(_THE)
        for place, word in enumerate(words)
        if _ITEMS.at(words, place)
    )


# ---- without a verb ------------------------------------------------------------------------------


def _asks_in_the_opening(words: list[str]) -> bool:
    return any(
        _in_another_manner(words, place)
        or _again_and_what(words, place)
        or _what_and_again(words[place:])
        or _what_was_it(words[place:])
        for place in _OPENING.reach(words)
        if place < len(words)
    )


def _in_another_manner(words: list[str], place: int) -> bool:
    """ "יותר לאט", "קצת יותר חזק אני לא שומע"."""
    length = _MANNER_ALONE.at(words, place)
    rest = words[place + length :]
    reasoned = rest[:1] in (["כי"], ["לא"]) or (
        rest[:1] == ["אני"] and bool(_HINDERED.intersection(rest[1:2]))
    )
    item = rest[:1] == [_ITEM_OF] and _names_an_item(rest[:_GAP])
    return bool(length) and (not rest or reasoned or item or _COURTESY.make_up(rest))


def _again_and_what(words: list[str], place: int) -> bool:
    """ "שוב את התאריך", "אפשר עוד פעם בבקשה"."""
    length = _AGAIN.at(words, place)
    rest = words[place + length :]
    if not length:
        return False
    if not rest or _COURTESY.make_up(rest):
        return not (_THANKS.within(words) or (_I | _NOT).intersection(words[:place]))
    if rest[0] in _HEAR or (_WISH in words[:place] and rest[0] in _INFINITIVES):
        return True
    if rest[0] == _ITEM_OF or _asks_what(rest, 0):
        return _names_an_item(rest[:_GAP])
    return len(rest) < _GAP - 1 and _names_an_item(rest) and _NOT.isdisjoint(rest)


def _what_and_again(words: list[str]) -> bool:
    """ "את המספר שוב בבקשה", "מה הכתובת שוב"."""
    while polite := _COURTESY.at_end(words):
        words = words[:-polite]
    what = words[: -_AGAIN.at_end(words) or None]
    if len(what) == len(words) or not 0 < len(what) <= _GAP + 1 or any(map(_is_an_infinitive, what)):
        return False
    if "שלי" in what:  # the caller's own number, which the caller says again
        return False
    if what[0] == _ITEM_OF or what[0].startswith(_THE):
        return _names_an_item(what)
    return _asks_what(what, 0) and len(what) > 1 and (what[1] in _IS or _names_an_item(what[1:]))


def _is_an_infinitive(word: str) -> bool:
    return word.startswith(_TO) and len(word) > 3


def _what_was_it(words: list[str]) -> bool:
    """ "מה היה המספר", "מה המשפט האחרון", "איזו קומה זה היה"."""
    if not _asks_what(words, 0) or len(words) < 3:
        return False
    if words[1] in _WAS:
        return _names_an_item(words[2:4]) and bool(_ITEMS.at(words, 2))
    return bool(_LAST_SAID.at(words, 1) or (_ITEMS.at(words, 1) and words[2:4] == ["זה", "היה"]))


def _asks_at_end_to_repeat(words: list[str]) -> bool:
    """Such as "אתם יכולים לחזור בבקשה", but not "אני רוצה לחזור לצפון"."""
    while polite := _COURTESY.at_end(words):
        words = words[:-polite]
    if not words or words[-1].removeprefix("ו") not in _COME_BACK or words[-1].startswith(_THAT):
        return False
    if words[-1].removeprefix("ו") in _INFINITIVES and not _is_asked_of_us(words, len(words) - 1):
        return False
    return not (_is_denied(words[:-1]) or _I.intersection(words) or _ASKING.at(words, 0))
