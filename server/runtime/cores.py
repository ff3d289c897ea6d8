"""How much of the machine's CPU this process may use."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def allowed_cores(cgroup: Path = CGROUP) -> float:
    """Cores that a container's limit and the processes' affinity leave; a Kubernetes limit of 500m is 0.5."""
    return min(float(len(os.sched_getaffinity(0))), *_quotas(cgroup))


def core_of_each(processes: int, cores: float) -> float:
    """What one of so many processes can have of a core: Python uses one at most."""
    return min(1.0, cores / max(1, processes))


def _quotas(cgroup: Path) -> list[float]:
    """Of both versions of cgroups; none: [infinity]."""
    found = [float("inf")]
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((cgroup / name).read_text().strip() for name in names).split()
            if float(quota) > 0 < float(period):  # -1: no limit, as "max" is
                found.append(float(quota) / float(period))
        except (OSError, ValueError):
            continue
    return found
