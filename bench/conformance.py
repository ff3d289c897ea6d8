"""Autobahn's cases against the WebSocket of a call under real gunicorns, and flask-sock's beside it.

``python -m bench.conformance``: a table, a row a section, a column a worker class and WEBSOCKET_ENGINE; a
minute. ``--wstest COMMAND``: Autobahn's own suite in the place of the cases that are written here, where
somebody has it (it is Python 2). Exit status 1 when ours fails a case.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.websocket.catalogue import SECTIONS
from tests.websocket.catalogue_utf8 import CASES
from tests.websocket.client import FAILED, NOT_STRICT, OK, echoing, verdict
from tests.websocket.echo import PATH

OURS, THEIRS = "own", "flask-sock"
COLUMNS = [(worker_class, engine) for engine in (OURS, THEIRS) for worker_class in ("gevent", "gthread")]
# Of section 9 those that are no longer than a message may be.
SUITE = [f"{section}.*" for section in SECTIONS if section != "9"] + ["9.1.1", "9.2.1", "9.7.1", "9.8.1"]
SUITE_S = 280.0
FROM_BAD_TO_GOOD = (FAILED, NOT_STRICT, OK)
MEANS = {"OK": OK, "INFORMATIONAL": OK, "NON-STRICT": NOT_STRICT}  # in the suite's words
Verdicts = dict[str, str]  # a case's number, and what came of it


def of_our_cases(address: str) -> Verdicts:
    return {case.number: verdict(address, case) for case in CASES}


def of_the_suite(wstest: str, address: str) -> Verdicts:
    """What Autobahn's own client says of a server."""
    with tempfile.TemporaryDirectory() as folder:
        server = {"agent": "ours", "url": f"ws://{address}{PATH}"}
        spec = Path(folder) / "spec.json"
        spec.write_text(json.dumps({"outdir": folder, "servers": [server], "cases": SUITE}), "utf-8")
        command = [*wstest.split(), "-m", "fuzzingclient", "-s", str(spec)]
        subprocess.run(command, check=True, capture_output=True, timeout=SUITE_S)
        found = json.loads((Path(folder) / "index.json").read_text("utf-8"))["ours"]
    return {
        number: min(
            (MEANS.get(one[kind], FAILED) for kind in ("behavior", "behaviorClose")),
            key=FROM_BAD_TO_GOOD.index,
        )
        for number, one in found.items()
    }


def cell(verdicts: Verdicts, section: str) -> str:
    """How many of a section's cases are well, of how many."""
    those = [verdict for number, verdict in verdicts.items() if number.partition(".")[0] == section]
    loose = f", {count} not strict" if (count := those.count(NOT_STRICT)) else ""
    return f"{len(those) - those.count(FAILED)}/{len(those)}{loose}"


def print_table(found: list[Verdicts]) -> None:
    print("| section | " + " | ".join(f"{engine}, {worker}" for worker, engine in COLUMNS) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    for section, name in SECTIONS.items():
        cells = " | ".join(cell(verdicts, section) for verdicts in found)
        print(f"| {section} {name} | {cells} |")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wstest", help="the command of Autobahn's suite")
    wstest = parser.parse_args().wstest
    judge: Callable[[str], Verdicts] = partial(of_the_suite, wstest) if wstest else of_our_cases
    found = []
    for worker_class, engine in COLUMNS:
        with echoing(worker_class, engine) as server:
            found.append(judge(server.address))
    print_table(found)
    failed = False
    for (worker_class, engine), verdicts in zip(COLUMNS, found, strict=True):
        if numbers := [number for number, verdict in verdicts.items() if verdict == FAILED]:
            print(f"failed by {engine}, {worker_class}: {', '.join(numbers)}")
            failed |= engine == OURS
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
