"""Knob value → engine. Vendors are imported when they are chosen."""

from collections.abc import Callable

from server.config import Config
from server.engines.base import Recognizer, Responder, Synthesizer
from server.engines.scripted import ScriptedEars, ScriptedMind, ScriptedVoice
from server.runtime import Runtime


def build_ears(config: Config, runtime: Runtime) -> tuple[Recognizer, ...]:
    """The recognisers of ``ASR_ENGINES``, in order."""

    def embedded() -> Recognizer:
        from server.engines.ears.embedded import EmbeddedEars

        return EmbeddedEars()

    def scripted() -> Recognizer:
        return ScriptedEars(runtime, config.scripted_asr_lines.split("|"), config.scripted_asr_ms / 1000)

    makers: dict[str, Callable[[], Recognizer]] = {"embedded": embedded, "scripted": scripted}
    return tuple(makers[name]() for name in config.asr_engines)


def build_minds(config: Config, runtime: Runtime) -> tuple[Responder, ...]:
    """The responders of ``LLM_ENGINES``, in order."""

    def embedded() -> Responder:
        from server.engines.mind.receptionist import Receptionist

        return Receptionist()

    def scripted() -> Responder:
        return ScriptedMind(runtime, config.scripted_llm_reply, config.scripted_llm_ms / 1000)

    makers: dict[str, Callable[[], Responder]] = {"embedded": embedded, "scripted": scripted}
    return tuple(makers[name]() for name in config.llm_engines)


def build_voices(config: Config, runtime: Runtime) -> tuple[Synthesizer, ...]:
    """The synthesizers of ``TTS_ENGINES``, in order."""

    def embedded() -> Synthesizer:
        from server.engines.voice.embedded import EmbeddedVoice

        return EmbeddedVoice()

    def google() -> Synthesizer:
        from server.gcp_tts_live import GoogleVoice

        return GoogleVoice(config.google_tts_voice, config.google_tts_endpoint)

    def scripted() -> Synthesizer:
        return ScriptedVoice(runtime, config.scripted_tts_ms / 1000)

    makers: dict[str, Callable[[], Synthesizer]] = {
        "embedded": embedded,
        "google": google,
        "scripted": scripted,
    }
    return tuple(makers[name]() for name in config.tts_engines)
