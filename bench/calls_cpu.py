"""What a measured window cost whom: the server, its callers, and others on the same two cores."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

CORES = tuple(sorted(os.sched_getaffinity(0)))[:2]  # the server's, and the callers'
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Of /proc/stat: user, nice, system; irq and softirq are the packets of everybody's calls, so nobody's.
BUSY, STEAL = slice(0, 3), 7


@dataclass(frozen=True)
class Window:
    """``server_s``, ``client_s``: of CPU. ``foreign``, ``steal``: of the server's core and the callers'."""

    seconds: float
    server_s: float
    user_s: float  # of it
    client_s: float
    foreign: tuple[float, ...]
    steal: tuple[float, ...]
    voluntary: float  # context switches of the server, a second
    involuntary: float


class Watch:
    """Begins when it is made; ``over`` tells of the window until then. ``server``: the worker."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server
        self._master = server.parent()
        self._before = self._read()

    def over(self) -> Window:
        before, after = self._before, self._read()
        seconds = after.at_s - before.at_s
        client_s, server_s = after.client_s - before.client_s, after.server_s - before.server_s
        ours = (server_s + after.master_s - before.master_s, client_s)
        foreign, steal = [], []
        for core, own_s in enumerate(ours[: len(CORES)]):
            ticks = [b - a for a, b in zip(before.cores[core], after.cores[core], strict=True)]
            foreign.append(max(0.0, sum(ticks[BUSY]) / TICKS_PER_S - own_s) / seconds)
            steal.append(ticks[STEAL] / TICKS_PER_S / seconds)
        return Window(
            seconds,
            server_s,
            after.user_s - before.user_s,
            client_s,
            tuple(foreign),
            tuple(steal),
            (after.voluntary - before.voluntary) / seconds,
            (after.involuntary - before.involuntary) / seconds,
        )

    def _read(self) -> "_Reading":
        times = self._server.cpu_times()
        master = self._master.cpu_times() if self._master is not None else None
        switches = [_switches(task) for task in Path(f"/proc/{self._server.pid}/task").iterdir()]
        return _Reading(
            time.monotonic(),
            times.user + times.system,
            times.user,
            master.user + master.system if master else 0.0,
            time.process_time(),
            tuple(_core(core) for core in CORES),
            sum(voluntary for voluntary, _ in switches),
            sum(involuntary for _, involuntary in switches),
        )


@dataclass(frozen=True)
class _Reading:
    at_s: float
    server_s: float
    user_s: float
    master_s: float
    client_s: float
    cores: tuple[tuple[int, ...], ...]
    voluntary: int
    involuntary: int


def _core(number: int) -> tuple[int, ...]:
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{number}":
            return tuple(map(int, ticks))
    raise OSError(f"/proc/stat does not tell of core {number}")


def _switches(task: Path) -> tuple[int, int]:
    """Of one thread; psutil tells of the first alone."""
    try:
        lines = (task / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0, 0  # it is over
    counts = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(counts["voluntary_ctxt_switches"]), int(counts["nonvoluntary_ctxt_switches"])


def worker_of(master: int) -> psutil.Process:
    """The only worker. Raises ValueError when there is another number of them."""
    (worker,) = psutil.Process(master).children()
    return worker


def pinned(worker: psutil.Process, core: int) -> bool:
    """Whether all its native threads run on this core alone."""
    tasks = [int(task.name) for task in Path(f"/proc/{worker.pid}/task").iterdir()]
    return all(os.sched_getaffinity(task) == {core} for task in tasks)
