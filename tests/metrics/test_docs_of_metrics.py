"""docs/metrics.md, the dashboard and the alerts name what there is; promtool takes them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from server.metrics.metrics import ALL, PREFIX
from server.vitals import OF_THE_HOST
from tests.serving import ROOT

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "phone-agent.json"
ROW = re.compile(r"^\| `(phone_agent_\w+)` \| (\w+) \|([^|]*)\|([^|]*)\| [^|]+ \|$", re.MULTILINE)
NAME = re.compile(rf"{PREFIX}\w+")
PARTS = re.compile(r"_(?:bucket|count|sum)$")


def in_the_code() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name → kind, labels; a counter's name as it is told."""
    ours = {
        f"{PREFIX}{one.name}{'_total' * (one.kind == 'counter')}": (one.kind, one.labels)
        for one in ALL.values()
    }
    return ours | {PREFIX + name: ("gauge", labels) for name, (_, labels) in OF_THE_HOST.items()}


def test_every_metric_is_in_the_page_as_it_is() -> None:
    rows = ROW.findall((ROOT / "docs" / "metrics.md").read_text("utf-8"))
    told = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, _, labels in rows}
    assert told == in_the_code()
    units = {name: unit.strip() for name, _, unit, _ in rows}
    assert {name for name, unit in units.items() if unit == "s"} == {
        name for name in units if name.endswith("_seconds")
    }


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    of_panels = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return of_panels + [rule["expr"] for group in groups for rule in group["rules"]]


def test_the_dashboard_and_the_alerts_ask_for_what_there_is() -> None:
    asked = {PARTS.sub("", name) for text in expressions() for name in NAME.findall(text)}
    assert asked <= in_the_code().keys()
    shown = json.loads(DASHBOARD.read_text("utf-8"))
    assert in_the_code().keys() == {PARTS.sub("", name) for name in NAME.findall(json.dumps(shown))}


def test_no_panel_lies_on_another() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    return found


def run(promtool: str, *words: object) -> None:
    done = subprocess.run([promtool, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.servers
class TestPromtool:
    def test_takes_the_alerts(self, promtool: str) -> None:
        run(promtool, "check", "rules", ALERTS)

    def test_and_they_tell_what_they_are_to(self, promtool: str) -> None:
        run(promtool, "test", "rules", ALERTS.with_name("alerts.test.yml"))

    def test_takes_the_example(self, promtool: str, tmp_path: Path) -> None:
        shutil.copy(ALERTS, tmp_path)
        (tmp_path / "metrics_token").write_text("a token")
        run(promtool, "check", "config", shutil.copy(ALERTS.with_name("prometheus.yml"), tmp_path))

    def test_takes_what_the_dashboard_asks(self, promtool: str, tmp_path: Path) -> None:
        """As recording rules, with what Grafana puts in the place of its variables."""
        rules = [
            {
                "record": f"panel:{number}",
                "expr": text.replace("$__rate_interval", "5m").replace("$instance", ".*"),
            }
            for number, text in enumerate(expressions())
        ]
        file = tmp_path / "panels.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
        run(promtool, "check", "rules", file)
