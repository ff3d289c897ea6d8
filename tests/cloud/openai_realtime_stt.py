"""Utterances of a transcription session: words while they are said, a final after the commit."""

import audioop
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from server.audio.frames import mulaw_to_pcm16
from tests.cloud.openai_realtime import WORD_MS, Listened, Utterance
from tests.cloud.openai_realtime_events import FORMATS, LOGPROBS, SAMPLE_BYTES, Wrong, at, named
from tests.cloud.watch import Exchange, Fault

if TYPE_CHECKING:
    from tests.cloud.openai_realtime_session import Served

MIN_COMMIT_MS = 100
SURE, UNSURE = -0.02, -3.0  # log-probabilities of a token
FOREIGN_WORDS = "hello this is not the language you asked for"
WITHOUT_WORDS = (Fault.EMPTY, Fault.HUNG_BEFORE_HEADERS, Fault.TOO_MANY, Fault.UNAVAILABLE, Fault.GARBAGE)
TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Item:
    """One utterance: from its first audio to its final."""

    def __init__(self, served: "Served", audio_format: str, script: Utterance | None) -> None:
        self.id = named("item")
        self.listened = Listened(served.session, audio_format)
        self.script = script
        self._stack = ExitStack()
        self.exchange: Exchange = self._stack.enter_context(served.realtime.stt.exchange(self.listened))
        self.stopped = False  # nothing more is said of it

    @property
    def fault(self) -> Fault:
        return self.exchange.fault

    @property
    def ms(self) -> float:
        form = self.listened.audio_format
        return len(self.listened.audio) * 1000 / (FORMATS[form] * SAMPLE_BYTES[form])

    def end(self) -> None:
        self.stopped = True
        self._stack.close()

    def pcm16_8k(self) -> bytes:
        audio, form = bytes(self.listened.audio), self.listened.audio_format
        if form == "audio/pcmu":
            return mulaw_to_pcm16(audio)
        if form == "audio/pcma":
            return audioop.alaw2lin(audio, 2)
        return audioop.ratecv(audio, 2, 1, FORMATS[form], 8000, None)[0]


class Listening:
    def __init__(self, served: "Served") -> None:
        self._served = served
        self._item: Item | None = None
        self._waiting: list[Item] = []  # committed, their final to come
        self._previous: str | None = None
        self._guesses = 0

    def append(self, audio: bytes) -> None:
        if self._item is None:
            self._begin()
        item = self._item
        assert item is not None
        item.listened.audio += audio
        if item.listened.audio_format == "audio/pcm" and len(item.listened.audio) % 2:
            raise Wrong("invalid_value", "Half a sample.", "audio")
        if not item.stopped and item.fault not in WITHOUT_WORDS:
            self._say_words(item)

    def commit(self) -> None:
        item = self._item
        if item is None or item.ms < MIN_COMMIT_MS:
            has = 0.0 if item is None else item.ms
            message = f"Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has {has:.2f}ms of audio."  # noqa: E501
            raise Wrong("input_audio_buffer_commit_empty", message)
        served, self._item = self._served, None
        self._waiting.append(item)
        item.listened.committed_at = served.session.received[-1].at
        served.say("input_audio_buffer.committed", item_id=item.id, previous_item_id=self._previous)
        shown: dict[str, Any] = {"id": item.id, "object": "realtime.item", "type": "message", "role": "user"}
        shown |= {"status": "completed", "content": [{"type": "input_audio", "transcript": None}]}
        for kind in ("conversation.item.added", "conversation.item.done"):
            served.say(kind, previous_item_id=self._previous, item=shown)
        self._previous = item.id
        delays = served.realtime.stt.delays
        slow = item.fault is Fault.SLOW
        served.wire.after(delays.slow_s if slow else delays.first_s, lambda: self._finish(item))

    def clear(self) -> None:
        if self._item is not None:
            self._item.listened.cleared = True
            self._item.end()
            self._item = None

    def end(self) -> None:
        for item in [*self._waiting, *([self._item] if self._item else [])]:
            item.exchange.dropped_at = time.time()
            item.end()

    # ---- inside ----

    def _begin(self) -> None:
        served = self._served
        chosen = at(served.session.config, "audio.input.format") or {"type": "audio/pcm"}
        script = served.realtime.utterances.popleft() if served.realtime.utterances else None
        item = self._item = Item(served, chosen["type"], script)
        self._guesses = 0
        if item.fault is Fault.REFUSED:
            served.wire.reset()
        elif item.fault is Fault.GARBAGE:
            served.say_garbage()
        elif item.fault is Fault.TOO_MANY:
            served.say_error(Wrong("rate_limit_exceeded", "Rate limit reached."), kind="rate_limit_error")

    def _say_words(self, item: Item) -> None:
        for word in self._words(item)[len(item.listened.deltas) :]:
            delta = f" {word}" if item.listened.deltas else word
            item.listened.deltas.append(delta)
            self._served.say(
                f"{TRANSCRIPTION}.delta",
                item_id=item.id,
                content_index=0,
                delta=delta,
                **self._logprobs(item, delta),
            )
            item.exchange.sent += 1
            if self._fails_midway(item):
                return

    def _words(self, item: Item) -> list[str]:
        """Those that are known by now."""
        if item.fault is Fault.WRONG_LANGUAGE:
            return Utterance(FOREIGN_WORDS).words_at(item.ms)
        if item.script is not None:
            return item.script.words_at(item.ms)
        known = int(item.ms // WORD_MS)
        if known == self._guesses:
            return []
        self._guesses = known
        return self._served.realtime.hears(item.pcm16_8k()).split()[:known]

    def _fails_midway(self, item: Item) -> bool:
        """After the first delta, or else instead of the final; whether it did."""
        if item.fault is Fault.CUT_MID_STREAM:
            self._served.wire.reset()
        elif item.fault is Fault.EXPIRED:
            self._served.expire()
        item.stopped = item.fault in (Fault.HUNG_MID_STREAM, Fault.CUT_MID_STREAM, Fault.EXPIRED)
        return item.stopped

    def _finish(self, item: Item) -> None:
        served = self._served
        hangs = item.stopped or item.fault in (Fault.HUNG_BEFORE_HEADERS, Fault.GARBAGE)
        if hangs or self._fails_midway(item):
            return
        codes = {Fault.TOO_MANY: "rate_limit_exceeded", Fault.UNAVAILABLE: "server_error"}
        if item.fault in codes:
            code = codes[item.fault]
            error = {"type": code, "code": code, "message": item.fault.value, "param": None}
            served.say(f"{TRANSCRIPTION}.failed", item_id=item.id, content_index=0, error=error)
        else:
            text = item.listened.final = self._final(item)
            served.say(
                f"{TRANSCRIPTION}.completed",
                item_id=item.id,
                content_index=0,
                transcript=text,
                usage={"type": "duration", "seconds": round(item.ms / 1000, 2)},
                **self._logprobs(item, text),
            )
        item.exchange.sent += 1
        self._waiting.remove(item)
        item.end()

    def _final(self, item: Item) -> str:
        if item.fault is Fault.EMPTY:
            return ""
        if item.fault is Fault.WRONG_LANGUAGE:
            return FOREIGN_WORDS
        return item.script.final if item.script else self._served.realtime.hears(item.pcm16_8k())

    def _logprobs(self, item: Item, text: str) -> dict[str, Any]:
        served = self._served
        asked = LOGPROBS in (served.session.config.get("include") or ())
        if not asked or not served.realtime.has_logprobs:
            return {}
        sure = UNSURE if item.fault is Fault.LOW_CONFIDENCE else SURE
        return {"logprobs": [{"token": w, "bytes": list(w.encode()), "logprob": sure} for w in text.split()]}
