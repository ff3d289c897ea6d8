"""How the real speech model and the core fare on noise: ``python -m bench.acoustics.study``.

Whole calls in simulated time through the real shell, Silero and all; every sound is generated, nobody's
recording. The STT hear whatever reaches them, so an utterance that should not exist is counted.
"""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

from bench.acoustics.tracks import LINES, SPEECH_DBFS, Track, hold_music, spoken
from bench.options import options
from server.audio.frames import FRAME_BYTES, level_rms
from server.audio.silero import SpeechModel
from tests.simtime.call import GREETING, SimCall

NOISES = ("white", "car", "hum")
NOISE_DBFS = SPEECH_DBFS - 10
SOFT_DBFS = SPEECH_DBFS - 10
AT_ONCE_S, LATER_S = 1.2, 2.5  # in the first second of our speech our echo is not known yet
REPLY = "זו תשובה ארוכה מספיק כדי שאפשר יהיה להפריע לה באמצע בלי שום קושי. ומה דעתך על זה עכשיו?"


def call_on(track: Track, seconds: float, **more: object) -> SimCall:
    """One call with ``track`` as the caller's line."""
    speech: Callable[[], SpeechModel] = partial(SpeechModel, 210)
    call = SimCall([], speech=speech, track=track.mulaw, reply=REPLY, stt=["דברים שנאמרו"], **more)  # type: ignore[arg-type]
    return call.run(seconds)


@dataclass(frozen=True)
class NoiseOnly:
    """``seconds`` of a sound and nothing else."""

    utterances: int
    answers: int
    greeted: bool


def noise_only(track: Track, seconds: float) -> NoiseOnly:
    """The greeting must come through, and nothing may be answered."""
    call = call_on(track, seconds)
    greeted = GREETING in call.texts and len(call.lines("tts_done")) >= 1
    return NoiseOnly(len(call.stt.heard), len(call.llm.requests), greeted)


@dataclass(frozen=True)
class Dialogue:
    """Five lines, each said when the agent has long finished."""

    answered: int
    utterances: int
    gaps_ms: list[int]


def dialogue(noise: str | None) -> Dialogue:
    """Every line must end and be answered, noise or not."""
    track = Track(62)
    at_s = 4.0
    for line in LINES:
        track.put(at_s, spoken(line))
        at_s += 11.5
    if noise is not None:
        track.noise(noise, NOISE_DBFS)
    call = call_on(track, 62)
    gaps = [int(line.split("ms=")[1].split()[0]) for line in call.lines("RESPONSE_GAP")]
    return Dialogue(len(call.llm.requests), len(call.stt.heard), gaps)


@dataclass(frozen=True)
class BargeIn:
    """A voice over the greeting, at several moments."""

    reaction_ms: list[int]  # from its first voiced frame to `clear`
    interrupted: int
    tried: int


def first_voiced_s(track: Track, from_s: float, until_s: float) -> float:
    """The first frame in the stretch that is louder than VAD_RMS, as the contract counts."""
    audio = track.mulaw
    for number in range(int(from_s * 50), int(until_s * 50)):
        if level_rms(audio[number * FRAME_BYTES : (number + 1) * FRAME_BYTES]) > 210:
            return number / 50
    return until_s


def barge_in(
    noise: str | None,
    tries: int = 20,
    level_dbfs: float = SPEECH_DBFS,
    *,
    early_stop: bool = False,
    from_s: float = LATER_S,
) -> BargeIn:
    """How fast a voice over the greeting stops the agent, on a quiet line or 10 dB over noise."""
    reaction, interrupted = [], 0
    for n in range(tries):
        clean = Track(12)
        start_s = from_s + 0.037 * n
        clean.put(start_s, spoken(LINES[n % len(LINES)], level_dbfs=level_dbfs))
        voiced_s = first_voiced_s(clean, start_s, start_s + 1)
        track = clean if noise is None else clean.noise(noise, level_dbfs + NOISE_DBFS - SPEECH_DBFS)
        call = call_on(track, 12, knobs={"ai_greeting_he": REPLY, "barge_in_early_stop": early_stop})
        interrupted += len(call.lines("BARGE_IN: interrupt")) == 1
        stops = [at for at in call.sent("clear") if at > voiced_s - 0.001]
        reaction += [round((stops[0] - voiced_s) * 1000)] if stops else []
    return BargeIn(reaction, interrupted, tries)


@dataclass(frozen=True)
class Burst:
    """One noise over the agent's speech."""

    stopped: bool
    resumed_after_ms: int
    lost: bool


def burst_over(kind: str, over: str, noise: str | None, offset_s: float) -> Burst:
    """A cough, click or door over the greeting, or over the reply to a first line."""
    track = Track(26)
    if over == "reply":
        track.put(1.0, spoken(LINES[0]))
    quiet = call_on(track, 26, knobs={"ai_greeting_he": REPLY if over == "greeting" else ""})
    at_s = quiet.heard[0].at_s + offset_s
    track.burst(kind, at_s)
    if noise is not None:
        track.noise(noise, NOISE_DBFS)
    call = call_on(track, 26, knobs={"ai_greeting_he": REPLY if over == "greeting" else ""})
    cut = [n for n in range(len(call.heard) - 1) if call.heard[n].text == call.heard[n + 1].text]
    gap_ms = round((call.heard[cut[0] + 1].at_s - call.heard[cut[0]].until_s) * 1000) if cut else 0
    return Burst(bool(cut), gap_ms, bool(call.lines("BARGE_IN")) or len(call.lines("tts_done")) < 1)


def far_voice(level_db: float) -> NoiseOnly:
    """Somebody else in the room, after the caller was heard twice: utterances beyond the caller's."""
    track = Track(60)
    track.put(4.0, spoken(LINES[0]))
    end_s = track.put(15.0, spoken(LINES[3])) + 10
    while end_s < 55:
        end_s = track.put(end_s, spoken(LINES[1], "f2", SPEECH_DBFS + level_db)) + 1.0
    call = call_on(track, 60)
    return NoiseOnly(len(call.stt.heard) - 2, len(call.llm.requests) - 2, True)


def main() -> int:
    print("All audio is generated (embedded voice, noise by code); no recording, no listener.\n")
    print("noise only, 100 s each:     utterances  answered  greeting heard")
    for kind in NOISES:
        result = noise_only(Track(100).noise(kind, NOISE_DBFS), 100)
        print(f"  {kind:24} {result.utterances:11} {result.answers:9}  {result.greeted}")
    print("\nfive lines, noise 10 dB under: answered  utterances  response gap ms (median)")
    for noise in (None, *NOISES):
        talk = dialogue(noise)
        gap = statistics.median(talk.gaps_ms) if talk.gaps_ms else float("nan")
        print(f"  {noise or 'quiet':28} {talk.answered}/5 {talk.utterances:11}  {gap:.0f}")
    print("\nbarge-in, 20 tries:      interrupted, clear after ms: median, max")
    for noise, level_dbfs, early_stop, from_s in product(
        (None, *NOISES), (SPEECH_DBFS, SOFT_DBFS), (False, True), (LATER_S, AT_ONCE_S)
    ):
        barge = barge_in(noise, level_dbfs=level_dbfs, early_stop=early_stop, from_s=from_s)
        median = statistics.median(barge.reaction_ms) if barge.reaction_ms else float("nan")
        most = max(barge.reaction_ms, default=0)
        when = ", first second" if from_s == AT_ONCE_S else ""
        name = f"{noise or 'quiet'}, {level_dbfs:.0f} dBFS{when}{', early stop' if early_stop else ''}"
        print(f"  {name:42} {barge.interrupted:2}/{barge.tried}  {median:8.0f} {most:5}")
    print("\nbursts over speech, 5 each:        stopped  lost  resumed after ms (max)")
    for kind in ("cough", "click", "door"):
        for over in ("greeting", "reply"):
            for noise in (None, "white", "car"):
                bursts = [burst_over(kind, over, noise, 0.8 + 0.31 * n) for n in range(5)]
                name = f"{kind} over {over}, {noise or 'quiet'}"
                worst = max(burst.resumed_after_ms for burst in bursts)
                stopped, lost = sum(b.stopped for b in bursts), sum(b.lost for b in bursts)
                print(f"  {name:34} {stopped}/5   {lost}/5  {worst}")
    print("\nno claim, counts only:             utterances  answered in a minute")
    music = Track(60)
    music.put(0, hold_music(60))
    result = noise_only(music, 60)
    print(f"  {'hold music at the speech level':34} {result.utterances:9} {result.answers:9}")
    for level_db in (-6, -12, -18, -24):
        far = far_voice(level_db)
        print(f"  {f'far voice, {level_db} dB':34} {far.utterances:9} {far.answers:9}")
    return 0


if __name__ == "__main__":
    options(__doc__).parse_args()
    sys.exit(main())
