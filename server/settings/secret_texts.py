"""Which texts of the settings are secret, by kind and not by name, and how each may be written."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from server.config import Config
from server.settings.url_secrets import is_address, secrets_in

MIN_SECRET_CHARACTERS = 6  # a shorter text is in every other line by chance
MAX_KEY_FILE_BYTES = 65536
MIN_PART_CHARACTERS, MAX_PARTS = 16, 200  # of a key
# What of a file of Google's credentials may be read by anybody; whatever else stands there may not.
_PUBLIC = frozenset(
    "type project_id client_email client_id auth_uri token_uri token_url auth_provider_x509_cert_url account "
    "client_x509_cert_url universe_domain quota_project_id audience subject_token_type token_info_url".split()
)
_MARK_OF_A_KEY = re.compile(r"-----[^-]+-----")
_PARTS_OF_A_KEY = re.compile(r"(?:\\+[nr]|\s)+")
_AS_IT_IS = re.compile(r"[A-Za-z0-9._~-]")
# Three times escaped is seven. Without a bound a line of backslashes is read anew from each of them.
_ANY, _SOME = r"\\{0,15}", r"\\{1,15}"


def secrets_of(config: Config) -> frozenset[str]:
    """What no log may hold: each secret knob, each of its parts between commas, what a URL hides, keys.

    Reads the file of Google's credentials, if it can be read.
    """
    found = set(_of_a_key(_key_file(config.google_application_credentials)))
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if is_address(field):
            found.update(secrets_in(text))
        if isinstance(value, SecretStr):
            found.update(_of_a_key(text) if text.lstrip().startswith("{") else _between_commas(text))
    return frozenset(found)


def _between_commas(text: str) -> Iterator[str]:
    """A knob may hold two keys while one replaces the other."""
    yield from (text, text.strip(), *(part.strip() for part in text.split(",")))


def _key_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):  # none; a path that cannot be one. Whoever needs it says so
        return ""


def _of_a_key(text: str) -> Iterator[str]:
    """The lines of a key, and what else stands in credentials that nobody may read."""
    try:
        values = list(_hidden_values(json.loads(text, strict=False)))
    except (ValueError, RecursionError):
        values = [text]
    for value in values:
        parts = [part for part in _PARTS_OF_A_KEY.split(_MARK_OF_A_KEY.sub(" ", value)) if part]
        yield from [value] if len(parts) == 1 else ()
        yield from (part for part in parts[:MAX_PARTS] if len(part) >= MIN_PART_CHARACTERS)


def _hidden_values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from () if name in _PUBLIC else _hidden_values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _hidden_values(item)
    elif isinstance(value, str):
        yield value


# ---- how it may be written ----------------------------------------------------------------------


def any_of(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """Finds each that is long enough, however it is escaped; the longest first: it may hold another."""
    long = (secret for secret in secrets if len(secret) >= MIN_SECRET_CHARACTERS)
    patterns = ["".join(map(_spellings, secret)) for secret in sorted(long, key=len, reverse=True)]
    return re.compile("|".join(patterns)) if patterns else None


@cache
def _spellings(character: str) -> str:
    """A pattern for one character: as it is, as URLs have it, and as ``repr`` and JSON do, once or twice."""
    if _AS_IT_IS.match(character):
        return re.escape(character)
    octets = character.encode("utf-8", "surrogatepass")
    ways = [f"{_ANY}{re.escape(character)}", f"(?i:{quote(octets, safe='')})"]
    ways += [f"{_SOME}(?i:{escaped})" for escaped in _escapes(character, octets)]
    ways += [r"\+"] if character == " " else []
    return f"(?:{'|'.join(ways)})"


def _escapes(character: str, octets: bytes) -> Iterator[str]:
    """What stands behind the backslash; between octets there is one again."""
    named = json.dumps(character)[1:-1]
    if re.fullmatch(r"\\[a-z]", named):
        yield named[1]
    yield _SOME.join(f"x{octet:02x}" for octet in octets)
    if ord(character) < 0x100:
        yield f"x{ord(character):02x}"
    yield (
        _SOME.join(part for part in named.split("\\") if part) if "u" in named else f"u{ord(character):04x}"
    )
    yield f"U{ord(character):08x}"
