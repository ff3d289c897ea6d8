"""gunicorn's own lines, which look like ours."""

from gunicorn.glogging import Logger

from server.log_lines import LogLine


class GunicornLogger(Logger):  # type: ignore[misc]
    """For ``logger_class``."""

    def setup(self, cfg: object) -> None:
        """Again after every reload of the settings."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LogLine())
