"""TTS_CACHE_DIR: sentences on disk within a limit; a disk in trouble does not trouble calls."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from server.providers.audio_files import CHECK_BYTES, AudioFiles
from server.providers.tts_cache_disk import BATCH, LOAD_S, MAX_WAITING, REST_S, TtsCacheDisk, audio_key
from tests.serving import ROOT

AUDIO = b"\x10" * (100 - CHECK_BYTES)  # a file of 100 bytes


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, "agent")
    return caplog


def save(folder, path, *names):
    """Saves 100 bytes under each name, each a second younger than the one before."""
    for name in names:
        folder.save(name, AUDIO)
        folder.wait()
        grow_old(path)


def grow_old(path):
    for file in Path(path).iterdir():
        then = file.stat().st_mtime - 1
        os.utime(file, (then, then))


def names(path):
    return sorted(file.name.removesuffix(".ulaw") for file in Path(path).iterdir())


def test_a_restart_finds_what_was_saved(tmp_path):
    """TTS_CACHE_DIR: keys and audio, oldest first."""
    before = TtsCacheDisk(str(tmp_path), 1000)
    save(before, tmp_path, "b", "a", "c")
    assert list(TtsCacheDisk(str(tmp_path), 1000).load()) == [("b", AUDIO), ("a", AUDIO), ("c", AUDIO)]


def test_the_folder_is_made(tmp_path):
    """TTS_CACHE_DIR: by loading, or by the first save."""
    assert list(TtsCacheDisk(str(tmp_path / "a" / "b"), 1000).load()) == []
    assert (tmp_path / "a" / "b").is_dir()
    folder = TtsCacheDisk(str(tmp_path / "c" / "d"), 1000)
    folder.save("key", AUDIO)
    folder.wait()
    assert names(tmp_path / "c" / "d") == ["key"]


def test_files_are_whole_or_not_there(tmp_path, monkeypatch):
    """TTS_CACHE_DIR: a process that ends while writing leaves no half sentence to play."""
    folder = TtsCacheDisk(str(tmp_path), 1000)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    folder.save("key", AUDIO)
    folder.wait()
    assert list(TtsCacheDisk(str(tmp_path), 1000).load()) == []
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "broken",
    [lambda data: data[:50], lambda data: bytes(100), lambda data: b"\x11" + data[1:], lambda data: b""],
    ids=["cut short", "zeros", "a byte", "empty"],
)
def test_a_file_that_a_disk_has_broken_is_not_played(tmp_path, broken, logged):
    """TTS_CACHE_DIR: after a power cut; the sentence is synthesized again and overwritten."""
    folder = TtsCacheDisk(str(tmp_path), 1000)
    save(folder, tmp_path, *"ab")
    file = tmp_path / "a.ulaw"
    file.write_bytes(broken(file.read_bytes()))
    again = TtsCacheDisk(str(tmp_path), 1000)
    assert list(again.load()) == [("b", AUDIO)]
    save(again, tmp_path, "a")
    assert dict(TtsCacheDisk(str(tmp_path), 1000).load()) == {"a": AUDIO, "b": AUDIO}
    assert logged.messages == []


def test_empty_and_foreign_files_are_left_alone(tmp_path):
    """TTS_CACHE_DIR: a folder may hold other files."""
    (tmp_path / "empty.ulaw").touch()
    (tmp_path / "folder.ulaw").mkdir()
    (tmp_path / "readme.txt").write_text("mine")
    folder = TtsCacheDisk(str(tmp_path), 150)
    assert list(folder.load()) == []
    save(folder, tmp_path, "a", "b")
    assert {"readme.txt", "folder", "b"} <= set(names(tmp_path))
    assert [key for key, _ in folder.load()] == ["b"]


def test_one_file_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch, logged):
    """TTS_CACHE_DIR: the others are loaded, and new ones are written."""
    folder = TtsCacheDisk(str(tmp_path), 1000)
    save(folder, tmp_path, *"abc")
    read = Path.read_bytes

    def refused(path):
        if path.stem == "b":
            raise PermissionError("another's")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert [key for key, _ in folder.load()] == ["a", "c"]
    save(folder, tmp_path, "d")
    assert names(tmp_path) == list("abcd")
    assert logged.messages == []


def test_the_oldest_go_when_there_is_too_much(tmp_path):
    """TTS_CACHE_MB: a tenth is freed, so that not every further file prunes again."""
    folder = TtsCacheDisk(str(tmp_path), 1000)
    save(folder, tmp_path, *"abcdefghij")
    assert names(tmp_path) == list("abcdefghij")
    save(folder, tmp_path, "k")
    assert names(tmp_path) == list("cdefghijk")


@pytest.mark.parametrize("bound, kept", [(1000, "cdefghijk"), (400, "ijk")], ids=["the same", "lowered"])
def test_what_was_there_before_counts(tmp_path, bound, kept):
    """TTS_CACHE_MB: the limit is the folder's, not the process's; a smaller one holds from the next file."""
    save(TtsCacheDisk(str(tmp_path), 1000), tmp_path, *"abcdefghij")
    again = TtsCacheDisk(str(tmp_path), bound)
    list(again.load())
    save(again, tmp_path, "k")
    assert names(tmp_path) == list(kept)


def test_what_is_needed_stays_young(tmp_path):
    """TTS_CACHE_MB: fixed lines are written once, and would be the first to go."""
    save(TtsCacheDisk(str(tmp_path), 1000), tmp_path, *"abcdefghij")
    again = TtsCacheDisk(str(tmp_path), 1000)
    assert [key for key, _ in again.load({"a", "c"})] == list("abcdefghij")
    save(again, tmp_path, "k")
    assert names(tmp_path) == list("acefghijk")


def test_what_is_pruned_meanwhile_is_no_trouble(tmp_path, logged, monkeypatch):
    """TTS_CACHE_MB: two processes may prune the same folder."""

    glob = Path.glob

    def one_goes_meanwhile(path, pattern):
        found = sorted(glob(path, pattern), key=lambda file: file.stat().st_mtime)
        if len(found) > 10:
            found[0].unlink()
        return found

    monkeypatch.setattr(Path, "glob", one_goes_meanwhile)
    save(TtsCacheDisk(str(tmp_path), 1000), tmp_path, *"abcdefghijkl")
    assert names(tmp_path)[-2:] == ["k", "l"]
    assert logged.messages == []


def test_the_folder_is_counted_and_not_the_process(tmp_path):
    """TTS_CACHE_MB: four processes that share it stay within the limit together."""
    four = [TtsCacheDisk(str(tmp_path), 10_000) for _ in range(4)]
    for number in range(400):
        four[number % 4].save(f"{number:03}", AUDIO)
    for folder in four:
        folder.wait()
    assert 8_900 <= sum(file.stat().st_size for file in tmp_path.iterdir()) <= 10_000 * 1.08


def leftovers(path):
    """Unfinished files of killed writers: of an earlier version, of a dead process, and an old one."""
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    left = [
        path / f"{'a' * 64}.{over.pid}",
        path / f"{'b' * 64}.{over.pid}.7",
        path / f"{'c' * 64}.{os.getpid()}.1",
    ]
    for file in left:
        file.write_bytes(AUDIO)
    os.utime(left[-1], (1, 1))
    return left


@pytest.mark.parametrize("when", ["load", "write"])
def test_leftovers_of_killed_writers_are_swept(tmp_path, when):
    """TTS_CACHE_DIR: they would stay for ever, uncounted; a file being written stays."""
    leftovers(tmp_path)
    being_written = tmp_path / f"{'d' * 64}.{os.getpid()}.2"
    being_written.write_bytes(AUDIO)
    (tmp_path / "notes.2026").write_text("mine")
    folder = TtsCacheDisk(str(tmp_path), 1000)
    if when == "load":
        assert list(folder.load()) == []
    else:
        save(folder, tmp_path, "key")
    assert (
        {being_written.name, "notes.2026"}
        <= set(names(tmp_path))
        <= {being_written.name, "notes.2026", "key"}
    )


def test_another_process_may_prune_what_we_are_reading(tmp_path, monkeypatch, logged):
    """TTS_CACHE_DIR: several processes share a folder; a vanished file is no failure."""
    folder = TtsCacheDisk(str(tmp_path), 1000)
    save(folder, tmp_path, *"abc")
    glob = Path.glob

    def glob_then_pruned(self, pattern):
        found = list(glob(self, pattern))
        (tmp_path / "a.ulaw").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", glob_then_pruned)
    assert [key for key, _ in TtsCacheDisk(str(tmp_path), 1000).load()] == ["b", "c"]
    folder.save("d", AUDIO)
    folder.wait()
    assert names(tmp_path) == list("bcd")
    assert logged.messages == []


@pytest.mark.parametrize("first", ["load", "save"])
def test_a_folder_that_cannot_be_used_is_reported_once(tmp_path, first, logged):
    """TTS_CACHE_DIR: calls go on, and further sentences add no line."""
    (tmp_path / "file").touch()
    folder = TtsCacheDisk(str(tmp_path / "file" / "folder"), 1000)
    if first == "load":
        assert list(folder.load()) == []
    for _ in range(3):
        folder.save("key", AUDIO)
    folder.wait()
    (complaint,) = logged.messages
    assert complaint.startswith(f"CACHE_ERR TTS_CACHE_DIR={tmp_path / 'file' / 'folder'}: ")
    assert complaint.endswith("made sentences are not kept")


class Disk(AudioFiles):
    """A disk whose ``trouble`` precedes every write, with ``reads`` every read too."""

    def __init__(self, folder, trouble, *, reads=False):
        super().__init__(str(folder), 1_000_000)
        self.trouble, self.reads = trouble, reads
        self.writers = set()

    def write(self, key, audio):
        self.writers.add(threading.current_thread().name)
        self.trouble()
        super().write(key, audio)

    def read(self, paths, needed):
        if self.reads:
            self.trouble()
        return super().read(paths, needed)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_disk_that_is_full_or_read_only_is_reported_once_and_tried_again(tmp_path, logged):
    """TTS_CACHE_DIR: existing files are served; new ones are counted, and tried again in a minute."""
    save(TtsCacheDisk(str(tmp_path), 1000), tmp_path, "a")
    full = [True]

    def trouble():
        if full[0]:
            raise OSError(28, "No space left on device")

    clock = Clock()
    folder = TtsCacheDisk(str(tmp_path), 1000, files=Disk(tmp_path, trouble), clock=clock)
    assert [key for key, _ in folder.load()] == ["a"]
    for name in "bcd":
        folder.save(name, AUDIO)
        folder.wait()
    assert not folder.save("e", AUDIO)
    (complaint,) = logged.messages
    assert complaint.startswith("CACHE_ERR") and "No space left" in complaint
    full[0] = False
    clock.now += REST_S
    assert folder.save("f", AUDIO)
    folder.wait()
    assert names(tmp_path) == ["a", "f"]
    assert logged.messages[1:] == [f"CACHE_OK TTS_CACHE_DIR={tmp_path}: sentences are kept, 4 were not"]


def test_a_slow_disk_holds_nobody(tmp_path):
    """TTS_CACHE_DIR: saving only queues; files are written one at a time, in order."""
    release, began = threading.Event(), threading.Event()
    disk = Disk(tmp_path, lambda: (began.set(), release.wait(5)))
    folder = TtsCacheDisk(str(tmp_path), 1000, files=disk)
    for name in "abc":
        assert folder.save(name, AUDIO)
    assert began.wait(5)
    assert names(tmp_path) == []
    release.set()
    folder.wait()
    assert names(tmp_path) == list("abc")
    assert disk.writers == {"audio files"}


def test_a_disk_that_is_far_behind_skips_further_sentences(tmp_path):
    """TTS_CACHE_DIR: the queue is bounded, and nobody waits for room."""
    release, began = threading.Event(), threading.Event()
    disk = Disk(tmp_path, lambda: (began.set(), release.wait(5)))
    folder = TtsCacheDisk(str(tmp_path), 1_000_000, files=disk)
    folder.save("first", AUDIO)
    assert began.wait(5)
    for number in range(MAX_WAITING + 10):
        folder.save(f"{number}", AUDIO)
    release.set()
    folder.wait()
    assert set(names(tmp_path)) == {"first", *map(str, range(MAX_WAITING))}
    folder.save("later", AUDIO)
    folder.wait()
    assert "later" in names(tmp_path)


def test_a_disk_that_hangs_keeps_nobody_waiting(tmp_path, logged):
    """TTS_CACHE_DIR: one log line and an empty queue until the disk is back, then all as before."""
    release = threading.Event()
    clock = Clock()
    disk = Disk(tmp_path, lambda: release.wait(20))
    folder = TtsCacheDisk(str(tmp_path), 1000, files=disk, within_s=0.05, clock=clock)
    for name in "abc":
        folder.save(name, AUDIO)
    folder.wait()
    clock.now += 10 * REST_S
    assert not folder.save("d", AUDIO)  # it still hangs: no second thread is given to it
    (complaint,) = logged.messages
    assert "nothing within 0.05 s" in complaint
    release.set()
    while not folder.save("e", AUDIO):
        pass
    folder.wait()
    assert "e" in names(tmp_path)
    assert logged.messages[1].startswith("CACHE_OK")


def test_a_disk_that_hangs_at_the_start_is_left(tmp_path, logged):
    """TTS_CACHE_DIR: warming ends all the same."""
    save(TtsCacheDisk(str(tmp_path), 1000), tmp_path, "a")
    release = threading.Event()
    disk = Disk(tmp_path, lambda: release.wait(20), reads=True)
    assert list(TtsCacheDisk(str(tmp_path), 1000, files=disk, within_s=0.05).load()) == []
    release.set()
    assert len(logged.messages) == 1


def test_a_disk_that_is_slow_at_the_start_is_read_for_a_while(tmp_path, logged):
    """TTS_CACHE_DIR: for LOAD_S, however many files there are."""
    before = TtsCacheDisk(str(tmp_path), 100_000)
    for number in range(4 * BATCH):
        before.save(f"{number}", AUDIO)
    before.wait()
    clock = Clock()

    def slow():
        clock.now += LOAD_S / 2

    folder = TtsCacheDisk(str(tmp_path), 1000, files=Disk(tmp_path, slow, reads=True), clock=clock)
    assert len(list(folder.load())) == 2 * BATCH
    assert f"{2 * BATCH} of {4 * BATCH} sentences are not read yet" in logged.messages[0]


UNDER_GEVENT = """
from gevent import monkey
real_sleep = __import__("time").sleep
monkey.patch_all()
import sys, time
import gevent
from server.providers.audio_files import AudioFiles
from server.providers.tts_cache_disk import TtsCacheDisk

class Slow(AudioFiles):
    def write(self, key, audio):
        real_sleep(0.5)
        super().write(key, audio)

    def read(self, paths, needed):
        real_sleep(0.5)
        return super().read(paths, needed)

gaps, last = [], time.monotonic()

def tick():
    global last
    while True:
        gevent.sleep(0.01)
        now = time.monotonic()
        gaps.append(now - last)
        last = now

gevent.spawn(tick)
folder = TtsCacheDisk(sys.argv[1], 1000, files=Slow(sys.argv[1], 1000))
began = time.monotonic()
folder.save("key", b"x")
assert time.monotonic() - began < 0.2, "saving waited"
folder.wait()
assert time.monotonic() - began >= 0.5
assert list(folder.load()) == [("key", b"x")]
assert max(gaps) < 0.4, f"the other calls stood still for {max(gaps):.2f} s"
"""


@pytest.mark.servers
def test_a_slow_disk_holds_no_call_under_gevent(tmp_path):
    """TTS_CACHE_DIR: files are read and written on native threads, so that the hub goes on."""
    command = [sys.executable, "-c", UNDER_GEVENT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_keys_tell_voices_and_texts_apart():
    """Every text has its own name in every voice, and the name reveals neither."""
    keys = {audio_key(*pair) for pair in (("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""))}
    assert len(keys) == 4
    assert audio_key("קול", "שלום דנה") == audio_key("קול", "שלום דנה")
    assert all(len(key) == 64 and key.isalnum() and key.isascii() for key in keys)


def test_newcomer_17_sentences_are_their_owners_only(tmp_path):
    """A caller's name may be in them: private from the first byte, whatever the umask, and for old files."""

    class Watched(AudioFiles):
        def write(self, key, audio):
            replace = Path.replace
            modes.append(None)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Path, "replace", lambda path, to: (seen(path), replace(path, to)))
                super().write(key, audio)

    modes = []

    def seen(path):
        modes[-1] = path.stat().st_mode & 0o777

    new = tmp_path / "new"
    before = os.umask(0)
    try:
        save(TtsCacheDisk(str(new), 1000, files=Watched(str(new), 1000)), new, "a")
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert [path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")] == [0o700, 0o600]
    (new / "a.ulaw").chmod(0o644)
    assert len(list(TtsCacheDisk(str(new), 1000).load())) == 1
    assert (new / "a.ulaw").stat().st_mode & 0o777 == 0o600
