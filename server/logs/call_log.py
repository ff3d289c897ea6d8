"""A call's lines in the log."""

import logging
import re
import threading
from collections import Counter

from server.hebrew.understand.redaction import asked_for, unfinished
from server.logs.redaction import Mode, Transcripts
from server.turns.actions import Log

log = logging.getLogger("agent")

MAX_REASONS = 50  # kinds of garbage told apart in one call
MAX_SID_CHARACTERS = 64  # Twilio's have 34
MAX_LINE_CHARACTERS = 4000
CALLERS_WORDS = "ASR_TEXT:"


_GAP = re.compile(r"RESPONSE_GAP ms=(\d+)")


class Tally:
    """How many lines of each kind a call has logged: a kind is a line's first word. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: Counter[str] = Counter()
        self.longest_gap_ms = 0

    def note(self, line: str) -> None:
        with self._lock:
            self._kinds[line.partition(" ")[0]] += 1
            if gap := _GAP.match(line):
                self.longest_gap_ms = max(self.longest_gap_ms, int(gap[1]))

    def __getitem__(self, kind: str) -> int:
        with self._lock:
            return self._kinds[kind]


class CallLog:
    """The call's log lines: each ends with its ``sid=``. What is private goes in as ``mode`` says.

    A peer chooses part of what they say, and forges no line: one is one, of printable characters.
    """

    def __init__(self, mode: Mode) -> None:
        self._sid = ""
        self._transcripts = Transcripts(mode)
        self._dictated = ""  # what the caller's last words ended with, or was asked for
        self._ignored: Counter[str] = Counter()
        self.tally = Tally()

    @property
    def sid(self) -> str:
        """The stream's, as a line may hold it; empty before there is one."""
        return self._sid

    @sid.setter
    def sid(self, sid: str) -> None:
        self._sid = _legible(sid, MAX_SID_CHARACTERS)

    def line(self, line: str, more: str = "") -> None:
        """``more`` follows the sid, as in the playbook's lines."""
        self.tally.note(line)
        more = more and f" {_legible(more, MAX_LINE_CHARACTERS)}"
        log.info("%s sid=%s%s", _legible(line, MAX_LINE_CHARACTERS), self._sid, more)

    def of_the_core(self, entry: Log) -> None:
        words = None if entry.words is None else self._words(entry.line, entry.words)
        cause = None if entry.cause is None else self._transcripts.cause(entry.cause)
        self.line(" ".join(part for part in (entry.line, words, cause) if part is not None))

    def _words(self, line: str, words: str) -> str:
        """A number that is dictated over several turns is one; what the agent says between is not of it.

        What it asks for is: "מה הקוד?" tells that "4417" is one.
        """
        if line != CALLERS_WORDS:
            self._dictated = asked_for(words) or self._dictated
            return self._transcripts.words(words)
        before, self._dictated = self._dictated, unfinished(words, self._dictated)
        return self._transcripts.words(words, before)

    def complaint(self, line: str) -> None:
        """An engine's, which may quote what it was given."""
        self.line(self._transcripts.cause(line))

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


def _legible(text: str, most: int) -> str:
    """``text`` on one line and of ``most`` characters at most."""
    kept = text if len(text) <= most else f"{text[: most - 1]}…"
    return kept if kept.isprintable() else "".join(c if c.isprintable() else " " for c in kept)
