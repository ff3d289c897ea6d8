"""The short form of ``bench.two_hosts``: two hosts behind a real nginx, with a real Redis."""

import shutil

import pytest

from bench import two_hosts
from tests.servers import nginx

pytestmark = [
    pytest.mark.skipif(nginx.BINARY is None, reason="nginx is not installed"),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]
CALLS, TALK_S = 6, 20.0


@pytest.mark.parametrize(
    ("phase", "worker_class"),
    [("apart", "gevent"), ("drained", "gthread"), ("killed", "gevent"), ("limits", "gthread")],
)
def test_two_hosts_are_one_agent(phase: str, worker_class: str) -> None:
    """F4, F8, and the limits; who answers the webhook need not be who has the socket."""
    calls = 2 * CALLS if phase == "drained" else CALLS
    assert two_hosts.measure(phase, worker_class, calls, TALK_S).broken == []
