"""``python -m server.tune FILES…``: event logs of calls under other settings, and what to set.

Exit status 0: a report was written, whatever it advises; 1: no call could be used; 2: a wrong use.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from server.tune.advice import Advice, Verdict, advise
from server.tune.duplex import eva
from server.tune.duplex.panel import Panel, measure
from server.tune.eot import operating_points, policies_of, silence_alone
from server.tune.knobs import Knobs
from server.tune.page import Report, page
from server.tune.panel_of import time_line
from server.tune.recordings import Found, logged, wav_folder
from server.tune.search import TURNS, VOICES, Axes, Trials, search
from server.tune.tape import Take
from server.tune.words import env_lines, tips, verdict

BUDGET = 120


def report_of(found: Sequence[Found], base: Knobs | None, budget: int) -> Report | None:
    """``base``: the settings to compare with; None: those of the last call. None without any call."""
    takes = [one for one in found if isinstance(one, Take)]
    if not takes:
        return None
    trials = Trials(takes, base or takes[-1].knobs)
    tried: dict[str, Sequence[Knobs]] = {}
    for axes in (TURNS, VOICES):
        if axes is TURNS or any(call.sounds for call in trials.calls):
            tried[axes.name] = search(trials, axes, budget, partial(_progress, axes))
    used = [axes for axes in (TURNS, VOICES) if axes.name in tried]
    silences = [silence for call in trials.calls for silence in call.silences]
    return Report(
        trials=trials,
        tried=tried,
        advices=[advise(trials, axes, tried[axes.name]) for axes in used],
        eot=operating_points(
            policies_of(map(trials.total, tried[TURNS.name]), trials.total(trials.base).lost)
        ),
        eot_timer=operating_points(silence_alone(silences)),
        duplex=_duplex(trials),
        left_out=[one for one in found if isinstance(one, str)],
    )


def _duplex(trials: Trials) -> dict[str, float | None]:
    """The panel of the calls as they were; nothing of turns without an agent."""
    lines = [time_line(call) for call in trials.calls if not call.take.alone]
    if not lines:
        return {}
    panel = sum((measure(line) for line in lines), start=Panel())
    scores = [score for line in lines for score in eva.scores(line)]
    return {**panel.columns, "EVA": sum(scores) / len(scores) if scores else None}


def _progress(axes: Axes, done: int, of: int) -> None:
    """For who looks on; a file of what was said has no use for it."""
    if sys.stderr.isatty():
        print(f"\r{axes.name}: {done} of at most {of} settings", end="", file=sys.stderr, flush=True)


def as_json(report: Report) -> dict[str, Any]:
    """All figures: of each setting tried, and what is advised."""
    base = report.trials.base
    return {
        "base": asdict(base),
        "calls": len(report.trials.calls),
        "left_out": list(report.left_out),
        "eot": asdict(report.eot),
        "eot_silence_alone": asdict(report.eot_timer),
        "duplex": report.duplex,
        "tried": {
            name: [{"env": env_lines(base, knobs), **_figures(report.trials, knobs)} for knobs in tried]
            for name, tried in report.tried.items()
        },
        "advice": {advice.axes.name: _advice(base, advice) for advice in report.advices},
    }


def _figures(trials: Trials, knobs: Knobs) -> dict[str, Any]:
    return asdict(trials.total(knobs))


def _advice(base: Knobs, advice: Advice) -> dict[str, Any]:
    points = [advice.axes.point(one) for one in advice.held_out or ()]
    return {
        "verdict": advice.verdict.value,
        "both_axes": advice.both,
        "now": advice.axes.point(advice.now),
        "then": None if advice.then is None else advice.axes.point(advice.then),
        "held_out": points,
        "wanted_calls": advice.wanted_calls,
        "env": [] if advice.chosen is None else env_lines(base, advice.chosen),
    }


def said(report: Report) -> list[str]:
    """What is printed: the verdicts in both languages, and the lines to paste."""
    base = report.trials.base
    lines = [f"left out: {text}" for text in report.left_out]
    for advice in report.advices:
        lines += [verdict(advice, "he"), verdict(advice, "en")]
        if advice.verdict is Verdict.CHANGE and advice.chosen is not None:
            lines += [*tips(base, advice.chosen, "he"), *tips(base, advice.chosen, "en")]
            lines += env_lines(base, advice.chosen)
    return lines


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m server.tune", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="event logs of calls")
    parser.add_argument("--wav", type=Path, metavar="FOLDER", help="WAV files, each a caller's turn alone")
    parser.add_argument(
        "--defaults", action="store_true", help="compare with the defaults, not the last call's"
    )
    parser.add_argument("--html", type=Path, default=Path("tune.html"), metavar="OUT", help="tune.html")
    parser.add_argument("--json", type=Path, metavar="OUT", help="all figures, too")
    parser.add_argument("--settings", type=int, default=BUDGET, help=f"how many are tried ({BUDGET})")
    options = parser.parse_args(arguments)
    if not options.files and options.wav is None:
        parser.error("no event log, and no --wav")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the exit status is returned, or raised as SystemExit for a wrong use."""
    options = _options(arguments)
    found = list(logged(options.files))
    try:
        found += wav_folder(options.wav, Knobs.of({})) if options.wav is not None else []
    except OSError as error:
        print(f"{options.wav} cannot be read ({error.strerror})", file=sys.stderr)
        return 1
    report = report_of(found, Knobs.of({}) if options.defaults else None, options.settings)
    if report is None:
        print("\n".join(one for one in found if isinstance(one, str)) or "no calls", file=sys.stderr)
        return 1
    print(file=sys.stderr)
    options.html.write_text(page(report), encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(report), ensure_ascii=False, indent=1), encoding="utf-8")
    print("\n".join([*said(report), str(options.html)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
