"""Calls that were pinned are decided as they were: ``python -m server.replay FILE --pin NAME`` adds one."""

from pathlib import Path

import pytest

from server.event_log.reader import read_log
from server.replay.replaying import difference_in

PINNED = sorted(Path(__file__).parent.glob("*.events"))


@pytest.mark.parametrize("path", PINNED, ids=[path.stem for path in PINNED])
def test_it_is_decided_as_it_was(path):
    """The rule, or what went wrong, is in the file: ``--why``."""
    log = read_log(path)
    difference = difference_in(log)
    assert difference is None, "\n".join([log.header.why, *difference.lines()])
    assert log.torn == ""
