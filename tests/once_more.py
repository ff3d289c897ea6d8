"""Runs pytest, and what failed beside others once more, alone: `python -m tests.once_more ARGUMENT …`.

Many tests here go at real pace, or start a server that is to answer in time. A machine that is busy with
others may fail one; a fault fails it alone too. What passed alone only is said, in the last line.

Exit status: pytest's; 0 where the few that failed have passed alone.
"""

import subprocess
import sys

import pytest

MOST = 8  # more are no coincidence


class Failed:
    """A plugin that keeps whose setup, body or teardown has failed, in order."""

    def __init__(self) -> None:
        self.tests: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.tests[report.nodeid] = None


def main(arguments: list[str]) -> int:
    failed = Failed()
    status = int(pytest.main(arguments, plugins=[failed]))
    if status != pytest.ExitCode.TESTS_FAILED or len(failed.tests) > MOST:
        return status
    print("\nonce more, alone:", *failed.tests, flush=True)
    alone = subprocess.run([sys.executable, "-m", "pytest", *failed.tests]).returncode
    if not alone:
        print(f"all passed, but alone only: {' '.join(failed.tests)}")
    return alone


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
