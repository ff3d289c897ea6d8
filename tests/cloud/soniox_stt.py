"""A session of Soniox's STT: one socket, audio in, tokens out."""

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server.audio.frames import level_rms
from tests.cloud.soniox_protocol import (
    CUTS,
    END,
    FAILS_AT_ONCE,
    FAILS_MIDWAY,
    FIN,
    MAX_CONTEXT,
    STT_CONTROL,
    Error,
    cut,
    parsed,
    problems,
)
from tests.cloud.watch import Exchange, Fault
from tests.cloud.websocket import Link, Over

if TYPE_CHECKING:
    from tests.cloud.soniox import SonioxCloud

BYTES_PER_MS = 8
BLOCK_BYTES = 2400  # 300 ms: from one response to the next, and a word of an interim transcript each
SILENT_RMS = 200
UNSETTLED_WORDS = 3  # the newest words are never final before the segment's end
PIECE = 3  # characters of a token
BURST_BYTES = 10 * 8000  # what may come ahead of real time: "brief buffering"
FOREIGN_LINE = "hello this is not the language you asked for"
GARBAGE: tuple[str | bytes, ...] = ('{"tokens": 5', '{"tokens": 5}', "[]", b"\xff\xfe", '{"tokens": [{}]}')

Token = dict[str, Any]


@dataclass
class SttAsked:
    """``Exchange.request`` of a session."""

    config: dict[str, Any]
    key_in: str  # "header", "protocol" or "message"
    audio: bytearray = field(default_factory=bytearray)
    finalizes: int = 0
    keepalives: int = 0
    ended: bool = False


@dataclass
class Segment:
    """Audio since the last boundary, by its place in the session's."""

    begin: int
    loud_to: int = 0  # the end of the last sound; 0: nothing but silence
    blocks: int = 0  # with sound
    settled: int = 0  # words that are final
    heard: tuple[int, str] = (0, "")  # up to which sound, what


class SttSession:
    """From the start message on. Lives on its link's thread."""

    def __init__(self, cloud: "SonioxCloud", link: Link, exchange: Exchange) -> None:
        self._cloud = cloud
        self._link = link
        self._exchange = exchange
        self._asked: SttAsked = exchange.request
        self._segment = Segment(0)
        self._began_s = self._spoken_to_s = time.monotonic()
        self._answers = 0  # finals with a mark, still to be sent
        self._hung = False
        self._over = False  # by us

    def serve(self) -> None:
        try:
            self._begin()
            self._look_for_idleness()
            while True:
                self._take(self._link.receive())
        except Over:
            if not self._over:
                self._exchange.dropped_at = time.time()

    def _begin(self) -> None:
        """What fails before a word was heard."""
        config = self._asked.config
        if error := FAILS_AT_ONCE.get(self._exchange.fault):
            self._fail(error)
        if self._exchange.fault is Fault.REFUSED:
            self._over = True
            self._link.reset()
        if config.get("model") not in self._cloud.models["stt"]:
            self._fail(Error.MODEL_GONE)
        sound = (config.get("audio_format"), config.get("sample_rate"), config.get("num_channels"))
        if sound != ("mulaw", 8000, 1):
            self._fail(Error.INVALID_REQUEST, f"Invalid audio data format: {sound}")
        hints = config.get("language_hints", [])
        if len(hints) != len(set(hints)) or "xx" in hints:
            self._fail(Error.INVALID_REQUEST, "Invalid language hint.")
        if len(str(config.get("context", ""))) > MAX_CONTEXT:
            self._fail(Error.INVALID_REQUEST, "Context is too long (max length 10000).")

    def _look_for_idleness(self) -> None:
        left = self._spoken_to_s + self._cloud.idle_s - time.monotonic()
        if left <= 0:
            self._fail(Error.TIMEOUT, "Input too slow")
        self._link.later(left, self._look_for_idleness)

    # ---- what the client says ----

    def _take(self, message: str | bytes) -> None:
        if self._asked.ended:
            self._cloud.violation(f"after the end of a session: {message[:40]!r}")
        elif isinstance(message, bytes):
            self._take_audio(message)
        elif message == "":
            self._asked.ended = True
            self._answer_later("", self._cloud.stt.delays.first_s)
        else:
            self._control(message)

    def _control(self, message: str) -> None:
        control = parsed(message)
        if control is None or (wrong := problems(control, STT_CONTROL)) or "type" not in control:
            self._cloud.violation(f"control message: {message[:80]}: {control and wrong}")
            self._fail(Error.INVALID_REQUEST, "Control request invalid type.")
        elif control["type"] == "keepalive":
            self._asked.keepalives += 1
            self._spoken_to_s = time.monotonic()
        else:
            self._asked.finalizes += 1
            self._answer_later(FIN, self._cloud.stt.delays.first_s)

    def _take_audio(self, mulaw_8k: bytes) -> None:
        if not mulaw_8k:
            self._cloud.violation("an empty binary message: it ends no session")
            return
        audio, segment = self._asked.audio, self._segment
        self._spoken_to_s = time.monotonic()
        if len(audio) + len(mulaw_8k) > (self._spoken_to_s - self._began_s) * 8000 + BURST_BYTES:
            self._cloud.violation("audio far ahead of real time")
        blocks = len(audio) // BLOCK_BYTES
        audio += mulaw_8k
        if level_rms(mulaw_8k) >= SILENT_RMS:
            segment.loud_to = len(audio)
        if len(audio) > self._cloud.session_s * 8000:
            self._fail(Error.EXPIRED)
        if len(audio) // BLOCK_BYTES > blocks and not self._answers:
            self._interim()
        if not self._answers:
            self._look_for_end()

    # ---- what is heard ----

    def _words(self) -> list[str]:
        """Of the segment, as far as it had sound."""
        segment = self._segment
        if self._exchange.fault is Fault.EMPTY or not segment.loud_to:
            return []
        if self._exchange.fault is Fault.WRONG_LANGUAGE:
            return FOREIGN_LINE.split()
        if segment.heard[0] != segment.loud_to:
            heard = self._cloud.hears(bytes(self._asked.audio[segment.begin :]))
            segment.heard = (segment.loud_to, heard if isinstance(heard, str) else " ".join(heard))
        return segment.heard[1].split()

    def _interim(self) -> None:
        """A response for the last block: its words, the older ones final."""
        segment, here = self._segment, len(self._asked.audio)
        if not segment.loud_to:
            segment.begin = max(segment.begin, here - BLOCK_BYTES)  # silence before the words is not kept
        if segment.loud_to <= here - BLOCK_BYTES:
            self._respond([])
            return
        segment.blocks += 1
        words = self._words()
        count = min(segment.blocks, len(words))
        settled = max(segment.settled, count - UNSETTLED_WORDS)
        tokens = self._tokens(words, segment.settled, settled, final=True)
        tokens += self._tokens(words, settled, count, final=False)
        segment.settled = settled
        self._respond(tokens)

    def _look_for_end(self) -> None:
        segment, config = self._segment, self._asked.config
        silent_s = (len(self._asked.audio) - segment.loud_to) / 8000
        if not config.get("enable_endpoint_detection") or not segment.loud_to or silent_s < 0.1:
            return
        words = self._words()
        after_s = self._cloud.ends(" ".join(words)) if words else None
        if after_s is not None and silent_s >= min(after_s, config.get("max_endpoint_delay_ms", 2000) / 1000):
            self._answer_later(END, 0.0)

    def _rest(self) -> list[Token]:
        """All words of the segment that are not final yet, as final ones; the next segment begins."""
        words = self._words()
        tokens = self._tokens(words, self._segment.settled, len(words), final=True)
        self._segment = Segment(len(self._asked.audio))
        return tokens

    def _answer_later(self, mark: str, seconds: float) -> None:
        """End the segment here; an empty ``mark`` is the session's end."""
        tokens = self._rest()
        self._answers += 1

        def answer() -> None:
            self._answers -= 1
            self._answer(tokens, mark)

        slow = self._exchange.fault is Fault.SLOW
        self._link.later(self._cloud.stt.delays.slow_s if slow else seconds, answer)

    def _answer(self, tokens: list[Token], mark: str) -> None:
        marks = [{"text": mark, "is_final": True}] if mark else []
        # In two, a fault after the first response with words comes before the mark that makes them whole.
        if self._cloud.marks_apart or self._exchange.fault is not Fault.NONE:
            self._respond(tokens)
            tokens = []
        if tokens or marks:
            self._respond(tokens + marks)
        if not mark and not self._hung:
            self._respond([], finished=True)
            self._over = True
            self._link.close()

    def _tokens(self, words: list[str], begin: int, end: int, *, final: bool) -> list[Token]:
        """Of ``words[begin:end]``: pieces of words, a word's first with the space before it."""
        segment, tokens = self._segment, []
        first_ms = segment.begin // BYTES_PER_MS
        word_ms = (segment.loud_to // BYTES_PER_MS - first_ms) / max(len(words), 1)
        foreign = self._exchange.fault is Fault.WRONG_LANGUAGE
        unsure = self._exchange.fault is Fault.LOW_CONFIDENCE
        for index in range(begin, end):
            pieces = re.findall(f".{{1,{PIECE}}}", f" {words[index]}")
            for number, piece in enumerate(pieces):
                at_ms = first_ms + word_ms * (index + number / len(pieces))
                token = {"text": piece, "start_ms": round(at_ms), "is_final": final}
                token["end_ms"] = round(at_ms + word_ms / len(pieces))
                token["confidence"] = 0.1 if unsure else self._cloud.confidence
                if self._asked.config.get("enable_language_identification"):
                    token["language"] = "en" if foreign else "he"
                tokens.append(token)
        return tokens

    # ---- responses, under their faults ----

    def _respond(self, tokens: list[Token], **more: Any) -> None:
        if self._hung or self._exchange.fault is Fault.HUNG_BEFORE_HEADERS:
            self._hung = True
            return
        if self._exchange.fault is Fault.GARBAGE:
            self._over = True
            for garbage in GARBAGE:
                self._link.send(garbage)
            self._link.close()
        total_ms = len(self._asked.audio) // BYTES_PER_MS
        settled_ms = total_ms if more else self._segment.begin // BYTES_PER_MS
        progress = {"final_audio_proc_ms": settled_ms, "total_audio_proc_ms": total_ms}
        self._link.send({"tokens": tokens, **progress, **more, **self._cloud.unknown_fields})
        if tokens:
            self._exchange.sent += 1
            self._fail_midway()

    def _fail_midway(self) -> None:
        fault = self._exchange.fault
        if error := FAILS_MIDWAY.get(fault):
            self._fail(error)
        self._hung = fault is Fault.HUNG_MID_STREAM
        if fault in CUTS:
            self._over = True
            cut(self._link, fault)

    def _fail(self, error: Error, message: str = "") -> None:
        """Raises Over."""
        self._over = True
        self._link.send({"tokens": [], **error.body(message)})
        self._link.close()
