"""Which calls somebody should look at, and why: the one place where a call is called bad. Pure."""

from collections.abc import Iterable, Sequence

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.speech_acts import asks_to_repeat
from server.hebrew.words import fingerprint
from server.records.facts import CallFacts, TurnFacts

SLOW_MS = 2500  # a longer wait for an answer
SOON_MS = 10_000  # who hangs up before that has heard a greeting, and not much else
BROKEN = frozenset({"cut", "stalled", "lost", "failed"})  # ends that nobody wanted
OVERDUE = ("G3", "overdue")


def troubles(call: CallFacts, turns: Sequence[TurnFacts]) -> tuple[str, ...]:
    """Why the call is bad, each in a few words; empty: it is not."""
    found = []
    if call.worst_gap_ms > SLOW_MS:
        found.append(f"waited {call.worst_gap_ms / 1000:.1f} s")
    counts = (("STT", call.stt_errors), ("LLM", call.llm_errors), ("TTS", call.tts_errors))
    found += [f"{name} failed{f' {count} times' * (count > 1)}" for name, count in counts if count]
    if any((one.rule, one.what) == OVERDUE for turn in turns for one in turn.decisions):
        found.append("no answer in time")
    found += [f"asked twice: {question}" for question in _asked_twice(turns)]
    if call.ended == "caller" and call.duration_ms < SOON_MS:
        found.append("hung up at once")
    elif call.ended == "caller" and turns and turns[-1].caller and not turns[-1].agent:
        found.append("hung up while waiting")
    if call.ended in BROKEN:
        found.append(f"ended: {call.ended}")
    if call.missed is not None:
        found.append(f"missed: {call.missed}")
    return tuple(found)


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
