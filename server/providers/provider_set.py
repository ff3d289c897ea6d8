"""The provider set: what the calls of a process hear, think and speak with."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import lru_cache

from server.audio.vad import EnergyOnly, Speech
from server.config import Config, load_mounted_config, own_lines
from server.logs.events import log
from server.providers import model_ends
from server.providers.base import Llm, ModelMayEnd, Stt, Tts
from server.providers.fallback import FallbackChain
from server.providers.host_functions import Asr, HostLlm, HostStt, HostTts, Respond, Synth
from server.providers.model_ends import ModelEnd
from server.providers.registry import build_llm, build_stt, build_tts
from server.providers.tts_cache import TtsCache
from server.providers.tts_cache_disk import TtsCacheDisk
from server.runtime.process_end import Ending
from server.runtime.threads import Runtime, Threads
from server.settings.pronunciations_file import pronunciations_of
from server.turns.prompts import all_lines


@dataclass(frozen=True)
class Providers:
    """STT, LLM, TTS, its cache, and the speech model. Shared by all calls of a process."""

    stt: FallbackChain[Stt]
    llm: FallbackChain[Llm]
    tts: FallbackChain[Tts]
    tts_cache: TtsCache
    new_speech: Callable[[], Speech]

    def warm(self, ending: Ending = lambda: False) -> None:
        """Load every model, and the lines that a folder has kept: the first call does not wait. Blocks.

        Stops once ``ending()``: it is asked between the providers. What ends soon, or has ended, is told.
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
            except Exception as error:  # one provider's failure must not keep the others cold
                log.error(f"ENGINE_ERR: {kind} {provider.name}:", cause=str(error) or type(error).__name__)
            if (end := end_of(provider)) is not None and end.is_near(today := model_ends.today()):
                log.warning(f"MODEL_ENDS: {kind} {provider.name}: {end.told(today)}")
        self.tts_cache.load()


def end_of(provider: Stt | Llm | Tts) -> ModelEnd | None:
    """When the vendor of ``provider`` ends its model, as far as is known. Never blocks."""
    return provider.model_end() if isinstance(provider, ModelMayEnd) else None


def build_providers(config: Config, runtime: Runtime) -> Providers:
    """The provider set by the knobs. Loads nothing: that is ``warm``. Raises PronunciationsError."""
    tts = build_tts(config, runtime)
    max_bytes = config.tts_cache_mb << 20
    return Providers(
        stt=build_stt(config, runtime),
        llm=build_llm(config, runtime),
        tts=tts,
        tts_cache=TtsCache(
            all_lines(config.opening, config.thinking_text_he, own_lines(config)),
            [voice.identity for voice in tts],
            max_bytes,
            TtsCacheDisk(config.tts_cache_dir, max_bytes) if config.tts_cache_dir else None,
            pronunciations_of(config.pronunciations_file),
        ),
        new_speech=_speech_factory(config),
    )


def with_host_functions(
    providers: Providers, runtime: Runtime, asr: Asr | None, respond: Respond | None, synth: Synth | None
) -> Providers:
    """The same set with a host's own functions, where given, in the place of the configured providers.

    Behind a host's TTS the configured ones stay: while it fails the caller hears another voice, and no beeps.
    Behind its STT and its LLM they do not: a host does not expect the embedded receptionist to answer.
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
    """The host's TTS before the configured ones, and a cache for them: kept from call to call."""
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
    """The provider set of this process by the environment's knobs, built on first use. Raises KnobError."""
    global _default
    with _default_lock:
        if _default is None:
            _default = build_providers(load_mounted_config(), Threads())
        return _default
