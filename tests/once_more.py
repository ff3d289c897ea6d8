"""Runs pytest, and what failed beside others once more, alone: `python -m tests.once_more ARGUMENT …`.

Many tests here go at real pace, or start a server that is to answer in time. A machine that is busy with
others may fail one; a fault fails it alone too. Whole files are run again: a fault may be found by a later
test than the one that makes it. What passed alone only is said, in the last line.

Exit status: pytest's; 0 where the few that failed have passed alone, none of them left out.
"""

import sys

import pytest

MOST = 8  # more are no coincidence


class Seen:
    """A plugin that keeps which tests have passed, and which have failed in any part, in order."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: dict[str, None] = {}
        self.broken = False  # a file was not read, or a worker has died: no matter of time

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed[report.nodeid] = None
            self.broken = self.broken or report.when not in ("setup", "call", "teardown")
        elif report.passed and report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.broken = self.broken or report.failed


def main(arguments: list[str]) -> int:
    seen, alone = Seen(), Seen()
    status = int(pytest.main(arguments, plugins=[seen]))
    few = 0 < len(seen.failed) <= MOST
    if status != pytest.ExitCode.TESTS_FAILED or not few or seen.broken:
        return status
    print("\nonce more, alone:", *seen.failed, flush=True)
    files = dict.fromkeys(test.partition("::")[0] for test in seen.failed)
    again = int(pytest.main([*arguments, "-n", "0", *files], plugins=[alone]))
    if again or not alone.passed >= {*seen.failed}:
        return again or status
    print(f"all passed, but alone only: {' '.join(seen.failed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
