"""``| head``: a command ends without a word when nobody reads on."""

import subprocess
import sys

SAYS = """
import sys
from server.runtime.piped import piped
sys.exit(piped(lambda: print("word\\n" * {n}) or {s}))
"""


def ran(lines: int, status: int, *, read: bool) -> tuple[int, bytes]:
    command = [sys.executable, "-c", SAYS.format(n=lines, s=status)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        if read:
            process.stdout.read()
        process.stdout.close()
        said = process.stderr.read()
    return process.returncode, said


def test_its_own_status_where_somebody_reads() -> None:
    assert ran(3, 2, read=True) == (2, b"")


def test_without_a_word_where_nobody_does() -> None:
    assert ran(100_000, 0, read=False) == (141, b"")
    assert ran(1, 0, read=False) == (141, b"")
