"""Two hosts behind an nginx, with a Redis: who answers a webhook need not be who has the socket.

``python -m bench.two_hosts [--calls 40] [--worker-class gevent|gthread] [apart drained killed limits …]``:
each host with its own processes, files and name, and places for half the calls; all on loopback. Needs
``nginx`` and ``redis-server``.

``apart``: one answers all webhooks, the other holds all sockets; one call too many is busy.
``drained``: half as many calls on both; SIGTERM to one. Its calls end well, the other's go on, and new ones
go to the other.
``killed``: as many calls as both have places for; one host is killed, all its processes. Its calls go on at
the other (F8), nobody is let in beside them, and afterwards there are the places of one host.
``limits``: those of a second, of one caller and of all hold for both together; and without the Redis, for
each process alone.

Exit status 1 when a promise is broken.
"""

import argparse
import os
import re
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.chaos_service import BOOT_S, OPEN_DOORS, PUBLIC_URL, TOKEN, faults_in, signing
from bench.drain import NOTICE, broken_off
from bench.goes_on import Fate, fate_of, wait_for_second_streams
from bench.killed import Caller, let_in, new_call, phoning
from bench.own_redis import OwnRedis
from server.admission.slots import LEASE_S, OFFER_S
from server.simulator.call import CallRecord
from server.simulator.webhooks import Endpoint, Webhooks
from tests.servers.nginx import balanced, free_place
from tests.serving import ROOT, Server, started

CALLS = 40
HOST = [sys.executable, "-m", "gunicorn", "-c", "bench/host_conf.py", "server.app:create_app()"]
ANSWERED_S, TALK_S = 40.0, 30.0
DRAIN_S = 3
GONE_S = 5.0  # until nobody listens on a host that drains
ENDED_S = DRAIN_S + 20.0
REMEMBERED_S = 1.0  # an answer that has just begun: a kill takes a fifth of a second of what calls remember
PER_SEC, AT_ONCE = 5, 2
BUNDLES = ("REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE")  # whom the simulated Twilio trusts


@dataclass
class Hosts:
    """Two of them, and the ways to them: ``both`` for all, ``apart``: webhooks to the first, sockets to the
    second."""

    first: Server
    second: Server
    both: Endpoint
    apart: Endpoint
    redis: OwnRedis

    @property
    def log(self) -> str:
        return self.first.log + self.second.log


@dataclass
class Result:
    """``said``: what happened, in words. ``broken``: the promises that were not kept."""

    said: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def wants(self, kept: object, promise: str) -> None:
        if not kept:
            self.broken.append(promise)


@contextmanager
def two_hosts(folder: Path, worker_class: str, max_calls: int, **knobs: str) -> Iterator[Hosts]:
    """Each host takes ``max_calls``. The simulated Twilio of this process is believed, and trusts them."""
    places = free_place(), free_place()
    with ExitStack() as stack:
        stack.enter_context(signing())
        redis = OwnRedis(folder)
        stack.callback(redis.end)
        shared = {"WORKER_CLASS": worker_class, "MAX_CALLS": str(max_calls), "DRAIN_SEC": str(DRAIN_S)}
        shared |= {"TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_BASE_URL": PUBLIC_URL, "IDLE_PROMPT_SEC": "0"}
        servers = [
            stack.enter_context(_host(folder, name, OPEN_DOORS | shared | redis.knobs | knobs))
            for name in ("first", "second")
        ]
        here = [server.address for server in servers]
        ways = (here, here), (here[:1], here[1:])
        endpoints = []
        for number, ((webhooks, sockets), place) in enumerate(zip(ways, places, strict=True)):
            nginx = balanced(webhooks, sockets, place, folder / f"nginx-{number}")
            endpoints.append((Endpoint(place.public_url, PUBLIC_URL), stack.enter_context(nginx)))
        stack.enter_context(_trusting([authority for _, authority in endpoints], folder / "trusted.pem"))
        yield Hosts(servers[0], servers[1], endpoints[0][0], endpoints[1][0], redis)


@contextmanager
def _host(folder: Path, name: str, knobs: dict[str, str]) -> Iterator[Server]:
    own = folder / name
    own.mkdir()
    files = {"LEADS_FILE": str(own / "leads.jsonl"), "RECORDS_FILE": str(own / "records.db")}
    with started(HOST, ROOT, own / "log", boot_s=BOOT_S, HOST_NAME=name, **(knobs | files)) as server:
        server.waits_for(lambda: "ENGINES_WARM" in server.log, BOOT_S)
        yield server


@contextmanager
def _trusting(authorities: Sequence[Path], bundle: Path) -> Iterator[None]:
    bundle.write_text("".join(each.read_text("utf-8") for each in authorities), "utf-8")
    before = {name: os.environ.get(name) for name in BUNDLES}
    os.environ.update(dict.fromkeys(BUNDLES, str(bundle)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


# ---- what is looked at


def stream(record: CallRecord) -> str:
    return record.ids.stream_sid


def wait_until_answered(hosts: Hosts, callers: Sequence[Caller]) -> bool:
    """Until every caller has had an answer to what they said."""

    def all_answered() -> bool:
        answered = set(re.findall(r"RESPONSE_GAP .*sid=(MZ\w+)", hosts.log))
        return answered >= {stream(caller.call.record) for caller in callers}

    return hosts.first.waits_for(all_answered, ANSWERED_S)


def at(server: Server, callers: Sequence[Caller]) -> list[Caller]:
    """Whose socket is there."""
    there = set(re.findall(r"WS_START .*sid=(MZ\w+)", server.log))
    return [caller for caller in callers if stream(caller.call.record) in there]


def unhurt(callers: Sequence[Caller]) -> bool:
    """Every one has talked for as long as they wanted."""
    records = [caller.call.record for caller in callers]
    return all(not record.failures and record.ending == "caller hung up" for record in records)


def rung(server: Server, answer: str = "") -> int:
    """How many new calls this host has answered, or answered so."""
    return len(re.findall(rf"incoming_call=200 {answer}", server.log))


def listens(server: Server) -> bool:
    address, port = server.address.split(":")
    try:
        socket.create_connection((address, int(port)), 1).close()
    except OSError:
        return False
    return True


def ends_in_faults(hosts: Hosts, result: Result) -> Result:
    result.broken += [f"in a log: {line}" for line in faults_in(hosts.log)[:5]]
    return result


# ---- the phases


def apart(folder: Path, worker_class: str, calls: int, talk_s: float) -> Result:
    """Webhooks here, sockets there: each call is one, and counts once."""
    result = Result()
    with two_hosts(folder, worker_class, calls // 2) as hosts:
        with phoning(hosts.apart, calls, talk_s) as callers:
            result.wants(wait_until_answered(hosts, callers), "a caller was not answered")
            there = at(hosts.second, callers)
            result.wants(len(there) == calls and rung(hosts.first) == calls, "they were not apart")
            more = let_in(hosts.both, 4)
            result.wants(not more, f"{more} calls were let in above the places of both hosts")
            result.wants(rung(hosts.second, "busy limit=MAX_CALLS") >= 1, "the second did not say so too")
        result.wants(unhurt(callers), "a call did not go as its caller wanted")
        again = let_in(hosts.both, calls + 2)
        result.wants(again == calls, f"{again} of {calls} places came back")
        result.said.append(f"{calls} webhooks at one host, {len(there)} sockets at the other; then busy")
        return ends_in_faults(hosts, result)


def drained(folder: Path, worker_class: str, calls: int, talk_s: float) -> Result:
    """SIGTERM to one, with half of the places taken."""
    result, before = Result(), calls // 2
    with two_hosts(folder, worker_class, calls // 2) as hosts, phoning(hosts.both, before, talk_s) as callers:
        result.wants(wait_until_answered(hosts, callers), "a caller was not answered")
        going, staying = at(hosts.second, callers), at(hosts.first, callers)
        result.wants(going and staying, f"one host had all calls: {len(staying)}, {len(going)}")
        hosts.second.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        hosts.second.waits_for(lambda: not listens(hosts.second), GONE_S)
        gone_s = time.monotonic() - began
        result.wants(not listens(hosts.second), "it still listens, and would say that we are busy")
        with phoning(hosts.both, before // 2, talk_s / 2) as later:
            result.wants(wait_until_answered(hosts, later), "a new caller was not answered")
            result.wants(len(at(hosts.first, later)) == len(later), "a new call went to the host that drains")
            result.wants(hosts.second.process.wait(ENDED_S) == 0, "the drained host did not end well")
            result.wants("DRAINED calls=" in hosts.second.log, "it ended before its drain was over")
        result.wants(unhurt(later), "a new call did not go as its caller wanted")
    result.wants(unhurt(staying), "a call of the other host did not go as its caller wanted")
    told = [caller.call.record for caller in going if NOTICE in _lines_of(caller, hosts.second)]
    well = [r for r in told if not broken_off(r) and not r.failures and r.ending == "hung up by the server"]
    result.wants(len(well) == len(going), f"{len(going)} calls drained, {len(well)} of them well")
    result.said.append(
        f"{len(well)} of {len(going)} calls of the drained host were told and ended well; "
        f"nobody listened there after {gone_s:.1f} s; {len(staying)} and {len(later)} new ones at the other"
    )
    return ends_in_faults(hosts, result)


def _lines_of(caller: Caller, server: Server) -> str:
    return "\n".join(line for line in server.log.splitlines() if stream(caller.call.record) in line)


def killed(folder: Path, worker_class: str, calls: int, talk_s: float) -> Result:
    """SIGKILL to all processes of one, with all places taken."""
    result = Result()
    with two_hosts(folder, worker_class, calls // 2) as hosts:
        with phoning(hosts.both, calls, talk_s, reply_after_s=3.0) as callers:
            result.wants(wait_until_answered(hosts, callers), "a caller was not answered")
            gone, others = at(hosts.second, callers), at(hosts.first, callers)
            result.wants(gone and others, f"one host had all calls: {len(others)}, {len(gone)}")
            result.wants(not let_in(hosts.both, 2), "the hosts were not full before")
            time.sleep(REMEMBERED_S)
            killed_at = kill(hosts.second)
            wait_for_second_streams(gone)
            beside = let_in(hosts.both, 2)
            result.wants(not beside, f"{beside} new calls were let in beside those that went on")
        fates = [fate_of(caller, killed_at, hosts.log) for caller in gone]
        result.broken += [f"a call did not go on: {fate}" for fate in fates if not fate.went_on]
        result.wants(unhurt(others), "a call of the other host did not go as its caller wanted")
        time.sleep(max(0.0, killed_at + max(LEASE_S, OFFER_S) - time.monotonic()))
        places = let_in(hosts.both, calls)
        result.wants(places == calls // 2, f"afterwards one host has {places} places")
        result.said.append(f"{told_of(fates)}; {len(others)} others; then {places} places")
        return ends_in_faults(hosts, result)


def kill(server: Server) -> float:
    """All processes of a host, the master first; when."""
    master = psutil.Process(server.process.pid)
    for process in [master, *master.children(recursive=True)]:
        process.kill()
    return time.monotonic()


def told_of(fates: Sequence[Fate]) -> str:
    silences = [fate.silent_s for fate in fates if fate.silent_s is not None]
    median = statistics.median(silences) if silences else float("nan")
    went_on = sum(fate.went_on for fate in fates)
    return f"{went_on} of {len(fates)} calls of the killed host went on, after {median:.2f} s of silence"


def limits(folder: Path, worker_class: str, calls: int, talk_s: float) -> Result:
    """By webhooks alone, and nobody talks; ``calls`` that ring at one moment."""
    result = Result()
    knobs = {"CALLS_PER_SEC": str(PER_SEC), "CALLS_PER_CALLER_AT_ONCE": str(AT_ONCE)}
    with two_hosts(folder, worker_class, calls, TWIML_PLAY_GREETING="true", **knobs) as hosts:
        one = _rings(hosts.both, 4 * AT_ONCE, "+972501112233")
        result.wants(one == AT_ONCE, f"one caller has {one} calls at once, not {AT_ONCE}")
        began = time.monotonic()
        taken = let_in(hosts.both, calls)
        windows = int(time.monotonic() - began) + 2
        result.wants(taken <= PER_SEC * windows, f"{taken} new calls in {windows} s, {PER_SEC} a second")
        both = min(rung(hosts.first, "connect"), rung(hosts.second, "connect"))
        result.wants(both, "one host has answered all")
        hosts.redis.end()
        alone = _rings(hosts.both, 6 * AT_ONCE, "+972504445566")
        result.wants(
            alone == 2 * AT_ONCE, f"without a Redis one caller has {alone} calls, {AT_ONCE} a process"
        )
    result.said.append(
        f"one caller has {one} calls at once, {alone} without the Redis; {taken} of {calls} new calls "
        f"within {windows} s at {PER_SEC} a second"
    )
    return ends_in_faults(hosts, result)


def _rings(endpoint: Endpoint, times: int, caller: str) -> int:
    """How many of so many calls of one caller are let in; slower than CALLS_PER_SEC."""
    taken = 0
    for _ in range(times):
        time.sleep(1.0 / PER_SEC + 0.05)
        answer = Webhooks(endpoint).request("/webhook/incoming_call", new_call() | {"From": caller}, "POST")
        taken += "<Connect" in answer.text
    return taken


PHASES: dict[str, Callable[[Path, str, int, float], Result]] = {
    "apart": apart,
    "drained": drained,
    "killed": killed,
    "limits": limits,
}


def measure(phase: str, worker_class: str, calls: int = CALLS, talk_s: float = TALK_S) -> Result:
    """``talk_s``: how long callers stay."""
    with tempfile.TemporaryDirectory() as folder:
        return PHASES[phase](Path(folder), worker_class, calls, talk_s)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("phases", nargs="*", metavar="PHASE", help=f"all without any: {', '.join(PHASES)}")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    words = parser.parse_args()
    if unknown := set(words.phases) - set(PHASES):
        parser.error(f"no phase: {', '.join(sorted(unknown))}")
    broken = 0
    for worker_class in words.worker_class or ("gevent", "gthread"):
        for phase in words.phases or PHASES:
            result = measure(phase, worker_class, words.calls)
            print(f"{worker_class}, {phase}: {'; '.join(result.said)}", flush=True)
            for promise in result.broken:
                print(f"  BROKEN: {promise}", flush=True)
            broken += len(result.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
