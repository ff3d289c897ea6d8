"""R8, R10, R12: secrets in what we say, and a state file that is broken, full of keys, or old."""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import requests

from bench.attack import Outcome
from bench.chaos_callers import RudeCall, Wire
from bench.promised import ask
from bench.watched import watched
from server.admission.gate import Admitted, Gate
from server.admission.load import OFF
from server.admission.rate_limits import RateLimits
from server.admission.room import Room
from server.admission.slots import Slots
from server.runtime.threads import Threads
from server.shared_state.sqlite import SqliteStore
from server.shared_state.state import Once, SharedState
from server.simulator.call import CallPlan
from server.simulator.sounds import synthetic_speech
from server.simulator.webhooks import Endpoint
from server.telephony.signature import TwilioAuth
from tests.servers.doors import (
    HEADER,
    RING,
    Knock,
    genuine,
    knock,
    ringing,
    send,
    sid,
    signature,
    start,
    token_of,
)
from tests.serving import ROOT, environment

URL_SECRET, PUBLIC_SECRET = "p4ssw0rdSecret", "Sup3rBasicPw"
URL = f"http://agent:{URL_SECRET}@127.0.0.1:9/v1"
PUBLIC = f"https://twilio:{PUBLIC_SECRET}@agent.example.com"
ALL = {name: "openai,scripted" for name in ("ASR_ENGINES", "LLM_ENGINES", "TTS_ENGINES")}
CHECK_S = 60
SOCKETS = 8
HEALS_S = 5.0
KEYS, TIMED = 50_001, 50


def secrets(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R8: a password in two URL knobs; calls whose engines fail; a request that nobody has signed."""
    knobs = ALL | {"OPENAI_BASE_URL": URL, "OPENAI_API_KEY": "sk-secret-0123456789"}

    def speaks(wire: Wire, _: random.Random) -> None:
        wire.speak(1.0)
        wire.say(synthetic_speech(1.2))
        wire.speak(4.0)

    with watched(folder, worker_class, **knobs) as server, server.beside() as beside:
        RudeCall(CallPlan(Endpoint(server.url, server.door.public), ()), speaks, "").run()
        noticed = beside.end()
        told = server.server.log + str(beside.health)
    (folder / "public").mkdir()
    with watched(folder / "public", worker_class, PUBLIC_BASE_URL=PUBLIC) as server:
        with requests.Session() as session:
            session.trust_env = False
            session.post(
                server.url + RING, data=dict(ringing(random.Random(8))), headers={HEADER: "x"}, timeout=10
            )
        told += server.server.log
    check = _check(knobs | {"PUBLIC_BASE_URL": PUBLIC})
    counts = [sum(text.count(secret) for secret in (URL_SECRET, PUBLIC_SECRET)) for text in (told, check)]
    said = f"passwords {counts[0]} times in the log and /healthz, {counts[1]} times in the check"
    yield Outcome("passwords in OPENAI_BASE_URL and PUBLIC_BASE_URL", said, not any(counts), noticed)


def _check(knobs: dict[str, str]) -> str:
    command = [sys.executable, "-m", "server.providers.preflight"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(**knobs),
        capture_output=True,
        text=True,
        timeout=CHECK_S,
        check=False,
    )
    return done.stdout + done.stderr


def garbage(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R10: the state file of two workers is overwritten while they serve."""
    dice = random.Random(10)
    file = folder / "agent.db"
    knobs = {"STATE_FILE": str(file), "WEB_CONCURRENCY": "2"}
    with watched(folder, worker_class, **knobs) as server, server.beside() as beside:
        ask(server.door, ringing(dice), RING)
        file.write_bytes(b"garbage" * 5000)
        for beside_it in ("agent.db-wal", "agent.db-shm"):
            (folder / beside_it).unlink(missing_ok=True)
        healed = time.monotonic() + HEALS_S
        while time.monotonic() < healed:
            ask(server.door, ringing(dice), RING)
            time.sleep(0.5)
        before = server.server.log.count("LEDGER_ERR")
        form = ringing(dice)
        token, call = (
            token_of(send(server.door, genuine(server.door, form))),
            dict(form)["CallSid"],
        )
        shake = signature(server.door.signed_socket_url())
        knocks = [Knock(shake, (start(call, token, sid("MZ", dice)),)) for _ in range(SOCKETS)]
        with ThreadPoolExecutor(SOCKETS) as pool:
            let_in = sum(code == 1000 for code in pool.map(partial(knock, server.door), knocks))
        noticed = beside.end()
        errors = server.server.log.count("LEDGER_ERR") - before
    said = f"5 s later one token opens {let_in} of {SOCKETS} sockets; LEDGER_ERR {errors} times more"
    yield Outcome("STATE_FILE is overwritten with garbage", said, let_in == 1 and not errors, noticed)


def many_keys(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R12, a unit: a recorded request behind 50,001 others, an hour later, on a worker that is new."""
    file, now = folder / "agent.db", 1_800_000_000.0

    def worker() -> tuple[SharedState, Gate]:
        shared_state = SharedState(SqliteStore(str(file), lambda: now, lambda: now), now=lambda: now)
        slots = Slots(shared_state, Threads(), 0)
        auth = TwilioAuth("x" * 32, lambda: now)
        return shared_state, Gate(
            auth, RateLimits(0), slots, shared_state, Threads(), Room(OFF, 1.0, Threads())
        )

    _, gate = worker()
    gate.ring("CA1", signature="OLD")
    now += 3600
    with closing(sqlite3.connect(file)) as database, database:
        rows = ((f"signed:{number:032x}", now + 86400) for number in range(KEYS))
        database.executemany("INSERT INTO keys (key, until) VALUES (?, ?)", rows)
    shared_state, gate = worker()
    took = []
    for number in range(TIMED):
        began = time.monotonic()
        shared_state.first_time(Once(f"signed:one more {number}", 86400))
        took.append(time.monotonic() - began)
    again = gate.told("CA1", "OLD") is None
    admitted = isinstance(gate.ring("CA1", signature="OLD"), Admitted)
    median_ms = sorted(took)[TIMED // 2] * 1000
    said = f"taken again: {again}, a call is admitted by it: {admitted}; then {median_ms:.1f} ms a key"
    yield Outcome(f"a recorded request behind {KEYS:,} keys (unit)", said, not again and not admitted)
