"""``kill -9`` of one of two workers, and no call is taken up (``bench.goes_on`` has those that are): only its
calls end, each hears the apology, and their places come back.

``python -m bench.killed``: twenty calls, as many as the host has places for. Exit status 1 when a
promise is broken.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from bench.chaos_service import Service, two_workers
from server.simulator.call import CallPlan, CallRecord, PhoneCall
from server.simulator.pump import StreamPump
from server.simulator.script import Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.webhooks import Endpoint, Webhooks

CALLS = 20
TALK_S = 35.0  # long enough for all that is done to a call
PLACES_S = 15.0  # a killed worker's places are free again after no more
STREAMING_S = 20.0
BOTH_S = 30.0
ASK_EVERY_S = 0.5
FALLBACK = "/webhook/stream_ended"


@dataclass
class Caller:
    """One call on a thread of its own. ``port``: its end of the media socket."""

    call: PhoneCall
    port: int = 0
    worker: int = 0
    record: CallRecord | None = None
    thread: threading.Thread = field(default_factory=threading.Thread)

    @property
    def streaming(self) -> bool:
        live = self.call.record.live
        return live is not None and live.stream.first_media_s is not None

    @property
    def fallback_status(self) -> int:
        """What the webhook that follows the stream has answered; 0: nothing."""
        exchanges = self.call.record.exchanges
        return next((each.status for each in exchanges if each.url.endswith(FALLBACK)), 0)


@dataclass
class Result:
    """``places_s``: by when as many new calls were let in as had been killed; None: they never were."""

    killed: list[Caller]
    others: list[Caller]
    full: bool  # before, no further call was let in
    places_s: float | None
    faults: list[str]

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        found = [f"in the log: {line}" for line in self.faults[:5]]
        if not self.killed or not self.others:
            found.append(f"one worker had all the calls: {len(self.killed)}, {len(self.others)}")
        for caller in self.killed:
            ending, played = caller.call.record.ending, caller.call.record.played
            if (
                caller.fallback_status != 200
                or not played
                or not ending.startswith(("hung up by", "dialled"))
            ):
                found.append(f"a killed call: {caller.fallback_status}, {ending!r}, {len(played)} played")
        for caller in self.others:
            record = caller.call.record
            if record.failures or record.ending != "caller hung up":
                found.append(f"a call of the other worker: {record.ending!r} {record.failures}")
        if not self.full:
            found.append("the host was not full before")
        if self.places_s is None or self.places_s > PLACES_S:
            found.append(f"the places came back after {self.places_s} s")
        return found


def measure(worker_class: str, calls: int = CALLS, *, talk_s: float = TALK_S) -> Result:
    """Calls on both workers; one is killed; the others hang up ``talk_s`` after they began."""
    knobs = {"MAX_CALLS": str(calls), "IDLE_PROMPT_SEC": "0", "VAD_ENGINE": "energy", "RESUME_CALLS": "false"}
    with tempfile.TemporaryDirectory() as folder, two_workers(Path(folder), worker_class, **knobs) as service:
        with phoning(service.endpoint, calls, talk_s) as callers:
            victim = on_both(service, callers)
            full = not let_in(service.endpoint, 1)
            os.kill(victim, signal.SIGKILL)
            at = time.monotonic()
            killed = [caller for caller in callers if caller.worker == victim]
            places_s = places_back(service, len(killed), at)
        others = [caller for caller in callers if caller.worker != victim]
        return Result(killed, others, full, places_s, service.faults)


@contextmanager
def phoning(
    endpoint: Endpoint, calls: int, talk_s: float, *, reply_after_s: float = Manners().reply_after_s
) -> Iterator[list[Caller]]:
    """Callers whose streams run; at the end they have hung up."""
    clip = Clip.from_pcm16(synthetic_speech(1.0))
    manners = Manners(hang_up_after_s=talk_s, reply_after_s=reply_after_s)
    plan = CallPlan(endpoint, [Say(f"line {number}", clip) for number in range(50)], manners)
    pump = StreamPump()
    callers = [Caller(PhoneCall(replace(plan, caller=f"+9725{number:08}"), pump)) for number in range(calls)]
    for caller in callers:
        caller.thread = threading.Thread(target=caller.call.run, daemon=True)
        caller.thread.start()
        time.sleep(0.05)
    yield callers
    for caller in callers:
        caller.thread.join(2 * BOTH_S)
    pump.close()


def on_both(service: Service, callers: list[Caller]) -> int:
    """Learn which worker has which call; the worker to be killed. Raises AssertionError when one has all."""
    deadline = time.monotonic() + STREAMING_S
    while not all(caller.streaming for caller in callers):
        assert time.monotonic() < deadline, f"calls did not begin:\n{service.server.log[-3000:]}"
        time.sleep(0.05)
    owners = {
        each.raddr.port: worker
        for worker in service.workers
        for each in psutil.Process(worker).net_connections("tcp")
        if each.raddr
    }
    for caller in callers:
        live = caller.call.record.live
        assert live is not None and live.ws.sock is not None
        caller.port = live.ws.sock.getsockname()[1]
        caller.worker = owners[caller.port]
    had = [caller.worker for caller in callers]
    return min(set(had), key=had.count)


def let_in(endpoint: Endpoint, calls: int) -> int:
    """How many of so many new calls are let in; none of them comes to its socket."""
    answers = [Webhooks(endpoint).request("/webhook/incoming_call", new_call(), "POST") for _ in range(calls)]
    return sum("<Connect" in answer.text for answer in answers)


def new_call() -> dict[str, str]:
    sid = f"CA{random.SystemRandom().randrange(16**32):032x}"
    return {
        "CallSid": sid,
        "From": f"+9725{int(sid[2:], 16) % 10**8:08}",
        "To": "+97231234567",
        "CallStatus": "ringing",
    }


def places_back(service: Service, wanted: int, since: float) -> float | None:
    """Seconds from ``since`` until ``wanted`` new calls have been let in."""
    found = 0
    while time.monotonic() < since + PLACES_S + 5:
        time.sleep(ASK_EVERY_S)
        found += let_in(service.endpoint, wanted - found)
        if found == wanted:
            return time.monotonic() - since
    return None


def show(worker_class: str, result: Result) -> None:
    print(
        f"{worker_class}: {len(result.killed)} calls of the killed worker, {len(result.others)} of the other"
    )
    statuses = [caller.fallback_status for caller in result.killed]
    print(f"  the killed calls' next webhook: {statuses}")
    places = "never" if result.places_s is None else f"after {result.places_s:.1f} s"
    print(f"  full before: {result.full}; their places were free again {places}")
    for promise in result.broken:
        print(f"  BROKEN: {promise}")
    print("", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    words = parser.parse_args()
    broken = 0
    for worker_class in words.worker_class or ("gevent", "gthread"):
        result = measure(worker_class, words.calls)
        show(worker_class, result)
        broken += len(result.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
