"""A process that keeps calls, for tests that kill it: ``python -m tests.records.writing URL FILE WHO MOST``.

It prints a number once that call was reported kept. MOST bytes are the largest file it may write; 0: any.
"""

import resource
import sys

from server.records.database import Database
from server.records.spool import Spool
from server.records.store import Store
from server.records.writer import RecordsWriter
from tests.records.facts import call, turn


def main(url: str, file: str, who: str, most: str, calls: str = "1000000") -> None:
    if int(most):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
    writer = RecordsWriter(Store(Database(url, file), Spool(file)))
    for number in range(int(calls)):
        sid = f"CA-{who}-{number}"
        writer.keep_call(call(sid))
        writer.keep_turn(sid, turn(1))
        if writer.settle(5.0):
            print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
