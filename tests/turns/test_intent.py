"""D4, E1, E3, F2, F3: what a caller's turn amounts to, before the LLM is asked."""

import pytest

from server.turns.call_state import CallState
from server.turns.echo import Overlap
from server.turns.effects import Expected, PhoneCall
from server.turns.events import StreamStarted
from server.turns.expected_input import Asked
from server.turns.intent import Intent, may_only_listen, meaning_of
from server.turns.utterances import KEYS, UserTurn, UserUtterance
from tests.wording import OURS

SAID = "אפשר לעזור לך היום"


def meaning(
    text,
    *,
    words="",
    frames=100,
    interrupts=False,
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
    call = CallState(2, 700, OURS)
    if not first:
        call.history.turn_committed()
    call.started(StreamStarted(Expected(digits=digits), PhoneCall("CA1", number), takes_messages=llm))
    call.echo.spoke(10, "שלום, " + said + "?")
    call.input.ask(asked)
    call.input.agent_stopped(at_a_question=question)
    segment = {"utterance_id": 1, **segment}
    turn = UserTurn(
        [UserUtterance(text=words or text, speech_frames=frames, **segment)], interrupts=interrupts
    )
    return meaning_of(turn, text, call, clock=20, parting=parting)


def check(cases):
    return pytest.mark.parametrize("case, expected", cases.values(), ids=cases)


@check(
    {
        "words": ({"text": "אני מחפש דירה"}, Intent.WORDS),
        "words after a barge-in": ({"text": "רגע אחד", "interrupts": True}, Intent.WORDS),
        "our own words": ({"text": SAID}, Intent.ECHO),
        "our own words after a barge-in": ({"text": SAID, "interrupts": True}, Intent.ECHO),
        "doubtful words": ({"text": "", "words": "שלום"}, Intent.UNCLEAR),
        "doubtful words after a barge-in": ({"text": "", "words": "לא", "interrupts": True}, Intent.UNCLEAR),
        "a doubtful short word": ({"text": "", "words": "לא", "frames": 5}, Intent.UNCLEAR),
        "a voice without words": ({"text": ""}, Intent.UNCLEAR),
        "of 400 ms": ({"text": "", "frames": 20}, Intent.UNCLEAR),
        "under 400 ms": ({"text": "", "frames": 19}, Intent.NOTHING),
        "empty after a barge-in": ({"text": "", "interrupts": True}, Intent.NOTHING),
        "empty while we spoke": ({"text": "", "in_playout": True}, Intent.NOTHING),
        "ears that failed": ({"text": "", "frames": 5, "failed": True}, Intent.DEAF),
        "ears that failed at a barge-in": ({"text": "", "failed": True, "interrupts": True}, Intent.DEAF),
        "ears that failed, with words of another part": ({"text": "שלום", "failed": True}, Intent.WORDS),
        "ears that failed, with doubtful ones": (
            {"text": "", "words": "שלום", "failed": True},
            Intent.UNCLEAR,
        ),
    }
)
def test_meaning(case, expected):
    """E1, E3, D4, G2: words go to the LLM, unclear ones are asked for again, the rest is ignored."""
    assert meaning(**case) is expected


@check(
    {
        "over us, cutting": ({"text": "אהה", "interrupts": True}, Intent.BACKCHANNEL),
        "over us, not cutting": ({"text": "אהה", "in_playout": True}, Intent.BACKCHANNEL),
        "in our silence": ({"text": "אהה"}, Intent.WORDS),
        "with something to say": ({"text": "אוקיי ומה המחיר", "interrupts": True}, Intent.WORDS),
        "yes, while we tell": ({"text": "כן", "interrupts": True}, Intent.BACKCHANNEL),
        "yes, to a question": ({"text": "כן", "interrupts": True, "question": True}, Intent.WORDS),
        "its verb said back to a question": (
            {"text": "קיבלתי", "interrupts": True, "question": True, "said": "קיבלת את המכתב"},
            Intent.WORDS,
        ),
        "a verb of no question's": (
            {"text": "קיבלתי", "interrupts": True, "question": True, "said": "לקבוע ליום שני"},
            Intent.BACKCHANNEL,
        ),
        "praise, to a question": ({"text": "נשמע מעולה", "interrupts": True, "question": True}, Intent.WORDS),
        "our words, and a nod": (
            {"text": "כן לך היום", "interrupts": True, "said": "החנות פתוחה לך היום עד"},
            Intent.BACKCHANNEL,
        ),
        "our words, to a question": (
            {"text": "כן לך היום", "interrupts": True, "said": "החנות פתוחה לך היום עד", "question": True},
            Intent.WORDS,
        ),
        "nothing, to a question": ({"text": "הממ", "interrupts": True, "question": True}, Intent.BACKCHANNEL),
        "an interrupt word": ({"text": "רגע", "interrupts": True}, Intent.WORDS),
        "no": ({"text": "לא", "interrupts": True}, Intent.WORDS),
        "an interrupt word of ours": (
            {
                "text": "רגע אחד בבקשה",
                "interrupts": True,
                "overlap": Overlap.DURING_PLAYOUT,
                "said": "רגע אחד בבקשה",
            },
            Intent.WORDS,
        ),
        "in a whole sentence of ours": (
            {
                "text": "שלום, רגע אחד בבקשה",
                "interrupts": True,
                "overlap": Overlap.DURING_PLAYOUT,
                "said": "רגע אחד בבקשה",
            },
            Intent.ECHO,
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
    """D4: over our voice, while we were telling something; the LLM is asked whether it is."""
    call = CallState(2, 700, OURS)
    turn = UserTurn([UserUtterance(1, text)], interrupts=True)
    assert may_only_listen(turn, text, call) is may
    assert not may_only_listen(UserTurn([UserUtterance(1, text)]), text, call)
    assert not may_only_listen(UserTurn([UserUtterance(KEYS, "5")], interrupts=True), "5", call)  # F5
    call.input.agent_stopped(at_a_question=True)
    assert not may_only_listen(turn, text, call)


@check(
    {
        "a person is asked for": ({"text": "נציג"}, Intent.PERSON),
        "over us": ({"text": "תעבירי אותי לנציג", "interrupts": True}, Intent.PERSON),
        "in our own words": ({"text": "אפשר לדבר עם נציג", "said": "אפשר לדבר עם נציג"}, Intent.PERSON),
        "instead of a message": ({"text": "נציג", "asked": Asked.MESSAGE}, Intent.PERSON),
        "with a goodbye, which an LLM is to sort out": ({"text": "נציג, ולהתראות"}, Intent.WORDS),
        "as the first word": ({"text": "נציג", "first": True}, Intent.PERSON),
        "about something": ({"text": "יש נציג שאמר לי אתמול"}, Intent.WORDS),
        "the key": ({"text": "0", "utterance_id": KEYS}, Intent.PERSON),
        "the word for it": ({"text": "0"}, Intent.WORDS),
        "the key where one digit is expected": (
            {"text": "0", "utterance_id": KEYS, "digits": 1},
            Intent.PERSON,
        ),
        "the key where more are": ({"text": "0", "utterance_id": KEYS, "digits": 9}, Intent.PERSON),
        "a number that begins with it": ({"text": "050", "utterance_id": KEYS}, Intent.WORDS),
        "digits are no message": (
            {"text": "050", "utterance_id": KEYS, "asked": Asked.MESSAGE},
            Intent.WORDS,
        ),
    }
)
def test_f3_a_person_is_asked_for_whatever_else_is_said(case, expected):
    """F3: the word, and the key 0 alone."""
    assert meaning(**case) is expected


@check(
    {
        "a goodbye": ({"text": "תודה ולהתראות"}, Intent.GOODBYE),
        "over us": ({"text": "תודה ולהתראות", "interrupts": True}, Intent.GOODBYE),
        "instead of a message": ({"text": "להתראות", "asked": Asked.MESSAGE}, Intent.GOODBYE),
        "our own": (
            {"text": "תודה רבה ולהתראות", "overlap": Overlap.DURING_PLAYOUT, "said": "תודה רבה ולהתראות"},
            Intent.ECHO,
        ),
        "with a question": ({"text": "להתראות, אבל מה המחיר"}, Intent.WORDS),
        "the first words": ({"text": "תודה ולהתראות", "first": True}, Intent.WORDS),
        "a wish, which is for the LLM to judge": ({"text": "תודה ויום טוב"}, Intent.WORDS),
        "to our goodbye": ({"text": "תודה, ביי", "parting": True}, Intent.BACKCHANNEL),
        "something else to our goodbye": ({"text": "רגע, ומה המחיר", "parting": True}, Intent.WORDS),
    }
)
def test_f2_a_goodbye_is_one_unless_it_is_ours(case, expected):
    """F2, E3: our own goodbye coming back does not hang up."""
    assert meaning(**case) is expected


@check(
    {
        "call back: yes": ({"text": "כן", "asked": Asked.CALL_BACK}, Intent.CALL_BACK),
        "a person: yes": ({"text": "כן", "asked": Asked.PERSON}, Intent.PERSON),
        "message: a question": ({"text": "מתי יהיה מישהו", "asked": Asked.MESSAGE}, Intent.WORDS),
        "message: an interruption": ({"text": "רגע", "asked": Asked.MESSAGE}, Intent.WORDS),
        "message: typed": (
            {"text": "0501234567", "utterance_id": KEYS, "asked": Asked.MESSAGE},
            Intent.MESSAGE,
        ),
        "more: the number": ({"text": "המספר שלי 0501234567", "asked": Asked.MORE}, Intent.MESSAGE),
        "more: over our thanks": (
            {"text": "לדירה בהרצל", "asked": Asked.MORE, "interrupts": True},
            Intent.MESSAGE,
        ),
        "more: a question": ({"text": "ומה המחיר", "asked": Asked.MORE, "interrupts": True}, Intent.WORDS),
        "more: something else": ({"text": "אני מחפש דירה", "asked": Asked.MORE}, Intent.WORDS),
        "call back: no": ({"text": "לא תודה", "asked": Asked.CALL_BACK}, Intent.DECLINED),
        "call back: something else": ({"text": "מה המחיר", "asked": Asked.CALL_BACK}, Intent.WORDS),
        "message: yes": ({"text": "כן", "asked": Asked.MESSAGE}, Intent.GO_AHEAD),
        "message: no": ({"text": "לא", "asked": Asked.MESSAGE}, Intent.DECLINED),
        "message": ({"text": "דנה מתל אביב", "asked": Asked.MESSAGE}, Intent.MESSAGE),
        "nothing asked: yes": ({"text": "כן"}, Intent.WORDS),
        "nothing asked: no": ({"text": "לא"}, Intent.WORDS),
        "an empty message": ({"text": "", "asked": Asked.MESSAGE}, Intent.UNCLEAR),
    }
)
def test_f3_what_a_line_of_ours_has_asked_for(case, expected):
    """E1, F3: where no LLM listens, the answer is ours too."""
    assert meaning(**case) is expected


@check(
    {
        "a message": ({"text": "דנה מתל אביב", "asked": Asked.MESSAGE}, Intent.WORDS),
        "a number": ({"text": "המספר שלי 0501234567", "asked": Asked.MORE}, Intent.WORDS),
        "a typed number": (
            {"text": "0501234567", "utterance_id": KEYS, "asked": Asked.MESSAGE},
            Intent.WORDS,
        ),
        "yes to a message": ({"text": "כן", "asked": Asked.MESSAGE}, Intent.WORDS),
        "no to a call back": ({"text": "לא תודה", "asked": Asked.CALL_BACK}, Intent.WORDS),
        "yes to a call back": ({"text": "כן", "asked": Asked.CALL_BACK}, Intent.CALL_BACK),
        "yes to a person": ({"text": "כן, בבקשה", "asked": Asked.PERSON}, Intent.PERSON),
        "the verb of our offer": (
            {"text": "תעבירי", "asked": Asked.PERSON, "said": "להעביר אותך לנציג"},
            Intent.PERSON,
        ),
        "the verb of our offer, and more": (
            {"text": "תעבירי למייל שלי", "asked": Asked.PERSON, "said": "להעביר אותך לנציג"},
            Intent.WORDS,
        ),
        "the verb of no offer": (
            {"text": "תעבירי", "asked": Asked.PERSON, "said": "לחבר אותך עם המשרד"},
            Intent.WORDS,
        ),
        "the verb of our offer, refused": (
            {"text": "אל תעבירי", "asked": Asked.PERSON, "said": "להעביר אותך לנציג"},
            Intent.WORDS,
        ),
        "yes, and more": ({"text": "כן, אבל מה המחיר", "asked": Asked.PERSON}, Intent.WORDS),
        "nothing was offered": ({"text": "כן"}, Intent.WORDS),
        "a person all the same": ({"text": "נציג", "asked": Asked.MESSAGE}, Intent.PERSON),
        "a goodbye all the same": ({"text": "להתראות", "asked": Asked.MESSAGE}, Intent.GOODBYE),
    }
)
def test_f3_where_an_llm_listens_it_takes_the_message(case, expected):
    """F3: only a plain yes to what we have offered needs nobody to judge it."""
    assert meaning(**case, llm=True) is expected


@check(
    {
        "the one": ({"text": "1"}, Intent.CALL_BACK),
        "the one, of a hidden number": ({"text": "1", "number": ""}, Intent.DEAF),
        "a number": ({"text": "0521234567"}, Intent.MESSAGE),
        "a number, of a hidden one": ({"text": "0521234567", "number": ""}, Intent.MESSAGE),
        "half of one": ({"text": "052123"}, Intent.DEAF),
        "a person": ({"text": "0"}, Intent.PERSON),
    }
)
@pytest.mark.parametrize("llm", [False, True])
def test_g2_keys_to_an_agent_that_is_deaf(case, expected, llm):
    """G2, F5: a call back by key, whoever listens; anything else is asked for again."""
    assert meaning(**case, utterance_id=KEYS, asked=Asked.KEYS, llm=llm) is expected


def test_g2_the_one_is_a_key_like_any_other_where_it_was_not_offered():
    """G2, F5: it may be the LLM's menu."""
    assert meaning("1", utterance_id=KEYS) is Intent.WORDS
