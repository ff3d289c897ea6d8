"""Secrets of the settings in no log line: the last line of defence, whoever logs and whatever is logged.

It knows the secret texts themselves and searches for them in finished records, tracebacks included: lines of
ours, of gunicorn's, and of whoever else logs on these loggers. What is private to a caller is no matter of
this module: that travels in fields (``events``), or in exceptions (``exceptions``).
"""

import logging
import re
import threading

from server.config import Config
from server.settings.secret_texts import any_of, secrets_of
from server.settings.url_secrets import without_user_info

# Ends a line, turns text around, moves a terminal's cursor, or is half a character. Blanks and marks stay.
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

HIDDEN = "(hidden)"


class SecretsFilter(logging.Filter):
    """Takes secrets out of a record, its traceback included, before any handler sees it. Any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._secrets: frozenset[str] = frozenset()
        self._any = any_of(self._secrets)

    def hide(self, secrets: frozenset[str]) -> None:
        """Hide these too; texts of a few characters are left alone."""
        with self._lock:
            self._secrets |= secrets
            self._any = any_of(self._secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: a line without its secret is still wanted."""
        message = message_of(record)
        if (cleaned := self.clean(message)) != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info and not record.exc_text:
            traceback = logging.Formatter().formatException(record.exc_info)
            if (cleaned := self.clean(traceback)) != traceback:
                # The exception itself would be formatted anew by a host's handler.
                record.exc_text, record.exc_info = cleaned, None
        for name, value in vars(record).items():
            if isinstance(value, str):
                setattr(record, name, self.clean(value))
        return True

    def clean(self, text: str) -> str:
        """``text`` without a secret, and without the name and password of any URL, however short."""
        return without_user_info(text if self._any is None else self._any.sub(HIDDEN, text))


def message_of(record: logging.LogRecord) -> str:
    """The record's text. Never raises."""
    try:
        return record.getMessage()
    except Exception:  # the arguments do not fit: logging tells so itself, and shows them
        return f"{record.msg} {record.args}"


_of_every_config = SecretsFilter()


def hide_secrets(config: Config, *loggers: logging.Logger) -> None:
    """No line of ``loggers`` holds a secret of ``config``, or of one that was given before. Reads a file."""
    _of_every_config.hide(secrets_of(config))
    for logger in loggers:
        logger.addFilter(_of_every_config)


def without_secrets(text: str) -> str:
    """``text`` as a log of ours may hold it."""
    return _of_every_config.clean(text)


def excerpt(text: str, characters: int) -> str:
    """The beginning of what somebody else wrote. Cut first, half a secret would be there and not be found."""
    return without_secrets(text)[:characters]


def safe_line(text: str, most: int | None = None) -> str:
    """``text`` without a secret, on one line, of ``most`` characters: nobody forges a line with it."""
    line = _NOT_IN_A_LINE.sub(" ", without_secrets(text))
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"
