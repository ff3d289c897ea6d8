"""Issue 13: a name server that is silent costs who asks it a few seconds, and nobody else anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.hanging import Hanging, NoCompiler
from tests.serving import ROOT

SILENT = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, socket, time
from server.runtime.dns import LOOK_UPS, bound_look_ups

bound_look_ups(0.5)
waited = []

def ask(number):
    began = time.monotonic()
    try:
        socket.create_connection((f"host{number}.example.invalid", 1))
    except socket.gaierror as error:
        waited.append((time.monotonic() - began, error.errno == socket.EAI_AGAIN))

asking = [gevent.spawn(ask, number) for number in range(LOOK_UPS + 10)]
gevent.sleep(0.1)
with socket.create_server(("127.0.0.1", 0)) as server:
    began = time.monotonic()
    socket.create_connection(server.getsockname(), 5).close()
    print(time.monotonic() - began < 0.2, not waited)
gevent.joinall(asking, raise_error=True)
print(len(waited) == LOOK_UPS + 10, max(waited)[0] < 1.5, all(again for _, again in waited))
"""


def test_an_address_waits_for_no_name(tmp_path: Path) -> None:
    try:
        hanging = Hanging(tmp_path)
    except NoCompiler as why:
        pytest.skip(str(why))
    with hanging.names.being():
        command = [sys.executable, "-c", SILENT]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | hanging.knobs, capture_output=True, text=True, timeout=30
        )
    assert done.stdout == "True True\nTrue True True\n", done.stderr
