"""The far end of a simulated call: frames every 20 ms, in silence too or not; Twilio's playback buffer."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import Enum
from math import ceil

from simple_websocket import ConnectionClosed

from server.audio.frames import FRAME_BYTES, SILENT_FRAME
from server.audio.twilio_buffer import MarkEcho, TwilioBuffer
from server.providers.base import ProviderError, Transcript
from server.runtime.threads import Channel, Closed, Late
from tests.simtime.runtime import SimRuntime

SID = "MZ1"
Hears = str | Transcript | ProviderError | None  # None: never answers


class Same(Enum):
    """The STT hear what was said."""

    SAME = "same"


SAME = Same.SAME
VOICE, NOISE = 0x80, 0x00  # the sign of a frame's samples says what it is; see SimSpeech
LOUD, NORMAL, FAR, HISS = 0x0A, 0x32, 0x5A, 0x70  # μ-law magnitudes (inverted): RMS 22000, 3900, 560, 120


def frame(kind: int, magnitude: int, number: int) -> bytes:
    """160 bytes of one level, with its number in four quiet ones, so that lost frames can be told."""
    digits = [kind | 0x70 | number >> shift & 0xF for shift in (12, 8, 4, 0)]
    return bytes([kind | magnitude, *digits]) + bytes([kind | magnitude]) * 155


def numbers(mulaw_8k: bytes) -> list[int]:
    """The numbers of the frames in some audio, silence left out."""
    frames = [mulaw_8k[i : i + FRAME_BYTES] for i in range(0, len(mulaw_8k), FRAME_BYTES)]
    return [
        sum((byte & 0xF) << shift for byte, shift in zip(one[1:5], (12, 8, 4, 0), strict=True))
        for one in frames
        if one != SILENT_FRAME
    ]


class SimSpeech:
    """A speech model that knows: voice has the sign bit. It takes 160 ms to believe and 60 to stop."""

    ON_AFTER, OFF_AFTER = 8, 3

    def __init__(self) -> None:
        self._voice = self._other = 0
        self._speech = False

    def feed(self, mulaw_8k: bytes, rms: int) -> float:
        voiced = rms > 20 and mulaw_8k[0] & 0x80
        self._voice = self._voice + 1 if voiced else 0
        self._other = 0 if voiced else self._other + 1
        if self._voice >= self.ON_AFTER:
            self._speech = True
        elif self._other >= self.OFF_AFTER:
            self._speech = False
        return 0.9 if self._speech else 0.05


@dataclass
class Sound:
    """Something on the caller's line. The rest is for an STT that hear by sound (``SimStt.by_sound``).

    ``words``: what the caller says, one word as long as the other. ``hears``: what the STT make of it
    where that is something else (None: they never answer). ``takes_s``: from the end of the utterance to
    its transcript. ``guesses``: partial transcripts, each so many seconds after the sound's beginning.
    """

    at_s: float
    for_s: float
    kind: int = VOICE
    magnitude: int = NORMAL
    words: str = ""
    hears: "Hears | Same" = SAME
    takes_s: float | None = None
    guesses: tuple[tuple[float, str], ...] = ()

    @property
    def until_s(self) -> float:
        return self.at_s + self.for_s

    @property
    def frames(self) -> range:
        """The numbers of its frames on the line."""
        return range(ceil(self.at_s * 50 - 1e-6), ceil(self.until_s * 50 - 1e-6))

    def words_in(self, heard: set[int]) -> str:
        """The words of which every frame was ``heard``: a lost syllable is a lost word."""
        match self.hears:
            case Transcript(text) | str(text):
                words = text.split()
            case _:  # an STT that fail or never answer may have guessed
                words = self.words.split()
        begin, length = self.frames.start, len(self.frames)
        edges = [begin + round(n * length / len(words)) for n in range(len(words))] + [begin + length]
        return " ".join(
            word
            for word, start, end in zip(words, edges, edges[1:], strict=False)
            if heard.issuperset(range(start, end))
        )


class Silence(Enum):
    """What the far end makes of frames without any sound."""

    SENT = "sent"  # as Twilio does
    LEFT_OUT = "left out"  # the stamps of what follows say so
    UNTOLD = "untold"  # they do not


@dataclass
class Line:
    """Plays the caller's sounds into the socket and collects what the caller hears. Is the WebSocket."""

    runtime: SimRuntime
    sounds: list[Sound]
    delay_s: float = 0.0
    keys: list[tuple[float, str]] = field(default_factory=list)
    raw: list[tuple[float, str | bytes]] = field(default_factory=list)
    start: bool = True
    lose_marks: bool = False
    lost_from_s: float = 0.0  # caller frames that the network loses
    lost_until_s: float = 0.0
    stalled_from_s: float = 0.0  # caller frames that the network keeps, and delivers at the end of it
    stalled_until_s: float = 0.0
    silence: Silence = Silence.SENT
    track: bytes = b""  # μ-law of the caller's whole call, in the place of ``sounds``
    caller: str = "+972501234567"  # or a number that hides it
    parameters: dict[str, str] = field(default_factory=dict)  # of the TwiML, beside the number

    def __post_init__(self) -> None:
        self.receiver: Channel[str | bytes] = Channel(self.runtime, 100_000)
        self.buffer = TwilioBuffer()
        self.sent: list[tuple[float, str]] = []  # what reached the wire, and when
        self.closed = False
        self.close_reason: int | None = None
        self._origin = self.runtime.now
        self._frames_sent = 0

    # ---- the socket ----

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        try:
            return self.receiver.get(timeout)
        except Late:
            return None
        except Closed:
            raise ConnectionClosed(1006) from None

    def send(self, data: str) -> None:
        if self.closed:
            raise ConnectionClosed(1006)
        self.sent.append((self.runtime.now - self._origin, data))
        self.runtime.call_at(self.runtime.now + self.delay_s, lambda: self._arrived(data))

    def close(self, reason: int | None = None) -> None:
        self.closed, self.close_reason = True, reason
        self.receiver.close()

    # ---- Twilio ----

    def ring(self, seconds: float) -> None:
        """Schedule ``seconds`` of call from now."""
        if self.start:
            self.deliver({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            start = {
                "streamSid": SID,
                "callSid": "CA1",
                "customParameters": {"from": self.caller, **self.parameters},
            }
            self.deliver({"event": "start", "start": start, "streamSid": SID})
        for number in range(round(seconds * 50)):
            self.runtime.call_at(self._origin + number * 0.02, lambda number=number: self.put_frame(number))
        for at_s, key in self.keys:
            message = {"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": key}}
            self.runtime.call_at(self._origin + at_s, lambda message=message: self.deliver(message))
        for at_s, text in self.raw:
            self.runtime.call_at(self._origin + at_s, lambda text=text: self.receiver.put(text))

    def deliver(self, message: dict[str, object]) -> None:
        """One message from Twilio, after the network's delay."""
        text = json.dumps(message)
        self.runtime.call_at(self.runtime.now + self.delay_s, lambda: self.receiver.put(text))

    @property
    def at_s(self) -> float:
        return self.runtime.now - self._origin

    def put_frame(self, number: int) -> None:
        at_s = number * 0.02
        audio = self.track[number * FRAME_BYTES : (number + 1) * FRAME_BYTES] or SILENT_FRAME
        for sound in self.sounds:
            if sound.at_s - 1e-9 <= at_s < sound.at_s + sound.for_s - 1e-9:
                audio = frame(sound.kind, sound.magnitude, number)
        if self.silence is Silence.SENT or audio != SILENT_FRAME:
            self._deliver_audio(audio, at_s)
        self._echo(self.buffer.advance(self.at_s))

    def _deliver_audio(self, audio: bytes, at_s: float) -> None:
        stamp_ms = self._frames_sent * 20 if self.silence is Silence.UNTOLD else round(at_s * 1000)
        self._frames_sent += 1
        media = {"track": "inbound", "timestamp": str(stamp_ms), "payload": b64encode(audio).decode()}
        if self.lost_from_s <= at_s < self.lost_until_s:
            return
        message: dict[str, object] = {"event": "media", "media": media}
        if self.stalled_from_s <= at_s < self.stalled_until_s:
            # Before what is sent then: nothing overtakes.
            self.runtime.call_at(self._origin + self.stalled_until_s - 0.001, lambda: self.deliver(message))
        else:
            self.deliver(message)

    def _arrived(self, data: str) -> None:
        message = json.loads(data)
        match message["event"]:
            case "media":
                self._echo(self.buffer.media(b64decode(message["media"]["payload"]), self.at_s))
            case "mark":
                self._echo(self.buffer.mark(message["mark"]["name"], self.at_s))
            case "clear":
                self._echo(self.buffer.clear(self.at_s))

    def _echo(self, echoes: list[MarkEcho]) -> None:
        for echo in echoes:
            if not self.lose_marks:
                self.deliver({"event": "mark", "mark": {"name": echo.name}})
