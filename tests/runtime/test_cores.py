"""What of the machine's CPU a process may use."""

import os
from pathlib import Path

import pytest

from server.runtime.cores import allowed_cores, core_of_each

HERE = len(os.sched_getaffinity(0))
SERVICE = "0::/system.slice/agent.service\n"
HALF = "50000 100000\n"


def allowed(tree: Path, files: dict[str, str], own: str | None = None) -> float:
    """With these files below the cgroups' folder, and what the process is told of its own groups."""
    for name, text in files.items():
        (tree / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "cgroup" / name).write_text(text)
    if own is not None:
        (tree / "own").write_text(own)
    return allowed_cores(tree / "cgroup", tree / "own")


@pytest.mark.parametrize(
    "files, cores",
    [
        ({}, HERE),
        ({"cpu.max": "max 100000\n"}, HERE),
        ({"cpu.max": "50000 100000\n"}, 0.5),
        ({"cpu.max": "9900000 100000\n"}, min(99, HERE)),
        ({"cpu/cpu.cfs_quota_us": "25000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.25),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, HERE),
        ({"cpu/cpu.cfs_quota_us": "25000\n"}, HERE),
        ({"cpu.max": "nonsense"}, HERE),
    ],
)
@pytest.mark.parametrize("own", [None, "0::/\n", "nonsense", "0::/docker/5f\n4:cpu:/docker/5f\n"])
def test_a_container_s_limit(files: dict[str, str], cores: float, own: str | None, tmp_path: Path) -> None:
    """Of both versions of cgroups; what cannot be read is none. It may be told its name on the host."""
    assert allowed(tmp_path, files, own) == cores


@pytest.mark.parametrize(
    "files, own, cores",
    [
        ({"system.slice/agent.service/cpu.max": HALF}, SERVICE, 0.5),
        ({"system.slice/cpu.max": HALF, "system.slice/agent.service/cpu.max": "max 100000"}, SERVICE, 0.5),
        ({"system.slice/cpu.max": "20000 100000", "system.slice/agent.service/cpu.max": HALF}, SERVICE, 0.2),
        ({"cpu.max": "10000 100000", "system.slice/agent.service/cpu.max": HALF}, SERVICE, 0.1),
        ({"system.slice/other.service/cpu.max": HALF}, SERVICE, HERE),
        ({"system.slice/agent.service/cpu.max": HALF}, f"12:pids:/x\n1:name=systemd:/y\n{SERVICE}", 0.5),
        ({"a:b/cpu.max": HALF}, "0::/a:b\n", 0.5),
        ({"../cpu.max": HALF}, "0::/../agent.service\n", HERE),
    ],
)
def test_a_service_s_limit(files: dict[str, str], own: str, cores: float, tmp_path: Path) -> None:
    """systemd's CPUQuota is in the service's own group, or its slice's: the smallest counts."""
    assert allowed(tmp_path, files, own) == cores


@pytest.mark.parametrize("of_cpu", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_a_service_s_limit_of_version_1(of_cpu: str, tmp_path: Path) -> None:
    group = "cpu/system.slice/agent.service"
    files = {f"{group}/cpu.cfs_quota_us": "25000\n", f"{group}/cpu.cfs_period_us": "100000\n"}
    own = f"5:cpuset:/\n4:{of_cpu}:/system.slice/agent.service\n0::/\n"
    assert allowed(tmp_path, files, own) == 0.25


@pytest.mark.parametrize("count, cores", [(6, 6.0), (None, 1.0)])
def test_where_there_is_no_affinity(
    count: int | None, cores: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS: the machine's cores, as far as it says."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert allowed(tmp_path, {}) == cores
    assert allowed(tmp_path, {"cpu.max": HALF}) == 0.5


@pytest.mark.parametrize(
    "processes, cores, part", [(1, 2.0, 1.0), (2, 2.0, 1.0), (4, 2.0, 0.5), (1, 0.5, 0.5), (0, 8.0, 1.0)]
)
def test_the_part_of_each_worker(processes: int, cores: float, part: float) -> None:
    assert core_of_each(processes, cores) == part
