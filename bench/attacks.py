"""Thirteen attacks on a real server, and what a call beside each of them notices.

``python -m bench.attacks [R1 … R13] [--worker-class gevent|gthread|both]``: each against a gunicorn of
its own with one worker (R10: two), scripted engines or the local cloud, and callers whom Twilio has signed.
Needs nothing but the tests' packages; Linux. About three minutes a worker class, each attack below one.

A row says what was done and what came of it. ``longest gap``: between two of our media messages in the
middle of a long sentence, in a call beside; above TX_LEAD_MS (400 ms) a caller hears it. ``TX p99``: how late
a frame that is due would go out, by a 20 ms ticker in the worker. ``/healthz``: its slowest answer. Exit
status 1 when a row is broken: the outcome is not what was promised, a call was cut, a gap above 400 ms,
health above 1 s.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.attack import HEADING, Attack, Outcome
from bench.attacks_on_leads import caller_hangs_up, disk_fills, disk_hangs
from bench.attacks_on_memory import strangers
from bench.attacks_on_places import keys, places, threads_run_out
from bench.attacks_on_state import garbage, many_keys, secrets
from bench.attacks_on_time import dear_forms, log_stalls, pipelined
from bench.chaos_service import signing
from bench.watched import CLASSES

ATTACKS: dict[str, Attack] = {
    "R1": disk_hangs,
    "R2": log_stalls,
    "R3": caller_hangs_up,
    "R4": disk_fills,
    "R5": dear_forms,
    "R6": pipelined,
    "R7": places,
    "R8": secrets,
    "R9": keys,
    "R10": garbage,
    "R11": threads_run_out,
    "R12": many_keys,
    "R13": strangers,
}


def attacked(name: str, worker_class: str) -> list[Outcome]:
    """The rows of one attack."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, signing():
        return list(ATTACKS[name](worker_class, Path(folder)))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("attacks", nargs="*", metavar="R1", help="which; none: all")
    parser.add_argument("--worker-class", choices=(*CLASSES, "both"), default="both")
    words = parser.parse_args()
    if unknown := [name for name in words.attacks if name not in ATTACKS]:
        parser.error(f"no attack is called {', '.join(unknown)}: there are {', '.join(ATTACKS)}")
    broken = 0
    print(HEADING, flush=True)
    for name in words.attacks or ATTACKS:
        for worker_class in CLASSES if words.worker_class == "both" else (words.worker_class,):
            for outcome in attacked(name, worker_class):
                print(outcome.row(name, worker_class), flush=True)
                broken += not outcome.ok
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
