"""Started for real: gunicorn with either worker, the start script, and the real wscat."""

import errno
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websocket import create_connection

from server.config import Config
from tests.pages.site import HASH
from tests.serving import ENGINES, GUNICORN, ROOT, SUBPROTOCOL, Server, environment, free_port, get, started

WSCAT = "wscat@6.1.0"


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log"
    with started(GUNICORN, ROOT, log, WORKER_CLASS=request.param) as server:
        yield server
    assert server.process.returncode == 0
    assert "Traceback" not in server.log and "MonkeyPatchWarning" not in server.log


class TestGunicorn:
    def test_the_providers_are_warm_before_the_first_call(self, server: Server) -> None:
        assert get(f"http://{server.address}/healthz").json()["warm"]
        assert server.has_said("ENGINES_WARM after")

    def test_newcomer_12_every_line_has_its_time_in_one_way(self, server: Server) -> None:
        """newcomer 12: gunicorn's lines and ours; what is printed before the workers start has none."""
        dated = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \S")
        of_both = [line for line in server.log.splitlines() if "gunicorn" in line or "ENGINES_WARM" in line]
        assert len(of_both) >= 2 and all(map(dated.match, of_both)), of_both

    def test_it_says_what_is_in_use_and_what_is_missing(self, server: Server) -> None:
        for said in (
            "engines: STT scripted; LLM scripted; TTS scripted",
            "worker(s), WebSocket own",
            "to go live: set PUBLIC_BASE_URL",
            "to go live: scripted providers are for tests",
            "to go live: set TWILIO_AUTH_TOKEN",
            "OPEN: TWILIO_AUTH_TOKEN is unset, so webhooks and calls of this machine are taken for Twilio's",
        ):
            assert server.log.count(said) == 1

    def test_a_call_is_connected(self, server: Server) -> None:
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(f"http://{server.address}/webhook/incoming_call", {"CallSid": "CA1"})
        assert response.status_code == 200
        assert f'url="wss://{server.address}/ws/twilio-media"' in response.text

    def test_audio_to_play(self, server: Server) -> None:
        with wave.open(io.BytesIO(get(f"http://{server.address}/media/greeting.wav").content)) as audio:
            assert audio.getframerate() == 8000

    def test_the_socket_greets(self, server: Server) -> None:
        ws = create_connection(
            f"ws://{server.address}/ws/twilio-media",
            subprotocols=[SUBPROTOCOL],
            timeout=5,
            http_no_proxy=["127.0.0.1"],
        )
        assert ws.getsubprotocol() == SUBPROTOCOL
        sid = "MZ" + "1" * 32
        ws.send(json.dumps({"event": "start", "streamSid": sid, "start": {"streamSid": sid}}))
        silence = {"event": "media", "streamSid": sid, "media": {"payload": "////" * 53 + "/w=="}}
        ws.settimeout(0.02)
        events = self.hear(ws, json.dumps(silence))
        assert "media" in events
        ws.close(timeout=1)
        assert server.has_said(f"WS_START sid={sid} mode=AI")

    def hear(self, ws: object, frame: str) -> list[str]:
        """Feed silence in real time until a frame of ours comes, five seconds at most."""
        from websocket import WebSocket, WebSocketTimeoutException

        assert isinstance(ws, WebSocket)
        events: list[str] = []
        deadline = time.monotonic() + 5
        while "media" not in events and time.monotonic() < deadline:
            ws.send(frame)
            try:
                events.append(json.loads(ws.recv())["event"])
            except WebSocketTimeoutException:
                continue
        return events

    def test_wscat_connects(self, server: Server) -> None:
        """The playbook's GO test 1, with the tool it names."""
        wscat = wscat_program()
        done = subprocess.run(
            [wscat, "-s", SUBPROTOCOL, "-c", f"ws://{server.address}/ws/twilio-media", "-w", "1"]
            + ["-x", '{"event":"connected","protocol":"Call","version":"1.0.0"}'],
            capture_output=True,
            text=True,
            timeout=20,
            env=environment(),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "error" not in (done.stdout + done.stderr).lower()


def wscat_program() -> str:
    """The path of wscat, installed beside this interpreter's packages on first use."""
    home = Path(sys.prefix) / "wscat"
    program = home / "node_modules" / ".bin" / "wscat"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, and wscat comes from it")
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", str(home), WSCAT],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode != 0:
            pytest.skip(f"npm could not install wscat: {done.stderr.strip()[-300:]}")
    return str(program)


class TestSettings:
    """What gunicorn is told, and what a person is."""

    def settings(self, **knobs: str) -> dict[str, str]:
        done = subprocess.run(
            [*GUNICORN, "--print-config"],
            cwd=ROOT,
            env=environment(**knobs),
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}

    def test_the_master_waits_for_the_drain_and_every_call_has_a_thread(self) -> None:
        settings = self.settings(DRAIN_SEC="40", THREADS="8", MAX_CALLS="50", BIND_HOST="")
        assert int(settings["graceful_timeout"]) > 40 + 10 + 2
        assert settings["threads"] == "64" and settings["bind"].strip("[]'").startswith("127.0.0.1:")

    def test_a_server_with_a_secret_is_for_the_world(self) -> None:
        settings = self.settings(THREADS="100", BIND_HOST="", TWILIO_AUTH_TOKEN="secret")
        assert settings["threads"] == "100" and settings["bind"].strip("[]'").startswith("0.0.0.0:")

    def said(self, tmp_path: Path, **knobs: object) -> str:
        from server.gunicorn_conf import summary

        defaults = {name: field.default for name, field in Config.model_fields.items()}
        own = {"state_file": str(tmp_path / "new" / "agent.db"), "twilio_auth_token": "secret"}
        config = Config(**{"_env_file": None, **defaults, **own, **knobs})
        return "\n".join(summary(config))

    def limits(self, tmp_path: Path, **knobs: object) -> list[str]:
        said = self.said(tmp_path, **knobs).splitlines()
        return [line.removeprefix("limit: ") for line in said if line.startswith("limit: ")]

    @pytest.mark.parametrize(
        ("knobs", "said"),
        [
            ({"max_calls": 40}, ["MAX_CALLS=40 on this host, and each worker's load below 0.85"]),
            ({"max_calls": 40, "load_threshold": 1}, ["MAX_CALLS=40 on this host"]),
            ({"max_calls": 0, "load_threshold": 1}, ["none (MAX_CALLS=0, LOAD_THRESHOLD=1)"]),
            ({"max_calls": 0}, ["MAX_CALLS=0: new calls come while each worker's load stays below 0.85"]),
            ({"load_threshold": 1}, ["none (no MAX_CALLS, LOAD_THRESHOLD=1)"]),
            ({}, ["no MAX_CALLS: new calls come while each worker's load stays below 0.85"]),
        ],
    )
    def test_what_limits_the_calls_is_said(
        self, tmp_path: Path, knobs: dict[str, object], said: list[str]
    ) -> None:
        assert self.limits(tmp_path, **knobs) == said

    def test_hosts_without_a_number_know_their_own_load_only(self, tmp_path: Path) -> None:
        shared = {"redis_url": "redis://localhost:6379/0"}
        said = "REDIS_URL without MAX_CALLS: hosts limit calls by their own load alone"
        assert said in self.limits(tmp_path, **shared)
        assert said not in self.limits(tmp_path, **shared, max_calls=40)

    def test_more_workers_than_cores_are_told_of(self, tmp_path: Path) -> None:
        from server.start_lines import too_many_workers

        assert "workers: 64 on " in self.said(tmp_path, web_concurrency=64)
        assert "workers: " not in self.said(tmp_path, web_concurrency=1)
        four = Config(_env_file=None, web_concurrency=4)
        assert too_many_workers(four, 4.0) == [] and too_many_workers(four, 3.5) == [
            "4 on 3.5 core(s): a worker a core is right"
        ]

    def test_open_doors_are_said_loudly(self, tmp_path: Path) -> None:
        assert "OPEN:" not in self.said(tmp_path) and "set TWILIO_AUTH_TOKEN" not in self.said(tmp_path)
        unset = {"twilio_auth_token": ""}
        assert "calls of this machine are" in self.said(tmp_path, **unset)
        assert "OPEN: " in self.said(tmp_path, **unset, bind_host="0.0.0.0")
        assert "calls of WHOEVER FINDS THIS ADDRESS" in self.said(tmp_path, **unset, bind_host="0.0.0.0")

    def test_a_port_beside_the_proxy_is_said_until_bind_host_says_what_is_meant(self, tmp_path: Path) -> None:
        proxied = {"public_base_url": "https://agent.example.com"}
        assert "OPEN: port 5000 is reached beside the proxy" in self.said(tmp_path, **proxied)
        for bind_host in ("127.0.0.1", "0.0.0.0"):
            assert "OPEN:" not in self.said(tmp_path, **proxied, bind_host=bind_host)

    def test_where_the_pages_are_and_for_whom(self, tmp_path: Path) -> None:
        unset = {"twilio_auth_token": "", "public_base_url": ""}
        assert "pages: http://localhost:5000/, for this machine only" in self.said(tmp_path, **unset)
        assert "pages: off, since the server is public" in self.said(tmp_path)
        public = {"public_base_url": "https://agent:QXZ7@agent.example.com", "pages_password_hash": HASH}
        said = self.said(tmp_path, **public)
        assert "@agent.example.com/, behind a password" in said and "QXZ7" not in said
        assert "pages: none, by PAGES=false" in self.said(tmp_path, pages=False)

    def test_workers_that_would_not_agree_are_told_of(self, tmp_path: Path) -> None:
        alone = {"web_concurrency": 2, "state_file": ""}
        assert "workers disagree: set STATE_FILE" in self.said(tmp_path, **alone)
        assert "disagree" not in self.said(tmp_path, **alone, redis_url="redis://localhost:6379/0")
        assert "disagree" not in self.said(tmp_path, state_file="")
        assert "disagree" not in self.said(tmp_path, web_concurrency=2)

    def test_a_state_file_that_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
        assert f"workers disagree: STATE_FILE cannot be written in {tmp_path}" in self.said(tmp_path)

    def test_newcomer_9_files_that_calls_write(self, tmp_path: Path) -> None:
        said = self.said(tmp_path, leads_file=str(tmp_path), tts_cache_dir=str(tmp_path))
        assert f"ERROR: LEADS_FILE={tmp_path}: is a folder, and not a file" in said
        assert said.count("ERROR") == 1

    def test_a_token_that_is_not_like_twilios(self, tmp_path: Path) -> None:
        assert "to go live: TWILIO_AUTH_TOKEN is not like Twilio's" in self.said(tmp_path)
        assert "TWILIO_AUTH_TOKEN" not in self.said(tmp_path, twilio_auth_token="0123456789abcdef" * 2)


class TestPort:
    """newcomer 17: a port that cannot be had is one line, at once."""

    @pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
    def test_one_that_is_in_use(self, worker_class: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            done = subprocess.run(
                GUNICORN,
                cwd=ROOT,
                env=environment(PORT=port, WORKER_CLASS=worker_class),
                capture_output=True,
                text=True,
                timeout=20,
            )
        assert done.returncode == 1 and "serving on" not in done.stdout + done.stderr
        (line,) = [
            each for each in (done.stdout + done.stderr).splitlines() if "Starting gunicorn" not in each
        ]
        assert line.startswith(f"port {port} is in use") and "set PORT" in line

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (PermissionError(errno.EACCES, "x"), "port 80 is not for this user: set PORT"),
            (OSError(errno.EADDRNOTAVAIL, "x"), "BIND_HOST=10.0.0.1 is no address of this machine"),
            (socket.gaierror(-2, "x"), "BIND_HOST=10.0.0.1 is no address of this machine"),
            (OSError(errno.EMFILE, "why"), "BIND_HOST=10.0.0.1 PORT=80 cannot be listened on: why"),
        ],
    )
    def test_one_that_cannot_be_had(self, error: OSError, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from server.gunicorn_conf import why_not_bound

        class Refused(socket.socket):
            def bind(self, address: object) -> None:
                raise error

        monkeypatch.setattr(socket, "socket", Refused)
        assert why_not_bound("10.0.0.1", 80).startswith(says)

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_one_that_is_free(self, host: str) -> None:
        from server.gunicorn_conf import why_not_bound

        assert why_not_bound(host, int(free_port())) == ""


class TestEndingAtTheStart:
    """newcomer 17: SIGTERM while a worker boots ends it then, and not at ``graceful_timeout`` (32 s)."""

    @pytest.mark.parametrize("after_s", [0, 0.1, 0.6, 1.2])
    @pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
    def test_sigterm(self, worker_class: str, after_s: float) -> None:
        providers = {name: "embedded" for name in ENGINES}
        env = environment(**providers, PORT=free_port(), WORKER_CLASS=worker_class, DRAIN_SEC="15")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(GUNICORN, cwd=ROOT, env=env, **pipes) as process:  # type: ignore[call-overload]
            try:
                assert any("Booting worker" in line for line in process.stdout)
                time.sleep(after_s)
                process.terminate()
                said, _ = process.communicate(timeout=15)
            finally:
                process.kill()
        assert process.returncode == 0 and "Traceback" not in said, said


class TestBadKnobs:
    MESSAGE = "bad settings:\n  VAD_RMS='loud': must be a whole number from 1 to 32767\n"

    def test_gunicorn_exits_with_the_message_only(self) -> None:
        done = subprocess.run(
            GUNICORN, cwd=ROOT, env=environment(VAD_RMS="loud"), capture_output=True, text=True, timeout=20
        )
        assert done.returncode != 0
        assert done.stdout + done.stderr == self.MESSAGE

    def test_the_start_script_does_too(self, clone: Path) -> None:
        done = run(clone / "start_all.sh", VAD_RMS="loud")
        assert done.returncode != 0
        assert (done.stdout, done.stderr) == ("", self.MESSAGE)

    def test_another_mode_is_refused(self) -> None:
        done = subprocess.run(
            GUNICORN, cwd=ROOT, env=environment(WS_MODE="GSM"), capture_output=True, text=True, timeout=20
        )
        assert done.returncode != 0
        assert done.stderr == "bad settings:\n  WS_MODE='GSM': must be AI\n"


def run(*command: object, **knobs: str) -> "subprocess.CompletedProcess[str]":
    """From another folder, with the interpreter of this run."""
    return subprocess.run(
        list(map(str, command)),
        cwd="/",
        env=environment(PYTHON=sys.executable) | knobs,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository below a folder with a space, on the packages of this run."""
    folder = tmp_path_factory.mktemp("a clone") / "of it"
    folder.mkdir()
    for name in ("server", "requirements-build.txt", "requirements.txt", "start_all.sh"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "start_all.sh").unlink()
    shutil.copy(ROOT / "start_all.sh", folder)  # a copy: the script goes to the folder it lies in
    (folder / ".venv").symlink_to(sys.prefix)
    assert run(folder / "start_all.sh", "setup").returncode == 0
    return folder


class TestStartScript:
    def test_it_serves_from_anywhere(self, clone: Path, tmp_path: Path) -> None:
        script = [str(clone / "start_all.sh")]
        with started(script, Path("/"), tmp_path / "log", PYTHON=sys.executable) as server:
            assert server.has_said("engines: STT scripted")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(15) == 0

    def test_it_reads_the_env_file(self, clone: Path, tmp_path: Path) -> None:
        (clone / ".env").write_text("PUBLIC_HOST=ignored.example.com\nAI_GREETING_HE=\n", encoding="utf-8")
        script = [str(clone / "start_all.sh")]
        try:
            with started(script, Path("/"), tmp_path / "log", PYTHON=sys.executable) as server:
                # The greeting is from the file; the host is not, because the environment has one.
                assert get(f"http://{server.address}/media/greeting.wav").status_code == 404
                assert server.has_said("to go live: set PUBLIC_BASE_URL")
        finally:
            (clone / ".env").unlink()

    def test_the_demonstration(self, clone: Path) -> None:
        options = ["--synthetic", "--patience", "2", "--say", "אני מחפש דירה בתל אביב"]
        done = run(clone / "start_all.sh", "demo", *options, SCRIPTED_LLM_REPLY="כן, יש לנו שתיים.")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "engines: STT scripted" in done.stdout and "esponse gap" in done.stdout
        with wave.open(str(clone / "out" / "demo_call.wav")) as audio:
            assert audio.getnchannels() == 2 and audio.getnframes() > 8000
        assert "Handling signal: term" in (clone / "out" / "demo_server.log").read_text(encoding="utf-8")
        made = [clone / "out", *(clone / "out").iterdir()]
        assert len(made) >= 3 and not [path for path in made if path.stat().st_mode & 0o077]

    def test_the_demonstration_says_which_files_it_has_written(self, clone: Path, tmp_path: Path) -> None:
        """Newcomer 14: and not which it writes when it is not told."""
        recording, report = tmp_path / "mine.wav", tmp_path / "mine.json"
        files = ["--record", str(recording), "--json", str(report)]
        done = run(clone / "start_all.sh", "demo", "--synthetic", "--say", "שלום", *files)
        assert done.returncode == 0, done.stdout + done.stderr
        *said, how_to_read_it = done.stdout.splitlines()
        assert how_to_read_it.endswith(": RECORDS_FILE=out/demo_records.db ./start_all.sh calls")
        assert (clone / "out" / "demo_records.db").stat().st_size > 0
        last = said[-3:-1] if said[-1].startswith("What it has left:") else said[-2:]
        assert last[0].startswith(f"The call is in {recording}:") and last[1] == f"The report is in {report}."
        assert "demo_call.wav" not in done.stdout and recording.stat().st_size > 8000
        assert json.loads(report.read_text(encoding="utf-8"))["spoken_heard"] == {"heard": 1, "spoken": 1}

    def test_many_calls_can_be_demonstrated(self, clone: Path) -> None:
        done = run(clone / "start_all.sh", "demo", "--synthetic", "--say", "שלום", "--calls", "2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 calls, 0 failed" in done.stdout and "The call is in" not in done.stdout

    @pytest.mark.parametrize(
        "options, status, said",
        [
            (["--help"], 0, "--interrupt-after"),
            (["--say", "שלום", "-h"], 0, "--interrupt-after"),
            (["--sya", "שלום"], 2, "--sya"),
            (["--dtmf", "zero"], 2, "'zero' is not made of digits"),
            (["--record", "/nowhere/call.wav"], 2, "/nowhere/call.wav cannot be written"),
            (["--url", "https://agent.example.com"], 2, "the server that it starts itself"),
        ],
        ids=["help", "short help", "no option", "no key", "no folder", "another server"],
    )
    def test_options_are_answered_before_a_server_is_started(
        self, clone: Path, options: list[str], status: int, said: str
    ) -> None:
        """Newcomer 14: help started a server, and claimed a call."""
        done = run(clone / "start_all.sh", "demo", *options)
        assert done.returncode == status and said in (done.stderr if status else done.stdout)
        for claimed in ("Starting", "Calling", "The call"):
            assert claimed not in done.stdout + done.stderr

    def test_a_person_who_was_asked_for_is_no_failure(self, clone: Path) -> None:
        """Newcomer 14: key 0, and what the caller would have said to the agent is not needed any more."""
        office = {"TRANSFER_NUMBER": "+97231234567", "OFFICE_HOURS": ""}
        # Who speaks right behind the line keeps the call (F2): this one waits.
        asks = ("--dtmf", "0", "--say", "תודה", "--reply-after-ms", "3000")
        done = run(clone / "start_all.sh", "demo", "--synthetic", *asks, **office)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "handed over to +97231234567" in done.stdout and "FAILED" not in done.stdout

    def test_a_deaf_server_is_no_success(self, clone: Path) -> None:
        """Newcomer 3: every turn was answered, and none was heard."""
        deaf = {"ASR_ENGINES": "google", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}
        done = run(clone / "start_all.sh", "demo", "--synthetic", "--say", "שלום", **deaf)
        assert done.returncode != 0
        assert "FAILED: 0 of 1 spoken turns heard: google: GOOGLE_APPLICATION_CREDENTIALS" in done.stdout
        assert "Heard as     (nothing)" in done.stdout

    def test_a_server_that_is_not_healthy_is_called_all_the_same(self, clone: Path) -> None:
        """Newcomer 3: it serves, with 503; the call shows what callers get."""
        mute = {"TTS_ENGINES": "google", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}
        done = run(clone / "start_all.sh", "demo", "--synthetic", "--say", "שלום", **mute)
        assert "POST" in done.stdout and "did not answer within" not in done.stderr

    def test_a_demonstration_that_fails_shows_the_servers_log(self, clone: Path) -> None:
        options = ["--synthetic", "--say", "שלום", "--max-seconds", "1"]
        done = run(clone / "start_all.sh", "demo", *options)
        assert done.returncode != 0
        assert "the end of out/demo_server.log" in done.stderr and "WS_START" in done.stderr

    def test_help_and_wrong_usage(self) -> None:
        help_text = run(ROOT / "start_all.sh", "help")
        assert help_text.returncode == 0 and "demo" in help_text.stdout
        wrong = run(ROOT / "start_all.sh", "dance")
        assert wrong.returncode == 2 and "there is no command dance" in wrong.stderr

    def test_a_python_that_does_not_do(self, tmp_path: Path) -> None:
        old = tmp_path / "python3"
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
        done = run(ROOT / "start_all.sh", "setup", PYTHON=str(old))
        assert done.returncode == 1
        assert "needs Python 3.11, 3.12 or 3.13" in done.stderr and str(old) in done.stderr

    def test_an_environment_that_a_link_does_not_find(self, tmp_path: Path) -> None:
        """It was said to be another Python's, and to set PYTHON helps nobody."""
        shutil.copy(ROOT / "start_all.sh", tmp_path)
        (tmp_path / ".venv").symlink_to("moved/away")
        done = run(tmp_path / "start_all.sh", "setup")
        assert done.returncode == 1 and done.stdout == ""
        assert ".venv is a link to moved/away, and nothing is there" in done.stderr
        assert "another Python" not in done.stderr and (tmp_path / ".venv").is_symlink()


def test_the_procfile_runs_the_same_server() -> None:
    procfile = (ROOT / "Procfile").read_text(encoding="utf-8")
    command = "gunicorn -c server/gunicorn_conf.py 'server.app:create_app()'"
    assert procfile == f"web: MALLOC_ARENA_MAX=2 {command}\n"
