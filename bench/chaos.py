"""Hundreds of calls while providers fail, callers misbehave, and disks, log, state, clock fall ill by turns.

``python -m bench.chaos --calls 500 --rate 0.2``: the real server with two workers on a local cloud;
gevent on a state file, gthread on a Redis of its own (``--store`` says otherwise). Needs a C compiler and
``redis-server``; Linux.
Exit status 1 when a promise is broken: a call that does not end, a fault of ours in the log, a place that is
not free seven seconds after the last call, anything that a worker holds six seconds later, memory that grows
from one half of many calls to the other, a caller who hears nothing for more than four seconds, a lead that
was promised (or a call that came in) and can be read nowhere.
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
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.chaos_callers import DEAD_AIR_S, MAX_CALL_S, RUDE, TALKS, TURNS, Call
from bench.chaos_service import TOKEN, Census, Service, grown, two_workers
from bench.chaos_troubles import Troubles
from bench.promised import lost, text_of
from bench.service import LINES
from server.admission.slots import AGAIN_S
from server.shared_state.state import REST_S
from server.simulator.webhooks import Endpoint
from tests.cloud.local import CLOUD_KNOBS, LocalCloud
from tests.cloud.watch import Exchange, Fault
from tests.serving import ROOT, environment

# After the last call's end every place is free. A store that failed as it ended is left alone for REST_S, and
# told again within AGAIN_S.
PLACES_S = REST_S + AGAIN_S + 1
# A second more, and nothing of the calls is left (F6): an LLM may be read on for five, for what it calls.
GONE_S = PLACES_S + 1
CLOSED_S = 5.0  # more, on a machine that has much else to do
QUIET_S, MOST_WAITS = 1.5, 20  # no request for so long: all lines are made
TROUBLE_S = 5.0
LEADS_S = 5.0  # what was kept while a disk was ill is written
MANY = 100  # calls, of which each half takes as much memory as the other
GROWTH_MB = 8
LATE_MS = 1000.0  # a caller's process that was itself so late proves nothing about silences
WARM_UP = 12  # calls before the first census: what exists once a process is there by then
RESET = "files socket of family 2, type 1"  # an idle connection of a pool that its peer has reset
MOST_RESET = 4
ENDINGS = ("hung up by the server", "caller hung up", "dialled", "end of TwiML")


@dataclass(frozen=True)
class Result:
    calls: list[Call]
    faulty: Counter[str]  # requests to the cloud by their fault
    left: dict[str, int]  # what the workers hold more than before the calls
    streams: list[str]  # requests to the cloud that are still open
    unended: list[str]  # calls that the log saw begin and not end
    faults: list[str]  # of ours, in the log
    had: list[str]  # the troubles that were
    promised: list[str]  # CallSids of leads
    lost: list[str]  # those of them that can be read nowhere
    places: int  # still taken
    growth_mb: float  # of the worker that grew most, from the first half to the second
    expired: int  # sockets whose token the clock made old on their way

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
        found += [f"places: {self.places} are taken"] if self.places else []
        found += [f"lost: the lead of {call_sid}" for call_sid in self.lost[:5]]
        found += [f"memory: {self.growth_mb:.1f} MB more"] if self.growth_mb > GROWTH_MB else []
        failed = [
            f"{call.kind} {call.call_sid} ended {call.ending!r}: {call.failures}"
            for call in self.calls
            if not call.ending.startswith(ENDINGS) or (call.kind == TALKS and call.failures)
        ]
        found += failed[self.expired :]
        found += [
            f"dead air: {seconds:.1f} s in {call.call_sid}"
            for call in self.talks
            for seconds in call.silences_s
            if seconds > DEAD_AIR_S and call.late_ms < LATE_MS
        ]
        return found


def place(
    endpoint: Endpoint, calls: int, at_once: int, rude_rate: float, seed: int, turns: int = TURNS
) -> list[Call]:
    """The callers, in a process of their own: what the cloud costs must not make them late."""
    command = [sys.executable, "-m", "bench.chaos_callers", "--url", endpoint.connect_url]
    command += ["--public-url", endpoint.public_url, "--calls", str(calls), "--at-once", str(at_once)]
    command += ["--rude-rate", str(rude_rate), "--seed", str(seed), "--turns", str(turns)]
    signed = environment() | {"TWILIO_AUTH_TOKEN": TOKEN}
    allowed_s = (calls / at_once + 1) * 2 * MAX_CALL_S
    done = subprocess.run(
        command, cwd=ROOT, env=signed, capture_output=True, text=True, timeout=allowed_s, check=False
    )
    assert done.returncode == 0, done.stderr
    return [Call(**json.loads(line)) for line in done.stdout.splitlines()]


def left_behind(service: Service, before: Mapping[int, Census], kept: frozenset[str]) -> Counter[str]:
    """What the workers hold more than ``before``, and go on holding: a loaded machine is slow to close."""
    deadline = time.monotonic() + CLOSED_S
    while True:
        after = service.census()
        left: Counter[str] = Counter()
        for pid in before:
            left.update(grown(before[pid], after[pid], kept) if pid in after else {"worker lost": 1})
        if left[RESET] <= MOST_RESET:
            del left[RESET]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(1)


def wait_for_lines(cloud: LocalCloud) -> None:
    """A server takes calls while its fixed lines are being made; here they are made before anything fails."""
    asked = -1
    for _ in range(MOST_WAITS):
        asked, before = sum(len(watch.exchanges) for watch in cloud.watches), asked
        if asked == before:
            return
        time.sleep(QUIET_S)


def measure(
    worker_class: str,
    calls: int,
    *,
    at_once: int = 20,
    rate: float = 0.2,
    rude_rate: float = 0.4,
    seed: int = 1,
    warm_up: int = WARM_UP,
    on_redis: bool = False,
    trouble_s: float = TROUBLE_S,
    turns: int = TURNS,
    **knobs: str,
) -> Result:
    """Warm-up calls of every kind, a census, the calls with their troubles, some quiet, a census."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCloud(LINES, answer) as cloud,
        closing(Troubles(Path(folder), trouble_s, on_redis=on_redis)) as troubles,
    ):
        cloud.take(0.2, 0.35, 0.15)
        providers = (
            CLOUD_KNOBS | cloud.knobs | {"VAD_ENGINE": "silero", "LLM_MIN_CHARS": "0", "TTS_CACHE_MB": "1"}
        )
        knobs = providers | troubles.knobs | knobs
        with two_workers(Path(folder), worker_class, command=troubles.command, **knobs) as service:
            wait_for_lines(cloud)
            cloud.fail(rate, seed)
            if warm_up:
                place(service.endpoint, warm_up, at_once, rude_rate, seed + 1)
                time.sleep(GONE_S)
            before = service.census()
            for watch in cloud.watches:
                watch.exchanges.clear()
            troubles.begin(service.door)
            placed, half = halves(service, calls, at_once, rude_rate, seed, turns, troubles)
            time.sleep(PLACES_S)
            places = max(census.places for census in service.census().values())
            time.sleep(GONE_S - PLACES_S)
            streams = [described(each) for watch in cloud.watches for each in watch.open]
            openai_port = cloud.openai.base_url.split(":")[2].split("/")[0]
            kept = frozenset(f"ESTABLISHED to {port}" for port in (openai_port, troubles.redis_port))
            left = left_behind(service, before, kept)
            faulty = Counter(each.fault.value for watch in cloud.watches for each in list(watch.exchanges))
            log = service.server.log
            promised = [*troubles.promised, *came_in(log)]
            return Result(
                placed,
                faulty,
                dict(left),
                streams,
                unended(service),
                service.faults,
                troubles.had,
                promised,
                lost_at_last(service, troubles, promised),
                places,
                growth_mb(half, service.census()),
                log.count("an expired token"),
            )


def halves(
    service: Service,
    calls: int,
    at_once: int,
    rude_rate: float,
    seed: int,
    turns: int,
    troubles: Troubles,
) -> tuple[list[Call], dict[int, Census]]:
    """The callers, and what the workers held between the two halves of many; the troubles are over then."""
    if calls < MANY:
        placed, half = place(service.endpoint, calls, at_once, rude_rate, seed, turns), {}
    else:
        placed = place(service.endpoint, calls // 2, at_once, rude_rate, seed, turns)
        time.sleep(GONE_S)
        half = service.census()
        placed += place(service.endpoint, calls - calls // 2, at_once, rude_rate, seed + 2, turns)
    troubles.end()
    return placed, half


def growth_mb(before: dict[int, Census], after: dict[int, Census]) -> float:
    """Of the worker that grew most."""
    return max((after[pid].rss - held.rss for pid, held in before.items() if pid in after), default=0) / 2**20


def came_in(log: str) -> list[str]:
    """CallSids of the calls whose sockets were let in: each leaves who called."""
    return [line.split(" call=")[1].split()[0] for line in log.splitlines() if " WS_START sid=MZ" in line]


def lost_at_last(service: Service, troubles: Troubles, promised: list[str]) -> list[str]:
    """CallSids of leads that cannot be read, when all has been well for some seconds."""
    deadline = time.monotonic() + LEADS_S
    while gone := lost(promised, [service.server.log, text_of(troubles.leads_file)]):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return gone


def answer(request: dict[str, object]) -> str:
    """Short, never the same twice (E4), not the caller's words: said again they would be our echo (E3)."""
    return f"רשמתי את זה כפנייה מספר {time.time_ns() % 10**6}. מה עוד?"


def described(exchange: Exchange) -> str:
    asked = type(exchange.request).__name__
    age_s = time.time() - exchange.began_at
    return f"a request to the cloud, {asked}, {exchange.fault.value}, begun {age_s:.1f} s before"


def unended(service: Service) -> list[str]:
    """Stream SIDs that have a WS_START in the log and no WS_DONE."""
    sids = {mark: set[str]() for mark in ("WS_START", "WS_DONE")}
    for line in service.server.log.splitlines():
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
    print(f"  troubles: {dict(Counter(result.had))}; {result.expired} tokens grew old on their way")
    readable = len(result.promised) - len(result.lost)
    print(f"  leads: {len(result.promised)} promised, {readable} can be read")
    print(f"  {result.places} places taken after {PLACES_S:g} s")
    print(f"  memory {result.growth_mb:+.1f} MB in the second half of many calls")
    open_yet = len(result.streams)
    print(f"  left after {GONE_S + CLOSED_S:g} s: {result.left or 'nothing'}, {open_yet} requests open")
    for promise in result.broken:
        print(f"  BROKEN: {promise}")
    print("", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.2, help="of the providers' requests that fail")
    parser.add_argument("--rude-rate", type=float, default=0.4, help="of the callers that misbehave")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    parser.add_argument("--store", choices=("sqlite", "redis"), help="where their state is shared")
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
            on_redis=words.store == "redis" if words.store else worker_class == "gthread",
        )
        show(worker_class, result)
        broken += len(result.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
