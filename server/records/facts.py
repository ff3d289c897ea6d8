"""What is known of a call and of its turns, as values: what the database keeps, and tables and pages show.

Times are milliseconds of the call's frame clock since its start, but for what says ``wall``. Words are what
LOG_TRANSCRIPTS lets be kept: as they were, without what is secret, or empty.
"""

from dataclasses import dataclass
from datetime import datetime

from server.office.lead import Missed


@dataclass(frozen=True, slots=True)
class Gap:
    """From the caller's last word to the first frame of the answer on the wire, and of what it consists.

    The parts follow each other and sum up to ``total_ms``; what went on beside another part is not counted
    twice (a speculative reply was made during the closing silence). ``wall_ms``: the whole by the wall.
    """

    total_ms: int
    closing_silence_ms: int = 0
    stt_ms: int = 0
    llm_ms: int = 0  # to the first sentence
    tts_ms: int = 0  # to its first audio
    breath_ms: int = 0  # and whatever else a ready answer waited for
    wall_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Why something was done, or was not. ``rule``: of docs/conversation.md, as "D4".

    ``what`` is one of a few fixed words ("held", "stopped", "went on"); ``why`` may hold the caller's words.
    """

    at_ms: int
    rule: str
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """One thing the agent said, and what it answered; ``number`` counts from 1 in a call, prompts included.

    ``caller``: the words answered; empty for a prompt of our own. ``agent``: what was heard of the answer.
    ``said_by``: "llm", "line" (a fixed one) or "rest" (of a reply that was interrupted).
    ``ended``: "heard", "interrupted", "dropped" (before its first frame) or "cut" (the call ended in it).
    """

    number: int
    began_ms: int
    ended_ms: int
    caller: str
    agent: str
    said_by: str
    ended: str
    gap: Gap | None = None
    speculative_starts: int = 0
    speculative_dropped: int = 0
    barge_ins: int = 0
    false_barge_ins: int = 0  # sounds and nods behind which it went on
    errors: tuple[str, ...] = ()  # kind and cause, one each: "stt google: deadline exceeded"
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A call, from its start on; all of it once ``ended``.

    ``at``: its start, in UTC. ``ended``: as ``server.call.call_record.Ended`` names it; empty while it goes
    on, or when the process was killed in it. ``knobs``: those in force that are no secret and differ from
    their defaults. ``lead``: what the caller left. ``summary``: one sentence or two.
    """

    sid: str
    caller: str
    at: datetime
    duration_ms: int = 0
    ended: str = ""
    missed: Missed | None = None
    turns: int = 0
    worst_gap_ms: int = 0
    barge_ins: int = 0
    false_barge_ins: int = 0
    stt_errors: int = 0
    llm_errors: int = 0
    tts_errors: int = 0
    lead: tuple[tuple[str, str], ...] = ()
    summary: str = ""
    knobs: tuple[tuple[str, str], ...] = ()
    event_log: str = ""  # its file, relative to EVENT_LOG_DIR; empty for none
    host: str = ""  # whose process held it
