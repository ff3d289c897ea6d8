"""A Redis of our own, whose process can be stopped: to whoever asks it, it hangs."""

import shutil
import signal
import subprocess
from pathlib import Path

from tests.conftest import wait_until_it_listens
from tests.serving import free_port


class OwnRedis:
    """On loopback, and it keeps nothing. Needs ``redis-server``."""

    def __init__(self, folder: Path) -> None:
        binary, self.port = shutil.which("redis-server"), free_port()
        assert binary is not None, "redis-server is not installed"
        command = [binary, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        wait_until_it_listens(int(self.port))
        self.knobs = {"REDIS_URL": f"redis://127.0.0.1:{self.port}/0"}

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def come_back(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
