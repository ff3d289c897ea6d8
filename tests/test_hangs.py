"""The short form of ``tests.bench.hangs``: calls and leads while a disk, or who reads the log, hangs."""

import pytest

from tests.bench.hangs import hangs
from tests.hanging import NoCompiler

HANGS_S = 2.0
NOTICED_MS = 1000.0  # on a machine that runs other tests; who waits for what hangs waits twice as long


@pytest.mark.parametrize("what", ["disk", "log"])
def test_what_hangs_is_no_silence_and_loses_no_lead(what: str) -> None:
    """C3: every file that calls write is on it. Callers are promised a call, others hang up, some ring."""
    try:
        hung = hangs(what, "gevent", HANGS_S, calls=2, ends=False)
    except NoCompiler as why:
        pytest.skip(str(why))
    assert hung.beside.gap_ms < NOTICED_MS
    assert hung.beside.health_ms < NOTICED_MS
    assert hung.promised and not hung.lost and not hung.unanswered
    assert all(hung.rang), "a new caller was not answered"
