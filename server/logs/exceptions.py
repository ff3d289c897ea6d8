"""Exceptions in our log: each is told whole, except for what its message quotes of a caller."""

import logging
import traceback
from collections.abc import Callable

from server.logs.redaction import MAX_COMPLAINT_CHARACTERS, PrivateText
from server.logs.secrets import message_of, safe_line

CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


class ExceptionsFilter(logging.Filter):
    """For records of our logger: one line each; messages in a traceback as ``private_text`` has them."""

    def __init__(self, private_text: PrivateText) -> None:
        super().__init__()
        self.private_text = private_text

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        message = message_of(record)
        if (line := safe_line(message)) != message:
            record.msg, record.args = line, ()
        if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
            text = traceback_of(record.exc_info[1], self._message)
            if text != logging.Formatter().formatException(record.exc_info):
                # The exception itself would be formatted anew by a host's handler.
                record.exc_text, record.exc_info = text, None
        return True

    def _message(self, message: str) -> str:
        return safe_line(self.private_text.cause(message), MAX_COMPLAINT_CHARACTERS)


def traceback_of(error: BaseException, shown: Callable[[str], str]) -> str:
    """As Python writes it, with what came before ``error``; each message as ``shown`` gives it."""
    texts: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None:
        seen.add(id(following))
        texts.append(_alone(following, shown))
        cause, hidden = following.__cause__, following.__suppress_context__
        before = cause if cause is not None or hidden else following.__context__
        following = None if before is None or id(before) in seen else before
        if following is not None:
            texts.append(CAUSE if following is cause else CONTEXT)
    return "".join(reversed(texts)).removesuffix("\n")


def _alone(error: BaseException, shown: Callable[[str], str]) -> str:
    """Where it was raised, its kind and its message; of a group, those within it too."""
    where = "".join(traceback.format_tb(error.__traceback__))
    told = "".join(traceback.format_exception_only(error)).removesuffix("\n")
    first, end, notes = told.partition("\n")
    kind, colon, message = first.partition(": ")
    if not colon and end:  # a note, and no message
        kind, colon = f"{kind}\n", ""
    message = "\n".join(part for part in (message, notes) if part)
    if isinstance(error, SyntaxError):  # begins with the line that is no syntax
        kind, colon, message = "", "", told
    within = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    begins = f"Traceback (most recent call last):\n{where}" if error.__traceback__ else ""
    texts = [f"{begins}{kind}{colon}{shown(message)}\n"]
    return "".join(texts + [f"{traceback_of(each, shown)}\n" for each in within])
