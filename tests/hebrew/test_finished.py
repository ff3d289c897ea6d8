"""A7: whether the words so far can be the whole turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.data import lines_of
from server.hebrew.understand.digits import digits_at_end
from server.hebrew.understand.finished import Ending, ending_of
from tests.hebrew.tables import phrases_of, rows


@pytest.mark.parametrize("row", rows("ending_cases"), ids=lambda row: row[0])
def test_a7_endings(row):
    """A7: held when no sentence or number ends so, released when nothing can follow."""
    text, ending, *expected = row
    assert ending_of(text, int(expected[0]) if expected else None).value == ending


@pytest.mark.parametrize(
    "text, digits",
    [
        ("052-345 67 89", "0523456789"),
        ("המספר שלי הוא 03-1234567.", "031234567"),
        ("אפס חמישים ושתיים", "052"),
        ("אפס חמישים שתיים", "052"),
        ("חמש שתיים", "52"),
        ("שלוש מאות ארבעים וחמש", "345"),
        ("מאתיים שלוש", "203"),
        ("מאה ועשר", "110"),
        ("שתים עשרה", "12"),
        ("שלוש מאות ושתים עשרה", "312"),
        ("שתים עשרה שלוש", "123"),
        ("עשרים אפס", "200"),
        ("חמישים עשר", "5010"),
        ("שבע-שמונה", "78"),
        ("אפס חמישים 12", "05012"),
        ("12 חמישים שתיים", "1252"),
        ("שלושה חדרים", ""),
        ("מיליון", ""),
        ("12.5", ""),
        ("10:30", ""),
        ("05/03", ""),
        ("", ""),
    ],
)
def test_a7_digits_said_in_groups(text, digits):
    """A7: as people dictate them."""
    assert digits_at_end(text) == digits


WORDS = "אפס אחת שתיים שלוש ארבע חמש שש שבע שמונה תשע".split()
mobile = st.lists(st.integers(0, 9), min_size=7, max_size=7).map(lambda rest: [0, 5, 2, *rest])


@given(mobile, st.lists(st.sampled_from(["", " ", "-"]), min_size=10, max_size=10), st.booleans())
def test_a7_a_telephone_number_is_whole_with_its_last_digit(digits, gaps, in_words):
    """A7: written in any groups, or dictated digit by digit."""
    if in_words:
        said = [f"{WORDS[digit]} " for digit in digits]
    else:
        said = [f"{digit}{gap}" for digit, gap in zip(digits, gaps, strict=True)]
    endings = [ending_of("הטלפון שלי " + "".join(said[:n])) for n in range(1, 11)]
    assert endings == [Ending.UNFINISHED] * 9 + [Ending.FINISHED]


@given(st.text(max_size=60), st.none() | st.integers(0, 12))
def test_a7_any_text_is_judged(text, expected):
    """A7: any transcript."""
    assert ending_of(text, expected) in Ending


@given(st.permutations("סבטלנה"), st.integers(2, 6))
def test_a7_a_name_that_is_spelled_is_whole_with_its_last_letter(letters, said):
    """A7: "סמך בית טית…" behind the name itself; for any name."""
    name = "".join(letters)
    spelled = " ".join(LETTERS[letter] for letter in name[:said])
    whole = said == len(name)
    assert ending_of(f"השם שלי {name} {spelled}") is (Ending.OPEN if whole else Ending.UNFINISHED)


LETTERS = dict(zip("סבטלנה", "סמך בית טית למד נון הא".split(), strict=True))


@pytest.mark.parametrize(
    "label, length", [("תעודת הזהות שלי היא", 9), ("מספר הרכב", 8), ("כרטיס האשראי שלי", 16), ("המיקוד", 7)]
)
def test_a7_a_labelled_number_is_whole_with_its_last_digit(label, length):
    """A7: an identity number, a plate, a card: the label gives the number of digits."""
    endings = [ending_of(f"{label} {' '.join('3' * said)}") for said in (1, length // 2, length)]
    assert endings == [Ending.UNFINISHED, Ending.UNFINISHED, Ending.FINISHED]


@given(st.sampled_from(["אממ", "אה", "אהממ"]), st.text("אבגדהוזחטיכלמנ ", min_size=3, max_size=30))
def test_a7_hesitation_never_ends_a_turn(hesitation, said):
    """A7: whatever precedes it."""
    assert ending_of(f"{said} אז {hesitation}") is Ending.UNFINISHED


@given(st.sampled_from(phrases_of("waiting/asked")), st.sampled_from(lines_of("ends/politely")))
def test_a7_politeness_does_not_release_a_request_to_wait(request, polite):
    """A7: "תמתיני רגע, תודה"."""
    assert ending_of(f"{request} {polite}") is Ending.UNFINISHED
