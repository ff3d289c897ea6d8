"""B3: what was said to be on the disk can be read, whatever the disk, another process or a kill does."""

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.office import whole_lines
from server.office.leads import lead_lines
from server.office.whole_lines import append, take_out


def line(number: int, size: int = 40) -> bytes:
    return json.dumps({"kind": "detail", "call_sid": f"CA{number}", "notes": "x" * size}).encode() + b"\n"


def readable(path: Path) -> list[str]:
    text = path.read_text("utf-8", errors="replace") if path.exists() else ""
    return [lead["call_sid"] for lead in lead_lines(text)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---- one file, one process


def test_behind_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "new" / "leads.jsonl"
    assert append(str(file), line(1)) == 0 == append(str(file), line(2) + line(3))
    assert file.read_bytes() == line(1) + line(2) + line(3)
    assert mode(file) == 0o600


def test_where_the_last_line_has_no_end(tmp_path: Path) -> None:
    """A disk that was full, an editor."""
    file = tmp_path / "leads.jsonl"
    file.write_bytes(line(1)[:-9])
    append(str(file), line(2))
    assert file.read_bytes() == line(1)[:-9] + b"\n" + line(2)


def test_others_cannot_read_it(tmp_path: Path) -> None:
    """Restored, or made by ``touch``; it is told once. What a link leads to is another's affair."""
    file, link = tmp_path / "leads.jsonl", tmp_path / "link"
    file.touch(0o644)
    link.symlink_to(file)
    assert append(str(link), line(1)) == 0 and mode(file) == 0o644
    assert [append(str(file), line(number)) for number in (2, 3)] == [0o644, 0]
    assert mode(file) == 0o600 and readable(file) == ["CA1", "CA2", "CA3"]


def test_anothers_file_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "leads.jsonl"
    file.touch(0o664)
    file.chmod(0o664)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert append(str(file), line(1)) == 0 and mode(file) == 0o664


NO_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a folder": (lambda path: path.mkdir(), "Is a directory"),
    "a pipe": (os.mkfifo, "a pipe or a device"),
    "a full device": (lambda path: path.symlink_to("/dev/full"), "a pipe or a device"),
    "a link to nowhere": (lambda path: path.symlink_to(path.parent / "no" / "file"), "No such file"),
    "a link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
}


@pytest.mark.parametrize(("make", "says"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], Any], says: str) -> None:
    """It is told at once; a pipe without a reader does not hang."""
    make(tmp_path / "leads.jsonl")
    with pytest.raises(OSError, match=says):
        append(str(tmp_path / "leads.jsonl"), line(1))


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "leads.jsonl"
    append(str(file), line(1))
    file.unlink()
    file.parent.rmdir()
    append(str(file), line(2))
    assert readable(file) == ["CA2"]


class Disk:
    """``os`` for ``whole_lines``. ``then``: name of a call → what is called instead, the real one first."""

    def __init__(self, **then: Callable[..., Any]) -> None:
        self._then = then

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        instead = self._then.get(name)
        return real if instead is None else lambda *words, **named: instead(real, *words, **named)


def test_a_file_that_is_moved_or_deleted_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """logrotate: what is moved away before the write gets nothing more; in a deleted one nothing is kept."""
    file, moved = tmp_path / "leads.jsonl", tmp_path / "leads.jsonl.1"
    append(str(file), line(1))
    away = iter([lambda: file.rename(moved), file.unlink])

    def opened(real: Any, *words: Any) -> int:
        descriptor: int = real(*words)
        next(away, lambda: None)()
        return descriptor

    monkeypatch.setattr(whole_lines, "os", Disk(open=opened))
    append(str(file), line(2))
    gone = iter([file.unlink])

    def synced(real: Any, descriptor: int) -> None:
        real(descriptor)
        next(gone, lambda: None)()

    monkeypatch.setattr(whole_lines, "os", Disk(fsync=synced))
    append(str(file), line(3))
    assert (readable(moved), readable(file)) == (["CA1"], ["CA3"])


def test_one_that_is_always_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "leads.jsonl"

    def synced(real: Any, descriptor: int) -> None:
        file.unlink(missing_ok=True)

    monkeypatch.setattr(whole_lines, "os", Disk(fsync=synced))
    with pytest.raises(OSError, match="replaced again and again"):
        append(str(file), line(1))


def test_nobody_comes_into_the_middle_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker, while a disk takes a line in two parts."""
    file = tmp_path / "leads.jsonl"
    other = threading.Thread(target=append, args=(str(file), line(2)))

    def in_parts(real: Any, descriptor: int, data: Any) -> int:
        if other.ident is not None:
            return int(real(descriptor, data))
        written = int(real(descriptor, data[:5]))
        other.start()
        other.join(0.1)
        return written

    monkeypatch.setattr(whole_lines, "os", Disk(write=in_parts))
    append(str(file), line(1))
    other.join(10)
    assert file.read_bytes() == line(1) + line(2)


def test_who_keeps_the_lock_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept all the same; but nothing is taken back, for another may have written."""
    monkeypatch.setattr(whole_lines, "LOCK_S", 0.02)
    file = tmp_path / "leads.jsonl"
    with file.open("ab") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        append(str(file), line(1))
        monkeypatch.setattr(whole_lines, "os", Disk(write=lambda real, f, data: real(f, data[:5]) and fail()))
        with pytest.raises(OSError, match="full"):
            append(str(file), line(2))
    monkeypatch.undo()
    append(str(file), line(3))
    assert file.read_bytes() == line(1) + line(2)[:5] + b"\n" + line(3)


def fail() -> int:
    raise OSError(errno.ENOSPC, "full")


# ---- any order of short writes, errors, kills and power cuts


class Killed(BaseException):
    pass


class IllDisk:
    """``os`` for ``whole_lines``. Each write, sync and cut-off does what is drawn next; then all goes well.

    Once the process is dead it does nothing more, and its files are closed as a kernel does that.
    ``durable``: bytes that a power cut leaves.
    """

    def __init__(self, drawn: list[Any], durable: int) -> None:
        self.durable = durable
        self._drawn = iter(drawn)
        self._open: set[int] = set()
        self._dead = False

    def __getattr__(self, name: str) -> Any:
        if self._dead:
            raise Killed
        return getattr(os, name)

    def open(self, *words: Any) -> int:
        self._next()
        descriptor = os.open(*words)
        self._open.add(descriptor)
        return descriptor

    def close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)

    def write(self, descriptor: int, data: Any) -> int:
        what = self._next()
        if isinstance(what, int):  # a part of it
            return os.write(descriptor, data[: 1 + what % len(data)])
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self._next()
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):  # and not the folder
            self.durable = found.st_size

    def ftruncate(self, descriptor: int, size: int) -> None:
        self._next()
        os.ftruncate(descriptor, size)

    def _next(self) -> Any:
        if self._dead:
            raise Killed
        what = next(self._drawn, None)
        if what == "killed":
            self._dead = True
            for descriptor in list(self._open):
                self.close(descriptor)
            raise Killed
        if isinstance(what, str):
            raise OSError(getattr(errno, what), what)
        return what


WHAT = st.none() | st.integers(0, 200) | st.sampled_from(["ENOSPC", "EIO", "killed"])
STEP = st.lists(WHAT, max_size=6) | st.sampled_from(["power cut", "another's half line"])


@given(steps=st.lists(STEP, max_size=12), cut_at=st.integers(0, 1000))
def test_whatever_was_confirmed_can_be_read(
    steps: list[Any], cut_at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("disk") / "leads.jsonl"
    confirmed: list[str] = []
    tried: set[str] = set()
    durable = 0
    for number, step in enumerate([*steps, []]):
        if step == "power cut":
            size = file.stat().st_size if file.exists() else 0
            if size:
                os.truncate(file, durable + cut_at % (size - durable + 1))
        elif step == "another's half line":
            with file.open("ab") as other:
                other.write(line(1000 + number)[: 1 + cut_at % 60])
        else:
            tried.add(f"CA{number}")
            disk = IllDisk(step, durable)
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(whole_lines, "os", disk)
                try:
                    append(str(file), line(number))
                    confirmed.append(f"CA{number}")
                except (OSError, Killed):
                    pass
            durable = disk.durable
    found = readable(file)
    assert [sid for sid in found if sid in confirmed] == confirmed
    assert set(found) <= tried


# ---- real processes


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from server.office.whole_lines import append, take_out
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file, first, second, third = sys.argv[1:]
append(file, first.encode() + b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (Path(file).stat().st_size + 60, resource.RLIM_INFINITY))
try: append(file, second.encode() + b"\\n")
except OSError as error: print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
append(file, third.encode() + b"\\n")
"""


def test_a_disk_that_is_full_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """What had room is taken back, for the line will be told again; the next one is not glued to it."""
    file, lines = tmp_path / "leads.jsonl", [line(number).decode().strip() for number in range(3)]
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, file, *lines], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "File too large\n", done.stderr
    assert file.read_text().splitlines() == [lines[0], lines[2]]


TWO_WRITERS = """
import os, random, signal, sys, time
from tests.office.test_whole_lines import append, line
folder, many = sys.argv[1], int(sys.argv[2])
dice = random.Random(7)

def write_on(writer):
    told = os.open(f"{folder}/told{writer}", os.O_RDWR | os.O_APPEND | os.O_CREAT)
    for number in range(os.path.getsize(f"{folder}/told{writer}"), many):
        append(f"{folder}/leads.jsonl", line(writer * 10000 + number, 20 if number % 5 else 300_000))
        os.write(told, b".")
    os._exit(0)

def begin(writer):
    child = os.fork()
    return child or write_on(writer)

writers, kills = {begin(writer): writer for writer in (1, 2)}, 0
while writers:
    time.sleep(dice.uniform(0.005, 0.05))
    if kills < 40:
        kills += 1
        os.kill(dice.choice(list(writers)), signal.SIGKILL)
    while writers and (ended := os.waitpid(-1, os.WNOHANG if kills < 40 else 0))[0]:
        writer = writers.pop(ended[0])
        if ended[1]:
            writers[begin(writer)] = writer
print("written")
"""


@pytest.mark.servers
def test_two_processes_that_are_killed_again_and_again(tmp_path: Path) -> None:
    """No line that was confirmed is lost or glued; a kill breaks one line at most, its own."""
    many = 500
    done = subprocess.run(
        [sys.executable, "-c", TWO_WRITERS, tmp_path, str(many)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "written\n", done.stderr
    found = readable(tmp_path / "leads.jsonl")
    assert set(found) == {f"CA{writer * 10000 + number}" for writer in (1, 2) for number in range(many)}
    broken = [each for each in (tmp_path / "leads.jsonl").read_text().splitlines() if not whole(each)]
    assert len(broken) <= 40


def whole(text: str) -> bool:
    try:
        return bool(json.loads(text))
    except ValueError:
        return False


# ---- taking lines out ----


def test_the_lines_that_are_unwanted_are_taken_out_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    append(str(path), b"a\nb\na\n\xff\nlast")
    assert take_out(str(path), lambda line: line == b"a") == 2
    assert path.read_bytes() == b"b\n\xff\nlast"
    assert [each.name for each in tmp_path.iterdir()] == ["leads.jsonl"]


def test_where_nothing_is_unwanted_the_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    append(str(path), b"a\n")
    before = path.stat()
    assert take_out(str(path), lambda line: False) == 0
    assert path.stat().st_ino == before.st_ino
    assert take_out(str(tmp_path / "none"), lambda line: True) == 0


def test_a_link_is_followed_and_the_mode_stays(tmp_path: Path) -> None:
    path, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    append(str(path), b"a\nb\n")
    path.chmod(0o640)
    link.symlink_to(path)
    assert take_out(str(link), lambda line: line == b"a") == 1
    assert link.is_symlink() and path.read_bytes() == b"b\n" and path.stat().st_mode & 0o777 == 0o640


def test_what_others_append_meanwhile_is_kept(tmp_path: Path) -> None:
    """Each line of theirs is there once; of ours, those that were taken out, none."""
    path = str(tmp_path / "leads.jsonl")
    append(path, b"ours\n" * 10)

    def add(who: int) -> None:
        for number in range(50):
            append(path, b"%d-%d\nours\n" % (who, number))

    with ThreadPoolExecutor(3) as several:
        adding = [several.submit(add, who) for who in range(2)]
        while not all(each.done() for each in adding):
            take_out(path, lambda line: line == b"ours")
        for each in adding:
            each.result()
    take_out(path, lambda line: line == b"ours")
    assert sorted(Path(path).read_bytes().split()) == sorted(
        b"%d-%d" % (w, n) for w in range(2) for n in range(50)
    )
