"""Which deal the caller wants (buy, rent, sell, let), and whether the caller wants none at all. Pure.

"דירה להשכרה" may be wanted or owned; the nearest word before it decides ("מחפש", "יש לי"). Verbs decide by
themselves, with their subject.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise

from server.hebrew.data import Phrases, lines_of
from server.hebrew.words import words_of
from server.providers.embedded.llm import callers_he as he
from server.providers.embedded.llm.callers_he import Intent
from server.providers.embedded.llm.numbers_he import is_number
from server.providers.embedded.llm.tokens import PAUSE, tokens_of

_OPPOSITE: dict[Intent, Intent] = {"buy": "sell", "sell": "buy", "rent": "let", "let": "rent"}
_OWNERS_SIDE: dict[Intent, Intent] = {"buy": "sell", "rent": "let"}
_NEAR = 3  # words before a verb among which its subject is searched
_HAVING = "יש"
_OF = "של"
_OFFER, _DOES, _WILL = 1, 2, 3  # strength of evidence
_PREFIXES = "ושכבלהמ"
_VERB_PREFIXES = "ושכ"
_MOST_PREFIXES = 2

_LISTS = ("courtesy", "thanks", "leaving/goodbye", "leaving/wish")
_STOPPING = frozenset((*he.HANG_UP, *he.CLOSE, *he.FINISHED))
_REFUSED = (*he.NO_INTEREST, *he.FINISHED, *he.HANG_UP, *he.CLOSE, *he.THAT_IS_ALL)
_AROUND = (*he.LEAVING_AROUND, *(line for name in _LISTS for line in lines_of(name)))
_THAT = ("ש", "ו")
_CHECKING = ("callback", "phone", "confirm", "fix")
_REFUSALS = [
    (Phrases(meant, _THAT), Phrases((*meant, *_AROUND), _THAT))
    for meant in (
        _REFUSED,
        (*_REFUSED, *he.WRONG_NUMBER),
        (*_REFUSED, *he.WRONG_NUMBER, *he.MISTAKEN),
    )
]
_ANSWERS = {
    question: (Phrases(said), Phrases((*said, *he.ANSWERS_AROUND))) for question, said in he.ANSWERS.items()
}
_TAKERS: dict[str, Intent] = {word: deal for deal, words in he.TAKERS.items() for word in words}
_KINDS = {
    "taker": he.TAKERS,
    "will": he.WILL,
    "asked": he.YOU_WILL,
    "does": he.DOES,
    "called": he.CALLED,
    "offered": he.OFFERED,
}
_WORDS: dict[str, tuple[str, Intent]] = {
    word: (kind, deal) for kind, deals in _KINDS.items() for deal, words in deals.items() for word in words
}


def wish_of(tokens: Sequence[str], owner: bool = False) -> Intent | None:
    """The deal of the strongest word. Of equal words the last wins, but the caller's own flat first.

    ``owner``: the caller is known to have a flat.
    """
    best: Intent | None = None
    strength = 0
    for at in range(len(tokens)):
        found, strong = _wish_at(tokens, at, owner)
        if found is None or strong < strength:
            continue
        both = best in ("sell", "let") and found in ("buy", "rent") and strong == strength
        if not (both and not any(token in he.INSTEAD for token in tokens[:at])):
            best, strength = found, strong
    return best


def is_owner(tokens: Sequence[str]) -> bool:
    """Whether the caller owns a flat to offer: "אני בעלים של דירה", "יש לי נכס", "כמה שווה הבית שלי"."""
    if any(_is(token, he.LOOKING) for token in tokens):
        return False
    mine = any(_mine(tokens, at) for at in range(len(tokens)))
    worth = any(_is(token, he.WORTH) for token in tokens)
    return any(_owning(tokens, at) or _offering(tokens, at) for at in range(len(tokens))) or (mine and worth)


def _wish_at(tokens: Sequence[str], at: int, owner: bool) -> tuple[Intent | None, int]:
    """The deal that the word at ``at`` indicates, and how strongly."""
    kind, deal = _known(tokens[at])
    before, following = tokens[:at], tokens[at + 1 : at + 2]
    if deal is None or (kind != "asked" and _denied(before)):
        return None, 0
    if kind == "will":
        return _by_subject(deal, tokens, at), _WILL
    if kind == "asked":
        return (_OPPOSITE[deal] if following and following[0] in he.ME else deal), _WILL
    if kind == "does":
        sought = _TAKERS.get(tokens[at]) if _wishes(before) else None
        return (sought, _WILL) if sought else (_done_by(deal, before), _DOES)
    if kind == "taker":
        return (deal, _WILL) if _wishes(before) else (None, 0)
    if kind == "offered":
        return (_OWNERS_SIDE[deal] if owner or _is_own(tokens, at) else deal), _OFFER
    return deal, _OFFER


def _known(word: str) -> tuple[str, Intent | None]:
    """The word's kind and deal, found behind up to two prefix letters."""
    for cut in range(min(_MOST_PREFIXES, len(word) - 1) + 1):
        kind, deal = _WORDS.get(word[cut:], ("", None))
        prefixes = _PREFIXES if kind in ("called", "offered") else _VERB_PREFIXES
        if deal and all(letter in prefixes for letter in word[:cut]):
            return kind, deal
    return "", None


def _wishes(before: Sequence[str]) -> bool:
    return bool(before) and _is(before[-1], he.WISHING)


def _denied(before: Sequence[str]) -> bool:
    """ "לא לקנות", "לא מעוניין לקנות"."""
    while _wishes(before):
        before = before[:-1]
    return bool(before) and before[-1] in he.DENIED


def _by_subject(will: Intent, tokens: Sequence[str], at: int) -> Intent:
    """The subject may reverse it: "יש לכם משהו להשכיר לי" rents, "מישהו שרוצה לקנות את הדירה שלי" sells."""
    clause = _clause(tokens[:at])
    to_me = any(token in he.ME for token in tokens[at + 1 : at + 2])
    office = any(_is(token, he.YOU) for token in clause) and not any(token in he.WE for token in clause)
    if will in ("sell", "let") and (office or to_me):
        return _OPPOSITE[will]
    if will in ("buy", "rent") and any(_is(token, he.ANOTHER) for token in clause[-_NEAR:]):
        return _OPPOSITE[will]
    return will


def _done_by(does: Intent, before: Sequence[str]) -> Intent | None:
    """A present-tense verb counts for the caller, reversed for the office, and not at all for others."""
    clause = _clause(before)
    near = clause[-_NEAR:]
    if any(_is(token, he.YOU) for token in near):
        return _OPPOSITE[does]
    mine = any(token in he.WE for token in near)
    return does if mine or all(token in he.BY_THE_WAY for token in near) else None


def _clause(before: Sequence[str]) -> Sequence[str]:
    pauses = [at for at, token in enumerate(before) if token == PAUSE]
    return before[pauses[-1] + 1 :] if pauses else before


def _is_own(tokens: Sequence[str], at: int) -> bool:
    """Whether the flat on offer at ``at`` is the caller's: by the nearest word before it, or "שלי" after."""
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    if following in he.MINE:
        return True
    if tokens[at].endswith(he.OFFERED_OF) and following.startswith("ה"):
        return True
    for place in range(at - 1, -1, -1):
        if _is(tokens[place], he.LOOKING) or tokens[place] in he.ABOUT:
            return False
        if _owning(tokens, place) or _mine(tokens, place) or _is(tokens[place], he.OFFERING):
            return True
    return False


def _owning(tokens: Sequence[str], at: int) -> bool:
    """ "יש לי דירה", "אני בעל הבית", "בעלת נכס", "בבעלותי"."""
    word, following = tokens[at], tokens[at + 1 : at + 5]
    if word in he.OWNED:
        return True
    if word.removeprefix("ו") == _HAVING:
        things = [token for token in following if token not in he.BY_THE_WAY and not is_number(token)]
        return len(things) > 1 and things[0] in he.ME and things[1] in he.PROPERTY
    if word not in he.OWNERS:
        return False
    if any(token in he.WE for token in tokens[max(0, at - 2) : at]):
        return True
    return at == 0 and bool(following) and (following[0] in he.PROPERTY or following[0] == _OF)


def _offering(tokens: Sequence[str], at: int) -> bool:
    """ "למסור לכם דירה"."""
    return _is(tokens[at], he.OFFERING) and any(
        token in he.PROPERTY for token in tokens[at + 1 : at + 1 + _NEAR]
    )


def _mine(tokens: Sequence[str], at: int) -> bool:
    """ "הדירה שלנו", "הבית של ההורים"; not "בעל הבית שלי", who is another person."""
    if not _is_property(tokens[at]) or (at and tokens[at - 1] in he.OWNERS):
        return False
    following = tokens[at + 1 : at + 3]
    of_kin = len(following) == 2 and following[0] == _OF and following[1] in he.KIN
    return bool(following) and (following[0] in he.MINE or of_kin)


def _is_property(token: str) -> bool:
    return _is(token, he.PROPERTY)


def _is(token: str, words: Collection[str]) -> bool:
    return token in words or (len(token) > 3 and token[0] in _PREFIXES and token[1:] in words)


def refuses(text: str, asked: str) -> bool:
    """Whether the whole line leaves without a goodbye: not interested, wrong number, hang up, "that is all".

    After a question for a number, or the summary (``asked``), "a mistake" means the agent's and does not
    count.
    """
    tokens, words = tokens_of(text), words_of(text)
    stays = any(token in he.DENIED and after in _STOPPING for token, after in pairwise(tokens))
    meant, around = _REFUSALS[0 if asked in _CHECKING else 2 if asked == "intent" else 1]
    return not stays and meant.within(words) and around.make_up(words)


def leaves_out(text: str, asked: str) -> bool:
    """Whether a refusal is here an answer to ``asked``: "לא רלוונטי" to the budget, "כן, זה הכול"."""
    if asked not in _ANSWERS:
        return False
    words = words_of(text)
    said, around = _ANSWERS[asked]
    return said.within(words) and around.make_up(words)
