"""The demo, as a newcomer starts it: a minute at real pace, and so in a file of its own."""

import subprocess
import sys

from tests.servers.hearing import critical_incidents
from tests.serving import ROOT, environment

DEMO_S = 180


def test_the_demo() -> None:
    """`./start_all.sh demo`: exit 0, every turn answered by the embedded engines, a stereo recording."""
    done = subprocess.run(
        ["./start_all.sh", "demo"],
        cwd=ROOT,
        env=environment(
            ASR_ENGINES="embedded", LLM_ENGINES="embedded", TTS_ENGINES="embedded", PYTHON=sys.executable
        ),
        capture_output=True,
        text=True,
        timeout=DEMO_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Barge-in" in done.stdout
    heard = [line.split("Heard as")[1].strip() for line in done.stdout.splitlines() if "Heard as" in line]
    said = [
        line.split("Caller said")[1].strip() for line in done.stdout.splitlines() if "Caller said" in line
    ]
    assert len(said) >= 3 and heard == said
    assert (ROOT / "out" / "demo_call.wav").stat().st_size > 100_000
    assert critical_incidents(ROOT / "out" / "demo_call.wav") == []
