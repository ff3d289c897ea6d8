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
    Llm,
    RecognizesWhole,
    ReplyRequest,
    Stt,
    Tts,
)
from server.providers.fallback import FallbackChain
from server.providers.host_functions import Asr, HostLlm, HostStt, HostTts, Respond, Synth
from server.providers.registry import build_llm, build_stt, build_tts
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import TtsCache, speak_whole
from server.providers.tts_cache_disk import TtsCacheDisk
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
class Providers:
    """What a call hears, thinks and speaks with. Shared by all calls of a process."""

    stt: FallbackChain[Stt]
    llm: FallbackChain[Llm]
    tts: FallbackChain[Tts]
    tts_cache: TtsCache
    new_speech: Callable[[], Speech]

    def warm(self, ending: Ending = lambda: False) -> None:
        """Load every model and make the fixed lines, so that the first call does not wait. Blocks.

        Less of it once ``ending()``: it is asked between the engines, and between the lines.
        """
        self.new_speech()
        providers: list[tuple[str, Stt | Llm | Tts]] = [
            *((self.stt.kind, stt) for stt in self.stt),
            *((self.llm.kind, llm) for llm in self.llm),
            *((self.tts.kind, voice) for voice in self.tts),
        ]
        for kind, provider in providers:
            if ending():
                return
            try:
                provider.warm()
            except Exception as error:  # one engine's trouble, of whatever kind, is not the others'
                log.error("ENGINE_ERR: %s %s: %s", kind, provider.name, str(error) or type(error).__name__)
        self.tts_cache.load()
        self.tts_cache.make(self.tts, log.error, ending)


class EnergyOnly:
    """``VAD_ENGINE=energy``: no model."""

    def feed(self, mulaw_8k: bytes, rms: int) -> None:
        return None


def build_providers(config: Config, runtime: Runtime) -> Providers:
    """Providers by the knobs. Loads nothing: that is ``warm``."""
    tts = build_tts(config, runtime)
    max_bytes = config.tts_cache_mb << 20
    return Providers(
        stt=build_stt(config, runtime),
        llm=build_llm(config, runtime),
        tts=tts,
        tts_cache=TtsCache(
            all_lines(config.ai_greeting_he, config.thinking_text_he, own_lines(config)),
            [voice.identity for voice in tts],
            max_bytes,
            TtsCacheDisk(config.tts_cache_dir, max_bytes) if config.tts_cache_dir else None,
        ),
        new_speech=_speech_factory(config),
    )


def with_host_functions(
    providers: Providers, runtime: Runtime, asr: Asr | None, respond: Respond | None, synth: Synth | None
) -> Providers:
    """The same engines with a host's own functions, where given, in the place of ours.

    Behind a host's voice ours stay: while it fails a caller hears another voice, and no beeps. Behind its
    STT and its LLM they do not: what our receptionist would say there is no host's business.
    """
    if asr is not None:
        providers = replace(providers, stt=FallbackChain[Stt]("asr", (HostStt(runtime, asr),)))
    if respond is not None:
        providers = replace(providers, llm=FallbackChain[Llm]("llm", (HostLlm(respond),)))
    if synth is not None:
        synth = synth if isinstance(synth, Hashable) else synth.__call__  # a bound method always is
        tts, tts_cache = _voices_of(providers.tts, providers.tts_cache, synth)
        providers = replace(providers, tts=tts, tts_cache=tts_cache)
    return providers


@lru_cache(maxsize=8)
def _voices_of(
    ours: FallbackChain[Tts], tts_cache: TtsCache, synth: Synth
) -> tuple[FallbackChain[Tts], TtsCache]:
    """One host function before our voices, and the lines as they say them: kept from call to call."""
    tts = ours.behind(HostTts(synth))
    return tts, tts_cache.empty_copy(*(voice.identity for voice in tts))


def _speech_factory(config: Config) -> Callable[[], Speech]:
    if config.vad_engine == "energy":
        return EnergyOnly

    def silero() -> Speech:
        from server.audio.silero import SpeechModel

        return SpeechModel(config.vad_rms)

    return silero


_default: Providers | None = None
_default_lock = threading.Lock()


def default_providers() -> Providers:
    """The engines of this process by the environment's knobs, built on first use. Raises KnobError."""
    global _default
    with _default_lock:
        if _default is None:
            _default = build_providers(load_mounted_config(), Threads())
        return _default


# ---- the three functions ------------------------------------------------------------------------


def asr_hebrew_from_pcm16_8k(pcm16: bytes) -> str:
    """The words of one utterance of PCM16 8 kHz mono; empty when nothing was understood. Blocks."""
    providers = default_providers()
    mulaw_8k = pcm16_to_mulaw(pcm16[: len(pcm16) // 2 * 2])
    for attempt in providers.stt.tries():
        try:
            words = _recognize(attempt.provider, mulaw_8k, providers.llm.first.opening)
        except Exception as error:  # an engine's own bug is a failed engine
            attempt.failed(str(error))
            log.error("ASR_ERR: %s: %s", attempt.provider.name, error)
            continue
        attempt.worked()
        return words
    return ""


def _recognize(stt: Stt, mulaw_8k: bytes, expected: Expected) -> str:
    if isinstance(stt, RecognizesWhole):
        return stt.recognize(mulaw_8k, expected, WHOLE_CALL_TIMEOUT_S).text.strip()
    recognition = stt.open(expected, 1, WHOLE_CALL_TIMEOUT_S)
    recognition.feed(mulaw_8k)
    recognition.finish()
    return " ".join(heard.text for heard in recognition if heard.is_final).strip()


def generate_hebrew_response(
    text: str, target_style: str = "warm_helpful", min_chars: int = 140, max_chars: int = 420
) -> str:
    """An answer to ``text`` alone, without a history; empty when no LLM has one. Blocks."""
    request = ReplyRequest(text, (), 1, target_style, min_chars, max_chars)
    for attempt in default_providers().llm.tries():
        try:
            spoken = SpokenReply(attempt.provider, request, WHOLE_CALL_TIMEOUT_S)
            reply = " ".join(filter(None, spoken))
        except Exception as error:  # an engine's own bug is a failed engine
            attempt.failed(str(error))
            log.error("LLM_ERR: %s: %s", attempt.provider.name, error)
            continue
        attempt.worked()
        return reply
    return ""


def synth_hebrew_tts_pcm16_8k(text: str) -> bytes:
    """PCM16 8 kHz mono of ``text``; empty when no voice can say it. Blocks."""
    spoken = speak_whole(text, default_providers().tts, log.error)
    return spoken.pcm16_8k if spoken is not None else b""
