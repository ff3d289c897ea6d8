"""E5: what a mind streams becomes two to four spoken sentences with one question, at the end."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engines.mind.shape import (
    CLARIFYING_QUESTIONS,
    CLOSING_QUESTIONS,
    MAX_SENTENCES,
    shaped,
)

OURS = CLARIFYING_QUESTIONS + CLOSING_QUESTIONS
MANY = 10_000  # characters: no limit to speak of


def shape(
    text: str, min_chars: int = 0, max_chars: int = MANY, turn_number: int = 1, *, ends: bool = False
) -> list[str]:
    """The sentences, without the blank behind each."""
    said = list(filter(None, shaped(iter([text]), min_chars, max_chars, turn_number, ends=lambda: ends)))
    assert all(sentence.endswith(" ") for sentence in said)
    return [sentence[:-1] for sentence in said]


class Mind:
    """Pieces of text, and how many of them were taken."""

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces
        self.pulled = 0

    def __iter__(self) -> Iterator[str]:
        for piece in self._pieces:
            self.pulled += 1
            yield piece


class TestPlainWords:
    @pytest.mark.parametrize(
        ("markdown", "sentences"),
        [
            ("**חשוב.** *מאוד* __כן__ ~~לא~~.", ["חשוב.", "מאוד כן לא."]),
            ("## כותרת\nטקסט.", ["כותרת.", "טקסט."]),
            ("> ציטוט.\n>> עוד.", ["ציטוט.", "עוד."]),
            ("- דירה\n* בית\n• גג\n– חצר\n+ גינה", ["דירה.", "בית.", "גג.", "חצר."]),
            ("-דירה\n•בית", ["דירה.", "בית."]),
            ("1. דירה\n2) בית\n(3) גג\n4.חצר", ["דירה.", "בית.", "גג.", "חצר."]),
            ("**1.** דירה\n2️⃣ בית\nא) גג", ["דירה.", "בית.", "גג."]),
            ("יש שתיים:\n- דירה,\n- בית.", ["יש שתיים:", "דירה.", "בית."]),
            ("| עיר | מחיר |\n|---|:--|\n|חיפה|12|", ["עיר, מחיר.", "חיפה, 12."]),
            ("```json\nהנה\n```\nזהו `קוד`.", ["הנה.", "זהו קוד."]),
            ("---\nשלום\n***", ["שלום."]),
            ("שלום 😀! טוב 👨‍👩‍👧👍🏽 מאוד ❤️.", ["שלום!", "טוב מאוד."]),
            ("יופי.😀 הלאה :)", ["יופי.", "הלאה."]),
            ("ראו [באתר שלנו](https://a.co.il/x?y=1).", ["ראו באתר שלנו."]),
            ("ראו https://www.a.co.il/x?y=1&z. כן.", ["ראו a.co.il.", "כן."]),
            ("באתר www.a.co.il, או (https://b.co.il).", ["באתר a.co.il, או (b.co.il)."]),
            ("קובץ snake_case <br>כאן.", ["קובץ snake case כאן."]),
            ("\u200fשלום\u200e לך\u00ad.", ["שלום לך."]),
        ],
    )
    def test_e5_no_markdown_no_lists_no_pictures(self, markdown: str, sentences: list[str]) -> None:
        """E5: the words stay; an item of a list is a sentence."""
        assert shape(markdown) == sentences

    @pytest.mark.parametrize(
        "text",
        [
            "זה 12.5 אחוז.",
            "12.5 אחוז.",
            "3-4 חדרים.",
            "-5 מעלות.",
            "מה מספר ת.ז. שלך?",
            "א. ב. יהושע כתב.",
            "תל-אביב, בית־ספר - כן.",
            "ד״ר כהן, רח' הרצל 5.",
            'אמר "בוא." אז.',
            "בין 10:30 ל-12:00, ב־1.5.2025.",
            "₪1,200 ועוד 30% ו-20°.",
            "3 + 4.",
            "שָׁלוֹם.",
            "כן!",
            "רגע…",
        ],
    )
    def test_e5_what_is_said_as_it_stands(self, text: str) -> None:
        """E5: a dot, a hyphen or a point that belongs to a word is no markup."""
        assert " ".join(shape(text)) == text

    def test_e5_a_star_number_is_a_number_to_call(self) -> None:
        """E5: *2700 loses no sign that the caller needs."""
        assert shape("חייגו *2700. או **2700**.") == ["חייגו כוכבית 2700.", "או 2700."]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("באמת?!", "באמת?"),
            ("מה???", "מה?"),
            ("כן?לא?", "כן,לא?"),
            ("כן?!לא?", "כן,לא?"),
            ('"כמה?!"', '"כמה?"'),
            ("כמה ?", "כמה?"),
        ],
    )
    def test_e5_a_question_has_one_question_mark(self, text: str, said: str) -> None:
        assert shape(text) == [said]


class TestNotes:
    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            ("[השיחה התחילה.] שלום, מה שלומך?", ["שלום, מה שלומך?"]),
            ("[כאן נקטעו דבריך: יש לנו דירה. בחיפה] כן.", ["כן."]),
            ("[המתקשר שותק]\nעוד כאן?", ["עוד כאן?"]),
            ("בטח [מחייכת] כן[1].", ["בטח כן."]),
            ("- [ ] דירה", ["דירה."]),
            ("[הערה][עוד הערה] כן.", ["כן."]),
            ("כן. [סוף השיחה]", ["כן."]),
            ("[הערה]", []),
        ],
    )
    def test_e5_a_note_in_square_brackets_is_not_said(self, text: str, sentences: list[str]) -> None:
        """E5: a mind repeats what it was told about the call; the caller hears nothing of it."""
        assert shape(text) == sentences

    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            ("[פתוח ולא נסגר. כן.", ["פתוח ולא נסגר.", "כן."]),
            ("[פתוח ולא\nנסגר] כן.", ["פתוח ולא.", "נסגר כן."]),
            ("ראו [באתר](http://a.co), [כאן](http://b.co).", ["ראו באתר, כאן."]),
        ],
        ids=["never closed", "not closed in its line", "a link"],
    )
    def test_e5_square_brackets_that_are_no_note(self, text: str, sentences: list[str]) -> None:
        """E5: their words are said."""
        assert shape(text) == sentences

    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            ("(בחיוך) בטח.", ["בטח."]),
            ("**(בחיוך)** בטח.", ["בטח."]),
            ("(בחיוך)\nבטח.", ["בטח."]),
            ("שלום. (צוחקת בקול…) נו.", ["שלום.", "נו."]),
        ],
    )
    def test_e5_a_stage_direction_is_not_said(self, text: str, sentences: list[str]) -> None:
        """E5: round brackets with a few words at a sentence's head tell how it is said."""
        assert shape(text) == sentences

    @pytest.mark.parametrize(
        "text",
        [
            "יש (בחיפה) דירה.",
            "(יש גם מחסן).",
            "(יש גם מחסן.)",
            "(אם תרצו, כמובן) אפשר.",
            "(מעל שלושה חדרים גדולים) יש.",
            "(050) 1234567.",
        ],
    )
    def test_e5_round_brackets_that_direct_nobody_are_said(self, text: str) -> None:
        """E5: inside a sentence, as a sentence, or with more than a direction has."""
        assert " ".join(shape(text)) == text

    def test_c2_a_note_holds_nothing_before_it_and_little_behind(self) -> None:
        """C2: a statement before an open bracket goes out, and the one behind it as soon as it is whole."""
        mind = Mind("שלום. [הע", "רה] ", "דירה. ", "סוף.")
        heard = [(said, mind.pulled) for said in shaped(iter(mind), 0, 420, 1, ends=lambda: False)]
        assert heard == [("שלום. ", 1), ("", 2), ("דירה. ", 3), ("", 4), ("סוף. ", 4)]


class TestItems:
    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            (
                "אפשר לראות שלוש אפשרויות: 1. דירה בפתח תקווה. 2. דירה בחולון. 3. בית בלוד.",
                ["אפשר לראות שלוש אפשרויות: דירה בפתח תקווה.", "דירה בחולון.", "בית בלוד."],
            ),
            ("יש שתיים: 1. דירה, 2. בית; 3. גג.", ["יש שתיים: דירה, בית; גג."]),
            (
                "יש לי שתיים (שתיהן בחיפה): **1.** דירה! **2.** בית.",
                ["יש לי שתיים (שתיהן בחיפה): דירה!", "בית."],
            ),
            ("1. דירה\nועוד: 2. בית.", ["דירה.", "ועוד: בית."]),
            ('"אחת." 1. דירה.', ['"אחת."', "דירה."]),
        ],
    )
    def test_e5_a_number_inside_a_line_is_not_said(self, text: str, sentences: list[str]) -> None:
        """E5: no lists, wherever their items stand."""
        assert shape(text) == sentences

    @pytest.mark.parametrize(
        "text",
        [
            "הדירה בקומה: 3. יש מעלית.",
            "יש לי 1. הלאה.",
            "נשארו לנו: 1.",
            "זה, 12.5 אחוז.",
            "רשמתי: 123. נכון.",
        ],
    )
    def test_e5_a_number_that_is_no_item_is_said(self, text: str) -> None:
        """E5: only the number that is next in a list is dropped."""
        assert " ".join(shape(text)) == text
        assert shape(text + "\nכן.") == [*shape(text), "כן."]


class TestOneQuestion:
    @pytest.mark.parametrize(
        "text",
        [
            "רשמתי 050-123-4567. זה נכון?",
            "רשמתי: דירת ארבעה חדרים בחיפה. עד שני מיליון שקל. נכון?",
            "כמה חדרים מחפשים?",
            "בשמחה! לאיזה יום לקבוע?",
        ],
    )
    def test_e5_a_reply_that_asks_is_left_alone(self, text: str) -> None:
        """E5: however short it is."""
        assert " ".join(shape(text, 140, 420)) == text
        assert " ".join(shape(text, 140, 420, ends=True)) == text

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("שעה 10:00 בבוקר? או אולי 11:00? מה נוח?", ["שעה 10:00 בבוקר, או אולי 11:00, מה נוח?"]),
            ("נקבע ליום שלישי. בבוקר? או בערב?!", ["נקבע ליום שלישי.", "בבוקר, או בערב?"]),
            ('"לקנות?" "לשכור?"', ['"לקנות," "לשכור?"']),
            ("הא. בי. גם. בבוקר? או בערב? הן.", ["הא.", "בי.", "גם.", "בבוקר, או בערב?"]),
            ("מחפשים דירה? באיזו עיר? יש לנו מבחר.", ["מחפשים דירה, באיזו עיר?"]),
        ],
    )
    def test_e5_questions_in_a_row_are_one(self, text: str, said: list[str]) -> None:
        """E5: one question, with every option it had."""
        assert shape(text, 140, 420) == said

    def test_e5_a_question_that_does_not_fit_is_not_joined(self) -> None:
        """E5: the one before it ends the reply."""
        assert shape("שלום. בבוקר? או בערב? כן?", 0, 25) == ["שלום.", "בבוקר, או בערב?"]
        assert shape("שלום. בבוקר? או בערב? כן?", 0, 22) == ["שלום.", "בבוקר, או בערב?"]
        assert shape("שלום. בבוקר? או בערב? כן?", 0, 21) == ["שלום.", "בבוקר?"]
        assert shape("בבוקר? או בערב?", 0, 15) == ["בבוקר?"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("באיזו עיר? יש לנו דירות בחיפה. איפה נוח?", ["באיזו עיר?"]),
            ("שלום. מחפשים דירה? נהדר! באיזו עיר?", ["שלום.", "מחפשים דירה?"]),
            ("הא. בי. גם. דו? הן.", ["הא.", "בי.", "גם.", "דו?"]),
        ],
        ids=["at once", "not the first", "fourth"],
    )
    def test_e5_nothing_is_said_behind_a_question(self, text: str, said: list[str]) -> None:
        assert shape(text, 140, 420) == said
        assert shape(text, 140, 420, ends=True) == said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("מחפשים דירה? נהדר! באיזו עיר?", ["מחפשים דירה.", "נהדר!", "באיזו עיר?"]),
            ("דירה? בחיפה? מצוין. כמה חדרים?", ["דירה, בחיפה.", "מצוין.", "כמה חדרים?"]),
            ('"שלושה חדרים?" \nיש. מתי נוח?', ['"שלושה חדרים."', "יש.", "מתי נוח?"]),
            (
                "חמישה חדרים? שמחה לעזור. הא. בי. גם?",
                ["חמישה חדרים.", "שמחה לעזור.", "הא.", CLARIFYING_QUESTIONS[1]],
            ),
        ],
    )
    def test_e5_an_echo_is_a_statement(self, text: str, said: list[str]) -> None:
        """E5: what repeats the caller is no question to answer, and the reply goes on."""
        assert shape(text, 140, 420) == said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("שלום. זה יקר, נכון? יש זול יותר. לשמוע?", ["שלום.", "זה יקר, נכון.", "יש זול יותר.", "לשמוע?"]),
            ("שלום. יפה שם, לא? יש גם ים. מתי נוח?", ["שלום.", "יפה שם, לא.", "יש גם ים.", "מתי נוח?"]),
            ("רשמתי. נכון? יש דירה. מתי נוח?", ["רשמתי.", "נכון.", "יש דירה.", "מתי נוח?"]),
            ("שלום. זה יקר, נכון?", ["שלום.", "זה יקר, נכון?"]),
            ("שלום. כמה חדרים, נכון? יש דירה.", ["שלום.", "כמה חדרים, נכון?"]),
        ],
        ids=["right", "no", "alone", "at the end", "asked with a word"],
    )
    def test_e5_what_wants_a_nod_is_a_statement(self, text: str, said: list[str]) -> None:
        """E5: a rhetorical question in the middle is none; at the end it is the question."""
        assert shape(text, 1, 420) == said

    def test_e5_an_echo_that_nothing_fits_behind_is_asked(self) -> None:
        assert shape("מחפשים דירה? נהדר!", 0, 19) == ["מחפשים דירה.", "נהדר!"]
        assert shape("מחפשים דירה? נהדר!", 0, 18) == ["מחפשים דירה?"]

    @pytest.mark.parametrize(
        "word",
        (
            "האם מה איזה איזו אילו כמה מתי איפה היכן למה מדוע מי איך לאן מהו מהי מיהו מיהי "
            "באיזו לכמה ומה מאיפה שכמה כמה־ ובאיזה"
        ).split(),
    )
    def test_e5_what_asks_with_a_word_is_no_echo(self, word: str) -> None:
        assert shape(f"אז {word} דירה? נהדר!") == [f"אז {word} דירה?"]

    @pytest.mark.parametrize("word", ["מים", "כמהין", "ימי", "אלמה", "אימא", "חמה"])
    def test_e5_a_word_that_contains_one_asks_nothing(self, word: str) -> None:
        assert shape(f"אז {word}? נהדר!") == [f"אז {word}.", "נהדר!"]

    def test_e5_a_quoted_question_is_no_question(self) -> None:
        """E5: words of the same sentence follow it."""
        text = 'שאלת "כמה זה עולה?" והתשובה היא שלושה מיליון. מתאים?'
        assert shape(text) == ['שאלת "כמה זה עולה," והתשובה היא שלושה מיליון.', "מתאים?"]

    def test_e5_a_question_without_room_ends_the_reply(self) -> None:
        assert shape("שלום לך. " + "מילה " * 5 + "כן? מה?", 0, 20) == ["שלום לך."]


class TestLength:
    def test_e5_four_sentences(self) -> None:
        assert shape("הא. בי. גם. דו. הן.") == ["הא.", "בי.", "גם.", "דו."]

    def test_e5_the_fourth_is_a_question(self) -> None:
        """E5: one question at the end, the mind's or ours."""
        assert shape("הא. בי. גם. דו? הן.", 1) == ["הא.", "בי.", "גם.", "דו?"]
        assert shape("הא. בי. גם. דו. הן?", 1, turn_number=0) == ["הא.", "בי.", "גם.", CLOSING_QUESTIONS[0]]

    def test_e5_the_fourth_of_a_goodbye_is_said(self) -> None:
        assert shape("הא. בי. גם. דו. הן.", 1, ends=True) == ["הא.", "בי.", "גם.", "דו."]
        assert shape("הא. בי. גם. דו.", 1, ends=True) == ["הא.", "בי.", "גם.", "דו."]

    def test_e5_the_fourth_of_a_reply_that_is_not_over_is_a_question_of_ours(self) -> None:
        """E5: it replaces the mind's fourth statement, whether more follows or not."""
        for text in ("הא. בי. גם. דו. הן.", "הא. בי. גם. דו."):
            assert shape(text, 1, turn_number=0) == ["הא.", "בי.", "גם.", CLOSING_QUESTIONS[0]]
            assert shape(text, 99, turn_number=0) == ["הא.", "בי.", "גם.", CLARIFYING_QUESTIONS[0]]

    def test_e5_cut_at_a_sentence(self) -> None:
        assert shape("עשר אותיות. עוד מילים רבות כאן. כן.", 0, 30) == ["עשר אותיות."]

    def test_e5_exactly_the_limit(self) -> None:
        """E5: the blank behind the last sentence counts, so that pieces may simply be added up."""
        assert shape("אבג. דהו.", 0, 10) == ["אבג.", "דהו."]
        assert shape("אבג. דהו.", 0, 9) == ["אבג."]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("יש לנו דירות בחיפה, וגם בתים גדולים. ועוד.", "יש לנו דירות בחיפה."),
            ("יש לנו דירות רבות בחיפה והסביבה. ועוד.", "יש לנו דירות רבות בחיפה."),
            ("כן, יש לנו דירות רבותרבותרבותרבות. ועוד.", "כן, יש לנו דירות."),
            ("רבותרבותרבותרבותרבותרבותרבות.", "רבותרבותרבותרבותרבותרבו."),
            ("רוצים לראות דירות בחיפה, או בעכו?", "רוצים לראות דירות בחיפה?"),
            ("דירות - יש לנו דירות טובות – בחיפה.", "דירות - יש לנו דירות."),
        ],
        ids=["clause", "word", "not a stump", "one word", "question", "dash"],
    )
    def test_e5_a_first_sentence_that_is_too_long(self, text: str, said: str) -> None:
        """E5: cut behind a clause or a word, and nothing of the mind's follows half a sentence."""
        assert shape(text, 0, 25) == [said]

    def test_e5_a_text_without_end_marks(self) -> None:
        (said,) = shape("מילה " * 300, 0, 100)
        assert len(said) < 100 and said.endswith("מילה.")


class TestAdded:
    def test_e5_the_next_turn_has_another_question(self) -> None:
        """E5: every one of them in turn."""
        for text, ours in (("בסדר.", CLARIFYING_QUESTIONS), ("מילה " * 30 + "סוף.", CLOSING_QUESTIONS)):
            asked = [shape(text, 140, turn_number=turn)[-1] for turn in range(2 * len(ours))]
            assert set(asked) == set(ours)
            assert all(one != other for one, other in pairwise(asked))

    @pytest.mark.parametrize("question", OURS)
    def test_e5_our_questions_have_no_gender(self, question: str) -> None:
        """E5: neither "אתה" nor "את", and no verb that tells one from the other."""
        words = set(re.findall(r"[א-ת]+", question))
        assert not words & {
            "אתה",
            "את",
            "תרצה",
            "תרצי",
            "רוצה",
            "תוכל",
            "תוכלי",
            "מחפש",
            "מחפשת",
            "לך",
            "שלך",
        }

    def test_e5_a_short_reply_gets_a_question(self) -> None:
        assert shape("בסדר.", 140, turn_number=4) == ["בסדר.", CLARIFYING_QUESTIONS[0]]

    def test_e5_a_long_reply_gets_a_short_question(self) -> None:
        assert shape("יש לנו דירה יפה.", 16, turn_number=4) == ["יש לנו דירה יפה.", CLOSING_QUESTIONS[0]]
        assert shape("יש לנו דירה יפה.", 17)[1] in CLARIFYING_QUESTIONS

    def test_e5_what_does_not_fit_is_not_added(self) -> None:
        assert shape("יש לנו דירה יפה.", 16, 17) == ["יש לנו דירה יפה."]
        shortest = min(CLOSING_QUESTIONS, key=len)
        for turn_number in range(4):
            assert shape("יש לנו דירה.", 9, 13 + len(shortest) + 1, turn_number)[1] == shortest

    def test_e5_without_a_minimum_nothing_is_added(self) -> None:
        assert shape("בסדר.", 0) == ["בסדר."]
        assert shape("איפה?", 0) == ["איפה?"]

    def test_e5_nothing_is_added_to_a_goodbye(self) -> None:
        """E5: what the mind asked last is said all the same."""
        assert shape("להתראות.", 140, ends=True) == ["להתראות."]
        assert shape("יום נעים, תודה רבה ולהתראות.", 9, ends=True) == ["יום נעים, תודה רבה ולהתראות."]
        assert shape("בסדר? להתראות.", 140, ends=True) == ["בסדר.", "להתראות."]
        assert shape("להעביר לנציג?", 140, ends=True) == ["להעביר לנציג?"]
        assert shape("הבנתי. להעביר לנציג?", 140, ends=True) == ["הבנתי.", "להעביר לנציג?"]

    @pytest.mark.parametrize("nothing", ["", " \n", "😀", "---\n", "**"])
    def test_e5_nothing_is_added_to_nothing(self, nothing: str) -> None:
        assert shape(nothing, 140) == []

    @pytest.mark.parametrize("dots", ["…", "...", " … ", "\n...\n", "……", ".."])
    def test_a7_an_ellipsis_alone_passes(self, dots: str) -> None:
        """A7: it is the mind's word for a caller who has not finished; nothing is added, and nobody asked."""
        for pieces in ([dots], list(dots)):
            said = shaped(iter(pieces), 140, 420, 1, ends=lambda: pytest.fail("asked"))
            assert "".join(said) == dots.strip()

    @pytest.mark.parametrize("text", ["… שלום לך.", "שלום לך. …", "...\nשלום לך."])
    def test_a7_an_ellipsis_beside_words_is_not_said(self, text: str) -> None:
        """A7: a mind that answers has no doubt."""
        assert shape(text) == ["שלום לך."]
        assert shape("… כמה?", 140) == ["כמה?"]

    def test_e5_whether_it_ends_is_asked_at_the_end(self) -> None:
        """E5: a mind may say so after its last word."""
        over = False

        def pieces() -> Iterator[str]:
            nonlocal over
            yield "תודה."
            over = True

        assert list(shaped(pieces(), 140, 420, 1, ends=lambda: over)) == ["", "תודה. "]

    @pytest.mark.parametrize("text", ["בסדר.", "יש לנו דירה יפה מאוד בחיפה. " * 6])
    def test_e5_consecutive_turns_differ(self, text: str) -> None:
        added = [set(shape(text, 100, 420, n)) & set(OURS) for n in range(9)]
        assert all(len(ours) == 1 for ours in added)
        assert all(earlier != later for earlier, later in pairwise(added))

    def test_e5_our_own_sentences_are_plain_and_speak_to_nobody_in_particular(self) -> None:
        for sentence in OURS:
            assert shape(sentence) == [sentence]
            words = sentence.strip(".?").replace(",", "").split()
            assert not {"אתה", "לך", "שלך", "תרצה", "תרצי", "רוצה", "צריך", "צריכה"} & set(words)
        assert all(s.endswith("?") for s in CLARIFYING_QUESTIONS + CLOSING_QUESTIONS)


class TestStreaming:
    def test_c2_a_statement_goes_out_at_once(self) -> None:
        """C2: before the piece behind it is pulled, whatever may follow."""
        mind = Mind("שלום. ", "דירה. ", "מה? ", "כן. ", "סוף.")
        reply = shaped(iter(mind), 140, 420, 1, ends=lambda: False)
        assert next(reply) == "שלום. " and mind.pulled == 1
        assert next(reply) == "דירה. " and mind.pulled == 2
        assert list(reply) == ["", "מה? "] and mind.pulled == 4

    def test_c2_a_piece_without_a_sentence_shows_that_the_mind_is_alive(self) -> None:
        """C2: before the next one is pulled, since a deadline runs."""
        mind = Mind("של", "ום", ". ", "😀. ", "מה? ", "או ", "כמה")
        reply = shaped(iter(mind), 0, 420, 1, ends=lambda: False)
        heard = [(said, mind.pulled) for said in reply]
        assert heard == [("", 1), ("", 2), ("שלום. ", 3), ("", 4), ("", 5), ("", 6), ("", 7), ("מה? ", 7)]

    @pytest.mark.parametrize(
        ("pieces", "min_chars", "asked"),
        [
            (("אחת.",), 140, 1),
            (("הא. ", "בי. ", "גם. ", "דו. ", "הן. "), 1, 1),
            (("הא. ", "בי. ", "גם. ", "דו. ", "הן. "), 0, 0),
            (("אחת. ", "שתיים?"), 140, 0),
            (("😀",), 140, 0),
        ],
        ids=["done", "said enough", "nothing to add", "asks", "nothing"],
    )
    @pytest.mark.parametrize("over", [False, True])
    def test_e5_whether_it_ends_is_asked_once_and_last(
        self, pieces: tuple[str, ...], min_chars: int, asked: int, over: bool
    ) -> None:
        """E5: the answer may read on in the mind's stream, so that nobody else does."""
        mind = Mind(*pieces)
        stream = iter(mind)
        pulled = []

        def ends() -> bool:
            pulled.append(mind.pulled)
            list(stream)
            return over

        list(shaped(stream, min_chars, 420, 1, ends=ends))
        assert pulled == [min(len(pieces), 4)] * asked

    @pytest.mark.parametrize(
        ("pieces", "min_chars", "max_chars", "pulled"),
        [
            (("אחת. ", "שתיים? ", "שלוש. ", "ארבע. "), 5, 420, 3),
            (("הא. ", "בי. ", "גם. ", "דו. ", "הן. "), 1, 420, 4),
            (("הא. ", "בי. ", "גם. ", "דו. ", "הן. "), 0, 420, 4),
            (("אבג. ", "דהוזחט. ", "י. "), 0, 10, 2),
            (("אבגדהו. ", "ז. "), 0, 10, 1),
            (("אבגדהוזחטיכלמנס. ", "ע. "), 0, 10, 1),
            (("אבגדהוזחטיכלמנס? ", "ע. "), 0, 10, 1),
            (("אבגדהו? ", "ז. "), 0, 10, 1),
            (("אבג. ", "דה? ", "ו. "), 0, 10, 2),
            (("אבג. ", "דהוזחטי? ", "כ. "), 0, 10, 2),
            (("אבגד? ", "האם? ", "ו. "), 0, 10, 2),
        ],
        ids=[
            "a statement behind the question",
            "fourth does not fit the shape",
            "fourth",
            "the next is too long",
            "no room for another",
            "the first was cut",
            "the first was cut and asks",
            "no room behind an echo",
            "no room behind a question",
            "a question without room",
            "a question that cannot be joined",
        ],
    )
    def test_e5_a_whole_reply_pulls_nothing_more(
        self, pieces: tuple[str, ...], min_chars: int, max_chars: int, pulled: int
    ) -> None:
        """E5: the network stream is closed, not read to its end."""
        mind = Mind(*pieces)
        list(shaped(iter(mind), min_chars, max_chars, 1, ends=lambda: False))
        assert mind.pulled == pulled

    def test_an_error_passes_through_behind_what_was_said(self) -> None:
        def pieces() -> Iterator[str]:
            yield "שלום. "
            raise RuntimeError("cut")

        reply = shaped(pieces(), 140, 420, 1, ends=lambda: False)
        assert next(reply) == "שלום. "
        with pytest.raises(RuntimeError):
            next(reply)


TOKENS = (
    "[ ] [הערה] [[x]y] (בחיוך) "
    "שלום מה דירה יפה לנו 12.5 3-4 ת.ז. 1. 2) - * • ** __כן__ # ## > | |--| ``` ` 😀 👍🏽 :) "
    'https://a.co/x?y=1 [כאן](http://a.co) *2700 . ? ?! ! … , : ; ( ) " \' ?" \u200f snake_case <b> - –'
).split()
texts = st.one_of(
    st.lists(
        st.sampled_from([*TOKENS, " ", " ", " ", "\n", ". ", "? ", ": 1. ", ", 2. ", "מילה " * 30]),
        max_size=60,
    ).map("".join),
    st.text(max_size=120),
)
limits = st.tuples(st.integers(0, 200), st.integers(20, 450))


def sentences(*args: object, **kwargs: object) -> list[str]:
    return list(filter(None, shaped(*args, **kwargs)))  # type: ignore[arg-type]


@given(texts, limits, st.integers(0, 9), st.booleans())
def test_e5_what_always_holds(text: str, limit: tuple[int, int], turn_number: int, ends: bool) -> None:
    min_chars, max_chars = limit
    said = sentences(iter([text]), min_chars, max_chars, turn_number, ends=lambda: ends)
    if said and not re.search(r"\w", said[0]):
        assert len(said) == 1 and re.fullmatch(r"…+|\.\.+", said[0])
        return
    assert sum(map(len, said)) <= max_chars
    assert len(said) <= MAX_SENTENCES
    for sentence in said:
        assert sentence == sentence.strip() + " " and "\n" not in sentence
        assert any(char.isalnum() for char in sentence)
        assert not set("*_`#|~[]<>😀👍\u200f") & set(sentence)
    marks = "".join(said).count("?")
    assert marks <= 1
    if marks:
        assert "?" in said[-1] and not any(c.isalnum() for c in said[-1].split("?")[1])
    if ends or not min_chars or not said:
        assert not set(OURS) & {sentence.strip() for sentence in said}
    elif sum(map(len, said)) + max(map(len, CLARIFYING_QUESTIONS)) + 2 <= max_chars:
        assert marks == 1, "there was room for a question"


@given(
    st.lists(st.sampled_from(["הא. ", "בי! ", "גם? ", "מה? ", "דירה. "]), max_size=8),
    limits,
    st.booleans(),
)
def test_e5_nothing_is_reordered(mind: list[str], limit: tuple[int, int], ends: bool) -> None:
    """E5: what is said of the mind's is its beginning, word by word, and ours is but one question, last."""
    said = sentences(iter(mind), *limit, 1, ends=lambda: ends)
    ours = [sentence for sentence in said if sentence.strip() in OURS]
    assert ours in ([], said[-1:])
    words = re.findall(r"\w+", "".join(said[: len(said) - len(ours)]))
    assert words == re.findall(r"\w+", "".join(mind))[: len(words)]


@given(texts, limits, st.lists(st.integers(1, 9), max_size=300), st.booleans())
def test_e5_does_not_depend_on_how_the_text_was_cut(
    text: str, limit: tuple[int, int], cuts: list[int], ends: bool
) -> None:
    pieces, rest = [], text
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    asked: list[int] = []
    mind = Mind(*pieces, rest)

    def over() -> bool:
        asked.append(mind.pulled)
        return ends

    cut_up = sentences(iter(mind), *limit, 1, ends=over)
    assert asked in ([], [mind.pulled]), "asked once, and nothing is pulled behind it"
    assert cut_up == sentences(iter([text]), *limit, 1, ends=lambda: ends)


@given(texts, limits, st.lists(st.integers(1, 9), max_size=60))
def test_c2_no_piece_is_pulled_in_silence(text: str, limit: tuple[int, int], cuts: list[int]) -> None:
    """C2: something was yielded for every piece before the next one is pulled."""
    starts = [0, *accumulate(cuts), len(text) + sum(cuts)]
    mind = Mind(*(text[start:end] for start, end in pairwise(starts)))
    heard = [mind.pulled for _ in shaped(iter(mind), *limit, 1, ends=lambda: False)]
    last = heard[-1] if heard else 0
    assert set(heard) == set(range(1, last + 1)), "each piece gave something"
    assert mind.pulled - last <= 1, "only what ends the reply may give nothing"
