"""Hundreds of calls while every engine fails at random and callers misbehave: each ends, and nothing is left.

``python -m tests.bench.chaos --calls 500 --rate 0.2``: the real server with two workers on a local cloud.
Exit status 1 when a promise is broken: a call that does not end, a fault of ours in the log, something that
a worker holds one second after the last call, or a caller who hears nothing for more than four seconds.
The same ``--seed`` draws the same callers and the same chances of the cloud.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from server.simulator.webhooks import Endpoint
from tests.bench.chaos_callers import DEAD_AIR_S, MAX_CALL_S, RUDE, TALKS, Call
from tests.bench.chaos_house import TOKEN, House, grown, two_workers
from tests.bench.house import LINES
from tests.cloud.local import CLOUD_KNOBS, LocalCloud
from tests.cloud.watch import Exchange, Fault
from tests.serving import ROOT, environment

GONE_S = 1.0  # after the last call's end nothing of the calls is left (F6)
LATE_MS = 1000.0  # a caller's process that was itself so late proves nothing about silences
WARM_UP = 12  # calls before the first census: what exists once a process is there by then
ENDINGS = ("hung up by the server", "caller hung up", "dialled", "end of TwiML")


@dataclass(frozen=True)
class Result:
    calls: list[Call]
    faulty: Counter[str]  # requests to the cloud by their fault
    left: dict[str, int]  # what the workers hold more than before the calls
    streams: list[str]  # requests to the cloud that are still open
    unended: list[str]  # calls that the log saw begin and not end
    faults: list[str]  # of ours, in the log

    @property
    def talks(self) -> list[Call]:
        return [call for call in self.calls if call.kind == TALKS]

    @property
    def silences(self) -> list[float]:
        """What polite callers waited, in seconds, from their last sound to the agent's next."""
        kept = [call for call in self.talks if call.late_ms < LATE_MS]
        return sorted(seconds for call in kept for seconds in call.silences_s)

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        found = [f"in the log: {line}" for line in self.faults[:5]]
        found += [f"left: {count} {name}" for name, count in self.left.items()]
        found += [f"left: {stream}" for stream in self.streams]
        found += [f"never ended: {sid}" for sid in self.unended[:5]]
        found += [
            f"{call.kind} {call.call_sid} ended {call.ending!r}: {call.failures}"
            for call in self.calls
            if not call.ending.startswith(ENDINGS) or (call.kind == TALKS and call.failures)
        ]
        found += [
            f"dead air: {seconds:.1f} s in {call.call_sid}"
            for call in self.talks
            for seconds in call.silences_s
            if seconds > DEAD_AIR_S and call.late_ms < LATE_MS
        ]
        return found


def place(endpoint: Endpoint, calls: int, at_once: int, rude_rate: float, seed: int) -> list[Call]:
    """The callers, in a process of their own: what the cloud costs must not make them late."""
    command = [sys.executable, "-m", "tests.bench.chaos_callers", "--url", endpoint.connect_url]
    command += ["--public-url", endpoint.public_url, "--calls", str(calls), "--at-once", str(at_once)]
    command += ["--rude-rate", str(rude_rate), "--seed", str(seed)]
    signed = environment() | {"TWILIO_AUTH_TOKEN": TOKEN}
    allowed_s = (calls / at_once + 1) * 2 * MAX_CALL_S
    done = subprocess.run(
        command, cwd=ROOT, env=signed, capture_output=True, text=True, timeout=allowed_s, check=False
    )
    assert done.returncode == 0, done.stderr
    return [Call(**json.loads(line)) for line in done.stdout.splitlines()]


def measure(
    worker_class: str,
    calls: int,
    *,
    at_once: int = 20,
    rate: float = 0.2,
    rude_rate: float = 0.4,
    seed: int = 1,
    warm_up: int = WARM_UP,
    **knobs: str,
) -> Result:
    """Warm-up calls of every kind, a census, the calls, a second of quiet, a census."""
    with tempfile.TemporaryDirectory() as folder, LocalCloud(LINES, answer) as cloud:
        cloud.take(0.2, 0.35, 0.15)
        engines = (
            CLOUD_KNOBS | cloud.knobs | {"VAD_ENGINE": "silero", "LLM_MIN_CHARS": "0", "TTS_CACHE_MB": "1"}
        )
        with two_workers(Path(folder), worker_class, **(engines | knobs)) as house:
            cloud.fail(rate, seed)
            place(house.endpoint, warm_up, at_once, rude_rate, seed + 1)
            time.sleep(GONE_S)
            before = house.census()
            for watch in cloud.watches:
                watch.exchanges.clear()
            placed = place(house.endpoint, calls, at_once, rude_rate, seed)
            time.sleep(GONE_S)
            streams = [described(each) for watch in cloud.watches for each in watch.open]
            after = house.census()
            kept = frozenset({f"ESTABLISHED to {cloud.openai.base_url.split(':')[2].split('/')[0]}"})
            left: Counter[str] = Counter()
            for pid in before:
                left.update(grown(before[pid], after[pid], kept) if pid in after else {"worker lost": 1})
            faulty = Counter(each.fault.value for watch in cloud.watches for each in list(watch.exchanges))
            return Result(placed, faulty, dict(left), streams, unended(house), house.faults)


def answer(request: dict[str, object]) -> str:
    """Short, never the same twice (E4), not the caller's words: said again they would be our echo (E3)."""
    return f"רשמתי את זה כפנייה מספר {time.time_ns() % 10**6}. מה עוד?"


def described(exchange: Exchange) -> str:
    asked = type(exchange.request).__name__
    age_s = time.time() - exchange.began_at
    return f"a request to the cloud, {asked}, {exchange.fault.value}, begun {age_s:.1f} s before"


def unended(house: House) -> list[str]:
    """Stream SIDs that have a WS_START in the log and no WS_DONE."""
    sids = {mark: set[str]() for mark in ("WS_START", "WS_DONE")}
    for line in house.server.log.splitlines():
        for mark, found in sids.items():
            if f" {mark} sid=MZ" in line:
                found.add(line.split(" sid=")[1].split()[0])
    return sorted(sids["WS_START"] - sids["WS_DONE"])


def show(worker_class: str, result: Result) -> None:
    endings = Counter(call.ending for call in result.calls)
    print(f"{worker_class}: {len(result.calls)} calls; ended: {dict(endings.most_common())}")
    kinds = Counter(call.kind for call in result.calls)
    print(f"  callers: {dict(kinds.most_common())}")
    for kind in RUDE:
        closes = Counter(call.stream_ending or "by the caller" for call in result.calls if call.kind == kind)
        print(f"    {kind}: ended {dict(closes.most_common(4))}")
    asked, good = result.faulty.total(), result.faulty[Fault.NONE.value]
    share = (asked - good) / max(1, asked)
    print(f"  {asked} requests to the engines, {share:.0%} failed: {dict(result.faulty.most_common())}")
    waits = result.silences
    if waits:
        p50, p99 = waits[len(waits) // 2], waits[min(len(waits) - 1, int(len(waits) * 0.99))]
        print(f"  {len(waits)} turns: silence p50 {p50:.2f}, p99 {p99:.2f}, worst {waits[-1]:.2f} s")
    late = [call.late_ms for call in result.talks]
    print(f"  the callers' own frames were at worst {max(late, default=0):.0f} ms late")
    print(f"  left a second after: {result.left or 'nothing'}, {len(result.streams)} requests open")
    for promise in result.broken:
        print(f"  BROKEN: {promise}")
    print("", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.2, help="of the engines' requests that fail")
    parser.add_argument("--rude-rate", type=float, default=0.4, help="of the callers that misbehave")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    words = parser.parse_args()
    print(f"seed {words.seed}", flush=True)
    broken = 0
    for worker_class in words.worker_class or ("gevent", "gthread"):
        result = measure(
            worker_class,
            words.calls,
            at_once=words.at_once,
            rate=words.rate,
            rude_rate=words.rude_rate,
            seed=words.seed,
        )
        show(worker_class, result)
        broken += len(result.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
