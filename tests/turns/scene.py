"""Calls in the making: events handed to a ``TurnMachine``, and what it told the shell to do.

A scene is a list of events; a string in it is a timeline of frames: ``#`` voice, ``n`` noise as loud,
``m`` the model alone, ``.`` silence. Log lines and the audio for the STT are left out of ``told``.
What a test expects it says in the words of ``tests/turns/effects.py``.
"""

from dataclasses import replace

from server.audio.frames import FrameHeard
from server.turns.actions import (
    Decided,
    FeedRecognition,
    FinishRecognition,
    GenerateReply,
    Log,
    StartRecognition,
)
from server.turns.barge_in import GRACE_FRAMES
from server.turns.effects import Expected, Line, PhoneCall, Speaker
from server.turns.events import (
    FinalTranscript,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    StreamStarted,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.machine import TurnMachine
from server.turns.params import TurnParams
from server.turns.phases import State
from tests.audio.timelines import PARAMS as ENDPOINTING
from tests.wording import OURS

L, T, S = State.LISTENING, State.THINKING, State.SPEAKING
LEVELS = {"#": (4000, 0.9), "n": (4000, 0.05), "m": (10, 0.9), ".": (10, 0.05)}
COUGH = "nnn" + "." * 30
GREETING, HINT = "שלום! איך אפשר לעזור?", "שנייה בודקת"
PARAMS = TurnParams(
    endpointing=ENDPOINTING,
    vad_rms=200,
    barge_in_rms=300,
    barge_in=True,
    early_stop=False,
    dips=False,
    refractory_frames=38,
    greeting="",
    greeting_protected=False,
    hint=HINT,
    hint_after_frames=40,
    dedup_frames=700,
    min_confidence=0.35,
    history_turns=4,
    early_starts=0,
    idle_frames=0,
    idle_prompts=2,
    hold_frames=4500,
    call_frames=0,
    lines=OURS,
)
STOPS_EARLY = replace(PARAMS, early_stop=True)
DIPS = replace(PARAMS, dips=True)
GREETS = replace(PARAMS, greeting=GREETING)

ASKED, FIRST, SECOND = "ספרי לי על הדירה", "יש שלושה חדרים וגינה.", "לעזור במשהו נוסף?"
SPOKE = "#" * 40 + "." * 25  # an utterance from its first voice to its end
AUDIO = b"\x10" * 160 * 100  # two seconds
EXPECTED = Expected(("כן",), 3)
CALLED = StreamStarted(call=PhoneCall("CA1", "+972501234567"))  # by whom nobody hides: without it they do

THINKING = [SPOKE]
UNDERSTOOD = [*THINKING, ReplyDelay(1, 0), FinalTranscript(1, ASKED, 0.9)]
ANSWERED = [*UNDERSTOOD, ReplySentence(1, FIRST), TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0)]
COMPLETE = [*ANSWERED, ReplyDone(1)]
SPEAKING = [*COMPLETE, PlayoutRoom(23)]
SHORT_FIRST = [
    *UNDERSTOOD,
    ReplySentence(1, "כן."),
    TtsAudio(1, 0, AUDIO[: 160 * 40]),
    TtsSentenceDone(1, 0),
]
CANDIDATE = [*SPEAKING, "." * 10, "###"]  # loud frames over the agent; under STOPS_EARLY it is stopped
INTERRUPTED = [*CANDIDATE, "###"]
SENT = [*SPEAKING, PlayoutRoom(100), "." * 100]
FINISHED = [*SENT, MarkReturned("1.0.0")]
GRACE = "." * GRACE_FRAMES  # the moment behind our closing line (F2)


def play(dialogue, events):
    """Hand in events; return every action, but for reasons (``reasons`` has them)."""
    return bare(everything(dialogue, events))


def bare(actions):
    """Without the reasons."""
    return [action for action in actions if not isinstance(action, Decided)]


def reasons(dialogue, events):
    """Why it did what it did: pairs of a rule and what was decided by it."""
    decided = [action for action in everything(dialogue, events) if isinstance(action, Decided)]
    return [(one.rule, one.what) for one in decided]


def everything(dialogue, events):
    """Hand in events; return every action."""
    done = []
    for event in events:
        if isinstance(event, str):
            for mark in event:
                done += dialogue.handle(FrameHeard(b"\xff" * 160, *LEVELS[mark]))
        else:
            done += dialogue.handle(event)
    return done


def after(events, params=PARAMS):
    dialogue = TurnMachine(params)
    play(dialogue, events)
    return dialogue


def told(actions):
    """Without log lines, the audio for the STT, and how long ago the voice ended."""
    kept = [action for action in actions if not isinstance(action, Log | FeedRecognition)]
    return [
        FinishRecognition(one.utterance_id) if isinstance(one, FinishRecognition) else one for one in kept
    ]


def logged(actions):
    """The lines without what was said, and why something failed."""
    return [" ".join(filter(None, (a.line, a.cause))) for a in actions if isinstance(a, Log)]


def think(turn_id, text, *history, turn_number=1):
    return GenerateReply(turn_id, text, tuple(history), turn_number)


def heard_of(text, interrupted=False):
    return Line(Speaker.AGENT, text, interrupted)


SAID = Line(Speaker.CALLER, ASKED)
OPEN = StartRecognition(1, 1, Expected())
