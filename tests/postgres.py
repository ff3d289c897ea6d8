"""A PostgreSQL of the tests' own on loopback, by Debian's package; it keeps nothing beyond them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.serving import free_port
from tests.waiting import until

BOOT_S = 30.0
USER = "agent"


def binaries() -> Path | None:
    """Where the newest one's programs are; None: it is not installed."""
    if found := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


class Postgres:
    """A cluster that can be stopped, killed and started again on its port."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.port = free_port()
        self._folder, self._programs = folder, programs
        # It refuses to run as root.
        self._as_nobody = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        if self._as_nobody:
            shutil.chown(folder, "nobody")
        self._run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._folder / "log"), "start")
        until(self._answers, BOOT_S)

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Its rows, where it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            asked = connection.execute(statement.encode())
            return asked.fetchall() if asked.description else []

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.ask("SELECT 1")
            return True
        return False

    def _run(self, program: str, *options: str) -> None:
        command = [
            *self._as_nobody,
            str(self._programs / program),
            "-D",
            str(self._folder / "data"),
            *options,
        ]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)


@contextmanager
def serving(programs: Path) -> Iterator[Postgres]:
    # Not pytest's own folder: nobody else can enter it.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        postgres = Postgres(Path(folder), programs)
        postgres.start()
        try:
            yield postgres
        finally:
            with suppress(subprocess.CalledProcessError):  # a test has stopped it
                postgres.stop()
