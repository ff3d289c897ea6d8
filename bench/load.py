"""Twenty calls at once through the local cloud, and how late a 20 ms ticker in the server wakes meanwhile.

``python -m bench.load [--engines google]``: three runs a worker class; the same ticker in an idle process
beside it.
The cloud, the server, the simulated callers and the control are four processes on the same cores.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.log import dialogues
from bench.service import ENGINES, LINES, NAMES, command_line, on_the_cloud, place_calls, say
from bench.ticker import latenesses_ms, percentile
from tests.serving import ROOT

CALLS, RUNS = 20, 3
ALLOWED_MS = 60


@dataclass(frozen=True)
class Run:
    """Sorted latenesses in milliseconds, and what the callers got."""

    server: list[float]
    control: list[float]
    report: dict[str, Any]
    right: int  # calls in which every line was heard as it was said, in order
    errors: list[str]  # lines of the server's log


@contextmanager
def process(*words: str) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(10)


@contextmanager
def cloud() -> Iterator[dict[str, str]]:
    """The local cloud in a process of its own; its knobs."""
    with process("tests.cloud.local", *say(*LINES)) as server:
        assert server.stdout is not None
        yield dict(line.strip().split("=", 1) for line in iter(server.stdout.readline, "\n"))


def measure(worker_class: str, providers: dict[str, str], calls: int = CALLS) -> Run:
    """One server, ``calls`` calls of four turns, one of them over the agent."""
    with tempfile.TemporaryDirectory() as folder, cloud() as knobs:
        out = Path(folder)
        words = say(*LINES[:2]) + ["--interrupt-after", "1.0"] + say(*LINES[2:])
        with (
            on_the_cloud(knobs | providers, out, WORKER_CLASS=worker_class, LLM_MIN_CHARS="0") as server,
            process("bench.ticker", str(out / "control")),
        ):
            since = time.time()
            report = place_calls(server, out, "--calls", str(calls), "--ramp-s", "3", *words)
            until = time.time()
            errors = [line for line in server.log.splitlines() if "_ERR" in line or "Traceback" in line]
            return Run(
                latenesses_ms(out / "ticks", since, until),
                latenesses_ms(out / "control", since, until),
                report,
                sum(heard == LINES for heard in dialogues(server.log).values()),
                errors,
            )


def main() -> None:
    parser = command_line(__doc__, engines=("google",))
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--runs", type=int, default=RUNS)
    words = parser.parse_args()
    for engines in words.engines:
        print(NAMES[engines])
        for worker_class in words.workers:
            runs = [_shown(worker_class, ENGINES[engines], words.calls) for _ in range(words.runs)]
            median = sorted(percentile(run.server, 0.999) for run in runs)[len(runs) // 2]
            verdict = "within" if median <= ALLOWED_MS else "ABOVE"
            print(f"{worker_class:<8} median p99.9: {median:.1f} ms ({verdict} {ALLOWED_MS})", flush=True)


def _shown(worker_class: str, providers: dict[str, str], calls: int) -> Run:
    run = measure(worker_class, providers, calls)
    gap, barge_in = run.report["response_gap"], run.report["barge_in"]
    print(
        f"{worker_class:<8} ticker late {_late(run.server)}; control {_late(run.control)}; "
        f"gap p50/p99 {gap['p50']:.0f}/{gap['p99']:.0f}, barge-in {barge_in['p50']:.0f}/"
        f"{barge_in['p99']:.0f} ms, missed {run.report['missed']}, double {run.report['double']}, "
        f"underruns {run.report['underruns']}, dialogue right in {run.right} of {calls}",
        *run.errors[:3],
        sep="\n         ",
        flush=True,
    )
    return run


def _late(ordered: list[float]) -> str:
    p50, p99, p999 = (percentile(ordered, q) for q in (0.5, 0.99, 0.999))
    return f"p50/p99/p99.9/max {p50:.1f}/{p99:.1f}/{p999:.1f}/{ordered[-1]:.1f} ms"


if __name__ == "__main__":
    main()
