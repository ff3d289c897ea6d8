"""A thousand random conversations in simulated time: delays, failures, barge-ins, hang-ups.

    python -m bench.conversations [calls] [seed]

Counted, and to be none: silence of more than 4 s while the caller waits, an utterance answered twice,
speech of ours over the caller beyond the reaction to a barge-in, a call that does not end. The real shell
and core run.
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass

from bench.options import options
from server.providers.base import ProviderError, ReplyRequest
from server.turns.actions import FinishRecognition, Log
from server.turns.effects import EndCall, SaveLead, Transfer
from server.turns.events import DigitPressed
from tests.simtime.call import SimCall
from tests.simtime.line import LOUD, NOISE, NORMAL, VOICE, Sound
from tests.simtime.office import Office

MOST_SILENCE_S = 4.0
REACTION_S = 0.5
LOUDER = 0x2A  # 3 dB; a voice 12 dB under the others would be somebody else (A5)
LONG_S = 40.0
SAID = (
    *(
        "אני מחפשת דירה בחיפה",
        "שלושה חדרים בערך",
        "כמה זה עולה",
        "יש מרפסת",
        "התקציב שלי שני מיליון",
        "כן",
        "לא",
    ),
    *("רגע", "אהה", "אוקיי", "אני מחפש דירה של", "אפס חמש שתיים", "נציג בבקשה", "תודה להתראות", ""),
)
REPLIES = (
    "יש לנו כמה דירות כאלה בשכונה שקטה. המחיר תלוי בקומה ובנוף. מה התקציב?",
    "בשמחה. באיזו שכונה לחפש?",
    "המשפט הזה ארוך הרבה יותר מהאחרים, ויש בו כל מה שאפשר לומר על דירה אחת. ועוד משפט ארוך אחריו, כדי שיהיה "
    "במה להפריע. מתי נוח לבוא לראות?",
)
ACTS = ((), (), (), (), (SaveLead((("name", "דנה"),)),), (EndCall(),), (Transfer(),))


def utterances(dice: random.Random) -> list[Sound]:
    """Some of them over the agent, some with a pause inside; and noises."""
    sounds, at_s = [], dice.uniform(0.2, 5)
    while at_s < LONG_S - 12:
        for_s = dice.choice((0.4, 0.8, 1.2, 2.0, 3.5, 9.0))
        sounds.append(Sound(at_s, for_s, VOICE, dice.choice((NORMAL, LOUDER))))
        at_s += for_s + dice.choice((0.3, 0.45, 0.8, 1.5, 3.0, 5.0, 9.0))
        if dice.random() < 0.3:
            sounds.append(Sound(at_s - 0.25, 0.1, NOISE, LOUD))
    return sounds


def random_call(dice: random.Random) -> SimCall:
    """An engine works, mostly: each call draws how often it does not."""
    failing = dice.choice((0.0, 0.0, 0.1, 0.3))

    def reply(request: ReplyRequest) -> str | ProviderError | None:
        if (request.may_wait or request.may_listen) and dice.random() < 0.1:
            return "…"
        if dice.random() < failing:
            return dice.choice((None, ProviderError("down"), ProviderError("busy", retryable=True), ""))
        call.llm.acts = dice.choice(ACTS) if request.turn_number > 3 else ()
        return dice.choice(REPLIES)

    heard = [dice.choice((None, ProviderError("down"))) if dice.random() < failing else w for w in some(dice)]
    call = SimCall(
        utterances(dice),
        stt=heard,
        reply=reply,
        asr_s=dice.choice((0.05, 0.2, 0.4, 0.9)),
        llm_s=dice.choice((0.1, 0.35, 0.8, 1.3)),
        tts_s=dice.choice((0.05, 0.15, 0.5)),
        delay_s=dice.choice((0.0, 0.08)),
        lose_marks=dice.random() < 0.1,
        knobs={
            "speculative_turns": dice.random() < 0.8,
            "idle_prompt_sec": 8,
            "transfer_number": dice.choice(("", "+97231234567")),
        },
    )
    call.llm.sentence_s = dice.choice((0.0, 0.2, 0.6))
    call.stt.partials = dice.choice(([], [], ["אני מחפשת דירה"], ["אני מחפש דירה של"]))
    call.voice.fails = lambda text: dice.random() < failing
    Office(call)
    call.host["breath"] = dice.uniform
    return call


def some(dice: random.Random) -> list[str]:
    return [dice.choice(SAID) for _ in range(dice.randint(1, 8))]


@dataclass(frozen=True)
class Seen:
    """What was heard of the agent, as spans of seconds, and when the caller's utterances ended."""

    agent: list[tuple[float, float]]
    ended: list[float]
    cut: list[float]  # ends of turns that came without any silence (A4)
    until_s: float


def seen_of(call: SimCall, until_s: float) -> Seen:
    audio = bytes(call.line.buffer.heard)
    frames = [audio[at : at + 160].strip(b"\xff") != b"" for at in range(0, len(audio), 160)]
    agent, began = [], None
    for number, loud in enumerate([*frames, False]):
        if loud and began is None:
            began = number
        if not loud and began is not None:
            agent.append((began / 50, number / 50))
            began = None
    closed = [
        (at_s - action.silence_frames / 50, action.silence_frames)
        for (_, actions), at_s in zip(call.events, call.event_times, strict=True)
        for action in actions
        if isinstance(action, FinishRecognition)
    ]
    return Seen(agent, [at for at, _ in closed], [at for at, silence in closed if not silence], until_s)


def silences(call: SimCall, seen: Seen) -> list[float]:
    """Seconds that the caller has waited too long: from their words, or from our hint, to what comes next."""
    starts = sorted([at for at, _ in seen.agent] + [s.at_s for s in call.line.sounds if s.kind == VOICE])
    waits = list(seen.ended)
    too_long = []
    for end_s in waits:
        covered = any(at <= end_s < until for at, until in seen.agent)
        after = min(next((at for at in starts if at > end_s), seen.until_s), seen.until_s)
        if not covered and after - end_s > MOST_SILENCE_S:
            too_long.append(end_s)
    return too_long


def answered_twice(call: SimCall) -> int:
    """Answers beyond what was said or typed until then."""
    owed = twice = 0
    for event, actions in call.events:
        owed += isinstance(event, DigitPressed) + sum(isinstance(a, FinishRecognition) for a in actions)
        if any(isinstance(a, Log) and a.line.startswith("RESPONSE_GAP") for a in actions):
            twice += not owed
            owed = max(0, owed - 1)
    return twice


def over_the_caller(call: SimCall, seen: Seen) -> int:
    """Utterances we have talked over for longer than it takes to stop; not an unbroken voice (A4)."""
    times = 0
    for sound in call.line.sounds:
        until_s = sound.at_s + sound.for_s
        both = sum(max(0.0, min(end, until_s) - max(at, sound.at_s)) for at, end in seen.agent)
        cut = any(sound.at_s < at <= until_s for at in seen.cut)
        times += sound.kind == VOICE and not cut and both > REACTION_S
    return times


def main(calls: int, seed: int) -> int:
    found: Counter[str] = Counter()
    turns = 0
    for number in range(calls):
        dice = random.Random(f"{seed}.{number}")
        call = random_call(dice)
        until_s = LONG_S if dice.random() < 0.6 else dice.uniform(1, LONG_S)
        call.run(until_s)
        seen = seen_of(call, min(until_s, call.event_times[-1]))
        bad = {
            "dead air above 4 s": len(silences(call, seen)),
            "answered twice": answered_twice(call),
            "talked over the caller": over_the_caller(call, seen),
            "not over": len(call.runtime.alive()) + (not call.finished),
            "errors of ours": len(call.lines("_ERR sid")) + len(call.lines("CALL_ERR")),
        }
        turns += len(call.lines("RESPONSE_GAP"))
        for what, times in bad.items():
            found[what] += times
            if times:
                print(f"call {seed}.{number}: {what}: {times}")
    print(f"{calls} calls, {turns} answers")
    print("\n".join(f"{what}: {times}" for what, times in found.items()))
    return sum(found.values())


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("calls", nargs="?", type=int, default=1000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    words = parser.parse_args()
    sys.exit(bool(main(words.calls, words.seed)))
