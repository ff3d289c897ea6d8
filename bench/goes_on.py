"""``kill -9`` in mid-call: the same caller goes on at the other worker, with what was said remembered (F8).

``python -m bench.goes_on [--calls 20] [--worker-class gevent|gthread] [--store file|redis]``: rounds of
callers on two workers, one of which is killed, until so many calls were killed. A call has gone on when our
voice was heard at its second stream, every turn before the kill was known there, and another one was
answered. Prints how many have, and the silence between the kill and our next word. Exit status 1 when one
has not, or the log tells of a fault.
"""

import argparse
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos_service import Service, two_workers
from bench.killed import Caller, let_in, on_both, phoning
from bench.own_redis import OwnRedis
from server.simulator.timeline import audible_intervals

CALLS = 20
AT_ONCE = 10
BEFORE_S = 16.0  # a greeting, and an answer or two
WAITS_S = 3.0  # a caller who hears nothing of us waits, before they speak into it
TALK_S = 40.0  # of the caller's frames, of both streams
STORES = ("file", "redis")
KNOBS = {"IDLE_PROMPT_SEC": "0", "VAD_ENGINE": "energy"}


@dataclass(frozen=True)
class Fate:
    """A killed call. ``silent_s``: from the kill to our next word; None: there was none.

    ``before``: turns that were answered until then; ``known``: how many the other worker knew of, None: none
    had the call; ``behind``: how many it answered.
    """

    silent_s: float | None
    before: int
    known: int | None
    behind: int

    @property
    def went_on(self) -> bool:
        # The last answer may have begun in the moment of the kill: then it is owed.
        remembered = self.known is not None and 0 <= self.before - self.known <= 1 and self.known > 0
        return self.silent_s is not None and remembered and self.behind > 0


@dataclass
class Result:
    """``still_full``: the host's places were those of its calls before, and while they went on."""

    fates: list[Fate] = field(default_factory=list)
    still_full: bool = True
    faults: list[str] = field(default_factory=list)

    @property
    def went_on(self) -> int:
        return sum(fate.went_on for fate in self.fates)

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        found = [f"in the log: {line}" for line in self.faults[:5]]
        found += [f"a call did not go on: {fate}" for fate in self.fates if not fate.went_on]
        return found + ([] if self.still_full else ["a new call was let in beside those that went on"])


def round_of(service: Service, calls: int, result: Result) -> None:
    """Callers on both workers; one is killed, and they go on talking."""
    with phoning(service.endpoint, calls, TALK_S, reply_after_s=WAITS_S) as callers:
        on_both(service, callers)
        had = [caller.worker for caller in callers]
        victim = max(set(had), key=had.count)
        time.sleep(BEFORE_S)
        os.kill(victim, signal.SIGKILL)
        killed_at = time.monotonic()
        killed = [caller for caller in callers if caller.worker == victim]
        wait_for_second_streams(killed)
        result.still_full = result.still_full and not let_in(service.endpoint, 1)
    result.fates += [fate_of(caller, killed_at, service.server.log) for caller in killed]
    result.faults = service.faults


def wait_for_second_streams(callers: list[Caller]) -> None:
    """Until every one streams again; ten seconds at most."""
    deadline = time.monotonic() + 10.0
    while not all(caller.call.record.earlier and caller.streaming for caller in callers):
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def fate_of(caller: Caller, killed_at: float, log: str) -> Fate:
    record = caller.call.record
    if not record.earlier or record.live is None:
        return Fate(None, 0, None, 0)
    first, second = record.earlier[0][1].stream.ids.stream_sid, record.ids.stream_sid
    heard = audible_intervals(bytes(record.live.stream.buffer.heard))
    silent_s = record.live.started_s + heard[0].start_s - killed_at if heard else None
    known = re.search(rf"TAKEN_UP turns=(\d+) sid={second}", log)
    return Fate(silent_s, _answered(first, log), int(known[1]) if known else None, _answered(second, log))


def _answered(stream_sid: str, log: str) -> int:
    return len(re.findall(rf"RESPONSE_GAP .*sid={stream_sid}", log))


@contextmanager
def stored_in(store: str, folder: Path) -> Iterator[dict[str, str]]:
    """The knobs of a store that is there meanwhile."""
    if store == "file":
        yield {}
        return
    redis = OwnRedis(folder)
    try:
        yield redis.knobs
    finally:
        redis.end()


def measure(worker_class: str, calls: int = CALLS, store: str = "file", at_once: int = AT_ONCE) -> Result:
    """Rounds until ``calls`` were killed."""
    result = Result()
    while len(result.fates) < calls:
        with tempfile.TemporaryDirectory() as name, stored_in(store, Path(name)) as knobs:
            knobs = KNOBS | {"MAX_CALLS": str(at_once)} | knobs
            with two_workers(Path(name), worker_class, **knobs) as service:
                round_of(service, at_once, result)
        if result.faults:
            break
    return result


def show(worker_class: str, store: str, result: Result) -> None:
    silences = sorted(fate.silent_s for fate in result.fates if fate.silent_s is not None)
    p50 = statistics.median(silences) if silences else float("nan")
    p95 = silences[max(0, -(-95 * len(silences) // 100) - 1)] if silences else float("nan")
    print(
        f"{worker_class}, {store}: {result.went_on} of {len(result.fates)} went on; "
        f"silence p50 {p50:.2f} s, p95 {p95:.2f} s"
    )
    for promise in result.broken:
        print(f"  BROKEN: {promise}")
    print("", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    parser.add_argument("--store", choices=STORES, action="append")
    words = parser.parse_args()
    broken = 0
    for worker_class in words.worker_class or ("gevent", "gthread"):
        for store in words.store or STORES:
            result = measure(worker_class, words.calls, store, words.at_once)
            show(worker_class, store, result)
            broken += len(result.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
