"""The audit of the locked packages, against a vulnerability service of our own."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.audit import accepted
from tests.serving import ROOT, free_port

LOCKED = "harmless==1.0 --hash=sha256:{0}\nholed==2.0 --hash=sha256:{0}\n".format("0" * 64)


class Service(ThreadingHTTPServer):
    """Answers as OSV does; ``holes`` are the packages it knows a vulnerability of."""

    holes: set[str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.holes = {"jinja2"}


class Answers(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]
        events = [{"introduced": "0"}, {"fixed": "2.1"}]
        affected = {"package": asked, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
        known = {"vulns": [{"id": "OSV-1", "affected": [affected]}]}
        body = json.dumps(known if asked["name"] in self.server.holes else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def audit(port: int | str, folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "locked.txt").write_text(LOCKED)
    return subprocess.run(
        [sys.executable, "-m", "tests.audit", str(folder / "locked.txt")],
        cwd=ROOT,
        env={
            "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
            "PIP_AUDIT_OSV_URL": f"http://127.0.0.1:{port}/v1/query",
            "XDG_CACHE_HOME": str(folder),
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_known_vulnerability_fails_the_audit(service: Service, tmp_path: Path) -> None:
    service.holes.add("holed")
    done = audit(service.server_port, tmp_path)
    assert (done.returncode, done.stdout) == (1, "holed 2.0: OSV-1, fixed in: 2.1\n"), done.stderr


def test_packages_without_one_pass(service: Service, tmp_path: Path) -> None:
    done = audit(service.server_port, tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 packages, no known vulnerability\n"), done.stderr


def test_a_service_that_knows_of_no_vulnerability_vouches_for_nothing(
    service: Service, tmp_path: Path
) -> None:
    service.holes.clear()
    done = audit(service.server_port, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "audit skipped: the vulnerability service does not know jinja2==2.10\n"


def test_no_service_to_be_reached(tmp_path: Path) -> None:
    done = audit(free_port(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("audit skipped: the vulnerability service cannot be reached")


def test_an_accepted_advisory_has_its_reason() -> None:
    assert accepted("# why\n\nOSV-1  we do not use it; until 2.1\n") == ["OSV-1"]
    with pytest.raises(SystemExit, match="no reason for OSV-2"):
        accepted("OSV-1  because\nOSV-2\n")
