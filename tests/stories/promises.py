"""What every call keeps to, whatever its story: checked on each one."""

from collections.abc import Iterator

from server.audio.frames import level_rms
from server.settings.turn_params import dialogue_params
from server.turns.actions import FinishRecognition, Log
from server.turns.events import DigitPressed, FinalTranscript
from server.turns.machine import TurnMachine
from tests.simtime.line import VOICE, Sound, frame
from tests.stories.telling import Told

REACTION_S = 0.5  # to a caller who speaks over the agent
MOST_SILENCE_S = 4.0  # while the caller waits
BACKGROUND = 1 / 4  # 12 dB under the caller's voice: somebody else


def broken_promises(told: Told) -> list[str]:
    """In words; empty when all were kept."""
    return [
        *_no_bug(told),
        *_one_answer_each(told),
        *_no_talk_over_the_caller(told),
        *_no_dead_air(told),
        *_same_call_again(told),
        *_nothing_left(told),
    ]


def _no_bug(told: Told) -> Iterator[str]:
    for bug in ("CALL_ERR", "TX_ERR", "RX_ERR", "ENGINE_ERR"):
        yield from told.call.lines(bug)


def _one_answer_each(told: Told) -> Iterator[str]:
    """B2: between two answers the caller has said something, or turns out to have: behind a guess (D4)."""
    said = True
    for (event, actions), at_s in zip(told.call.events, told.call.event_times, strict=True):
        said = (
            said
            or isinstance(event, DigitPressed | FinalTranscript)
            or any(isinstance(a, FinishRecognition) for a in actions)
        )
        if any(isinstance(a, Log) and a.line.startswith("RESPONSE_GAP") for a in actions):
            if not said:
                yield f"answered twice, at {at_s:.2f} s"
            said = False


def callers_voices(told: Told) -> list[Sound]:
    """The sounds that are the caller speaking to us, and loud enough to be."""
    config = told.call.config
    level = {id(s): level_rms(frame(VOICE, s.magnitude, 0)) for s in told.story.sounds if s.kind == VOICE}
    loudest = max(level.values(), default=0)
    named = zip(told.story.sounds, told.story.names, strict=True)
    return [
        sound
        for sound, name in named
        if name not in ("echo", "far")
        and id(sound) in level
        and level[id(sound)] > max(BACKGROUND * loudest, config.barge_in_rms, 1.5 * config.vad_rms)
    ]


def _no_talk_over_the_caller(told: Told) -> Iterator[str]:
    """D1, D2: but an unbroken voice of twice MAX_UTT_SEC is (A4), and a notice is heard to its end (B6)."""
    config = told.call.config
    if not config.barge_in:
        return
    notice = config.ai_greeting_he if config.greeting_protected else None
    for voice in callers_voices(told):
        if voice.for_s >= 2 * config.max_utt_sec:
            continue
        both = sum(
            max(0.0, min(said.until_s or 0.0, voice.until_s) - max(said.at_s or 0.0, voice.at_s))
            for said in told.lane("agent")
            if said.what != notice
        )
        if both > REACTION_S:
            yield f"talks {both:.2f} s over the caller at {voice.at_s:.2f} s"


def _no_dead_air(told: Told) -> Iterator[str]:
    """G3: behind the caller's words, or behind a hint, there is something to hear within 4 s."""
    hint = told.call.config.thinking_text_he
    spoken = [s for s in callers_voices(told) if s.words]
    waits = [(s.until_s, True, s.at_s) for s in spoken] + [(at_s, True, at_s) for at_s, _ in told.story.keys]
    waits += [(m.until_s or 0.0, m.what == hint, m.at_s or 0.0) for m in told.lane("agent")]
    waits.sort()
    begins = sorted(at_s for *_, at_s in waits)
    for until_s, waiting, _ in waits:
        after = next((at_s for at_s in begins if at_s > until_s), told.story.ends_s)
        covered = any(at_s <= until_s < end_s for end_s, _, at_s in waits)
        if waiting and not covered and after - until_s > MOST_SILENCE_S:
            yield f"dead air from {until_s:.2f} to {after:.2f} s"


def _same_call_again(told: Told) -> Iterator[str]:
    """Time: the events alone give the same call again."""
    again = TurnMachine(dialogue_params(told.call.config))
    for (event, actions), at_s in zip(told.call.events, told.call.event_times, strict=True):
        if again.handle(event) != actions:
            yield f"its events give another call from {at_s:.2f} s on"
            return


def _nothing_left(told: Told) -> Iterator[str]:
    """F6: a second after the end of the call, and when its last words are understood."""
    call = told.call
    if not told.over_in_time:
        yield "the call is not over"
    if call.runtime.alive():
        yield f"still running: {call.runtime.alive()}"
    left = {"stt": call.stt.open_streams, "llm": call.llm.open_streams, "voice": call.voice.open_streams}
    yield from (f"{streams} {name} left open" for name, streams in left.items() if streams)
