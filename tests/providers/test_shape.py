"""E5: an LLM's stream becomes two to four spoken sentences with one question at the end."""

import re
from itertools import accumulate, dropwhile, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.providers.base import ProviderError
from server.providers.reply.shape import MAX_SENTENCES
from server.providers.reply.spoken import SpokenReply
from server.turns.effects import EndCall
from tests.providers.llms import Writes, asked, spoken
from tests.wording import OURS

MANY = 10_000  # characters: no limit to speak of


def shape(
    text: str, min_chars: int = 0, max_chars: int = MANY, *, heard: str = "", ends: bool = False
) -> list[str]:
    """The sentences; none if nothing of the answer is left."""
    return said_of([text], (min_chars, max_chars), heard=heard, ends=ends)


def said_of(pieces: list[str], limits: tuple[int, int], *, heard: str = "", ends: bool = False) -> list[str]:
    llm = Writes(pieces, acts=(EndCall(),) if ends else ())
    # Of a reply that goes on nothing is said when nothing is left: no line of ours either.
    request = asked(heard, min_chars=limits[0], max_chars=limits[1])
    try:
        return spoken(llm, request)[0]
    except ProviderError:
        return []


class TestPlainWords:
    @pytest.mark.parametrize(
        ("markdown", "sentences"),
        [
            ("**חשוב.** *מאוד* __כן__ ~~לא~~.", ["חשוב.", "מאוד כן."]),
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
            (
                "באתר www.gym1.co.il/sale_50%, או https://b.co.il/p/2459.",
                ["באתר gym1.co.il/sale_50%, או b.co.il."],
            ),
            ("תורים מעוניין\\ת, 8:15→22:30.", ["תורים מעוניין/ת, 8:15–22:30."]),
            ("ל-<front.desk@gmail.com>, <https://b.co.il>.", ["ל-front.desk@gmail.com, b.co.il."]),
            ("הקוד 3333#, a.io/booking?id=7892.", ["הקוד 3333#, a.io/booking."]),
            ("קובץ snake_case <br>כאן.", ["קובץ snake case כאן."]),
            ("הרשת **Home_5G**, moshe_cohen@gmail.com.", ["הרשת Home_5G, moshe_cohen@gmail.com."]),
            ("#4821 היא הפנייה. לחץ #כושר.", ["#4821 היא הפנייה.", "לחץ כושר."]),
            ("\u200fשלום\u200e לך\u00ad.", ["שלום לך."]),
        ],
    )
    def test_e5_no_markdown_no_lists_no_pictures(self, markdown: str, sentences: list[str]) -> None:
        """E5: the words stay; a list item becomes a sentence."""
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
        """E5: a dot, hyphen or point inside a word is no markup."""
        assert " ".join(shape(text)) == text

    def test_e5_a_star_number_is_a_number_to_call(self) -> None:
        """E5: the star of *2700 is kept, for the caller needs it."""
        assert shape("חייגו *2700. או **2700**.") == ["חייגו כוכבית 2700.", "או 2700."]

    def test_e5_a_key_to_press_is_named(self) -> None:
        """E5: a lone star or hash is a key if the sentence tells to press one; otherwise it is dropped."""
        assert shape("לרוסית לחצו *, לסיום # או *9. תודה * רבה.") == [
            "לרוסית לחצו כוכבית, לסיום סולמית או כוכבית 9.",
            "תודה רבה.",
        ]

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
        """E5: notes about the call that an LLM repeats are not spoken."""
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
        """E5: their words are spoken."""
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
        """E5: a few words in parentheses at the head of a sentence."""
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
        """E5: inside a sentence, as a sentence, or longer than a direction."""
        assert " ".join(shape(text)) == text

    def test_c2_a_note_holds_nothing_before_it_and_little_behind(self) -> None:
        """C2: a statement before an open bracket goes out, and the next one as soon as it is whole."""
        heard = when("שלום. [הע", "רה] ", "דירה. ", "סוף.")
        assert heard == [("שלום.", 1), ("דירה.", 3), ("סוף.", 4)]


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
            ("1. לבחור תאריך 2. למלא שם 3. לשלם", ["לבחור תאריך, למלא שם, לשלם."]),
            ("השלבים הם (1) הרשמה, 2) תשלום (בכרטיס) 3) סיום.", ["השלבים הם הרשמה, תשלום (בכרטיס), סיום."]),
            ("1. דירה בקומה 2. יש מעלית.", ["דירה בקומה 2.", "יש מעלית."]),
        ],
    )
    def test_e5_a_number_inside_a_line_is_not_said(self, text: str, sentences: list[str]) -> None:
        """E5: no lists, wherever their items are."""
        assert shape(text) == sentences

    @pytest.mark.parametrize(
        "text",
        [
            "הדירה בקומה: 3. יש מעלית.",
            "יש לי 1. הלאה.",
            "נשארו לנו: 1.",
            "זה, 12.5 אחוז.",
            "רשמתי: 123. נכון.",
            "הסניף (בבניין 1) פתוח.",
        ],
    )
    def test_e5_a_number_that_is_no_item_is_said(self, text: str) -> None:
        """E5: only the next number of a list is dropped."""
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
        ],
    )
    def test_e5_questions_in_a_row_are_one(self, text: str, said: list[str]) -> None:
        """E5: one question, with all options."""
        assert shape(text, 140, 420) == said

    def test_e5_a_question_that_does_not_fit_is_not_joined(self) -> None:
        """E5: the first question ends the reply."""
        assert shape("שלום. בבוקר? או בערב? כן?", 0, 25) == ["שלום.", "בבוקר, או בערב?"]
        assert shape("שלום. בבוקר? או בערב? כן?", 0, 22) == ["שלום.", "בבוקר, או בערב?"]
        assert shape("שלום. בבוקר? או בערב? כן?", 0, 21) == ["שלום.", "בבוקר?"]
        assert shape("בבוקר? או בערב?", 0, 15) == ["בבוקר?"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("שלום. מחפשים דירה? נהדר! באיזו עיר?", ["שלום.", "מחפשים דירה?"]),
            ("הא. בי. גם. דו? הן.", ["הא.", "בי.", "גם.", "דו?"]),
        ],
    )
    def test_e5_nothing_is_said_behind_a_question(self, text: str, said: list[str]) -> None:
        assert shape(text, 140, 420) == said
        assert shape(text, 140, 420, ends=True) == said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("נוח לך מחר בבוקר? הטכנאי באזור.", ["הטכנאי באזור.", "נוח לך מחר בבוקר?"]),
            ("תרצה שאזמין לך מקום? נשארו שני שולחנות.", ["נשארו שני שולחנות.", "תרצה שאזמין לך מקום?"]),
            ("באיזו עיר? יש לנו דירות. ויש בתים.", ["יש לנו דירות.", "ויש בתים.", "באיזו עיר?"]),
            ("להזמין מקום? נשארו שניים. לכמה אנשים? הן.", ["נשארו שניים.", "להזמין מקום, לכמה אנשים?"]),
        ],
    )
    def test_kind_27_a_question_that_opens_the_reply_ends_it(self, text: str, said: list[str]) -> None:
        """Kind 27: it keeps its mark, which alone tells it from a claim; the rest is spoken first."""
        assert shape(text, 140, 420, heard="שלום") == said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("הרכב נוסע? אם לא, נשלח גרר.", ["הרכב נוסע?", "אם לא, נשלח גרר."]),
            ("הרכב נוסע? אם לא, נשלח גרר. איפה הוא?", ["הרכב נוסע?", "אם לא, נשלח גרר."]),
            ("יש חניה? כי הגרר גדול.", ["יש חניה?", "כי הגרר גדול."]),
        ],
    )
    def test_kind_27_what_refers_to_the_question_follows_it(self, text: str, said: list[str]) -> None:
        """Kind 27: then the question keeps its place and mark."""
        assert shape(text, 140, 420, heard="הרכב נתקע") == said

    @pytest.mark.parametrize(
        ("heard", "text", "said"),
        [
            ("אני מחפש דירה", "מחפשים דירה? נהדר! באיזו עיר?", ["מחפשים דירה.", "נהדר!", "באיזו עיר?"]),
            ("דירה בחיפה", "דירה? בחיפה? מצוין. כמה חדרים?", ["דירה, בחיפה.", "מצוין.", "כמה חדרים?"]),
            ("3 חדרים", '"שלושה חדרים?" \nיש. מתי נוח?', ['"שלושה חדרים."', "יש.", "מתי נוח?"]),
            ("כמה זה עולה", "כמה זה עולה? אלף שקל. מתאים?", ["כמה זה עולה.", "אלף שקל.", "מתאים?"]),
            ("התור שלי למחר", "בשמחה. התור שלך למחר? הוא קיים.", ["בשמחה.", "התור שלך למחר.", "הוא קיים."]),
        ],
    )
    def test_kind_27_an_echo_repeats_the_callers_own_words(
        self, heard: str, text: str, said: list[str]
    ) -> None:
        """Kind 27: a repetition of the caller is no question to answer, and the reply goes on."""
        assert shape(text, 0, 420, heard=heard) == said
        assert "." not in shape(text, 0, 420, heard="שלום")[-1], "of other words it is a question"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("שלום. זה יקר, נכון? יש זול יותר. לשמוע?", ["שלום.", "זה יקר, נכון?", "יש זול יותר.", "לשמוע?"]),
            ("שלום. יפה שם, לא? יש גם ים. מתי נוח?", ["שלום.", "יפה שם, לא?", "יש גם ים.", "מתי נוח?"]),
            ("שלום. זה יקר, נכון?", ["שלום.", "זה יקר, נכון?"]),
        ],
        ids=["right", "no", "at the end"],
    )
    def test_e5_what_wants_a_nod_is_no_question_to_answer(self, text: str, said: list[str]) -> None:
        """E5: the reply goes on behind a tag question, which keeps its mark."""
        assert shape(text, 1, 420) == said

    def test_e5_an_echo_that_nothing_fits_behind_is_asked(self) -> None:
        assert shape("מחפשים דירה? נהדר!", 0, 19, heard="דירה מחפש") == ["מחפשים דירה.", "נהדר!"]
        assert shape("מחפשים דירה? נהדר!", 0, 18, heard="דירה מחפש") == ["מחפשים דירה?"]

    def test_e5_a_quoted_question_is_no_question(self) -> None:
        """E5: words of the same sentence follow."""
        text = 'שאלת "כמה זה עולה?" והתשובה היא שלושה מיליון. מתאים?'
        assert shape(text) == ['שאלת "כמה זה עולה," והתשובה היא שלושה מיליון.', "מתאים?"]

    def test_e5_a_question_without_room_ends_the_reply(self) -> None:
        assert shape("שלום לך. " + "מילה " * 5 + "כן? מה?", 0, 20) == ["שלום לך."]


class TestLength:
    def test_e5_four_sentences(self) -> None:
        assert shape("הא. בי. גם. דו. הן.") == ["הא.", "בי.", "גם.", "דו."]
        assert shape("הא. בי. גם. דו. הן.", 140) == ["הא.", "בי.", "גם.", "דו."]

    def test_e5_the_question_behind_the_fourth_takes_its_place(self) -> None:
        """E5: the LLM's own final question is worth more than a fourth statement."""
        assert shape("הא. בי. גם. דו? הן.", 1) == ["הא.", "בי.", "גם.", "דו?"]
        assert shape("הא. בי. גם. דו. הן?", 1) == ["הא.", "בי.", "גם.", "הן?"]
        assert shape("הא. בי. גם. דו. הן. ומה?", 1) == ["הא.", "בי.", "גם.", "דו."]
        assert shape("הא. בי. גם. דו. " + "הן" * 9 + "?", 1, 25) == ["הא.", "בי.", "גם.", "דו."]

    def test_e5_cut_at_a_sentence(self) -> None:
        assert shape("עשר אותיות. עוד מילים רבות כאן. כן.", 0, 30) == ["עשר אותיות."]

    def test_e5_exactly_the_limit(self) -> None:
        """E5: the blank behind the last sentence counts."""
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
        """E5: cut behind a clause or a word, and no sentence follows half a sentence."""
        assert shape(text, 0, 25) == [said]

    def test_e5_a_text_without_end_marks(self) -> None:
        (said,) = shape("מילה " * 300, 0, 100)
        assert len(said) < 100 and said.endswith("מילה.")


class TestAdded:
    @pytest.mark.parametrize(
        "text",
        ["התור בוטל.", "יש שם שלושה חדרים.", "רשמתי. הכתובת היא הרצל 5.", "אי אפשר לבטל.", "יש לך תור."],
    )
    def test_kind_28_a_short_plain_statement_gets_one_question(self, text: str) -> None:
        """Kind 28, E5: always the same question."""
        assert shape(text, 140) == [*shape(text), "אפשר לעזור בעוד משהו?"]

    @pytest.mark.parametrize(
        "text",
        [
            "אפשר לקבל מספר טלפון.",
            "אשמח לשמוע את השם המלא.",
            "תגידו לי באיזו עיר.",
            "ספרו לי קצת על הדירה.",
            "מצוין. רק חסר לי שם מלא.",
            "שלחו לנו תמונה של הנזק.",
            "נא להקיש את מספר הטלפון.",
            "ומה מספר הטלפון.",
            "מחכה לשמוע.",
            "נשאר רק שם מלא.",
            "צריך רק את שם המשפחה.",
            "צריכה ממך רק את מספר הרכב.",
            "יש להקיש את המספר.",
            "שתפו אותי בפרטים.",
            "אפשר שם ומספר.",
            "בשביל זה דרוש מספר תעודת זהות.",
            "חשוב לי לדעת את השעה.",
            "היה נעים לדבר.",
            "תרגישי טוב.",
            "בבוקר או בערב.",
            "רגע אחד, אני בודקת.",
            "שנייה, מעבירה אתכם.",
            "יום נעים!",
            "תודה רבה ולהתראות.",
            "שבת שלום לכם.",
            "נשתמע בשבוע הבא.",
            "תודה רבה.",
            "זה יקר, נכון? יש זול יותר.",
        ],
    )
    def test_kind_28_nothing_is_added_to_what_needs_nothing(self, text: str) -> None:
        """Kind 28: a request, a question with or without its mark, a wait, a goodbye."""
        assert OURS.added_question not in shape(text, 140)

    def test_kind_28_nothing_is_added_to_what_is_long_enough(self) -> None:
        assert shape("יש לנו דירה יפה.", 16) == ["יש לנו דירה יפה."]
        assert shape("יש לנו דירה יפה.", 17) == ["יש לנו דירה יפה.", OURS.added_question]

    def test_e5_the_added_question_has_no_gender(self) -> None:
        """E5: neither "אתה" nor "את", and no verb with a gender."""
        words = set(re.findall(r"[א-ת]+", OURS.added_question))
        assert not words & set("אתה את תרצה תרצי רוצה תוכל תוכלי לך שלך".split())
        assert shape(OURS.added_question) == [OURS.added_question]

    def test_e5_what_does_not_fit_is_not_added(self) -> None:
        assert shape("יש לנו דירה.", 140, 13 + len(OURS.added_question)) == ["יש לנו דירה."]
        assert shape("יש לנו דירה.", 140, 14 + len(OURS.added_question)) == [
            "יש לנו דירה.",
            OURS.added_question,
        ]

    def test_e5_without_a_minimum_nothing_is_added(self) -> None:
        assert shape("התור בוטל.", 0) == ["התור בוטל."]
        assert shape("איפה?", 0) == ["איפה?"]

    def test_e5_nothing_is_added_to_a_reply_that_ends_the_call(self) -> None:
        """E5: the LLM's own last question is spoken all the same."""
        assert shape("התור בוטל.", 140, ends=True) == ["התור בוטל."]
        assert shape("להעביר לנציג?", 140, ends=True) == ["להעביר לנציג?"]
        assert shape("הבנתי. להעביר לנציג?", 140, ends=True) == ["הבנתי.", "להעביר לנציג?"]

    @pytest.mark.parametrize("nothing", ["", " \n", "😀", "---\n", "**", "…", "..."])
    def test_e5_nothing_is_added_to_nothing(self, nothing: str) -> None:
        assert shape(nothing, 140) == []

    @pytest.mark.parametrize("dots", ["…", "...", " … ", "\n...\n", "……", "..", '"…"', "[…]"])
    def test_a7_an_ellipsis_alone_passes(self, dots: str) -> None:
        """A7, D4: the LLM's sign for a caller who has not finished, or only listens; without acts."""
        for pieces in ([dots], list(dots)):
            for request in (asked(min_chars=140, may_wait=True), asked(min_chars=140, may_listen=True)):
                assert spoken(Writes(pieces, acts=(EndCall(),)), request) == (["…"], ())

    @pytest.mark.parametrize("text", ["… שלום לך.", "שלום לך. …", "...\nשלום לך."])
    def test_a7_an_ellipsis_beside_words_is_not_said(self, text: str) -> None:
        """A7: an LLM that answers is not waiting."""
        assert shape(text) == ["שלום לך."]
        assert shape("… כמה?", 140) == ["כמה?"]


def when(*pieces: str, min_chars: int = 0, max_chars: int = 420) -> list[tuple[str, int]]:
    """Each sentence with the number of pieces taken when it came."""
    llm = Writes(pieces)
    reply = SpokenReply(llm, asked("שלום", min_chars=min_chars, max_chars=max_chars), 5.0)
    return [(sentence, llm.pulled) for sentence in reply if sentence]


class TestStreaming:
    def test_c2_a_statement_goes_out_at_once(self) -> None:
        """C2: before the next piece is pulled."""
        heard = when("שלום. ", "דירה. ", "מה? ", "כן. ", "סוף.", min_chars=140)
        assert heard == [("שלום.", 1), ("דירה.", 2), ("מה?", 4)]

    def test_c2_a_piece_without_a_sentence_shows_that_the_llm_is_alive(self) -> None:
        """C2: before the next piece is pulled, since a deadline runs; also inside reasoning and calls."""
        pieces = [
            "של",
            "ום",
            ". ",
            "<think>",
            "😀. ",
            "</think>",
            "end_call",
            "(",
            ") ",
            "מה? ",
            "או ",
            "כמה",
        ]
        llm = Writes(pieces)
        alive = {llm.pulled for _ in SpokenReply(llm, asked("שלום"), 5.0)}
        assert alive == set(range(1, len(pieces) + 1))

    @pytest.mark.parametrize(
        ("pieces", "max_chars", "said", "pulled"),
        [
            (("אחת. ", "שתיים? ", "שלוש. ", "ארבע. "), 420, 2, 3),
            (("הא. ", "בי. ", "גם. ", "דו. ", "הן. ", "וו. "), 420, 4, 5),
            (("אבג. ", "דהוזחט. ", "י. "), 10, 1, 1),
            (("אבגדהו. ", "ז. "), 10, 1, 1),
            (("אבגדהוזחטיכלמנס. ", "ע. "), 10, 1, 1),
            (("אבגדהו? ", "ז. "), 10, 1, 1),
            (("אבג. ", "דה? ", "ו. "), 10, 2, 2),
            (("אבג. ", "דהוזחטי? ", "כ. "), 10, 1, 1),
        ],
        ids=[
            "a statement behind the question",
            "one behind the fourth",
            "the next is too long",
            "no room for another",
            "the first was cut",
            "no room behind a question that opens",
            "no room behind a question",
            "a question without room",
        ],
    )
    def test_e5_a_whole_reply_is_known_by_its_last_piece(
        self, pieces: tuple[str, ...], max_chars: int, said: int, pulled: int
    ) -> None:
        """E5: the rest is not waited for; only a little of it is read, for function calls."""
        heard = when(*pieces, max_chars=max_chars)
        assert (len(heard), heard[-1][1]) == (said, pulled)

    def test_an_error_passes_through_behind_what_was_said(self) -> None:
        reply = iter(SpokenReply(Writes(["שלום. "], error=RuntimeError("cut")), asked(), 5.0))
        assert next(filter(None, reply)) == "שלום."
        with pytest.raises(RuntimeError):
            list(reply)

    def test_what_was_said_is_said_when_reading_on_fails(self) -> None:
        """E5: the spoken part was complete before."""
        llm = Writes(["הא. בי. גם. דו? הן. "], error=ProviderError("cut"))
        assert spoken(llm)[0] == ["הא.", "בי.", "גם.", "דו?"]


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


@given(texts, limits, st.booleans())
def test_e5_what_always_holds(text: str, limit: tuple[int, int], ends: bool) -> None:
    min_chars, max_chars = limit
    said = said_of([text], limit, ends=ends)
    if ends and said and said[0] == OURS.wordless_goodbye:
        return
    assert sum(len(sentence) + 1 for sentence in said) <= max_chars
    assert len(said) <= MAX_SENTENCES
    for sentence in said:
        assert sentence == sentence.strip() and "\n" not in sentence
        assert any(char.isalnum() for char in sentence)
        assert not set("*`#|~[]<>😀👍\u200f") & set(sentence)
    added = [sentence for sentence in said if sentence == OURS.added_question]
    assert added in ([], said[-1:])
    assert not added or not (ends or "?" in "".join(said[:-1]))


@given(
    st.lists(st.sampled_from(["הא. ", "בי! ", "גם? ", "מה? ", "דירה. "]), max_size=8),
    limits,
    st.booleans(),
)
def test_e5_only_the_question_that_opens_is_moved(llm: list[str], limit: tuple[int, int], ends: bool) -> None:
    """E5: the spoken words are the beginning of the LLM's, except for a question moved to the end."""
    said = [
        s for s in said_of(llm, limit, ends=ends) if s not in (OURS.added_question, OURS.wordless_goodbye)
    ]
    written = re.findall(r"\w+", "".join(llm))
    questions = [s for s in said if "?" in s]
    statements = re.findall(r"\w+", " ".join(s for s in said if "?" not in s))
    asked_first = len(llm) - len(list(dropwhile(lambda piece: "?" in piece, llm)))
    rest = iter(written[asked_first:] if questions else written)
    assert all(word in rest for word in statements)
    assert len(questions) <= 1


@given(texts, limits, st.lists(st.integers(1, 9), max_size=300), st.booleans())
def test_e5_does_not_depend_on_how_the_text_was_cut(
    text: str, limit: tuple[int, int], cuts: list[int], ends: bool
) -> None:
    starts = [0, *accumulate(cuts)]
    pieces = [text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    assert said_of(pieces, limit, ends=ends) == said_of([text], limit, ends=ends)


@given(texts, limits, st.lists(st.integers(1, 9), max_size=60))
def test_c2_no_piece_is_pulled_in_silence(text: str, limit: tuple[int, int], cuts: list[int]) -> None:
    """C2: every piece yields something before the next one is pulled."""
    starts = [0, *accumulate(cuts), len(text) + sum(cuts)]
    llm = Writes([text[start:end] for start, end in pairwise(starts)])
    heard = []
    try:
        for _ in SpokenReply(llm, asked("", min_chars=limit[0], max_chars=limit[1]), 5.0):
            heard.append(llm.pulled)
    except ProviderError:
        pass
    last = heard[-1] if heard else 0
    assert set(heard) == set(range(1, last + 1)), "each piece gave something"
    assert llm.pulled - last <= 1, "only what ends the reply may give nothing"
