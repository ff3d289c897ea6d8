"""A chart of each story, drawn from its run: who is heard when, what the agent is at, which engines work.

python -m tests.stories.chart                        every title with its number
python -m tests.stories.chart 3 "a cough"            text charts: by number, or by words of the title
python -m tests.stories.chart "a cough" --svg c.svg  the first of them as a picture

One story at a time is run; whether it went as told is the business of the tests.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.simtime.engines import Span
from tests.stories.story import Story, StoryError, read_stories
from tests.stories.svg import svg_chart
from tests.stories.telling import Told, tell

FOLDER = Path(__file__).parent
LANES = ("caller", "agent", "state", "stt", "llm", "voice")
NOTED = ("BARGE_IN", "ECHO", "DEDUP", "_ERR", "TIMEOUT", "ENGINE_", "CALL_ENDS", "IDLE", "EARLY")
CELL_S = 0.2  # a character of the text chart


@dataclass(frozen=True)
class Bar:
    """Something that lasted, in one lane. ``kind``: voice, noise, key, said, beep, a state, or stream."""

    lane: str
    kind: str
    begin_s: float
    end_s: float
    text: str = ""

    @property
    def cut(self) -> bool:
        """The agent's sentence, and its end was not heard."""
        return self.kind == "said" and self.text.endswith("…")


def bars_of(told: Told) -> list[Bar]:
    """All that is drawn, lane by lane and in order of time."""
    named = zip(told.story.sounds, told.story.names, strict=True)
    bars = [
        Bar("caller", "voice" if sound.words else "noise", sound.at_s, sound.until_s, sound.words or name)
        for sound, name in named
    ]
    bars += [Bar("caller", "key", at_s, at_s + CELL_S, key) for at_s, key in told.story.keys]
    bars += [
        Bar(
            "agent",
            "beep" if moment.what == "beeps" else "said",
            moment.at_s or 0.0,
            moment.until_s or 0.0,
            moment.what,
        )
        for moment in told.lane("agent")
    ]
    bars += _states(told)
    call = told.call
    for lane, spans in (("stt", call.stt.spans), ("llm", call.llm.spans), ("voice", call.voice.spans)):
        bars += [_stream(lane, span, told.ended_s) for span in spans]
    return sorted(bars, key=lambda bar: (LANES.index(bar.lane), bar.begin_s))


def _states(told: Told) -> list[Bar]:
    changes = [(0.0, "LISTENING"), *((m.at_s or 0.0, m.what) for m in told.lane("state"))]
    ends = [at_s for at_s, _ in changes[1:]] + [told.ended_s]
    return [Bar("state", state, at_s, end_s) for (at_s, state), end_s in zip(changes, ends, strict=True)]


def _stream(lane: str, span: Span, ended_s: float) -> Bar:
    return Bar(lane, "stream", span[0], span[1] if len(span) > 1 else ended_s)


def notes_of(told: Told) -> list[tuple[float, str]]:
    """What the log says beside states, for the eye."""
    log = zip(told.call.log_times, told.call.log, strict=True)
    return [(at_s, line.split(" sid=")[0]) for at_s, line in log if any(word in line for word in NOTED)]


# ---- as text ------------------------------------------------------------------------------------


MARKS = {
    "voice": "█",
    "noise": "▒",
    "said": "█",
    "beep": "♪",
    "LISTENING": "·",
    "THINKING": "t",
    "SPEAKING": "S",
    "stream": "─",
}


def text_chart(told: Told) -> str:
    """Lanes of bars with a number each, and below them what the numbers mean."""
    cells = round(told.ended_s / CELL_S) + 1
    story = told.story
    axis = "".join(f"{second:<5}" for second in range(int(cells * CELL_S) + 1))[:cells]
    lines = [f"{story.title}", f"{_rules(story)}", "", f"{'':8}{axis}"]
    legend: list[str] = []
    bars = bars_of(told)
    for lane in LANES:
        row = [" "] * cells
        for bar in (bar for bar in bars if bar.lane == lane):
            label = ""
            if bar.text and bar.kind != "key":
                label = str(len(legend) + 1)
                legend.append(f"{label:>3} {bar.begin_s:6.2f}-{bar.end_s:<6.2f} {lane:<7}{bar.text}")
            _draw(row, bar, label)
        lines.append(f"{lane:<8}{''.join(row).rstrip()}")
    notes = [f"    {at_s:6.2f}        log    {line}" for at_s, line in notes_of(told)]
    key = "█ speech  ▒ noise  ╳ cut  · listening  t thinking  S speaking  ─ a stream is open"
    return "\n".join([*lines, "", *legend, *notes, "", key])


def _rules(story: Story) -> str:
    return f"acts {' '.join(story.acts)}" + (f" · spares {' '.join(story.spares)}" if story.spares else "")


def _draw(row: list[str], bar: Bar, label: str) -> None:
    first = min(round(bar.begin_s / CELL_S), len(row) - 1)
    last = max(first, min(round(bar.end_s / CELL_S), len(row)) - 1)
    mark = bar.text if bar.kind == "key" else MARKS[bar.kind]
    row[first : last + 1] = mark * (last + 1 - first) if bar.kind != "key" else mark
    if bar.cut:
        row[last] = "╳"
    if label and last + 1 - first >= len(label):
        row[first : first + len(label)] = label


# ---- the command --------------------------------------------------------------------------------


def find_stories(stories: list[Story], wanted: list[str]) -> list[Story]:
    """By number, from 1, or by words of the title. Raises StoryError for one that is not there."""
    found: list[Story] = []
    for want in wanted:
        by_words = [story for story in stories if want.lower() in story.title.lower()]
        by_number = [stories[int(want) - 1]] if want.isdigit() and 0 < int(want) <= len(stories) else []
        if not by_number and not by_words:
            raise StoryError(f"no story {want!r}")
        found += by_number or by_words
    return found


def main(arguments: list[str]) -> str:
    """What the command prints; with ``--svg`` the picture is written too."""
    parser = argparse.ArgumentParser(prog="python -m tests.stories.chart", description="Charts of stories.")
    parser.add_argument("story", nargs="*", help="number, or words of the title; none: list them")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the first story's chart as a picture")
    chosen = parser.parse_args(arguments)
    stories = read_stories(FOLDER)
    if not chosen.story:
        return "\n".join(f"{n:3} {story.title}  ({_rules(story)})" for n, story in enumerate(stories, 1))
    told = [tell(story) for story in find_stories(stories, chosen.story)]
    if chosen.svg:
        first = told[0]
        chosen.svg.write_text(svg_chart(first.story, bars_of(first), notes_of(first), first.ended_s), "utf-8")
        return f"wrote {chosen.svg}"
    return "\n\n\n".join(text_chart(one) for one in told)


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except StoryError as error:
        sys.exit(str(error))
