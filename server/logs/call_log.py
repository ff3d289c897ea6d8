"""A call's lines in the log."""

import threading
from collections import Counter

from server.hebrew.understand.redaction import asked_for, unfinished
from server.logs.events import log
from server.logs.redaction import Complaint, Mode, PrivateText
from server.logs.secrets import safe_line
from server.turns.actions import Log

MAX_REASONS = 50  # kinds of garbage told apart in one call
MAX_SID_CHARACTERS = 64  # Twilio's have 34
CALLERS_WORDS = "ASR_TEXT:"


class Tally:
    """How many lines of each kind a call has logged: a kind is a line's first word. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: Counter[str] = Counter()
        self.longest_gap_frames = 0

    def note(self, line: str, gap_frames: int = 0) -> None:
        """``gap_frames``: how long the caller has waited for an answer, if the line tells that."""
        with self._lock:
            self._kinds[line.partition(" ")[0]] += 1
            self.longest_gap_frames = max(self.longest_gap_frames, gap_frames)

    def __getitem__(self, kind: str) -> int:
        with self._lock:
            return self._kinds[kind]


class Dictation:
    """The digits that words may continue: a number is no longer found, and hidden, in its parts.

    One that is dictated over several turns is one; what the agent says between is not of it. What it asks
    for is: "מה הקוד?" tells that "4417" is one.
    """

    def __init__(self) -> None:
        self._begun = ""  # what the caller's last words ended with, or was asked for

    def before(self, words: str) -> str:
        """What ``words`` of the caller's, the next ones, may continue."""
        begun, self._begun = self._begun, unfinished(words, self._begun)
        return begun

    def before_these(self) -> str:
        """What the words that are being said now may continue; they are not over."""
        return self._begun

    def agent_said(self, words: str) -> None:
        self._begun = asked_for(words) or self._begun


class CallLog:
    """The call's log lines: each ends with its ``sid=``. What is private goes in as ``mode`` says.

    A peer chooses part of what they say, and forges no line: one is one.
    """

    def __init__(self, mode: Mode) -> None:
        self._log = log.bind(private_text=PrivateText(mode))
        self._sid = ""
        self._dictation = Dictation()
        self._ignored: Counter[str] = Counter()
        self.tally = Tally()

    @property
    def sid(self) -> str:
        """The stream's, as a line may hold it; empty before there is one."""
        return self._sid

    @sid.setter
    def sid(self, sid: str) -> None:
        self._sid = safe_line(sid, MAX_SID_CHARACTERS)

    def line(self, line: str, more: str = "") -> None:
        """``more`` follows the sid, as in the playbook's lines."""
        self.tally.note(line)
        self._log.info(line, sid=self._sid, **({"more": more} if more else {}))

    def of_the_core(self, entry: Log, wall_ms: float | None = None) -> None:
        """``wall_ms``: what the entry measures in frames, by the wall."""
        fields: dict[str, object] = {}
        if entry.words is not None:
            fields |= {"words": entry.words, "before": self._begun(entry.line, entry.words)}
        if entry.cause is not None:
            fields["cause"] = entry.cause
        if wall_ms is not None:
            fields["wall_ms"] = f"{wall_ms:.0f}"
        self.tally.note(entry.line, entry.since_frames or 0)
        self._log.info(entry.line, **fields, sid=self._sid)

    def _begun(self, line: str, words: str) -> str:
        """The digits that ``words`` may continue."""
        if line == CALLERS_WORDS:
            return self._dictation.before(words)
        self._dictation.agent_said(words)
        return ""

    def complaint(self, why: Complaint) -> None:
        """A voice's."""
        self.of_the_core(Log("TTS_ERR:", cause=why))

    def counts(self, line: str, rx: int, tx: int, oddities: dict[str, int] | None = None) -> None:
        """Frames received and sent, and how much of what was odd, where there was any."""
        odd = {"ignored": sum(self._ignored.values()), **(oddities or {})}
        more = "".join(f" {name}={count}" for name, count in odd.items() if count)
        self.line(line, f"rx={rx} tx={tx}{more}")

    def ignored(self, reason: str) -> None:
        """Count a message that could not be used; the first of each kind is logged."""
        if len(self._ignored) < MAX_REASONS or reason in self._ignored:
            self._ignored[reason] += 1
            if self._ignored[reason] == 1:
                self.line("WS_IGNORED", f"reason={reason}")
        else:
            self._ignored["other"] += 1
