"""What would fail later, in a call, and is tried at the start and by ``check`` instead.

A file that calls read stops the start (``server.config``): without it the agent would be another one. What is
written, and what the processes share, does not: calls are held all the same, and the log says what is lost.
Each ``why_…`` answers "" where nothing is wrong.
"""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.config import Config
from server.runtime.private_files import OTHERS
from server.shared_state.state import shared_store

WORKER_MB = 225  # with the embedded engines: 134 of its own at rest, TTS_CACHE_MB once it is full, and calls
MASTER_MB = 75
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Trouble:
    """A setting that was tried. ``problem`` is empty when it works; ``value`` is no secret."""

    knob: str
    value: str
    problem: str

    def __str__(self) -> str:
        return f"{self.knob}={self.value}: {self.problem}" if self.value else f"{self.knob}: {self.problem}"


def tried_files(config: Config) -> Iterator[Trouble]:
    """What is set of the files and folders that calls write, and Google's key file. Writes nothing."""
    for knob, path, why in (
        ("LEADS_FILE", config.leads_file, why_no_leads(config.leads_file)),
        ("STATE_FILE", _state_file(config), why_not_written(_state_file(config))),
        ("RECORDS_FILE", config.records_file, why_not_written(config.records_file)),
        ("EVENT_LOG_DIR", _event_log_dir(config), why_not_written(_event_log_dir(config), folder=True)),
        ("TTS_CACHE_DIR", config.tts_cache_dir, why_not_written(config.tts_cache_dir, folder=True)),
        (
            "GOOGLE_APPLICATION_CREDENTIALS",
            config.google_application_credentials,
            why_no_key(config.google_application_credentials),
        ),
    ):
        if path:
            yield Trouble(knob, path, why)


def kept_words(config: Config) -> Iterator[str]:
    """What else keeps callers' words than the log, which LOG_TRANSCRIPTS is about; a line each."""
    if config.event_log != "off":
        kept = "words" if config.event_log == "events" else "words and voices"
        yield f"EVENT_LOG={config.event_log}: callers' {kept} are kept in {config.event_log_dir}, " + (
            "whatever LOG_TRANSCRIPTS says"
        )


def tried_store(config: Config) -> Iterator[Trouble]:
    """What the processes share: Redis, or the state file where there is one. Blocks for half a second."""
    redis_url, path = config.redis_url.get_secret_value(), _state_file(config)
    store = shared_store(redis_url, path if Path(path).is_file() else "")
    if store is None:
        return
    problem = ""
    try:
        store.leased("check")
    except Exception as error:  # whatever a store raises is what this is here to show
        problem = f"does not answer ({type(error).__name__}: {error}); each process counts calls alone"
    yield Trouble("REDIS_URL", "", problem) if redis_url else Trouble("STATE_FILE", path, problem)


def _state_file(config: Config) -> str:
    """It is not used beside Redis."""
    return "" if config.redis_url.get_secret_value() else config.state_file


def _event_log_dir(config: Config) -> str:
    """Nothing is written there otherwise."""
    return "" if config.event_log == "off" else config.event_log_dir


def why_not_written(path: str, *, folder: bool = False) -> str:
    """A file, or a folder of files, that is made when it is needed, with the folders above it."""
    here = Path(path).absolute()
    if os.path.exists(here):
        if here.is_dir() != folder:
            return "is a folder, and not a file" if here.is_dir() else "is a file, and not a folder"
        return "" if os.access(here, os.W_OK) else "cannot be written"
    above = here.parent
    while not os.path.exists(above):
        above = above.parent
    if not above.is_dir():
        return f"cannot be written: {above} is no folder"
    return "" if os.access(above, os.W_OK) else f"cannot be written in {above}"


def why_no_leads(path: str) -> str:
    """The same for the file of leads; and why others can read it, where we do not change that ourselves."""
    if (why := why_not_written(path)) or not os.path.exists(path):
        return why
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        return "is a pipe or a device, and keeps nothing"
    foreign = found.st_uid != os.geteuid()
    if not found.st_mode & OTHERS or not (foreign or os.path.islink(path)):
        return ""
    whose = "belongs to another user" if foreign else "is a link"
    return f"{whose}, and others can read it (mode {stat.S_IMODE(found.st_mode):o}): chmod 600"


def why_no_key(path: str) -> str:
    """A file of Google credentials, which is JSON."""
    try:
        return "" if isinstance(json.loads(Path(path).read_bytes()), dict) else "is no key file"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError:
        return "is no key file: it holds no JSON"


def why_too_little_memory(config: Config, limit_mb: int) -> str:
    """``limit_mb``: what the machine, or the container, allows."""
    needed = config.web_concurrency * WORKER_MB + MASTER_MB
    if needed <= limit_mb:
        return ""
    takes = f"{config.web_concurrency} worker(s) take some {needed} MB, and there are {limit_mb} MB"
    lower = ": set WEB_CONCURRENCY=1 (a platform may have set it)" if config.web_concurrency > 1 else ""
    return takes + lower


def memory_limit_mb(cgroup: Path = CGROUP) -> int:
    """That of the container, else the machine's."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # of both versions
        try:
            limits.append(int((cgroup / name).read_text()))
        except (OSError, ValueError):  # another version's; "max"
            continue
    return min(limits) >> 20
