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
            beside = glob.escape(str(log.parent / stem))
            # A host may connect a call's stream again: "CA1-2.events" (``event_log.files``).
            named = {*glob.glob(f"{beside}.*"), *glob.glob(f"{beside}-[2-9].*")}
            found += [path for path in map(Path, sorted(named)) if path.is_file()]
    return found
