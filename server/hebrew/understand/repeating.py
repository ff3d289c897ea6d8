"""Requests to repeat: the last answer again, slower, louder, or an item of it (E4). Lists are data.

Recognised constructions: a verb of telling in a form of request, with "again" or a manner ("תגידי לי את זה
לאט"); lost words (missing.py); a question word with "you said" ("איזו קומה אמרת"); an item with "again" ("שוב
את המספר"); each perhaps with a reason ("רועש פה"). To return somewhere, or to do something again, is no
request.
"""

import re
from collections.abc import Iterable
from functools import partial

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.missing import ITEMS, misses_agent, names_an_item
from server.hebrew.words import words_of

_AND, _THAT, _BECAUSE = "ו", "ש", "כי"
_VERBS = [line.split() for line in lines_of("repeat/tell")]
_SAID = Phrases(
    (form + end for form in (*(told for *_, told in _VERBS), "נתת") for end in ("", "ם")), (_THAT,)
)
_INFINITIVE = Phrases((infinitive for infinitive, *_ in _VERBS), (_AND, _THAT))


def _forms_of_request(verbs: Iterable[list[str]]) -> Phrases:
    """The forms of request: infinitive; תגיד, תגידי, תגידו; imperatives."""
    forms = (
        form
        for infinitive, stem, _ in verbs
        for form in (infinitive, f"ת{stem}+", f"ת{stem.replace('ו', '')}", f"{stem}+")  # תאמור is תאמר
    )
    return Phrases(forms, (_AND, _THAT))


_TELL, _COME_BACK = _forms_of_request(_VERBS), _forms_of_request(_VERBS[:1])
_AGAIN = Phrases.read("repeat/again", prefixes=(_AND,))
_AGAIN_OR_MANNER = Phrases.read("repeat/again", "repeat/manner")
_MANNER_ALONE = Phrases.read("repeat/manner:alone", prefixes=(_AND,))
_BETWEEN = Phrases.read("repeat/between", "courtesy")
_OPENING = Phrases.read("repeat/opening", "courtesy", "hesitation", "answers/yes", prefixes=(_AND,))
_ALONE = Phrases.read("repeat/alone", prefixes=(_AND,))
_ALONE_POLITELY = Phrases.read("repeat/alone", "courtesy", "dear", prefixes=(_AND,))
_DENIED = Phrases.read("repeat/denied", prefixes=(_AND, _THAT))
_LAST_SAID = Phrases.read("repeat/last_said")
_REASON = Phrases.read("repeat/reasons", prefixes=(_AND, _BECAUSE, _THAT))
_NOISE = Phrases.read("repeat/reasons:noise", prefixes=(_AND,))
_THANKS = Phrases.read("thanks")
_COURTESY = Phrases.read("courtesy", "dear")
_ASKING = Phrases.read("question_words", prefixes=("ו", "ב", "ל", "מ"))
_HEAR = Phrases.read("repeat/words:hear")
_GIVE = Phrases.read("repeat/words:give")
_NOT_THINGS = Phrases.read("repeat/words:not_things")
_OTHERS = Phrases.read("repeat/words:others")
_OURSELVES = Phrases.read("repeat/words:ourselves")
_I = Phrases.read("repeat/words:i")
_NOT = Phrases.read("repeat/words:not")
_WAS = Phrases.read("repeat/words:was")
_IS = Phrases.read("repeat/words:is")
_WISHING = Phrases.read("repeat/words:wishing")
_WANTS = Phrases.read("repeat/words:wants")
_US = Phrases.read("repeat/words:us")
_NO_VERB = Phrases.read("repeat/words:no_verb")
_WHAT_SOUNDS = Phrases.read("repeat/words:what_sounds")
_OF_ANOTHER = Phrases.read("repeat/words:of_another")
_ITEM_OF, _ABOUT, _WISH, _MINE = "את", "על", "אפשר", "שלי"
_TO, _TOWARDS, _THE, _WHAT, _MORE = "ל", "אל", "ה", "מה", "יותר"
_CLAUSE = re.compile(r"[.;:!…\n]+|(?<=\?)")
_SHORT = 5  # words of a question that was lost in noise
_LONGEST_OPENING = 12  # words
_GAP = 4  # words between the verb and "again": "תגידי את שם הרחוב שוב"


def asks_to_repeat(text: str) -> bool:
    """Whether the caller wants to hear the last answer again (E4)."""
    whole = words_of(text)
    if _ALONE_POLITELY.make_up(whole) and _ALONE.within(whole) and not _THANKS.within(whole):
        return True
    return any(_asks(words, "?" in clause) for clause in _CLAUSE.split(text) if (words := words_of(clause)))


def _asks(words: list[str], asked: bool) -> bool:
    return (
        any(map(partial(_asks_at, words), range(len(words))))
        or _asks_in_the_opening(words)
        or _asks_at_end_to_repeat(words)
        or _again_at_end(words)
        or (asked and (_is_only(_WHAT_SOUNDS, words) or _asks_for_the_missing_word(words)))
    )


def _asks_at(words: list[str], place: int) -> bool:
    if _TELL.at(words, place):
        return _tells_again(words, place)
    if _GIVE.at(words, place):
        return _gives_again(words, place)
    if _HEAR.at(words, place):
        return not _is_denied(words[:place]) and _again_behind(words, place + 1, _AGAIN)
    if _SAID.at(words, place) and _what_was_said(words, place):
        return True
    if _NOISE.at(words, place) and _what_was_it_behind(words, place + 1):
        return True
    return misses_agent(words, place)


def _openings(words: list[str]) -> set[int]:
    """The positions at which the request may begin, behind courtesy and particles."""
    return _OPENING.reach(words[:_LONGEST_OPENING])


def _is_only(said: Phrases, words: list[str]) -> bool:
    return said.at(words, 0) == len(words)


def _is_denied(before: list[str]) -> bool:
    return bool(_DENIED.at_end(before))


# ---- a verb of telling ---------------------------------------------------------------------------


def _tells_again(words: list[str], place: int) -> bool:
    """A verb of telling with "again": "תגידי לי את זה שוב", "דבר חזק יותר"; not "אני רוצה להגיד שוב תודה"."""
    if _is_denied(words[:place]) or (_INFINITIVE.at(words, place) and not _is_request(words, place)):
        return False
    if _COME_BACK.at(words, place) and _returns_to_it(words[place + 1 :]):
        return True
    first = any(place in _AGAIN.ends(words, start) for start in _openings(words))
    return first or _again_behind(words, place + 1, _AGAIN_OR_MANNER)


def _is_request(words: list[str], place: int) -> bool:
    """Whether the agent is the subject: "אתם יכולים לחזור"; not "אני רוצה לחזור", "היא צריכה לחזור"."""
    near = words[max(0, place - _GAP) : place]
    if _WISHING.within(near):
        return True
    return not _I.within(near) and (_US.within(near) or place in _openings(words))


def _returns_to_it(behind: list[str]) -> bool:
    """Whether "about" follows: "תחזור (רגע, בבקשה, לי) על המחיר"; not "to repeat oneself"."""
    places = (passed for passed in _BETWEEN.reach(behind) if behind[passed : passed + 1] == [_ABOUT])
    return any(not _OURSELVES.at(behind, place + 1) for place in places)


def _again_behind(words: list[str], start: int, again: Phrases) -> bool:
    """Whether a phrase of ``again`` follows, with at most an object between: no other verb or addressee."""
    for place in range(start, min(start + _GAP + 1, len(words))):
        if length := again.at(words, place):
            return place + length == len(words) or _is_no_one_elses(words, place + length)
        if _NO_VERB.at(words, place):
            continue
        if _NOT_THINGS.at(words, place) or not _is_no_one_elses(words, place):
            return False
        if words[place].startswith((_THAT, _TOWARDS)):
            return False
    return False


def _gives_again(words: list[str], place: int) -> bool:
    """A verb of giving with "again": "תן לי שוב את הטלפון", "תני שוב"."""
    starts = (place + 1 + passed for passed in _BETWEEN.reach(words[place + 1 :]))
    bare = any(len(words) in _AGAIN.ends(words, start) for start in starts)
    return bare or (names_an_item(words[place:]) and _again_behind(words, place + 1, _AGAIN))


def _is_no_one_elses(words: list[str], place: int) -> bool:
    """Whether neither another verb nor an addressee follows: not "תגיד שוב לרופא", "שוב לבוא", "שוב ושוב"."""
    if _NO_VERB.at(words, place):
        return True
    return not (_OTHERS.at(words, place) or words[place].startswith(_TO) or words[place] == "ושוב")


# ---- a question about the answer -----------------------------------------------------------------


def _what_was_said(words: list[str], place: int) -> bool:
    """A question with "you said": "איזו קומה אמרת", "אמרת שלוש או ארבע"; not "כל מה שאמרת"."""
    behind = words[place + 1 :]
    if _OTHERS.at(behind, 0):
        return False
    near = 2 if words[place].startswith(_THAT) else 1
    if any(_asks_what(words, start) for start in range(max(0, place - _GAP), place - near + 1)):
        return True
    if place not in _openings(words) and words[:place] not in (["את"], ["אתה"]):
        return False
    return "או" in behind or (0 < len(behind) < _GAP and _asks_what(words, len(words) - 1))


def _asks_what(words: list[str], start: int) -> bool:
    """Whether a question word asks for a thing, not "why" or "how many times"."""
    counts = words[start + 1 : start + 2] == ["פעמים"]
    return bool(_ASKING.at(words, start)) and not _NOT_THINGS.at(words, start) and not counts


def _asks_for_the_missing_word(words: list[str]) -> bool:
    """An item with "what": "ברחוב מה?"."""
    return words[-1] == _WHAT and bool(ITEMS.at(words, len(words) - 2)) and len(words) > 1


def _what_was_it_behind(words: list[str], start: int) -> bool:
    """A question behind a noise: "הילדים צרחו, מה היה היום והשעה"."""
    return any(
        _what_was_it(words[place:]) and not _OF_ANOTHER.at_end(words[:place])
        for place in range(max(start, len(words) - _SHORT), len(words))
    )


# ---- without a verb of telling -------------------------------------------------------------------


def _asks_in_the_opening(words: list[str]) -> bool:
    return any(
        _in_another_manner(words, place)
        or _again_and_what(words, place)
        or _what_and_again(words[place:])
        or _what_was_it(words[place:])
        for place in _openings(words)
        if place < len(words)
    )


def _in_another_manner(words: list[str], place: int) -> bool:
    """A manner alone: "יותר לאט", "קצת יותר חזק אני לא שומע"."""
    length = _MANNER_ALONE.at(words, place)
    rest = words[place + length :]
    item = rest[:1] == [_ITEM_OF] and names_an_item(rest[:_GAP])
    more = _MORE in words[place : place + length] and _I.at(rest, 0) and not _WANTS.at(rest, 1)
    return bool(length) and bool(item or more or _is_but_a_reason(rest))


def _is_but_a_reason(rest: list[str]) -> bool:
    """Whether the rest is empty, or courtesy and a reason: "בבקשה העברית שלי לא טובה"."""
    reached = _COURTESY.reach(rest)
    return len(rest) in reached or any(_REASON.at(rest, place) for place in reached)


def _again_and_what(words: list[str], place: int) -> bool:
    """ "Again" with an item or alone: "שוב את התאריך", "אפשר עוד פעם בבקשה", "עוד פעם ולאט"."""
    length = _AGAIN.at(words, place)
    rest = words[place + length :]
    if not length:
        return False
    if rest and rest[0].startswith(_AND) and (manner := _MANNER_ALONE.at(rest, 0)):
        return _is_but_a_reason(rest[manner:])
    if not rest or _COURTESY.make_up(rest):
        return not (_THANKS.within(words) or _I.within(words[:place]) or _NOT.within(words[:place]))
    if _HEAR.at(rest, 0) or (_WISH in words[:place] and _INFINITIVE.at(rest, 0)):
        return True
    if rest[0] == _ITEM_OF or _asks_what(rest, 0):
        return names_an_item(rest[:_GAP])
    return len(rest) < _GAP - 1 and names_an_item(rest) and not _NOT.within(rest)


def _what_and_again(words: list[str]) -> bool:
    """An item with "again" behind it: "את המספר שוב בבקשה", "מה הכתובת שוב"."""
    words = _without_courtesy(words)
    what = words[: -_AGAIN.at_end(words) or None]
    if len(what) == len(words) or not 0 < len(what) <= _GAP + 1 or any(map(_is_an_infinitive, what)):
        return False
    if _MINE in what:  # the caller's own number, which the caller is repeating
        return False
    if what[0] == _ITEM_OF or what[0].startswith(_THE):
        return names_an_item(what)
    return len(what) > 1 and _asks_what(what, 0) and (bool(_IS.at(what, 1)) or names_an_item(what[1:]))


def _without_courtesy(words: list[str]) -> list[str]:
    while polite := _COURTESY.at_end(words):
        words = words[:-polite]
    return words


def _is_an_infinitive(word: str) -> bool:
    return word.startswith(_TO) and len(word) > 3


def _what_was_it(words: list[str]) -> bool:
    """A question in the past tense: "מה היה המספר", "מה המשפט האחרון", "איזו קומה זה היה"."""
    if len(words) < 3 or not _asks_what(words, 0):
        return False
    if _WAS.at(words, 1):
        return bool(ITEMS.at(words, 2)) and names_an_item(words[2:4])
    return bool(_LAST_SAID.at(words, 1) or (ITEMS.at(words, 1) and words[2:4] == ["זה", "היה"]))


def _again_at_end(words: list[str]) -> bool:
    """ "Again" behind a noise: "עבר אופנוע, אפשר שוב", "היה פה רעש, עוד פעם בבקשה"."""
    bare = _without_courtesy(words)
    before = bare[: len(bare) - _AGAIN.at_end(bare)]
    asked = bare != words or before[-1:] == [_WISH]
    return asked and 0 < len(before) < len(bare) and _NOISE.within(before)


def _asks_at_end_to_repeat(words: list[str]) -> bool:
    """A verb of repeating at the end: "אתם יכולים לחזור בבקשה", but not "אני רוצה לחזור לצפון"."""
    words = _without_courtesy(words)
    last = len(words) - 1
    if not words or not _COME_BACK.at(words, last) or words[last].startswith(_THAT):
        return False
    if _INFINITIVE.at(words, last) and not _is_request(words, last):
        return False
    return not (_is_denied(words[:last]) or _I.within(words) or _ASKING.at(words, 0))
