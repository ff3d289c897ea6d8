"""A connection to Soniox's TTS: one socket, several streams, each from its start to ``terminated``."""

import time
from base64 import b64encode
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server.audio.frames import pcm16_to_mulaw
from tests.cloud.google import wav_header
from tests.cloud.soniox_protocol import (
    CUTS,
    FAILS_AT_ONCE,
    FAILS_MIDWAY,
    MAX_STREAMS,
    TTS_CANCEL,
    TTS_KEEP_ALIVE,
    TTS_REQUIRED,
    TTS_START,
    TTS_TEXT,
    Error,
    cut,
    parsed,
    problems,
)
from tests.cloud.watch import Fault
from tests.cloud.websocket import Link

if TYPE_CHECKING:
    from tests.cloud.soniox import SonioxCloud

MULAW_WAV_HEADER = (
    b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0"
    b"data\xff\xff\xff\xff"
)


@dataclass
class TtsAsked:
    """``Exchange.request`` of a stream."""

    config: dict[str, Any]
    key_in: str
    texts: list[str] = field(default_factory=list)
    text_ended: bool = False
    cancelled_at: float | None = None  # time.time()

    @property
    def text(self) -> str:
        return "".join(self.texts)


class TtsStream:
    """One utterance. Lives on its link's thread."""

    def __init__(self, cloud: "SonioxCloud", link: Link, asked: TtsAsked) -> None:
        self._cloud = cloud
        self._link = link
        self._stack = ExitStack()
        self._exchange = self._stack.enter_context(cloud.tts.exchange(asked))
        self._asked = asked
        self._pieces: deque[bytes] = deque()
        self._sent_bytes = 0
        self._speaking = False  # a ``_speak`` is due
        self.over = False

    @property
    def fault(self) -> Fault:
        return self._exchange.fault

    def begin(self) -> None:
        """What fails before any text."""
        if self.fault is Fault.REFUSED:
            self.drop(by_client=False)
            self._link.reset()
        if error := FAILS_AT_ONCE.get(self.fault):
            self.fail(error)
        elif self._asked.config["model"] not in self._cloud.models["tts"]:
            self.fail(Error.MODEL_GONE)
        sound = (self._asked.config["audio_format"], self._asked.config.get("sample_rate"))
        if not self.over and sound != ("pcm_mulaw", 8000):
            self.fail(Error.INVALID_REQUEST, f"Unsupported audio format: {sound}")

    def add(self, text: str, *, end: bool) -> None:
        self._asked.texts.append(text)
        self._asked.text_ended = end
        if text and self.fault is not Fault.EMPTY:
            audio = self._encoded(self._cloud.says(text), first=not self._sent_bytes and not self._pieces)
            size = self._cloud.chunk_bytes
            self._pieces += [audio[i : i + size] for i in range(0, len(audio), size)]
        if (self._pieces or end) and not self._speaking:
            delays = self._cloud.tts.delays
            first_s = delays.slow_s if self.fault is Fault.SLOW else delays.first_s
            self._speak_in(0.0 if self._sent_bytes else first_s)

    def _encoded(self, pcm16_8k: bytes, *, first: bool) -> bytes:
        if self.fault is Fault.OTHER_FORMAT:
            return wav_header(len(pcm16_8k)) + pcm16_8k
        header = MULAW_WAV_HEADER if first and self.fault is Fault.WAV_HEADER else b""
        return header + pcm16_to_mulaw(pcm16_8k)

    def _speak_in(self, seconds: float) -> None:
        self._speaking = True
        self._link.later(seconds, self._speak)

    def _speak(self) -> None:
        """The next piece of audio, or the end."""
        self._speaking = False
        if self.over or self.fault is Fault.HUNG_BEFORE_HEADERS:
            return
        if self.fault is Fault.GARBAGE:
            self._send_garbage()
        piece = self._pieces.popleft() if self._pieces else b""
        end = self._asked.text_ended and not self._pieces
        audio = {"stream_id": self._asked.config["stream_id"], "audio": b64encode(piece).decode()}
        self._link.send(audio | {"audio_end": end} | self._cloud.unknown_fields)
        self._sent_bytes += len(piece)
        self._exchange.sent += 1
        self._fail_midway()
        if self.over or self.fault is Fault.HUNG_MID_STREAM:
            return
        if end:
            self.terminate()
        elif self._pieces:
            self._speak_in(self._cloud.tts.delays.between_s)

    def _send_garbage(self) -> None:
        self.drop(by_client=False)
        stream = self._asked.config["stream_id"]
        for garbage in ('{"audio": ', "[]", b"\xff\xfe", f'{{"stream_id": "{stream}", "audio": "%%%"}}'):
            self._link.send(garbage)
        self._link.close()

    def _fail_midway(self) -> None:
        if self.fault in CUTS:
            self.drop(by_client=False)
            cut(self._link, self.fault)
        if error := FAILS_MIDWAY.get(self.fault):
            self.fail(error)
        elif self._sent_bytes > self._cloud.stream_s * 8000:
            self.fail(Error.EXPIRED)

    def cancel(self) -> None:
        self._asked.cancelled_at = time.time()
        if self.fault not in (Fault.HUNG_MID_STREAM, Fault.HUNG_BEFORE_HEADERS):
            self.terminate()

    def fail(self, error: Error, message: str = "") -> None:
        self._link.send({"stream_id": self._asked.config["stream_id"], **error.body(message)})
        self.terminate()

    def terminate(self) -> None:
        self._link.send({"stream_id": self._asked.config["stream_id"], "terminated": True})
        self.drop(by_client=False)

    def drop(self, *, by_client: bool) -> None:
        if not self.over:
            self.over = True
            if by_client:
                self._exchange.dropped_at = time.time()
            self._stack.close()


class TtsConnection:
    """The streams of one socket. Lives on its link's thread."""

    def __init__(self, cloud: "SonioxCloud", link: Link, key_in: str) -> None:
        self._cloud = cloud
        self._link = link
        self._key_in = key_in
        self._streams: dict[str, TtsStream] = {}
        self._spoken_to_s = time.monotonic()

    def serve(self, first: str | bytes) -> None:
        """From the first message on. Raises Over."""
        try:
            self._look_for_idleness()
            self._take(first)
            while True:
                self._take(self._link.receive())
        finally:
            for stream in self._streams.values():
                stream.drop(by_client=True)

    def _look_for_idleness(self) -> None:
        left = self._spoken_to_s + self._cloud.idle_s - time.monotonic()
        if left <= 0 and not self._active:
            self._fail(Error.TIMEOUT)
        self._link.later(max(left, 0.05), self._look_for_idleness)

    @property
    def _active(self) -> list[TtsStream]:
        return [stream for stream in self._streams.values() if not stream.over]

    def _take(self, message: str | bytes) -> None:
        self._spoken_to_s = time.monotonic()
        said = parsed(message)
        if said is None:
            self._cloud.violation(f"no JSON object: {message[:40]!r}")
            self._fail(Error.INVALID_REQUEST, "Message is malformed.")
        elif "keep_alive" in said:
            self._is_right(said, TTS_KEEP_ALIVE)
        elif "cancel" in said:
            self._cancel(said)
        elif "text" in said or "text_end" in said:
            self._text(said)
        else:
            self._start(said)

    def _is_right(self, said: dict[str, Any], fields: dict[str, Any], *required: str) -> bool:
        wrong = problems(said, fields) + [f"no {name}" for name in required if name not in said]
        for each in wrong:
            self._cloud.violation(f"TTS: {each}")
        return not wrong

    def _start(self, said: dict[str, Any]) -> None:
        if not self._is_right(said, TTS_START, *TTS_REQUIRED):
            self._refuse(said, "Missing or invalid field.")
            return
        if "api_key" in said and self._key_in != "message":
            self._cloud.violation("the key is in the connection and in a start message")
        stream_id = said["stream_id"]
        known = self._streams.get(stream_id)
        if known is not None and not known.over:
            self._cloud.violation(f"stream {stream_id} is active already")
            self._refuse(said, "Stream already exists.")
            return
        if len(self._active) >= MAX_STREAMS:
            self._cloud.violation(f"more than {MAX_STREAMS} streams at once")
            self._link.send({"stream_id": stream_id, **Error.TOO_MANY.body("Too many streams.")})
            self._link.send({"stream_id": stream_id, "terminated": True})
            return
        stream = TtsStream(self._cloud, self._link, TtsAsked(said, self._key_in))
        self._streams[stream_id] = stream
        if stream.fault is Fault.KEY:  # of the connection, not of a stream
            stream.drop(by_client=False)
            self._fail(Error.KEY)
        stream.begin()

    def _text(self, said: dict[str, Any]) -> None:
        stream = self._streams.get(str(said.get("stream_id")))
        if not self._is_right(said, TTS_TEXT, *TTS_TEXT):
            self._refuse(said, "Text is malformed.")
        elif stream is None:
            self._cloud.violation(f"text for a stream that never began: {said['stream_id']}")
            self._refuse(said, "Stream not found.")
        elif not stream.over:  # else it crossed our ``terminated``
            stream.add(said["text"], end=said["text_end"])

    def _cancel(self, said: dict[str, Any]) -> None:
        stream = self._streams.get(str(said.get("stream_id")))
        if self._is_right(said, TTS_CANCEL, *TTS_CANCEL) and stream is None:
            self._cloud.violation(f"cancel of a stream that never began: {said['stream_id']}")
        if stream is None or stream.over:  # it may have crossed our ``terminated``
            self._refuse(said, "Stream not found.", terminated=False)
        else:
            stream.cancel()

    def _refuse(self, said: dict[str, Any], message: str, *, terminated: bool = True) -> None:
        stream_id = {"stream_id": said["stream_id"]} if "stream_id" in said else {}
        self._link.send({**stream_id, **Error.INVALID_REQUEST.body(message)})
        if terminated and stream_id:
            self._link.send({**stream_id, "terminated": True})

    def _fail(self, error: Error, message: str = "") -> None:
        """Of the whole connection. Raises Over."""
        self._link.send(error.body(message))
        self._link.close()
