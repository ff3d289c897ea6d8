"""What is known of a call so far, and its facts."""

from dataclasses import dataclass, replace

from server.audio.frames import FRAME_MS
from server.call.call_record import CallSummary
from server.office.lead import Details, merged, with_number
from server.records.facts import CallFacts, Gap, TurnFacts
from server.records.summary import summary_of


@dataclass
class Counts:
    """As ``CallSummary`` has them, and the false barge-ins."""

    turns: int = 0
    worst_gap_ms: int = 0
    barge_ins: int = 0
    false_barge_ins: int = 0
    stt_errors: int = 0
    llm_errors: int = 0


class Told:
    """Not thread-safe. Nothing is counted any more once the call is summed up."""

    def __init__(self, call: CallFacts) -> None:
        """``call``: what is known before it starts, without SID and caller."""
        self._call = call
        self._number = ""
        self._left: list[Details] = []
        self._counts = Counts()
        self.turns: list[TurnFacts] = []  # those that are over
        self.started = self.gone = self.summed_up = False  # the stream, the caller; all is known

    def starts(self, sid: str, number: str, shown: str) -> None:
        """``number``: the caller's; ``shown``: as it may be kept."""
        self.started, self._number = True, number
        self._call = replace(self._call, sid=sid, caller=shown)

    def hangs_up(self) -> None:
        """Somebody has."""
        self.gone = True

    def left(self, details: Details) -> None:
        """The caller has told this about themselves."""
        self._left.append(details)

    def answered(self, gap: Gap) -> None:
        if not self.summed_up:
            self._counts.turns += 1
            self._counts.worst_gap_ms = max(self._counts.worst_gap_ms, gap.total_ms)

    def barge_in(self) -> None:
        self._counts.barge_ins += not self.summed_up

    def false_barge_in(self, count: int = 1) -> None:
        """-1: it was none after all."""
        self._counts.false_barge_ins += count

    def stt_failed(self) -> None:
        self._counts.stt_errors += not self.summed_up

    def llm_failed(self) -> None:
        self._counts.llm_errors += not self.summed_up

    def sum_up(self, summary: CallSummary) -> None:
        """The socket is gone, and the call was this."""
        self._call = replace(
            self._call,
            duration_ms=round(summary.duration_s * 1000),
            ended=str(summary.ended),
            missed=summary.missed,
            tts_errors=summary.tts_errors,
        )
        self.summed_up = True

    def facts(self, clock: int) -> CallFacts:
        """The call's, at this moment of its frame clock."""
        lead = merged(dict(with_number(details, self._number)) for details in self._left)
        counts = self._counts
        facts = replace(
            self._call,
            duration_ms=self._call.duration_ms if self.summed_up else clock * FRAME_MS,
            turns=counts.turns,
            worst_gap_ms=counts.worst_gap_ms,
            barge_ins=counts.barge_ins,
            false_barge_ins=counts.false_barge_ins,
            stt_errors=counts.stt_errors,
            llm_errors=counts.llm_errors,
            lead=tuple(lead.items()),
        )
        return replace(facts, summary=summary_of(facts, lead, self.turns)) if self.summed_up else facts
