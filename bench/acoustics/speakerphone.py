"""How the core fares on a speakerphone: ``python -m bench.acoustics.speakerphone`` (D1, E3).

Our own voice comes back through the line: delayed, quieter, duller, with the room around it. Whole calls in
simulated time through the real speech model; the agent speaks with the embedded voice.
"""

import statistics
import sys
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.acoustics.study import first_voiced_s
from bench.acoustics.tracks import LINES, SPEECH_DBFS, Track, spoken
from bench.options import options
from server.audio.frames import (
    FRAME_BYTES,
    SAMPLE_RATE_HZ,
    SILENT_FRAME,
    FrameHeard,
    mulaw_to_pcm16,
    pcm16_to_mulaw,
)
from server.audio.silero import SpeechModel
from server.audio.vad import EchoLevel
from server.hebrew.speak.sentences import split_sentences
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.providers.tts_cache import TtsCache
from server.turns.actions import Action
from server.turns.events import Event
from server.turns.machine import TurnMachine
from server.turns.params import TurnParams
from tests.simtime.call import SimCall
from tests.simtime.engines import SimTts
from tests.simtime.line import Line

NETWORK_S = 0.05  # each way, beside the echo's own delay
REVERB_S = 0.3  # the room's, to -60 dB
CUTOFF_HZ = 2000.0
SPEECH_OF_OURS = (
    "שלום, כאן הסוכנת הקולית של משרד התיווך, ואשמח לעזור במציאת דירה באזור המרכז. "
    "יש אצלנו עכשיו דירות בתל אביב, ברמת גן, בגבעתיים ובחולון, לקנייה וגם להשכרה. "
    "אפשר לספר לי כמה חדרים מתאימים, באיזו קומה, ומה התקציב בערך. "
    "אחר כך אציע כמה אפשרויות ונקבע יחד זמן נוח לביקור. "
    "המשרד פתוח בימים ראשון עד חמישי, וביום שישי עד הצהריים. "
    "אם נוח יותר, אפשר גם להשאיר מספר טלפון, ומישהו מהצוות יחזור עוד היום. "
    "אז מה מחפשים, דירה לקנייה או להשכרה?"
)


@cache
def our_voice(text: str) -> bytes:
    """μ-law of the embedded voice."""
    return pcm16_to_mulaw(speak_pcm16_8k(text))


class SpokenTts(SimTts):
    """The simulated voice's delays with real speech."""

    def audio(self, text: str) -> bytes:
        return our_voice(text)


@dataclass(frozen=True)
class Room:
    """How our voice comes back. ``until_s``: the handset is picked up then."""

    delay_ms: int
    gain_db: float
    until_s: float = 1e9

    @property
    def impulse_response(self) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """Direct path and reverberation, low-passed, at ``gain_db`` for speech-like noise."""
        source = np.random.default_rng(self.delay_ms)
        t = np.arange(int(REVERB_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        response = 0.12 * source.standard_normal(t.size) * 10 ** (-3 * t / REVERB_S)
        response[0] = 1.0
        pole = np.exp(-2 * np.pi * CUTOFF_HZ / SAMPLE_RATE_HZ)
        dull = (1 - pole) * pole ** np.arange(64)
        whole = np.convolve(response, dull)
        speech = np.frombuffer(mulaw_to_pcm16(our_voice(LINES[0])), "<i2").astype(float)
        gain = 10 ** (self.gain_db / 20) * np.std(speech) / np.std(np.convolve(speech, whole))
        return gain * whole


@dataclass
class EchoLine(Line):
    """Twilio with a speakerphone at its other end."""

    room: Room = Room(150, -15)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._response = self.room.impulse_response

    def put_frame(self, number: int) -> None:
        track = self.track[number * FRAME_BYTES : (number + 1) * FRAME_BYTES] or SILENT_FRAME
        own = np.frombuffer(mulaw_to_pcm16(track), "<i2") + self._echo_now(number)
        frame = pcm16_to_mulaw(np.clip(own, -32768, 32767).astype("<i2").tobytes())
        before = self.track
        self.track = bytes(number * FRAME_BYTES) + frame
        super().put_frame(number)
        self.track = before

    def _echo_now(self, number: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """What is heard of us in this frame: frames are sent when they are over, 20 ms after they began."""
        if number * 0.02 > self.room.until_s:
            return np.zeros(FRAME_BYTES)
        end = len(self.buffer.heard) - self.room.delay_ms * SAMPLE_RATE_HZ // 1000
        want = FRAME_BYTES + self._response.size - 1
        heard = bytes(self.buffer.heard[max(0, end - want) : max(0, end)]).rjust(want, b"\xff")
        played = np.frombuffer(mulaw_to_pcm16(heard), "<i2").astype(float)
        return np.convolve(played, self._response, "valid")


class NeverLearns(EchoLevel):
    """The bar without the echo of D1."""

    def __init__(self) -> None:
        super().__init__()
        self.level = 0

    def learn(self, rms: int, *, loud: bool) -> None:
        pass

    def was_echo(self, levels: object) -> None:
        pass


class SpeakerphoneCall(SimCall):
    """A call with a room in it. ``levels``: our echo's level as learnt, frame by frame."""

    def __init__(self, room: Room, track: Track, *, learns: bool = True, **more: Any) -> None:
        knobs = {"ai_greeting_he": SPEECH_OF_OURS, **more.pop("knobs", {})}
        super().__init__([], speech=partial(SpeechModel, 210), premade=False, knobs=knobs, **more)
        self.line = EchoLine(self.runtime, [], delay_s=NETWORK_S, track=track.mulaw, room=room)
        self.voice = SpokenTts(self.runtime, 0.05)
        self.voice.identity = "spoken"
        self.levels: list[int] = []
        self._learns = learns
        self.phrases = TtsCache([self.config.ai_greeting_he], [self.voice.identity])
        self.phrases.keep(
            self.voice.identity, self.config.ai_greeting_he, our_voice(self.config.ai_greeting_he)
        )

    def new_machine(self, params: TurnParams) -> TurnMachine:
        echo = EchoLevel() if self._learns else NeverLearns()
        with patch("server.audio.vad.EchoLevel", lambda: echo):
            machine = super().new_machine(params)
        handle = machine.handle

        def sampled(event: Event) -> list[Action]:
            self.levels += [echo.level] if isinstance(event, FrameHeard) else []
            return handle(event)

        machine.handle = sampled  # type: ignore[method-assign]
        return machine


ROOMS = tuple(Room(delay_ms, gain_db) for delay_ms, gain_db in product((60, 150, 300), (-10, -15, -20, -25)))
NOT_OURS = ["יש לי שאלה אחרת לגמרי"]
FRAGMENTS = [""]  # of our echo, until we have stopped: the STT make nothing of them
SOFT_DBFS = SPEECH_DBFS - 6
CALL_S = 45.0  # our speech lasts for 41


@dataclass(frozen=True)
class Stops:
    """Of a call in which the caller says nothing. ``last_s``: of our speech, when it was stopped last."""

    a_minute: float
    interruptions: int
    last_s: float


def stops_in(room: Room, *, learns: bool = True, seconds: float = CALL_S) -> Stops:
    call = SpeakerphoneCall(room, Track(seconds), learns=learns, stt=FRAGMENTS).run(seconds)
    cuts = [clear.at_s for clear in call.line.buffer.clears if clear.dropped_bytes]
    spoke_s = sum(byte != 0xFF for byte in call.line.buffer.heard) / SAMPLE_RATE_HZ
    last = max(cuts, default=0.0)
    return Stops(60 * len(cuts) / spoke_s, len(call.lines("BARGE_IN")), last)


def voices_over(
    room: Room, level_dbfs: float = SPEECH_DBFS, tries: int = 20, from_s: float = 3.0
) -> list[int | None]:
    """From a caller's first voiced frame over our echo to `clear`, in ms; None: it did not interrupt."""
    reactions: list[int | None] = []
    for n in range(tries):
        track = Track(from_s + 0.67 * n + 6)
        start_s = from_s + 0.67 * n
        track.put(start_s, spoken(LINES[n % len(LINES)], "f2", level_dbfs))
        voiced_s = first_voiced_s(track, start_s, start_s + 1)
        call = SpeakerphoneCall(room, track, stt=NOT_OURS).run(start_s + 5)
        clears = [at - voiced_s - NETWORK_S for at in call.sent("clear") if at > voiced_s]
        interrupted = bool(clears) and len(call.lines("BARGE_IN: interrupt")) >= 1
        reactions.append(round(clears[0] * 1000) if interrupted else None)
    return reactions


def levels_of(room: Room) -> tuple[int, int, int]:
    """The bar at our first word, after a second and a half of our speech, and five seconds later."""
    call = SpeakerphoneCall(room, Track(10), stt=NOT_OURS)
    call.run(9)
    return call.levels[50], call.levels[120], call.levels[370]


def forgotten(room: Room) -> tuple[int, int]:
    """The bar when the handset is picked up in mid-speech, and five seconds later."""
    call = SpeakerphoneCall(replace(room, until_s=10.0), Track(17), stt=NOT_OURS)
    call.run(16)
    return call.levels[500], call.levels[750]


def heard_after(room: Room, tries: int = 5) -> tuple[int, int]:
    """After our last word, with our echo still in the bar: soft callers heard; utterances that were echo."""
    heard = too_many = 0
    for n in range(tries):
        greeting = split_sentences(SPEECH_OF_OURS)[0]
        our_end_s = 0.8 + len(our_voice(greeting)) / SAMPLE_RATE_HZ
        track = Track(our_end_s + 6)
        track.put(our_end_s + 0.3 + 0.31 * n, spoken(LINES[n], "f2", SOFT_DBFS))
        knobs = {"ai_greeting_he": greeting}
        utterances = len(
            SpeakerphoneCall(room, track, stt=NOT_OURS, knobs=knobs).run(our_end_s + 5).stt.heard
        )
        heard += utterances >= 1
        too_many += max(0, utterances - 1)
    return heard, too_many


def main() -> int:
    print("Our voice back through the line; the caller says nothing. Generated audio only.")
    print(f"Beside the echo's delay {2 * NETWORK_S * 1000:.0f} ms of network.\n")
    print("delay  level  | stops a minute, interruptions: not learnt    learnt   | bar at 0, 1.2, 6 s")
    for room in ROOMS:
        without, learnt = stops_in(room, learns=False), stops_in(room)
        bars = " ".join(f"{level:5}" for level in levels_of(room))
        print(
            f"{room.delay_ms:4} ms {room.gain_db:4} dB | {without.a_minute:26.1f} {without.interruptions:6}"
            f"  {learnt.a_minute:14.1f} {learnt.interruptions:3} | {bars}",
            flush=True,
        )
    print("\na caller over the echo:   interrupted   clear after ms (median, max)")
    for room, level_dbfs in product(
        (Room(60, -10), Room(150, -15), Room(300, -20)), (SPEECH_DBFS, SOFT_DBFS)
    ):
        reactions = [ms for ms in voices_over(room, level_dbfs) if ms is not None]
        times = f"{statistics.median(reactions):.0f}, {max(reactions)}" if reactions else "-"
        name = f"{room.delay_ms} ms {room.gain_db} dB, caller {level_dbfs:.0f} dBFS"
        print(f"  {name:38} {len(reactions)}/20   {times}", flush=True)
    print("\nthe handset is picked up: bar then, 5 s later; after our last word: soft callers heard, echoes")
    for room in (Room(60, -10), Room(150, -15), Room(300, -20)):
        print(f"  {room.delay_ms} ms {room.gain_db} dB: {forgotten(room)}; {heard_after(room)}", flush=True)
    print("\nlouder than what is assumed:")
    for gain_db in (-8, -6, -3):
        loud = stops_in(Room(150, gain_db), seconds=CALL_S)
        print(
            f"  {gain_db} dB: {loud.a_minute:.1f} stops a minute, {loud.interruptions} interruptions, "
            f"the last stop {loud.last_s:.1f} s into the call"
        )
    return 0


if __name__ == "__main__":
    options(__doc__).parse_args()
    sys.exit(main())
