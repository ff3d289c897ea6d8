"""C2: a stream of Hebrew text split into sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.speak.sentences import MAX_SENTENCE_CHARS, SentenceSplitter, split_sentences


@pytest.mark.parametrize(
    "text, sentences",
    {
        "one without an end": ("שלום לך", ["שלום לך"]),
        "full stops": ("שלום. מה שלומך. טוב.", ["שלום.", "מה שלומך.", "טוב."]),
        "question and exclamation": ("מה? כן! אז מה", ["מה?", "כן!", "אז מה"]),
        "several end marks": ("מה?! רגע... כן… הנה", ["מה?!", "רגע...", "כן…", "הנה"]),
        "quotes belong to the sentence": (
            'הוא אמר "בוא." והלך. "כן!" אמר',
            ['הוא אמר "בוא."', "והלך.", '"כן!" אמר'],
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
        "items inside a line": (
            "שלוש אפשרויות: 1. דירה בפתח תקווה. 2. דירה בחולון.",
            ["שלוש אפשרויות: 1. דירה בפתח תקווה.", "2. דירה בחולון."],
        ),
        "items behind a comma": ("אפשר, 1. גג; 12. גן. כן", ["אפשר, 1. גג; 12. גן.", "כן"]),
        "an item behind a quote": ('אמר "בוא:" 1. גג. כן', ['אמר "בוא:" 1. גג.', "כן"]),
        "an item behind initials": ("מספר ת.ז. 1. שלי. כן", ["מספר ת.ז. 1. שלי.", "כן"]),
        "a number at the beginning": ("3. בית. כן", ["3. בית.", "כן"]),
        "a number at the end of a line": ("הקומה: 3.\nכן", ["הקומה: 3.", "כן"]),
        "a number that ends a sentence": ("בקומה 3. יש מעלית.", ["בקומה 3.", "יש מעלית."]),
        "a number that is none of an item": ("קוד: 123. כן, 4! כן", ["קוד: 123.", "כן, 4!", "כן"]),
        "an hour": ("בשעה 10:30. כן", ["בשעה 10:30.", "כן"]),
        "a quoted question": (
            'שאלת "כמה זה עולה?" והתשובה היא שלושה מיליון. כן',
            ['שאלת "כמה זה עולה?" והתשובה היא שלושה מיליון.', "כן"],
        ),
        "hebrew quotes": ("שאלת ”כמה?!” - והתשובה כאן.", ["שאלת ”כמה?!” - והתשובה כאן."]),
        "a quoted question alone": ('שאלת "כמה?"\nכן', ['שאלת "כמה?"', "כן"]),
        "two quoted questions": ('"כמה?" "מתי?" ', ['"כמה?"', '"מתי?"']),
        "a question in brackets": ("(כמה?) כן", ["(כמה?)", "כן"]),
        "a town in short": ('גר בת"א. עבר לארה"ב. כן', ['גר בת"א.', 'עבר לארה"ב.', "כן"]),
        "a question called out": ("באמת!? כן?! יופי", ["באמת!?", "כן?!", "יופי"]),
        "a date": ("ב־12.3.2026 נפגש. ב-1.5. ניפרד.", ["ב־12.3.2026 נפגש.", "ב-1.5.", "ניפרד."]),
        "an hour with a point": ("בשעה 10.30 בבוקר. כן", ["בשעה 10.30 בבוקר.", "כן"]),
        "an address on the web": (
            "ראו https://www.a.co.il/b?c=1.2 היום. כתבו ל־dana.l@a.co.il. כן",
            ["ראו https://www.a.co.il/b?c=1.2 היום.", "כתבו ל־dana.l@a.co.il.", "כן"],
        ),
        "a geresh and a point": (
            "דירות, בתים וכו'. שד' רוטשילד, עמ' 5.",
            ["דירות, בתים וכו'.", "שד' רוטשילד, עמ' 5."],
        ),
        "words cut short": (
            "ברח. הרצל, ליד שד. חן, אצל גב. לוי ופרופ. כהן. כן",
            ["ברח. הרצל, ליד שד. חן, אצל גב. לוי ופרופ. כהן.", "כן"],
        ),
        "in English too": ("Dr. Cohen and Mrs. Levy. כן", ["Dr. Cohen and Mrs. Levy.", "כן"]),
        "a word that ends like one": (
            "שמעתי את הנגב. יפה שם. קח לרוח. כן",
            ["שמעתי את הנגב.", "יפה שם.", "קח לרוח.", "כן"],
        ),
        "cut short before a number": (
            "חייגו טל. 03-1234567, דירה מס. 5. כן",
            ["חייגו טל. 03-1234567, דירה מס. 5.", "כן"],
        ),
        "a star number": ("טל. *2700 פתוח. כן", ["טל. *2700 פתוח.", "כן"]),
        "a name": ("שמי טל. נעים. קוראים לי טל.", ["שמי טל.", "נעים.", "קוראים לי טל."]),
        "a name at the end of a line": ("שמי טל.\n5 חדרים.", ["שמי טל.", "5 חדרים."]),
        "an ellipsis": ("יש דירה… בודקת. רגע... הנה", ["יש דירה…", "בודקת.", "רגע...", "הנה"]),
        "an ellipsis behind a word that joins": (
            "חשבתי על… דירה של... מישהו.",
            ["חשבתי על… דירה של... מישהו."],
        ),
        "a title in Latin letters": ("יש לה Ph.D. במדעים. כן", ["יש לה Ph.D. במדעים.", "כן"]),
        "an ellipsis before what was found": (
            "רגע, אני מחפש... מצאתי! אני מחפש את... משפחתי. כן",
            ["רגע, אני מחפש...", "מצאתי!", "אני מחפש את... משפחתי.", "כן"],
        ),
        "an ellipsis before a word that joins": ("זה יקר… אבל יפה... או לא.", ["זה יקר… אבל יפה... או לא."]),
        "an ellipsis before a longer word": ("רגע… שלום. כן… אביב", ["רגע…", "שלום.", "כן…", "אביב"]),
        "an ellipsis at the end of a line": ("רגע…\nאבל כן.", ["רגע…", "אבל כן."]),
        "an ellipsis and the last word": ("רגע… אבל", ["רגע… אבל"]),
        "an ellipsis and the beginning of one": ("רגע… אב", ["רגע…", "אב"]),
        "an ellipsis alone": ("…", ["…"]),
        "an ellipsis and blanks": (" … \n", ["…"]),
        "a short form behind a prefix": (
            "הע.מ. שלי מופיע בחשבונית. צרפו ה-ת.ז. ואת הח.פ. של בע.מ. כזו. כן",
            ["הע.מ. שלי מופיע בחשבונית.", "צרפו ה-ת.ז. ואת הח.פ. של בע.מ. כזו.", "כן"],
        ),
        "a quoted call": (
            'כתוב "נמסר!" אבל לא אצלך. הרשת "יאללה!" פתחה סניף. כן',
            ['כתוב "נמסר!" אבל לא אצלך.', 'הרשת "יאללה!" פתחה סניף.', "כן"],
        ),
        "a whole sentence that is quoted": (
            'הוא אמר: "בוא!" לכן באתי. אמרו: "רגע…" ואז כלום. כן',
            ['הוא אמר: "בוא!"', "לכן באתי.", 'אמרו: "רגע…" ואז כלום.', "כן"],
        ),
        "a name with a mark": (
            "המייל ב-Yahoo! נסגר. חברת Wow! פתחה סניף. יש Jazz! ואפשר לשמוע. הזמנו ב-Wolt! נתראה.",
            [
                "המייל ב-Yahoo! נסגר.",
                "חברת Wow! פתחה סניף.",
                "יש Jazz! ואפשר לשמוע.",
                "הזמנו ב-Wolt!",
                "נתראה.",
            ],
        ),
        "a mark in brackets inside a sentence": (
            "הדירה (באמת? כן!) פנויה. ביטלתי. (אין דמי ביטול.) רוצה?",
            ["הדירה (באמת? כן!) פנויה.", "ביטלתי.", "(אין דמי ביטול.)", "רוצה?"],
        ),
        "an ellipsis where nobody ends one": (
            "אז... מה השם? יש לנו… חדר קטן. אם תרצו… אפשר. בסדר, איך לומר… קטן. המחיר הוא… נמוך.",
            [
                "אז... מה השם?",
                "יש לנו… חדר קטן.",
                "אם תרצו… אפשר.",
                "בסדר, איך לומר… קטן.",
                "המחיר הוא… נמוך.",
            ],
        ),
        "an ellipsis before and": (
            "יש סלט... ואפשר בלי. יקר... ויטמינים אין.",
            ["יש סלט... ואפשר בלי.", "יקר...", "ויטמינים אין."],
        ),
        "quotes of every kind": (
            "אמר ”בוא.” “לך.“ «די.» ‘לא.’ כן",
            ["אמר ”בוא.”", "“לך.“", "«די.»", "‘לא.’", "כן"],
        ),
    }.values(),
)
def test_c2_sentences(text, sentences):
    """C2: decimals, initials, geresh and gershayim do not end a sentence."""
    assert split_sentences(text) == sentences


def test_c2_a_sentence_comes_as_soon_as_it_is_whole():
    """C2: the white space behind the end mark decides."""
    splitter = SentenceSplitter()
    assert splitter.feed("שלום.") == []
    assert splitter.feed(" מה") == ["שלום."]
    assert splitter.feed(" שלומך?\n") == ["מה שלומך?"]
    assert splitter.flush() == []


def test_c2_what_no_word_can_join_any_more_is_not_waited_for():
    """C2: the first letters of the next word may be enough."""
    splitter = SentenceSplitter()
    assert splitter.feed("רגע… ") == []
    assert splitter.feed("ש") == []
    assert splitter.feed("לו") == ["רגע…"]
    assert splitter.feed("ם. טל. ") == ["שלום."]
    assert splitter.feed("0") == []
    assert splitter.flush() == ["טל. 0"]


def test_c2_flush_gives_the_rest_once():
    """C2: a text without a final end mark is spoken too."""
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
            '?"',
            ":",
            ", 1. ",
            "1.",
            "טל.",
            "רח.",
            "הע.מ.",
            " (כן!",
            ")",
            '"',
            " Yahoo!",
            ": ",
            " יש לנו",
            " ואם",
            " ודאי",
            " אז",
            "ר",
            "ח.",
            "של",
            "ש",
            "ל",
            "ל…",
            "7",
            "א" * 399,
            "מילה " * 79,
            " ",
            "\n",
            "  ",
        ]
    ),
    max_size=40,
).map("".join)


@given(texts, st.lists(st.integers(1, 7), max_size=200))
def test_c2_sentences_do_not_depend_on_how_the_text_was_cut(text, cuts):
    """C2: an LLM may stream letters, words or paragraphs."""
    splitter, pieces, rest = SentenceSplitter(), [], text
    for cut in cuts:
        pieces += splitter.feed(rest[:cut])
        rest = rest[cut:]
    pieces += splitter.feed(rest) + splitter.flush()
    assert pieces == split_sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() != "" for piece in pieces)


@pytest.mark.parametrize(
    "text",
    [
        "מילה " * 79 + "אבגד, 1. גג. כן",
        "מילה " * 79 + "אבגדה 1. גג. כן",
        "א" * 399 + ",1. גג. כן",
        "א" * 400 + "ב. גג. כן",
        "מילה " * 79 + "אבגדה גג. כן",
        "מילה " * 79 + "אבגדה גג. 1. גן. כן",
        "א" * 399 + "רח. גג. כן",
    ],
    ids=[
        "an item",
        "no item",
        "no blank",
        "no initial",
        "a blank behind the last that fits",
        "an item of the next",
        "the end of a longer word",
    ],
)
def test_c2_where_an_overlong_text_is_cut_changes_nothing(text):
    """C2: the text before a number or an initial is remembered."""
    splitter = SentenceSplitter()
    assert [s for c in text for s in splitter.feed(c)] + splitter.flush() == split_sentences(text)


def test_c2_behind_a_quoted_question_the_next_word_is_waited_for():
    """C2: the next word tells whether the sentence goes on."""
    splitter = SentenceSplitter()
    assert splitter.feed('"כמה?" ') == []
    assert splitter.feed('"') == ['"כמה?"']
    assert splitter.feed('מתי?" ') == []
    assert splitter.flush() == ['"מתי?"']


@given(st.text(alphabet="אבג ", max_size=1500))
def test_c2_a_text_without_end_marks_is_spoken_in_pieces(text):
    """C2: no piece exceeds 400 characters, no word is lost, and cuts are at blanks."""
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
