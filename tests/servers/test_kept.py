"""The short form of ``bench.kept``: what calls leave is all there, and no call waits for it."""

import pytest

from bench.kept import away
from bench.kept_troubles import sqlite_down
from tests.servers.hanging import NoCompiler

CALLS, EVERY_S = 5, 0.5


def test_a_database_that_cannot_be_written_for_a_while_lacks_nothing() -> None:
    """F6: records, event logs and leads of every call, whose dialogue is as without the trouble."""
    try:
        case = away("sqlite", sqlite_down, CALLS, "gevent", EVERY_S)
    except NoCompiler as why:
        pytest.skip(str(why))
    assert case.missing == []
    assert case.right == case.kept == case.calls > 0
