"""deploy/ and the Dockerfile: what the validators take, and what follows from the server's own figures.

``pip install kubernetes-validate compose-spec`` into the tests' environment, and none is skipped.
"""

import json
import re
from math import ceil
from typing import Any

import pytest
import yaml

from server.admission.drain import CUT_S, FAREWELL_S, LINGER_S
from server.app import create_app
from server.config import Config
from tests.repository.test_docs import locations
from tests.servers.nginx import LOCATIONS, UPSTREAMS
from tests.serving import ROOT

KUBERNETES = ROOT / "deploy/kubernetes/agent.yaml"
COMPOSE = ROOT / "deploy/compose/compose.yaml"
AGENTS = ("agent-1", "agent-2")
NGINX = ROOT / "deploy/compose/nginx.conf"
VERSION = "1.30"
LAST_ANSWERS_S = 4.0  # of server/gunicorn_conf.py
SETTINGS = {name.upper() for name in Config.model_fields}
THOUSAND = 1000  # calls of docs/scale.md
OF_THE_SECRET = re.compile(r"--from-literal=(\w+)=")


@pytest.fixture(scope="module")
def figures() -> dict[str, int]:
    """The table at the top of docs/scale.md, from which the rest follows."""
    told = (ROOT / "docs/scale.md").read_text("utf-8").partition("\n\n* ")[0]
    return {name: int(value) for name, value in re.findall(r"^\| ([\w ]+) \| (\d+) \|", told, re.MULTILINE)}


@pytest.fixture(scope="module")
def manifests() -> dict[str, Any]:
    """By their kinds; behind it what a name has more than the agent's."""
    found = yaml.safe_load_all(KUBERNETES.read_text("utf-8"))
    return {each["kind"] + each["metadata"]["name"].removeprefix("phone-agent"): each for each in found}


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return told


def ends_after_s(drain_s: float) -> float:
    """From SIGTERM until gunicorn's master kills what is left."""
    return drain_s + FAREWELL_S + CUT_S + LINGER_S + LAST_ANSWERS_S


def seconds_of_drain(environment: dict[str, str]) -> float:
    return float(environment["DRAIN_SEC"])


def test_last_answers_are_as_long_as_gunicorn_waits() -> None:
    told = (ROOT / "server/gunicorn_conf.py").read_text("utf-8")
    assert f"LAST_ANSWERS_S = {LAST_ANSWERS_S}  #" in told
    assert "int(_config.drain_sec + FAREWELL_S + CUT_S + LINGER_S + LAST_ANSWERS_S)" in told


class TestKubernetes:
    def test_takes_it(self, manifests: dict[str, Any]) -> None:
        validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
        assert len(manifests) == 6
        for manifest in manifests.values():
            validator.validate(manifest, VERSION, strict=True)

    def test_waits_for_the_drain(self, manifests: dict[str, Any]) -> None:
        """preStop counts, and is shorter than what is left for the drain."""
        pod = manifests["Deployment"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        program, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
        assert program == "sleep"
        needs_s = float(seconds) + ends_after_s(seconds_of_drain(environment_of(container)))
        assert needs_s < pod["terminationGracePeriodSeconds"] <= needs_s + 15

    def test_settings_exist_and_are_taken(
        self, manifests: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
        environment = environment_of(container)
        secret = OF_THE_SECRET.findall(KUBERNETES.read_text("utf-8"))
        assert {*environment, *secret} <= SETTINGS and "REDIS_URL" in secret
        assert str(container["ports"][0]["containerPort"]) == environment["PORT"]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert Config().max_calls == int(environment["MAX_CALLS"])

    def test_all_mean_the_same_pods(self, manifests: dict[str, Any]) -> None:
        deployment = manifests["Deployment"]["spec"]
        labels = deployment["template"]["metadata"]["labels"]
        assert labels == deployment["selector"]["matchLabels"]
        assert labels == manifests["Service"]["spec"]["selector"]
        assert manifests["Service-sockets"]["spec"] == manifests["Service"]["spec"] | {
            "publishNotReadyAddresses": True
        }
        assert labels == manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
        scaled = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
        assert scaled["name"] == manifests["Deployment"]["metadata"]["name"]

    def test_pods_are_added_before_callers_hear_that_we_are_busy(self, manifests: dict[str, Any]) -> None:
        (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
        metrics = manifests["HorizontalPodAutoscaler"]["spec"]["metrics"]
        wanted = {each["pods"]["metric"]["name"]: each["pods"]["target"]["averageValue"] for each in metrics}
        assert set(wanted) == {"phone_agent_calls_now", "phone_agent_load"}
        assert int(wanted["phone_agent_calls_now"]) == 0.7 * int(environment_of(container)["MAX_CALLS"])

    def test_there_may_be_pods_for_a_thousand_calls(self, manifests: dict[str, Any]) -> None:
        """Those that the autoscaler would ask for, and one of them may be away."""
        (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
        scaled = manifests["HorizontalPodAutoscaler"]["spec"]
        target = {each["pods"]["metric"]["name"]: each["pods"]["target"] for each in scaled["metrics"]}
        calls_a_pod = int(target["phone_agent_calls_now"]["averageValue"])
        assert scaled["maxReplicas"] == ceil(THOUSAND / calls_a_pod)
        assert (scaled["maxReplicas"] - 1) * int(environment_of(container)["MAX_CALLS"]) >= THOUSAND

    def test_sockets_have_a_list_of_their_own(self, manifests: dict[str, Any]) -> None:
        """As nginx's have (docs/scale.md); and what goes on is served by pods that take nothing new too."""
        (rule,) = manifests["Ingress"]["spec"]["rules"]
        behind = {each["path"]: each["backend"]["service"]["name"] for each in rule["http"]["paths"]}
        assert {path for path, service in behind.items() if service == "phone-agent"} == {"/"}
        rules = {rule.rule for rule in create_app(Config(_env_file=None)).url_map.iter_rules()}
        webhooks = {rule for rule in rules if rule.startswith("/webhook/")} - {"/webhook/incoming_call"}
        of_calls = {"/ws/", "/media/", *webhooks}
        assert {path for path, service in behind.items() if service == "phone-agent-sockets"} == of_calls

    def test_a_pod_is_a_core(self, manifests: dict[str, Any], figures: dict[str, int]) -> None:
        """Its places and its memory follow from what was measured."""
        (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
        environment, resources = environment_of(container), container["resources"]
        assert resources["requests"]["cpu"] == environment["WEB_CONCURRENCY"] == "1"
        assert int(environment["MAX_CALLS"]) == figures["calls a core"] * 9 // 10
        asked, most = (int(resources[kind]["memory"].removesuffix("Mi")) for kind in ("requests", "limits"))
        needs = figures["MB a worker"] + figures["MB the master"] + figures["MB a host leaves free"]
        assert needs <= asked < 1.5 * needs and asked < most

    def test_probes_ask_for_health_and_none_restarts(self, manifests: dict[str, Any]) -> None:
        (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
        asked = [container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe")]
        assert asked == ["/healthz", "/readyz"] and "livenessProbe" not in container


def environment_of(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


class TestCompose:
    def test_takes_it(self, composed: dict[str, Any]) -> None:
        validator = pytest.importorskip("compose_spec", reason="compose-spec is not installed")
        told = {name: value for name, value in composed.items() if not name.startswith("x-")}
        services = validator.PyCompose.from_json(json.dumps(told)).service_names()
        assert set(services) == {"agent-1", "agent-2", "nginx", "redis", "postgres"}

    def test_waits_for_the_drain(self, composed: dict[str, Any]) -> None:
        for name in AGENTS:
            agent = composed["services"][name]
            needs_s = ends_after_s(seconds_of_drain(agent["environment"]))
            assert needs_s < float(agent["stop_grace_period"].removesuffix("s")) <= needs_s + 15

    def test_settings_exist_and_ports_agree(self, composed: dict[str, Any]) -> None:
        agents = [composed["services"][name] for name in AGENTS]
        assert agents[0] == agents[1] and set(agents[0]["environment"]) <= SETTINGS
        port = agents[0]["environment"]["PORT"]
        addresses = re.findall(r"server (agent-\d:\d+);", NGINX.read_text("utf-8"))
        assert addresses == [f"agent-1:{port}", f"agent-2:{port}"] * 2

    def test_the_proxy_lets_in_what_the_agents_take(self, composed: dict[str, Any]) -> None:
        """Five requests a new call, a connection on either side; Twilio may come from one address."""
        told = NGINX.read_text("utf-8")
        (rate,), (open_at_once, _), (connections,), (files,) = (
            [int(found) for found in re.findall(pattern, told)]
            for pattern in (
                r"rate=(\d+)r/s",
                r"limit_conn agent_open (\d+);",
                r"worker_connections (\d+);",
                r"worker_rlimit_nofile (\d+);",
            )
        )
        calls = sum(int(composed["services"][name]["environment"]["MAX_CALLS"]) for name in AGENTS)
        assert rate == 5 * Config.model_fields["calls_per_sec"].default
        assert calls < open_at_once < connections / 2 and connections < files


def upstreams_of(text: str) -> list[str]:
    """The lines of several hosts, but for the hosts."""
    block = re.search(
        r"^ *proxy_next_upstream .*?^ *upstream agents_sockets \{.*?\}", text, re.DOTALL | re.MULTILINE
    )
    assert block is not None
    lines = [line.strip() for line in block[0].splitlines()]
    return [line for line in lines if line and not line.startswith("server ")]


def test_the_proxy_of_compose_is_the_one_that_is_tested() -> None:
    """Line by line, but for names and the rate."""
    assert locations(NGINX.read_text("utf-8")) == locations(LOCATIONS)


@pytest.mark.parametrize("path", ["deploy/compose/nginx.conf", "docs/scale.md"])
def test_several_hosts_stand_behind_the_lines_that_are_tested(path: str) -> None:
    told = upstreams_of((ROOT / path).read_text("utf-8"))
    assert told == upstreams_of(UPSTREAMS.format(webhooks="", sockets="")) and len(told) == 9


def test_the_container_has_what_the_server_reads() -> None:
    """What is copied exists, is let through, and is all there is to copy; it starts as the Procfile does."""
    told = (ROOT / "Dockerfile").read_text("utf-8")
    copied = [name for names in re.findall(r"^COPY (.+) \S+$", told, re.MULTILINE) for name in names.split()]
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert copied == let_through == ["requirements-build.txt", "requirements.txt", "server"]
    assert all((ROOT / name).exists() for name in copied)
    script = (ROOT / "start_all.sh").read_text("utf-8")
    (flags,) = re.findall(r"pip install --quiet --quiet ([^)]*)\)", script)
    pips = re.findall(r"pip install --no-cache-dir ([^&]*) -r (\S+)", told.replace("\\\n", " "))
    assert [name for _, name in pips] == ["requirements-build.txt", "requirements.txt"]
    assert [said.split() for said, _ in pips] == [flags.split()[:4], flags.split()], "docopt has no wheel"
    (command,) = re.findall(r"^CMD (\[.*\])$", told, re.MULTILINE)
    procfile = (ROOT / "Procfile").read_text("utf-8").replace("'", "")
    assert " ".join(json.loads(command)) in procfile and "MALLOC_ARENA_MAX=2" in told
