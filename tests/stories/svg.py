"""A story's chart as SVG: rows of eight seconds, like a score; Hebrew right to left inside its bars."""

from collections.abc import Iterator, Sequence
from typing import Protocol
from xml.sax.saxutils import escape

from tests.stories.story import Story

ROW_S, SECOND_PX, LEFT_PX, RIGHT_PX, HEAD_PX = 8, 112, 76, 24, 34
LINE_PX, FONT_PX, LETTER_PX = 13, 12, 6.4
# Lane: (top in its row, height).
PLACES = {
    "caller": (22, 46),
    "agent": (72, 46),
    "state": (122, 12),
    "stt": (140, 4),
    "llm": (148, 4),
    "voice": (156, 4),
}
NOTES_TOP, ROW_PX = 174, 192
FILLS = {
    "voice": ("#dbe7fd", "#3b73d9"),
    "noise": ("#ececec", "#9a9a9a"),
    "key": ("#fde9c8", "#d08a12"),
    "said": ("#d2f1e8", "#12866f"),
    "beep": ("#f9d7d7", "#c0392b"),
    "LISTENING": ("#e4ebf7", "none"),
    "THINKING": ("#f7cf6b", "none"),
    "SPEAKING": ("#8fd6c4", "none"),
}
STREAMS = {"stt": "#3b73d9", "llm": "#d99a12", "voice": "#12866f"}
LABELS = {"caller": "caller", "agent": "agent", "state": "state", "stt": "engines"}
CUT = "#d6336c"
RIGHT_TO_LEFT = "\u200f"  # at both ends of a line its punctuation stays on the Hebrew side, in every viewer


class Bar(Protocol):
    """As in ``chart``."""

    @property
    def lane(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def begin_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def cut(self) -> bool: ...


def svg_chart(story: Story, bars: Sequence[Bar], notes: list[tuple[float, str]], ended_s: float) -> str:
    """The whole picture. ``notes``: log lines worth a word, with their seconds."""
    rows = max(1, -int(-(ended_s - 0.05) // ROW_S))
    width = LEFT_PX + ROW_S * SECOND_PX + RIGHT_PX
    top = HEAD_PX + 22 + LINE_PX * len(story.prose)
    height = top + rows * ROW_PX + 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="Arial, Helvetica, DejaVu Sans, sans-serif" font-size="{FONT_PX}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        *_head(story),
    ]
    for row in range(rows):
        parts += _row(bars, notes, row, top + row * ROW_PX, ended_s)
    return "\n".join([*parts, *_legend(height - 14), "</svg>"]) + "\n"


def _head(story: Story) -> Iterator[str]:
    rules = "acts " + " ".join(story.acts) + ("  ·  spares " + " ".join(story.spares) if story.spares else "")
    yield _text(16, HEAD_PX - 8, story.title, size=17, weight="bold")
    yield _text(16, HEAD_PX + 10, rules, fill="#777", size=11)
    for n, line in enumerate(story.prose):
        yield _text(16, HEAD_PX + 26 + n * LINE_PX, line, fill="#444")


def _row(
    bars: Sequence[Bar], notes: list[tuple[float, str]], row: int, top: int, ended_s: float
) -> Iterator[str]:
    begin_s, end_s = row * ROW_S, min((row + 1) * ROW_S, ended_s)
    for second in range(begin_s, int(end_s) + 1):
        x = _x(second, begin_s)
        yield f'<line x1="{x}" y1="{top + 16}" x2="{x}" y2="{top + 162}" stroke="#eeeeee"/>'
        yield _text(x, top + 12, f"{second} s", fill="#999", size=10, anchor="middle")
    for lane, label in LABELS.items():
        lane_top, lane_height = PLACES[lane]
        middle = top + lane_top + (lane_height / 2 if lane != "stt" else 10) + 4
        yield _text(LEFT_PX - 10, middle, label, fill="#666", size=11, anchor="end")
    for bar in bars:
        if bar.begin_s < end_s and bar.end_s > begin_s:
            yield from _bar(bar, max(bar.begin_s, begin_s), min(bar.end_s, end_s), begin_s, top)
    for at_s, line in notes:
        if begin_s <= at_s < end_s:
            x = _x(at_s, begin_s)
            yield f'<path d="M{x} {top + 162} l-3 5 l6 0 z" fill="{CUT}"/>'
            late = at_s - begin_s > ROW_S * 0.7
            side = "end" if late else "start"
            yield _text(x + 3 * (2 * late - 1), top + NOTES_TOP + 4, line, fill=CUT, size=10, anchor=side)


def _bar(bar: Bar, first_s: float, last_s: float, row_s: float, row_top: int) -> Iterator[str]:
    """The part of a bar that is in this row."""
    lane_top, height = PLACES[bar.lane]
    x, y = _x(first_s, row_s), row_top + lane_top
    width = max(2.0, round((last_s - first_s) * SECOND_PX, 1))
    if bar.kind == "stream":
        yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{STREAMS[bar.lane]}"/>'
        return
    fill, stroke = FILLS[bar.kind]
    yield (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{3 if height > 20 else 0}" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )
    if bar.cut and last_s == bar.end_s:
        right = round(x + width, 1)
        yield (
            f'<path d="M{right} {y - 2} l-4 8 l8 9 l-8 9 l8 9 l-8 9 l4 8" fill="none" stroke="{CUT}" '
            'stroke-width="2"/>'
        )
    longest = last_s - first_s >= (bar.end_s - bar.begin_s) / 2
    if bar.text and longest:
        yield from _words(bar.text, x + width / 2, y + height / 2, width)


def _words(text: str, x: float, y: float, width: float) -> Iterator[str]:
    lines = _wrap(text, max(1, int((width - 8) / LETTER_PX)))
    for n, line in enumerate(lines):
        line_y = y + 4 + (n - (len(lines) - 1) / 2) * LINE_PX
        if any("\u0590" <= letter <= "\u05ff" for letter in line):
            line = f"{RIGHT_TO_LEFT}{line}{RIGHT_TO_LEFT}"
        yield _text(round(x, 1), round(line_y, 1), line, anchor="middle")


def _wrap(text: str, letters: int) -> list[str]:
    """At most three lines; what does not fit is left out, with "…"."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= letters or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines if len(lines) <= 3 else [*lines[:2], lines[2].rstrip("…") + "…"]


def _x(at_s: float, row_s: float) -> float:
    return round(LEFT_PX + (at_s - row_s) * SECOND_PX, 1)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    fill: str = "#222",
    size: int = FONT_PX,
    weight: str = "normal",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x}" y="{y}" fill="{fill}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _legend(y: float) -> Iterator[str]:
    x = 16.0
    states = [(FILLS[state][0], state.lower()) for state in ("LISTENING", "THINKING", "SPEAKING")]
    for fill, label in [*states, *((colour, lane) for lane, colour in STREAMS.items())]:
        yield f'<rect x="{x}" y="{y - 8}" width="14" height="8" fill="{fill}"/>'
        yield _text(x + 19, y, label, fill="#666", size=11)
        x += 96 if label in ("listening", "thinking", "speaking") else 64
