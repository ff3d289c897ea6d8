"""gunicorn's own lines: they look like ours, nobody waits for them, no stranger fills the log with them."""

import sys
from typing import Any

from gunicorn.glogging import Logger

from server.logs.line_format import LogLine
from server.logs.one_line import MAX_CHARACTERS
from server.logs.rate_limited import Bugs, RateLimitedLog
from server.logs.writer import unblock_output

OF_A_STRANGER = "Invalid request from"


class GunicornLogger(Logger):  # type: ignore[misc]
    """For ``logger_class``."""

    def __init__(self, cfg: object) -> None:
        unblock_output()  # before there is a handler: it keeps the stream that it finds
        super().__init__(cfg)
        self._said_of_late = RateLimitedLog(self.error_log)
        self._bugs = Bugs(self.error_log)

    def setup(self, cfg: object) -> None:
        """Again after every reload of the settings."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LogLine())

    def warning(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """What gunicorn cannot read it quotes, kilobytes of it, and anybody can send it."""
        if str(msg).startswith(OF_A_STRANGER):
            self._said_of_late.warn("%s", str(msg)[:MAX_CHARACTERS])
        else:
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Within an ``except``: of a request, of a worker that does not start."""
        error = sys.exc_info()[1]
        if error is None:
            super().exception(msg, *args, **kwargs)
        else:
            self._bugs.tell(str(msg) % args if args else str(msg), error)
