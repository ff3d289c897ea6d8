"""The kinds of knobs as annotated types: each says itself what is wrong with a value.

A complaint begins where the knob's name ends: ``='here': must be …``, or ``: must be …`` where the value may
be a secret.
"""

import os
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_settings import NoDecode

from server.settings import plausible
from server.settings.url_secrets import Address, shown, without_user_info


def _checked(why_not: Callable[[str], str], show: Callable[[str], str] | None = None) -> AfterValidator:
    """Any text that ``why_not`` has no complaint about, and the empty one. ``show``: None for secrets."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text and (why := why_not(text)):
            raise ValueError(f"={show(text)!r}: {why}" if show else f": {why}")
        return value

    return AfterValidator(check)


def at_least(name: str) -> AfterValidator:
    """No less than the knob ``name``, which stands before it."""

    def check(most: int, info: ValidationInfo) -> int:
        if most < (least := info.data.get(name, most)):
            raise ValueError(f"={most}: must not be below {name.upper()}={least}")
        return most

    return AfterValidator(check)


def no_file_of(*names: str) -> AfterValidator:
    """Not the file of one of these knobs, which stand before it: one of the two is written by the server."""

    def check(path: str, info: ValidationInfo) -> str:
        for name in names:
            other = info.data.get(name)
            if path and other and os.path.realpath(path) == os.path.realpath(other):
                raise ValueError(f"={path!r}: must not be the file of {name.upper()}")
        return path

    return AfterValidator(check)


def _named(folder: str, info: ValidationInfo) -> str:
    if (log := info.data.get("event_log")) != "off" and not folder:
        raise ValueError(f"='': must name a folder with EVENT_LOG={log}")
    return folder


def _told(notice: str, info: ValidationInfo) -> str:
    if info.data.get("event_log") == "audio" and not notice.strip():
        raise ValueError("='': must not be empty with EVENT_LOG=audio: callers are told so")
    return notice


def _not_before_the_notice(play: bool, info: ValidationInfo) -> bool:
    if play and info.data.get("event_log") == "audio":
        raise ValueError("=True: must be false with EVENT_LOG=audio, whose notice comes before the greeting")
    return play


named_where_kept = AfterValidator(_named)
told_where_recorded = AfterValidator(_told)
not_where_recorded = AfterValidator(_not_before_the_notice)


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("='': must not be empty")
    return text


def _comma_separated(value: object) -> object:
    """A text as the tuple of its parts, without blanks and empty ones; anything else as it is."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


def _number_or_nothing(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _upper_case(value: object) -> object:
    """As Python's logging names it."""
    return {"WARN": "WARNING"}.get(value.upper(), value.upper()) if isinstance(value, str) else value


# ---- texts and numbers ----

Name = Annotated[str, AfterValidator(_not_empty)]
MaybeNumber = Annotated[float | None, BeforeValidator(_number_or_nothing)]
MaybeWholeNumber = Annotated[int | None, BeforeValidator(_number_or_nothing)]
Hours = Annotated[str, _checked(plausible.why_no_office_hours, without_user_info)]

# ---- telephone numbers ----

E164 = Annotated[str, _checked(plausible.why_no_e164, without_user_info)]
CallerNumber = Annotated[str, _checked(plausible.why_no_caller_number, without_user_info)]
CallerNumbers = Annotated[tuple[CallerNumber, ...], NoDecode, BeforeValidator(_comma_separated)]

# ---- files and folders ----

# ~ is a home folder there too where no shell has looked at it.
PathText = Annotated[str, AfterValidator(os.path.expanduser)]
KeyFile = Annotated[PathText, _checked(plausible.why_no_key_file)]

# ---- URLs ----

BaseUrl = Annotated[str, Address(), _checked(plausible.why_no_base_url, shown)]
Host = Annotated[str, Address(), _checked(plausible.why_no_host, shown)]
ServiceUrl = Annotated[str, Address(), _checked(plausible.why_no_service_url, shown)]
SocketUrl = Annotated[str, Address(), _checked(plausible.why_no_socket_url, shown)]
GoogleEndpoint = Annotated[str, Address(), _checked(plausible.why_no_google_endpoint, shown)]
WebhookUrl = Annotated[SecretStr, Address(), _checked(plausible.why_no_webhook_url)]
RedisUrl = Annotated[SecretStr, Address(), _checked(plausible.why_no_redis_url)]
DatabaseUrl = Annotated[SecretStr, Address(), _checked(plausible.why_no_database_url, shown)]

# ---- e-mail ----

EmailAddress = Annotated[str, _checked(plausible.why_no_email, without_user_info)]
EmailAddresses = Annotated[tuple[EmailAddress, ...], NoDecode, BeforeValidator(_comma_separated)]
# Another program's setting may have that name: it is looked at where mail is to be sent.
SmtpUrl = Annotated[SecretStr, Address()]

# ---- secrets ----

AuthToken = Annotated[SecretStr, _checked(plausible.why_no_auth_token)]
PasswordHash = Annotated[SecretStr, _checked(plausible.why_no_password_hash)]

# ---- choices ----

LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper_case)]
# STT and TTS each have their own: a vendor may offer one of the two only.
SttProvider = Literal["google", "soniox", "openai", "embedded", "scripted"]
LlmProvider = Literal["openai", "embedded", "scripted"]
TtsProvider = Literal["google", "soniox", "openai", "embedded", "scripted"]
SttProviders = Annotated[tuple[SttProvider, ...], NoDecode, BeforeValidator(_comma_separated)]
LlmProviders = Annotated[tuple[LlmProvider, ...], NoDecode, BeforeValidator(_comma_separated)]
TtsProviders = Annotated[tuple[TtsProvider, ...], NoDecode, BeforeValidator(_comma_separated)]
