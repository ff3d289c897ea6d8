"""What of the machine's CPU a process may use."""

import os
from pathlib import Path

import pytest

from server.runtime.cores import allowed_cores, core_of_each

HERE = len(os.sched_getaffinity(0))


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
def test_a_container_s_limit(files: dict[str, str], cores: float, tmp_path: Path) -> None:
    """Of both versions of cgroups; what cannot be read is none."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert allowed_cores(tmp_path) == cores


@pytest.mark.parametrize(
    "processes, cores, part", [(1, 2.0, 1.0), (2, 2.0, 1.0), (4, 2.0, 0.5), (1, 0.5, 0.5), (0, 8.0, 1.0)]
)
def test_the_part_of_each_worker(processes: int, cores: float, part: float) -> None:
    assert core_of_each(processes, cores) == part
