"""Calls in real time over sockets, the server alone on its core: what a call costs, how many there can be.

``python -m bench.calls --calls 10 25 50 75 100 --repeat 3 --json FILE --plot FILE.svg``: a server of one
worker on the first core, the callers on the second; scripted providers of 103, 197, 107 ms, the real speech
model, records of calls, event log, metrics. ``turns``: a sentence, an answer, and again; ``barge-in``: over
the agent; ``silence``. Beside each number of calls the bare flask-sock loop of ``bench/bare.py`` is measured.

CPU is of the worker, in milliseconds for a second of one call, in a window in which all the calls go on. The
gap is from a caller's last voiced frame to the first ``media`` of the answer; its overhead: what it has more
than the smallest gap of that sentence with one call, in the same run. ``left`` is what a caller still had to
hear when more came. What others took of the server's core is said; a window in which they took more than 4 %,
or in which the callers themselves were late, is measured again, twice at most.

``--find``: how many calls hold the bounds: overhead p99 20 ms, no underrun, none missed or answered twice;
and over the agent, ``clear`` p99 no more than 25 ms later than with one call, and each time.
``--gate RATIO``: status 1 when a call costs more than that share of the bare loop's, or a bound is broken.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.calls_cpu import CORES
from bench.calls_figures import Reference
from bench.calls_point import BARE, SCENARIOS, Plan, Point, measure
from bench.service import WORKERS
from tests.serving import ROOT

CALLS = (10, 25, 50, 75, 100)
TRIES = 3
BARE_WINDOW_S, BARE_RAMP_S = 15.0, 4.0
# --find: bounded, whatever the machine does.
FIRST, GROWS, MOST, STEP, PROBES = 40, 2, 400, 5, 9

ALONE = Reference()  # nothing to compare with
Measure = Callable[[Plan, Reference], Point]


def say(line: str) -> None:
    print(line, flush=True)


@dataclass
class Run:
    """What this run has measured. ``references``: by scenario and worker, what one call gets.

    ``tries``: how often a window is measured at most, until nobody else has disturbed it.
    """

    window_s: float
    repeat: int = 1
    knobs: Mapping[str, str] = field(default_factory=dict)
    json_file: Path | None = None
    tries: int = TRIES
    measure: Measure = measure
    points: list[Point] = field(default_factory=list)
    references: dict[tuple[str, str], Reference] = field(default_factory=dict)

    def ours(self, scenario: str, worker_class: str, calls: int) -> Point:
        plan = Plan(scenario, worker_class, calls, self.window_s, knobs=self.knobs)
        return self._kept(plan, self._reference(plan))

    def bare(self, worker_class: str, calls: int) -> Point:
        return self._kept(
            Plan(BARE, worker_class, calls, min(self.window_s, BARE_WINDOW_S), BARE_RAMP_S), ALONE
        )

    def _reference(self, plan: Plan) -> Reference:
        key = plan.scenario, plan.worker_class
        if plan.scenario != "silence" and key not in self.references:
            say(f"{plan.scenario} {plan.worker_class}: one call, the reference …")
            alone = self._clean(replace(plan, calls=1, ramp_s=0.0), ALONE)
            self.references[key] = alone.reference
            self._keep(alone)
        return self.references.get(key, ALONE)

    def _kept(self, plan: Plan, reference: Reference) -> Point:
        point = middle([self._clean(plan, reference) for _ in range(self.repeat)])
        if self.repeat > 1:
            say(f"= {line_of(point)}")
        self._keep(point)
        return point

    def _clean(self, plan: Plan, reference: Reference) -> Point:
        return clean(plan, reference, self.measure, self.tries)

    def _keep(self, point: Point) -> None:
        self.points.append(point)
        if self.json_file is not None:
            self.json_file.write_text(json.dumps(self._as_json(), indent=1), encoding="utf-8")

    def _as_json(self) -> dict[str, Any]:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        return {
            "commit": commit.stdout.strip(),
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "cores": CORES,
            "repeat": self.repeat,
            "knobs": dict(self.knobs),
            "points": [point.as_json() for point in self.points],
        }


def clean(plan: Plan, reference: Reference, measure: Measure, tries: int = TRIES) -> Point:
    """Measured until nobody else has disturbed it, ``tries`` times at most."""
    for left in reversed(range(tries)):
        point = measure(plan, reference)
        say(line_of(point))
        if not point.dirty:
            break
        say(f"  DIRTY: {'; '.join(point.dirty)}" + (": again" if left else ""))
    return point


def middle(points: Sequence[Point]) -> Point:
    """The median of each figure; of the clean ones, where there are any."""
    used = [point for point in points if not point.dirty] or list(points)
    names = dict.fromkeys(name for point in used for name in point.figures)
    figures: dict[str, float | None] = {}
    for name in names:
        values = [value for point in used if (value := point.figures.get(name)) is not None]
        figures[name] = median(values) if values else None
    problems = tuple(dict.fromkeys(problem for point in used for problem in point.problems))
    return replace(used[0], figures=figures, problems=problems)


def line_of(point: Point) -> str:
    plan = point.plan
    who = f"{plan.scenario} {plan.worker_class} {plan.calls:>3}"
    parts = [
        f"{who}: {shown(point, 'cpu_ms', '.2f')} ms a call-second",
        f"core {shown(point, 'core', '.0%')}",
    ]
    if not plan.bare:
        for name in ("gap", "overhead", "clear"):
            if f"{name}_p50_ms" in point.figures:
                parts.append(f"{name} {shown(point, f'{name}_p50_ms')}/{shown(point, f'{name}_p99_ms')}")
        if "clear_later_ms" in point.figures:
            parts.append(f"later by {shown(point, 'clear_later_ms')}")
        parts.append(f"left ≥ {shown(point, 'left_least_ms')} ms")
        parts += [f"{shown(point, name)} {name}" for name in ("underruns", "missed", "double")]
    parts.append(f"{shown(point, 'memory_mb')} MB, {shown(point, 'memory_mb_a_call', '.2f')} a call")
    parts.append(f"threads {shown(point, 'native_threads')}/{shown(point, 'python_threads')}")
    parts.append(
        f"others {shown(point, 'foreign', '.1%')}, callers' core {shown(point, 'client_core', '.0%')}"
    )
    if point.figures["in_window"] != plan.calls:
        parts.append(f"{shown(point, 'in_window')} calls there, {shown(point, 'refused')} never let in")
    if not point.holds:
        parts.append("DOES NOT HOLD")
    return ", ".join([*parts, *point.problems])


def shown(point: Point, name: str, shape: str = ".0f") -> str:
    value = point.figures.get(name)
    return "–" if value is None else format(value, shape)


def find(holds: Callable[[int], bool], first: int = FIRST) -> int:
    """The largest number that holds, to STEP; 0 when none did. Never more than PROBES are tried."""
    low, high, calls = 0, MOST + STEP, first
    for _ in range(PROBES):
        if holds(calls):
            low = calls
        else:
            high = calls
        if high - low <= STEP or low >= MOST:
            break
        grown = min(MOST, calls * GROWS) if high > MOST else (low + high) / 2
        calls = max(low + 1, min(high - 1, round(grown / STEP) * STEP))
    return low


def broken(pairs: Sequence[tuple[Point, Point | None]], ratio: float) -> list[str]:
    """Why the gate is shut: each pair is our point and the bare loop's at as many calls."""
    found = []
    for ours, bare in pairs:
        name = f"{ours.plan.scenario} {ours.plan.worker_class} {ours.plan.calls}"
        if not ours.holds:
            found.append(f"{name}: the bounds do not hold" + "".join(f"; {why}" for why in ours.dirty))
        own, floor = ours.figures["cpu_ms"], bare.figures["cpu_ms"] if bare else None
        if own is None or floor is None:
            found.append(f"{name}: nothing to compare with")
        elif own > ratio * floor:
            found.append(f"{name}: {own / floor:.2f} of the bare loop's CPU, allowed is {ratio:.2f}")
    return found


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=list(CALLS), metavar="N")
    parser.add_argument("--worker-class", choices=WORKERS, nargs="+", default=["gevent"])
    parser.add_argument("--scenario", choices=SCENARIOS, nargs="+", default=["turns"])
    parser.add_argument("--repeat", type=int, default=1, help="the median of so many")
    parser.add_argument("--window", type=float, default=30.0, metavar="S", help="seconds that are measured")
    parser.add_argument("--no-bare", action="store_true", help="without the bare loop beside it")
    parser.add_argument("--find", action="store_true", help="from the first of --calls on, if they are given")
    parser.add_argument("--gate", type=float, nargs="?", const=1.0, metavar="RATIO", help="1.0 without one")
    parser.add_argument("--knob", action="append", default=[], metavar="NAME=VALUE", help="of our server")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="a call's cost by the number of calls")
    return parser


def main() -> None:
    words = command_line().parse_args()
    if len(CORES) < 2:
        sys.exit("two cores are needed: one for the server, one for its callers")
    if words.plot:
        from bench.calls_plot import plotted  # what draws is a tests' requirement: missed now, not at the end
    os.sched_setaffinity(0, {CORES[1]})
    knobs = dict(knob.split("=", 1) for knob in words.knob)
    run = Run(words.window, max(1, words.repeat), knobs, words.json)
    pairs: list[tuple[Point, Point | None]] = []
    for scenario in words.scenario:
        for worker_class in words.worker_class:
            if words.find:
                first = words.calls[0] if words.calls != list(CALLS) else FIRST
                most = find(lambda calls, at=(scenario, worker_class): run.ours(*at, calls).holds, first)
                say(f"{scenario} {worker_class}: {most} calls hold the bounds")
                continue
            for calls in words.calls:
                bare = None if words.no_bare else run.bare(worker_class, calls)
                pairs.append((run.ours(scenario, worker_class, calls), bare))
                say(ratio_of(*pairs[-1]))
    if words.plot:
        words.plot.write_text(plotted(run.points), encoding="utf-8")
    why = broken(pairs, words.gate) if words.gate is not None else []
    sys.exit("\n".join(f"GATE {line}" for line in why) if why else 0)


def ratio_of(ours: Point, bare: Point | None) -> str:
    own, floor = ours.figures["cpu_ms"], bare.figures["cpu_ms"] if bare else None
    return f"  {own / floor:.2f} of the bare loop's" if own and floor else "  no bare loop beside it"


if __name__ == "__main__":
    main()
