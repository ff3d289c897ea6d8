"""What a page is shown of its call: who says what, what was heard, and why; words as they may be logged."""

import json
from typing import Any

import pytest

from server.audio.frames import SILENT_FRAME, FrameHeard
from server.logs.redaction import Mode, PrivateText
from server.pages.live_call import LiveCall
from server.turns.actions import Action, CancelTurn, Decided, Log, SendMark, Synthesize
from server.turns.events import Event, InterimTranscript

STOPPED = "D2 a voice, or a key, interrupted the agent"
STOPPED_HE = "\u2068D2\u2069 קול, או מקש, קטע את הסוכן"
A_SECOND = [FrameHeard(SILENT_FRAME, 0, 0.0)] * 50


def shown(*told: Event | Action, mode: Mode = "full") -> list[dict[str, Any]]:
    messages: list[str] = []
    call = LiveCall(messages.append, PrivateText(mode))
    for one in told:
        if isinstance(one, FrameHeard | InterimTranscript):
            call.saw(one)
        else:
            call.did(one)
    read = [json.loads(message) for message in messages]
    assert {message["event"] for message in read} <= {"agent"}
    return [message["agent"] for message in read]


def test_a_turn() -> None:
    """In the order of decision, by the clock of the call; a thinking hint and marks are none of it."""
    told = shown(
        *A_SECOND,
        InterimTranscript(1, "אני רוצה"),
        Log("ASR_TEXT:", "אני רוצה דירה"),
        Log("STATE LISTENING → THINKING turn=2"),
        Synthesize(2, -1, "רגע"),
        Synthesize(2, 0, "באיזו עיר?"),
        Log("STATE THINKING → SPEAKING turn=2"),
        Log("RESPONSE_GAP ms=820 turn=2", since_frames=41),
        SendMark("2.0"),
        Decided("D2", "interrupted"),
        Log("AGENT_TEXT:", "באיזו"),
        CancelTurn(2),
    )
    assert [one.pop("at_ms") for one in told] == [1000] * len(told)
    assert told == [
        {"kind": "caller", "words": "אני רוצה", "final": False},
        {"kind": "caller", "words": "אני רוצה דירה", "final": True},
        {"kind": "state", "state": "THINKING", "turn": 2},
        {"kind": "says", "turn": 2, "index": 0, "words": "באיזו עיר?"},
        {"kind": "state", "state": "SPEAKING", "turn": 2},
        {"kind": "gap", "turn": 2, "ms": 820},
        {"kind": "decided", "rule": "D2", "what": "interrupted", "words": STOPPED, "words_he": STOPPED_HE},
        {"kind": "heard", "turn": 2, "words": "באיזו"},
        {"kind": "dropped", "turn": 2},
    ]


WORDS = (
    InterimTranscript(1, "הטלפון שלי"),
    Log("ASR_TEXT:", "הטלפון שלי 0521234567"),
    Decided("A7", "held", "0521234567"),
    Synthesize(1, 0, "רשמתי 0521234567"),
    Log("AGENT_TEXT:", "רשמתי 0521234567"),
)


@pytest.mark.parametrize("mode", ["off", "redacted"])
def test_words_are_shown_as_a_log_may_hold_them(mode: Mode) -> None:
    told = json.dumps(shown(*WORDS, mode=mode), ensure_ascii=False)
    assert "052" not in told and ("טלפון" in told) is (mode == "redacted")


def test_half_a_character_is_no_end_of_the_call() -> None:
    """What an STT writes goes on a socket that takes whole texts only."""
    messages: list[str] = []
    LiveCall(messages.append, PrivateText("full")).saw(InterimTranscript(1, "\ud800"))
    assert messages[0].encode()


FINALS = (
    ([Log("AGENT_TEXT:", "מה הקוד?")], ["44", "4417", "ארבע ארבע"], "4417"),
    ([Log("ASR_TEXT:", "תעודת הזהות שלי שלוש אחת שמונה ארבע")], ["חמש חמש", "5520", "٥٥٢٠"], "55205"),
    ([], ["הטלפון שלי 052", "הטלפון שלי 052 123", "הטלפון שלי אפס חמש"], "הטלפון שלי 0521234567"),
    ([Log("AGENT_TEXT:", "מה הסיסמה?")], ["דלת", "דלת שבע"], "דלת שבע"),
)


@pytest.mark.parametrize("before, interims, final", FINALS, ids=["code", "identity", "telephone", "password"])
def test_words_so_far_tell_no_number_that_the_whole_hides(
    before: list[Action], interims: list[str], final: str
) -> None:
    """Neither its part nor what continues one; and they leave no trace in what the final words continue."""
    held = Decided("A7", "held", interims[-1])
    told = shown(*before, *[InterimTranscript(2, words) for words in interims], held, mode="redacted")
    so_far = " ".join(one["words"].removeprefix("A7") for one in told[len(before) :])
    assert not any(figure.isdigit() for figure in so_far)
    assert not {"ארבע", "חמש", "אפס", "דלת", "שבע"} & set(so_far.replace(":", " ").split())
    last = Log("ASR_TEXT:", final)
    (*_, whole) = shown(*before, InterimTranscript(2, final), last, mode="redacted")
    assert whole == shown(*before, last, mode="redacted")[-1]


def test_words_so_far_are_words() -> None:
    """All but their numbers; where a log may hold all, these as well."""
    words = InterimTranscript(1, "אני רוצה 4 חדרים בתל אביב")
    assert shown(words, mode="redacted")[0]["words"] == "אני רוצה … חדרים בתל אביב"
    assert shown(words)[0]["words"] == words.text
