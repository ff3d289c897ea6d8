"""No test of an engine meets the connection of another one."""

from collections.abc import Iterator

import pytest

from server.providers.google.client import close_connections
from server.providers.openai.client import close_clients


@pytest.fixture(autouse=True)
def no_connection_is_left() -> Iterator[None]:
    yield
    close_clients()
    close_connections()
