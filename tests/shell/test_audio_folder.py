"""TTS_CACHE_DIR: made sentences on disk, bounded, and no trouble of a call's when the disk is."""

import logging
import os
from pathlib import Path

import pytest

from server.audio_folder import AudioFolder, audio_key

AUDIO = b"\x10" * 100


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, "agent")
    return caplog


def save(folder, path, *names):
    """Save 100 bytes under each name, every one a second younger than the one before it."""
    for name in names:
        folder.save(name, AUDIO)
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
    AudioFolder(str(tmp_path / "c" / "d"), 1000).save("key", AUDIO)
    assert names(tmp_path / "c" / "d") == ["key"]


def test_files_are_whole_or_not_there(tmp_path, monkeypatch):
    """TTS_CACHE_DIR: a process that ends while it writes leaves no half a sentence to be played."""
    folder = AudioFolder(str(tmp_path), 1000)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    folder.save("key", AUDIO)
    assert list(AudioFolder(str(tmp_path), 1000).load()) == []


def test_empty_and_foreign_files_are_left_alone(tmp_path):
    """TTS_CACHE_DIR: a folder may have other things in it."""
    (tmp_path / "empty.ulaw").touch()
    (tmp_path / "readme.txt").write_text("mine")
    folder = AudioFolder(str(tmp_path), 150)
    assert list(folder.load()) == []
    save(folder, tmp_path, "a", "b")
    assert "readme.txt" in names(tmp_path)


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
    assert len(logged.messages) == 1


def test_keys_tell_voices_and_texts_apart():
    """A name of its own for every text in every voice, and one that says neither."""
    keys = {audio_key(*pair) for pair in (("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""))}
    assert len(keys) == 4
    assert audio_key("קול", "שלום דנה") == audio_key("קול", "שלום דנה")
    assert all(len(key) == 64 and key.isalnum() and key.isascii() for key in keys)
