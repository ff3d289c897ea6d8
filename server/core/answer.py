"""Our side of a turn: sentences from the mind, lines of our own, and the audio of both."""

from server.core import lines
from server.core.conversation import SaveLead
from server.core.events import (
    Action,
    AudioMade,
    BreathDrawn,
    Event,
    Log,
    MindFailed,
    Perform,
    ReplyThought,
    Say,
    SentenceThought,
    SentenceVoiced,
)
from server.core.memory import Memory
from server.core.playout import HINT_INDEX
from server.core.turn import Leftover, Turn
from server.hebrew.words import asks_to_repeat, normalise

MAX_SENTENCES = 64  # of one reply; a mind that runs on is not listened to any more


def advance(turn: Turn, event: Event, memory: Memory, hint: str) -> list[Action]:
    """The turn's mind or voice have got on."""
    match event:
        case BreathDrawn(_, frames):
            turn.breath_frames = frames
        case SentenceThought(_, text):
            return say_sentence(turn, text, memory)
        case ReplyThought(_, expected, acts):
            turn.expected, turn.acts = expected, acts
            return no_more_sentences(turn, memory)
        case MindFailed(_, reason):
            return [Log(f"LLM_ERR: {reason}"), *no_more_sentences(turn, memory)]
        case AudioMade() | SentenceVoiced():
            take_audio(turn, event, hint)
    return []


def say_line(turn: Turn, line: str) -> list[Action]:
    """Say a fixed line, and nothing after it."""
    turn.fixed = True
    actions = _say(turn, line)
    turn.playout.complete = True
    return actions


def say_sentence(turn: Turn, text: str, memory: Memory) -> list[Action]:
    """Say the mind's next sentence, unless it has no word in it or was heard a moment ago (E4)."""
    if not normalise(text) or turn.sentences >= MAX_SENTENCES - 1:
        return []
    if memory.just_said(text) and not asks_to_repeat(turn.text):
        turn.skipped += 1
        return []
    return _say(turn, text)


def no_more_sentences(turn: Turn, memory: Memory) -> list[Action]:
    """The mind is done; if that left nothing to say, a line of ours is said."""
    if turn.sentences:
        memory.failed_in_a_row = 0
        turn.playout.complete = True
        return []
    if turn.skipped:
        return say_line(turn, lines.already_said(memory.committed_turns))
    return say_failure(turn, memory)


def say_failure(turn: Turn, memory: Memory) -> list[Action]:
    """There is no answer: a line of ours, another one every time in a row (G2, G3)."""
    memory.failed_in_a_row += 1
    return say_line(turn, lines.mind_failed(memory.failed_in_a_row))


def take_audio(turn: Turn, event: AudioMade | SentenceVoiced, hint: str) -> None:
    """The voice has made some of a sentence, or all of it."""
    if isinstance(event, SentenceVoiced):
        turn.playout.end_sentence(event.index)
    elif event.index != HINT_INDEX:
        turn.playout.add_audio(event.index, event.mulaw_8k)
    elif not turn.playout.ready_frames:  # the hint is for want of a reply (B5)
        turn.playout.add_hint(hint, event.mulaw_8k)


def _say(turn: Turn, text: str) -> list[Action]:
    turn.playout.add(turn.sentences, text)
    turn.sentences += 1
    return [Say(turn.turn_id, turn.sentences - 1, text)]


def take_up(turn: Turn, leftover: Leftover) -> list[Action]:
    """Say what was left of a reply that was dropped; all of it is made already."""
    turn.playout.adopt(leftover.kept)
    turn.fixed, turn.before = leftover.turn.is_line, leftover.kept.before
    turn.expected, turn.acts = leftover.turn.expected, leftover.turn.acts
    return []


def acts_due(turn: Turn, memory: Memory, *, heard: bool) -> list[Action]:
    """What the mind decided: a lead is kept once the turn is committed, the rest waits until it was heard.

    A mind knows only what was heard, so it may decide the same again: that is done once.
    """
    due = [act for act in turn.acts if heard or isinstance(act, SaveLead)]
    turn.acts = tuple(act for act in turn.acts if act not in due)
    return [Perform(act) for act in due if memory.first_time(act)]


def finish_hint(turn: Turn) -> bool:
    """Nothing was said after all: let the hint that is being heard come to its end; False without one."""
    turn.fixed = turn.playout.complete = turn.playout.audible
    return turn.playout.audible
