"""E6: written text as spoken. The cases are in a table that Hebrew speakers read and extend."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.hebrew.speak import abbreviations, grammar, nouns
from server.hebrew.speak.numbers import cardinal, dictated, ordinal
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.gender import Gender

TABLE = Path(__file__).with_name("speakable_cases.tsv").read_text("utf-8")
CASES = [line.split("\t") for line in TABLE.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("written, spoken", CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_e6_the_table(written, spoken):
    """E6: digits, signs, dates, hours, telephones and abbreviations become words in agreement."""
    assert speakable(written) == spoken


def test_e6_the_table_is_long_and_says_nothing_twice():
    """E6: at least 220 cases, each of them once."""
    written = [case[0] for case in CASES]
    assert len(written) >= 220
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("written, spoken", CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_e6_cases_sound_the_same_inside_a_sentence(written, spoken):
    """E6: independent words before and behind change nothing."""
    if not written.endswith("."):
        assert speakable(f"הנה, {written}, תודה") == f"הנה, {spoken}, תודה"


@pytest.mark.parametrize(
    "written, spoken",
    [
        ("\u200f3\u200f \u202bחדרים\u202c", "שלושה חדרים"),
        ("₪\u200e3,000", "שלושת אלפים שקלים"),
        (
            "12345678901234567",
            "אחת שתיים שלוש, ארבע חמש שש, שבע שמונה תשע, אפס אחת שתיים, שלוש ארבע חמש, שש שבע",
        ),
        ("", ""),
    ],
    ids=["direction marks", "a mark behind a sign", "too long for a number", "nothing"],
)
def test_e6_what_a_table_does_not_show(written, spoken):
    """E6: invisible marks, and endless digits."""
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1,000,",
        "1.",
        "1-",
        "0",
        "₪",
        "1/",
        "ב-",
        "1:",
        "3 או ",
        "1.000",
        "8:00 עד ",
        "זוג + 1 ",
        "א', ",
        "א-",
        "a-",
        "a.",
        "050 ",
        "קוד 12 ",
        '50" ',
        "את/ה ",
    ],
)
def test_e6_endless_texts(piece):
    """E6: any length is accepted."""
    assert not re.search(r"\d", speakable(piece * 2000))


FIGURES = "0123456789٠١٢٣४５⑤²½Ⅷ፩"
PIECES = [
    *FIGURES, *"₪$€%°#*+-–/:.,'\"׳״()& \n", " ", " ", "ב", "ה", "ל-", "ה-", "כ-", "רח'", "מ\"ר", "ש\"ח",
    "אלף", "מיליון", "חדרים", "חדר", "דירות", "החדרים", "שנים", "קומה", "ירושלים", "במרץ", "לחודש", "בשעה",
    "וחצי", "או", "עד", "פי", "יום א'", "ת.ז.", "קוד", "24/7", "12/3/2026", "17:30", "050-1234567", "a@b.co",
    "K", "x", "\u200f", "20:00", "8:00", "מ-9", "17", "בערב", " עד ", "1.890.000", "4,5", "זוג +", "12/4",
    "/", "ימי", "כתובת", "~", "±", "≥", "‰", "_", "\\", "[", "|", "‑", "−", "—", "\u00a0", "\u202f", "\u2060",
    "/ה", "/ת", ".ן", "(ת)", "את/ה", "א'-ה'", "א-ה", "9.00", "13.00", "1.9.26", "31.8.27", "15.4", "#",
    "קוד האימות", "050 12 34 567", "www.a-b.co.il/x_1", "@a_b", "iPhone 15", "B12", "5W-30", "AM", " pm",
    "+972", "°C", "אש\"ח", "מ' ₪", "כ\"ס", "2/3", "3-4-5", "😊", "👩‍⚕️", "`", "**", "•", "NIS ", "US$",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from([case[0] for case in CASES]), max_size=3).map(" ".join),
)


UNSPOKEN = re.compile(r"[^\W_]/[^\W_]|[\d_#$%&*+/<=>@\[\\\]^`{|}~₪€£¥‰°±≈≥≤№•]")


@settings(max_examples=600)
@given(TEXTS)
def test_e6_any_text_is_spoken_without_figures_or_signs(text):
    """E6: any text; nothing is left for a TTS to guess; idempotent."""
    spoken = speakable(text)
    assert not UNSPOKEN.search(spoken), spoken
    assert speakable(spoken) == spoken


@given(
    st.lists(
        st.sampled_from("שלום לך, דירה יפה! מה? כן… (אולי) תל-אביב ממ\"ד: צ'ק; Dan's 'ok' — \n".split(" "))
    )
)
def test_e6_words_pass_untouched(words):
    """E6: unchanged to the letter if there is nothing to read."""
    text = " ".join(words)
    assert speakable(text) == text


@given(st.sampled_from([case[0] for case in CASES if not case[0].startswith("ת.ז")]), st.sampled_from(".!?…"))
def test_e6_a_sentence_stays_one(written, mark):
    """E6, C2: points inside are read, the end mark stays, none is added."""
    text = f"אז {written.rstrip('.!?')}{mark}"
    spoken = speakable(text)
    assert spoken.endswith(mark)
    assert len(split_sentences(spoken)) <= len(split_sentences(text))


@given(st.integers(0, 10**15))
def test_e6_numbers_have_words_in_both_genders(number):
    """E6: only "two" has another form before its noun."""
    for gender in Gender:
        words = cardinal(number, gender)
        assert not re.search(r"\d|  ", words)
        counted = cardinal(number, gender, before_noun=True)
        assert (counted != words) == (number == 2), counted


def test_e6_number_words():
    """E6: the library's words, and those added here."""
    assert cardinal(102, Gender.MASCULINE, before_noun=True) == "מאה ושניים"
    assert cardinal(3, Gender.MASCULINE, before_noun=True, definite=True) == "שלושת"
    assert cardinal(3, before_noun=True, definite=True) == "שלוש"
    assert [ordinal(3, gender) for gender in Gender] == ["השלישית", "השלישי"]
    assert dictated("1234") == "אחת שתיים שלוש ארבע"
    assert dictated("12345") == "אחת שתיים שלוש, ארבע חמש"


def test_e6_the_lists_are_spoken_themselves():
    """E6: the words for an abbreviation or unit contain none."""
    units = [unit for counted in nouns.UNITS.values() for unit in (counted.one, counted.few, counted.many)]
    for words in (*abbreviations.SHORT_FORMS.values(), *nouns.UNITS_ALONE.values(), *units):
        assert speakable(words) == words


@pytest.mark.parametrize("short", abbreviations.SHORT_FORMS)
@pytest.mark.parametrize("marks", [("'", '"'), ("׳", "״"), ("’", "”"), ("׳", "׳׳")])
def test_e6_short_forms_however_they_are_typed(short, marks):
    """E6: with any geresh and gershayim, in parentheses, at the end of a sentence."""
    typed = short.replace("'", marks[0]).replace('"', marks[1])
    words = abbreviations.SHORT_FORMS[short]
    assert speakable(f"({typed})") == f"({words})"
    assert speakable(f"כאן {typed}, ושם") == f"כאן {words}, ושם"
    if not short.endswith("."):
        assert speakable(f"כאן {typed}.") == f"כאן {words}."


@pytest.mark.parametrize("reading", grammar.PRECEDENCE, ids=lambda reading: reading.__name__)
def test_e6_every_reading_of_the_grammar_has_a_row(monkeypatch, reading):
    """E6: without any one of them, a row of the table would be read differently."""
    others = tuple(other for other in grammar.PRECEDENCE if other is not reading)
    monkeypatch.setattr(grammar, "PRECEDENCE", others)
    assert any(_read(written) != spoken for written, spoken in CASES)


def _read(written):
    try:
        return speakable(written)
    except LookupError:
        return None


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2212")
def test_e6_a_dash_of_any_kind(dash):
    """E6: ranges, dates, telephones and prefixes do not depend on the kind of dash."""
    for written, spoken in CASES:
        if re.search(r"\d-\d|[א-ת]-\d", written):
            said = spoken if dash == "\u2212" else spoken.replace("-", dash)
            assert speakable(written.replace("-", dash)) == said


@pytest.mark.parametrize("blank", "\u00a0\u202f\u2009")
def test_e6_a_blank_of_any_kind(blank):
    """E6: between thousands, and before a noun."""
    assert speakable(f"מחיר 1{blank}850{blank}000{blank}₪") == "מחיר מיליון שמונה מאות וחמישים אלף שקלים"
    assert speakable(f"3{blank}חדרים") == "שלושה חדרים"


@pytest.mark.parametrize("mark", "\u200b\u2060\u00ad\u200f\ufeff")
def test_e6_marks_that_no_one_sees(mark):
    """E6: inside a range and a price."""
    assert speakable(f"3{mark}-4 חדרים") == "שלושה עד ארבעה חדרים"
    assert speakable(f"₪{mark}3,000") == "שלושת אלפים שקלים"
