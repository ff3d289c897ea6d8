"""What stands between the settings and real callers: said at the start, and on the first page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from server.config import Config
from server.providers.registry import chosen_llm, chosen_stt, chosen_tts
from server.settings.plausible import NOT_TWILIOS, is_like_an_auth_token

Providers = Sequence[Sequence[str]]  # names of the STT, LLM and TTS, in order of preference


class Step(IntEnum):
    """Of README's "Going live in five steps"."""

    CREDENTIALS = 1
    ACCESS = 2
    HTTPS = 3
    CONNECT = 4
    CALL = 5


@dataclass(frozen=True)
class Missing:
    """What to do, in a sentence, in English and in Hebrew."""

    step: Step
    en: str
    he: str


def _ltr(text: str) -> str:
    """Within Hebrew, where its signs would otherwise change places."""
    return f"\u2066{text}\u2069"


def missing_to_go_live(config: Config, in_use: Providers | None = None) -> Iterator[Missing]:
    """Of what settings alone tell; asks nobody. ``in_use``: where they are not those of the settings."""
    yield from _https(config)
    yield from _credentials(in_use or (chosen_stt(config), chosen_llm(config), chosen_tts(config)))
    yield from _access(config)


def _https(config: Config) -> Iterator[Missing]:
    if not (config.public_base_url or config.public_host):
        yield Missing(
            Step.HTTPS,
            "set PUBLIC_BASE_URL (https://…) to where Twilio reaches this server",
            f"להגדיר ב-PUBLIC_BASE_URL את הכתובת ({_ltr('https://…')}) שבה Twilio מגיעה לשרת",
        )
    elif config.public_base_url.startswith("http://"):
        yield Missing(
            Step.HTTPS,
            "PUBLIC_BASE_URL must be https://: Twilio opens only wss:// streams",
            f"PUBLIC_BASE_URL חייב להתחיל ב-{_ltr('https://')}, אחרת Twilio לא פותחת את ערוץ הקול",
        )


def _credentials(in_use: Providers) -> Iterator[Missing]:
    if any(names[0] == "embedded" for names in in_use):
        yield Missing(
            Step.CREDENTIALS,
            "embedded providers are for trying out: set OPENAI_API_KEY, and GOOGLE_APPLICATION_CREDENTIALS "
            "for Google's STT and TTS, then run ./start_all.sh check",
            "הספקים המובנים הם לניסיון בלבד: להגדיר OPENAI_API_KEY, ולזיהוי ולקול של Google גם "
            f"GOOGLE_APPLICATION_CREDENTIALS, ואז להריץ {_ltr('./start_all.sh check')}",
        )
    if any("scripted" in names for names in in_use):
        yield Missing(
            Step.CREDENTIALS,
            "scripted providers are for tests: they do not listen",
            "ספקי scripted הם לבדיקות: הם אינם מקשיבים",
        )


def _access(config: Config) -> Iterator[Missing]:
    token = config.twilio_auth_token.get_secret_value()
    if not token:
        yield Missing(
            Step.ACCESS,
            "set TWILIO_AUTH_TOKEN (Twilio console, Account Info): then only Twilio gets in",
            "להגדיר TWILIO_AUTH_TOKEN (במסך Account Info של Twilio), ואז רק Twilio נכנסת",
        )
    elif not is_like_an_auth_token(token):
        yield Missing(
            Step.ACCESS,
            NOT_TWILIOS,
            "TWILIO_AUTH_TOKEN אינו נראה כמו של Twilio (32 תווים, 0-9 ו-a-f): האם הוא שלם?",
        )
