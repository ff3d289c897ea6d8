"""Which calls somebody should look at, and why: the one place where a call is called bad. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.speech_acts import asks_to_repeat
from server.hebrew.words import fingerprint
from server.records.facts import CallFacts, TurnFacts

SLOW_MS = 2500  # a longer wait for an answer
SOON_MS = 10_000  # who hangs up before that has heard a greeting, and not much else
BROKEN = frozenset({"cut", "stalled", "lost", "failed"})  # ends that nobody wanted
OVERDUE = ("G3", "overdue")


class Kind(StrEnum):
    """What pages name and search a trouble by."""

    WAITED = "waited"
    FAILED = "failed"  # a provider
    OVERDUE = "overdue"
    ASKED_TWICE = "asked_twice"
    HUNG_UP = "hung_up"
    BROKEN = "broken"  # the call itself
    MISSED = "missed"


class Trouble(NamedTuple):
    """``text``: in a few words, for a table. ``of``: what is particular to this one, within the text."""

    kind: Kind
    text: str
    of: str = ""


def troubles(call: CallFacts, turns: Sequence[TurnFacts]) -> tuple[str, ...]:
    """Why the call is bad, each in a few words; empty: it is not."""
    return tuple(one.text for one in troubles_of(call, turns))


def troubles_of(call: CallFacts, turns: Sequence[TurnFacts]) -> tuple[Trouble, ...]:
    """The same, each with its kind."""
    return tuple(_found(call, turns))


def _found(call: CallFacts, turns: Sequence[TurnFacts]) -> Iterator[Trouble]:
    if call.worst_gap_ms > SLOW_MS:
        waited = f"{call.worst_gap_ms / 1000:.1f}"
        yield Trouble(Kind.WAITED, f"waited {waited} s", waited)
    for name, count in (("STT", call.stt_errors), ("LLM", call.llm_errors), ("TTS", call.tts_errors)):
        if count:
            yield Trouble(Kind.FAILED, f"{name} failed{f' {count} times' * (count > 1)}", name)
    if any((one.rule, one.what) == OVERDUE for turn in turns for one in turn.decisions):
        yield Trouble(Kind.OVERDUE, "no answer in time")
    for question in _asked_twice(turns):
        yield Trouble(Kind.ASKED_TWICE, f"asked twice: {question}", question)
    if call.ended == "caller" and call.duration_ms < SOON_MS:
        yield Trouble(Kind.HUNG_UP, "hung up at once", "at once")
    elif call.ended == "caller" and turns and turns[-1].caller and not turns[-1].agent:
        yield Trouble(Kind.HUNG_UP, "hung up while waiting", "while waiting")
    if call.ended in BROKEN:
        yield Trouble(Kind.BROKEN, f"ended: {call.ended}", call.ended)
    if call.missed is not None:
        yield Trouble(Kind.MISSED, f"missed: {call.missed}", call.missed)


def _asked_twice(turns: Iterable[TurnFacts]) -> list[str]:
    """Questions of the agent's, heard in two turns, though nobody asked to hear them again.

    A rest that is said again belongs to the turn before, and silence is asked about more than once (F1).
    """
    asked: set[int] = set()
    twice: dict[int, str] = {}
    for turn in turns:
        idle = any(one.rule == "F1" for one in turn.decisions)
        if turn.said_by == "rest" or idle or asks_to_repeat(turn.caller):
            continue
        questions = {fingerprint(one): one for one in split_sentences(turn.agent) if one.endswith("?")}
        twice |= {key: questions[key] for key in questions if key in asked}
        asked |= questions.keys()
    return list(twice.values())
