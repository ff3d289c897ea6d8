"""The wording of the fixed lines: ours, an office's own over it, and what is said of a file that is wrong."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import KnobError, load_config_to_start, own_lines
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.gender import Gender
from server.providers.preflight import main as check
from server.settings.prompts_file import MAX_CHARS, OURS, LinesError, lines_of
from server.turns.prompts import Lines, all_lines, forms_of
from tests import wording

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "lines.txt"
NAMES = [field.name for field in fields(Lines)]


@pytest.fixture(autouse=True)
def each_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines_of.cache_clear()


def of(text: str, agent: Gender = Gender.FEMININE) -> Lines:
    """The lines of an office whose file is ``text``."""
    Path("office.txt").write_text(text, encoding="utf-8")
    lines_of.cache_clear()
    return lines_of("office.txt", agent)


def wrong(text: str) -> tuple[str, ...]:
    with pytest.raises(LinesError) as caught:
        of(text)
    return caught.value.problems


class TestOurs:
    def test_a_remark_tells_of_every_line_when_it_is_said(self) -> None:
        text = OURS.read_text("utf-8")
        assert re.findall(r"^(\w+):", text, re.M) == re.findall(r"^# .+\n(\w+):", text, re.M)
        assert set(re.findall(r"^(\w+):", text, re.M)) == set(NAMES)

    def test_e6_no_digit_and_no_sign_reaches_the_voice(self) -> None:
        """E6: nor a bracket of ours."""
        for agent in Gender:
            for line in all_lines("", "", lines_of("", agent)):
                assert not re.search(r"[^א-ת ,.?!'\"]", speakable(line)), line

    def test_f2_what_parts_does_not_ask_and_what_asks_does(self) -> None:
        """F2, E1: said of ours as of any file: it was read."""
        assert "?" not in wording.OURS.goodbye and wording.OURS.offer_person.endswith("?")


class TestAnOfficesOwn:
    def test_it_changes_the_lines_it_names_and_no_other(self) -> None:
        lines = of("goodbye:\n  ביי, ותודה!\n")
        assert lines.goodbye == "ביי, ותודה!"
        assert {name for name in NAMES if getattr(lines, name) != getattr(wording.OURS, name)} == {"goodbye"}

    def test_gender(self) -> None:
        """The agent's when it is read, the caller's when it is said."""
        lines = of("go_ahead: אני {כותבת | כותב}, [ דברו | דברי | דבר ].", Gender.MASCULINE)
        assert lines.go_ahead == "אני כותב, [דברו|דברי|דבר]."

    def test_several_wordings_as_many_as_there_are(self) -> None:
        assert of("unclear:\n א?\n ב?\n ג?\n").unclear == ("א?", "ב?", "ג?")

    @pytest.mark.parametrize(
        "text",
        [
            "goodbye: ביי, ותודה!",
            "goodbye :\r\n\r\n\t ביי,   ותודה! \r\n",
            "good\u00adbye\u200b:\nביי\x07, \u2060ותודה!\x00",
            "\ufeff# שלום\n\u200fgoodbye:\n# רגע\n\u202bביי, ותודה!\u202c",
        ],
    )
    def test_blanks_remarks_and_unseen_signs_are_nothing(self, text: str) -> None:
        """As editors and word processors leave them."""
        assert of(text).goodbye == "ביי, ותודה!"

    def test_quotes_geresh_and_digits_are_text(self) -> None:
        line = "נתראה ברח' הרצל 5, ליד דואר ת\"א ב-8:30!"
        assert of(f"goodbye:\n{line}").goodbye == line

    def test_f3_a_hidden_number_may_be_asked_for(self) -> None:
        """F3: to ask where to call is no promise yet."""
        assert of("message_number: רשמתי. לאיזה מספר נחזור?").message_number == "רשמתי. לאיזה מספר נחזור?"

    def test_a_file_of_remarks_changes_nothing(self) -> None:
        assert of("# שלום\n") == wording.OURS

    def test_the_example(self) -> None:
        """It can be used as it is, and every gender in it is right."""
        lines = lines_of(str(EXAMPLE), Gender.MASCULINE)
        assert "מעביר " in lines.handing_over and lines.still_there[0] == "הלו, [אתם|את|אתה] איתי?"
        assert all(not re.search(r"\d", speakable(form)) for form in forms_of(lines.no_person))


WRONG = {
    "an unknown name": ("godbye: ביי", "line 1, godbye: is no line of the agent's; is it goodbye?"),
    "a name like no other": ("xyz: ביי", "the names are in server/settings/prompts_he.txt"),
    "a name twice": ("goodbye: א\n\ngoodbye: ב", "line 3, goodbye: stands in line 1 too"),
    "words below no name": ("שלום\ngoodbye: ביי", "line 1: stands below no name"),
    "nothing": ("goodbye:\n\nbusy: עסוק", "line 1, goodbye: is empty"),
    "signs only": ("goodbye: ...", "has no word in it"),
    "two wordings of one": ("goodbye:\n א\n ב", "has wordings: 2; it takes one, on one line"),
    "one wording of several": ("unclear: מה?", "has wordings: 1; it takes 2 to 4"),
    "too many": ("unclear:\n" + "מה?\n" * 5, "has wordings: 5; it takes 2 to 4"),
    "two genders of three": ("goodbye: [ביי|ביי], להתראות", "[ביי|ביי] has 2 forms and needs 3"),
    "three of two": ("goodbye: {א|ב|ג} ביי", "{א|ב|ג} has 3 forms and needs 2"),
    "a gender left out": ("goodbye: [א||ב] ביי", "has an empty form; right is [a|b|c]"),
    "a bracket open": ("goodbye: {א|ב ביי", "has a bracket or a | without its pair; right are {a|b}"),
    "a bracket in a bracket": ("goodbye: {א|[ב|ג|ד]} ביי", "without its pair"),
    "a bar alone": ("goodbye: א|ב", "without its pair"),
    "another placeholder": ("goodbye: תודה {name}", "{name} is no placeholder; right are {a|b}"),
    "too long": (
        "goodbye: " + "שלום " * 50,
        f"is 249 characters long when it is spoken; a caller listens to {MAX_CHARS}",
    ),
    "too long when it is spoken": ("goodbye: " + "99,999 ₪ " * 8, "characters long when it is spoken"),
    "a goodbye that asks": ("goodbye: עוד משהו?", "must not ask: the call ends"),
    "a goodbye that asks without its mark": ("goodbye: איך אפשר לעזור", "must not ask: the call ends"),
    "an offer that does not ask": ("offer_person: אעביר לנציג.", "must end in a question mark"),
    "the same twice": ("unclear:\n מה?\n מה? ", "line 1, unclear: has the same wording twice"),
    "a promise behind other words": ("closing_hidden: תודה, וניצור אתכם קשר.", "a call (וניצור אתכם קשר)"),
    "a promise before a question": (
        "message_kept: שנחזור ברור. עוד משהו?",
        "must not promise a call (שנחזור)",
    ),
    "a promise to a hidden number": ("closing_hidden: ונחזור אליכם.", "must not promise a call (ונחזור)"),
}


class TestWrong:
    @pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
    def test_what_is_wrong_is_said_and_what_is_right(self, text: str, says: str) -> None:
        assert any(says in problem for problem in wrong(text)), wrong(text)

    def test_all_of_it_is_said_at_once(self) -> None:
        problems = wrong("godbye: א\nunclear: מה?\ngo_ahead: [א|ב] {ג}\nbusy:\n")
        places = [problem.split(": ")[0] for problem in problems]
        assert places == [
            "line 1, godbye",
            "line 2, unclear",
            "line 3, go_ahead",
            "line 3, go_ahead",
            "line 4, busy",
        ]

    def test_the_start_and_the_check_name_the_file(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("office.txt").write_text("godbye: א\nbusy: [א|ב]\n", encoding="utf-8")
        monkeypatch.setenv("LINES_FILE", "office.txt")
        with pytest.raises(KnobError) as caught:
            load_config_to_start()
        said = str(caught.value)
        assert "LINES_FILE='office.txt', line 1, godbye: " in said
        assert "LINES_FILE='office.txt', line 2, busy: " in said
        assert check() == 1
        assert capsys.readouterr().err.strip() == said

    def test_a_right_one_starts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LINES_FILE", str(EXAMPLE))
        assert own_lines(load_config_to_start()).goodbye == "תודה שהתקשרתם למרפאה, ורק בריאות!"

    @given(st.text(alphabet="אב{}[]|?: \n#goodbye_uncear", max_size=80))
    def test_a_file_is_used_or_refused_whatever_is_in_it(self, text: str) -> None:
        """And no bracket of one that is used would ever be spoken."""
        try:
            lines = of(text)
        except LinesError as error:
            assert error.problems and all(error.problems)
        else:
            assert not any(set(line) & set("{}[]|") for line in all_lines("", "", lines))
