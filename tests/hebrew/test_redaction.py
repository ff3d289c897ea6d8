"""Privacy: personal data does not reach a log. The cases are in a table."""

import re
import time
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.hebrew.speak.numbers import cardinal
from server.hebrew.understand.redaction import redacted, unfinished
from tests.hebrew.tables import rows

CASES = rows("redaction_cases")
FEMININE = "אפס אחת שתיים שלוש ארבע חמש שש שבע שמונה תשע".split()
MASCULINE = "אפס אחד שניים שלושה ארבעה חמישה שישה שבעה שמונה תשעה".split()
SEPARATORS = (" ", "-", ", ", " . ", ".", " - ", "\u200f", "\u200b ", "  ", "־")
OTHER_SCRIPTS = ("٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "۰۱۲۳۴۵۶۷۸۹")
SENTENCES = ("{}", "המספר שלי הוא {} תודה", "שלום, {}.", "כן, תרשום בבקשה: {}, זה הכול", "קוראים לי דנה ({})")


@pytest.mark.parametrize("text, kept", CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_the_table(text, kept):
    """Personal data goes; what the caller is looking for stays."""
    assert redacted(text) == kept


@pytest.mark.parametrize("text, kept", CASES, ids=[f"{number}" for number in range(len(CASES))])
def test_cases_are_redacted_in_a_sentence_just_so(text, kept):
    """The words around change nothing, and redaction is idempotent."""
    assert redacted(f"שלום, {text} ולהתראות") == f"שלום, {kept} ולהתראות"
    assert redacted(kept) == kept


def test_the_table_is_long_and_says_nothing_twice():
    """At least 120 cases, each of them once."""
    assert len(CASES) >= 120
    assert len({text for text, _ in CASES}) == len(CASES)


# ---- every number that checks -------------------------------------------------------------------


def luhn_digit(digits):
    """The check digit by Luhn's formula."""
    doubled = [2 * int(digit) for digit in digits[::-1][::2]]
    total = sum(value // 10 + value % 10 for value in doubled) + sum(map(int, digits[::-1][1::2]))
    return str(-total % 10)


def digits_of(count):
    return st.text("0123456789", min_size=count, max_size=count)


@st.composite
def identities(draw):
    """Nine digits, or eight without the leading zero; never a round price."""
    body = draw(digits_of(8))
    whole = body + luhn_digit(body)
    assume(not whole.endswith("000"))
    return whole[1:] if whole[0] == "0" and whole[1] != "0" and draw(st.booleans()) else whole


@st.composite
def cards(draw):
    first = draw(st.sampled_from("23456"))
    body = first + draw(st.integers(11, 17).flatmap(digits_of))
    return body + luhn_digit(body)


@st.composite
def phones(draw):
    area = draw(
        st.sampled_from(["050", "052", "058", "077", "073", "02", "03", "09", "1800", "1700", "97252"])
    )
    return area + draw(digits_of(6 if area.startswith("1") else 7))


def groups(draw, digits):
    """Digits as people group them: one by one, in twos, threes or fours, or together."""
    size = draw(st.sampled_from((1, 2, 3, 4, len(digits))))
    return [digits[at : at + size] for at in range(0, len(digits), size)]


def said(draw, group):
    """Spoken digit by digit, or two digits as one number."""
    if len(group) == 2 and group[0] != "0" and draw(st.booleans()):
        return cardinal(int(group))
    return " ".join(draw(st.sampled_from((FEMININE, MASCULINE)))[int(digit)] for digit in group)


@st.composite
def dictations(draw, numbers):
    """A number in one written or spoken form, inside a sentence."""
    digits = draw(numbers)
    parts = groups(draw, digits)
    # Eight digits in pairs or in round numbers may be a date or a list of prices: those stay.
    assume(len(digits) != 8 or (len(parts) in (1, 8) and not digits.endswith("0")))
    assume(not all(len(part) > 1 and part.endswith("0") for part in parts))
    way = draw(st.sampled_from(("written", "said", "mixed", "script")))
    if way in ("said", "mixed"):
        parts = [part if way == "mixed" and draw(st.booleans()) else said(draw, part) for part in parts]
        text = draw(st.sampled_from((" ", ", ", ". ", " ו"))).join(parts)
    else:
        text = draw(st.sampled_from(SEPARATORS)).join(parts)
    if way == "script":
        text = text.translate(str.maketrans("0123456789", draw(st.sampled_from(OTHER_SCRIPTS))))
    return draw(st.sampled_from(SENTENCES)).format(text), text, digits


def spelled(text):
    """Every digit of ``text``, written or spoken; other characters become blanks."""
    words = {word: str(value) for names in (FEMININE, MASCULINE) for value, word in enumerate(names)}
    text = re.sub(r"(\w)\s+ו", r"\1 ", text)
    figures = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    for word in sorted(words, key=len, reverse=True):
        figures = re.sub(rf"\b{word}\b", words[word], figures)
    return re.sub(r"[^0-9א-ת]", "", figures)


@pytest.mark.parametrize("numbers", [identities(), cards(), phones()], ids=["id", "card", "phone"])
def test_nothing_is_left_of_a_number_that_tells_who_somebody_is(numbers):
    """Written or spoken in any form, no four of its digits in a row remain."""

    @settings(max_examples=150, deadline=None)
    @given(dictations(numbers))
    def check(dictation):
        sentence, text, digits = dictation
        kept = redacted(sentence)
        assert text not in kept
        left = spelled(kept)
        assert not any(digits[at : at + 4] in left for at in range(len(digits) - 3))
        assert redacted(kept) == kept

    check()


FILLERS = st.sampled_from("רגע סליחה אוקיי זה נגיד לא אממממ ואז ועוד".split()).flatmap(
    lambda word: st.sampled_from((f" {word} ", f"... {word}... ", f" {word} רגע ", f", {word}? "))
)


@settings(max_examples=100, deadline=None)
@given(digits_of(7), st.lists(FILLERS, min_size=2, max_size=2), st.booleans())
def test_a_word_or_two_between_dictated_digits_hide_nothing(digits, fillers, written):
    """052, one moment, 123, one moment, 4567."""
    number = f"052{digits}"
    names = "0123456789" if written else FEMININE
    groups = [" ".join(names[int(d)] for d in group) for group in (number[:3], number[3:6], number[6:])]
    text = groups[0] + fillers[0] + groups[1] + fillers[1] + groups[2]
    assert redacted(f"כן, {text}, תודה") == "כן, [phone], תודה"
    lines = [re.sub(r"\s+", " ", group) for group in groups]
    assert redacted(lines[2], unfinished(lines[1], unfinished(lines[0]))) == "[phone]"


ANNOUNCED = ("הקוד", "קוד הכניסה", "הסיסמה שלי", "ה-PIN", "הקוד לדלת של המחסן", "cvv", "סיסמת האינטרנט")
LINKS = (" ", " הוא ", " זה ", ": ", " - ", " אה זה ", "\n", " שקיבלתי הוא ")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ANNOUNCED), st.sampled_from(LINKS), digits_of(4), st.sampled_from(("", " ", ", ")))
def test_kind_26_a_secret_of_few_digits_is_hidden_behind_its_noun_and_before_it(noun, link, digits, gap):
    """In any spoken form; a price with as many digits stays."""
    written = gap.join(digits)
    said = " ".join(FEMININE[int(digit)] for digit in digits)
    for value in (written, said):
        assert spelled(redacted(f"{noun}{link}{value}, תודה")) == spelled(f"{noun}{link}, תודה")
        assert spelled(redacted(f"{value} זה {noun}")) == spelled(f"זה {noun}")
        assert redacted(value, unfinished(f"{noun}{link}")) in ("[digits]", "[phone]")
    assert redacted(f"זה עולה 4{digits[1:]} שקל") == f"זה עולה 4{digits[1:]} שקל"


@settings(max_examples=100, deadline=None)
@given(phones(), digits_of(3).flatmap(lambda digits: st.sampled_from([digits[:n] for n in (1, 2, 3)])))
def test_f15_no_dictated_digit_is_left_behind_a_tag(number, more):
    """F15: a repeated group, or a digit too many."""
    said = " ".join(FEMININE[int(digit)] for digit in number + more)
    assert not re.search(r"\d", spelled(redacted(f"כן, {said}, תודה")))


def test_f15_a_group_that_is_said_again_in_the_next_turn_goes_too():
    """F15: the end of the previous turn, repeated."""
    assert redacted("אחת שתיים שלוש ארבע חמש שש שבע", "אפס חמש אפס אחת שתיים שלוש") == "[phone]"


# ---- any text -----------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [*"0123456789", *FEMININE, *MASCULINE, "עשרים", "חמישים", "מאה", "מאות", "אלף", "מיליון", "ו", "מקף"]
    + [
        " ",
        " ",
        " ",
        ", ",
        ".",
        "-",
        "+",
        "*",
        "(",
        ")",
        "/",
        ":",
        "@",
        "₪",
        "000",
        "052",
        "1234567",
        "12.11",
    ]
    + ["12,345", "שקל", "חדרים", "פלוס ", "כוכבית ", "\u200f", "٣", "a@b.co", "[id]", "2026", "09:30", "₪ "]
    + [
        " הקוד ",
        " הסיסמה ",
        " היא ",
        " זה ",
        "שלי ",
        "חשבון ",
        " סניף ",
        " תוקף ",
        " ספרות ",
        "ויזה ",
        "אלף בית ",
    ]
    + ["ארנב", "abc1", " א ", " ב-", "תז ", "04/28", ": ", "[digits]", "[secret]", " מאי ", " כספת "]
    + [" רגע ", " נו טוב ", "דירות ", " מטר", "\n", " zero ", " one", " at ", " dot ", "gmail", " שטרודל "]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_a_second_time_does_nothing(text):
    """Redacted text is not changed by a second redaction."""
    assert redacted(redacted(text)) == redacted(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Nd", "No", "Nl"]).filter(lambda c: c not in "@*")))
def test_a_text_without_numbers_is_untouched(text):
    """No digit and no address: every character stays, invisible ones too."""
    assume(not any(word in text for word in FEMININE + MASCULINE))
    assert redacted(text) == text


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_taken(text):
    """Surrogates, controls, any script: never raises."""
    assert isinstance(redacted(text + "\ud800 ²⁄₃ ① Ⅷ"), str)


@pytest.mark.parametrize(
    "piece",
    ["1", "1 ", "אפס ", "0 5,2 חמש ", "1.1,", "123,456,", "a.@", "12/11-", "חמישים ו", "+", "(*"]
    + ["5 a ", "a_", "a.", "a dot ", "a at ", "אפס רגע ", "1\n", "4 5 רגע "]
    + [
        "הקוד ",
        "הקוד 12 ",
        "הקוד זה א ",
        "4417 הקוד ",
        "הסיסמה היא ",
        "תוקף מאי 3 ",
        "חשבון בנק 1 ",
        "א שטרודל ",
    ]
    + ["1 2 3 שטרודל ", "ב-1", "א1", "ת.ז. "],
)
def test_time_grows_with_the_text_and_no_faster(piece):
    """Four times the text takes about four times as long."""

    def seconds(size):
        text = (piece * (size // len(piece) + 1))[:size]
        began = time.process_time()
        redacted(text)
        return time.process_time() - began

    seconds(1000)
    quick = min(seconds(4_000) for _ in range(2))
    assert any(seconds(16_000) < 12 * quick + 0.02 for _ in range(3))  # once is enough


def test_random_lists_of_prices_and_areas_stay():
    """Precision: everyday prices and areas are not taken for personal numbers."""
    draw = Random(7)
    for _ in range(200):
        price, rooms, area = draw.randrange(500, 9000) * 1000, draw.randrange(2, 7), draw.randrange(40, 250)
        text = f"{rooms} חדרים, {area} מטר, קומה {draw.randrange(1, 30)}, {price:,} שקל או {price}"
        assert redacted(text) == text
