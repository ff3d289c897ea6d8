"""The providers that the settings name, or the credentials allow. A vendor is imported when it is chosen.

A new vendor: its maker here, its name in ``settings.knob_types`` (one for STT and TTS alike), its key in
``config``.
"""

from collections.abc import Callable
from pathlib import Path

from server.config import Config
from server.hebrew.understand.gender import Gender
from server.providers.base import Llm, Stt, Tts
from server.providers.fallback import BreakerParams, FallbackChain
from server.providers.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from server.runtime.threads import Runtime

# Where `gcloud auth application-default login` leaves what Google's libraries find by themselves.
GCLOUD_CREDENTIALS = ".config/gcloud/application_default_credentials.json"


def chosen_stt(config: Config) -> tuple[str, ...]:
    """``ASR_ENGINES``, or what the credentials present allow.

    The embedded STT know little beside the embedded LLM's own questions: asking the caller again is
    better than what they would make of an open answer, so they are no fallback unless asked for.
    """
    return config.asr_engines or (*_clouds(config),) or ("embedded",)


def chosen_llm(config: Config) -> tuple[str, ...]:
    """``LLM_ENGINES``, or OpenAI's when there is a key, then the embedded one."""
    return config.llm_engines or (("openai", "embedded") if _has_openai(config) else ("embedded",))


def chosen_tts(config: Config) -> tuple[str, ...]:
    """``TTS_ENGINES``, or what the credentials present allow, then the embedded one."""
    return config.tts_engines or (*_clouds(config), "embedded")


def asr_timeout_ms(config: Config, stt_name: str) -> float:
    """``ASR_TIMEOUT_MS``, from the end of speech. OpenAI's STT begin only when the utterance is over."""
    return config.asr_timeout_ms or (2600 if stt_name == "openai" else 1200)


def build_stt(config: Config, runtime: Runtime) -> FallbackChain[Stt]:
    """The recognisers, in order."""

    def google() -> Stt:
        from server.providers.google.stt import GoogleStt

        return GoogleStt(config)

    def openai() -> Stt:
        from server.providers.openai.stt import OpenAIStt

        return OpenAIStt(config)

    def embedded() -> Stt:
        from server.providers.embedded.stt.recogniser import EmbeddedStt

        return EmbeddedStt()

    def scripted() -> Stt:
        return ScriptedStt(runtime, config.scripted_asr_lines.split("|"), config.scripted_asr_ms / 1000)

    makers: dict[str, Callable[[], Stt]] = {
        "google": google,
        "openai": openai,
        "embedded": embedded,
        "scripted": scripted,
    }
    providers = tuple(makers[name]() for name in chosen_stt(config))
    return FallbackChain("asr", providers, _breaker(config), runtime.clock)


def build_llm(config: Config, runtime: Runtime) -> FallbackChain[Llm]:
    """The responders, in order."""

    def openai() -> Llm:
        from server.providers.openai.llm import OpenAILlm

        return OpenAILlm(config)

    def embedded() -> Llm:
        from server.providers.embedded.llm.receptionist import Receptionist

        return Receptionist(Gender(config.agent_gender))

    def scripted() -> Llm:
        return ScriptedLlm(runtime, config.scripted_llm_reply, config.scripted_llm_ms / 1000)

    makers: dict[str, Callable[[], Llm]] = {
        "openai": openai,
        "embedded": embedded,
        "scripted": scripted,
    }
    providers = tuple(makers[name]() for name in chosen_llm(config))
    return FallbackChain("llm", providers, _breaker(config), runtime.clock)


def build_tts(config: Config, runtime: Runtime) -> FallbackChain[Tts]:
    """The synthesizers, in order."""

    def google() -> Tts:
        from server.gcp_tts_live import GoogleTts

        return GoogleTts(config)

    def openai() -> Tts:
        from server.providers.openai.tts import OpenAITts

        return OpenAITts(config)

    def embedded() -> Tts:
        from server.providers.embedded.tts.synthesizer import EmbeddedTts

        return EmbeddedTts()

    def scripted() -> Tts:
        return ScriptedTts(runtime, config.scripted_tts_ms / 1000)

    makers: dict[str, Callable[[], Tts]] = {
        "google": google,
        "openai": openai,
        "embedded": embedded,
        "scripted": scripted,
    }
    providers = tuple(makers[name]() for name in chosen_tts(config))
    return FallbackChain("tts", providers, _breaker(config), runtime.clock)


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
