"""What each provider was asked, and when it answered: a bar each. Pure.

Times are milliseconds of the call's frame clock.
"""

from dataclasses import dataclass
from enum import Enum

from server.logs.redaction import PrivateText
from server.turns.actions import (
    Action,
    CancelRecognition,
    CancelTurn,
    Decided,
    FinishRecognition,
    GenerateReply,
    ResumeRecognition,
    StartRecognition,
    Synthesize,
)
from server.turns.events import (
    Event,
    FinalTranscript,
    InterimTranscript,
    LlmFailed,
    ReplyDone,
    ReplySentence,
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
)

EARLY = ("B3", "started")  # the question that follows is asked before the caller's turn is over
DROPPED = ("B3", "dropped")  # whatever was made for it, whether it was whole by then or not


class End(Enum):
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    OPEN = "open"  # nobody has said how it ended


@dataclass
class Asked:
    """One request. ``first``: its first words or audio. ``finish``: of an STT, the end of its audio.

    ``transcript``: when an STT's came; None once a pause at which it came was not the end (B3).
    """

    kind: str
    begin: int
    turn_id: int = 0  # of an STT: the utterance
    early: bool = False
    first: int | None = None
    finish: int | None = None
    transcript: int | None = None
    end: int | None = None
    how: End = End.OPEN
    why: str = ""

    def plain(self, offset: int, until: int) -> dict[str, object]:
        """``until``: the end of the log, for one that has none."""
        end = until if self.end is None else self.end
        return {
            "kind": self.kind,
            "from": offset + self.begin,
            "to": offset + max(end, self.begin),
            "first": None if self.first is None else offset + self.first,
            "finish": None if self.finish is None else offset + self.finish,
            "early": self.early,
            "end": self.how.value,
            "why": self.why,
        }


class Providers:
    """Told every event and action in order. ``asked``: all requests, as they began."""

    def __init__(self, private: PrivateText) -> None:
        self._private = private
        self._open: dict[tuple[str, int, int], Asked] = {}
        self._early = False
        self._early_turn = 0
        self.asked: list[Asked] = []

    def saw(self, event: Event, now: int) -> None:
        match event:
            case InterimTranscript(utterance_id):
                self._gives(("stt", utterance_id, 0), now)
            case FinalTranscript(utterance_id):
                self._transcribed(("stt", utterance_id, 0), now)
            case SttFailed(utterance_id, reason):
                self._stt_failed(("stt", utterance_id, 0), now, reason)
            case ReplySentence(turn_id):
                self._gives(("llm", turn_id, 0), now)
            case ReplyDone(turn_id):
                self._ends(("llm", turn_id, 0), now, End.DONE)
            case LlmFailed(turn_id, reason):
                self._ends(("llm", turn_id, 0), now, End.FAILED, reason)
            case TtsAudio(turn_id, index):
                self._gives(("tts", turn_id, index), now)
            case TtsSentenceDone(turn_id, index):
                self._ends(("tts", turn_id, index), now, End.DONE)

    def did(self, action: Action, now: int) -> None:
        match action:
            case Decided(rule, what):
                self._early = (rule, what) == EARLY
                if (rule, what) == DROPPED:
                    self._drops(self._early_turn)
            case StartRecognition(utterance_id):
                self._begins(("stt", utterance_id, 0), now)
            case FinishRecognition(utterance_id):
                if (stt := self._open.get(("stt", utterance_id, 0))) is not None:
                    stt.finish = now
            case ResumeRecognition(utterance_id):
                if (stt := self._open.get(("stt", utterance_id, 0))) is not None:
                    stt.transcript = None
            case CancelRecognition(utterance_id):
                self._ends(("stt", utterance_id, 0), now, End.CANCELLED)
            case GenerateReply(turn_id):
                self._begins(("llm", turn_id, 0), now, early=self._early)
                self._early_turn = turn_id if self._early else self._early_turn
                self._early = False
            case Synthesize(turn_id, index):
                self._begins(("tts", turn_id, index), now)
            case CancelTurn(turn_id):
                for kind, of, index in list(self._open):
                    if of == turn_id and kind != "stt":
                        self._ends((kind, of, index), now, End.CANCELLED)

    def _transcribed(self, key: tuple[str, int, int], now: int) -> None:
        self._gives(key, now)
        asked = self._open.get(key)
        if asked is not None:
            asked.transcript = now
            if asked.finish is not None:  # else of a pause
                self._ends(key, now, End.DONE)

    def _stt_failed(self, key: tuple[str, int, int], now: int, why: str) -> None:
        """Behind a transcript it fails nothing: the answer to that one was kept."""
        asked = self._open.get(key)
        if asked is not None and asked.transcript is not None:
            self._ends(key, max(asked.transcript, asked.finish or 0), End.DONE)
        else:
            self._ends(key, now, End.FAILED, why)

    def _drops(self, turn_id: int) -> None:
        """What had been made under that ID is not said."""
        for asked in self.asked:
            if asked.turn_id == turn_id and asked.kind != "stt" and asked.how is End.DONE:
                asked.how = End.CANCELLED

    def _begins(self, key: tuple[str, int, int], now: int, *, early: bool = False) -> None:
        self._ends(key, now, End.CANCELLED)
        self._open[key] = asked = Asked(key[0], now, key[1], early)
        self.asked.append(asked)

    def _gives(self, key: tuple[str, int, int], now: int) -> None:
        asked = self._open.get(key)
        if asked is not None and asked.first is None:
            asked.first = now

    def _ends(self, key: tuple[str, int, int], now: int, how: End, why: str = "") -> None:
        asked = self._open.pop(key, None)
        if asked is not None:
            asked.end, asked.how, asked.why = now, how, self._private.cause(why)
