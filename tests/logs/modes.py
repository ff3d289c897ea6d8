"""LOG_TRANSCRIPTS of this process, for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from server.config import Config
from server.logs.events import hide_private


def config(**knobs: Any) -> Config:
    """Of defaults, whatever the environment holds."""
    defaults = {name: field.default for name, field in Config.model_fields.items()}
    return Config(_env_file=None, **{**defaults, "state_file": "", **knobs})


@contextmanager
def log_transcripts(mode: str) -> Iterator[None]:
    hide_private(config(log_transcripts=mode))
    try:
        yield
    finally:
        hide_private(config())
