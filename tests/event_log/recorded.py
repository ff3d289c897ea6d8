"""Simulated calls with an event log."""

from server.event_log.reader import read_log
from server.event_log.writer import EventLogs


def recorded(call, folder, mode="events"):
    """The same call, kept below ``folder``; ``log_of_call`` has its log once it was run."""
    call.config = call.config.model_copy(update={"event_log": mode, "event_log_dir": str(folder)})
    call.event_logs = EventLogs(call.config, call.runtime.clock)
    call.host.setdefault("observers", []).append(call.event_logs.observer())
    return call


def path_of_call(call, folder):
    assert call.event_logs.settle(10)
    (path,) = folder.glob("*/*.events")
    return path


def log_of_call(call, folder):
    return read_log(path_of_call(call, folder))
