"""R7, R9, R11: attacks that would take everybody's places, or cost money, and the call beside them."""

import random
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from bench.attack import Outcome
from bench.chaos_callers import RudeCall, Wire
from bench.promised import ask
from bench.watched import PUBLIC_URL, Watched, watched
from server.runtime.web_server import SPARE_THREADS, Gunicorn, threads_for_calls
from server.simulator.call import CallPlan
from server.simulator.sounds import synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.cloud.openai import OpenAICloud
from tests.servers.doors import RING, ringing

SHARES = {"CALLS_PER_CALLER_AT_ONCE": "2", "CALLS_PER_SEC": "10"}
PLACES, CALLS_OF_ONE, ONE_EVERY_S = 10, 12, 0.5
HIDDEN, HIDDEN_RINGS, RING_EVERY_S = "+266696687", 40, 0.15
OPEN_AGAIN_S, ASK_EVERY_S = 35.0, 0.5
ALLOWED_CLOSED_S = 5.0
KEYS_S, KEY_EVERY_S = 15.0, 0.11
AT_ONCE, ONE_IN_S = 20, 2.0  # requests to the LLM that a call may cause
GTHREAD_CALLS = 14


def is_let_in(server: Watched, dice: random.Random) -> bool:
    """Whether an honest caller, whom nobody has seen before, is connected."""
    answer = ask(server.door, ringing(dice), RING)
    return answer is not None and "<Connect" in answer.text


def one_number(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R7: one number calls again and again, and each call stays. Twenty a minute, that it takes no minute."""
    over = threading.Event()

    def stays(wire: Wire, _: random.Random) -> None:
        while not over.is_set() and not wire.closed:
            wire.say(synthetic_speech(0.4))
            wire.speak(1.0)

    knobs = SHARES | {"MAX_CALLS": str(PLACES), "CALLS_PER_CALLER_MIN": "20"}
    with watched(folder, worker_class, **knobs) as server, server.beside() as beside:
        plan = CallPlan(Endpoint(server.url, PUBLIC_URL), (), caller="+972501112233")
        calls = [RudeCall(plan, stays, str(number)) for number in range(CALLS_OF_ONE)]
        threads = [threading.Thread(target=call.run, daemon=True) for call in calls]
        for thread in threads:
            thread.start()
            time.sleep(ONE_EVERY_S)
        taken = sum(call.wire is not None for call in calls)
        honest = is_let_in(server, random.Random(7))
        noticed = beside.end()
        over.set()
    heard = "is let in" if honest else "hears busy"
    said = f"it has {taken} of {PLACES} places; another caller {heard}"
    yield Outcome(f"one number makes {CALLS_OF_ONE} calls that stay", said, honest, noticed)


def hidden_number(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R7: a hidden number rings forty times in six seconds, and never comes to its socket."""
    dice = random.Random(77)
    knobs = SHARES | {"MAX_CALLS": "40", "CALLS_PER_CALLER_MIN": "6"}
    with watched(folder, worker_class, **knobs) as server, server.beside() as beside:
        answers = []
        for _ in range(HIDDEN_RINGS):
            answers.append(ask(server.door, ringing(dice, From=HIDDEN), RING))
            time.sleep(RING_EVERY_S)
        taken = sum(answer is not None and "<Connect" in answer.text for answer in answers)
        began = time.monotonic()
        while not (open_again := is_let_in(server, dice)) and time.monotonic() < began + OPEN_AGAIN_S:
            time.sleep(ASK_EVERY_S)
        closed_s = time.monotonic() - began
        noticed = beside.end()
    said = f"{taken} took a place; the first honest caller is let in after {closed_s:.1f} s"
    if not open_again:
        said = f"{taken} took a place; no honest caller is let in within {OPEN_AGAIN_S:.0f} s"
    kept = open_again and closed_s <= ALLOWED_CLOSED_S
    yield Outcome(f"a hidden number rings {HIDDEN_RINGS} times and hangs up", said, kept, noticed)


def places(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R7, both."""
    for name, attack in (("one", one_number), ("hidden", hidden_number)):
        (folder / name).mkdir()
        yield from attack(worker_class, folder / name)


def keys(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R9: a phone that types nine keys a second, each number ended by #."""
    typed = "".join(f"{number}#" for number in range(10, 99))

    def types(wire: Wire, _: random.Random) -> None:
        wire.speak(1.0)
        for number in range(round(KEYS_S / KEY_EVERY_S)):
            wire.key(typed[number % len(typed)])
            wire.speak(KEY_EVERY_S)
            if wire.closed:
                return

    with OpenAICloud() as cloud:
        cloud.chat.delays.first_s = 0.3
        knobs = {"LLM_ENGINES": "openai", "OPENAI_BASE_URL": cloud.base_url, "OPENAI_API_KEY": "local"}
        with watched(folder, worker_class, **knobs) as server, server.beside() as beside:
            before = len(cloud.chat.exchanges)
            began = time.monotonic()
            plan = CallPlan(Endpoint(server.url, PUBLIC_URL), (), caller="+972501112233")
            RudeCall(plan, types, "").run()
            took_s = time.monotonic() - began
            noticed = beside.end()
            asked = len(cloud.chat.exchanges) - before
    allowed = AT_ONCE + took_s / ONE_IN_S
    said = f"{asked} requests to the mind in {took_s:.0f} s (allowed: {allowed:.0f})"
    yield Outcome("a phone types 9 keys a second for 15 s", said, asked <= allowed, noticed)


def threads_run_out(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R11: gthread with few threads and no limit of calls."""
    knobs = {"THREADS": "6", "MAX_CALLS": "0"}
    done = f"gthread, THREADS=6 MAX_CALLS=0, {GTHREAD_CALLS} calls and one more"
    if worker_class != "gthread":
        return
    most = threads_for_calls(Gunicorn("gthread", SPARE_THREADS))
    dice = random.Random(11)
    with watched(folder, worker_class, **knobs) as server, server.beside(most) as beside:
        began = time.monotonic()
        more = [ask(server.door, ringing(dice), RING) for _ in range(GTHREAD_CALLS + 1 - most)]
        took_s = (time.monotonic() - began) / len(more)
        noticed = beside.end()
    busy = sum(answer is not None and "/media/busy.wav" in answer.text for answer in more)
    said = f"{most} are let in, {busy} of {len(more)} hear busy, after {took_s:.1f} s each"
    yield Outcome(done, said, busy == len(more), noticed)
