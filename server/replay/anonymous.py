"""A log without the caller: other words, numbers and names in their places, and nothing decided otherwise.

Every word becomes one of nonsense, as long and always the same, and every digit a 5. What the machine then
decides must be what it had decided, with the same words in the same places; a word that would change that
(a "no", a goodbye, a number that is understood) stays, and is told to whoever pins. The office's own lines,
which are settings, stay as they are.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import count
from typing import Any

from server.audio.frames import FrameHeard
from server.event_log.format import Seen
from server.replay.replaying import first_difference
from server.turns.actions import Decided, Log, SendMark
from server.turns.effects import PhoneCall, SaveLead
from server.turns.events import DigitPressed, MarkReturned
from server.turns.params import TurnParams

WORD = re.compile(r"[^\W\d_]+")
DIGIT = re.compile(r"\d")
OUR_TIME = re.compile(r"\d+ ms( of silence)?(, at least \d+)?")  # all of why something was decided
HEBREW, LATIN = "גדזטסעפצק", "bdfgkpz"  # none that a Hebrew word is inflected with
A_DIGIT = "5"
CALL = PhoneCall("CA00000000000000000000000000000000", "+972500000000")
WITHOUT_WORDS = (FrameHeard, MarkReturned, SendMark)  # marks are named by numbers of ours
DIGITS = "digits"  # all of them: among the words that stay


@dataclass(frozen=True)
class Anonymous:
    """``kept``: the words, sorted, that could not be replaced; "digits" for all of these."""

    seen: list[Seen]
    kept: tuple[str, ...]


def anonymous(params: TurnParams, seen: Sequence[Seen]) -> Anonymous:
    """``seen`` with as few of its words as its decisions allow. Some replays a word that has to stay."""
    words = _words_of(seen)
    others = _nonsense(words)
    keep: set[str] = set()

    def works(replaced: Iterable[str]) -> bool:
        return first_difference(params, _with(seen, {w: others[w] for w in replaced}), audio=False) is None

    replaced: set[str] = set()
    todo = [[DIGITS], words]
    while todo:
        group = todo.pop()
        if not group:
            continue
        if works(replaced | set(group)):
            replaced |= set(group)
        elif len(group) == 1:
            keep |= set(group)
        else:
            half = len(group) // 2
            todo += [group[half:], group[:half]]
    return Anonymous(_with(seen, {word: others[word] for word in replaced}), tuple(sorted(keep)))


def _words_of(seen: Sequence[Seen]) -> list[str]:
    """Those of the events, each once, in their order."""
    found: dict[str, None] = {}

    def note(text: str) -> str:
        found.update(dict.fromkeys(WORD.findall(text)))
        return text

    for one in seen:
        _private(one.event, note)
    return list(found)


def _nonsense(words: Iterable[str]) -> dict[str, str]:
    """For each word another, as long, that none of them is."""
    taken = set(words)
    others = {DIGITS: A_DIGIT}
    for word in list(taken):
        letters = LATIN if word.isascii() else HEBREW
        made = (_spelled(number, letters, len(word)) for number in count(len(others)))
        others[word] = next(nonsense for nonsense in made if nonsense not in taken)
        taken.add(others[word])
    return others


def _spelled(number: int, letters: str, length: int) -> str:
    spelled = ""
    while number or len(spelled) < length:
        number, digit = divmod(number, len(letters))
        spelled += letters[digit]
    return spelled


def _with(seen: Sequence[Seen], others: dict[str, str]) -> list[Seen]:
    def other(text: str) -> str:
        text = WORD.sub(lambda word: others.get(word[0], word[0]), text)
        return DIGIT.sub(others[DIGITS], text) if DIGITS in others else text

    return [Seen(one.at_ms, _private(one.event, other), _private(one.actions, other)) for one in seen]


def _private(value: Any, other: Callable[[str], str]) -> Any:
    """``value`` with ``other`` in the place of every text that may be a caller's, and no call of theirs."""
    match value:
        case str():
            return other(value)
        case tuple():
            return tuple(_private(one, other) for one in value)
        case PhoneCall(sid, number):
            return PhoneCall(sid and CALL.sid, number and CALL.number)
        case SaveLead(details):
            return SaveLead(tuple((name, other(said)) for name, said in details))
        case DigitPressed(digit):
            return DigitPressed(other(digit))
        case Log():  # the line is ours, and its numbers are
            return replace(value, words=_private(value.words, other), cause=_private(value.cause, other))
        case Decided(why=why):  # its rule is ours, and a time that we have measured
            return value if OUR_TIME.fullmatch(why) else replace(value, why=other(why))
        case _ if isinstance(value, WITHOUT_WORDS) or not is_dataclass(value):
            return value
    assert not isinstance(value, type)
    texts = {field.name: _private(getattr(value, field.name), other) for field in fields(value)}
    return replace(value, **texts)
