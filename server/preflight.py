"""Tries every configured engine once, as a call would: ``./start_all.sh check``.

Prints a table and what each engine said; the exit status is 1 when the configured engines cannot hold a call.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from server.config import Config, KnobError, load_config
from server.core.frames import SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.engines.base import EngineError, Recognizer, ReplyRequest, Responder, Synthesizer
from server.engines.registry import asr_timeout_ms
from server.phrases import MIN_SPEECH_BYTES, WholeSamples
from server.runtime import Threads
from server.streams import BoundedStream, Stream
from server.turn_pipeline import Engines, build_engines

PHRASE = "אני מחפש דירה בתל אביב"
TRIAL_S = 10.0
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
        return _read("voice", WholeSamples(voice, PHRASE), clock)

    trial, pcm16 = _tried("voice", voice, speak, config.tts_timeout_ms, "TTS_TIMEOUT_MS")
    if trial.works and len(pcm16 or b"") < MIN_SPEECH_BYTES:
        return Trial("voice", voice.name, f"gave {len(pcm16 or b'')} bytes for {PHRASE!r}"), None
    if pcm16 is None:
        return trial, None
    return _with_result(trial, f"{len(pcm16) / 2 / SAMPLE_RATE_HZ:.1f} s of audio"), pcm16


def _try_ears(config: Config, ears: Recognizer, engines: Engines, spoken: bytes | None) -> Trial:
    """Without a voice the ears get silence, and need not hear anything in it."""
    mulaw_8k = pcm16_to_mulaw(spoken or bytes(2 * SAMPLE_RATE_HZ))
    heard: list[str] = []

    def hear(clock: Clock) -> tuple[float | None, str]:
        recognition = ears.open(engines.minds.first.opening, 1, TRIAL_S)
        reader = BoundedStream(Threads(), "check", recognition, first_s=TRIAL_S, next_s=TRIAL_S)
        for start in range(0, len(mulaw_8k), CHUNK_BYTES):
            recognition.feed(mulaw_8k[start : start + CHUNK_BYTES])
            time.sleep(0.1)  # as fast as a caller speaks
        recognition.finish()
        began = clock()
        heard.extend(transcript.text for transcript in reader if transcript.is_final)
        return clock() - began, " ".join(heard)

    after_ms = round(asr_timeout_ms(config)) - _closing_silence_ms(config)
    trial, _ = _tried("ears", ears, hear, after_ms, "ASR_TIMEOUT_MS")
    if trial.works and spoken and not any(text.strip() for text in heard):
        return Trial("ears", ears.name, f"heard nothing in {PHRASE!r}; is this its language?", trial.first_ms)
    return _with_result(trial, " ".join(heard))


def _try_mind(config: Config, mind: Responder) -> Trial:
    request = ReplyRequest(PHRASE, (), 1, config.llm_target_style, config.llm_min_chars, config.llm_max_chars)

    def think(clock: Clock) -> tuple[float | None, str]:
        return _read("mind", mind.respond(request, TRIAL_S), clock)

    trial, reply = _tried(
        "mind", mind, think, config.llm_first_token_timeout_ms, "LLM_FIRST_TOKEN_TIMEOUT_MS"
    )
    if trial.works and not (reply or "").strip():
        return Trial("mind", mind.name, "gave an empty reply", trial.first_ms)
    return _with_result(trial, (reply or "").strip())


def _read(name: str, stream: Stream[Any], clock: Clock) -> tuple[float | None, Any]:
    """Seconds to the first item, and all items joined; None when there was none."""
    began = clock()
    first_s: float | None = None
    whole: Any = None
    for item in BoundedStream(Threads(), name, stream, first_s=TRIAL_S, next_s=TRIAL_S):
        if first_s is None:
            first_s = clock() - began
        whole = item if whole is None else whole + item
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
        engine.warm()
        first_s, result = attempt(time.monotonic)
    except Exception as error:  # whatever an engine raises is what this is here to show
        return Trial(kind, engine.name, str(error) or type(error).__name__), None
    first_ms = None if first_s is None else round(first_s * 1000)
    slow = first_ms is not None and first_ms > limit_ms
    problem = f"too slow: a call waits {limit_ms} ms for it; raise {knob}" if slow else ""
    return Trial(kind, engine.name, problem, first_ms), result


def _with_result(trial: Trial, result: str) -> Trial:
    return Trial(trial.kind, trial.name, trial.problem, trial.first_ms, result)


def _closing_silence_ms(config: Config) -> int:
    """What of ASR_TIMEOUT_MS has passed when the end of an utterance is known (A3, G1)."""
    return int(config.min_utt_sec * 1000) + config.vad_hangover_ms


def table(trials: list[Trial]) -> str:
    """One line a trial, in columns."""
    rows = [("", "engine", "works", "first", "")]
    for trial in trials:
        first = "–" if trial.first_ms is None else f"{trial.first_ms} ms"
        says = trial.problem or trial.result
        rows.append((trial.kind, trial.name, "yes" if trial.works else "NO", first, says))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]
        ).rstrip()
        for row in rows
    )


def main() -> int:
    """0: these engines can hold a call; 1: they cannot, or a knob is bad."""
    try:
        config = load_config()
        engines = build_engines(config, Threads())
    except (KnobError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    trials = list(try_engines(config, engines))
    print(table(trials))
    lost = [kind for kind in ("voice", "ears", "mind") if not any(t.works for t in trials if t.kind == kind)]
    for kind in lost:
        print(f"no {kind} works: a call cannot be held")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
