"""Under gevent: ``python -m tests.records.hub URL FILE`` prints the longest pause of the hub, in ms."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402

from server.records.database import Database  # noqa: E402
from server.records.spool import Spool  # noqa: E402
from server.records.store import Store  # noqa: E402
from server.records.writer import RecordsWriter  # noqa: E402
from tests.records.facts import call, turn  # noqa: E402
from tests.records.places import CALLS  # noqa: E402


def main(url: str, file: str) -> None:
    pauses = []

    def beat() -> None:
        while True:
            before = time.perf_counter()
            gevent.sleep(0.01)
            pauses.append(time.perf_counter() - before - 0.01)

    writer = RecordsWriter(Store(Database(url, file), Spool(file)))
    beating = gevent.spawn(beat)
    for number in range(CALLS):
        writer.keep_call(call(f"CA{number}"))
        writer.keep_turn(f"CA{number}", turn(1))
        gevent.sleep(0.005)
    assert writer.settle(10.0)
    beating.kill()
    print(round(1000 * max(pauses)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
