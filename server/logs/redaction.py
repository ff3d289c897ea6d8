"""What of a caller may be written to a log, by LOG_TRANSCRIPTS."""

import re
from typing import Literal
from urllib.parse import unquote

from server.hebrew.understand.redaction import redacted, redacted_so_far
from server.logs.secrets import HIDDEN, without_secrets
from server.settings.url_secrets import LEFT_OUT

Mode = Literal["redacted", "full", "off"]

MAX_COMPLAINT_CHARACTERS = 4000
KEPT_DIGITS = 4  # of a telephone number: enough to find a call by
FULL_NUMBER_DIGITS = 8  # a shorter one is a service, an extension, or withheld
_TELEPHONE = re.compile(r"\+?[\d\s().-]+")
_WITHHELD = re.compile(r"[A-Za-z]*")  # anonymous, Restricted, unavailable

# What follows is found in texts that others wrote: of a provider's complaint there is nothing else to go by.
_OCTET = r"(?:0|[1-9]\d{0,2})(?!\d)"
# Where a provider was looked for. 052.123.45.67 is a telephone, and so is the host of http://0521234567.
_HOST = (
    r"(?i:(?<!\w)[a-z][a-z0-9+.-]{0,15}://(?:…@)?(?!0\d|[^\s/?#]{0,255}@)[a-z0-9.:_-]{1,255})"
    rf"|(?<![\w.])[1-9]\d{{0,2}}(?:\.{_OCTET}){{3}}(?::\d{{1,5}})?(?!\w|\.\d)"
)
_ADDRESS = re.compile(f"({_HOST})")
_QUERY = re.compile(r"(?<=\S)\?[^\s'\"=]{1,200}=[^\s'\"]*")
_ESCAPED = re.compile(
    r"\\u(05[0-9a-f]{2}|00[2-7][0-9a-f])|((?:%D7%[89AB][0-9A-F]|%[23][0-9A-F])+)", re.IGNORECASE
)
# What cannot be a caller's words: addresses, kinds of exceptions, codes and durations.
_NO_WORDS = re.compile(
    rf"({_HOST}"
    r"|(?<![\w.])(?:[a-z_]\w{0,40}\.){0,6}[A-Z][A-Za-z]{0,60}?"
    r"(?:Error|Exception|Timeout|Exceeded|Exhausted|Unavailable|Denied)(?!\w)"
    r"|(?<!\w)(?:[A-Z]{2,20}_[A-Z_]{2,30}|[45]\d\d|Errno -?\d{1,3}|\d{1,6}(?:\.\d{1,3})? ?m?s)(?!\w))"
)


class Complaint(str):
    """Who complains and why, for each who does: ``Complaint(("google", "down"), ("openai", "HTTP 503"))``.

    As text it is ``google: down; openai: HTTP 503``. ``who`` is ours to tell; ``why`` may quote a caller.
    """

    parts: tuple[tuple[str, str], ...]

    def __new__(cls, *parts: tuple[str, str]) -> "Complaint":
        complaint = super().__new__(cls, "; ".join(f"{who}: {why}" for who, why in parts))
        complaint.parts = parts
        return complaint

    def __str__(self) -> str:
        """So that ``str`` of an exception that was raised with a complaint is that complaint."""
        return self


class PrivateText:
    """Private text as a log line may hold it. Keys that were pressed are words like any other.

    Secrets go first: one that has lost its digits is no longer found, and the rest of it would stay.
    """

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    def words(self, text: str, before: str = "") -> str:
        """What was said or typed; ``before``: digits of the same speaker that it may continue."""
        if self._mode == "off":
            count = len(text.split())
            return f"({count} word{'' if count == 1 else 's'})"
        return text if self._mode == "full" else redacted(without_secrets(text), before)

    def words_so_far(self, text: str, before: str = "") -> str:
        """What is still being said: no number of it is told that may become a private one."""
        if self._mode != "redacted":
            return self.words(text)
        return redacted_so_far(without_secrets(text), before)

    def cause(self, text: str) -> str:
        """Why something failed: a provider's complaint may quote what it was given, in any form.

        So "off" keeps who complains, kinds of exceptions, status codes, durations and the host of an address;
        the rest is "…". A URL's query is left out in "redacted" too. MAX_COMPLAINT_CHARACTERS at most.
        """
        if isinstance(text, Complaint):
            return "; ".join(f"{who}: {self.cause(why)}" for who, why in text.parts)
        text = without_secrets(text)[:MAX_COMPLAINT_CHARACTERS]
        if self._mode == "full":
            return text
        parts = _ADDRESS.split(_unescaped(_QUERY.sub(f"?{LEFT_OUT}", text)))
        parts[::2] = map(redacted, parts[::2])
        return "".join(parts) if self._mode == "redacted" else _without_words("".join(parts))

    def number(self, caller: str) -> str:
        """A telephone number: its last digits only. "anonymous" and the like tell nothing, and stay."""
        if self._mode == "full" or not caller:
            return caller
        if self._mode == "off":
            return HIDDEN
        digits = re.sub(r"\D", "", caller)
        if _TELEPHONE.fullmatch(caller) and len(digits) >= FULL_NUMBER_DIGITS:
            return f"…{digits[-KEPT_DIGITS:]}"
        return caller if _WITHHELD.fullmatch(caller) else HIDDEN


def _unescaped(text: str) -> str:
    """Hebrew as JSON and URLs write it, as Hebrew: digits are said in words too."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else unquote(found[2]), text)


def _without_words(text: str) -> str:
    """Of ``text`` what cannot be a caller's."""
    kept = _NO_WORDS.split(text)
    kept[::2] = (LEFT_OUT if re.search(r"\w", part) else part for part in kept[::2])
    return "".join(kept)
