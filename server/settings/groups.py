"""The settings in the order in which people need them: docs/settings.md and ``.env.example`` follow it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Settings under one heading. ``names``: those of ``Config``, in capitals, in their order on the page."""

    heading: str
    names: tuple[str, ...]


GROUPS = (
    Group(
        "Must: before the first real call",
        (
            "TWILIO_AUTH_TOKEN",
            "PUBLIC_BASE_URL",
            "PUBLIC_HOST",
            "BIND_HOST",
            "PORT",
            "OPENAI_API_KEY",
            "SONIOX_API_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_CREDENTIALS_JSON",
        ),
    ),
    Group(
        "Often: the office and its agent",
        (
            "AI_GREETING_HE",
            "GREETING_PROTECTED",
            "AGENT_GENDER",
            "AGENT_PERSONA",
            "LLM_PROMPT_FILE",
            "LINES_FILE",
            "PRONUNCIATIONS_FILE",
            "ASR_PHRASES_FILE",
            "TRANSFER_NUMBER",
            "OFFICE_HOURS",
            "OFFICE_HOLIDAYS",
            "LEADS_FILE",
            "DATABASE_URL",
            "RECORDS_FILE",
            "RECORDS_KEEP_DAYS",
            "LOG_TRANSCRIPTS",
            "EVENT_LOG",
            "EVENT_LOG_DIR",
            "RECORDING_NOTICE_HE",
        ),
    ),
    Group(
        "Often: the pages in the browser",
        ("PAGES_PASSWORD_HASH", "PAGES_SESSION_HOURS", "PAGES"),
    ),
    Group(
        "Often: numbers and traces",
        ("METRICS_TOKEN", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"),
    ),
    Group(
        "Often: leads that arrive",
        (
            "LEADS_WEBHOOK_URL",
            "LEADS_WEBHOOK_SECRET",
            "LEADS_EMAIL_TO",
            "LEADS_EMAIL_FROM",
            "SMTP_URL",
            "LEADS_RETRY_HOURS",
            "LEADS_SUMMARY",
        ),
    ),
    Group(
        "Often: STT, LLM and TTS",
        (
            "ASR_ENGINES",
            "LLM_ENGINES",
            "TTS_ENGINES",
            "OPENAI_BASE_URL",
            "OPENAI_LLM_MODEL",
            "OPENAI_LLM_EFFORT",
            "OPENAI_LLM_TEMPERATURE",
            "OPENAI_LLM_BASE_URL",
            "OPENAI_LLM_API_KEY",
            "OPENAI_STT_MODEL",
            "OPENAI_STT_BASE_URL",
            "OPENAI_STT_API_KEY",
            "OPENAI_TTS_MODEL",
            "OPENAI_TTS_VOICE",
            "OPENAI_TTS_BASE_URL",
            "OPENAI_TTS_API_KEY",
            "SONIOX_STT_MODEL",
            "SONIOX_TTS_MODEL",
            "SONIOX_TTS_VOICE",
            "SONIOX_STT_URL",
            "SONIOX_TTS_URL",
            "GOOGLE_SPEECH_API",
            "GOOGLE_SPEECH_LOCATION",
            "GOOGLE_SPEECH_MODEL",
            "GOOGLE_SPEECH_LANGUAGE",
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_TTS_VOICE",
            "TTS_CACHE_DIR",
            "TTS_CACHE_MB",
        ),
    ),
    Group(
        "Often: the server and its limits",
        (
            "MAX_CALLS",
            "LOAD_THRESHOLD",
            "OVERFLOW_NUMBER",
            "CALLS_PER_SEC",
            "CALLS_PER_CALLER_MIN",
            "CALLS_PER_CALLER_AT_ONCE",
            "CALLERS_LET_OFF",
            "HIDDEN_CALLS_PER_MIN",
            "HIDDEN_CALLS_PERCENT",
            "WORKER_CLASS",
            "WEB_CONCURRENCY",
            "THREADS",
            "WEBSOCKET_ENGINE",
            "DRAIN_SEC",
            "STATE_FILE",
            "REDIS_URL",
            "RESUME_CALLS",
            "LOG_LEVEL",
        ),
    ),
    Group(
        "Tuning: hearing and turn-taking",
        (
            "VAD_ENGINE",
            "VAD_RMS",
            "MIN_UTT_SEC",
            "VAD_HANGOVER_MS",
            "MAX_UTT_SEC",
            "MIN_VOICED_MS",
            "ADAPTIVE_SILENCE_MS",
            "INCOMPLETE_HOLD_MS",
            "SPECULATIVE_TURNS",
            "SPECULATIVE_MAX",
            "RESP_MIN_DELAY_MS",
            "RESP_MAX_DELAY_MS",
            "REPLY_REFRACTORY_MS",
            "BARGE_IN",
            "BARGE_IN_STYLE",
            "BARGE_IN_VOICE_FRAMES",
            "BARGE_IN_RMS",
            "BARGE_IN_EARLY_STOP",
            "DEDUP_WINDOW_SEC",
            "ASR_MIN_CONFIDENCE",
        ),
    ),
    Group(
        "Tuning: replies and the length of a call",
        (
            "LLM_TARGET_STYLE",
            "LLM_MIN_CHARS",
            "LLM_MAX_CHARS",
            "LLM_HISTORY_TURNS",
            "THINKING_HINT_MS",
            "THINKING_TEXT_HE",
            "IDLE_PROMPT_SEC",
            "IDLE_MAX_PROMPTS",
            "HOLD_SEC",
            "MAX_CALL_SEC",
            "TWIML_PLAY_GREETING",
            "TX_LEAD_MS",
        ),
    ),
    Group(
        "Tuning: deadlines and failures",
        (
            "ASR_TIMEOUT_MS",
            "LLM_FIRST_TOKEN_TIMEOUT_MS",
            "TTS_TIMEOUT_MS",
            "TURN_TIMEOUT_MS",
            "BREAKER_FAILURES",
            "BREAKER_OPEN_SEC",
        ),
    ),
    Group(
        "Tests and trials",
        (
            "WS_MODE",
            "GOOGLE_SPEECH_ENDPOINT",
            "GOOGLE_TTS_ENDPOINT",
            "SCRIPTED_ASR_LINES",
            "SCRIPTED_ASR_MS",
            "SCRIPTED_LLM_REPLY",
            "SCRIPTED_LLM_MS",
            "SCRIPTED_TTS_MS",
        ),
    ),
)


def all_names() -> Iterator[str]:
    """Every name of every group, as often as it is in one."""
    return (name for group in GROUPS for name in group.names)
