"""The receptionist: whole dialogues as tables, and what holds for any text."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.conversation import Act, Expected, Line, SaveLead, Speaker
from server.engines.base import ReplyRequest, ReplyStream, Responder
from server.engines.ears.grammar import build_grammar, hebrew_lexicon
from server.engines.mind import script_he as he
from server.engines.mind.phrases import expected_after
from server.engines.mind.receptionist import Receptionist
from server.engines.openai.tools import DETAILS
from server.hebrew.sentences import split_sentences

MIND: Responder = Receptionist()
GREETING = Line(Speaker.AGENT, "שלום! כאן משרד התיווך בחיפה. איך אפשר לעזור?")


def respond(text: str, history: tuple[Line, ...] = ()) -> ReplyStream:
    return MIND.respond(ReplyRequest(text, history, 1, "warm_helpful", 140, 420), timeout_s=1.0)


def answer(text: str, history: tuple[Line, ...] = ()) -> tuple[str, Expected]:
    stream = respond(text, history)
    return "".join(stream).strip(), stream.expected


def replies(*lines: str) -> list[tuple[str, Expected]]:
    history: tuple[Line, ...] = (GREETING,)
    said = []
    for line in lines:
        said.append(answer(line, history))
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, said[-1][0]))
    return said


DIALOGUES: dict[
    str, list[tuple[str, str, str, int | None]]
] = {  # name: (caller line, what the reply must contain, an expected phrase, digits)
    "buying, one detail a line": [
        ("אני רוצה לקנות דירה", "דירה לקנייה", "בתל אביב", 1),
        ("בתל אביב", "תל אביב, ", "ארבעה חדרים", 1),
        ("ארבעה חדרים", "ארבעה חדרים, ", "שני מיליון שקל", None),
        ("שני מיליון שקל", "עד שני מיליון שקל, ", "דנה", 1),
        ("דנה", "נעים להכיר, דנה.", "כן", None),
        ("כן", "דירת ארבעה חדרים לקנייה בתל אביב, עד שני מיליון שקל, על שם דנה. הכול נכון?", "כן", 1),
        ("כן", "להתראות.", "לא תודה", None),
        ("תודה, להתראות", "להתראות.", "כן", None),
    ],
    "all on the keypad": [
        ("2", "דירה לשכירות", "בחיפה", 1),
        ("3", "חיפה, ", "שלושה חדרים", 1),
        ("4", "ארבעה חדרים, ", "חמשת אלפים שקל", None),
        ("5000", "עד חמשת אלפים שקל", "דנה", 1),
        ("1", "לחזור למספר", "כן", None),
        ("2", "להקיש עכשיו", "למספר הזה", 10),
        ("0501234567", "אפס חמש אפס, אחת שתיים שלוש, ארבע חמש שש שבע", "לא נכון", 1),
        ("1", "להתראות.", "לא", None),
    ],
    "everything at once": [
        (
            "שלום, אני רוצה לשכור דירת שלושה חדרים בחיפה",
            "דירת שלושה חדרים לשכירות בחיפה",
            "חמשת אלפים שקל",
            None,
        ),
        ("חמש וחצי אלף", "עד חמשת אלפים וחמש מאות שקל", "שמי דנה", 1),
        ("קוראים לי משה כהן", "נעים להכיר, משה כהן.", "כן", None),
    ],
    "corrections": [
        ("לקנות", "לקנייה", "חיפה", 1),
        ("בעצם לשכור", "תיקנתי. דירה לשכירות.", "חיפה", 1),
        ("בחולון", "חולון, ", "שלושה חדרים", 1),
        ("שלושה חדרים", "שלושה חדרים, ", "שלושת אלפים שקל", None),
        ("לא, ארבעה חדרים וחצי", "תיקנתי. ארבעה חדרים וחצי. ומה התקציב", "שלושת אלפים שקל", None),
        ("לא יודע", "אחר כך", "דנה", 1),
        ("יוסי", "יוסי", "כן", None),
        ("למספר הזה", "הכול נכון?", "לא", 1),
        ("לא", "מה לתקן?", "ברעננה", None),
        ("בחולון", "הכול נכון?", "כן", 1),
        ("לא, ברעננה", "תיקנתי. רעננה. רשמתי: דירת ארבעה חדרים וחצי לשכירות ברעננה", "כן", 1),
        ("נכון", "תודה רבה!", "כן", None),
    ],
    "questions in the middle": [
        ("שלום", "לקנייה או לשכירות?", "אני מחפשת דירה בחיפה", 1),
        ("אני מחפשת דירה", "לקנייה או לשכירות?", "לקנות", 1),
        ("כמה זה עולה?", "המחיר תלוי", "לקנות", 1),
        ("אפשר לדבר עם נציג?", "נציג", "לקנות", 1),
        ("לא הבנתי", "לקנייה הקישו אחת, לשכירות שתיים.", "לקנות", 1),
        ("מה הכתובת", "הכתובת", "לקנות", 1),
        ("לקנות", "באיזו עיר", "רמת גן", 1),
        ("0", "נציג", "רמת גן", 1),
        ("מההתחלה", "נתחיל מההתחלה. מחפשים", "לקנות", 1),
    ],
    "not understood: other words, then on": [
        ("קשקוש", "הבנתי. לקנייה הקישו אחת, לשכירות שתיים.", "לקנות", 1),
        ("עוד קשקוש", "להקיש אחת לקנייה", "לקנות", 1),
        ("ועוד אחד", "נשלים את זה אחר כך. באיזו עיר", "אילת", 1),
        ("קשקוש", "רק את שם העיר", "אילת", 1),
        ("באילת", "אילת, ", "חדר אחד", 1),
    ],
}


@pytest.mark.parametrize("rows", DIALOGUES.values(), ids=DIALOGUES)
def test_dialogue(rows: list[tuple[str, str, str, int | None]]) -> None:
    said = replies(*(line for line, *_ in rows))
    for (line, part, phrase, digits), (text, expected) in zip(rows, said, strict=True):
        assert part in text, (line, text)
        assert phrase in expected.phrases, line
        assert expected.digits == digits, line


def test_a_history_that_begins_late_is_made_up_from_her_own_words() -> None:
    history = (
        Line(Speaker.CALLER, "כן"),
        Line(Speaker.AGENT, "דירת ארבעה חדרים לקנייה בתל אביב, מצוין. ומה התקציב, בערך?"),
    )
    text, _ = answer("שני מיליון", history)
    assert "עד שני מיליון שקל" in text and "איך קוראים לך?" in text


def test_a_question_cut_short_was_asked_all_the_same() -> None:
    cut = Line(Speaker.AGENT, "דירה לקנייה, רשמתי. באיזו", interrupted=True)
    text, _ = answer("בחיפה", (GREETING, Line(Speaker.CALLER, "לקנות"), cut))
    assert text.startswith("חיפה, ") and text.endswith("כמה חדרים צריך?")


def test_the_ears_know_every_word_that_is_expected() -> None:
    for question in (*he.ASK, "done"):
        for intent in ("buy", "rent", None):
            assert build_grammar(expected_after(question, intent).phrases, hebrew_lexicon()).left_out == ()


def test_every_expected_answer_moves_the_dialogue_on() -> None:
    for phrase in MIND.opening.phrases:
        text, _ = answer(phrase)
        assert he.NOT_UNDERSTOOD[0] not in text, phrase


def acts_of(lines: Sequence[str]) -> list[tuple[Act, ...]]:
    """What is done with each reply of a call, every one of them made from the heard history alone."""
    history: tuple[Line, ...] = (GREETING,)
    acts = []
    for line in lines:
        stream = respond(line, history)
        said = "".join(stream).strip()
        acts.append(stream.acts)
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, said))
    return acts


def lead(**details: str) -> tuple[Act, ...]:
    return (SaveLead(tuple(details.items())),)


BUYING = ("לקנות", "בתל אביב", "ארבעה חדרים", "שני מיליון שקל", "דנה", "כן")
BOUGHT = {"phone": he.CALLING_NUMBER, "intent": "קנייה", "city": "תל אביב", "rooms": "4", "budget": "2000000"}
LEADS: dict[
    str, tuple[tuple[str, ...], dict[int, tuple[Act, ...]]]
] = {  # name: (caller lines, which replies keep a lead, and what is in it)
    "once, when the summary is right; talk after it keeps nothing": (
        (*BUYING, "כן", "תודה", "כמה זה עולה?", "לא", "להתראות"),
        {6: lead(name="דנה", **BOUGHT)},
    ),
    "not before the caller has agreed": (BUYING, {}),
    "a no at the summary: what was corrected": (
        (*BUYING, "לא", "ברעננה", "כן"),
        {8: lead(name="דנה", **BOUGHT | {"city": "רעננה"})},
    ),
    "a correction in the no itself": (
        (*BUYING, "לא, ברעננה", "נכון"),
        {7: lead(name="דנה", **BOUGHT | {"city": "רעננה"})},
    ),
    "a correction after the goodbye is kept too, once it is agreed": (
        (*BUYING, "כן", "בעצם ברעננה", "כן", "ביי"),
        {6: lead(name="דנה", **BOUGHT), 8: lead(name="דנה", **BOUGHT | {"city": "רעננה"})},
    ),
    "all on the keypad, no name": (
        ("2", "3", "4", "5500", "1", "2", "0501234567", "1"),
        {7: lead(phone="0501234567", intent="שכירות", city="חיפה", rooms="4", budget="5500")},
    ),
    "half a room": (
        ("לשכור דירת שלושה חדרים וחצי בחיפה", "לא יודע", "קוראים לי משה כהן", "כן", "כן"),
        {4: lead(name="משה כהן", phone=he.CALLING_NUMBER, intent="שכירות", city="חיפה", rooms="3.5")},
    ),
    "a caller in a hurry: what is known by then": (
        ("לקנות", "בחיפה", "להתראות", "ביי"),
        {2: lead(intent="קנייה", city="חיפה")},
    ),
    "the number in the goodbye": (
        (*BUYING[:5], "כן, למספר הזה, יום טוב"),
        {5: lead(name="דנה", **BOUGHT)},
    ),
    "words around a goodbye are no name": (
        (*BUYING[:4], "אני צריכה ללכת, ביי"),
        {4: lead(**{detail: text for detail, text in BOUGHT.items() if detail != "phone"})},
    ),
    "another number in the goodbye after the goodbye": (
        (*BUYING, "כן", "בעצם 0501234567, להתראות", "ביי"),
        {6: lead(name="דנה", **BOUGHT), 7: lead(name="דנה", **BOUGHT | {"phone": "0501234567"})},
    ),
    "a summary that nobody answers clearly is closed, and kept": (
        (*BUYING, "קשקוש", "קשקוש", "קשקוש", "קשקוש"),
        {8: lead(name="דנה", **BOUGHT)},
    ),
    "nothing is known": (("שלום", "להתראות"), {}),
    "from the beginning again: the old details are gone": (("לקנות", "בחיפה", "מההתחלה", "ביי"), {}),
}


@pytest.mark.parametrize(("lines", "kept"), LEADS.values(), ids=LEADS)
def test_what_the_caller_told_is_kept_at_the_goodbye(
    lines: tuple[str, ...], kept: dict[int, tuple[Act, ...]]
) -> None:
    assert acts_of(lines) == [kept.get(turn, ()) for turn in range(len(lines))]


def test_a_lead_has_the_names_that_every_mind_uses() -> None:
    """The office reads one file, whichever mind was on the line."""
    (act,) = acts_of((*BUYING, "כן"))[-1]
    assert isinstance(act, SaveLead)
    assert [detail for detail, _ in act.details] == [detail for detail in DETAILS if detail != "notes"]


@pytest.mark.parametrize("heard", [0, 1, 2, 3])
def test_a_cancelled_reply_keeps_nothing(heard: int) -> None:
    history: tuple[Line, ...] = (GREETING,)
    for line in BUYING:
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, answer(line, history)[0]))
    stream = respond("כן", history)
    sentences = iter(stream)
    said = [next(sentences).strip() for _ in range(heard)]
    assert said == split_sentences(he.CLOSED)[:heard]
    stream.cancel()
    assert list(sentences) == [] and stream.acts == ()


def test_nothing_follows_a_cancel() -> None:
    stream = respond("לקנות")
    sentences = iter(stream)
    assert next(sentences).startswith("דירה לקנייה")
    stream.cancel()
    assert list(sentences) == []


WORDS = [word for lines in DIALOGUES.values() for line, *_ in lines for word in line.split()]
ANY_LINE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789#*", max_size=14),
    st.lists(st.sampled_from([*WORDS, *he.CITIES, *he.NAMES, "מיליון", "חצי", "אלף"]), max_size=8).map(
        " ".join
    ),
)


@given(st.lists(ANY_LINE, max_size=8), ANY_LINE)
def test_any_dialogue_keeps_the_shape(past: list[str], text: str) -> None:
    history: tuple[Line, ...] = ()
    for line in past:
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, answer(line, history)[0]))
    reply, expected = answer(text, history)
    assert 1 <= len(split_sentences(reply)) <= 4
    assert reply.count("?") <= 1 and "?" not in reply[:-1]
    assert re.search(r"[\d{}]", reply) is None
    assert expected.phrases
    assert answer(text, history) == (reply, expected)
