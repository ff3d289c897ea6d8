"""Words, numbers and names wrong in a transcript."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hear.comparison import Comparison, compare, names_of

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                "דירה",
                "שלוש",
                "בשמונה",
                "2.5 מיליון",
                "050-1234567",
                "וחצי",
                "מאה",
                "יום שני",
                "8:20",
                "שנים",
                "ו-3",
            ]
        ),
        max_size=8,
    ).map(" ".join),
)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("אני מחפש דירה", "אני מחפש דירה."),
        ("שלום", "שָׁלוֹם"),
        ("מאוד מצויין, הכול בסדר", "מאד מצוין הכל בסדר"),
        ("2.5 מיליון ₪", "שתיים וחצי מיליון שקלים"),
        ('1,850,000 ש"ח', "מיליון שמונה מאות וחמישים אלף שקלים"),
        ("המספר 050-1234567", "המספר אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע"),
        ("המספר 050-1234567", "המספר אפס חמישים אחת שתיים שלוש ארבע חמש שש שבע"),
        ("המספר 050-1234567", "המספר 0501234567"),
        ("ב-8:20", "בשמונה ועשרים"),
        ("שלוש חדרים", "3 חדרים"),
        ("שלושה חדרים", "שלוש חדרים"),
        ("ח'ליל", "חליל"),
        ("שלום", "שלומ"),
        ("", "…"),
    ],
)
def test_what_is_the_same(said: str, heard: str) -> None:
    found = compare(said, heard)
    assert found.words_wrong == 0 and found.numbers_missed == ()
    assert compare(heard, said).words_wrong == 0


@pytest.mark.parametrize(
    ("said", "heard", "words", "wrong"),
    [
        ("אני רוצה לקנות דירה", "אני רוצה לשכור דירה", 4, 1),
        ("אני רוצה לקנות דירה", "רוצה דירה", 4, 2),
        ("דירה", "אני רוצה דירה עכשיו", 1, 3),
        ("אני רוצה", "", 2, 2),
        ("", "תודה שצפיתם", 0, 2),
        ("בתל אביב", "תל אביב", 2, 1),
        ("בשמונה", "לשמונה", 1, 1),
        ("שלושה חדרים", "ארבעה חדרים", 2, 1),
    ],
)
def test_words_wrong(said: str, heard: str, words: int, wrong: int) -> None:
    found = compare(said, heard)
    assert (found.words, found.words_wrong) == (words, wrong)


@pytest.mark.parametrize(
    ("said", "heard", "numbers", "missed"),
    [
        ("3 חדרים עד 2.5 מיליון", "שלושה חדרים עד שניים וחצי מיליון", 2, ()),
        ("3 חדרים עד 2.5 מיליון", "שלושה חדרים עד שני מיליון", 2, ("2500000",)),
        ("המספר 050-1234567", "המספר 050-1234568", 1, ("0501234567",)),
        ("3 חדרים, 3 מרפסות", "3 חדרים ומרפסת", 2, ("3",)),
        ("דירה", "דירה 4", 0, ()),
    ],
)
def test_numbers_are_values(said: str, heard: str, numbers: int, missed: tuple[str, ...]) -> None:
    found = compare(said, heard)
    assert (found.numbers, found.numbers_missed) == (numbers, missed)


@pytest.mark.parametrize(
    ("said", "heard", "names", "missed"),
    [
        ("דירה בתל אביב", "דירה תל אביב", 1, ()),
        ("דירה בתל אביב", "דירה תלביב", 1, ("תל אביב",)),
        ("באבן גבירול או בדיזנגוף", "באבן גבירול או בדיזינגוב", 2, ("דיזנגוף",)),
        ("אבן גבירול", "גבירול", 1, ("אבן גבירול",)),
        ("דירה", "דירה בתל אביב", 0, ()),
    ],
)
def test_names_are_phrases_of_the_office(said: str, heard: str, names: int, missed: tuple[str, ...]) -> None:
    known = names_of(["אבן", "גבירול", "תל אביב", "אבן גבירול", "דיזנגוף", "!"])
    found = compare(said, heard, known)
    assert (found.names, found.names_missed) == (names, missed)


@given(TEXTS)
def test_a_text_is_itself(text: str) -> None:
    found = compare(text, text, names_of([text]))
    assert found == Comparison(found.words, 0, found.numbers, (), found.names, ())


@given(TEXTS, TEXTS)
def test_no_more_is_wrong_than_there_is(said: str, heard: str) -> None:
    found = compare(said, heard)
    assert found.words_wrong <= max(found.words, compare(heard, said).words)
    assert len(found.numbers_missed) <= found.numbers <= found.words


@given(TEXTS)
def test_of_nothing_heard_all_is_wrong(said: str) -> None:
    found = compare(said, "")
    assert found.words_wrong == found.words and len(found.numbers_missed) == found.numbers
