"""Tries every configured engine once, as a call would: ``./start_all.sh check``.

Prints a table and what each engine said; the exit status is 1 when the configured engines cannot hold a call.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from server.config import Config, KnobError, env_file_remarks, load_config
from server.core.frames import SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.engines.base import EngineError, Recognizer, ReplyRequest, Responder, Synthesizer, Transcript
from server.engines.registry import asr_timeout_ms
from server.engines.reply.spoken import SpokenReply
from server.phrases import SpokenSentence
from server.privacy import install_secrets_filter, without_secrets
from server.runtime import Channel, Late, Threads
from server.streams import BoundedStream, Stream
from server.turn_pipeline import Engines, build_engines

HEADING = f"{'':<7}{'engine':<10}{'works':<7}first"
PHRASE = "אני מחפש דירה בתל אביב"
ALIKE = 60  # of 100: a wrong word is no wrong language
TRIAL_S = 10.0
LOAD_S = 30.0
CHUNK_BYTES = SAMPLE_RATE_HZ // 10
Clock = Callable[[], float]


@dataclass(frozen=True)
class Trial:
    """One engine's try. ``problem`` is empty when a call can use it; ``first_ms`` None: nothing came."""

    kind: str
    name: str
    problem: str
    first_ms: int | None = None
    result: str = ""

    @property
    def works(self) -> bool:
        return not self.problem


def try_engines(config: Config, engines: Engines) -> Iterator[Trial]:
    """Voices, then ears (which hear what a voice said), then minds; each as soon as it is known. Blocks."""
    spoken: bytes | None = None
    for voice in engines.voices:
        trial, pcm16 = _try_voice(config, voice)
        spoken = spoken or pcm16
        yield trial
    for ears in engines.ears:
        yield _try_ears(config, ears, engines, spoken)
    for mind in engines.minds:
        yield _try_mind(config, mind)


def _try_voice(config: Config, voice: Synthesizer) -> tuple[Trial, bytes | None]:
    def speak(clock: Clock) -> tuple[float | None, bytes]:
        return _read("voice", SpokenSentence(voice, PHRASE), clock)

    trial, pcm16 = _tried("voice", voice, speak, config.tts_timeout_ms, "TTS_TIMEOUT_MS")
    if pcm16 is None:
        return trial, None
    return _with_result(trial, f"{len(pcm16) / 2 / SAMPLE_RATE_HZ:.1f} s of audio"), pcm16


def _try_ears(config: Config, ears: Recognizer, engines: Engines, spoken: bytes | None) -> Trial:
    """Without a voice the ears get silence, and need not hear anything in it."""
    mulaw_8k = pcm16_to_mulaw(spoken or bytes(2 * SAMPLE_RATE_HZ))
    heard: list[Transcript] = []

    def hear(clock: Clock) -> tuple[float | None, str]:
        recognition = ears.open(engines.minds.first.opening, 1, TRIAL_S)
        reader = BoundedStream(Threads(), "check", recognition, first_s=TRIAL_S, next_s=TRIAL_S)
        for start in range(0, len(mulaw_8k), CHUNK_BYTES):
            recognition.feed(mulaw_8k[start : start + CHUNK_BYTES])
            time.sleep(0.1)  # as fast as a caller speaks
        recognition.finish()
        began = clock()
        finals = [transcript for transcript in reader if transcript.is_final]
        heard.extend(finals)
        return clock() - began, " ".join(final.text for final in finals)

    after_ms = round(asr_timeout_ms(config, ears.name)) - _closing_silence_ms(config)
    trial, _ = _tried("ears", ears, hear, after_ms, "ASR_TIMEOUT_MS")
    words = " ".join(final.text for final in heard).strip()
    problem = _misheard(words, heard, config.asr_min_confidence) if trial.works and spoken else ""
    return Trial("ears", ears.name, problem, trial.first_ms) if problem else _with_result(trial, words)


def _misheard(words: str, heard: list[Transcript], min_confidence: float) -> str:
    """What is wrong with what was heard of the phrase; a word may be."""
    if not words:
        return f"heard nothing in {PHRASE!r}; is this its language?"
    if fuzz.ratio(words, PHRASE) < ALIKE:
        return f"heard {words!r} for {PHRASE!r}; is this its language?"
    sure = [final.confidence for final in heard if final.confidence is not None]
    if sure and min(sure) < min_confidence:
        return f"is only {min(sure):.2f} sure of {words!r}: below ASR_MIN_CONFIDENCE a caller is asked again"
    return ""


def _try_mind(config: Config, mind: Responder) -> Trial:
    request = ReplyRequest(PHRASE, (), 1, config.llm_target_style, config.llm_min_chars, config.llm_max_chars)

    def think(clock: Clock) -> tuple[float | None, str]:
        return _read("mind", SpokenReply(mind, request, TRIAL_S), clock, between=" ")

    trial, reply = _tried(
        "mind", mind, think, config.llm_first_token_timeout_ms, "LLM_FIRST_TOKEN_TIMEOUT_MS"
    )
    said = " ".join((reply or "").split())
    if trial.works and not said:
        return Trial("mind", mind.name, "gave an empty reply", trial.first_ms)
    return _with_result(trial, said)


def _read(name: str, stream: Stream[Any], clock: Clock, *, between: Any = None) -> tuple[float | None, Any]:
    """Seconds to the first item, and all items joined, ``between`` in between; None when there was none."""
    began = clock()
    first_s: float | None = None
    whole: Any = None
    bounded = BoundedStream(Threads(), name, stream, first_s=TRIAL_S, next_s=TRIAL_S)
    for item in bounded:
        if first_s is None and item:  # a mind at work gives nothing at first
            first_s = clock() - began
        whole = item if whole is None else whole + item if between is None else whole + between + item
        if clock() - began > TRIAL_S:
            bounded.cancel()
            raise EngineError(f"not done after {TRIAL_S:.0f} s")
    return first_s, whole


def _tried(
    kind: str,
    engine: Synthesizer | Recognizer | Responder,
    attempt: Callable[[Clock], tuple[float | None, Any]],
    limit_ms: int,
    knob: str,
) -> tuple[Trial, Any]:
    """Load the engine, then time it: a server is warm before its first call, so loading does not count."""
    try:
        _in_time(engine.warm)
        first_s, result = attempt(time.monotonic)
    except Exception as error:  # whatever an engine raises is what this is here to show
        return Trial(kind, engine.name, str(error) or type(error).__name__), None
    first_ms = None if first_s is None else round(first_s * 1000)
    slow = first_ms is not None and first_ms > limit_ms
    problem = f"too slow: a call waits {limit_ms} ms for it; raise {knob}" if slow else ""
    return Trial(kind, engine.name, problem, first_ms), result


def _in_time(load: Callable[[], None]) -> None:
    """Run ``load``; what it raises is raised, and EngineError when it does not return."""
    ended: Channel[Exception | None] = Channel(Threads(), 1)

    def run() -> None:
        try:
            load()
        except Exception as error:
            ended.put(error)
        else:
            ended.put(None)

    Threads().spawn("check", run)
    try:
        error = ended.get(LOAD_S)
    except Late:
        raise EngineError(f"not loaded after {LOAD_S:.0f} s") from None
    if error is not None:
        raise error


def _with_result(trial: Trial, result: str) -> Trial:
    return Trial(trial.kind, trial.name, trial.problem, trial.first_ms, result)


def _closing_silence_ms(config: Config) -> int:
    """What of ASR_TIMEOUT_MS has passed when the end of an utterance is known (A3, G1)."""
    return int(config.min_utt_sec * 1000) + config.vad_hangover_ms


def row(trial: Trial) -> str:
    """One line of the table below HEADING."""
    first = "–" if trial.first_ms is None else f"{trial.first_ms} ms"
    works = "yes" if trial.works else "NO"
    return f"{trial.kind:<7}{trial.name:<10}{works:<7}{first:<9}{trial.problem or trial.result}".rstrip()


def main() -> int:
    """0: these engines can hold a call; 1: they cannot, or a knob is bad."""
    try:
        config = load_config()
        install_secrets_filter(config)
        engines = build_engines(config, Threads())
    except (KnobError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    for remark in env_file_remarks():
        print(remark)
    print(HEADING)
    trials = []
    for trial in try_engines(config, engines):
        print(without_secrets(row(trial)), flush=True)  # an engine's complaint may quote its key
        trials.append(trial)
    lost = [kind for kind in ("voice", "ears", "mind") if not any(t.works for t in trials if t.kind == kind)]
    for kind in lost:
        print(f"no {kind} works: a call cannot be held")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
