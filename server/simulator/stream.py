"""Twilio's side of one media stream: JSON texts in and out, no socket, no clock.

Frame ``n`` of the caller covers n·20 ms … (n+1)·20 ms and is due at its end, ``due_s``. All times are seconds
since the stream started.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from server.audio.frames import FRAME_MS, SAMPLE_RATE_HZ, level_rms
from server.audio.twilio_buffer import MarkEcho, TwilioBuffer
from server.simulator.script import CallerFrame, CallerScript
from server.simulator.sounds import mix

AUDIBLE_RMS = 50  # PCM16 scale; above comfort noise, below speech
_MAX_PROBLEMS = 50  # a server that does everything wrong must not fill the memory


@dataclass(frozen=True)
class CallIds:
    """SIDs as Twilio creates them: two letters and 32 hexadecimal digits."""

    account_sid: str
    call_sid: str
    stream_sid: str


@dataclass(frozen=True)
class Problem:
    """A protocol error of the server. ``code``: Twilio's error code, where it has one."""

    at_s: float
    code: str
    text: str


@dataclass
class MediaStream:
    """Pass server messages to ``receive``, call ``tick`` at ``due_s``, and send what both return.

    ``noise``: PCM16 frames repeated under the caller's audio.
    """

    ids: CallIds
    script: CallerScript
    parameters: dict[str, str] = field(default_factory=dict)
    noise: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        self.buffer = TwilioBuffer()
        self.said = bytearray()  # μ-law, the caller's frames as sent
        self.problems: list[Problem] = []
        self.frames_sent = 0
        self.first_media_s: float | None = None
        self._sequence = 0
        self._next = CallerFrame()
        self._tail = f'"}},"streamSid":"{self.ids.stream_sid}"}}'

    @property
    def wants_hang_up(self) -> bool:
        """The caller hangs up with their latest frame."""
        return self._next.hang_up

    @property
    def due_s(self) -> float:
        """The time of the next ``tick``."""
        return (self.frames_sent + 1) * FRAME_MS / 1000

    def opening(self) -> list[str]:
        """The messages ``connected`` and ``start``."""
        start: dict[str, Any] = {
            "accountSid": self.ids.account_sid,
            "streamSid": self.ids.stream_sid,
            "callSid": self.ids.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": SAMPLE_RATE_HZ, "channels": 1},
            "customParameters": self.parameters,
        }
        connected = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        return [connected, self._message("start", start)]

    def tick(self, now_s: float) -> list[str]:
        """Returns the frame that is due, then lets the script hear the agent and prepare the next one.

        ``now_s`` may be later than ``due_s`` in a late process: the agent's audio is played until then.
        """
        out = self._echo(self.buffer.advance(max(now_s, self.due_s)))
        frame = self._next
        audio = frame.audio
        if self.noise:
            audio = mix(audio, [self.noise[self.frames_sent % len(self.noise)]])
        out.append(self._media(audio.payload))
        self.said += audio.mulaw
        if frame.digit:
            out.append(self._message("dtmf", {"track": "inbound_track", "digit": frame.digit}))
        heard = self.buffer.heard_frame(self.frames_sent)
        self.frames_sent += 1
        audible = level_rms(heard) > AUDIBLE_RMS
        self._next = self.script.step(audible, self.buffer.idle)
        return out

    def receive(self, text: str | bytes, now_s: float) -> list[str]:
        """Takes one message of the server; returns the marks to send back."""
        if isinstance(text, bytes):
            return self._object(now_s, "31950", "binary message")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return self._object(now_s, "31924", f"not JSON: {text[:60]!r}")
        event = message.get("event") if isinstance(message, dict) else None
        if event not in ("media", "mark", "clear"):
            return self._object(now_s, "31924", f"unknown message: {text[:60]!r}")
        if message.get("streamSid") != self.ids.stream_sid:
            return self._object(now_s, "31924", f"{event} with streamSid {message.get('streamSid')!r}")
        if event == "clear":
            return self._echo(self.buffer.clear(now_s))
        body = message.get(event)
        if not isinstance(body, dict):
            return self._object(now_s, "31924", f"{event} without its body")
        return self._mark(body, now_s) if event == "mark" else self._play(body, now_s)

    def stop(self) -> str:
        """The message by which Twilio ends the stream."""
        return self._message("stop", {"accountSid": self.ids.account_sid, "callSid": self.ids.call_sid})

    def _play(self, body: dict[str, Any], now_s: float) -> list[str]:
        payload = body.get("payload")
        try:
            audio = base64.b64decode(payload, validate=True) if isinstance(payload, str) else b""
        except binascii.Error:
            audio = b""
        if not audio:
            return self._object(now_s, "31924", "media without base64 audio")
        if audio[:4] == b"RIFF":
            self._object(now_s, "31924", "media with a WAV header: the caller hears a click")
        if self.first_media_s is None:
            self.first_media_s = now_s
        discarded = self.buffer.discarded_bytes
        echoes = self.buffer.media(audio, now_s)
        if self.buffer.discarded_bytes > discarded:
            self._object(now_s, "31931", "more than 10 minutes buffered: audio discarded")
        return self._echo(echoes)

    def _mark(self, body: dict[str, Any], now_s: float) -> list[str]:
        name = body.get("name")
        if not isinstance(name, str) or not name:
            return self._object(now_s, "31924", "mark without a name")
        return self._echo(self.buffer.mark(name, now_s))

    def _object(self, now_s: float, code: str, text: str) -> list[str]:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(now_s, code, text))
        return []

    def _echo(self, echoes: list[MarkEcho]) -> list[str]:
        return [self._message("mark", {"name": echo.name}) for echo in echoes]

    def _media(self, payload: str) -> str:
        """Formatted by hand: json.dumps costs more than the rest of a frame."""
        self._sequence += 1
        timestamp = self.frames_sent * FRAME_MS
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound",'
            f'"chunk":"{self.frames_sent + 1}","timestamp":"{timestamp}","payload":"{payload}{self._tail}'
        )

    def _message(self, event: str, body: dict[str, Any]) -> str:
        self._sequence += 1
        return message_text(event, self._sequence, body, self.ids.stream_sid)


def message_text(event: str, sequence: int, body: dict[str, Any], stream_sid: str) -> str:
    """A message of Twilio's, but for media."""
    return json.dumps({"event": event, "sequenceNumber": str(sequence), event: body, "streamSid": stream_sid})
