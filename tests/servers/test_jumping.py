"""The clock that jumps in tests does so for the wall, and not for the clocks that never jump."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.hanging import NoCompiler
from tests.servers.jumping import JumpingClock

SAYS = (
    "import sys, time\n"
    "for _ in range(2):\n"
    "    print(time.time() - float(sys.argv[1]), time.monotonic() - float(sys.argv[2]), flush=True)\n"
    "    sys.stdin.readline()\n"
)
HOUR_S, SOON_S = 3600, 60.0


def test_only_the_wall_jumps(tmp_path: Path) -> None:
    try:
        clock = JumpingClock(tmp_path)
    except NoCompiler as why:
        pytest.skip(str(why))
    command = [sys.executable, "-c", SAYS, str(time.time()), str(time.monotonic())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | clock.knobs, **pipes) as process:
        wall, steady = map(float, process.stdout.readline().split())
        assert 0 <= wall < SOON_S and 0 <= steady < SOON_S
        clock.jump(-HOUR_S)
        wall, steady = map(float, process.communicate("\n")[0].split())
        assert -HOUR_S <= wall < SOON_S - HOUR_S and 0 <= steady < SOON_S
