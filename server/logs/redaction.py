"""What may be written to a log: of a caller by LOG_TRANSCRIPTS, and of a secret nothing at all."""

import logging
import re
import threading
from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote

from server.config import Config
from server.hebrew.understand.redaction import redacted
from server.settings.secret_texts import any_of, secrets_of
from server.settings.url_secrets import LEFT_OUT, without_user_info

Mode = Literal["redacted", "full", "off"]

HIDDEN = "(hidden)"
KEPT_DIGITS = 4  # of a telephone number: enough to find a call by
FULL_NUMBER_DIGITS = 8  # a shorter one is a service, an extension, or withheld
_TELEPHONE = re.compile(r"\+?[\d\s().-]+")
_WITHHELD = re.compile(r"[A-Za-z]*")  # anonymous, Restricted, unavailable
_OCTET = r"(?:0|[1-9]\d{0,2})(?!\d)"
# Where an engine was looked for. 052.123.45.67 is a telephone, and so is the host of http://0521234567.
_HOST = (
    r"(?i:(?<!\w)[a-z][a-z0-9+.-]{0,15}://(?:…@)?(?!0\d|[^\s/?#]{0,255}@)[a-z0-9.:_-]{1,255})"
    rf"|(?<![\w.])[1-9]\d{{0,2}}(?:\.{_OCTET}){{3}}(?::\d{{1,5}})?(?!\w|\.\d)"
)
_ADDRESS = re.compile(f"({_HOST})")
_QUERY = re.compile(r"(?<=\S)\?[^\s'\"=]{1,200}=[^\s'\"]*")
# Lines that say why an engine failed; those of a call, with its sid, are cleaned before they come here.
_COMPLAINT = re.compile(r"(?:ENGINE|ASR|LLM|TTS)_(?!.* sid=)", re.DOTALL)
_TRACEBACK = "Traceback (most recent call last):"
_ESCAPED = re.compile(
    r"\\u(05[0-9a-f]{2}|00[2-7][0-9a-f])|((?:%D7%[89AB][0-9A-F]|%[23][0-9A-F])+)", re.IGNORECASE
)
# The line's name and who complains; that part is ours.
_WHO = r"\A(?:(?:ENGINE|ASR|LLM|TTS)_[A-Z]+:?(?: [^:'\"\n]{0,80})?(?::|\Z)|[a-z][\w.-]{0,40}: )"
# Behind it, what cannot be a caller's words: addresses, kinds of exceptions, codes and durations.
_KEPT = re.compile(
    rf"({_HOST}|{_WHO}|\A(?:The above exception was .*|During handling of .*)\Z"
    r"|(?<![\w.])(?:[a-z_]\w{0,40}\.){0,6}[A-Z][A-Za-z]{0,60}?"
    r"(?:Error|Exception|Timeout|Exceeded|Exhausted|Unavailable|Denied)(?!\w)"
    r"|(?<!\w)(?:[A-Z]{2,20}_[A-Z_]{2,30}|[45]\d\d|Errno -?\d{1,3}|\d{1,6}(?:\.\d{1,3})? ?m?s)(?!\w))"
)
MAX_COMPLAINT_CHARACTERS = 4000

GUNICORNS = "gunicorn.error"
FULL: Mode = "full"

log = logging.getLogger("agent")


class Transcripts:
    """Private text as a log line may hold it. Keys that were pressed are words like any other."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    def words(self, text: str, before: str = "") -> str:
        """What was said or typed; ``before``: digits of the same speaker that it may continue."""
        if self._mode == "off":
            count = len(text.split())
            return f"({count} word{'' if count == 1 else 's'})"
        return text if self._mode == "full" else redacted(text, before)

    def cause(self, text: str) -> str:
        """Why something failed: an engine's complaint may quote what it was given, in any form.

        So "off" keeps who complains, kinds of exceptions, status codes, durations and the host of an address;
        the rest is "…". A URL's query is left out in "redacted" too. MAX_COMPLAINT_CHARACTERS at most.
        """
        # First, for a key that has lost its digits is no longer found, and the rest of it would stay.
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
    kept = _KEPT.split(text)
    kept[::2] = (LEFT_OUT if re.search(r"\w", part) else part for part in kept[::2])
    return "".join(kept)


# ---- secrets ------------------------------------------------------------------------------------


class SecretsFilter(logging.Filter):
    """Takes secrets out of a record, its traceback included, before any handler sees it. Any thread.

    And out of complaints and exceptions, by ``mode``, what they quote of a caller.
    """

    def __init__(self, secrets: Iterable[str], mode: Mode = "full") -> None:
        super().__init__()
        self._secrets: frozenset[str] = frozenset()
        self.hide(secrets, mode)

    def hide(self, secrets: Iterable[str], mode: Mode) -> None:
        """Hide these too; texts of a few characters are left alone. ``mode`` from now on."""
        self._transcripts = Transcripts(mode)
        self._secrets = self._secrets.union(secrets)
        self._any = any_of(self._secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: a line without its secret is still wanted."""
        message = _message(record)
        if (cleaned := self._complaint(message)) != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info and not record.exc_text:
            traceback = logging.Formatter().formatException(record.exc_info)
            if (cleaned := self._traceback(traceback)) != traceback:
                # The exception itself would be formatted anew by a host's handler.
                record.exc_text, record.exc_info = cleaned, None
        for name, value in vars(record).items():
            if isinstance(value, str):
                setattr(record, name, self.clean(value))
        return True

    def clean(self, text: str) -> str:
        """``text`` without a secret, and without the name and password of any URL, however short."""
        return without_user_info(text if self._any is None else self._any.sub(HIDDEN, text))

    def _complaint(self, message: str) -> str:
        message = self.clean(message)
        return self._transcripts.cause(message) if _COMPLAINT.match(message) else message

    def _traceback(self, text: str) -> str:
        """The lines of code stay: indented, and before the exception's message, which may have such too."""
        lines, code = [], False
        for line in self.clean(text).splitlines():
            code = line == _TRACEBACK or (code and line.startswith(" "))
            lines.append(line if code else self._transcripts.cause(line))
        return "\n".join(lines)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # the arguments do not fit: logging tells so itself, and shows them
        return f"{record.msg} {record.args}"


_installing = threading.Lock()


def install_secrets_filter(config: Config) -> None:
    """No line of ours holds a secret of ``config``, in a host's logging too. Again: those of both configs.

    Nor does one of gunicorn's: it writes the tracebacks of workers that could not start. Reads a file.
    """
    secrets = secrets_of(config)
    with _installing:
        for logger, mode in ((log, config.log_transcripts), (logging.getLogger(GUNICORNS), FULL)):
            installed = _installed(logger)
            if installed is None:
                logger.addFilter(SecretsFilter(secrets, mode))
            else:
                installed.hide(secrets, mode)


def log_uncaught(died: "threading.ExceptHookArgs") -> None:
    """For ``threading.excepthook``, whose own traceback goes to standard error as it is."""
    if died.exc_type is SystemExit or died.exc_value is None:
        return
    name = died.thread.name if died.thread is not None else "?"
    log.error("THREAD_ERR %s", name, exc_info=(died.exc_type, died.exc_value, died.exc_traceback))


def without_secrets(text: str) -> str:
    """``text`` as a log of ours may hold it."""
    installed = _installed(log)
    return without_user_info(text) if installed is None else installed.clean(text)


def excerpt(text: str, characters: int) -> str:
    """The beginning of what somebody else wrote. Cut first, half a secret would be there and not be found."""
    return without_secrets(text)[:characters]


def _installed(logger: logging.Logger) -> SecretsFilter | None:
    return next((f for f in logger.filters if isinstance(f, SecretsFilter)), None)
