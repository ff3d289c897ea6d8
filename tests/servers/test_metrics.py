"""The numbers of several workers: they add up, over calls and over a worker that dies."""

import psutil
import requests

from bench.metrics_counts import counted, folder_of, samples, total
from bench.service import LINES
from tests.metrics.collector import attributes, collecting
from tests.serving import GUNICORN, ROOT, get, started

WORKERS = "phone_agent_workers"


def test_two_workers_count_what_the_callers_do_and_trace_each_call(tmp_path):
    """What waits is sent at the end of each worker."""
    with collecting() as collector:
        otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        found = counted(6, 0.3, tmp_path, LINES[:2], **otlp)
    assert found.server == found.callers
    assert found.callers == {"calls": 6, "answers": 12, "interruptions": 6, "refused": 0}
    assert sum(found.by_worker) == 6 and len(found.by_worker) == 2
    assert len({attributes(call)["phone_agent.call_sid"] for call in collector.spans["call"]}) == 6
    assert sum("phone_agent.gap_ms" in attributes(turn) for turn in collector.spans["turn"]) == 12
    assert {attributes(one)["phone_agent.provider"] for one in collector.spans["stt"]} == {"scripted"}


def test_what_a_dead_worker_counted_stays_and_it_is_no_worker_any_more(tmp_path):
    """gthread's too; the folder is its master's alone, and gone behind it."""
    knobs = {"WEB_CONCURRENCY": "2", "STATE_FILE": str(tmp_path / "state.db"), "MAX_CALLS": "1"}
    with started(GUNICORN, ROOT, tmp_path / "log", WORKER_CLASS="gthread", **knobs) as server:
        assert server.waits_for(lambda: samples(server)[WORKERS] == 2)
        for number in range(3):  # one has the place, the others are turned away by either worker
            call(server, f"CA{number:032x}")
        refused = total(samples(server), "phone_agent_calls_refused_total")
        assert refused == 2
        folder = folder_of(server)
        assert folder.stat().st_mode & 0o777 == 0o700
        files = {path.name for path in folder.glob("*.db")}
        [worker, _] = psutil.Process(server.process.pid).children()
        worker.kill()
        assert server.waits_for(lambda: answers(server) and samples(server)[WORKERS] == 1)
        assert server.waits_for(lambda: answers(server) and samples(server)[WORKERS] == 2, 10)
        assert total(samples(server), "phone_agent_calls_refused_total") == refused
        assert {path.name for path in folder.glob("*.db")} == files
    assert not folder.exists()


def call(server, sid):
    form = {"CallSid": sid, "From": "+972540000000", "CallStatus": "ringing"}
    with requests.Session() as session:
        session.trust_env = False
        assert session.post(f"http://{server.address}/webhook/incoming_call", data=form, timeout=15).ok


def answers(server):
    try:
        return get(f"http://{server.address}/metrics").ok
    except OSError:
        return False
