"""PRONUNCIATIONS_FILE: what it may hold, and what is said of a file that is wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import KnobError, load_config_to_start
from server.providers.preflight import main as check
from server.providers.provider_set import build_providers
from server.runtime.threads import Threads
from server.settings.own_files import forget_files
from server.settings.pronunciations_file import MAX_CHARS, PronunciationsError, pronunciations_of
from tests.serving import ROOT

EXAMPLE = ROOT / "examples" / "pronunciations.txt"


@pytest.fixture(autouse=True)
def each_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pronunciations_of.cache_clear()


def said(file: str, text: str) -> str:
    Path("mine.txt").write_text(file, encoding="utf-8")
    pronunciations_of.cache_clear()
    return pronunciations_of("mine.txt")(text)


def wrong(file: str) -> tuple[str, ...]:
    with pytest.raises(PronunciationsError) as caught:
        said(file, "")
    return caught.value.problems


class TestRead:
    @pytest.mark.parametrize("between", [" = ", "=", "\t", " → ", "→", "\t \t"])
    def test_what_parts_the_two(self, between: str) -> None:
        assert said(f"מגדלי הים{between}מגדלי היָם\n", "במגדלי הים") == "במגדלי היָם"

    def test_comments_blank_lines_and_notepads_mark(self) -> None:
        file = "\ufeff# names\n\n  \n  # more\nחולון = חוֹלוֹן  # a city\r\n\tC# = סי שארפ\n"
        with pytest.raises(PronunciationsError):
            said(file, "")  # a tab in front parts nothing from something
        assert said(file.replace("\tC#", "C#"), "חולון C# ") == "חוֹלוֹן סי שארפ "

    def test_no_file_is_an_empty_list(self) -> None:
        assert pronunciations_of("")("חולון") == "חולון"

    def test_the_example(self) -> None:
        spoken = pronunciations_of(str(EXAMPLE))
        assert spoken("בחולון, תמ״א 38/2") == "בחוֹלוֹן, תמא שלושים ושמונה שתיים"


class TestWrong:
    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("חולון", "has no = in it; right is: written = spoken"),
            ("= חולון", "has no word on the written side"),
            ("חולון =", "has no word on the spoken side"),
            ("חולון = !", "has no word on the spoken side"),
            ("א = ב = ג", "has two of = in it"),
            (f"א = {'ב' * (MAX_CHARS + 1)}", "its spoken side is 101 characters long; it may have 100"),
            (f"{'ב' * (MAX_CHARS + 1)} = א", "its written side is 101 characters long"),
            (f"{'א ' * 13} = ב", "its written side has 13 words and signs; it may have 12"),
        ],
    )
    def test_a_line(self, line: str, says: str) -> None:
        (problem,) = wrong(f"# mine\n{line}\n")
        assert problem.startswith("line 2: ") and says in problem

    def test_the_same_twice_however_it_is_written(self) -> None:
        (problem,) = wrong('תמ"א = תמא\nx = y\nתמ״א = תמה\n')
        assert problem == "line 3: 'תמ״א' stands in line 1 too"

    def test_all_is_said_at_once(self) -> None:
        assert len(wrong("א\nב\nג = ד\n")) == 2

    def test_the_start_and_the_check_name_the_file(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("mine.txt").write_text("חולון = חוֹלוֹן\nחולון\n", encoding="utf-8")
        monkeypatch.setenv("PRONUNCIATIONS_FILE", "mine.txt")
        with pytest.raises(KnobError) as caught:
            load_config_to_start()
        assert str(caught.value).startswith(
            "bad settings:\n  PRONUNCIATIONS_FILE='mine.txt', line 2: has no ="
        )
        assert check() == 1
        assert capsys.readouterr().err.strip() == str(caught.value)

    @given(st.text(alphabet="אב=→\t\n# \"'C5", max_size=60))
    def test_a_file_is_used_or_refused_whatever_is_in_it(self, file: str) -> None:
        try:
            said(file, "אב")
        except PronunciationsError as error:
            assert error.problems and all(problem.startswith("line ") for problem in error.problems)


def test_the_providers_of_a_process_say_it_so() -> None:
    Path("mine.txt").write_text("חולון = חוֹלוֹן\n", encoding="utf-8")
    config = load_config_to_start(_env_file=None, pronunciations_file="mine.txt", tts_engines="scripted")
    assert build_providers(config, Threads()).tts_cache.pronounce("בחולון") == "בחוֹלוֹן"


def test_a_reload_reads_it_again() -> None:
    """As LINES_FILE: the workers that it forks have what stands there now."""
    assert said("א = ב\n", "א") == "ב"
    Path("mine.txt").write_text("א = ג\n", encoding="utf-8")
    assert pronunciations_of("mine.txt")("א") == "ב"
    forget_files()
    assert pronunciations_of("mine.txt")("א") == "ג"
