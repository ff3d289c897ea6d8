"""Hypothesis: the gate tries the same examples every time; HYPOTHESIS_PROFILE=search looks for new ones.

No test leaves the outcome of a call, or a lead, where another one would find it.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from server.providers.wav import wav_of
from tests.postgres import Postgres, binaries, serving
from tests.serving import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ["STATE_FILE"] = os.environ["LEADS_FILE"] = ""
os.environ["RECORDS_FILE"] = os.environ["DATABASE_URL"] = ""

settings.register_profile(
    "gate", deadline=None, derandomize=True, max_examples=50, suppress_health_check=list(HealthCheck)
)
settings.register_profile("search", settings.get_profile("gate"), derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


# In a file some of whose tests start servers, or in the conftest.py beside it.
MARKS = ("mark.servers", "tests.records.conftest")

# Begun last, one of these would be waited for alone; they wait for speech at real pace, or for the processor.
LONGEST = (
    "test_start",
    "test_streamdouble",
    "test_cloud_failures",
    "test_cloud_calls",
    "test_calls_over_sockets",
    "test_demo",
    "test_two_hosts",
    "test_chaos",
    "test_flask_host",
    "test_drain",
    "test_hub",
    "test_process_end",
    "test_hotato",
    "test_phone",
    "test_doors",
    "test_cloud_after",
    "test_stories",
    "test_redaction",
    "test_random_walks",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Each worker would read every test file, which takes it longer than its own tests of servers."""
    if not (collection_path.name.startswith("test_") and collection_path.suffix == ".py"):
        return None
    chosen = config.getoption("markexpr")
    if "servers" in collection_path.parent.parts:
        return True if chosen == "not servers" else None
    beside = collection_path.with_name("conftest.py")
    said = [path.read_text("utf-8") for path in (collection_path, beside) if path.exists()]
    return True if chosen == "servers" and not any(mark in text for text in said for mark in MARKS) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, then other servers; what is in ``tests/servers`` is marked so.

    Workers take files in this order (``--no-loadscope-reorder``; by themselves those with most tests first).
    """
    for item in items:
        if "servers" in item.path.parts:
            item.add_marker("servers")
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[int, bool]:
    name = item.path.stem
    return LONGEST.index(name) if name in LONGEST else len(LONGEST), "servers" not in item.path.parts


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis on loopback that keeps nothing; the tests name their own keys."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL) as server:
        try:
            wait_until_it_listens(int(port))
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL on loopback; whoever stops it starts it again."""
    programs = binaries()
    if programs is None:
        pytest.skip("postgresql is not installed")
    with serving(programs) as server:
        yield server


@pytest.fixture(scope="session")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The WAV that the browser's microphone hears, from its start each time a page opens it; once, then
    silence. A test writes what it wants to say there."""
    path = tmp_path_factory.mktemp("microphone") / "said.wav"
    path.write_bytes(wav_of(bytes(16000)))
    return path


@pytest.fixture(scope="session")
def browser(microphone: Path) -> "Iterator[Browser]":
    """Chromium without a window. What a page may do is its context's: ``permissions=["microphone"]``.

    Where it has run, no ``asyncio.run`` works in the same thread: Playwright's loop is that thread's.
    """
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    from tests.browsing import chromium

    with chromium(microphone) as browser:
        yield browser


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("redis-server does not listen")
