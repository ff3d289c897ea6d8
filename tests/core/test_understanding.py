"""D4, E1, E3, F2, F3: what a caller's turn amounts to, before the mind is asked."""

import pytest

from server.core.conversation import Expected
from server.core.memory import Asked, Memory, Near
from server.core.turn import KEYS, CallerTurn, Segment
from server.core.understanding import Meaning, meaning_of
from server.hebrew.gender import Gender

SAID = "אפשר לעזור לך היום"


def meaning(
    text, *, words="", frames=100, cut_us=False, asked=None, question=False, digits=None, said=SAID, **segment
):
    memory = Memory(2, 700, Gender.FEMININE)
    memory.spoke(10, "שלום, " + said + "?")
    memory.asked, memory.asked_a_question, memory.expected = asked, question, Expected(digits=digits)
    segment = {"utterance_id": 1, **segment}
    turn = CallerTurn([Segment(text=words or text, speech_frames=frames, **segment)], cut_us=cut_us)
    return meaning_of(turn, text, memory, clock=20)


def check(cases):
    return pytest.mark.parametrize("case, expected", cases.values(), ids=cases)


@check(
    {
        "words": ({"text": "אני מחפש דירה"}, Meaning.WORDS),
        "words after a barge-in": ({"text": "רגע אחד", "cut_us": True}, Meaning.WORDS),
        "our own words": ({"text": SAID}, Meaning.ECHO),
        "our own words after a barge-in": ({"text": SAID, "cut_us": True}, Meaning.ECHO),
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
    }
)
def test_meaning(case, expected):
    """E1, E3, D4, G2: words go to the mind, unclear ones are asked for again, the rest is ignored."""
    assert meaning(**case) is expected


@check(
    {
        "over us, cutting": ({"text": "אהה", "cut_us": True}, Meaning.BACKCHANNEL),
        "over us, not cutting": ({"text": "אהה", "over_us": True}, Meaning.BACKCHANNEL),
        "in our silence": ({"text": "אהה"}, Meaning.WORDS),
        "with something to say": ({"text": "אוקיי ומה המחיר", "cut_us": True}, Meaning.WORDS),
        "yes, while we tell": ({"text": "כן", "cut_us": True}, Meaning.BACKCHANNEL),
        "yes, to a question": ({"text": "כן", "cut_us": True, "question": True}, Meaning.WORDS),
        "nothing, to a question": ({"text": "הממ", "cut_us": True, "question": True}, Meaning.BACKCHANNEL),
        "an interrupt word": ({"text": "רגע", "cut_us": True}, Meaning.WORDS),
        "no": ({"text": "לא", "cut_us": True}, Meaning.WORDS),
        "an interrupt word of ours": (
            {"text": "רגע אחד בבקשה", "cut_us": True, "near": Near.OVER_US, "said": "רגע אחד בבקשה"},
            Meaning.WORDS,
        ),
        "in a whole sentence of ours": (
            {"text": "שלום, רגע אחד בבקשה", "cut_us": True, "near": Near.OVER_US, "said": "רגע אחד בבקשה"},
            Meaning.ECHO,
        ),
    }
)
def test_d4_who_only_listens_does_not_take_the_floor(case, expected):
    """D4: a yes after a question is an answer; an interrupt word is real, but for a whole line of ours."""
    assert meaning(**case) is expected


@check(
    {
        "a person is asked for": ({"text": "נציג"}, Meaning.PERSON),
        "over us": ({"text": "תעבירי אותי לנציג", "cut_us": True}, Meaning.PERSON),
        "in our own words": ({"text": "אפשר לדבר עם נציג", "said": "אפשר לדבר עם נציג"}, Meaning.PERSON),
        "instead of a message": ({"text": "נציג", "asked": Asked.MESSAGE}, Meaning.PERSON),
        "with a goodbye": ({"text": "נציג, ולהתראות"}, Meaning.PERSON),
        "the key": ({"text": "0", "utterance_id": KEYS}, Meaning.PERSON),
        "the word for it": ({"text": "0"}, Meaning.WORDS),
        "the key where one digit is expected": (
            {"text": "0", "utterance_id": KEYS, "digits": 1},
            Meaning.PERSON,
        ),
        "the key where more are": ({"text": "0", "utterance_id": KEYS, "digits": 9}, Meaning.PERSON),
        "a number that begins with it": ({"text": "050", "utterance_id": KEYS}, Meaning.WORDS),
        "digits are no message": (
            {"text": "050", "utterance_id": KEYS, "asked": Asked.MESSAGE},
            Meaning.WORDS,
        ),
    }
)
def test_f3_a_person_is_asked_for_whatever_else_is_said(case, expected):
    """F3: the word, and the key 0 alone."""
    assert meaning(**case) is expected


@check(
    {
        "a goodbye": ({"text": "תודה ולהתראות"}, Meaning.GOODBYE),
        "over us": ({"text": "תודה ולהתראות", "cut_us": True}, Meaning.GOODBYE),
        "instead of a message": ({"text": "להתראות", "asked": Asked.MESSAGE}, Meaning.GOODBYE),
        "our own": (
            {"text": "תודה רבה ולהתראות", "near": Near.OVER_US, "said": "תודה רבה ולהתראות"},
            Meaning.ECHO,
        ),
        "with a question": ({"text": "להתראות, אבל מה המחיר"}, Meaning.WORDS),
    }
)
def test_f2_a_goodbye_is_one_unless_it_is_ours(case, expected):
    """F2, E3: our own goodbye coming back does not hang up."""
    assert meaning(**case) is expected


@check(
    {
        "call back: yes": ({"text": "כן", "asked": Asked.CALL_BACK}, Meaning.CALL_BACK),
        "a person: yes": ({"text": "כן", "asked": Asked.PERSON}, Meaning.PERSON),
        "message: a question": ({"text": "מתי יהיה מישהו", "asked": Asked.MESSAGE}, Meaning.WORDS),
        "message: an interruption": ({"text": "רגע", "asked": Asked.MESSAGE}, Meaning.WORDS),
        "message: typed": (
            {"text": "0501234567", "utterance_id": KEYS, "asked": Asked.MESSAGE},
            Meaning.MESSAGE,
        ),
        "more: the number": ({"text": "המספר שלי 0501234567", "asked": Asked.MORE}, Meaning.MESSAGE),
        "more: over our thanks": (
            {"text": "לדירה בהרצל", "asked": Asked.MORE, "cut_us": True},
            Meaning.MESSAGE,
        ),
        "more: a question": ({"text": "ומה המחיר", "asked": Asked.MORE, "cut_us": True}, Meaning.WORDS),
        "more: something else": ({"text": "אני מחפש דירה", "asked": Asked.MORE}, Meaning.WORDS),
        "call back: no": ({"text": "לא תודה", "asked": Asked.CALL_BACK}, Meaning.DECLINED),
        "call back: something else": ({"text": "מה המחיר", "asked": Asked.CALL_BACK}, Meaning.WORDS),
        "message: yes": ({"text": "כן", "asked": Asked.MESSAGE}, Meaning.GO_AHEAD),
        "message: no": ({"text": "לא", "asked": Asked.MESSAGE}, Meaning.DECLINED),
        "message": ({"text": "דנה מתל אביב", "asked": Asked.MESSAGE}, Meaning.MESSAGE),
        "nothing asked: yes": ({"text": "כן"}, Meaning.WORDS),
        "nothing asked: no": ({"text": "לא"}, Meaning.WORDS),
        "an empty message": ({"text": "", "asked": Asked.MESSAGE}, Meaning.UNCLEAR),
    }
)
def test_f3_what_a_line_of_ours_has_asked_for(case, expected):
    """E1, F3: the mind does not know of it; so the answer is ours too."""
    assert meaning(**case) is expected
