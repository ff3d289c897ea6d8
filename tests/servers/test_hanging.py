"""The disks and names that hang in tests do so, until they are well again; nothing else is touched."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.hanging import Hanging, Ill, NoCompiler

SOON_S, LONG_S = 0.3, 20.0


@pytest.fixture
def hanging(tmp_path: Path) -> Hanging:
    (tmp_path / "disk").mkdir()
    try:
        return Hanging(tmp_path, tmp_path / "disk")
    except NoCompiler as why:
        pytest.skip(str(why))


@contextmanager
def running(hanging: Hanging, script: str, *words: object) -> "Iterator[subprocess.Popen[str]]":
    """A Python that says ``ready``, waits for a line, and then runs the script."""
    begin = "import os, socket, sqlite3, sys; print('ready', flush=True); sys.stdin.readline()\n"
    command = [sys.executable, "-c", begin + script, *map(str, words)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | hanging.knobs, **pipes) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


TOUCHES = {
    "open": "open(sys.argv[1], 'a').close()",
    "stat": "os.path.exists(sys.argv[1])",
    "sqlite": "sqlite3.connect(sys.argv[1] + '.db').execute('create table t (x)')",
    "name": "socket.getaddrinfo('api.openai.com.invalid', 443)",
}


@pytest.mark.parametrize("touch", ["open", "stat", "sqlite", "name"])
def test_what_is_touched_hangs_until_all_is_well(hanging: Hanging, tmp_path: Path, touch: str) -> None:
    tried = f"try: {TOUCHES[touch]}\nexcept OSError: pass\n"
    switch = hanging.names if touch == "name" else hanging.disk(tmp_path / "disk")
    with running(hanging, tried + "print('touched')", tmp_path / "disk" / "file") as process:
        with switch.being(Ill.HANGS):
            process.stdin.write("\n")
            process.stdin.flush()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(SOON_S)
        assert process.communicate(timeout=LONG_S)[0] == "touched\n"


def test_elsewhere_nothing_hangs(hanging: Hanging, tmp_path: Path) -> None:
    """A folder whose name begins alike is another one; addresses are no names."""
    (tmp_path / "disk2").mkdir()
    script = "\n".join(TOUCHES[name] for name in ("open", "stat", "sqlite"))
    script += "\nsocket.getaddrinfo('127.0.0.1', 1); socket.getaddrinfo('localhost', 1); print('touched')"
    with running(hanging, script, tmp_path / "disk2" / "file") as process:
        with hanging.disk(tmp_path / "disk").being(Ill.HANGS), hanging.names.being(Ill.HANGS):
            assert process.communicate("\n", timeout=LONG_S)[0] == "touched\n"


@pytest.mark.parametrize("ill, number", [(Ill.FULL, "ENOSPC"), (Ill.READ_ONLY, "EROFS")])
def test_what_is_written_fails(hanging: Hanging, tmp_path: Path, ill: Ill, number: str) -> None:
    script = (
        "import errno\n"
        "try: os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), b'x')\n"
        "except OSError as error: print(errno.errorcode[error.errno])\n"
    )
    with running(hanging, script, tmp_path / "disk" / "file") as process:
        with hanging.disk(tmp_path / "disk").being(ill):
            assert process.communicate("\n", timeout=LONG_S)[0] == f"{number}\n"
