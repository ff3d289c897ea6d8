"""A call's cost by the number of calls, as SVG: each scenario and worker class a line, the bare loop too."""

from collections.abc import Sequence

import pygal

from bench.calls_point import Point


def plotted(points: Sequence[Point]) -> str:
    """SVG that needs no network. A point with one call, the reference, is no part of it."""
    chart = pygal.XY(
        js=[],
        title="CPU ms a call-second",
        x_title="calls",
        y_title="ms",
        include_x_axis=True,
        legend_at_bottom=True,
    )
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        cpu_ms = point.figures["cpu_ms"]
        if point.plan.calls > 1 and cpu_ms is not None:
            name = f"{point.plan.scenario}, {point.plan.worker_class}"
            lines.setdefault(name, []).append((point.plan.calls, round(cpu_ms, 2)))
    for name, line in lines.items():
        chart.add(name, sorted(line))
    svg: str = chart.render(is_unicode=True)
    return svg
