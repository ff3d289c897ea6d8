"""All that a process has to do with records, as the knobs say."""

import socket

from server.config import Config
from server.records.database import Database
from server.records.keeper import Keeper
from server.records.spool import Spool, spools_beside
from server.records.store import Store
from server.records.writer import RecordsWriter
from server.runtime.native_calls import Pool
from server.runtime.threads import Runtime

DISK_S = 1.0


class Records:
    """``database`` is None, and the writer keeps nothing, where no knob names a place. Any thread."""

    def __init__(self, config: Config, runtime: Runtime, event_log_dir: str = "") -> None:
        url, file = config.database_url.get_secret_value(), config.records_file
        self.host = socket.gethostname()
        self.database = Database(url, file) if url or file else None
        store = Store(self.database, Spool(file) if file else None) if self.database else None
        self.writer = RecordsWriter(store)
        self._file = file
        self._disk = Pool("the records' spools", 1)
        self._runtime = runtime
        self._started = False
        self._keeper = (
            Keeper(self.database, config.records_keep_days, self.host, event_log_dir)
            if self.database
            else None
        )

    def start(self) -> None:
        """Make the tables, catch up, and delete from time to time what is too old. Returns at once."""
        if self._started or self._keeper is None:
            return
        self._started = True
        self.writer.start()
        self._keeper.start(self._runtime)

    def spooled_bytes(self) -> int:
        """What of all workers waits on the disk. Blocks for a second at most; raises as ``Pool.run``."""
        return self._disk.run(DISK_S, _size_of_spools, self._file) if self._file else 0


def _size_of_spools(file: str) -> int:
    return sum(path.stat().st_size for path in spools_beside(file))
