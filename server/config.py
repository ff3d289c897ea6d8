"""Every knob: name, type, default, range, one sentence. Parsed once, frozen; no knob is read elsewhere.

``python -m server.config export`` prints ``export NAME='value'`` lines for a shell (``start_all.sh``
evaluates them), ``python -m server.config table`` the tables of docs/settings.md, ``python -m server.config
env-example`` the file ``.env.example``. Environment wins over ``.env``.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from server.hebrew.understand.gender import Gender
from server.knobs import complaints, env_example, knob, knob_table, knob_text, without_quotes
from server.settings.env_file import EnvFileError, read_env_file
from server.settings.kept_knobs import FILES_WRITTEN, KeptKnobs
from server.settings.knob_types import (
    E164,
    AuthToken,
    BaseUrl,
    GoogleEndpoint,
    Host,
    Hours,
    KeyFile,
    LlmProviders,
    LogLevel,
    MaybeNumber,
    Name,
    PathText,
    RedisUrl,
    ServiceUrl,
    SocketUrl,
    SttProviders,
    TtsProviders,
    at_least,
    no_file_of,
    not_where_recorded,
)
from server.settings.limit_knobs import LimitKnobs
from server.settings.masculine import MASCULINE
from server.settings.own_files import wrong_files
from server.settings.plausible import why_no_openai_key
from server.settings.prompts_file import lines_of
from server.turns.prompts import Lines

EXTENSION = "phone_agent"  # app.extensions[EXTENSION] is the Service of the application
ENV_FILE = ".env"
FILES_READ = ("llm_prompt_file", "asr_phrases_file", "pronunciations_file", "lines_file")
OWN_SERVER_KNOBS = tuple(
    "bind_host port worker_class web_concurrency threads log_level database_url pages".split()
)


class KnobError(ValueError):
    """One or more knobs are wrong; the message names each knob, its value and what is allowed."""


class Config(KeptKnobs, LimitKnobs):
    """All knobs. Field names are the environment's names in lower case; units are in the names.

    By itself it reads the environment only: ``load_config`` reads ``.env`` too.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    # The server
    ws_mode: Literal["AI"] = knob("AI", "What answers on the media socket; AI is the only mode.")
    bind_host: str = knob(
        "", "Address to listen on; empty: 0.0.0.0, or 127.0.0.1 while TWILIO_AUTH_TOKEN is unset."
    )
    port: int = knob(5000, "Port to listen on.", 1, 65535)
    public_base_url: BaseUrl = knob(
        "", "The URL at which Twilio reaches this server, e.g. https://agent.example.com."
    )
    public_host: Host = knob("", "The same, host name only (https is assumed).")
    worker_class: Literal["gevent", "gthread"] = knob("gevent", "gunicorn's worker class.")
    web_concurrency: int = knob(1, "gunicorn worker processes.", 1, 64)
    threads: int = knob(
        64,
        "gthread only: threads a worker, raised to MAX_CALLS plus 14; of fewer than 28 calls hold half.",
        4,
        1000,
    )
    websocket_engine: Literal["own", "flask-sock"] = knob(
        "own",
        "A call's WebSocket under gunicorn; elsewhere, and with gunicorn's own TLS, it is flask-sock's.",
    )
    log_level: LogLevel = knob("INFO", "What is logged.")

    # Who gets in
    twilio_auth_token: AuthToken = knob(
        SecretStr(""),
        "The account's token: with it only Twilio gets in; empty: anybody who reaches the server.",
    )
    drain_sec: int = knob(15, "At SIGTERM: how long calls go on before they are told.", 0, 3600)
    log_transcripts: Literal["redacted", "full", "off"] = knob(
        "redacted", "Callers' words in the log: without numbers that tell who they are, all, or none."
    )

    # Shared state
    redis_url: RedisUrl = knob(
        SecretStr(""), "Calls and limits, shared by hosts: redis://host:6379/0; empty: by STATE_FILE."
    )

    # Providers, in order of preference
    asr_engines: SttProviders = knob((), "STT, in order; empty: by the credentials present.")
    llm_engines: LlmProviders = knob((), "LLM, in order; empty: by the credentials present.")
    tts_engines: TtsProviders = knob((), "TTS, in order; empty: by the credentials present.")
    breaker_failures: int = knob(
        3, "Failures in a row after which a provider is skipped for a while.", 1, 100
    )
    breaker_open_sec: float = knob(30, "Seconds for which that provider is skipped.", 1, 3600)

    # Google
    google_application_credentials: KeyFile = knob(
        "", "File of credentials: a service account's key, mostly."
    )
    google_credentials_json: SecretStr = knob(
        SecretStr(""), "That key file's content, where there are no files (Heroku)."
    )
    google_cloud_project: str = knob("", "Project of the v2 speech API; empty: the credentials' own.")
    google_speech_endpoint: GoogleEndpoint = knob(
        "", "Other Speech endpoint; http://host:port is plaintext gRPC."
    )
    google_speech_api: Literal["v1", "v2"] = knob("v1", "Version of the Speech API.")
    google_speech_location: str = knob("eu", "Where v2 recognises: eu, us, …")
    google_speech_model: str = knob("", "Empty: command_and_search with v1, chirp_3 with v2.")
    google_speech_language: str = knob("iw-IL", "iw-IL or he-IL; the other one is tried once on refusal.")
    asr_phrases_file: Annotated[PathText, no_file_of(*FILES_WRITTEN)] = knob(
        "", "Names, streets, cities that callers say: one a line, # comments."
    )
    google_tts_voice: str = knob("he-IL-Wavenet-A", "Google voice; he-IL-Chirp3-HD-… ones stream.")
    google_tts_endpoint: GoogleEndpoint = knob(
        "", "Other Google TTS endpoint; http://host:port is plaintext gRPC."
    )

    # OpenAI
    openai_api_key: SecretStr = knob(SecretStr(""), "OpenAI's key, or that of what speaks its protocol.")
    openai_base_url: ServiceUrl = knob(
        "", "Another server with OpenAI's protocol, e.g. http://localhost:8000/v1."
    )
    openai_llm_model: Name = knob("gpt-5.4-mini", "Model of the LLM.")
    openai_llm_effort: Literal["auto", "unset", "none", "minimal", "low", "medium", "high"] = knob(
        "auto", "Reasoning effort; auto: the least for gpt-5 models, else unset."
    )
    openai_llm_temperature: MaybeNumber = knob(None, "Temperature; empty: the model's own.", 0, 2)
    openai_llm_base_url: ServiceUrl = knob("", "Another server for the LLM alone, e.g. vLLM.")
    openai_llm_api_key: SecretStr = knob(SecretStr(""), "Key for the LLM alone.")
    openai_stt_model: Name = knob(
        "gpt-live-transcribe", "Model of the STT; gpt-live-… hears while the caller speaks."
    )
    openai_stt_base_url: ServiceUrl = knob("", "Another server for the STT alone, e.g. of a Whisper.")
    openai_stt_api_key: SecretStr = knob(SecretStr(""), "Key for the STT alone.")
    openai_tts_model: Name = knob(
        "gpt-realtime-2.1-mini", "Model of the TTS; gpt-realtime-… speaks by the Realtime API."
    )
    openai_tts_voice: Name = knob("marin", "Voice of the TTS.")
    openai_tts_base_url: ServiceUrl = knob("", "Another server for the TTS alone.")
    openai_tts_api_key: SecretStr = knob(SecretStr(""), "Key for the TTS alone.")

    # Soniox
    soniox_api_key: SecretStr = knob(SecretStr(""), "Soniox's key.")
    soniox_stt_model: Name = knob("stt-rt-v5", "Model of the STT.")
    soniox_tts_model: Name = knob("tts-rt-v2", "Model of the TTS.")
    soniox_tts_voice: Name = knob("Maya", "Voice of the TTS.")
    soniox_stt_url: SocketUrl = knob(
        "wss://stt-rt.soniox.com/transcribe-websocket", "The STT's address; a region has its own."
    )
    soniox_tts_url: SocketUrl = knob(
        "wss://tts-rt.soniox.com/tts-websocket", "The TTS's address; a region has its own."
    )

    # Who the agent is (LLMs that take a prompt)
    agent_gender: Literal["feminine", "masculine"] = knob(
        "feminine", "The agent's own gender; a man has another name, hint and voices by default."
    )
    llm_prompt_file: Annotated[PathText, no_file_of(*FILES_WRITTEN)] = knob(
        "", "Your own system prompt in place of the built-in one; see docs/operate.md."
    )
    agent_persona: str = knob(
        'נועה, נציגה אדיבה של משרד תיווך נדל"ן', "Name, gender and place of the agent, as told to the LLM."
    )
    transfer_number: E164 = knob("", "A person's number, +972…; without one the agent takes a message.")
    office_hours: Hours = knob(
        "", "When a person answers, Israel time: Sun-Thu 09:00-18:00, Fri 09:00-13:00; empty: always."
    )
    office_holidays: bool = knob(True, "With OFFICE_HOURS: closed on Israeli holidays, early on their eves.")

    # TTS cache
    tts_cache_dir: PathText = knob("", "Folder that keeps made sentences across restarts; empty: none.")
    tts_cache_mb: int = knob(64, "Most audio kept in memory, and as much in the folder.", 1, 10000)

    # Endpointing (A)
    vad_engine: Literal["silero", "energy"] = knob("silero", "Judge of speech; energy is RMS alone.")
    vad_rms: int = knob(210, "RMS (of 32768) above which a frame is voiced.", 1, 32767)
    min_utt_sec: float = knob(0.48, "Silence that ends an utterance, after the hangover.", 0.1, 5)
    vad_hangover_ms: int = knob(140, "Time after the last voice that still counts as speaking.", 0, 2000)
    max_utt_sec: float = knob(7.0, "Speech after which the hangover alone ends an utterance.", 1, 60)
    min_voiced_ms: int = knob(120, "Less voice than this is not an utterance.", 20, 400)
    adaptive_silence_ms: int = knob(600, "Most that a caller's pauses add to MIN_UTT_SEC; 0: none.", 0, 2000)
    incomplete_hold_ms: int = knob(700, "Longest wait for the rest of an unfinished turn; 0: off.", 0, 3000)

    # Pace (B, C)
    speculative_turns: bool = knob(
        True, "Ask the LLM while the end-of-turn silence is still counted (EARLY_START in the log)."
    )
    speculative_max: int = knob(2, "Speculative starts of one turn, at most.", 1, 5)
    resp_min_delay_ms: int = knob(220, "Shortest breath between end of turn and reply.", 0, 5000)
    resp_max_delay_ms: Annotated[int, at_least("resp_min_delay_ms")] = knob(360, "Longest breath.", 0, 5000)
    reply_refractory_ms: int = knob(750, "Time after a reply when only confirmed speech is heard.", 0, 5000)
    tx_lead_ms: int = knob(400, "How far ahead of real time audio is sent.", 40, 2000)

    # Barge-in (D)
    barge_in: bool = knob(True, "Stop speaking when the caller speaks.")
    barge_in_voice_frames: int = knob(3, "Loud frames in a row (20 ms each) that may be a voice.", 1, 50)
    barge_in_rms: int = knob(0, "RMS of such a frame; 0 means 1.5 × VAD_RMS.", 0, 32767)
    barge_in_style: Literal["stop", "dip"] = knob(
        "stop", "A voice over the agent: stop at once; dip is 11 dB lower until it has lasted, or said more."
    )
    barge_in_early_stop: bool = knob(False, "Stop at those frames, before the speech model has judged them.")

    # Understanding (E)
    dedup_window_sec: int = knob(14, "How long the same words count as a repeat.", 0, 120)
    asr_min_confidence: float = knob(0.35, "Below this the agent asks again.", 0, 1)
    llm_target_style: str = knob("warm_helpful", "Style handed to the LLM.")
    llm_min_chars: int = knob(140, "Shortest reply asked of the LLM.", 0, 2000)
    llm_max_chars: Annotated[int, at_least("llm_min_chars")] = knob(
        420, "Longest reply asked of the LLM.", 20, 4000
    )
    llm_history_turns: int = knob(12, "Turns of the call that the LLM is told about.", 0, 100)

    # Life of a call (F)
    idle_prompt_sec: float = knob(8, "Silence of the caller after which the agent asks; 0: never.", 0, 120)
    idle_max_prompts: int = knob(2, "Times that the agent asks before it says goodbye.", 0, 10)
    hold_sec: float = knob(90, "A caller who asks to wait is left alone for so long.", 0, 900)
    max_call_sec: int = knob(900, "Length of a call after which the agent ends it politely.", 30, 14400)
    resume_calls: bool = knob(
        True, "A call whose socket fails goes on at another; for that, its last turns are shared."
    )

    # What is said
    ai_greeting_he: str = knob("שלום! איך אפשר לעזור?", "Greeting; empty is none.")
    greeting_protected: bool = knob(False, "Nothing stops the greeting: a notice that the law wants heard.")
    twiml_play_greeting: Annotated[bool, not_where_recorded] = knob(
        False, "Play the greeting from the TwiML instead."
    )
    thinking_hint_ms: int = knob(800, "Wait before the thinking hint; 0 is off.", 0, 10000)
    thinking_text_he: str = knob("שנייה… בודקת", "The thinking hint; empty is off.")
    lines_file: Annotated[PathText, no_file_of(*FILES_WRITTEN)] = knob(
        "", "Your own wording of the agent's fixed lines, those you name; see docs/operate.md."
    )

    pronunciations_file: Annotated[PathText, no_file_of(*FILES_WRITTEN)] = knob(
        "", "How words are said, whatever the voice: written = spoken, one a line; see docs/operate.md."
    )

    # Deadlines (G)
    asr_timeout_ms: MaybeNumber = knob(
        None, "End of speech to the transcript; empty: 1200, or 2600 with OpenAI's STT.", 100, 30000
    )
    llm_first_token_timeout_ms: int = knob(1500, "Request to the first word of the LLM.", 100, 30000)
    tts_timeout_ms: int = knob(1000, "Sentence to the first audio of the TTS.", 100, 30000)
    turn_timeout_ms: int = knob(3500, "End of turn to the first frame of an answer.", 500, 60000)

    # Scripted providers: benchmarks and tests
    scripted_asr_lines: str = knob("שלום|אני מחפש דירה|תודה", "What the scripted STT hears, | between turns.")
    scripted_asr_ms: int = knob(200, "Scripted STT: end of speech to the transcript.", 0, 60000)
    scripted_llm_reply: str = knob(
        "זו התשובה שלי לפנייה מספר {n}. שמעתי {text} בפעם {n}. נמשיך אחרי {n}?",
        "Scripted LLM; {n} is the turn's number, {text} what was heard.",
    )
    scripted_llm_ms: int = knob(350, "Scripted LLM: request to its first sentence.", 0, 60000)
    scripted_tts_ms: int = knob(150, "Scripted TTS: sentence to its first audio.", 0, 60000)

    @property
    def opening(self) -> str:
        """What the agent says first: the greeting, behind the notice where calls are recorded (B6)."""
        recorded = self.event_log == "audio"
        return " ".join(filter(None, (self.recording_notice_he.strip() * recorded, self.ai_greeting_he)))

    @property
    def listen_host(self) -> str:
        """BIND_HOST; when it is empty, a server that anybody could use listens to its own machine only."""
        return self.bind_host or ("0.0.0.0" if self.twilio_auth_token.get_secret_value() else "127.0.0.1")

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, knobs: dict[str, Any]) -> dict[str, Any]:
        """Without the quotes around a value; the defaults are those of the agent's gender."""
        bare = {name: without_quotes(value) for name, value in knobs.items()}
        return MASCULINE | bare if bare.get("agent_gender") == "masculine" else bare

    @model_validator(mode="after")
    def _the_key_is_one(self) -> "Config":
        """One's own server may want any key."""
        shared = bool(self.openai_base_url)
        for name, own_server in {
            "openai_api_key": shared,
            "openai_stt_api_key": shared or bool(self.openai_stt_base_url),
            "openai_llm_api_key": shared or bool(self.openai_llm_base_url),
            "openai_tts_api_key": shared or bool(self.openai_tts_base_url),
        }.items():
            if why := why_no_openai_key(getattr(self, name).get_secret_value(), own_server):
                raise ValueError(f"{name.upper()}: {why}")
        return self


_NAMES = frozenset(map(str.upper, Config.model_fields))


def own_lines(config: Config) -> Lines:
    """The fixed lines in this agent's gender and this office's wording. Raises LinesError."""
    return lines_of(config.lines_file, Gender(config.agent_gender))


def load_config(*, _env_file: str | None = ENV_FILE, **overrides: Any) -> Config:
    """Read the environment and ``.env``; raise KnobError that lists every bad knob, or line, at once."""
    meant_otherwise: list[str] = []
    try:
        in_file: Mapping[str, str] = {}
        if _env_file is not None:
            file = read_env_file(_env_file, _NAMES)
            in_file, meant_otherwise = file.values, file.references()
        names = _NAMES & in_file.keys() - {name.upper() for name in os.environ}
        return Config(**{**{name.lower(): in_file[name] for name in names}, **overrides})
    except EnvFileError as error:
        raise KnobError(str(error)) from None
    except ValidationError as error:
        wrong = [*complaints(error, Config.model_fields), *(f"  {remark}" for remark in meant_otherwise)]
        raise KnobError("bad settings:\n" + "\n".join(wrong)) from None


def load_config_to_start(**overrides: Any) -> Config:
    """``load_config``, and the files that calls read can be read: KnobError names each that cannot."""
    config = load_config(**overrides)
    paths = {name.upper(): getattr(config, name) for name in FILES_READ}
    if wrong := list(wrong_files(paths, Gender(config.agent_gender))):
        raise KnobError("bad settings:\n" + "\n".join(wrong))
    return config


def env_file_remarks() -> list[str]:
    """What is odd in ``.env``, a line each, if it can be read; why it cannot is ``load_config``'s to say."""
    try:
        return read_env_file(ENV_FILE, _NAMES).remarks()
    except EnvFileError:
        return []


def load_mounted_config() -> Config:
    """The same for a host's process: the knobs of our own server are not read there.

    Their names are common ones (PORT, THREADS, LOG_LEVEL, …), and there they are the host's.
    """
    return load_config_to_start(**{name: Config.model_fields[name].default for name in OWN_SERVER_KNOBS})


def as_environment(config: Config) -> dict[str, str]:
    """Knob name to the text that sets it."""
    return {name.upper(): knob_text(getattr(config, name)) for name in Config.model_fields}


def main(words: list[str]) -> int:
    """``export``, ``table`` or ``env-example``; 1 and the complaints on standard error when a knob is bad."""
    documents = {"table": knob_table, "env-example": env_example}
    if document := documents.get(" ".join(words)):
        print(document(Config.model_fields))
        return 0
    if words != ["export"]:
        print("usage: python -m server.config export|table|env-example", file=sys.stderr)
        return 2
    try:
        config = load_config_to_start()
    except KnobError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in as_environment(config).items():
        print(f"export {name}={shlex.quote(text)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
