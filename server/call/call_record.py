"""What a call was, for the log and the office: how long, how it went and ended, what the caller left."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.audio.frames import FRAME_MS
from server.logs.call_log import Tally
from server.office.lead import Details, Missed, merged, with_number
from server.turns.actions import Action, ApplyEffect, Synthesize
from server.turns.effects import EndCall, PhoneCall, SaveLead, Transfer
from server.turns.prompts import forms_of


class Ended(StrEnum):
    """Who or what has ended a call."""

    CALLER = "caller"
    AGENT = "agent"
    TRANSFER = "transfer"
    DRAINED = "drained"  # the server was about to end, and has said so
    CUT = "cut"  # the server ended
    STALLED = "stalled"  # what came was no call's any more
    LOST = "lost"  # the connection
    FAILED = "failed"  # our own bug


# Behind these Twilio asks stream_ended, and a caller who is still there is put through, if there is a person.
MADE_UP_FOR = frozenset({Ended.CUT, Ended.STALLED, Ended.LOST, Ended.FAILED})


@dataclass(frozen=True)
class CallSummary:
    """A call that is over. ``at``: its start. ``gap_ms``: the longest from a last word to its answer."""

    call: PhoneCall
    at: datetime
    ended: Ended
    missed: Missed | None
    duration_s: float
    turns: int
    gap_ms: int
    barge_ins: int
    stt_errors: int
    llm_errors: int
    tts_errors: int
    lead: dict[str, str]

    def for_the_log(self) -> str:
        """Counters only: what was said or left is private."""
        how = f"ended={self.ended}" + (f" missed={self.missed}" if self.missed else "")
        return (
            f"call={self.call.sid} {how} duration_s={self.duration_s:.1f} turns={self.turns} "
            f"longest_gap_ms={self.gap_ms} barge_ins={self.barge_ins} stt_errors={self.stt_errors} "
            f"llm_errors={self.llm_errors} tts_errors={self.tts_errors} details={len(self.lead)}"
        )


class CallRecord:
    """Told during a call, with its lock held or from RX alone; asked at its end."""

    def __init__(self, clock: Callable[[], float], tally: Tally, no_person: str) -> None:
        """``clock``: seconds that do not jump; ``tally``: of the call's log lines.

        ``no_person``: the line by which a caller hears that there is none.
        """
        self._clock = clock
        self._tally = tally
        self._call: PhoneCall | None = None  # until its start
        self._at = datetime.min
        self._began_s = 0.0
        self._ended: Ended | None = None
        self._left: list[Details] = []
        self._nobody = forms_of(no_person)
        self._no_person = False  # they asked for a person, and heard that there is none

    def started(self, call: PhoneCall, at: datetime) -> None:
        """The socket is a call's; ``at`` knows its zone."""
        self._call, self._at, self._began_s = call, at, self._clock()

    def action(self, action: Action) -> None:
        """The core has decided this."""
        match action:
            case ApplyEffect(SaveLead(details)):
                self._left.append(details)
            case ApplyEffect(Transfer()):
                self.ended(Ended.TRANSFER)
            case ApplyEffect(EndCall()):
                self.ended(Ended.DRAINED if self._tally["CLOSING_DOWN"] else Ended.AGENT)
            case Synthesize(text=text):
                self._no_person = self._no_person or text in self._nobody

    def ended(self, how: Ended) -> None:
        """The first who says so is right; whoever says nothing was the caller."""
        self._ended = self._ended or how

    def over(self, *, person: bool, listening: bool = False) -> CallSummary | None:
        """All of it; None: it was never a call. ``person``: there is one now, to make up for our failures.

        ``listening``: something was said whose words are still awaited.
        """
        if self._call is None:
            return None
        ended, tally = self._ended or Ended.CALLER, self._tally
        return CallSummary(
            call=self._call,
            at=self._at,
            ended=ended,
            missed=self._missed(ended, person=person, listening=listening),
            duration_s=self._clock() - self._began_s,
            turns=tally["RESPONSE_GAP"],
            gap_ms=tally.longest_gap_frames * FRAME_MS,
            barge_ins=tally["BARGE_IN:"],
            stt_errors=tally["ASR_ERR:"],
            llm_errors=tally["LLM_ERR:"],
            tts_errors=tally["TTS_ERR:"],
            lead=merged(dict(with_number(details, self._call.number)) for details in self._left),
        )

    def _missed(self, ended: Ended, *, person: bool, listening: bool) -> Missed | None:
        """Why nothing is left of the caller; None: something is, or somebody else talks to them now."""
        if self._left or ended is Ended.TRANSFER or (ended in MADE_UP_FOR and person):
            return None
        if ended in MADE_UP_FOR:
            return Missed.FAILED
        if self._no_person:
            return Missed.NO_PERSON
        if self._tally["ASR_TEXT:"] or listening:
            return Missed.NO_DETAILS
        return Missed.NOT_HEARD if self._tally["ASR_ERR:"] else Missed.NO_WORD
