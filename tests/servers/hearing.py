"""What the public call analyser ``hotato`` finds in a recording: talk-over, dead air, late answers."""

from pathlib import Path

from hotato.autopsy import run_autopsy


def critical_incidents(recording: Path) -> list[str]:
    """Of a stereo recording, caller left, agent right; each as the analyser says it."""
    found, _ = run_autopsy(str(recording))
    return [str(incident) for incident in found["incidents"] if incident["severity"] == "CRITICAL"]
