"""A wall clock that jumps, for a process that a test starts; no privilege is needed (``jumping.c``)."""

from pathlib import Path

from tests.servers.hanging import built

SOURCE = Path(__file__).with_suffix(".c")


class JumpingClock:
    """``knobs`` for the environment of the process, beside those of what hangs. Raises NoCompiler."""

    def __init__(self, workshop: Path, preloaded: str = "") -> None:
        """``preloaded``: what LD_PRELOAD is to have too."""
        self._file = workshop.resolve() / "clock.ahead"
        libraries = [preloaded, str(built(SOURCE, workshop))]
        self.knobs = {
            "LD_PRELOAD": ":".join(filter(None, libraries)),
            "JUMPING_CLOCK": str(self._file),
        }

    def jump(self, ahead_s: int) -> None:
        """From now on the wall is so far ahead of what it was at the start; below 0 behind."""
        written = self._file.with_suffix(".new")
        written.write_text(str(ahead_s))
        written.replace(self._file)
