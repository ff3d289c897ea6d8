"""Full-duplex manners, measured: ``python -m bench.duplex`` (A3, A5, A7, B3, D1, D2, D4).

τ-voice's interaction panel and EVA's turn_taking over 26 calls of four turns, a row for each way.
``--pauses`` and ``--interruptions`` are tables of their own. Whole calls in simulated time through the real
speech model; the providers take 200, 350 and 150 ms. What counts is what was audible.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.duplex.caller import NOISES
from bench.duplex.calls import BACKGROUNDS, PAUSES_MS, Setting
from bench.duplex.results import (
    Count,
    Middle,
    Result,
    interruptions_result,
    panel_result,
    pauses_result,
    soft,
)
from bench.duplex.voices import NODS
from server.config import Config

RECORDINGS = Path(
    "../shared/hebrew_human"
)  # beside the repository, where somebody has them; never part of it
WAYS: dict[str, dict[str, Any]] = {"ours": {}, "energy": {"vad_engine": "energy"}}
HEADS = ("answer s", "yield s", "answered", "yielded", "cut-ins", "nods", "noises", "others", "EVA")


def rate(count: Count) -> str:
    return f"{count[0]}/{count[1]}"


def pair(middle: Middle, scale: float = 1.0, digits: int = 2) -> str:
    """p50 / p95."""
    return " / ".join("-" if value is None else f"{value * scale:.{digits}f}" for value in middle)


def panel_table(settings: dict[str, Setting], seeds: int) -> Iterator[tuple[str, Result]]:
    print(f"{'':30} " + " ".join(f"{head:>9}" for head in HEADS))
    for name, setting in settings.items():
        result = panel_result(setting, seeds)
        cells = ("-" if value is None else f"{value:.3f}" for value in result.columns.values())
        print(f"{name:30} " + " ".join(f"{cell:>9}" for cell in cells), flush=True)
        print(f"  {heard(result)}", flush=True)
        yield name, result


def heard(result: Result) -> str:
    """Our own reading of the same calls, in a line."""
    lost = (f"{part} {rate(sums(result, names))}" for part, names in heard_of().items())
    cut = (f"{ms} ms {rate(result.cut(ms))}" for ms in PAUSES_MS)
    return (
        f"replies lost: {', '.join(lost)}; silence after a nod s {pair(result.silence_s(*NODS))}; "
        f"noticed ms {pair(result.noticed_s, 1000, 0)}; gap s {pair(result.gap_s)}; "
        f"cut in at {', '.join(cut)}"
    )


def heard_of() -> dict[str, tuple[str, ...]]:
    """The sounds' names by what the table calls them."""
    return {"nods": tuple(NODS), "noises": tuple(NOISES), "others": ("far voice", "background")}


def sums(result: Result, names: tuple[str, ...]) -> Count:
    counts = [count for name, count in result.lost.items() if name in names]
    return sum(lost for lost, _ in counts), sum(tried for _, tried in counts)


def pauses_table(settings: dict[str, Setting], seeds: int) -> Iterator[tuple[str, Result]]:
    print(f"{'':40} first cut  later cut   gap s: p50 / p95")
    for name, setting in settings.items():
        for pause_ms in (0, *PAUSES_MS):
            result = pauses_result(setting, pause_ms, seeds)
            row = f"{name}, pauses of {pause_ms} ms" if pause_ms else f"{name}, no pauses"
            first, later = (rate(result.cut(pause_ms, first=nth)) for nth in (True, False))
            print(f"{row:40} {first:>9}  {later:>9}   {pair(result.gap_s)}", flush=True)
            yield row, result


def interruptions_table(settings: dict[str, Setting], seeds: int) -> Iterator[tuple[str, Result]]:
    print(f"{'':40} noticed    noticed ms: p50 / p95    answered")
    for name, setting in settings.items():
        quiet = replace(setting, noise="quiet")
        rows = {f"{name}, {noise}": replace(setting, noise=noise) for noise in BACKGROUNDS}
        rows |= {f"{name}, soft caller": soft(quiet), f"{name}, our first second": quiet}
        for row, this in rows.items():
            result = interruptions_result(this, seeds, early=row.endswith("second"))
            answered = rate((len(result.panel.answers_s), result.panel.turns))
            noticed = pair(result.noticed_s, 1000, 0)
            print(f"{row:40} {rate(result.noticed):>7}    {noticed:>22}   {answered:>9}", flush=True)
            yield row, result


def knobs_of(text: str) -> dict[str, Any]:
    """``NAME=VALUE``, several with commas between."""
    pairs = [part.partition("=") for part in text.split(",")]
    knobs = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if unknown := sorted(set(knobs) - set(Config.model_fields)):
        raise argparse.ArgumentTypeError(f"no such setting: {', '.join(unknown)}")
    return knobs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.duplex", description=__doc__)
    parser.add_argument("--way", action="append", choices=WAYS, help="a row; ours without any")
    parser.add_argument("--energy", action="store_true", help="the same as --way energy")
    parser.add_argument("--knob", action="append", type=knobs_of, default=[], help="a row: NAME=VALUE[,…]")
    parser.add_argument("--noise", choices=BACKGROUNDS, default="quiet", help="under the whole call")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--interims", type=int, metavar="MS", help="interim transcripts, so far behind")
    parser.add_argument("--recordings", default=str(RECORDINGS), help="a folder of WAV; '' for none")
    parser.add_argument("--pauses", action="store_true", help="the table of pauses instead")
    parser.add_argument("--interruptions", action="store_true", help="the table of interruptions instead")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all of it there too")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    recordings = Path(given.recordings) if given.recordings and Path(given.recordings).is_dir() else None
    interims_s = None if given.interims is None else given.interims / 1000
    common = Setting(noise=given.noise, interims_s=interims_s, recordings=recordings)
    ways = [*(given.way or ["ours"]), *(["energy"] if given.energy else [])]
    settings = {way: replace(common, knobs=WAYS[way]) for way in ways}
    settings |= {
        ",".join(f"{k}={v}" for k, v in knobs.items()): replace(common, knobs=knobs) for knobs in given.knob
    }
    print(f"{'recordings' if recordings else 'generated voices'}, {given.noise}, seeds: {given.seeds}")
    table = panel_table
    if given.pauses or given.interruptions:
        table = pauses_table if given.pauses else interruptions_table
    results = [{"row": row, **result.as_json()} for row, result in table(settings, given.seeds)]
    if given.json is not None:
        given.json.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
