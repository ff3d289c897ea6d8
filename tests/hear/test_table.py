"""The arithmetic of the tables."""

from server.hear.comparison import names_of
from server.hear.listening import Heard
from server.hear.recording import Recording
from server.hear.table import HEADING, TOTALS, Totals, judged, row

NAMES = names_of(["תל אביב"])
SAID = "עד 2 מיליון בתל אביב"  # 4 words and a number


def result(
    text: str, said: str | None = SAID, first: int | None = None, final: int | None = None, problem: str = ""
):
    return judged(Recording("a.wav", b"", said), Heard(text, first, final, problem), NAMES)


def test_a_row() -> None:
    recording = Recording("a.wav", b"", SAID)
    line = row(recording, "google", result("עד 3 מיליון בתלביב", first=420, final=180))
    told = "3/4 1/1 1/1 420 ms 180 ms עד 3 מיליון בתלביב | missed: 2000000, תל אביב"
    assert line.split() == ["a.wav", "google", *told.split()]
    assert line.index("עד") == HEADING.index("heard")


def test_a_row_without_the_words() -> None:
    line = row(Recording("a.wav", b""), "google", result("שלום", None))
    assert line.split() == ["a.wav", "google", *"–––––", "שלום"]


def test_a_row_of_a_failure() -> None:
    recording = Recording("a" * 40 + ".wav", b"", SAID)
    line = row(recording, "google", result("", problem="refused"))
    assert line.split()[1:] == ["google", "4/4", "1/1", "1/1", "–", "–", "NO:", "refused"]
    assert line.index("google") == HEADING.index("stt")


def test_totals() -> None:
    """Latencies of those that have one, words of those whose words are known, failures of all."""
    totals = Totals("google")
    totals.results += [result(SAID, final=each) for each in range(100, 120)]
    totals.results += [result("", problem="refused"), result("", None), result("שלום", None, 50, 900)]
    share = "4.8 % (4/84)", "4.8 % (1/21)", "4.8 % (1/21)"
    assert totals.row().split() == ["google", "2/23", *" ".join(share).split(), "50", "(50)", "110", "(119)"]
    assert totals.failures == 2 and len(TOTALS) >= len(totals.row())


def test_totals_of_nothing_known() -> None:
    totals = Totals("google", [result("שלום", None)])
    assert totals.row().split() == ["google", "0/1", "–", "–", "–", "–", "–"]


def test_to_hear_nothing_where_nothing_was_said_is_right() -> None:
    assert result("", said="").problem == "" and result("", said=" … ").problem == ""
    assert result("").problem == "heard nothing" and result("", None).problem == "heard nothing"
    assert result("תודה שצפיתם", said="").comparison.words_wrong == 2
