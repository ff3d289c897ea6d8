"""Files that hold callers' words and numbers: their owner's only."""

from pathlib import Path

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
OTHERS = 0o077  # the bits of everybody else; as an umask, what no new file lets them do


def write_private(path: Path, content: bytes) -> None:
    """In the place of what was there, whose mode others lose too. Raises OSError."""
    path.touch(mode=PRIVATE)
    path.chmod(path.stat().st_mode & ~OTHERS)
    path.write_bytes(content)
