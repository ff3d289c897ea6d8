"""Knob value → engine. Vendors are imported when they are chosen."""

from collections.abc import Callable
from pathlib import Path

from server.config import Config
from server.hebrew.understand.gender import Gender
from server.providers.base import Recognizer, Responder, Synthesizer
from server.providers.fallback import BreakerParams, Chain
from server.providers.scripted import ScriptedEars, ScriptedMind, ScriptedVoice
from server.runtime.threads import Runtime

# Where `gcloud auth application-default login` leaves what Google's libraries find by themselves.
GCLOUD_CREDENTIALS = ".config/gcloud/application_default_credentials.json"


def chosen_ears(config: Config) -> tuple[str, ...]:
    """``ASR_ENGINES``, or what the credentials present allow.

    The embedded ears know little beside the embedded mind's own questions: asking the caller again is
    better than what they would make of an open answer, so they are no fallback unless asked for.
    """
    return config.asr_engines or (*_clouds(config),) or ("embedded",)


def chosen_minds(config: Config) -> tuple[str, ...]:
    """``LLM_ENGINES``, or OpenAI's when there is a key, then the embedded one."""
    return config.llm_engines or (("openai", "embedded") if _has_openai(config) else ("embedded",))


def chosen_voices(config: Config) -> tuple[str, ...]:
    """``TTS_ENGINES``, or what the credentials present allow, then the embedded one."""
    return config.tts_engines or (*_clouds(config), "embedded")


def asr_timeout_ms(config: Config, ears_name: str) -> float:
    """``ASR_TIMEOUT_MS``, from the end of speech. OpenAI's ears begin only when the utterance is over."""
    return config.asr_timeout_ms or (2600 if ears_name == "openai" else 1200)


def build_ears(config: Config, runtime: Runtime) -> Chain[Recognizer]:
    """The recognisers, in order."""

    def google() -> Recognizer:
        from server.providers.google.stt import GoogleEars

        return GoogleEars(config)

    def openai() -> Recognizer:
        from server.providers.openai.stt import OpenAIEars

        return OpenAIEars(config)

    def embedded() -> Recognizer:
        from server.providers.embedded.stt.recogniser import EmbeddedEars

        return EmbeddedEars()

    def scripted() -> Recognizer:
        return ScriptedEars(runtime, config.scripted_asr_lines.split("|"), config.scripted_asr_ms / 1000)

    makers: dict[str, Callable[[], Recognizer]] = {
        "google": google,
        "openai": openai,
        "embedded": embedded,
        "scripted": scripted,
    }
    engines = tuple(makers[name]() for name in chosen_ears(config))
    return Chain("asr", engines, _breaker(config), runtime.clock)


def build_minds(config: Config, runtime: Runtime) -> Chain[Responder]:
    """The responders, in order."""

    def openai() -> Responder:
        from server.providers.openai.llm import OpenAIMind

        return OpenAIMind(config)

    def embedded() -> Responder:
        from server.providers.embedded.llm.receptionist import Receptionist

        return Receptionist(Gender(config.agent_gender))

    def scripted() -> Responder:
        return ScriptedMind(runtime, config.scripted_llm_reply, config.scripted_llm_ms / 1000)

    makers: dict[str, Callable[[], Responder]] = {
        "openai": openai,
        "embedded": embedded,
        "scripted": scripted,
    }
    engines = tuple(makers[name]() for name in chosen_minds(config))
    return Chain("llm", engines, _breaker(config), runtime.clock)


def build_voices(config: Config, runtime: Runtime) -> Chain[Synthesizer]:
    """The synthesizers, in order."""

    def google() -> Synthesizer:
        from server.gcp_tts_live import GoogleVoice

        return GoogleVoice(config)

    def openai() -> Synthesizer:
        from server.providers.openai.tts import OpenAIVoice

        return OpenAIVoice(config)

    def embedded() -> Synthesizer:
        from server.providers.embedded.tts.synthesizer import EmbeddedVoice

        return EmbeddedVoice()

    def scripted() -> Synthesizer:
        return ScriptedVoice(runtime, config.scripted_tts_ms / 1000)

    makers: dict[str, Callable[[], Synthesizer]] = {
        "google": google,
        "openai": openai,
        "embedded": embedded,
        "scripted": scripted,
    }
    engines = tuple(makers[name]() for name in chosen_voices(config))
    return Chain("tts", engines, _breaker(config), runtime.clock)


def _clouds(config: Config) -> tuple[str, ...]:
    """The vendors of speech that there are credentials for, Google first."""
    google: tuple[str, ...] = ("google",) if _has_google(config) else ()
    openai: tuple[str, ...] = ("openai",) if config.openai_api_key.get_secret_value() else ()
    return google + openai


def _has_google(config: Config) -> bool:
    key = config.google_application_credentials or config.google_credentials_json.get_secret_value()
    return bool(key) or (Path.home() / GCLOUD_CREDENTIALS).is_file()


def _has_openai(config: Config) -> bool:
    return bool(config.openai_api_key.get_secret_value() or config.openai_base_url)


def _breaker(config: Config) -> BreakerParams:
    return BreakerParams(config.breaker_failures, config.breaker_open_sec)
