"""What an early start is worth (B3): 100 turns with it and without, providers 200/350/150 ms, simulated time.

    python -m bench.early [turns]

Every second turn has a pause of 0.3-0.45 s inside it: there an early start is for nothing, and is dropped.
"""

import random
from dataclasses import dataclass
from statistics import median

from bench.options import options
from server.providers.base import ReplyRequest
from server.turns.actions import GenerateReply
from server.turns.events import Event, ReplyDelay
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

ASR_MS, LLM_MS, TTS_MS = 200, 350, 150
ENGINES_MS = ASR_MS + LLM_MS + TTS_MS
HANGOVER_MS, SILENCE_MS = 140, 480
CLOSING_MS = HANGOVER_MS + SILENCE_MS
TURN_S = 12.0


@dataclass(frozen=True)
class Measured:
    """Milliseconds, one of each a turn; and questions to the LLM that were dropped, a minute of speech."""

    gaps: list[int]
    expected: list[float]
    cancelled_a_minute: float

    @property
    def off(self) -> list[float]:
        """How far each gap is from what it should be."""
        return [gap - due for gap, due in zip(self.gaps, self.expected, strict=True)]


def sounds_of(turns: int, dice: random.Random) -> list[Sound]:
    sounds = []
    for turn in range(turns):
        at_s, long_s = 3 + TURN_S * turn, dice.randrange(75, 150) / 50
        sounds.append(Sound(at_s, long_s))
        if turn % 2:
            sounds.append(Sound(at_s + long_s + dice.randrange(15, 23) / 50, 1.5))
    return sounds


def new_each_time(request: ReplyRequest) -> str:
    """What was said before would be in the cache."""
    return f"זו תשובה מספר {request.turn_number}. ומה עוד?"


def measure(turns: int, *, early: bool) -> Measured:
    dice = random.Random(1)
    sounds = sounds_of(turns, dice)
    knobs = {"speculative_turns": early, "resp_max_delay_ms": 360, "max_call_sec": 14400}
    call = SimCall(
        sounds,
        reply=new_each_time,
        asr_s=ASR_MS / 1000,
        llm_s=LLM_MS / 1000,
        tts_s=TTS_MS / 1000,
        knobs=knobs,
    )
    call.host["breath"] = dice.uniform
    call.run(3 + TURN_S * turns)
    gaps = [int(line.split("ms=")[1].split()[0]) for line in call.lines("RESPONSE_GAP")]
    breaths = [event.frames * 20 for event in events(call) if isinstance(event, ReplyDelay)]
    thoughts = sum(isinstance(action, GenerateReply) for _, actions in call.events for action in actions)
    speech_s = sum(sound.for_s for sound in sounds)
    return Measured(
        gaps,
        [expected_ms(breath, early=early) for breath in breaths],
        (thoughts - len(gaps)) / speech_s * 60,
    )


def events(call: SimCall) -> list[Event]:
    return [event for event, _ in call.events]


def expected_ms(breath_ms: float, *, early: bool) -> float:
    if early:
        return max(CLOSING_MS + breath_ms, HANGOVER_MS + ENGINES_MS)
    return CLOSING_MS + max(breath_ms, ENGINES_MS)


def main(turns: int) -> None:
    print(f"{turns} turns each, engines {ASR_MS}/{LLM_MS}/{TTS_MS} ms, closing silence {CLOSING_MS} ms\n")
    print("early start | gap ms: least median most | off the formula: most | cancelled a minute of speech")
    for early, formula in (
        (False, "closing silence + max(breath, engines)"),
        (True, "max(closing silence + breath, hangover + engines)"),
    ):
        seen = measure(turns, early=early)
        worst = max(seen.off, key=abs)
        print(
            f"{'on' if early else 'off':11} | {min(seen.gaps):14} {median(seen.gaps):6.0f} {max(seen.gaps):4}"
            f" | {worst:+21.0f} | {seen.cancelled_a_minute:.1f}   {formula}"
        )


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("turns", nargs="?", type=int, default=100)
    main(parser.parse_args().turns)
