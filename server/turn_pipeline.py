"""The engines of this process, and the three functions by which the rest of the world knows them."""

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from server.audio.frames import pcm16_to_mulaw
from server.config import Config, load_mounted_config, own_lines
from server.providers.base import (
    Recognizer,
    RecognizesWhole,
    ReplyRequest,
    Responder,
    Synthesizer,
)
from server.providers.fallback import Chain
from server.providers.host_functions import Asr, PlainEars, PlainMind, PlainVoice, Respond, Synth
from server.providers.registry import build_ears, build_minds, build_voices
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import PhraseCache, speak_whole
from server.providers.tts_cache_disk import AudioFolder
from server.runtime.process_end import Ending
from server.runtime.threads import Runtime, Threads
from server.turns.effects import Expected
from server.turns.prompts import all_lines

log = logging.getLogger("agent")

WHOLE_CALL_TIMEOUT_S = 30.0


class Speech(Protocol):
    """A call's speech model."""

    def feed(self, mulaw_8k: bytes, rms: int) -> float | None:
        """One frame of 160 bytes in, the probability of speech out; None: energy is the only judge."""
        ...


@dataclass(frozen=True)
class Engines:
    """What a call hears, thinks and speaks with. Shared by all calls of a process."""

    ears: Chain[Recognizer]
    minds: Chain[Responder]
    voices: Chain[Synthesizer]
    phrases: PhraseCache
    new_speech: Callable[[], Speech]

    def warm(self, ending: Ending = lambda: False) -> None:
        """Load every model and make the fixed lines, so that the first call does not wait. Blocks.

        Less of it once ``ending()``: it is asked between the engines, and between the lines.
        """
        self.new_speech()
        engines: list[tuple[str, Recognizer | Responder | Synthesizer]] = [
            *((self.ears.kind, ears) for ears in self.ears),
            *((self.minds.kind, mind) for mind in self.minds),
            *((self.voices.kind, voice) for voice in self.voices),
        ]
        for kind, engine in engines:
            if ending():
                return
            try:
                engine.warm()
            except Exception as error:  # one engine's trouble, of whatever kind, is not the others'
                log.error("ENGINE_ERR: %s %s: %s", kind, engine.name, str(error) or type(error).__name__)
        self.phrases.load()
        self.phrases.make(self.voices, log.error, ending)


class EnergyOnly:
    """``VAD_ENGINE=energy``: no model."""

    def feed(self, mulaw_8k: bytes, rms: int) -> None:
        return None


def build_engines(config: Config, runtime: Runtime) -> Engines:
    """Engines by the knobs. Loads nothing: that is ``warm``."""
    voices = build_voices(config, runtime)
    max_bytes = config.tts_cache_mb << 20
    return Engines(
        ears=build_ears(config, runtime),
        minds=build_minds(config, runtime),
        voices=voices,
        phrases=PhraseCache(
            all_lines(config.ai_greeting_he, config.thinking_text_he, own_lines(config)),
            [voice.identity for voice in voices],
            max_bytes,
            AudioFolder(config.tts_cache_dir, max_bytes) if config.tts_cache_dir else None,
        ),
        new_speech=_speech_factory(config),
    )


def with_host_functions(
    engines: Engines, runtime: Runtime, asr: Asr | None, respond: Respond | None, synth: Synth | None
) -> Engines:
    """The same engines with a host's own functions, where given, in the place of ours.

    Behind a host's voice ours stay: while it fails a caller hears another voice, and no beeps. Behind its
    ears and its mind they do not: what our receptionist would say there is no host's business.
    """
    if asr is not None:
        engines = replace(engines, ears=Chain[Recognizer]("asr", (PlainEars(runtime, asr),)))
    if respond is not None:
        engines = replace(engines, minds=Chain[Responder]("llm", (PlainMind(respond),)))
    if synth is not None:
        synth = synth if isinstance(synth, Hashable) else synth.__call__  # a bound method always is
        voices, phrases = _voices_of(engines.voices, engines.phrases, synth)
        engines = replace(engines, voices=voices, phrases=phrases)
    return engines


@lru_cache(maxsize=8)
def _voices_of(
    ours: Chain[Synthesizer], phrases: PhraseCache, synth: Synth
) -> tuple[Chain[Synthesizer], PhraseCache]:
    """One host function before our voices, and the lines as they say them: kept from call to call."""
    voices = ours.behind(PlainVoice(synth))
    return voices, phrases.empty_copy(*(voice.identity for voice in voices))


def _speech_factory(config: Config) -> Callable[[], Speech]:
    if config.vad_engine == "energy":
        return EnergyOnly

    def silero() -> Speech:
        from server.audio.silero import SpeechModel

        return SpeechModel(config.vad_rms)

    return silero


_default: Engines | None = None
_default_lock = threading.Lock()


def default_engines() -> Engines:
    """The engines of this process by the environment's knobs, built on first use. Raises KnobError."""
    global _default
    with _default_lock:
        if _default is None:
            _default = build_engines(load_mounted_config(), Threads())
        return _default


# ---- the three functions ------------------------------------------------------------------------


def asr_hebrew_from_pcm16_8k(pcm16: bytes) -> str:
    """The words of one utterance of PCM16 8 kHz mono; empty when nothing was understood. Blocks."""
    engines = default_engines()
    mulaw_8k = pcm16_to_mulaw(pcm16[: len(pcm16) // 2 * 2])
    for attempt in engines.ears.tries():
        try:
            words = _recognize(attempt.engine, mulaw_8k, engines.minds.first.opening)
        except Exception as error:  # an engine's own bug is a failed engine
            attempt.failed(str(error))
            log.error("ASR_ERR: %s: %s", attempt.engine.name, error)
            continue
        attempt.worked()
        return words
    return ""


def _recognize(ears: Recognizer, mulaw_8k: bytes, expected: Expected) -> str:
    if isinstance(ears, RecognizesWhole):
        return ears.recognize(mulaw_8k, expected, WHOLE_CALL_TIMEOUT_S).text.strip()
    recognition = ears.open(expected, 1, WHOLE_CALL_TIMEOUT_S)
    recognition.feed(mulaw_8k)
    recognition.finish()
    return " ".join(heard.text for heard in recognition if heard.is_final).strip()


def generate_hebrew_response(
    text: str, target_style: str = "warm_helpful", min_chars: int = 140, max_chars: int = 420
) -> str:
    """An answer to ``text`` alone, without a history; empty when no mind has one. Blocks."""
    request = ReplyRequest(text, (), 1, target_style, min_chars, max_chars)
    for attempt in default_engines().minds.tries():
        try:
            spoken = SpokenReply(attempt.engine, request, WHOLE_CALL_TIMEOUT_S)
            reply = " ".join(filter(None, spoken))
        except Exception as error:  # an engine's own bug is a failed engine
            attempt.failed(str(error))
            log.error("LLM_ERR: %s: %s", attempt.engine.name, error)
            continue
        attempt.worked()
        return reply
    return ""


def synth_hebrew_tts_pcm16_8k(text: str) -> bytes:
    """PCM16 8 kHz mono of ``text``; empty when no voice can say it. Blocks."""
    spoken = speak_whole(text, default_engines().voices, log.error)
    return spoken.pcm16_8k if spoken is not None else b""
