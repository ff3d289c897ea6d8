"""The providers that the settings name, or the credentials allow. A vendor is imported when it is chosen.

A new vendor: its name in ``settings.knob_types``, under each kind that it offers; its case here, which mypy
misses until it is there; its key in ``config``, and what that allows in ``_stt_present`` or ``_tts_present``.
"""

from pathlib import Path

from pydantic import SecretStr

from server.config import Config
from server.hebrew.understand.gender import Gender
from server.providers.base import Llm, Stt, Tts
from server.providers.fallback import BreakerParams, FallbackChain
from server.providers.openai.models import hears_live, speaks_realtime
from server.providers.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from server.runtime.threads import Runtime
from server.settings.knob_types import LlmProvider, SttProvider, TtsProvider

# Where `gcloud auth application-default login` leaves what Google's libraries find by themselves.
GCLOUD_CREDENTIALS = ".config/gcloud/application_default_credentials.json"


def chosen_stt(config: Config) -> tuple[SttProvider, ...]:
    """``ASR_ENGINES``, or what the credentials present allow.

    The embedded STT know little beside the embedded LLM's own questions: asking the caller again is
    better than what they would make of an open answer, so they are no fallback unless asked for.
    """
    return config.asr_engines or _stt_present(config) or ("embedded",)


def chosen_llm(config: Config) -> tuple[LlmProvider, ...]:
    """``LLM_ENGINES``, or OpenAI's when there is a key, then the embedded one."""
    return config.llm_engines or (("openai", "embedded") if _has_openai_llm(config) else ("embedded",))


def chosen_tts(config: Config) -> tuple[TtsProvider, ...]:
    """``TTS_ENGINES``, or what the credentials present allow, then the embedded one."""
    return config.tts_engines or (*_tts_present(config), "embedded")


def asr_timeout_ms(config: Config, stt_name: str) -> float:
    """``ASR_TIMEOUT_MS``, from the end of speech; longer for an STT that begins only there."""
    begins_late = stt_name == "openai" and not hears_live(config.openai_stt_model)
    return config.asr_timeout_ms or (2600 if begins_late else 1200)


def build_stt(config: Config, runtime: Runtime) -> FallbackChain[Stt]:
    """The recognisers, in order."""
    providers = tuple(_stt(name, config, runtime) for name in chosen_stt(config))
    return FallbackChain("asr", providers, _breaker(config), runtime.clock)


def build_llm(config: Config, runtime: Runtime) -> FallbackChain[Llm]:
    """The responders, in order."""
    providers = tuple(_llm(name, config, runtime) for name in chosen_llm(config))
    return FallbackChain("llm", providers, _breaker(config), runtime.clock)


def build_tts(config: Config, runtime: Runtime) -> FallbackChain[Tts]:
    """The synthesizers, in order."""
    providers = tuple(_tts(name, config, runtime) for name in chosen_tts(config))
    return FallbackChain("tts", providers, _breaker(config), runtime.clock)


def _stt(name: SttProvider, config: Config, runtime: Runtime) -> Stt:
    match name:
        case "google":
            from server.providers.google.stt import GoogleStt

            return GoogleStt(config)
        case "openai" if hears_live(config.openai_stt_model):
            from server.providers.openai.live_stt import OpenAILiveStt

            return OpenAILiveStt(config)
        case "openai":
            from server.providers.openai.stt import OpenAIStt

            return OpenAIStt(config)
        case "soniox":
            from server.providers.soniox.stt import SonioxStt

            return SonioxStt(config)
        case "embedded":
            from server.providers.embedded.stt.recogniser import EmbeddedStt

            return EmbeddedStt()
        case "scripted":
            return ScriptedStt(runtime, config.scripted_asr_lines.split("|"), config.scripted_asr_ms / 1000)


def _llm(name: LlmProvider, config: Config, runtime: Runtime) -> Llm:
    match name:
        case "openai":
            from server.providers.openai.llm import OpenAILlm

            return OpenAILlm(config)
        case "embedded":
            from server.providers.embedded.llm.receptionist import Receptionist

            return Receptionist(Gender(config.agent_gender))
        case "scripted":
            return ScriptedLlm(runtime, config.scripted_llm_reply, config.scripted_llm_ms / 1000)


def _tts(name: TtsProvider, config: Config, runtime: Runtime) -> Tts:
    match name:
        case "google":
            from server.gcp_tts_live import GoogleTts

            return GoogleTts(config)
        case "openai" if speaks_realtime(config.openai_tts_model):
            from server.providers.openai.realtime_tts import OpenAIRealtimeTts

            return OpenAIRealtimeTts(config)
        case "openai":
            from server.providers.openai.tts import OpenAITts

            return OpenAITts(config)
        case "soniox":
            from server.providers.soniox.tts import SonioxTts

            return SonioxTts(config)
        case "embedded":
            from server.providers.embedded.tts.synthesizer import EmbeddedTts

            return EmbeddedTts()
        case "scripted":
            return ScriptedTts(runtime, config.scripted_tts_ms / 1000)


def _stt_present(config: Config) -> tuple[SttProvider, ...]:
    """The vendors of STT that there are credentials for, Google first."""
    openai = _has_key(config.openai_api_key, config.openai_stt_api_key) or bool(config.openai_stt_base_url)
    soniox = _has_key(config.soniox_api_key)
    present: dict[SttProvider, bool] = {"google": _has_google(config), "soniox": soniox, "openai": openai}
    return tuple(name for name, there in present.items() if there)


def _tts_present(config: Config) -> tuple[TtsProvider, ...]:
    """The vendors of TTS that there are credentials for, Google first."""
    openai = _has_key(config.openai_api_key, config.openai_tts_api_key) or bool(config.openai_tts_base_url)
    soniox = _has_key(config.soniox_api_key)
    present: dict[TtsProvider, bool] = {"google": _has_google(config), "soniox": soniox, "openai": openai}
    return tuple(name for name, there in present.items() if there)


def _has_openai_llm(config: Config) -> bool:
    """A server of one's own needs no key."""
    key = _has_key(config.openai_api_key, config.openai_llm_api_key)
    return key or bool(config.openai_base_url or config.openai_llm_base_url)


def _has_google(config: Config) -> bool:
    key = _has_key(config.google_credentials_json) or bool(config.google_application_credentials)
    return key or (Path.home() / GCLOUD_CREDENTIALS).is_file()


def _has_key(*keys: SecretStr) -> bool:
    return any(key.get_secret_value() for key in keys)


def _breaker(config: Config) -> BreakerParams:
    return BreakerParams(config.breaker_failures, config.breaker_open_sec)
