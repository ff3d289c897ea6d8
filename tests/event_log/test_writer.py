"""What a call is told and decides is on the disk within a second, and no disk stops the call."""

import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from server.audio.frames import SILENT_FRAME, FrameHeard
from server.config import load_config
from server.event_log import writer
from server.event_log.files import create, delete, delete_before, name_of
from server.event_log.format import Seen
from server.event_log.reader import read_log
from server.event_log.writer import EventLogs, told_knobs
from server.settings.turn_params import dialogue_params
from server.turns.effects import PhoneCall
from server.turns.events import CallerGone, StreamStarted
from tests.event_log.recorded import log_of_call, path_of_call, recorded
from tests.serving import ROOT, environment
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

START = StreamStarted(call=PhoneCall("CA1", "+972501234567"))
FRAME = FrameHeard(SILENT_FRAME, 0, 0.0)


def a_call(**how):
    return SimCall([Sound(1.5, 1.2)], **how)


@pytest.mark.parametrize("mode", ["events", "audio"])
def test_a_call_is_kept_in_the_order_of_decision(tmp_path, mode):
    call = recorded(a_call(), tmp_path, mode).run(8)
    log = log_of_call(call, tmp_path)
    assert log.torn == "" and log.lacks == ()
    assert "ended=caller" in log.note and "turns=1" in log.note
    kept = [(type(one.event), tuple(map(type, one.actions))) for one in log.seen]
    assert kept == [(type(event), tuple(map(type, actions))) for event, actions in call.events]
    if mode == "audio":
        assert [(one.event, [*one.actions]) for one in log.seen] == call.events
    times = [round(1000 * (at_s - call.event_times[0])) for at_s in call.event_times]
    assert [one.at_ms for one in log.seen] == times


def test_the_header_says_with_what_and_no_secret(tmp_path):
    call = recorded(a_call(knobs={"llm_history_turns": 3, "openai_api_key": "sk-" + "a" * 40}), tmp_path).run(
        4
    )
    log = log_of_call(call, tmp_path)
    assert log.header.call_sid == "CA1" and not log.header.audio and log.header.left_out
    assert log.params == dialogue_params(call.config)
    assert log.header.knobs["LLM_HISTORY_TURNS"] == "3"
    assert "sk-" not in path_of_call(call, tmp_path).read_bytes().partition(b"\n")[0].decode()
    assert "EVENT_LOG_DIR" not in told_knobs(call.config)


def test_no_password_of_an_address_is_told():
    """Records have it too, and who is sent a log."""
    own = load_config(
        openai_base_url="https://user:tops3cret@host.example/v1", openai_api_key="sk-" + "a" * 40
    )
    assert told_knobs(own)["OPENAI_BASE_URL"] == "https://…@host.example/v1"


def test_only_its_owner_reads_it(tmp_path):
    folder = tmp_path / "logs"
    path = path_of_call(recorded(a_call(), folder).run(3), folder)
    modes = [stat.S_IMODE(os.stat(one).st_mode) for one in (folder, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


def test_a_call_that_never_started_leaves_nothing(tmp_path):
    call = recorded(a_call(start=False), tmp_path).run(2)
    assert call.event_logs.settle(5) and list(tmp_path.rglob("*.events")) == []


@pytest.mark.servers
def test_ten_minutes_are_under_a_megabyte(tmp_path):
    """Of a caller who speaks half of the time, and an agent who answers; told in the docs."""
    sounds = [Sound(1.5 + 8 * n, 2.5) for n in range(74)]
    call = recorded(SimCall(sounds, stt=[f"מילים אחרות {n}" for n in range(80)]), tmp_path).run(600)
    assert call.lines("RESPONSE_GAP") and path_of_call(call, tmp_path).stat().st_size < 1_000_000


# ---- the disk -----------------------------------------------------------------------------------


class FullDisk:
    """``os.write`` that has room for so many bytes."""

    def __init__(self, room):
        self.room, self.write = room, os.write

    def __call__(self, file, data):
        if len(data) > self.room:
            raise OSError(28, "No space left on device")
        self.room -= len(data)
        return self.write(file, data)


def test_a_full_disk_ends_the_log_and_not_the_call(tmp_path, monkeypatch):
    monkeypatch.setattr(writer.os, "write", FullDisk(9_000))
    call = recorded(a_call(), tmp_path)
    call.run(8)
    path = path_of_call(call, tmp_path)
    assert call.texts and call.finished and not call.lines("OBSERVER_ERR")
    assert len(call.lines("EVENT_LOG_ERR")) <= 1  # the disk's thread is none of the simulated ones
    log = read_log(path)
    assert log.torn and 0 < len(log.seen) < len(call.events)


def test_what_a_disk_has_not_taken_is_told_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(writer.os, "write", FullDisk(0))
    now = iter(range(100))
    logs = EventLogs(a_call().config.model_copy(update={"event_log_dir": str(tmp_path)}), lambda: next(now))
    observer = logs.observer()
    for event in (START, FRAME, FRAME, FRAME, CallerGone()):
        observer.saw(event)
        assert logs.settle(5)
    observer.closed()
    assert logs.settle(5)
    told = [record.getMessage() for record in caplog.records if record.name == "agent"]
    assert told == ["EVENT_LOG_ERR call=CA1: [Errno 28] No space left on device; nothing more is kept of it"]


def test_a_disk_that_hangs_holds_no_call(tmp_path, monkeypatch, caplog):
    """What waits for it is bounded; a call that is too much keeps nothing more, and says so."""
    monkeypatch.setattr(writer, "MOST_WAITING", 2)
    monkeypatch.setattr(writer, "start_os_thread", lambda function: None)
    now = iter(range(100))
    logs = EventLogs(a_call().config.model_copy(update={"event_log_dir": str(tmp_path)}), lambda: next(now))
    observer = logs.observer()
    for event in (START, *[FRAME] * 6, CallerGone()):
        observer.saw(event)
    assert not logs.settle(0.0)
    assert [r.getMessage() for r in caplog.records].count(
        "EVENT_LOG_ERR call=CA1: the disk is too slow; nothing more is kept of it"
    ) == 1


KILLED = """
import os, sys, time
from server.config import Config
from server.event_log.writer import EventLogs
from tests.event_log.test_writer import FRAME, START
defaults = {name: field.default for name, field in Config.model_fields.items()}
logs = EventLogs(Config(_env_file=None, **defaults | {"event_log_dir": sys.argv[1]}))
observer = logs.observer()
observer.saw(START)
for number in range(200):
    observer.saw(FRAME)
    print(number, flush=True)
    time.sleep(0.02)
"""


@pytest.mark.servers
def test_a_kill_takes_the_last_second_and_no_more(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        frames = 0
        for line in process.stdout:
            frames = int(line) + 1
            if frames == 130:
                process.kill()
    (path,) = tmp_path.glob("*/*.events")
    log = read_log(path)
    assert "has no end" in log.torn
    assert frames - 60 <= len(log.seen) <= frames + 1
    assert log.seen[0].event == START


# ---- names --------------------------------------------------------------------------------------

NIGHT = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sid", "name"), [("CA1", "CA1"), ("../../etc/x", "______etc_x"), ("", "call"), ("א" * 99, "_" * 64)]
)
def test_a_name_is_by_the_day_in_israel_and_leads_nowhere_else(sid, name):
    assert name_of(sid, NIGHT) == f"2026-11-30/{name}.events"


def test_a_call_that_comes_again_has_another_log(tmp_path):
    names = [os.readlink(f"/proc/self/fd/{create(tmp_path / 'a', 'day/CA1.events')}") for _ in range(3)]
    assert [name.rpartition("/")[2] for name in names] == ["CA1.events", "CA1-2.events", "CA1-3.events"]


def test_logs_of_days_gone_by_are_deleted_with_their_days(tmp_path):
    paths = [tmp_path / day / "CA1.events" for day in ("2026-11-01", "2026-11-28", "2026-11-29")]
    other = tmp_path / "2026-11-01" / "mine.txt"
    for path in [*paths, other]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert delete_before(tmp_path, date(2026, 11, 29)) == 2
    assert [path.exists() for path in paths] == [False, False, True]
    assert other.exists() and not (tmp_path / "2026-11-28").exists()
    delete(paths[2])
    delete(paths[2])
    assert not paths[2].parent.exists()


def test_no_second_of_a_call_is_handed_over_in_two(tmp_path):
    """An event and what was decided on it are in one chunk: ``Seen`` has both."""
    call = recorded(a_call(), tmp_path).run(8)
    log = log_of_call(call, tmp_path)
    assert all(isinstance(one, Seen) for one in log.seen)
    assert [len(one.actions) for one in log.seen] == [len(actions) for _, actions in call.events]
