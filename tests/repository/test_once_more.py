"""The gate asks once more, alone, what failed beside other tests; a fault is found all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.once_more import MOST
from tests.serving import ROOT

pytestmark = pytest.mark.servers

LUCKY = "def test_lucky():\n    pass\n"
BUSY = """
import os

def test_busy():
    assert "PYTEST_XDIST_WORKER" not in os.environ
"""
FOUND_AT_THE_END = """
import pytest

said = []

@pytest.fixture(scope="module", autouse=True)
def log():
    yield
    assert not said

def test_makes_it():
    said.append("a fault")

def test_does_nothing():
    pass
"""
LEFT_OUT = """
import os
import pytest

def test_left_out():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("alone")
    assert False
"""
DIES = """
import os

def test_dies():
    if "PYTEST_XDIST_WORKER" in os.environ:
        os._exit(3)
"""
WRONG = "def test_wrong():\n    assert False\n"


def gate(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    for number, text in enumerate(files):
        (folder / f"test_{number}.py").write_text(text, encoding="utf-8")
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.once_more", "-n", "2"],
        cwd=folder,
        env=outside | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_fails_beside_others_only_is_said(tmp_path: Path) -> None:
    done = gate(tmp_path, LUCKY, BUSY)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "all passed, but alone only: test_1.py::test_busy"


def test_what_fails_alone_too_fails(tmp_path: Path) -> None:
    done = gate(tmp_path, LUCKY, BUSY, WRONG)
    assert done.returncode == 1
    (again,) = (line for line in done.stdout.splitlines() if line.startswith("once more, alone: "))
    assert {"test_1.py::test_busy", "test_2.py::test_wrong"} == {*again.split()[3:]}
    assert "all passed" not in done.stdout


def test_a_file_that_cannot_be_read_is_no_coincidence(tmp_path: Path) -> None:
    done = gate(tmp_path, LUCKY, BUSY, "import nothing_of_this_name\n")
    assert done.returncode and "once more" not in done.stdout


def test_a_worker_that_dies_is_no_coincidence(tmp_path: Path) -> None:
    done = gate(tmp_path, LUCKY, DIES)
    assert done.returncode == 1 and "once more" not in done.stdout


def test_what_only_a_fixtures_end_finds_is_found_alone_too(tmp_path: Path) -> None:
    done = gate(tmp_path, FOUND_AT_THE_END)
    assert done.returncode == 1 and "all passed" not in done.stdout


def test_what_is_left_out_has_not_passed(tmp_path: Path) -> None:
    done = gate(tmp_path, LEFT_OUT)
    assert done.returncode == 1 and "all passed" not in done.stdout


def test_what_all_passes_is_asked_once(tmp_path: Path) -> None:
    done = gate(tmp_path, LUCKY)
    assert done.returncode == 0 and "once more" not in done.stdout


def test_many_are_no_coincidence(tmp_path: Path) -> None:
    done = gate(tmp_path, *[BUSY.replace("busy", f"busy_{n}") for n in range(MOST + 1)])
    assert done.returncode == 1 and "once more" not in done.stdout
