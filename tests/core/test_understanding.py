"""E1, E3: what a caller's turn amounts to, before the mind is asked."""

import pytest

from server.core.memory import Memory
from server.core.turn import CallerTurn, Segment
from server.core.understanding import Meaning, meaning_of

ECHO = "אפשר לעזור לך היום"


def meaning(text, *, words="", frames=100, cut_us=False, **segment):
    memory = Memory(2, 700)
    memory.spoke(10, "שלום, " + ECHO + "?")
    turn = CallerTurn([Segment(1, text=words or text, speech_frames=frames, **segment)], cut_us=cut_us)
    return meaning_of(turn, text, memory, clock=20)


@pytest.mark.parametrize(
    "case, expected",
    {
        "words": ({"text": "אני מחפש דירה"}, Meaning.WORDS),
        "words after a barge-in": ({"text": "רגע אחד", "cut_us": True}, Meaning.WORDS),
        "our own words": ({"text": ECHO}, Meaning.ECHO),
        "our own words after a barge-in": ({"text": ECHO, "cut_us": True}, Meaning.ECHO),
        "doubtful words": ({"text": "", "words": "שלום"}, Meaning.UNCLEAR),
        "doubtful words after a barge-in": ({"text": "", "words": "לא", "cut_us": True}, Meaning.UNCLEAR),
        "a doubtful short word": ({"text": "", "words": "לא", "frames": 5}, Meaning.UNCLEAR),
        "a voice without words": ({"text": ""}, Meaning.UNCLEAR),
        "of 400 ms": ({"text": "", "frames": 20}, Meaning.UNCLEAR),
        "under 400 ms": ({"text": "", "frames": 19}, Meaning.NOTHING),
        "empty after a barge-in": ({"text": "", "cut_us": True}, Meaning.NOTHING),
        "empty while we spoke": ({"text": "", "over_us": True}, Meaning.NOTHING),
        "ears that failed": ({"text": "", "frames": 5, "failed": True}, Meaning.UNCLEAR),
        "ears that failed at a barge-in": ({"text": "", "failed": True, "cut_us": True}, Meaning.UNCLEAR),
    }.values(),
)
def test_meaning(case, expected):
    """E1, E3, D4, G2: words go to the mind, unclear ones are asked for again, the rest is ignored."""
    assert meaning(**case) is expected
