"""What goes wrong around a server while its calls go on: disks, log, state, Redis, clock; one at a time."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.chaos_service import COUNTED
from bench.own_redis import OwnRedis
from bench.promised import promise
from bench.stalled_log import LogReader
from tests.servers.doors import Door
from tests.servers.hanging import Hanging, Ill
from tests.servers.jumping import JumpingClock

HOUR_S = 3600
PROMISES = 2  # leads that are promised while each trouble lasts


@dataclass(frozen=True)
class Trouble:
    name: str
    begin: Callable[[], None]
    end: Callable[[], None]


class Troubles:
    """Made before the server, which needs ``command`` and ``knobs``; ``on_redis``: a Redis holds its state.

    ``begin`` goes through them, each for ``each_s`` and then as long without, until ``end``, which blocks
    until all is well again. ``close``: the server is gone.
    """

    def __init__(self, folder: Path, each_s: float, *, on_redis: bool) -> None:
        leads, state = folder / "leads-disk", folder / "state-disk"
        leads.mkdir()
        state.mkdir()
        hanging = Hanging(folder, leads, state)
        clock = JumpingClock(folder, hanging.knobs["LD_PRELOAD"])
        self.log = LogReader(folder / "server.log", COUNTED)
        self.command = self.log.command
        self.leads_file, self._state_file = leads / "leads.jsonl", state / "agent.db"
        files = {"LEADS_FILE": str(self.leads_file), "STATE_FILE": str(self._state_file)}
        self.knobs = hanging.knobs | clock.knobs | files
        self.promised: list[str] = []  # CallSids of callers who were promised a call
        self.had: list[str] = []  # the troubles that were
        self._each_s = each_s
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._dice = random.Random(13)
        disk, store = hanging.disk(leads), hanging.disk(state)
        self._redis = OwnRedis(folder) if on_redis else None
        of_the_store = [
            Trouble("the state's disk hangs", lambda: store.be(Ill.HANGS), store.heal),
            Trouble("the state's disk is full", lambda: store.be(Ill.FULL), store.heal),
            Trouble("the state is garbage", self._spoil, lambda: None),
        ]
        if self._redis:
            self.knobs |= self._redis.knobs
            of_the_store = [Trouble("Redis hangs", self._redis.hang, self._redis.come_back)]
        self.all = [
            Trouble("the leads' disk hangs", lambda: disk.be(Ill.HANGS), disk.heal),
            Trouble("the leads' disk is full", lambda: disk.be(Ill.FULL), disk.heal),
            Trouble("nobody reads the log", self.log.stall, self.log.go_on),
            *of_the_store,
            Trouble("the clock is put ahead", lambda: clock.jump(HOUR_S), lambda: clock.jump(0)),
            Trouble("the clock is put back", lambda: clock.jump(-HOUR_S), lambda: clock.jump(0)),
        ]

    @property
    def redis_port(self) -> str:
        """Empty without one."""
        return self._redis.port if self._redis else ""

    def begin(self, door: Door) -> None:
        self._thread = threading.Thread(target=self._run, args=(door,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Idempotent."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        self.end()
        self.log.end()
        if self._redis:
            self._redis.end()

    def _run(self, door: Door) -> None:
        while True:
            for trouble in self.all:
                if self._over.wait(self._each_s):
                    return
                trouble.begin()
                try:
                    self.had.append(trouble.name)
                    promising = threading.Thread(target=self._promise, args=(door,), daemon=True)
                    promising.start()
                    self._over.wait(self._each_s)
                finally:
                    trouble.end()
                promising.join()

    def _promise(self, door: Door) -> None:
        self.promised += filter(None, [promise(door, self._dice) for _ in range(PROMISES)])

    def _spoil(self) -> None:
        self._state_file.write_bytes(b"garbage" * 5000)
        for beside in ("-wal", "-shm"):
            self._state_file.with_name(self._state_file.name + beside).unlink(missing_ok=True)
