"""Our log lines as events: a name, and named fields; one renderer makes the text, and knows what is private.

``log.warning("ENGINE_FAILING llm openai:", cause=why)`` is for a line that holds something private:

| field        | holds                                              | in the line        |
|--------------|----------------------------------------------------|--------------------|
| ``words``    | what was said or typed                             | as it is           |
| ``before``   | digits of the same speaker that ``words`` continue | not                |
| ``cause``    | why something failed; may quote what was said      | as it is           |
| ``more``     | public text that ends the line                     | as it is           |
| From, To     | a telephone number                                 | From=…4567         |
| any other    | public                                             | name=value         |

They stand behind the event in the order in which they are given. A line that holds nothing private may as
well be a plain one of ``logging.getLogger("agent")``. structlog's global configuration, a host's, is neither
read nor changed: the text is finished before ``logging`` has it.
"""

import logging
import threading
from typing import Any

import structlog
from structlog.typing import EventDict

from server.config import Config
from server.logs.exceptions import ExceptionsFilter
from server.logs.redaction import PrivateText
from server.logs.secrets import hide_secrets, safe_line

MAX_FIELD_CHARACTERS = 4000
NUMBERS = frozenset({"From", "To"})
UNNAMED = frozenset({"words", "cause", "more"})
TO_THE_SITE = 3  # frames from ``logging`` to whoever logs, for a host that shows where that was

_ours, _gunicorns = logging.getLogger("agent"), logging.getLogger("gunicorn.error")
_exceptions = ExceptionsFilter(PrivateText("redacted"))


class EventLog(structlog.BoundLoggerBase):
    """``bind(private_text=…)``: by what its private fields are shown; else as ``hide_private`` was told."""

    def info(self, event: str, **fields: object) -> None:
        self._proxy_to_logger("info", event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        self._proxy_to_logger("warning", event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """``exc_info``: as for ``logging``."""
        self._proxy_to_logger("error", event, **fields)


def _private(_logger: object, _level: str, fields: EventDict) -> EventDict:
    private_text: PrivateText = fields.pop("private_text", _exceptions.private_text)
    before = fields.pop("before", "")
    if "words" in fields:
        fields["words"] = private_text.words(fields["words"], before)
    if "cause" in fields:
        fields["cause"] = private_text.cause(fields["cause"])
    for name in NUMBERS & fields.keys():
        fields[name] = private_text.number(fields[name])
    return fields


def _text(_logger: object, _level: str, fields: EventDict) -> tuple[tuple[str], dict[str, Any]]:
    passed_on = {"exc_info": fields.pop("exc_info", None), "stacklevel": TO_THE_SITE}
    parts = [fields.pop("event")]
    parts += [str(value) if name in UNNAMED else f"{name}={value}" for name, value in fields.items()]
    return (" ".join(safe_line(part, MAX_FIELD_CHARACTERS) for part in parts),), passed_on


log = EventLog(_ours, [structlog.stdlib.filter_by_level, _private, _text], {})


def hide_private(config: Config) -> None:
    """From now on, in a host's logging too: callers' data by LOG_TRANSCRIPTS, and no secret of ``config``.

    The latest LOG_TRANSCRIPTS holds for lines outside of calls; secrets are those of every config. gunicorn
    writes the tracebacks of workers that could not start: no secret is in those either. Reads a file.
    """
    _exceptions.private_text = PrivateText(config.log_transcripts)
    _ours.addFilter(_exceptions)  # first: words are no longer found in a text that has lost part of them
    hide_secrets(config, _ours, _gunicorns)


def log_uncaught(died: "threading.ExceptHookArgs") -> None:
    """For ``threading.excepthook``, whose own traceback goes to standard error as it is."""
    if died.exc_type is SystemExit or died.exc_value is None:
        return
    name = died.thread.name if died.thread is not None else "?"
    _ours.error("THREAD_ERR %s", name, exc_info=(died.exc_type, died.exc_value, died.exc_traceback))
