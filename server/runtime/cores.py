"""How much of the machine's CPU this process may use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")  # a line for each hierarchy: "0::/system.slice/agent.service"


def allowed_cores(cgroup: Path = CGROUP, own_groups: Path = OWN_GROUPS) -> float:
    """Cores that the limits of a container or a service, and the process's affinity, leave.

    A Kubernetes limit of 500m is 0.5, as systemd's CPUQuota=50% is. Where there is neither, as on macOS:
    those of the machine. What cannot be read is no limit.
    """
    return min(_lent(), *_quotas(cgroup, own_groups))


def core_of_each(processes: int, cores: float) -> float:
    """What one of so many processes can have of a core: Python uses one at most."""
    return min(1.0, cores / max(1, processes))


def _lent() -> float:
    """By the affinity; a system without one lends all."""
    if hasattr(os, "sched_getaffinity"):
        return float(len(os.sched_getaffinity(0)))
    return float(os.cpu_count() or 1)


def _quotas(cgroup: Path, own_groups: Path) -> list[float]:
    """Of both versions of cgroups, of the group this process is in and of all above it; none: [infinity]."""
    unified, of_cpu = _own(own_groups)
    found = [float("inf")]
    for folder in _down_to(cgroup, unified):
        found += _quota(folder / "cpu.max")
    for folder in _down_to(cgroup / "cpu", of_cpu):
        found += _quota(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us")
    return found


def _own(own_groups: Path) -> tuple[str, str]:
    """The process's group in the hierarchy of version 2, and in that of the CPU of version 1; "": none."""
    unified, of_cpu = "", ""
    with suppress(OSError, ValueError):
        for line in own_groups.read_text().splitlines():
            number, controllers, group = line.split(":", 2)
            if number == "0" and not controllers:
                unified = group
            elif "cpu" in controllers.split(","):
                of_cpu = group
    return unified, of_cpu


def _down_to(folder: Path, group: str) -> Iterator[Path]:
    """The folders from the topmost one to the group's.

    A container sees its own as the topmost, and may still be told the host's name of it, or one from there
    ("/../agent.service"): those are not there, and nothing outside is read.
    """
    yield folder
    for part in filter(None, group.split("/")):
        if part == "..":
            return
        folder = folder / part
        yield folder


def _quota(*files: Path) -> list[float]:
    """Cores, from a quota and its period in microseconds; empty: no limit."""
    with suppress(OSError, ValueError):
        quota, period = " ".join(file.read_text().strip() for file in files).split()
        if float(quota) > 0 < float(period):  # -1: no limit, as "max" is
            return [float(quota) / float(period)]
    return []
