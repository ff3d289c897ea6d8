"""The event logs of a process: calls hand their events over, and one native thread writes them all.

    machine --saw, did--> CallEvents --a second at a time--> queue --> thread --chunk--> EVENT_LOG_DIR

Nobody waits: what a call does under its lock is an append to a list. A kill takes the last second of each
log away, and no more. What the disk does not take ends that call's log (``EVENT_LOG_ERR``), never the call.
"""

import atexit
import logging
import os
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from server.call.call_record import CallSummary
from server.config import Config
from server.event_log.files import create, name_of
from server.event_log.format import Header, Seen, chunk
from server.event_log.values import plain, shapes
from server.knobs import knob_text
from server.runtime.oslock import os_lock, os_queue, start_os_thread
from server.settings.turn_params import dialogue_params
from server.settings.url_secrets import without_user_info
from server.turns.actions import Action
from server.turns.effects import PhoneCall
from server.turns.events import Event, StreamStarted

log = logging.getLogger("agent")

CHUNK_S = 1.0
MOST_WAITING = 4000  # seconds of call, of all calls together: a disk that hangs, 100 calls for 40 s
POLL_S = 0.01
OVER = "over"
LEFT_OUT_EVENTS = (
    "audio: of the caller's frames the level and the speech model's verdict, of what was said the levels",
)
PRIVATE_KNOBS = frozenset({"callers_let_off", "event_log_dir"})
DECIDES = ("audio", "turns", "hebrew")  # the folders whose rules a replay follows
END_S = 1.0

MakeHeader = Callable[[PhoneCall, datetime], Header]


class LogFile:
    """One call's file: made with its first chunk. The writing thread's alone, but for ``failed``."""

    def __init__(self, folder: Path, call: PhoneCall, at: datetime, header: MakeHeader) -> None:
        self.call = call
        self.failed = False  # whoever hands over looks, and stops
        self._folder = folder
        self._at = at
        self._header = header
        self._file: int | None = None

    def write(self, seen: list[Seen], *, audio: bool, note: str) -> None:
        """Raises OSError."""
        data = chunk(seen, audio=audio, note=note)
        if self._file is None:
            self._file = create(self._folder, name_of(self.call.sid, self._at))
            data = self._header(self.call, self._at).line() + data
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def close(self) -> None:
        """Nothing more is written."""
        file, self._file = self._file, None
        self.failed = True
        if file is not None:
            os.close(file)


@dataclass(frozen=True, slots=True)
class Part:
    """Up to a second of a call, handed over. ``told``: (clock, event), each before its actions.

    ``note``: how the call ended, with its last part.
    """

    file: LogFile
    began_s: float
    told: list[Any]
    note: str


class EventLogs:
    """All of a process. Any thread."""

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.audio = config.event_log == "audio"
        self._config = config
        self._clock = clock
        self._now = now
        self._folder = Path(config.event_log_dir)
        self.begin()
        _of_this_process.add(self)

    def begin(self) -> None:
        """Forget what waits, and the thread: in a process that was forked they are the parent's."""
        self._lock = os_lock()  # held for an instant: guards the two below
        self._waiting = 0
        self._started = False
        self._queue = os_queue()
        self._complaints: deque[str] = deque()  # the writing thread's, which writes no log

    def observer(self, at: datetime | None = None) -> "CallEvents":
        """For one call. ``at``: by which it is named, where others must know it; else its start."""
        return CallEvents(self, self._clock, at)

    def file(self, call: PhoneCall, at: datetime | None = None) -> LogFile:
        """For a call that has just started; nothing is on the disk yet."""
        return LogFile(self._folder, call, at or self._now(), self._header)

    def take(self, part: Part) -> bool:
        """To be written; False: too much waits for the disk. A call's last part is taken anyhow.

        Never blocks.
        """
        self._tell()
        with self._lock:
            if self._waiting >= MOST_WAITING and not part.note:
                return False
            self._waiting += 1
            begin, self._started = not self._started, True
        self._queue.put(part)
        try:
            if begin:
                start_os_thread(self._run)
        except RuntimeError:  # too many threads: it waits for the next one to try
            self._started = False
        return True

    @property
    def waiting(self) -> int:
        """Seconds of calls that are not on their way to the disk yet."""
        return self._waiting

    def settle(self, within_s: float) -> bool:
        """Wait until all is on its way to the disk; False when that takes longer. For a process's end."""
        until = time.monotonic() + within_s
        while self._waiting and time.monotonic() < until:
            time.sleep(POLL_S)
        self._tell()
        return not self._waiting

    def complain(self, why: str) -> None:
        """Why a log ends before its call: for the log, by a thread that may write there. Any thread."""
        self._complaints.append(why)

    def _tell(self) -> None:
        while self._complaints:
            log.error("EVENT_LOG_ERR %s; nothing more is kept of it", self._complaints.popleft())

    # ---- the writing thread ----

    def _run(self) -> None:
        while True:
            part = self._queue.get()
            self._write(part)
            with self._lock:
                self._waiting -= 1

    def _write(self, part: Part) -> None:
        file = part.file
        try:
            if not file.failed:
                file.write(_seen(part), audio=self.audio, note=part.note)
        except Exception as error:  # the thread's edge: whatever a disk does, the other logs go on
            self.complain(f"call={file.call.sid}: {error}")
            file.failed = True
        if part.note or file.failed:
            file.close()

    def _header(self, call: PhoneCall, at: datetime) -> Header:
        return Header(
            call_sid=call.sid,
            at=at.isoformat(timespec="milliseconds"),
            audio=self.audio,
            program=rules_digest(),
            params=plain(dialogue_params(self._config), audio=False),
            knobs=told_knobs(self._config),
            left_out=() if self.audio else LEFT_OUT_EVENTS,
            shapes=shapes(),
        )


class CallEvents:
    """Keeps what one call is told and decides: an ``Observer``."""

    def __init__(self, logs: EventLogs, clock: Callable[[], float], at: datetime | None = None) -> None:
        self._logs = logs
        self._at = at
        self._clock = clock
        self._file: LogFile | None = None  # until the stream's start
        self._began_s = self._handed_s = 0.0
        self._told: list[Any] = []
        self._note = OVER
        self._given_up = False

    def saw(self, event: Event) -> None:
        now_s = self._clock()
        if now_s - self._handed_s >= CHUNK_S and self._file is not None:
            self._hand_over(now_s)
        if self._file is None and type(event) is StreamStarted:
            self._file = self._logs.file(replace(event.call, sid=event.part), self._at)
            self._began_s = self._handed_s = now_s
        if not self._given_up:
            self._told.append((now_s, event))

    def did(self, action: Action) -> None:
        if not self._given_up:
            self._told.append(action)

    def over(self, summary: CallSummary) -> None:
        self._note = summary.for_the_log()

    def closed(self) -> None:
        """A call that never started has left nothing."""
        self._hand_over(self._clock(), self._note)

    def _hand_over(self, now_s: float, note: str = "") -> None:
        file, told = self._file, self._told
        self._told, self._handed_s = [], now_s
        if file is None or (self._given_up and not note):
            return
        taken = self._logs.take(Part(file, self._began_s, told, note))
        if not taken:
            self._logs.complain(f"call={file.call.sid}: the disk is too slow")
            file.failed = True
        self._given_up = file.failed


_of_this_process: "weakref.WeakSet[EventLogs]" = weakref.WeakSet()


def _begin_all() -> None:
    for logs in list(_of_this_process):
        logs.begin()


os.register_at_fork(after_in_child=_begin_all)


@atexit.register
def _settle_all() -> None:
    for logs in list(_of_this_process):
        logs.settle(END_S)


def _seen(part: Part) -> list[Seen]:
    seen: list[Seen] = []
    actions: list[Action] = []
    for told in part.told:
        if isinstance(told, tuple):
            if seen:
                seen[-1] = seen[-1]._replace(actions=tuple(actions))
                actions = []
            at_s, event = told
            seen.append(Seen(round((at_s - part.began_s) * 1000), event, ()))
        else:
            actions.append(told)
    if seen:
        seen[-1] = seen[-1]._replace(actions=tuple(actions))
    return seen


@cache
def rules_digest() -> str:
    """Another one for other rules: of the source that decides, and of the lists it reads."""
    digest = sha256()
    root = Path(__file__).resolve().parents[1]
    for folder in DECIDES:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".py", ".txt", ".tsv", ".json"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def told_knobs(config: Config) -> dict[str, str]:
    """The settings that differ from their defaults and are no secret; nor is what a URL among them holds."""
    return {
        name.upper(): without_user_info(knob_text(value))
        for name, field in Config.model_fields.items()
        if (value := getattr(config, name)) != field.default
        and not isinstance(value, SecretStr)
        and name not in PRIVATE_KNOBS
    }
