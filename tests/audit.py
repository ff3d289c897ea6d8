"""Does a locked package have a known vulnerability? Asks pip-audit: `python -m tests.audit [FILE …]`.

pip-audit passes a package that its service has never heard of. So it is first asked about a release that is
known to be vulnerable: a service that does not say so cannot vouch for the others, and the audit is skipped,
aloud.
PIP_AUDIT_VULNERABILITY_SERVICE (pypi, osv) and PIP_AUDIT_OSV_URL choose the service.

Exit status 0: nothing known, or skipped; 1: a vulnerability, or a package that the service does not know.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
LOCKS = [
    TESTS.parent / "requirements-build.txt",
    TESTS.parent / "requirements.txt",
    TESTS / "requirements.txt",
]
ACCEPTED = TESTS / "accepted_advisories.txt"
KNOWN_VULNERABLE = "jinja2==2.10 --hash=sha256:" + "0" * 64
TIMEOUT_S = 10
NO_ANSWER = re.compile(
    r"requests\.exceptions\.\w+|ServiceError|Could not connect to .*|PyPI is not redirecting.*"
)


class Unreachable(Exception):
    """The vulnerability service gave no answer."""


def main(files: list[Path]) -> int:
    if reason := why_no_audit():
        print(f"audit skipped: {reason}")
        return 0
    packages = audit(files, accepted(ACCEPTED.read_text(encoding="utf-8")))
    problems = [problem for package in packages for problem in problems_of(package)]
    print("\n".join(problems) or f"{len(packages)} packages, no known vulnerability")
    return 1 if problems else 0


def why_no_audit() -> str | None:
    """Why the service cannot be relied upon; None when it can be."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known_vulnerable.txt"
        known.write_text(KNOWN_VULNERABLE, encoding="utf-8")
        try:
            [package] = audit([known])
        except Unreachable as error:
            return f"the vulnerability service cannot be reached ({error})"
    if not package.get("vulns"):
        return "the vulnerability service does not know " + KNOWN_VULNERABLE.split()[0]
    return None


def audit(files: list[Path], ignored: list[str] | None = None) -> list[dict[str, Any]]:
    """What pip-audit says of each package in these locked files; raises `Unreachable`."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", str(TIMEOUT_S)]
    command += [word for file in files for word in ("--requirement", str(file))]
    command += [word for advisory in ignored or [] for word in ("--ignore-vuln", advisory)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.stdout:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        return packages
    if said := NO_ANSWER.findall(done.stderr):
        raise Unreachable(said[-1])
    raise SystemExit(f"pip-audit failed:\n{done.stderr}")


def accepted(text: str) -> list[str]:
    """The advisories of the list, each of which must have its reason."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if bare := [line for line in lines if len(line.split()) < 2]:
        raise SystemExit(f"{ACCEPTED.name}: no reason for {', '.join(bare)}")
    return [line.split()[0] for line in lines]


def problems_of(package: dict[str, Any]) -> list[str]:
    if "skip_reason" in package:
        return [f"{package['name']}: {package['skip_reason']}"]
    pin = f"{package['name']} {package['version']}"
    return [f"{pin}: {vuln['id']}, fixed in: {' '.join(vuln['fix_versions'])}" for vuln in package["vulns"]]


if __name__ == "__main__":
    try:
        sys.exit(main([Path(name) for name in sys.argv[1:]] or LOCKS))
    except Unreachable as error:
        sys.exit(f"the vulnerability service stopped answering ({error})")
