"""TTS_CACHE_DIR: made sentences on disk, bounded, and no trouble of a call's when the disk is."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from server.audio_folder import MAX_WAITING, AudioFolder, audio_key

ROOT = Path(__file__).parents[2]
AUDIO = b"\x10" * 100


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, "agent")
    return caplog


def save(folder, path, *names):
    """Save 100 bytes under each name, every one a second younger than the one before it."""
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
    """TTS_CACHE_DIR: keys and audio, the oldest first."""
    before = AudioFolder(str(tmp_path), 1000)
    save(before, tmp_path, "b", "a", "c")
    assert list(AudioFolder(str(tmp_path), 1000).load()) == [("b", AUDIO), ("a", AUDIO), ("c", AUDIO)]


def test_the_folder_is_made(tmp_path):
    """TTS_CACHE_DIR: by loading, or by what is saved before anything was loaded."""
    assert list(AudioFolder(str(tmp_path / "a" / "b"), 1000).load()) == []
    assert (tmp_path / "a" / "b").is_dir()
    folder = AudioFolder(str(tmp_path / "c" / "d"), 1000)
    folder.save("key", AUDIO)
    folder.wait()
    assert names(tmp_path / "c" / "d") == ["key"]


def test_files_are_whole_or_not_there(tmp_path, monkeypatch):
    """TTS_CACHE_DIR: a process that ends while it writes leaves no half a sentence to be played."""
    folder = AudioFolder(str(tmp_path), 1000)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    folder.save("key", AUDIO)
    folder.wait()
    assert list(AudioFolder(str(tmp_path), 1000).load()) == []


def test_empty_and_foreign_files_are_left_alone(tmp_path):
    """TTS_CACHE_DIR: a folder may have other things in it."""
    (tmp_path / "empty.ulaw").touch()
    (tmp_path / "folder.ulaw").mkdir()
    (tmp_path / "readme.txt").write_text("mine")
    folder = AudioFolder(str(tmp_path), 150)
    assert list(folder.load()) == []
    save(folder, tmp_path, "a", "b")
    assert {"readme.txt", "folder", "b"} <= set(names(tmp_path))
    assert [key for key, _ in folder.load()] == ["b"]


def test_one_file_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch, logged):
    """TTS_CACHE_DIR: the others are there, and what is made is written."""
    folder = AudioFolder(str(tmp_path), 1000)
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
    """TTS_CACHE_MB: bounded; a tenth is freed so that not every file after it prunes again."""
    folder = AudioFolder(str(tmp_path), 1000)
    save(folder, tmp_path, *"abcdefghij")
    assert names(tmp_path) == list("abcdefghij")
    save(folder, tmp_path, "k")
    assert names(tmp_path) == list("cdefghijk")


def test_what_was_there_before_counts(tmp_path):
    """TTS_CACHE_MB: of the folder, not of this process."""
    save(AudioFolder(str(tmp_path), 1000), tmp_path, *"abcdefghij")
    again = AudioFolder(str(tmp_path), 1000)
    list(again.load())
    save(again, tmp_path, "k")
    assert names(tmp_path) == list("cdefghijk")


def test_a_smaller_bound_holds_from_the_next_file_on(tmp_path):
    """TTS_CACHE_MB: lowered between two runs."""
    save(AudioFolder(str(tmp_path), 1000), tmp_path, *"abcdefghij")
    smaller = AudioFolder(str(tmp_path), 400)
    list(smaller.load())
    save(smaller, tmp_path, "k")
    assert names(tmp_path) == list("ijk")


def test_what_is_needed_stays_young(tmp_path):
    """TTS_CACHE_MB: the fixed lines are written once, and would be the first to go."""
    save(AudioFolder(str(tmp_path), 1000), tmp_path, *"abcdefghij")
    again = AudioFolder(str(tmp_path), 1000)
    assert [key for key, _ in again.load({"a", "c"})] == list("abcdefghij")
    save(again, tmp_path, "k")
    assert names(tmp_path) == list("acefghijk")


def test_what_is_pruned_meanwhile_is_no_trouble(tmp_path, monkeypatch, logged):
    """TTS_CACHE_MB: two processes prune the same folder."""
    folder = AudioFolder(str(tmp_path), 1000)
    save(folder, tmp_path, *"abcdefghij")
    files = AudioFolder._files

    def pruned_meanwhile(self):
        found = files(self)
        found[0].unlink()
        return found

    monkeypatch.setattr(AudioFolder, "_files", pruned_meanwhile)
    save(folder, tmp_path, "k")
    monkeypatch.undo()
    save(folder, tmp_path, "l")
    assert names(tmp_path)[-2:] == ["k", "l"]
    assert logged.messages == []


def test_another_process_may_prune_what_we_are_reading(tmp_path, monkeypatch, logged):
    """TTS_CACHE_DIR: several processes share a folder; a file that is gone is no broken folder."""
    folder = AudioFolder(str(tmp_path), 1000)
    save(folder, tmp_path, *"abc")
    glob = Path.glob

    def glob_then_pruned(self, pattern):
        found = list(glob(self, pattern))
        (tmp_path / "a.ulaw").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", glob_then_pruned)
    assert [key for key, _ in AudioFolder(str(tmp_path), 1000).load()] == ["b", "c"]
    folder.save("d", AUDIO)
    folder.wait()
    assert names(tmp_path) == list("bcd")
    assert logged.messages == []


@pytest.mark.parametrize("first", ["load", "save"])
def test_a_folder_that_cannot_be_used_is_reported_once(tmp_path, first, logged):
    """TTS_CACHE_DIR: and survived; nobody is told again with every sentence."""
    (tmp_path / "file").touch()
    folder = AudioFolder(str(tmp_path / "file" / "folder"), 1000)
    if first == "load":
        assert list(folder.load()) == []
    for _ in range(3):
        folder.save("key", AUDIO)
    folder.wait()
    (complaint,) = logged.messages
    assert complaint.startswith(f"CACHE_ERR TTS_CACHE_DIR={tmp_path / 'file' / 'folder'}: ")
    assert complaint.endswith("made sentences are not kept")


def test_a_folder_that_is_read_only_is_read(tmp_path, monkeypatch, logged):
    """TTS_CACHE_DIR: what is there is served; what cannot be added is reported once."""
    save(AudioFolder(str(tmp_path), 1000), tmp_path, "a")
    folder = AudioFolder(str(tmp_path), 1000)
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(PermissionError("read-only")))
    assert [key for key, _ in folder.load()] == ["a"]
    folder.save("b", AUDIO)
    folder.save("c", AUDIO)
    folder.wait()
    assert len(logged.messages) == 1


class SlowDisk:
    """A disk on which every file waits for ``release``."""

    def __init__(self, monkeypatch):
        self.release = threading.Event()
        self.began = threading.Event()
        self.writers = set()
        write = Path.write_bytes

        def waits(path, data):
            self.writers.add(threading.current_thread().name)
            self.began.set()
            self.release.wait(2)
            return write(path, data)

        monkeypatch.setattr(Path, "write_bytes", waits)


def test_a_slow_disk_holds_nobody(tmp_path, monkeypatch):
    """TTS_CACHE_DIR: to save is to hand over; one thread writes, in the order of saving."""
    disk = SlowDisk(monkeypatch)
    folder = AudioFolder(str(tmp_path), 1000)
    for name in "abc":
        folder.save(name, AUDIO)
    assert disk.began.wait(5)
    assert names(tmp_path) == []
    disk.release.set()
    folder.wait()
    assert names(tmp_path) == list("abc")
    assert disk.writers == {"audio-folder"}


def test_a_disk_that_is_far_behind_does_without_the_next(tmp_path, monkeypatch):
    """TTS_CACHE_DIR: what waits is bounded, and nobody waits for room."""
    disk = SlowDisk(monkeypatch)
    folder = AudioFolder(str(tmp_path), 1_000_000)
    folder.save("first", AUDIO)
    assert disk.began.wait(5)
    for number in range(MAX_WAITING + 10):
        folder.save(f"{number}", AUDIO)
    disk.release.set()
    folder.wait()
    assert set(names(tmp_path)) == {"first", *map(str, range(MAX_WAITING))}
    folder.save("later", AUDIO)
    folder.wait()
    assert "later" in names(tmp_path)


UNDER_GEVENT = """
from gevent import monkey
real_sleep = __import__("time").sleep
monkey.patch_all()
import sys, time
from pathlib import Path
import gevent
from server.audio_folder import AudioFolder

write = Path.write_bytes
Path.write_bytes = lambda path, data: (real_sleep(0.5), write(path, data))[1]
gaps, last = [], time.monotonic()

def tick():
    global last
    while True:
        gevent.sleep(0.01)
        now = time.monotonic()
        gaps.append(now - last)
        last = now

gevent.spawn(tick)
folder = AudioFolder(sys.argv[1], 1000)
began = time.monotonic()
folder.save("key", b"x")
assert time.monotonic() - began < 0.2, "saving waited"
folder.wait()
assert time.monotonic() - began >= 0.5
assert max(gaps) < 0.4, f"the other calls stood still for {max(gaps):.2f} s"
assert list(folder.load()) == [("key", b"x")]
"""


def test_a_slow_disk_holds_no_call_under_gevent(tmp_path):
    """TTS_CACHE_DIR: the file is written on a real thread, so that the hub goes on."""
    command = [sys.executable, "-c", UNDER_GEVENT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_keys_tell_voices_and_texts_apart():
    """A name of its own for every text in every voice, and one that says neither."""
    keys = {audio_key(*pair) for pair in (("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""))}
    assert len(keys) == 4
    assert audio_key("קול", "שלום דנה") == audio_key("קול", "שלום דנה")
    assert all(len(key) == 64 and key.isalnum() and key.isascii() for key in keys)


def test_newcomer_17_sentences_are_their_owners_only(tmp_path):
    """A name may be among them, whatever the umask says."""
    before = os.umask(0)
    try:
        save(AudioFolder(str(tmp_path / "new"), 1000), tmp_path / "new", "a")
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")] == [0o700, 0o600]
