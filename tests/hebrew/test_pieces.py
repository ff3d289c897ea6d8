"""faults.md 22: a long sentence in pieces that a TTS accepts."""

from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.speak.pieces import pieces_of

LONG = (
    "הדירה ברחוב הרצל היא בת ארבעה חדרים, בקומה שלישית עם מעלית, יש בה מרפסת שמש גדולה שפונה לים - "
    "וגם מחסן וחניה, המחיר הוא מיליון ושמונה מאות אלף שקלים, ואפשר לבוא לראות אותה מחר בשעה חמש."
)


def test_a_sentence_that_fits_stays_one() -> None:
    assert pieces_of("שלום, איך אפשר לעזור?", 280) == ["שלום, איך אפשר לעזור?"]
    assert pieces_of("  ", 280) == []


def test_it_is_cut_where_a_clause_ends() -> None:
    assert pieces_of(LONG, 280) == [
        "הדירה ברחוב הרצל היא בת ארבעה חדרים, בקומה שלישית עם מעלית, יש בה מרפסת שמש גדולה שפונה לים -",
        "וגם מחסן וחניה, המחיר הוא מיליון ושמונה מאות אלף שקלים, ואפשר לבוא לראות אותה מחר בשעה חמש.",
    ]


def test_without_a_clause_it_is_cut_between_words() -> None:
    words = "מילה " * 60
    pieces = pieces_of(words, 280)
    assert all(len(piece.encode()) <= 280 for piece in pieces)
    assert " ".join(pieces).split() == words.split()


def test_a_number_is_not_cut() -> None:
    assert pieces_of("1,800,000", 4) == ["1,800,000"]


@given(st.text("אב,.- 1", max_size=200), st.integers(4, 60))
def test_no_word_is_lost_and_none_is_too_long(text: str, max_bytes: int) -> None:
    pieces = pieces_of(text, max_bytes)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece and (len(piece.encode()) <= max_bytes or " " not in piece) for piece in pieces)
