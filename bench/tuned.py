"""What ``server.tune`` says of callers of three tempi, by event logs on disk: ``python -m bench.tuned``.

    python -m bench.tuned [--calls 14] [--settings 60] [--audio] [--keep FOLDER] [--tempo NAME]

Of each tempo: whether the logs come out again; what the labels make of the pauses and ends that the callers
made; the defaults and what is chosen, on all calls and on those that had no part in choosing; where nothing
is, how far the front goes on one axis without loss on the other. With ``--keep`` logs and pages stay.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.tempi import TEMPI, Recorded, Tempo, recorded
from server.audio.frames import FRAMES_PER_S
from server.tune.__main__ import report_of
from server.tune.advice import Advice
from server.tune.duplex.timeline import Kind
from server.tune.figures import Figures, Labelled
from server.tune.hearing import hear
from server.tune.knobs import Knobs
from server.tune.labels import LEAST_PAUSE
from server.tune.page import Report, page
from server.tune.recordings import logged
from server.tune.search import Axes, points
from server.tune.tape import Take
from server.tune.words import env_lines, named

NEAR = 25  # frames between where a sound ends and where its last voice was heard
CALLS, SETTINGS = 14, 60


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    given = _options(arguments)
    with tempfile.TemporaryDirectory() as passing:
        folder = given.keep or Path(passing)
        for tempo in TEMPI:
            if given.tempo in (None, tempo.name):
                for line in _told(tempo, given, folder):
                    print(line, flush=True)
    return 0


def _told(tempo: Tempo, given: argparse.Namespace, folder: Path) -> Iterator[str]:
    calls = [recorded(tempo, n, folder, "audio" if given.audio else "events") for n in range(given.calls)]
    found = list(logged([call.path for call in calls]))
    takes = [one for one in found if isinstance(one, Take)]
    yield from (one for one in found if isinstance(one, str))
    minutes = sum(len(take.frames) for take in takes) / FRAMES_PER_S / 60
    again = sum(_same(take) for take in takes)
    yield f"\n{tempo.name}: {len(calls)} calls, {minutes:.1f} min; come out again frame by frame: {again}"
    yield from _labels(calls, takes)
    began = time.process_time()  # the machine may have other things to do
    report = report_of(found, None, given.settings)
    took_s = time.process_time() - began
    if report is None:
        return
    tried = sum(map(len, report.tried.values()))
    each_s = took_s / tried / minutes * 10
    yield f"  {tried} settings in {took_s:.0f} s of CPU: {each_s:.2f} a setting for ten minutes"
    for advice in report.advices:
        yield from _advice(report, advice)
    if given.keep is not None:
        (folder / f"{tempo.name}.html").write_text(page(report), encoding="utf-8")


def _same(take: Take) -> bool:
    """The settings of the record give the record again."""
    hearing = hear(take, take.knobs)
    return list(hearing.changes) == list(take.heard) and list(hearing.stops) == list(take.stops)


# ---- labels against what the callers did


def _labels(calls: Sequence[Recorded], takes: Sequence[Take]) -> Iterator[str]:
    told: dict[Kind, Counter[str]] = {Kind.PAUSE: Counter(), Kind.TURN: Counter()}
    for call, take in zip(calls, takes, strict=True):
        silences = Labelled(take).silences
        for sound in call.sounds:
            if sound.kind not in told or (sound.kind is Kind.PAUSE and _frames(sound) < LEAST_PAUSE):
                continue
            at = (sound.start_s if sound.kind is Kind.PAUSE else sound.end_s) * FRAMES_PER_S
            near = min(silences, key=lambda one: abs(one.last_voice - at), default=None)
            close = near is not None and abs(near.last_voice - at) <= NEAR
            told[sound.kind][near.kind.value if near is not None and close else "not seen"] += 1
    names = {Kind.PAUSE: "pauses of 200 ms and more", Kind.TURN: "ends"}
    for kind, counts in told.items():
        yield f"  {sum(counts.values())} {names[kind]}, told as: {_listed(counts)}"


def _frames(sound: object) -> float:
    return (sound.end_s - sound.start_s) * FRAMES_PER_S  # type: ignore[attr-defined, no-any-return]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counts.most_common())


# ---- what is advised


def _advice(report: Report, advice: Advice) -> Iterator[str]:
    axes, base = advice.axes, report.trials.base
    yield f"  {axes.name}: {advice.verdict.value}; {_counts(axes, advice.now)}"
    yield f"    all        {_text(axes, advice.now)} -> {_text(axes, advice.then)}"
    if advice.held_out is not None:
        now, then = advice.held_out
        yield f"    held out   {_text(axes, now)} -> {_text(axes, then)}"
    if advice.chosen is not None:
        yield f"    chosen     {' '.join(env_lines(base, advice.chosen))}"
    yield from _reach(report, axes, advice.now)


def _reach(report: Report, axes: Axes, now: Figures) -> Iterator[str]:
    """How far one axis goes without loss on the other."""
    known, here = points(report.trials, axes, report.tried[axes.name]), axes.point(now)
    if here is None or not known:
        return
    as_few = [knobs for knobs, point in known.items() if point[1] <= here[1]]
    as_soon = [knobs for knobs, point in known.items() if point[0] <= here[0]]
    soonest, fewest = min(as_few, key=lambda one: known[one]), min(as_soon, key=lambda one: known[one][::-1])
    yield f"    soonest    {_known(known[soonest])}  {_named(report, soonest)}"
    yield f"    fewest     {_known(known[fewest])}  {_named(report, fewest)}"


def _named(report: Report, knobs: Knobs) -> str:
    return named(report.trials.base, knobs) or "as it is"


def _text(axes: Axes, figures: Figures | None) -> str:
    point = None if figures is None else axes.point(figures)
    return "-" if point is None else _known(point)


def _known(point: tuple[float, float]) -> str:
    return f"{point[0]:.0f} ms, {point[1] * 100:.1f} %"


def _counts(axes: Axes, now: Figures) -> str:
    if axes.name == "turns":
        return f"{now.pauses} pauses, {now.ends} ends, {now.unsure} unsure"
    return f"{now.noises} noises, {now.interruptions} interruptions, {now.nods} nods"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.tuned", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help=f"of each tempo ({CALLS})")
    parser.add_argument("--settings", type=int, default=SETTINGS, help=f"tried on each ({SETTINGS})")
    parser.add_argument("--audio", action="store_true", help="EVENT_LOG=audio: the speech model runs anew")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for the logs and pages")
    parser.add_argument("--tempo", choices=[tempo.name for tempo in TEMPI], help="only this one")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
