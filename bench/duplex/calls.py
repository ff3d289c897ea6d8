"""The calls of the panel, in simulated time through the real speech model: ``run`` one, get its time line."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.acoustics.pauses import StreamingStt
from bench.acoustics.tracks import SPEECH_DBFS, Track
from bench.duplex.agent import Replies, give_voice
from bench.duplex.audible import audible
from bench.duplex.caller import INTERRUPTS, NOISES, Caller, Turn
from bench.duplex.voices import NODS, speakers
from server.audio.frames import FRAME_BYTES, pcm16_to_mulaw
from server.audio.silero import SpeechModel
from server.audio.vad import EnergyOnly
from server.tune.duplex.timeline import TimeLine
from tests.simtime.call import SimCall
from tests.simtime.line import Line

STT_S, LLM_S, TTS_S = 0.2, 0.35, 0.15
LONGEST_S = 150
CALLS, TURNS_A_CALL = 26, 4
PAUSES_MS = (300, 500, 700, 900)
OVER_A_REPLY = {
    INTERRUPTS: 16,
    **{nod: 4 for nod in NODS},
    **dict.fromkeys((*NOISES, "far voice", "background"), 8),
}
IN_SILENCE = {**dict.fromkeys(NOISES, 4), "far voice": 6, "background": 6}
BACKGROUNDS = {"quiet": None, "white10": ("white", -10), "car10": ("car", -10), "babble15": ("babble", -15)}
DEFAULTS = {"speculative_turns": True, "resp_max_delay_ms": 360}  # of the server, which SimCall has otherwise


@dataclass(frozen=True)
class Setting:
    """What calls have in common. ``noise``: a name of BACKGROUNDS, under the whole call.

    ``level_db``: the caller's voice against -20 dBFS. ``interims_s``: so far behind are the STT's interim
    transcripts; None: it has none. ``recordings``: a folder of them; None: generated voices.
    """

    knobs: dict[str, Any] = field(default_factory=dict)
    noise: str = "quiet"
    level_db: float = 0.0
    interims_s: float | None = None
    recordings: Path | None = None


class Encoded(bytes):
    """A track that is still being made, as the μ-law that ``Line`` takes slices of."""

    made: Track

    def __getitem__(self, part: Any) -> Any:
        return pcm16_to_mulaw(bytes(self.made.pcm[2 * part.start : 2 * part.stop]))


@dataclass
class DuplexLine(Line):
    """Twilio with a caller at its other end who hears what is played."""

    caller_who_listens: Caller | None = None

    def put_frame(self, number: int) -> None:
        assert self.caller_who_listens is not None
        heard = bytes(self.buffer.heard[-FRAME_BYTES:])
        self.caller_who_listens.step(number * 0.02, bool(heard.strip(b"\xff\x7f")))
        super().put_frame(number)


def run(turns: Sequence[Turn], setting: Setting, seed: str) -> TimeLine:
    """One call. The same seed makes the same call, as long as the agent does the same."""
    dice = random.Random(seed)
    track = background(setting.noise)
    caller = Caller(track, dice.choice(speakers(setting.recordings)), turns, dice, setting.level_db)
    call = place(caller, track, setting, seed)
    live(call, caller, seed)
    return TimeLine(tuple(caller.sounds), audible(bytes(call.line.buffer.heard)))


def place(caller: Caller, track: Track, setting: Setting, seed: str) -> SimCall:
    """A call of this caller, who makes ``track``; ``live`` it."""
    call = SimCall(
        [], llm_s=LLM_S, reply=Replies(), premade=False, knobs={**DEFAULTS, **setting.knobs}, **judge(setting)
    )
    call.host["breath"] = random.Random(seed).uniform
    encoded = Encoded()
    encoded.made = track
    call.line = DuplexLine(call.runtime, [], track=encoded, caller_who_listens=caller)
    call.stt = StreamingStt(call.runtime, [], STT_S)
    call.stt.words, call.stt.lag_s = caller.words, setting.interims_s
    give_voice(call, TTS_S)
    return call


def live(call: SimCall, caller: Caller, seed: str) -> None:
    """Until the caller has no more to say, and hangs up."""
    call.run(0, hang_up=False)
    second = 0
    while not caller.done:
        assert second < LONGEST_S, f"the caller of {seed} never came to an end"
        for number in range(second * 50, second * 50 + 50):
            call.runtime.call_at(number * 0.02, partial(call.line.put_frame, number))
        second += 1
        call.until(second - 0.001)
    call.line.deliver({"event": "stop"})
    call.until(second + 3)


def judge(setting: Setting) -> dict[str, Any]:
    """The speech model of these knobs, as the server makes it."""
    if setting.knobs.get("vad_engine") == "energy":
        return {"speech": EnergyOnly}
    return {"speech": partial(SpeechModel, int(setting.knobs.get("vad_rms", 210)))}


def background(noise: str) -> Track:
    """The line before the caller says anything."""
    track = Track(LONGEST_S)
    found = BACKGROUNDS[noise]
    if found is None:
        return track
    kind, level_db = found
    level_dbfs = SPEECH_DBFS + level_db
    return track.babble(level_dbfs) if kind == "babble" else track.noise(kind, level_dbfs)


def plan(seed: int) -> list[list[Turn]]:
    """26 calls of four turns: 32 with a pause in them, 72 with a sound over the answer, 24 behind a sound."""
    dice = random.Random(seed)
    over = [name for name, times in OVER_A_REPLY.items() for _ in range(times)]
    pauses = [ms for ms in PAUSES_MS for _ in range(8)]
    turns = [Turn(over=name) for name in over] + [Turn(pause_ms=ms) for ms in pauses]
    dice.shuffle(turns)
    silent = [name for name, times in IN_SILENCE.items() for _ in range(times)]
    for place, name in zip(dice.sample(range(len(turns)), len(silent)), silent, strict=True):
        turns[place] = Turn(turns[place].over, turns[place].pause_ms, name)
    return [turns[n : n + TURNS_A_CALL] for n in range(0, CALLS * TURNS_A_CALL, TURNS_A_CALL)]
