"""The folder that workers count in: private, made anew, and left by none."""

import os
import stat
import subprocess
import sys

import pytest

from server.metrics import shared_folder
from tests.serving import ROOT

pytestmark = pytest.mark.servers

# In a process of its own: what it is told is told to the environment, and to the module.
MASTER = """
import os, sys
from server.metrics import shared_folder
why = shared_folder.make([sys.argv[1]])
print(why or os.environ["PROMETHEUS_MULTIPROC_DIR"], flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
    shared_folder.remove()
"""


def master(parent, *more, **how):
    command = [sys.executable, "-c", MASTER, str(parent), *more]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **how
    )


def test_it_is_private_and_gone_behind_its_master(tmp_path):
    with master(tmp_path, "lives") as process:
        folder = process.stdout.readline().strip()
        assert os.path.dirname(folder) == str(tmp_path)
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        process.stdin.close()
    assert not os.path.exists(folder)


def test_what_a_killed_master_left_is_removed_and_a_living_ones_is_not(tmp_path):
    with master(tmp_path, "lives") as living:
        kept = living.stdout.readline().strip()
        with master(tmp_path) as killed:  # it ends without a word
            left = killed.stdout.readline().strip()
        assert os.path.exists(left)
        with master(tmp_path) as third:
            third.stdout.readline()
        assert os.path.exists(kept) and not os.path.exists(left)
        living.stdin.close()


def test_a_stranger_s_folder_of_that_name_is_let_alone(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("keep")
    (tmp_path / f"{shared_folder.PREFIX}link").symlink_to(elsewhere)
    with master(tmp_path) as process:
        process.stdout.readline()
    assert (elsewhere / "mine").exists()


def test_where_none_can_be_made_it_says_so(tmp_path):
    with master(tmp_path / "missing") as process:
        assert "No such file" in process.stdout.readline()


def test_a_worker_takes_the_place_of_a_dead_one():
    assert shared_folder.free_slot([]) == 0
    assert shared_folder.free_slot([0, 1]) == 2
    assert shared_folder.free_slot([0, 2]) == 1


def test_the_master_and_its_settings_do_without_prometheus_client():
    """It chooses its mode when it is imported; and greenlets are to be patched before."""
    code = "import server.gunicorn_conf, sys; sys.exit('prometheus_client' in sys.modules)"
    environment = {**os.environ, "STATE_FILE": "", "RECORDS_FILE": "", "LEADS_FILE": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0


# A worker, and what becomes of its files; ``full``: there is no room on the disk.
WORKER = """
import os, sys
from server.metrics import shared_folder
if sys.argv[1] == "full":
    def full(*_): raise OSError(28, "No space left on device")
    os.posix_fallocate = full
print(shared_folder.take(3))
print(shared_folder.taken_slot(), shared_folder.VARIABLE in os.environ)
if sys.argv[1] == "dies":
    shared_folder.forget(3)
"""


def worker(folder, what):
    environment = {**os.environ, shared_folder.VARIABLE: str(folder)}
    command = [sys.executable, "-c", WORKER, what]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_worker_has_its_room_at_once(tmp_path):
    assert worker(tmp_path, "") == ["", "3 True"]
    sizes = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert set(sizes) == {f"{kind}_3.db" for kind in shared_folder.KINDS}
    assert all(one.st_blocks * 512 >= shared_folder.FILE_BYTES for one in sizes.values())


def test_without_room_it_counts_for_itself(tmp_path):
    """A write into a mapped file for which there is none would kill it."""
    why, state = worker(tmp_path, "full")
    assert "No space left" in why and state == "None False"
    assert list(tmp_path.iterdir()) == []


def test_of_a_dead_one_the_counters_stay(tmp_path):
    worker(tmp_path, "dies")
    assert {path.name for path in tmp_path.iterdir()} == {"counter_3.db", "histogram_3.db"}
