"""Calls kept as event logs and told again: how many decide the same, how fast, and what keeping them costs.

    python -m bench.replays [--calls 100] [--seed 1] [--audio] [--cloud]

Simulated ones, with turns, barge-ins, noises and failures; with ``--cloud`` calls to a real server whose
providers are the local cloud. ``--pinned`` writes the two simulated calls of tests/pinned.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.conversations import LONG_S, random_call
from bench.service import LINES, on_the_cloud, place_calls, say
from server.event_log.format import Seen, chunk
from server.event_log.reader import EventLog, read_log
from server.event_log.writer import CHUNK_S, CallEvents, EventLogs
from server.replay.pinning import pin
from server.replay.replaying import difference_in
from tests.cloud.local import OPENAI_KNOBS
from tests.simtime.call import SimCall
from tests.simtime.line import LOUD, NOISE, Sound

PINNED = Path("tests/pinned")
CLOUD_CALLS, AT_ONCE = 20, 5
SETTLE_S = 30.0


def recorded(call: SimCall, folder: Path, mode: str, seconds: float) -> Path:
    """``call`` run, and its log."""
    call.config = call.config.model_copy(update={"event_log": mode, "event_log_dir": str(folder)})
    logs = EventLogs(call.config, call.runtime.clock)
    call.host["observers"] = [logs.observer()]
    call.run(seconds)
    assert logs.settle(SETTLE_S)
    (path,) = folder.glob("*/*.events")
    return path


def simulated(calls: int, seed: int, mode: str, folder: Path) -> Iterator[Path]:
    for number in range(calls):
        dice = random.Random(f"{seed}.{number}")
        seconds = LONG_S if dice.random() < 0.6 else dice.uniform(3, LONG_S)
        yield recorded(random_call(dice), folder / str(number), mode, seconds)


def over_sockets(folder: Path) -> list[Path]:
    """Calls to a real server over the local cloud, its speech model the real one."""
    logs = folder / "logs"
    more = {"EVENT_LOG": "events", "EVENT_LOG_DIR": str(logs)}
    with on_the_cloud(OPENAI_KNOBS, folder, **more) as server:
        for _ in range(CLOUD_CALLS // AT_ONCE):
            with suppress(AssertionError):  # a call that went wrong on a slow machine is a call all the same
                place_calls(server, folder, "--calls", str(AT_ONCE), *say(*LINES[:2]))
    return sorted(logs.glob("*/*.events"))


def told_again(paths: list[Path]) -> int:
    """Print what came of it; how many decide otherwise."""
    different, seconds, took_s, size = 0, 0.0, 0.0, 0
    for path in paths:
        log = read_log(path)
        began_s = time.process_time()
        difference = difference_in(log)
        took_s += time.process_time() - began_s
        seconds += log.seconds
        size += path.stat().st_size
        if difference is not None:
            different += 1
            print(path, *difference.lines(), sep="\n")
    identical = len(paths) - different
    print(
        f"{identical} of {len(paths)} identical; {seconds:.0f} s of call, {seconds / took_s:.0f} × real time"
    )
    print(f"{size / seconds * 600 / 1e6:.2f} MB for 10 minutes")
    return different


class _Nowhere(EventLogs):
    """Takes what a call hands over, and forgets it: what is left is the call's own share of the cost."""

    def take(self, part: object) -> bool:
        return True


def cost(log: EventLog, call: SimCall, *, audio: bool) -> None:
    """Processor time for a second of call: under the call's lock, and on the writing thread."""
    observer = CallEvents(_Nowhere(call.config), time.monotonic)
    began_s = time.process_time()
    for _, event, actions in log.seen:
        observer.saw(event)
        for action in actions:
            observer.did(action)
    told_s = time.process_time() - began_s
    began_s = time.process_time()
    for part in _seconds(log.seen):
        chunk(part, audio=audio)
    wrote_s = time.process_time() - began_s
    per_s = 1e6 / log.seconds
    mode = "audio" if audio else "events"
    print(
        f"{mode}: {told_s * per_s:.0f} µs under the lock, {wrote_s * per_s:.0f} µs beside, a second of call"
    )


def _seconds(seen: list[Seen]) -> Iterator[list[Seen]]:
    part: list[Seen] = []
    for one in seen:
        if part and one.at_ms - part[0].at_ms >= CHUNK_S * 1000:
            yield part
            part = []
        part.append(one)
    yield part


def write_pinned() -> None:
    """An interruption that goes on to a new turn, and a noise over the agent that does not stop it."""
    told = {
        "barge_in": (SimCall([Sound(4.0, 1.2), Sound(6.6, 1.6)], stt=["אני מחפש דירה", "לא בחיפה"]), "D2"),
        "noise": (SimCall([Sound(4.0, 1.2), Sound(6.6, 0.1, NOISE, LOUD)], stt=["אני מחפש דירה"]), "D1, D4"),
    }
    for name, (call, why) in told.items():
        with TemporaryDirectory() as folder:
            made = pin(read_log(recorded(call, Path(folder), "events", 14)), name, PINNED, why=why)
        print(f"{made.path}: {made.path.stat().st_size} bytes, kept {made.kept}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--audio", action="store_true")
    parser.add_argument("--cloud", action="store_true")
    parser.add_argument("--pinned", action="store_true")
    words = parser.parse_args()
    if words.pinned:
        write_pinned()
        return 0
    with TemporaryDirectory() as folder:
        if words.cloud:
            return bool(told_again(over_sockets(Path(folder))))
        mode = "audio" if words.audio else "events"
        paths = list(simulated(words.calls, words.seed, mode, Path(folder)))
        different = told_again(paths)
        cost(read_log(paths[0]), random_call(random.Random(0)), audio=words.audio)
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
