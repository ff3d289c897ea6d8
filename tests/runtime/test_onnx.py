"""The models' runtime tells its makers nothing, whichever model is loaded first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT

LOADS = {
    "speech": "from server.audio.silero import load_model; load_model()",
    "pointing": "from server.providers.embedded.tts.pointing import point; point('שלום')",
}


@pytest.mark.parametrize("model", LOADS)
def test_no_identifier_of_the_machine_is_left(model: str, tmp_path: Path) -> None:
    """It is written before anything is sent: without our word it is there at once."""
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", LOADS[model]], cwd=ROOT, env=home, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("told, stays", [(None, "1"), ("0", "0")])
def test_who_has_said_it_is_heard(told: str | None, stays: str) -> None:
    program = "import os, server.runtime.onnx; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"ORT_DISABLE_TELEMETRY": told} if told is not None else {}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == stays
