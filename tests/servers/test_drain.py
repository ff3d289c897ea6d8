"""SIGTERM over real gunicorn, both worker classes, two workers each; see ``bench/drain.py``."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from bench.drain import KNOBS, PERSON, Drained, drain, plans
from server.simulator.call import PhoneCall
from server.simulator.pump import LiveStream, StreamPump
from tests.serving import GUNICORN, ROOT, Server, started
from tests.waiting import until

CLASSES = ("gevent", "gthread")
CALLS, DRAIN_S, TALK_S = 4, 3, 3.0
QUICK_S = 8.0  # on an idle machine it is one and a half; to wait for calls would be ten minutes


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drained]:
    """Both at once: they mostly wait. gthread has a person to hand over to."""
    folder = tmp_path_factory.mktemp("drain")
    persons = {"gevent": "", "gthread": PERSON}
    with ThreadPoolExecutor(2) as pool:
        running = {
            name: pool.submit(
                drain, name, folder / name, CALLS, DRAIN_S, TALK_S, TRANSFER_NUMBER=persons[name]
            )
            for name in CLASSES
        }
        return {name: future.result() for name, future in running.items()}


@pytest.fixture(params=CLASSES)
def drained(request: pytest.FixtureRequest, both: dict[str, Drained]) -> Drained:
    return both[request.param]


def test_the_server_ends_well(drained: Drained) -> None:
    """Exit status 0, long before it would be killed, and everything cleaned up."""
    assert drained.status == 0
    assert drained.took_s < DRAIN_S + 12
    for bug in ("Traceback", "DRAIN_ERR", "CALL_ERR", "WS_LEFT", "SIGKILL", "graceful timeout"):
        assert bug not in drained.log
    assert drained.log.count("DRAINED") == drained.log.count(" cut=0 ") == 2
    assert drained.log.count("WS_DONE") == CALLS


def test_calls_that_end_in_time_are_as_any_other(drained: Drained) -> None:
    """They are not told anything, and nothing of them is cut."""
    assert [record.ending for record in drained.by_themselves] == ["caller hung up"] * 2
    assert drained.failures == []


def test_those_left_hear_the_whole_line_and_twilio_hears_what_follows(drained: Drained) -> None:
    """F4: from the very server that is about to go."""
    assert len(drained.told) == len(drained.heard_it) == 2
    person = "dialled" in drained.ended_in[0]
    assert drained.ended_in == ([f"dialled {PERSON}"] if person else ["hung up by the server"]) * 2
    assert drained.log.count("CALL_ENDS " + ("Transfer" if person else "EndCall")) == 2
    for record in drained.told:
        assert [e.status for e in record.exchanges if e.url.endswith("/stream_ended")] == [200]


def test_each_class_ended_its_way(both: dict[str, Drained]) -> None:
    """With a person and without: the one above is no accident."""
    assert {both["gevent"].ended_in[0], both["gthread"].ended_in[0]} == {
        "hung up by the server",
        f"dialled {PERSON}",
    }


def test_new_callers_hear_that_we_are_busy_and_health_says_why(drained: Drained) -> None:
    """Nobody is refused: every one is answered."""
    assert len(drained.busy) >= 5 and all(drained.busy)
    assert len(drained.draining) >= 5 and all(drained.draining)


def test_without_calls_it_is_over_at_once(tmp_path: Path) -> None:
    """Whatever DRAIN_SEC is, and with a connection that somebody keeps open."""

    def check(worker_class: str) -> None:
        log = tmp_path / worker_class
        with started(GUNICORN, ROOT, log, WORKER_CLASS=worker_class, DRAIN_SEC="600") as server:
            with requests.Session() as session:
                session.trust_env = False
                session.get(f"http://{server.address}/healthz", timeout=5)
                assert ends_within(server.process, signal.SIGTERM, QUICK_S) == 0
        assert "DRAINED calls=0" in server.log and "Traceback" not in server.log

    with_both(check)


def test_ctrl_c_does_not_wait_for_calls(tmp_path: Path, a_pump: StreamPump) -> None:
    """SIGINT: quick, with a call in progress."""

    def check(worker_class: str) -> None:
        knobs = KNOBS | {"WORKER_CLASS": worker_class, "DRAIN_SEC": "600", "WEB_CONCURRENCY": "1"}
        with started(GUNICORN, ROOT, tmp_path / worker_class, **knobs) as server:
            phone = PhoneCall(plans(server, 2)[1], a_pump)
            calling = threading.Thread(target=phone.run, daemon=True)
            calling.start()
            until(lambda: "WS_START" in server.log, 30)
            assert ends_within(server.process, signal.SIGINT, QUICK_S) == 0
            calling.join(5)
        assert "DRAIN " not in server.log

    with_both(check)


def test_a_reload_hands_new_calls_to_the_new_worker(tmp_path: Path, a_pump: StreamPump) -> None:
    """SIGHUP: from when it is warm every new call is its own, while the old one's call goes on."""

    def check(worker_class: str) -> None:
        knobs = KNOBS | {"WORKER_CLASS": worker_class, "DRAIN_SEC": "600", "WEB_CONCURRENCY": "1"}
        with started(GUNICORN, ROOT, tmp_path / worker_class, **knobs) as server:
            lives: list[LiveStream] = []
            phone = PhoneCall(plans(server, 2)[1], a_pump, lives.append)
            calling = threading.Thread(target=phone.run, daemon=True)
            calling.start()
            until(lambda: "WS_START" in server.log, 30)
            os.kill(server.process.pid, signal.SIGHUP)
            until(lambda: server.log.count("ENGINES_WARM") == 2, 30)
            until(lambda: not [answer for answer in asked(server, 10) if "<Connect" not in answer], 30)
            answers = asked(server, 60)
            assert [answer for answer in answers if "<Connect" not in answer] == []
            assert "WS_DONE" not in server.log, "its call goes on"
            a_pump.cut(lives[0], "enough")
            until(lambda: server.log.count("Worker exiting") == 1, 15)
            calling.join(5)
        assert "WS_DONE" in server.log and "CALL_ENDS" not in server.log
        assert "Traceback" not in server.log

    with_both(check)


def test_a_reload_with_settings_that_cannot_be_right_is_none(tmp_path: Path) -> None:
    """SIGHUP: the old worker goes on, and takes new calls; once they are right, it is a reload."""

    def check(worker_class: str) -> None:
        lines = tmp_path / f"{worker_class}.lines"
        lines.write_text("busy:\n  רגע, כולם עסוקים.\n", encoding="utf-8")
        knobs = KNOBS | {"WORKER_CLASS": worker_class, "WEB_CONCURRENCY": "1", "LINES_FILE": str(lines)}
        with started(GUNICORN, ROOT, tmp_path / worker_class, **knobs) as server:
            lines.write_text("bussy:\n  רגע.\n", encoding="utf-8")
            os.kill(server.process.pid, signal.SIGHUP)
            until(lambda: "RELOAD_REFUSED" in server.log, 30)
            assert server.has_said("bussy")
            assert [answer for answer in asked(server, 5) if "<Connect" not in answer] == []
            assert server.process.poll() is None and server.log.count("ENGINES_WARM") == 1
            lines.write_text("busy:\n  רגע, הקווים תפוסים.\n", encoding="utf-8")
            os.kill(server.process.pid, signal.SIGHUP)
            until(lambda: server.log.count("ENGINES_WARM") == 2, 30)
            assert server.log.count("ENGINES_WARM") == 2

    with_both(check)


def asked(server: Server, times: int) -> list[str]:
    """The TwiML of so many new calls, each by a connection of its own: whoever accepts it answers."""
    answers = []
    for _ in range(times):
        with requests.Session() as session:
            session.trust_env = False
            answers.append(session.post(f"http://{server.address}/webhook/incoming_call", timeout=15).text)
    return answers


def with_both(check: Callable[[str], None]) -> None:
    """Either class at the same time: they mostly wait."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, CLASSES))


@pytest.fixture
def a_pump() -> Iterator[StreamPump]:
    pump = StreamPump()
    yield pump
    pump.close()


def ends_within(process: "subprocess.Popen[bytes]", number: signal.Signals, seconds: float) -> int:
    """The exit status; raises TimeoutExpired."""
    os.kill(process.pid, number)
    return process.wait(seconds)
