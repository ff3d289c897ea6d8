"""Disks and name servers that hang, are full or cannot be written, for a process that a test starts.

No privilege is needed: a small library (``hanging.c``) is put before the process's libc. It lets what
touches a file below a folder wait, or fail, for as long as a flag beside that folder says so.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class NoCompiler(RuntimeError):
    """What hangs cannot be built here."""


class Ill(Enum):
    """What can be wrong; the words are those of ``hanging.c``, which reads the first letter."""

    HANGS = "hangs"
    FULL = "full"  # what is written fails with ENOSPC
    READ_ONLY = "read-only"  # what is opened to be written fails with EROFS


class Switch:
    """One disk, or the name server, of a started process. ``flag``: its file; without it nothing is wrong."""

    def __init__(self, flag: Path) -> None:
        self._flag = flag

    def be(self, ill: Ill) -> None:
        """From now on; what hangs already goes on as this says."""
        written = self._flag.with_name(self._flag.name + ".new")
        written.write_text(ill.value)
        written.replace(self._flag)

    def heal(self) -> None:
        self._flag.unlink(missing_ok=True)

    @contextmanager
    def being(self, ill: Ill = Ill.HANGS) -> Iterator[None]:
        """It is well again afterwards: a process that hangs could not be ended."""
        self.be(ill)
        try:
            yield
        finally:
            self.heal()


class Hanging:
    """The disks below ``folders``, and the look-up of names, for processes that are started with ``knobs``.

    ``workshop``: a folder for what is built, on none of these disks. Raises NoCompiler.
    """

    def __init__(self, workshop: Path, *folders: Path) -> None:
        self.names = Switch(workshop / "names.ill")
        self._folders = [folder.resolve() for folder in folders]
        self._library = built(SOURCE, workshop)
        self._names_flag = workshop / "names.ill"

    def disk(self, folder: Path) -> Switch:
        """One of ``folders``."""
        where = folder.resolve()
        assert where in self._folders
        return Switch(where.with_name(where.name + ".ill"))

    @property
    def knobs(self) -> dict[str, str]:
        """For the environment of the process."""
        return {
            "LD_PRELOAD": str(self._library),
            "HANGING_FOLDERS": ":".join(map(str, self._folders)),
            "HANGING_NAMES": str(self._names_flag),
        }


def built(source: Path, workshop: Path) -> Path:
    """A library of this C file, in ``workshop``. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompiler("no C compiler: what hangs cannot be built")
    library = workshop.resolve() / f"{source.stem}.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise NoCompiler(f"what hangs cannot be built here: {done.stderr[-500:]}")
    return library
