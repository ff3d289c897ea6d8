"""D4, E1, E3, F2, F3: what a caller's turn amounts to, before the mind is asked."""

import pytest

from server.turns.effects import Expected, PhoneCall
from server.turns.history import Asked, Memory, Near
from server.turns.intent import Meaning, may_only_listen, meaning_of
from server.turns.turn import KEYS, CallerTurn, Segment
from tests.wording import OURS

SAID = "אפשר לעזור לך היום"


def meaning(
    text,
    *,
    words="",
    frames=100,
    cut_us=False,
    asked=None,
    question=False,
    digits=None,
    said=SAID,
    first=False,
    llm=False,
    number="+972501234567",
    parting=False,
    **segment,
):
    memory = Memory(2, 700, OURS)
    memory.committed_turns = 0 if first else 1
    memory.takes_messages, memory.call = llm, PhoneCall("CA1", number)
    memory.spoke(10, "שלום, " + said + "?")
    memory.asked, memory.asked_a_question, memory.expected = asked, question, Expected(digits=digits)
    segment = {"utterance_id": 1, **segment}
    turn = CallerTurn([Segment(text=words or text, speech_frames=frames, **segment)], cut_us=cut_us)
    return meaning_of(turn, text, memory, clock=20, parting=parting)


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
        "ears that failed": ({"text": "", "frames": 5, "failed": True}, Meaning.DEAF),
        "ears that failed at a barge-in": ({"text": "", "failed": True, "cut_us": True}, Meaning.DEAF),
        "ears that failed, with words of another part": ({"text": "שלום", "failed": True}, Meaning.WORDS),
        "ears that failed, with doubtful ones": (
            {"text": "", "words": "שלום", "failed": True},
            Meaning.UNCLEAR,
        ),
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
        "its verb said back to a question": (
            {"text": "קיבלתי", "cut_us": True, "question": True, "said": "קיבלת את המכתב"},
            Meaning.WORDS,
        ),
        "a verb of no question's": (
            {"text": "קיבלתי", "cut_us": True, "question": True, "said": "לקבוע ליום שני"},
            Meaning.BACKCHANNEL,
        ),
        "praise, to a question": ({"text": "נשמע מעולה", "cut_us": True, "question": True}, Meaning.WORDS),
        "our words, and a nod": (
            {"text": "כן לך היום", "cut_us": True, "said": "החנות פתוחה לך היום עד"},
            Meaning.BACKCHANNEL,
        ),
        "our words, to a question": (
            {"text": "כן לך היום", "cut_us": True, "said": "החנות פתוחה לך היום עד", "question": True},
            Meaning.WORDS,
        ),
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


@pytest.mark.parametrize(
    "text, may",
    [
        ("אחלה בחלה", True),
        ("תותי פרוטי אחי", True),
        ("אחלה בחלה של דירה", False),  # too much for a listener
        ("כמה עולה", False),  # known: a question, a word that stops us, an answer, a beginning
        ("יקר?", False),
        ("רגע אחי", False),
        ("לא רוצה", False),
        ("אשמח", False),
        ("דירה של", False),
        ("ארבעה חדרים", False),  # a correction, an answer
        ("חזק יותר", False),  # a request
        ("עוד פעם", False),
    ],
)
def test_d4_a_word_or_two_that_no_list_knows_may_be_only_listening(text, may):
    """D4: over our voice, while we were telling something; the mind is asked whether it is."""
    memory = Memory(2, 700, OURS)
    turn = CallerTurn([Segment(1, text)], cut_us=True)
    assert may_only_listen(turn, text, memory) is may
    assert not may_only_listen(CallerTurn([Segment(1, text)]), text, memory)
    assert not may_only_listen(CallerTurn([Segment(KEYS, "5")], cut_us=True), "5", memory)  # F5
    memory.asked_a_question = True
    assert not may_only_listen(turn, text, memory)


@check(
    {
        "a person is asked for": ({"text": "נציג"}, Meaning.PERSON),
        "over us": ({"text": "תעבירי אותי לנציג", "cut_us": True}, Meaning.PERSON),
        "in our own words": ({"text": "אפשר לדבר עם נציג", "said": "אפשר לדבר עם נציג"}, Meaning.PERSON),
        "instead of a message": ({"text": "נציג", "asked": Asked.MESSAGE}, Meaning.PERSON),
        "with a goodbye, which an LLM is to sort out": ({"text": "נציג, ולהתראות"}, Meaning.WORDS),
        "as the first word": ({"text": "נציג", "first": True}, Meaning.PERSON),
        "about something": ({"text": "יש נציג שאמר לי אתמול"}, Meaning.WORDS),
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
        "the first words": ({"text": "תודה ולהתראות", "first": True}, Meaning.WORDS),
        "a wish, which is for the LLM to judge": ({"text": "תודה ויום טוב"}, Meaning.WORDS),
        "to our goodbye": ({"text": "תודה, ביי", "parting": True}, Meaning.BACKCHANNEL),
        "something else to our goodbye": ({"text": "רגע, ומה המחיר", "parting": True}, Meaning.WORDS),
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
    """E1, F3: where no LLM listens, the answer is ours too."""
    assert meaning(**case) is expected


@check(
    {
        "a message": ({"text": "דנה מתל אביב", "asked": Asked.MESSAGE}, Meaning.WORDS),
        "a number": ({"text": "המספר שלי 0501234567", "asked": Asked.MORE}, Meaning.WORDS),
        "a typed number": (
            {"text": "0501234567", "utterance_id": KEYS, "asked": Asked.MESSAGE},
            Meaning.WORDS,
        ),
        "yes to a message": ({"text": "כן", "asked": Asked.MESSAGE}, Meaning.WORDS),
        "no to a call back": ({"text": "לא תודה", "asked": Asked.CALL_BACK}, Meaning.WORDS),
        "yes to a call back": ({"text": "כן", "asked": Asked.CALL_BACK}, Meaning.CALL_BACK),
        "yes to a person": ({"text": "כן, בבקשה", "asked": Asked.PERSON}, Meaning.PERSON),
        "the verb of our offer": (
            {"text": "תעבירי", "asked": Asked.PERSON, "said": "להעביר אותך לנציג"},
            Meaning.PERSON,
        ),
        "the verb of our offer, and more": (
            {"text": "תעבירי למייל שלי", "asked": Asked.PERSON, "said": "להעביר אותך לנציג"},
            Meaning.WORDS,
        ),
        "the verb of no offer": (
            {"text": "תעבירי", "asked": Asked.PERSON, "said": "לחבר אותך עם המשרד"},
            Meaning.WORDS,
        ),
        "the verb of our offer, refused": (
            {"text": "אל תעבירי", "asked": Asked.PERSON, "said": "להעביר אותך לנציג"},
            Meaning.WORDS,
        ),
        "yes, and more": ({"text": "כן, אבל מה המחיר", "asked": Asked.PERSON}, Meaning.WORDS),
        "nothing was offered": ({"text": "כן"}, Meaning.WORDS),
        "a person all the same": ({"text": "נציג", "asked": Asked.MESSAGE}, Meaning.PERSON),
        "a goodbye all the same": ({"text": "להתראות", "asked": Asked.MESSAGE}, Meaning.GOODBYE),
    }
)
def test_f3_where_an_llm_listens_it_takes_the_message(case, expected):
    """F3: only a plain yes to what we have offered needs nobody to judge it."""
    assert meaning(**case, llm=True) is expected


@check(
    {
        "the one": ({"text": "1"}, Meaning.CALL_BACK),
        "the one, of a hidden number": ({"text": "1", "number": ""}, Meaning.DEAF),
        "a number": ({"text": "0521234567"}, Meaning.MESSAGE),
        "a number, of a hidden one": ({"text": "0521234567", "number": ""}, Meaning.MESSAGE),
        "half of one": ({"text": "052123"}, Meaning.DEAF),
        "a person": ({"text": "0"}, Meaning.PERSON),
    }
)
@pytest.mark.parametrize("llm", [False, True])
def test_g2_keys_to_an_agent_that_is_deaf(case, expected, llm):
    """G2, F5: a call back by key, whoever listens; anything else is asked for again."""
    assert meaning(**case, utterance_id=KEYS, asked=Asked.KEYS, llm=llm) is expected


def test_g2_the_one_is_a_key_like_any_other_where_it_was_not_offered():
    """G2, F5: it may be the mind's menu."""
    assert meaning("1", utterance_id=KEYS) is Meaning.WORDS
