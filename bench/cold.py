"""The first call of a process: does anything that was not loaded before stall it?

``python -m bench.cold``: a new server each time, one call at once, a 20 ms ticker in the worker from
the moment it takes calls; the same ticker in an idle process beside it.
"""

import tempfile
import time
from pathlib import Path

from bench.load import cloud, process
from bench.options import options
from bench.service import LINES, on_the_cloud, place_calls, say
from bench.ticker import latenesses_ms
from tests.cloud.local import CLOUD_KNOBS, OPENAI_KNOBS

RUNS = 3
ALLOWED_MS = 60


def measure(worker_class: str, providers: dict[str, str]) -> tuple[float, float]:
    """The worst lateness in the server and in the control, milliseconds, over one first call of two turns."""
    with tempfile.TemporaryDirectory() as folder, cloud() as knobs:
        out = Path(folder)
        knobs = knobs | providers | {"LLM_MIN_CHARS": "0"}
        with process("bench.ticker", str(out / "control")):
            with on_the_cloud(knobs, out, WORKER_CLASS=worker_class) as server:
                since = time.time()
                place_calls(server, out, *say(*LINES[:2]))
                until = time.time()
            worst = [latenesses_ms(out / name, since, until)[-1] for name in ("ticks", "control")]
            return worst[0], worst[1]


def main() -> None:
    for name, providers in (("google, openai, google", CLOUD_KNOBS), ("openai alone", OPENAI_KNOBS)):
        for worker_class in ("gevent", "gthread"):
            runs = [measure(worker_class, providers) for _ in range(RUNS)]
            server = "/".join(f"{server:.0f}" for server, _ in runs)
            control = "/".join(f"{control:.0f}" for _, control in runs)
            verdict = "within" if max(server for server, _ in runs) <= ALLOWED_MS else "ABOVE"
            print(
                f"{name:<24}{worker_class:<9}worst stall of the first call, {RUNS} servers: {server} ms "
                f"({verdict} {ALLOWED_MS}); control {control}",
                flush=True,
            )


if __name__ == "__main__":
    options(__doc__).parse_args()
    main()
