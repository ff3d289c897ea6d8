"""Files that belong to a call beside its rows: its event log, and a recording of the same name."""

import glob
from collections.abc import Iterable
from pathlib import Path


def files_of(folder: str, event_logs: Iterable[str]) -> list[Path]:
    """Those that are there, in ``folder`` (EVENT_LOG_DIR) and below it. Blocks as long as the disk does.

    ``event_logs``: names relative to it. What leads out of it is no call's.
    """
    if not folder:
        return []
    root = Path(folder).resolve()
    found = []
    for name in filter(None, event_logs):
        log = (root / name).resolve()
        if root in log.parents:
            stem = log.name.partition(".")[0]
            named = glob.glob(f"{glob.escape(str(log.parent / stem))}.*")
            found += [path for path in map(Path, sorted(named)) if path.is_file()]
    return found
