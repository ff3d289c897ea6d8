"""The charts show what happened in the run."""

from xml.etree import ElementTree

import pytest

from tests.stories.chart import bars_of, main
from tests.stories.story import StoryError, parse_stories
from tests.stories.telling import tell

STORY = """\
# A cough
> Over the answer.
acts D1
knob BARGE_IN_EARLY_STOP true
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34-6.06   agent   יש שם…
  6.00-6.30   cough
  8.00        caller  presses 5
  9.00        caller  hangs up
"""


def chart_lines(*arguments):
    return main(list(arguments)).splitlines()


def test_the_bars_are_what_happened():
    """Caller, agent, states and engines, each in its lane."""
    bars = bars_of(tell(parse_stories(STORY, "one.story")[0]))
    caller = [(bar.kind, bar.begin_s, bar.text) for bar in bars if bar.lane == "caller"]
    assert caller == [("voice", 3.0, "כמה חדרים יש"), ("noise", 6.0, "cough"), ("key", 8.0, "5")]
    said = [(bar.text, bar.cut) for bar in bars if bar.lane == "agent"]
    assert said == [("שלום! איך אפשר לעזור?", False), ("יש שם…", True), ("…שלושה חדרים.", False)]
    assert [bar.kind for bar in bars if bar.lane == "state"][:4] == [
        "LISTENING",
        "SPEAKING",
        "LISTENING",
        "THINKING",
    ]
    assert all(any(bar.lane == lane for bar in bars) for lane in ("stt", "llm", "voice"))


def test_the_text_chart_has_every_lane_and_the_words():
    lines = chart_lines("a cough does not stop the agent")
    assert [line.split()[0] for line in lines[4:10]] == ["caller", "agent", "state", "stt", "llm", "voice"]
    assert "▒" in lines[4] or "cough" in "".join(lines)
    assert "╳" in lines[5]
    assert any(line.endswith("כמה חדרים יש") for line in lines)


def test_stories_are_listed_and_found_by_number():
    listed = chart_lines()
    title = listed[0].split("1 ", 1)[1].split("  (")[0]
    assert chart_lines("1")[0] == title
    with pytest.raises(StoryError, match="no story"):
        main(["no such title"])


def test_the_picture_is_svg_with_the_words_in_it(tmp_path):
    """Well-formed; every sentence is there, wrapped or not, and the cut is marked."""
    file = tmp_path / "chart.svg"
    main(["a cough does not stop the agent", "--svg", str(file)])
    picture = ElementTree.fromstring(file.read_text("utf-8"))
    words = " ".join(text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text"))
    assert "cough" in words and "כמה חדרים יש" in words and "A cough does not stop the agent" in words
    assert "#d6336c" in file.read_text("utf-8")
