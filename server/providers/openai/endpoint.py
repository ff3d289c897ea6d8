"""Where an STT, an LLM or a TTS of OpenAI's protocol is asked: each may be a server of its own."""

from dataclasses import dataclass, field

from server.config import Config


@dataclass(frozen=True)
class Endpoint:
    """``base_url`` is empty for OpenAI's own. The names of settings are for what an error advises."""

    base_url: str = field(repr=False)  # a password may stand in it
    key: str = field(repr=False)
    model: str
    base_url_knob: str
    key_knob: str
    model_knob: str


def stt_endpoint(config: Config) -> Endpoint:
    return _endpoint(config, "stt", config.openai_stt_base_url, config.openai_stt_api_key.get_secret_value())


def llm_endpoint(config: Config) -> Endpoint:
    return _endpoint(config, "llm", config.openai_llm_base_url, config.openai_llm_api_key.get_secret_value())


def tts_endpoint(config: Config) -> Endpoint:
    return _endpoint(config, "tts", config.openai_tts_base_url, config.openai_tts_api_key.get_secret_value())


def _endpoint(config: Config, kind: str, base_url: str, key: str) -> Endpoint:
    """OpenAI's key goes to the server of ``OPENAI_BASE_URL`` only: another one gets its own, or none."""
    model: str = getattr(config, f"openai_{kind}_model")
    shared_key = "" if base_url else config.openai_api_key.get_secret_value()
    own = f"openai_{kind}"
    return Endpoint(
        base_url or config.openai_base_url,
        key.strip() or shared_key.strip(),
        model,
        f"{own if base_url else 'openai'}_base_url".upper(),
        f"{own if key or base_url else 'openai'}_api_key".upper(),
        f"{own}_model".upper(),
    )
