"""The Pareto picture: every setting tried as a point, waiting against what goes wrong. SVG, without a script.

Texts are 24 units of 640 wide, so that they can be read on a telephone; colours are the page's variables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor

WIDTH, HEIGHT = 640, 470
LEFT, RIGHT, TOP, BOTTOM = 92, 40, 24, 104
TICKS = 6
ROUND = (1, 2, 5)
TINY = 1e-9

Point = tuple[float, float]  # ms, and a share


@dataclass(frozen=True)
class Picture:
    """``front``: in order of the waiting. ``now`` and ``advised``: the points to be named."""

    points: Sequence[Point]
    front: Sequence[Point]
    now: Point
    advised: Point | None
    x_title: str
    y_title: str
    now_text: str
    advised_text: str


@dataclass(frozen=True)
class _Scale:
    """Data to the picture's units."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        return round(self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first), 1)

    @property
    def ticks(self) -> list[float]:
        """Round figures, at most one more than TICKS."""
        span = self.high - self.low
        powers = [10.0**n for n in range(-4, 6)]
        step = next(m * power for power in powers for m in ROUND if m * power * TICKS >= span - TINY)
        first = ceil(self.low / step - TINY)
        return [step * n for n in range(first, floor(self.high / step + TINY) + 1)]


def svg(picture: Picture) -> str:
    """One ``<svg>`` element."""
    xs, ys = [x for x, _ in picture.points], [y for _, y in picture.points]
    x = _Scale(_down(min(xs)), _up(max(xs)), LEFT, WIDTH - RIGHT)
    y = _Scale(0.0, min(1.0, max(0.04, max(ys) * 1.1)), HEIGHT - BOTTOM, TOP)
    title = escape(f"{picture.y_title} / {picture.x_title}")
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" direction="ltr" aria-label="{title}">']
    parts += _grid(x, y)
    parts += [_dot(x, y, point, "tried", 4) for point in picture.points]
    steps = " ".join(f"{x.at(a)},{y.at(b)}" for a, b in picture.front)
    parts.append(f'<polyline class="front" points="{steps}"/>')
    parts += [_dot(x, y, point, "best", 5) for point in picture.front]
    if picture.advised is not None:
        parts += _named(x, y, picture.advised, "advised", picture.advised_text, above=False)
    parts += _named(x, y, picture.now, "now", picture.now_text, above=True)
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="title" x="{middle}" y="{HEIGHT - 46}">{escape(picture.x_title)}</text>')
    parts.append(f'<text class="title" x="{middle}" y="{HEIGHT - 12}">↑ {escape(picture.y_title)}</text>')
    return "\n".join([*parts, "</svg>"])


def _grid(x: _Scale, y: _Scale) -> list[str]:
    parts = []
    for tick in x.ticks:
        at = x.at(tick)
        parts.append(f'<line class="grid" x1="{at}" y1="{TOP}" x2="{at}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{HEIGHT - BOTTOM + 27}">{tick:.0f}</text>')
    for tick in y.ticks:
        at = y.at(tick)
        text = f"{round(tick * 100, 1):g}%"
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT}" y2="{at}"/>')
        parts.append(f'<text class="level" x="{LEFT - 8}" y="{at + 6}">{text}</text>')
    return parts


def _dot(x: _Scale, y: _Scale, point: Point, kind: str, radius: int) -> str:
    return f'<circle class="{kind}" cx="{x.at(point[0])}" cy="{y.at(point[1])}" r="{radius}"/>'


def _named(x: _Scale, y: _Scale, point: Point, kind: str, text: str, *, above: bool) -> list[str]:
    """A large point with its name, on the side on which there is room."""
    at_x, at_y = x.at(point[0]), y.at(point[1])
    to_left = at_x > (LEFT + WIDTH - RIGHT) / 2
    label_x = at_x - 12 if to_left else at_x + 12
    label_y = max(TOP + 14, at_y - 12) if above else min(HEIGHT - BOTTOM - 8, at_y + 24)
    anchor = "end" if to_left else "start"
    return [
        _dot(x, y, point, kind, 9),
        f'<text class="name {kind}" x="{label_x}" y="{label_y}" text-anchor="{anchor}">{escape(text)}</text>',
    ]


def _down(ms: float) -> float:
    return max(0.0, ms // 100 * 100 - (100 if ms % 100 < 20 else 0))


def _up(ms: float) -> float:
    return -(-ms // 100) * 100 + 100
