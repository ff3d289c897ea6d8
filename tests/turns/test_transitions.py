"""The table of phases at work: a call led into a phase, an event, and the phase after it."""

from dataclasses import replace

import pytest

from server.turns.actions import ApplyEffect
from server.turns.effects import EndCall
from server.turns.events import (
    ClosingDown,
    FinalTranscript,
    InterimTranscript,
    LlmFailed,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.no_input import PATIENCE_FRAMES
from server.turns.phases import Phase
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    CANDIDATE,
    DIPS,
    FIRST,
    GREETS,
    PARAMS,
    SECOND,
    SENT,
    SPEAKING,
    STOPS_EARLY,
    THINKING,
    UNDERSTOOD,
    after,
    logged,
    play,
    told,
)

EARLY = replace(PARAMS, early_starts=2)
PATIENCE = "." * PATIENCE_FRAMES
STARTED = ["#" * 40 + "." * 8, InterimTranscript(1, ASKED)]  # a speculative turn, while the caller pauses
ENDED = [*STARTED, "." * 20]  # its caller's turn is over, the last transcript is awaited
WAITS = ReplySentence(1, "…")
HELD = [*ENDED, FinalTranscript(1, ASKED), WAITS]
GOODBYE = [*ANSWERED, ReplyDone(1, acts=(EndCall(),)), ReplyDelay(1, 0)]
HALF_SAID = [*ANSWERED, PlayoutRoom(23)]
LOWER = [*CANDIDATE, "###"]
NODDED = [*LOWER, "." * 12]
HALF_STOPPED = [*HALF_SAID, "." * 10, "###"]

CASES = {  # name: (params, before, phase, event, phase after; None when the turn is gone)
    "a prompt gives way when the server goes": (GREETS, ["." * 40], Phase.PREPARED, ClosingDown(), None),
    "a pause is forgotten when the server goes": (EARLY, STARTED, Phase.SPECULATIVE, ClosingDown(), None),
    "a pause may be none": (EARLY, STARTED, Phase.SPECULATIVE, WAITS, None),
    "a pause that ends is a turn": (EARLY, STARTED, Phase.SPECULATIVE, "." * 20, Phase.TRANSCRIBING),
    "held while its words are awaited": (EARLY, ENDED, Phase.TRANSCRIBING, WAITS, Phase.TRANSCRIBING),
    "held once they are known": (
        EARLY,
        [*ENDED, WAITS],
        Phase.TRANSCRIBING,
        FinalTranscript(1, ASKED),
        Phase.HELD,
    ),
    "the LLM may be done before the words": (
        EARLY,
        [*ENDED, ReplySentence(1, FIRST)],
        Phase.TRANSCRIBING,
        ReplyDone(1),
        Phase.TRANSCRIBING,
    ),
    "held after they are known": (
        EARLY,
        [*ENDED, FinalTranscript(1, ASKED)],
        Phase.REPLYING,
        WAITS,
        Phase.HELD,
    ),
    "the hold is over": (EARLY, HELD, Phase.HELD, "." * 60, Phase.REPLYING),
    "a held turn is overdue": (EARLY, HELD, Phase.HELD, TurnOverdue(2), Phase.REPLYING),
    "a held turn says farewell when the server goes": (
        EARLY,
        HELD,
        Phase.HELD,
        ClosingDown(),
        Phase.REPLYING,
    ),
    "words that are awaited may be a goodbye": (
        PARAMS,
        THINKING,
        Phase.TRANSCRIBING,
        ClosingDown(),
        Phase.TRANSCRIBING,
    ),
    "but not for ever": (PARAMS, [*THINKING, ClosingDown()], Phase.TRANSCRIBING, PATIENCE, Phase.INSISTING),
    "a farewell is one when it starts": (
        PARAMS,
        [*UNDERSTOOD, ClosingDown(), TtsAudio(2, 0, AUDIO), TtsSentenceDone(2, 0)],
        Phase.REPLYING,
        PlayoutRoom(1),
        Phase.FAREWELL,
    ),
    "a goodbye becomes the farewell": (
        PARAMS,
        [*GOODBYE, PlayoutRoom(23)],
        Phase.PLAYING,
        ClosingDown(),
        Phase.FAREWELL,
    ),
    "a goodbye being judged too": (
        STOPS_EARLY,
        [*GOODBYE, PlayoutRoom(23), "." * 10, "###"],
        Phase.STOPPED,
        ClosingDown(),
        Phase.FAREWELL,
    ),
    "the LLM goes on while it is heard": (
        PARAMS,
        HALF_SAID,
        Phase.PLAYING,
        ReplySentence(1, SECOND),
        Phase.PLAYING,
    ),
    "and may fail": (PARAMS, HALF_SAID, Phase.PLAYING, LlmFailed(1, "down"), Phase.PLAYING),
    "it goes on while a sound is judged": (
        STOPS_EARLY,
        HALF_STOPPED,
        Phase.STOPPED,
        ReplySentence(1, SECOND),
        Phase.STOPPED,
    ),
    "noise lets it go on": (STOPS_EARLY, CANDIDATE, Phase.STOPPED, "." * 20, Phase.PLAYING),
    "a voice does not": (STOPS_EARLY, CANDIDATE, Phase.STOPPED, "###", None),
    "a voice lowers it": (DIPS, CANDIDATE, Phase.PLAYING, "###", Phase.DIPPED),
    "a voice that lasts stops it": (DIPS, LOWER, Phase.DIPPED, "#" * 20, None),
    "a nod does not": (DIPS, NODDED, Phase.DIPPED, FinalTranscript(2, "כן"), Phase.DIPPED),
    "and a frame later": (DIPS, [*NODDED, FinalTranscript(2, "כן")], Phase.DIPPED, ".", Phase.PLAYING),
    "the LLM goes on while it is lower": (
        DIPS,
        [*HALF_SAID, "." * 10, "######"],
        Phase.DIPPED,
        ReplySentence(1, SECOND),
        Phase.DIPPED,
    ),
    "a goodbye that is lower becomes the farewell": (
        DIPS,
        [*GOODBYE, PlayoutRoom(23), "." * 10, "######"],
        Phase.DIPPED,
        ClosingDown(),
        Phase.FAREWELL,
    ),
    "a reply that is lower goes on when the server goes": (
        DIPS,
        LOWER,
        Phase.DIPPED,
        ClosingDown(),
        Phase.DIPPED,
    ),
    "a sound alone is no event": (PARAMS, SPEAKING, Phase.PLAYING, "nnn", Phase.PLAYING),
    "a voice is heard without a stop": (PARAMS, CANDIDATE, Phase.PLAYING, "###", None),
}


@pytest.mark.parametrize("params, before, phase, event, then", CASES.values(), ids=CASES)
def test_from_phase_to_phase(params, before, phase, event, then):
    """A6, A7, B3, D1, D2, F4, G3."""
    dialogue = after(before, params)
    assert dialogue.turn.phase is phase
    play(dialogue, [event])
    assert (dialogue.turn and dialogue.turn.phase) is then


@pytest.mark.parametrize(
    "before, event, sentences",
    [
        (HALF_SAID, ReplySentence(1, SECOND), 2),
        (HALF_STOPPED, ReplySentence(1, SECOND), 2),
    ],
)
def test_c2_a_sentence_is_taken_while_the_one_before_it_is_heard(before, event, sentences):
    """C2, D1: also while a sound is judged."""
    dialogue = after(before, STOPS_EARLY)
    play(dialogue, [event])
    assert dialogue.turn.playout.count == sentences


@pytest.mark.parametrize("before", [HALF_SAID, HALF_STOPPED, [*ENDED, ReplySentence(1, FIRST)]])
@pytest.mark.parametrize("event", [ReplyDone(1), LlmFailed(1, "down")])
def test_c4_the_end_of_the_reply_is_known_early(before, event):
    """B3, C4, D1: while it is heard, and before the last transcript has come."""
    dialogue = after(before, replace(EARLY, early_stop=True))
    play(dialogue, [event])
    assert dialogue.turn.playout.complete


@pytest.mark.parametrize("before, params", [(HELD, EARLY), (UNDERSTOOD, PARAMS)], ids=["held", "thinking"])
def test_f4_no_turn_outlasts_the_patience(before, params):
    """F4: should the server's end come while it has nothing to say: the farewell is said in its place."""
    dialogue = after([*before, ClosingDown()], params)
    play(dialogue, [PATIENCE])
    assert dialogue.turn.phase is Phase.INSISTING


def test_b1_no_frame_is_sent_that_the_table_does_not_begin_a_reply_with():
    """A7, B1: should a held turn have something to say, it would not be heard, nor be committed."""
    dialogue = after(HELD, EARLY)
    dialogue.turn.add_sentence(FIRST)
    ready = [ReplyDelay(2, 0), TtsAudio(2, 0, AUDIO), TtsSentenceDone(2, 0)]
    assert told(play(dialogue, [*ready, PlayoutRoom(23)])) == []
    assert (dialogue.turn.phase, dialogue.turn.playout.started, dialogue.wants_wire) == (
        Phase.HELD,
        False,
        False,
    )


def test_c4_no_turn_is_heard_to_its_end_that_the_table_does_not_let_end():
    """B1, C4: while a sound is judged, whatever the marks say."""
    dialogue = after([*SENT, "###"], STOPS_EARLY)
    assert dialogue.turn.phase is Phase.STOPPED
    dialogue.turn.playout.resume()
    assert dialogue.turn.playout.finished
    assert logged(play(dialogue, ["."])) == []
    assert dialogue.turn.phase is Phase.STOPPED


def test_f4_what_an_llm_says_of_its_end_leaves_the_farewell_alone():
    """F4: the LLM has come to its end before; another end would take away the act that ends the call."""
    dialogue = after([*GOODBYE, PlayoutRoom(23), ClosingDown()])
    assert dialogue.turn.phase is Phase.FAREWELL
    assert play(dialogue, [ReplyDone(1), ReplySentence(1, SECOND), LlmFailed(1, "down")]) == []
    assert ApplyEffect(EndCall()) in play(dialogue, [PlayoutRoom(100), "." * 100, MarkReturned("1.0.0")])
