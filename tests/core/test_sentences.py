"""C2: a stream of text cut into sentences, Hebrew-aware."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.sentences import MAX_SENTENCE_CHARS, SentenceSplitter, split_sentences


@pytest.mark.parametrize(
    "text, sentences",
    {
        "one without an end": ("שלום לך", ["שלום לך"]),
        "full stops": ("שלום. מה שלומך. טוב.", ["שלום.", "מה שלומך.", "טוב."]),
        "question and exclamation": ("מה? כן! אז מה", ["מה?", "כן!", "אז מה"]),
        "several end marks": ("מה?! רגע... כן… הנה", ["מה?!", "רגע...", "כן…", "הנה"]),
        "quotes belong to the sentence": (
            'הוא אמר "בוא." והלך. "כן!" אמר',
            ['הוא אמר "בוא."', "והלך.", '"כן!"', "אמר"],
        ),
        "a bracket too": ("(זה הכול.) הנה.", ["(זה הכול.)", "הנה."]),
        "new lines": ("ראשון\nשני\n\n שלישי", ["ראשון", "שני", "שלישי"]),
        "decimals": ("זה 12.5 אחוז. כן", ["זה 12.5 אחוז.", "כן"]),
        "hours and thousands": ("בשעה 10:30 ועוד 1,200.50 שקל.", ["בשעה 10:30 ועוד 1,200.50 שקל."]),
        "an initial": ("שמי ד. לוי. נעים", ["שמי ד. לוי.", "נעים"]),
        "two initials": ("א. ב. יהושע כתב. כן", ["א. ב. יהושע כתב.", "כן"]),
        "an initial in brackets": ("הסופר (א. ב. יהושע) כתב. כן", ["הסופר (א. ב. יהושע) כתב.", "כן"]),
        "gershayim": ('המחיר כולל מע"מ. תודה', ['המחיר כולל מע"מ.', "תודה"]),
        "hebrew gershayim": ("ד״ר כהן ועו״ד לוי. שלום", ["ד״ר כהן ועו״ד לוי.", "שלום"]),
        "geresh": ("רח' הרצל 5, גב' לוי. כן", ["רח' הרצל 5, גב' לוי.", "כן"]),
        "an address": ("כתבו אל a.b@c.co.il היום. כן", ["כתבו אל a.b@c.co.il היום.", "כן"]),
        "a word that ends in an initial's letter": ("זה טוב. כן", ["זה טוב.", "כן"]),
        "nothing": ("", []),
        "blanks": (" \n \n", []),
        "end marks alone": ("... ", ["..."]),
    }.values(),
)
def test_c2_sentences(text, sentences):
    """C2: decimals, initials, geresh and gershayim do not end a sentence."""
    assert split_sentences(text) == sentences


def test_c2_a_sentence_comes_as_soon_as_it_is_whole():
    """C2: the white space behind the end mark tells that it is one."""
    splitter = SentenceSplitter()
    assert splitter.feed("שלום.") == []
    assert splitter.feed(" מה") == ["שלום."]
    assert splitter.feed(" שלומך?\n") == ["מה שלומך?"]
    assert splitter.flush() == []


def test_c2_flush_gives_the_rest_once():
    """C2: a text that ends without an end mark is spoken all the same."""
    splitter = SentenceSplitter()
    splitter.feed(" שלום ")
    assert splitter.flush() == ["שלום"]
    assert splitter.flush() == []


texts = st.lists(
    st.sampled_from(
        [
            "שלום",
            "מה",
            "ד.",
            "א.",
            "12.5",
            "3.",
            'מע"מ',
            "רח'",
            ".",
            "?",
            "!",
            "…",
            "...",
            '."',
            "?)",
            " ",
            "\n",
            "  ",
        ]
    ),
    max_size=40,
).map("".join)


@given(texts, st.lists(st.integers(1, 7), max_size=200))
def test_c2_sentences_do_not_depend_on_how_the_text_was_cut(text, cuts):
    """C2: a mind may stream letters, words or paragraphs."""
    splitter, pieces, rest = SentenceSplitter(), [], text
    for cut in cuts:
        pieces += splitter.feed(rest[:cut])
        rest = rest[cut:]
    pieces += splitter.feed(rest) + splitter.flush()
    assert pieces == split_sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() != "" for piece in pieces)


@given(st.text(alphabet="אבג ", max_size=1500))
def test_c2_a_text_without_end_marks_is_spoken_in_pieces(text):
    """C2: nothing waits for more than 400 characters, no word is lost, and blanks are where it is cut."""
    pieces = split_sentences(text)
    assert all(0 < len(piece) <= MAX_SENTENCE_CHARS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_c2_an_overlong_text_is_cut_at_the_last_blank():
    """C2: between words if there are any."""
    assert split_sentences("א" * 300 + " " + "ב" * 200) == ["א" * 300, "ב" * 200]
    assert split_sentences("א" * 401) == ["א" * 400, "א"]
    assert split_sentences("א" * 400) == ["א" * 400]
    assert SentenceSplitter().feed("א" * 401) == ["א" * 400]
    assert SentenceSplitter().feed("א" * 400) == []
    assert SentenceSplitter().feed(" " * 900) == []
    assert split_sentences(" " + "א" * 400) == ["א" * 400]


@pytest.mark.parametrize(
    "text, sentences",
    [
        ("מה מספר ת.ז. שלך?", ["מה מספר ת.ז. שלך?"]),
        ("זו תשובה 3. שמעתי אותך.", ["זו תשובה 3.", "שמעתי אותך."]),
        ("אפשרות א.\nאפשרות ב.", ["אפשרות א.", "אפשרות ב."]),
    ],
    ids=["initials", "a number is none", "a new line ends all the same"],
)
def test_c2_initials(text, sentences):
    """C2: letters with points are initials, digits are not, and a new line is always an end."""
    assert split_sentences(text) == sentences


def test_c2_an_overlong_text_does_not_depend_on_its_pieces():
    """C2: whole or letter by letter."""
    text = "מילה " * 100 + "סוף. ועוד."
    splitter = SentenceSplitter()
    assert [s for c in text for s in splitter.feed(c)] + splitter.flush() == split_sentences(text)
