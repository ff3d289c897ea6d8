"""URLs in settings: a name and a password, or a token, may stand in each of them, and are for nobody's eyes.

``shown`` is how a URL gets into a message of ours, whatever it is; ``Address`` marks a knob that is one.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic.fields import FieldInfo


class Address:
    """Marks a knob whose value is a URL."""


LEFT_OUT = "…"
_USER_INFO = re.compile(r"(?<=//)[^/?#]*(?=@)", re.DOTALL)
_USER_INFO_IN_TEXT = re.compile(r"(?<=://)[^\s/?#\"<>]{1,512}@")
# Of any text that was to be one: its scheme, and what may be its user info.
_BEFORE_THE_HOST = re.compile(r"\A(\s*[a-z][a-z0-9+.-]*:/+)?.*@", re.DOTALL | re.IGNORECASE)
_BEHIND_THE_PATH = re.compile(r"[?#].*\Z", re.DOTALL)
_TELLS_A_SECRET = re.compile(r"pass|pw|token|key|secret|auth|sig|cred", re.IGNORECASE)


def is_address(field: FieldInfo) -> bool:
    return any(isinstance(mark, Address) for mark in field.metadata)


def shown(url: str) -> str:
    """``url``, or what was to be one, as anybody may read it: without user info, query and fragment."""
    bare = _BEHIND_THE_PATH.sub(f"?{LEFT_OUT}", url)
    if "@" in url and "@" not in bare:  # a ? or # in a password
        bare = url
    return _BEFORE_THE_HOST.sub(rf"\1{LEFT_OUT}@", bare)


def without_user_info(text: str) -> str:
    """``text`` whose URLs have lost theirs."""
    return _USER_INFO_IN_TEXT.sub(f"{LEFT_OUT}@", text) if "@" in text else text


def user_info(url: str) -> tuple[str, str]:
    """Name and password as they are meant; both empty where there are none."""
    found = _USER_INFO.search(url)
    name, _, password = found.group().partition(":") if found else ("", "", "")
    return unquote(name), unquote(password)


def basic_auth(url: str) -> str:
    """The ``Authorization`` header of what stands in ``url``; empty where nothing does."""
    name, password = user_info(url)
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}" if name or password else ""


def bare(url: str) -> str:
    """``url`` without its user info."""
    return re.sub(r"(?<=//)[^/?#]*@", "", url, count=1)


def secrets_in(url: str) -> Iterator[str]:
    """What of ``url`` is a secret by itself: the password, or a name that stands for one, and tokens.

    As it is written, as it is meant, and as an ``Authorization`` header has it.
    """
    if found := _USER_INFO.search(url):
        written = found.group()
        name, colon, password = written.partition(":")
        yield from (password or name, unquote(password or name))
        for pair in (written, unquote(name) + colon + unquote(password)):
            yield from (pair, b64encode(pair.encode()).decode().rstrip("="))
    for name, value in parse_qsl(urlsplit(url).query):
        if _TELLS_A_SECRET.search(name):
            yield value
