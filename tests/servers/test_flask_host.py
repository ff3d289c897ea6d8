"""Newcomer 5, 8: the example of a host, served and called for real."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.serving import ROOT, environment, started

HEARD = ("אני רוצה לקבוע תור", "ליום שלישי", "דנה כהן")
# As much of Flask-WTF as the example uses: it refuses every form, but for those of an exempt blueprint.
FLASK_WTF = """
from flask import abort, request

class CSRFProtect:
    def __init__(self, app):
        self.exempt_blueprints = []

        @app.before_request
        def protect():
            exempt = app.blueprints.get(request.blueprint) in self.exempt_blueprints
            if request.method == "POST" and not exempt:
                abort(400)

    def exempt(self, blueprint):
        self.exempt_blueprints.append(blueprint)
"""
SERVERS = {
    "gevent": "-m gunicorn --no-control-socket -k gevent -b 127.0.0.1:$PORT examples.flask_host:app",
    "flask run": "-m flask --app examples.flask_host run --port $PORT",
}


def called(address: str, folder: Path) -> dict[str, Any]:
    """One call's report."""
    steps = [word for line in HEARD for word in ("--say", line)]
    where = ["--url", f"http://{address}", "--incoming-path", "/phone/webhook/incoming_call"]
    reports = ["--server-log", "log", "--json", "call.json"]
    command = [sys.executable, "-m", "server.simulator", *where, "--synthetic", *steps, *reports]
    simulator = subprocess.run(
        command,
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert simulator.returncode == 0, simulator.stdout + simulator.stderr
    report: dict[str, Any] = json.loads((folder / "call.json").read_text("utf-8"))
    return report


@pytest.mark.parametrize("served", SERVERS)
def test_the_example_answers_notes_and_hangs_up(tmp_path: Path, served: str) -> None:
    """Through CSRF protection and a login wall, under a prefix, with the number that calls."""
    (tmp_path / "flask_wtf.py").write_text(FLASK_WTF, encoding="utf-8")
    knobs = {
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "SCRIPTED_ASR_LINES": "|".join(HEARD),
        "LLM_ENGINES": "embedded",
        "LEADS_FILE": "leads.jsonl",
    }
    command = ["sh", "-c", f'exec "{sys.executable}" {SERVERS[served]}']
    with started(command, tmp_path, tmp_path / "log", health="/phone/healthz", **knobs) as server:
        with requests.Session() as browser:
            browser.trust_env = False
            page = browser.get(f"http://{server.address}/", timeout=5, allow_redirects=False)
            assert (page.status_code, page.headers["Location"]) == (302, "/login")
            pages = browser.get(f"http://{server.address}/phone/", timeout=5, allow_redirects=False)
            assert (pages.status_code, pages.headers["Location"]) == (302, "/login")
        called(server.address, tmp_path)
        said = [line.partition("AGENT_TEXT: ")[2] for line in server.log.splitlines() if "AGENT_TEXT" in line]
        assert "HOST_" not in server.log
        assert server.has_said("CALL_ENDS EndCall")
    assert "שלום דנה." in said[1] and "לאיזה יום" in said[1]
    assert "על איזה שם" in said[2]
    assert "להתראות" in said[3]
    lines = map(json.loads, (tmp_path / "leads.jsonl").read_text("utf-8").splitlines())
    lead = next(line for line in lines if line["kind"] == "detail")
    assert (lead["name"], lead["notes"], lead["caller"]) == ("דנה כהן", "תור ליום שלישי", "+972501234567")
