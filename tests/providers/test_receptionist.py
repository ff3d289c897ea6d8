"""The receptionist: whole dialogues as tables, and properties for any text."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.receptionist import is_right, noted, rows
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.gender import Gender
from server.hebrew.understand.waiting import asks_to_wait, says_to_wait
from server.providers.base import Llm, ReplyRequest, ReplyStream
from server.providers.embedded.llm import script_he as he
from server.providers.embedded.llm.dialogue import talk_of
from server.providers.embedded.llm.expected_answers import expected_after
from server.providers.embedded.llm.receptionist import Receptionist
from server.providers.embedded.stt.grammar import build_grammar, hebrew_lexicon
from server.providers.openai.tools import DETAILS
from server.settings.prompts_file import lines_of
from server.turns.effects import Act, EndCall, Expected, Line, PhoneCall, SaveLead, Speaker, Transfer
from server.turns.prompts import in_gender
from tests.wording import OURS

LLM: Llm = Receptionist()
NUMBER = "+972501112222"
GREETING = Line(Speaker.AGENT, "שלום! כאן משרד התיווך בחיפה. איך אפשר לעזור?")


def request(text: str, history: tuple[Line, ...] = (), **others: Any) -> ReplyRequest:
    call = PhoneCall("CA1", NUMBER)
    return ReplyRequest(text, history, 1, "warm_helpful", 140, 420, **{"call": call, **others})


def respond(text: str, history: tuple[Line, ...] = (), **others: Any) -> ReplyStream:
    return LLM.respond(request(text, history, **others), timeout_s=1.0)


def answer(text: str, history: tuple[Line, ...] = (), **others: Any) -> tuple[str, Expected]:
    stream = respond(text, history, **others)
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
        ("2", "מה מספר הטלפון?", "למספר הזה", 10),
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
        ("לא, ארבעה חדרים וחצי", "תיקנתי. ארבעה וחצי חדרים. ומה התקציב", "שלושת אלפים שקל", None),
        ("לא יודע", "אחר כך", "דנה", 1),
        ("יוסי", "יוסי", "כן", None),
        ("למספר הזה", "הכול נכון?", "לא", 1),
        ("לא", "מה לתקן?", "ברעננה", None),
        ("בחולון", "הכול נכון?", "כן", 1),
        ("לא, ברעננה", "תיקנתי. רעננה. רשמתי: דירת ארבעה וחצי חדרים לשכירות ברעננה", "כן", 1),
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
    "selling": [
        ("יש לי דירה למכירה", "דירה למכירה, רשמתי. באיזו עיר הדירה?", "בחיפה", 1),
        ("בחיפה", "כמה חדרים יש בדירה?", "ארבעה חדרים", 1),
        ("ארבעה", "ומה המחיר המבוקש, בערך?", "שני מיליון שקל", None),
        ("בין מיליון וחצי לשניים", "בשני מיליון שקל, ", "דנה", 1),
        ("דנה", "נעים להכיר", "כן", None),
        ("כן", "דירת ארבעה חדרים למכירה בחיפה, בשני מיליון שקל, על שם דנה. הכול נכון?", "כן", 1),
        ("כן", "לגבי הדירה.", "לא", None),
    ],
    "an owner who does not say what for": [
        ("אני בעלים של דירה", "למכור את הדירה או להשכיר אותה?", "להשכיר", 1),
        ("קשקוש", "למכירה הקישו אחת, להשכרה שתיים.", "להשכיר", 1),
        ("להשכרה", "דירה להשכרה, רשמתי. באיזו עיר הדירה?", "בחיפה", 1),
        ("בחיפה, שלושה חדרים", "ומה שכר הדירה המבוקש", "ארבעת אלפים שקל", None),
        ("בין 6 ל-7 אלף", "בשבעת אלפים שקל", "דנה", 1),
    ],
    "another country's money": [
        ("לקנות דירת ארבעה חדרים בחיפה", "ומה התקציב", "שני מיליון שקל", None),
        ("500 אלף דולר", "אני רושמת רק סכומים בשקלים. אפשר להגיד סכום", "שני מיליון שקל", None),
        ("שני מיליון שקל", "עד שני מיליון שקל", "דנה", 1),
    ],
    "what a stranger asks": [
        ("לקנות", "באיזו עיר", "בחיפה", 1),
        ("אתם רובוט?", "כן, אני מערכת אוטומטית", "בחיפה", 1),
        ("השיחה מוקלטת?", "לא יודעת אם השיחה מוקלטת", "בחיפה", 1),
        ("מי הבעלים של המשרד?", "על זה אני לא יודעת לענות", "בחיפה", 1),
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


def test_the_stt_know_every_word_that_is_expected() -> None:
    for question in (*he.ASK, "done"):
        for intent in ("buy", "rent", None):
            assert build_grammar(expected_after(question, intent).phrases, hebrew_lexicon()).left_out == ()


def test_every_expected_answer_moves_the_dialogue_on() -> None:
    for phrase in LLM.opening.phrases:
        text, _ = answer(phrase)
        assert he.NOT_UNDERSTOOD[0] not in text, phrase


def acts_of(lines: Sequence[str], **others: Any) -> list[tuple[Act, ...]]:
    """The acts of each reply in a call, every reply computed from the history alone."""
    history: tuple[Line, ...] = (GREETING,)
    acts = []
    for line in lines:
        stream = respond(line, history, **others)
        said = "".join(stream).strip()
        acts.append(stream.acts)
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, said))
    return acts


def turns_with(act: type[Act], acts: list[tuple[Act, ...]]) -> list[int]:
    return [turn for turn, done in enumerate(acts) if any(isinstance(one, act) for one in done)]


BUYING = ("לקנות", "בתל אביב", "ארבעה חדרים", "שני מיליון שקל", "דנה", "כן")
FLAT = {"intent": "קנייה", "city": "תל אביב", "rooms": "4", "budget": "2000000"}
BOUGHT = {"name": "דנה", "phone": NUMBER, **FLAT}
CALLS: dict[
    str, tuple[tuple[str, ...], list[int], dict[str, str], list[int]]
] = {  # name: (caller lines, which replies keep a lead, what is in the last one, which end the call)
    "with every detail, and no more once it is agreed": (
        (*BUYING, "כן", "תודה", "כמה זה עולה?", "לא", "להתראות"),
        [0, 1, 2, 3, 4, 5],
        BOUGHT,
        [6, 7, 9, 10],
    ),
    "a no at the summary: what was corrected": (
        (*BUYING, "לא", "ברעננה", "כן"),
        [0, 1, 2, 3, 4, 5, 7],
        BOUGHT | {"city": "רעננה"},
        [8],
    ),
    "a correction in the no itself": (
        (*BUYING, "לא, ברעננה", "נכון"),
        [0, 1, 2, 3, 4, 5, 6],
        BOUGHT | {"city": "רעננה"},
        [7],
    ),
    "a correction after the goodbye, for whoever is quick": (
        (*BUYING, "כן", "בעצם ברעננה", "כן"),
        [0, 1, 2, 3, 4, 5, 7],
        BOUGHT | {"city": "רעננה"},
        [6, 8],
    ),
    "all on the keypad, no name": (
        ("2", "3", "4", "5500", "1", "2", "0501234567", "1"),
        [0, 1, 2, 3, 6],
        {"phone": "0501234567", "intent": "שכירות", "city": "חיפה", "rooms": "4", "budget": "5500"},
        [7],
    ),
    "half a room": (
        ("לשכור דירת שלושה חדרים וחצי בחיפה", "לא יודע", "קוראים לי משה כהן", "כן", "כן"),
        [0, 2, 3],
        {
            "name": "משה כהן",
            "phone": NUMBER,
            "intent": "שכירות",
            "city": "חיפה",
            "rooms": "3.5",
        },
        [4],
    ),
    "a caller in a hurry": (
        ("לקנות", "בחיפה", "להתראות"),
        [0, 1],
        {"intent": "קנייה", "city": "חיפה"},
        [2],
    ),
    "the number in the goodbye": (
        (*BUYING[:5], "כן, למספר הזה, יום טוב"),
        [0, 1, 2, 3, 4, 5],
        BOUGHT,
        [5],
    ),
    "words around a goodbye are no name": (
        (*BUYING[:4], "אני צריכה ללכת, ביי"),
        [0, 1, 2, 3],
        FLAT,
        [4],
    ),
    "another number in the goodbye after the goodbye": (
        (*BUYING, "כן", "בעצם 0501234567, להתראות", "ביי"),
        [0, 1, 2, 3, 4, 5, 7],
        BOUGHT | {"phone": "0501234567"},
        [6, 7, 8],
    ),
    "a summary that nobody answers clearly is closed": (
        (*BUYING, "קשקוש", "קשקוש", "קשקוש"),
        [0, 1, 2, 3, 4, 5],
        BOUGHT,
        [8],
    ),
    "nothing is known": (("שלום", "להתראות"), [], {}, [1]),
    "from the beginning again": (
        ("לקנות", "בחיפה", "מההתחלה", "לשכור", "ביי"),
        [0, 1, 3],
        {"intent": "שכירות"},
        [4],
    ),
    "a greeting is no goodbye": (
        ("יום טוב, אני רוצה לקנות דירה", "הוא אמר לי להתראות והלך"),
        [0],
        {"intent": "קנייה"},
        [],
    ),
    "not interested, and back again": (
        ("לקנות", "אני לא מעוניין, תודה", "רגע, אל תנתקי", "בחיפה", "תנתקי בבקשה"),
        [0, 3],
        {"intent": "קנייה", "city": "חיפה"},
        [1, 4],
    ),
    "not interested, and thanks": (("לקנות", "סיימנו", "תודה"), [0], {"intent": "קנייה"}, [1, 2]),
    "a wrong number": (("סליחה, טעות במספר",), [], {}, [0]),
    "all of it is right": ((*BUYING, "כן, זה הכול, תודה"), [0, 1, 2, 3, 4, 5], BOUGHT, [6]),
    "a mistake in what was noted": ((*BUYING, "טעות"), [0, 1, 2, 3, 4, 5], BOUGHT, []),
    "nobody takes leave": (
        ("לקנות", "לא סיימנו", "לא מעוניין בקומת קרקע", "אל תנתקי", "אני לא סוגר", "תסגרי לי פגישה"),
        [0],
        {"intent": "קנייה"},
        [],
    ),
    "who lets": (
        ("אני משכירה דירה", "בחולון", "שלושה חדרים", "חמשת אלפים"),
        [0, 1, 2, 3],
        {"intent": "השכרה", "city": "חולון", "rooms": "3", "budget": "5000"},
        [],
    ),
    "a goodbye with words behind it": (("לקנות", "ביי ותודה רבה"), [0], {"intent": "קנייה"}, [1]),
}


@pytest.mark.parametrize(("lines", "kept", "lead", "ends"), CALLS.values(), ids=CALLS)
def test_what_is_done_in_a_call(
    lines: tuple[str, ...], kept: list[int], lead: dict[str, str], ends: list[int]
) -> None:
    """F2: its goodbyes end the call. The lead is saved as it grows, for the caller may hang up any time."""
    acts = acts_of(lines)
    assert turns_with(SaveLead, acts) == kept
    leads = [act for done in acts for act in done if isinstance(act, SaveLead)]
    assert dict(leads[-1].details if leads else ()) == lead
    assert turns_with(EndCall, acts) == ends


HIDDEN_CALLS: dict[str, list[tuple[str, str]]] = {  # name: (caller line, what the reply must contain)
    "a number is asked for, and can only be said": [
        *((line, "") for line in BUYING[:4]),
        ("דנה", f"נעים להכיר, דנה. {he.NUMBER_HIDDEN} אפשר להגיד או להקיש. מה מספר הטלפון?"),
        ("למספר הזה", f"{he.NUMBER_HIDDEN} אפשר להגיד או להקיש"),
        ("כן", "לא קיבלתי מספר מלא"),
        ("0501234567", "נחזור למספר אפס חמש אפס"),
        ("כן", in_gender(he.CLOSED, Gender.FEMININE, None)),
    ],
    "without a number nothing is promised": [
        *((line, "") for line in BUYING[:5]),
        ("לא רוצה להגיד", "הכול נכון?"),
        ("כן", he.CLOSED_NO_NUMBER),
        ("כמה זה עולה?", he.AFTER_CLOSED_NO_NUMBER),
    ],
    "nor to who asks for a person": [
        ("אפשר לדבר עם נציג?", f"{he.AGENT_NO_NUMBER} אפשר להגיד או להקיש"),
        ("0501234567", "נחזור למספר אפס חמש אפס, אחת שתיים שלוש, ארבע חמש שש שבע. מחפשים דירה"),
        ("אפשר לדבר עם נציג?", he.TOPICS["agent"]),
    ],
}


@pytest.mark.parametrize("rows", HIDDEN_CALLS.values(), ids=HIDDEN_CALLS)
def test_f11_a_hidden_number_is_asked_for(rows: list[tuple[str, str]]) -> None:
    """F11: no call back is offered or promised before a number is known."""
    history: tuple[Line, ...] = (GREETING,)
    for line, part in rows:
        stream = respond(line, history, call=PhoneCall("CA1", ""))
        said = "".join(stream).strip()
        assert part in said, (line, said)
        assert "שממנו" not in said
        assert all(dict(act.details).get("phone") != "" for act in stream.acts if isinstance(act, SaveLead))
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, said))


@given(
    st.lists(
        st.sampled_from(
            [
                *BUYING,
                "לא",
                "למספר הזה",
                "נציג",
                "לא משנה",
                "קשקוש",
                "מההתחלה",
                "כמה זה עולה",
                "מה העמלה?",
                "סיימנו",
            ]
        ),
        max_size=14,
    )
)
def test_f11_no_call_back_is_promised_to_nowhere(lines: list[str]) -> None:
    """F11: whatever the caller says, as long as it is no number."""
    history: tuple[Line, ...] = (GREETING,)
    for line in lines:
        said = answer(line, history, call=PhoneCall("CA1", ""))[0]
        assert "יחזור" not in said.replace(he.AGENT_NO_NUMBER, "") and "נחזור" not in said
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, said))


@pytest.mark.parametrize("line", ["0", "אפשר לדבר עם נציג?", "די, תעבירי אותי"])
def test_the_caller_is_handed_over_when_there_is_a_person(line: str) -> None:
    """F3: and the known details are saved."""
    with_a_person = acts_of(("לקנות", line), person=True)
    assert with_a_person[1] == (Transfer(),)
    assert turns_with(Transfer, acts_of(("לקנות", line))) == []


@pytest.mark.parametrize("line", ["לא צריך נציג, אני רוצה לקנות", "מתי הנציג חוזר אליי"])
def test_a_caller_who_only_mentions_a_person_is_not_handed_over(line: str) -> None:
    """F3."""
    assert turns_with(Transfer, acts_of((line,), person=True)) == []


def test_handing_over_is_said() -> None:
    """F3: in the agent's gender."""
    assert answer("0", person=True)[0] == "רגע אחד, אני מעבירה את השיחה לנציג."
    man = Receptionist(Gender.MASCULINE).respond(
        request("0", person=True, lines=lines_of("", Gender.MASCULINE)), 1.0
    )
    assert "".join(man).strip() == "רגע אחד, אני מעביר את השיחה לנציג."


def test_a_lead_has_the_names_that_every_llm_uses() -> None:
    """The office reads one file, whichever LLM took the call."""
    (act,) = acts_of(BUYING)[-1]
    assert isinstance(act, SaveLead)
    assert [detail for detail, _ in act.details] == [detail for detail in DETAILS if detail != "notes"]


@pytest.mark.parametrize("line", ["קשקוש", "לקנות", "כן", "לא", "אתם רובוט?"])
@pytest.mark.parametrize("agent", Gender)
@pytest.mark.parametrize("caller", [None, *Gender])
def test_every_line_has_its_genders(line: str, agent: Gender, caller: Gender | None) -> None:
    """No gender mark of the script is ever spoken."""
    history: tuple[Line, ...] = (GREETING,)
    for _ in range(9):
        reply = Receptionist(agent).respond(request(line, history, caller=caller), 1.0)
        said = "".join(reply).strip()
        assert not set("{}[]|") & set(said)
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, said))


GENDERS = {  # what the caller says, agent, caller: what is said
    (
        "אתם רובוט?",
        Gender.FEMININE,
        None,
    ): "כן, אני מערכת אוטומטית של המשרד, ואני רושמת את הפרטים. מחפשים דירה",
    (
        "אתם רובוט?",
        Gender.MASCULINE,
        None,
    ): "כן, אני מערכת אוטומטית של המשרד, ואני רושם את הפרטים. מחפשים דירה",
    ("שלום", Gender.FEMININE, Gender.FEMININE): "מחפשת דירה לקנייה",
    ("שלום", Gender.FEMININE, Gender.MASCULINE): "מחפש דירה לקנייה",
    ("קשקוש", Gender.MASCULINE, Gender.FEMININE): "אני לא בטוח שהבנתי. לקנייה הקישי אחת",
    ("קשקוש", Gender.FEMININE, Gender.MASCULINE): "אני לא בטוחה שהבנתי. לקנייה הקש אחת",
    ("קשקוש", Gender.FEMININE, None): "לקנייה הקישו אחת",
}


@pytest.mark.parametrize(("case", "said"), GENDERS.items())
def test_genders(case: tuple[str, Gender, Gender | None], said: str) -> None:
    line, agent, caller = case
    assert said in "".join(Receptionist(agent).respond(request(line, caller=caller), 1.0))


@pytest.mark.parametrize("caller", [None, *Gender])
def test_what_was_asked_is_recalled_in_any_gender(caller: Gender | None) -> None:
    """The history begins late, with her question in the caller's gender."""
    question = in_gender(he.ASK["callback"][0], Gender.FEMININE, caller)
    history = (Line(Speaker.CALLER, "לקנות"), Line(Speaker.AGENT, question))
    assert "נחזור למספר הזה" in answer("כן", history)[0]


@pytest.mark.parametrize("line", ["רגע", "שנייה בבקשה"])
def test_f7_a_caller_who_asks_to_wait_is_asked_nothing(line: str) -> None:
    """F7, G: and the open question stays open."""
    assert replies("לקנות", line, "בחיפה")[1][0] == "בטח, בלי לחץ."
    assert "חיפה, " in replies("לקנות", line, "בחיפה")[2][0]
    assert says_to_wait(he.TOPICS["wait"])


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['asked']}: {row['said']}")
def test_f8_fresh_lines_are_noted_as_they_are_meant(row: dict[str, Any]) -> None:
    """E6, F8, F2: ``tests/fresh/receptionist_*.jsonl``."""
    assert is_right(row, noted(row))


@pytest.mark.parametrize("question", ["city", "rooms", "budget"])
@pytest.mark.parametrize("intent", ["sell", "let"])
def test_an_owner_is_asked_in_an_owners_words(question: str, intent: str) -> None:
    """When the history begins late, an owner's questions are recognised too."""
    ways = he.ASK_OWNER[question, intent]
    assert not set(ways) & set(he.ASK[question]) and len(ways) == len(he.ASK[question])


def test_what_an_owner_has_is_recalled_from_her_own_words() -> None:
    history = (
        Line(Speaker.CALLER, "כן"),
        Line(Speaker.AGENT, "דירת ארבעה חדרים להשכרה בחולון, מצוין. ומה שכר הדירה המבוקש, בערך?"),
    )
    text, _ = answer("חמשת אלפים", history)
    assert "בחמשת אלפים שקל" in text


@pytest.mark.parametrize("heard", range(5))
def test_the_rest_of_a_reply_that_was_cut(heard: int) -> None:
    """D4: only the unspoken sentences, with all acts."""
    past = tuple(
        Line(who, line) for line in BUYING for who, line in ((Speaker.CALLER, line), (Speaker.AGENT, "נרשם."))
    )
    whole = split_sentences(answer("כן", past)[0])
    stream = respond("כן", past, said=" ".join(whole[:heard]))
    assert [sentence.strip() for sentence in stream] == whole[heard:]
    assert stream.acts == (EndCall(),)


BROKEN_OFF = {  # after these lines: what was plainly not all
    (): "אני מחפשת דירה של",
    ("לקנות",): "בתל אביב או",
    (*BUYING[:5], "לא"): "52 1",  # of the ten digits that were asked for
}


@pytest.mark.parametrize(("lines", "text"), BROKEN_OFF.items())
def test_a_broken_off_sentence_is_waited_for(lines: tuple[str, ...], text: str) -> None:
    """A7: the reply is "…" and does nothing; asked without that option, it answers."""
    history: tuple[Line, ...] = (GREETING,)
    for line in lines:
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, answer(line, history)[0]))
    waits = respond(text, history, may_wait=True)
    assert "".join(waits).strip() == "…"
    assert (waits.acts, waits.expected) == ((), replies(*lines)[-1][1] if lines else LLM.opening)
    assert answer(text, history)[0] != "…"


@pytest.mark.parametrize("text", ["אחלה בחלה", "בלי מעלית", "חולון"])
def test_words_during_playout_are_answered_as_any_others(text: str) -> None:
    """D4: the receptionist does not recognise backchannel."""
    said = "".join(respond(text, (GREETING,), may_listen=True)).strip()
    assert said == answer(text, (GREETING,))[0] != "…"


@pytest.mark.parametrize("question", [*he.ASK, "done"])
def test_no_expected_answer_is_waited_for(question: str) -> None:
    """A7: except for "רגע", which asks the agent to wait."""
    asked = Line(Speaker.AGENT, he.ASK[question][0] if question in he.ASK else he.CLOSED)
    for phrase in expected_after(question, "buy").phrases:
        if asks_to_wait(phrase):
            continue
        reply = respond(phrase, (Line(Speaker.CALLER, "לקנות"), asked), may_wait=True)
        assert "".join(reply).strip() != "…", phrase


@pytest.mark.parametrize("heard", [0, 1, 2, 3])
def test_a_cancelled_reply_keeps_nothing(heard: int) -> None:
    history: tuple[Line, ...] = (GREETING,)
    for line in BUYING:
        history += (Line(Speaker.CALLER, line), Line(Speaker.AGENT, answer(line, history)[0]))
    stream = respond("כן", history)
    sentences = iter(stream)
    said = [next(sentences).strip() for _ in range(heard)]
    assert said == split_sentences(in_gender(he.CLOSED, Gender.FEMININE, None))[:heard]
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
    assert re.search(r"[\d{}|\[\]]", reply) is None
    assert expected.phrases
    assert answer(text, history) == (reply, expected)


@pytest.mark.parametrize("asked", [OURS.no_person, OURS.go_ahead, OURS.message_number])
def test_f3_a_message_that_an_llm_would_have_taken_is_taken(asked: str) -> None:
    """F3: the LLM has failed after a prompt asked for a message: the message is saved."""
    history = (
        GREETING,
        Line(Speaker.CALLER, "נציג"),
        Line(Speaker.AGENT, in_gender(asked, Gender.FEMININE, None)),
    )
    left = "דני, אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע"
    said = {line: respond(line, history, call=PhoneCall("CA1", "")) for line in (left, "תגידו שדני התקשר")}
    spoken = {line: "".join(stream).strip() for line, stream in said.items()}
    assert spoken[left] == in_gender(OURS.message_taken, Gender.FEMININE, None)
    assert spoken["תגידו שדני התקשר"] == OURS.message_number  # theirs is hidden
    assert all(stream.acts == (SaveLead((("message", line),)),) for line, stream in said.items())


@pytest.mark.parametrize("last", [("כן, זה הכל",), ("לא", "זה הכול, תודה")])
def test_f2_that_is_all_closes_what_was_noted(last: tuple[str, ...]) -> None:
    """F2: "that is all" confirms the summary: the call ends with the promise, not with "never mind"."""
    talk = talk_of([Line(Speaker.CALLER, line) for line in (*BUYING, *last)], NUMBER)
    assert talk.remarks == (he.CLOSED,)


def test_f3_a_sentence_shared_with_a_prompt_asks_for_no_message() -> None:
    """F3: a prompt's last sentence may be an LLM's too."""
    lines = replace(OURS, no_person="כרגע אין נציג. אפשר להשאיר שם ומספר. תודה.")
    for said, kept in (("תודה.", False), (lines.no_person, True), (f"בטח. {lines.no_person}", True)):
        history = (Line(Speaker.CALLER, "שלום"), Line(Speaker.AGENT, said))
        stream = respond("תגידו שדני התקשר", history, lines=lines, call=PhoneCall("CA1", "+972501234567"))
        assert "".join(stream) and any(dict(act.details).get("message") for act in stream.acts) is kept


def test_f3_other_words_behind_that_line_are_no_message() -> None:
    history = (
        GREETING,
        Line(Speaker.CALLER, "נציג"),
        Line(Speaker.AGENT, in_gender(OURS.no_person, Gender.FEMININE, None)),
    )
    for line, part in (
        ("כן", "מקשיבה"),
        ("לא", OURS.no_message),
        ("אפשר להשאיר הודעה", "מקשיבה"),
        ("כמה זה עולה", "?"),
    ):
        stream = respond(line, history)
        assert part in "".join(stream) and stream.acts == ()
