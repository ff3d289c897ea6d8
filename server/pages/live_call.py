"""What the page of a call is shown while it lasts: ``{"event": "agent", "agent": {…}}`` beside the audio.

| kind | says |
|---|---|
| ``state`` | the agent listens, thinks or speaks; in which ``turn`` |
| ``caller`` | words of the caller: so far, or ``final`` |
| ``says`` | a sentence of the agent's is being made for ``turn`` |
| ``heard`` | so much of ``turn`` was heard |
| ``dropped`` | ``turn`` is not said, or not on |
| ``gap`` | the answer of ``turn`` began after so many ``ms`` |
| ``decided`` | a rule of docs/conversation.md and what was decided by it, in English and in Hebrew |
"""

import json
from collections.abc import Callable
from typing import Any

from server.audio.frames import FRAME_MS, FrameHeard
from server.call.call_record import CallSummary
from server.config import Config
from server.logs.call_log import Dictation
from server.logs.redaction import PrivateText
from server.records.decisions import WITH_WORDS, in_words
from server.records.decisions_he import in_words_he
from server.turns.actions import Action, CancelTurn, Decided, Log, Synthesize
from server.turns.events import Event, InterimTranscript


class LiveCall:
    """An ``Observer`` of one call. Words are shown as a log may hold them. Not thread-safe.

    ``send``: queues a message behind the call's audio and never blocks.
    """

    def __init__(self, send: Callable[[str], None], private: PrivateText) -> None:
        self._send = send
        self._private = private
        self._dictation = Dictation()
        self._frames = 0
        self._speaking = 0  # the turn that was heard last

    def saw(self, event: Event) -> None:
        if type(event) is FrameHeard:
            self._frames += 1
        elif isinstance(event, InterimTranscript):
            self._tell("caller", words=self._so_far(event.text), final=False)

    def did(self, action: Action) -> None:
        match action:
            case Log():
                self._logged(action)
            case Synthesize(turn_id, index, text) if index >= 0:
                self._tell("says", turn=turn_id, index=index, words=self._private.words(text))
            case CancelTurn(turn_id):
                self._tell("dropped", turn=turn_id)
            case Decided(rule, what, why):
                shown = self._so_far(why) if why and (rule, what) in WITH_WORDS else why
                words, words_he = in_words(rule, what, shown), in_words_he(rule, what, shown)
                self._tell("decided", rule=rule, what=what, words=words, words_he=words_he)

    def over(self, summary: CallSummary) -> None:
        pass  # nobody is at the other end any more

    def closed(self) -> None:
        pass

    def _so_far(self, words: str) -> str:
        """Of an utterance that is not over: what the whole of it hides is hidden before."""
        return self._private.words_so_far(words, self._dictation.before_these())

    def _logged(self, entry: Log) -> None:
        words = entry.words or ""
        match entry.line.split():
            case ["STATE", _, _, state, turn]:
                turn_id = int(turn.removeprefix("turn="))
                self._speaking = turn_id if state == "SPEAKING" else self._speaking
                self._tell("state", state=state, turn=turn_id)
            case ["ASR_TEXT:"]:
                shown = self._private.words(words, self._dictation.before(words))
                self._tell("caller", words=shown, final=True)
            case ["AGENT_TEXT:"]:
                self._dictation.agent_said(words)
                self._tell("heard", turn=self._speaking, words=self._private.words(words) if words else "")
            case ["RESPONSE_GAP", _, turn]:
                ms = (entry.since_frames or 0) * FRAME_MS
                self._tell("gap", turn=int(turn.removeprefix("turn=")), ms=ms)

    def _tell(self, kind: str, **what: Any) -> None:
        told = {"kind": kind, "at_ms": self._frames * FRAME_MS, **what}
        self._send(json.dumps({"event": "agent", "agent": told}))


def shown(config: Config, send: Callable[[str], None]) -> LiveCall:
    return LiveCall(send, PrivateText(config.log_transcripts))
