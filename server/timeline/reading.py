"""The logs of a call that is recorded, read for its picture. Blocks, as a disk does, and computes."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path, PurePosixPath

from server.event_log.format import SUFFIX
from server.event_log.reader import EventLog, NoEventLog, read_log
from server.event_log.recording import stereo_mulaw_wav
from server.logs.redaction import Mode
from server.records.facts import CallFacts, TurnFacts
from server.records.files import files_of
from server.timeline.timeline import Json, Part, mode_of, timeline_data

Sound = Callable[[CallFacts, EventLog], str]
NOT_KEPT = "it has no event log (EVENT_LOG=events keeps one): its turns are all that is known"


def no_sound(call: CallFacts, log: EventLog) -> str:
    """None is offered."""
    return ""


def embedded(call: CallFacts, log: EventLog) -> str:
    """The recording in the page itself, 16 KB a second and a third more."""
    return f"data:audio/wav;base64,{b64encode(stereo_mulaw_wav(log)).decode()}"


def timeline_of(
    found: Sequence[tuple[CallFacts, Sequence[TurnFacts]]],
    folder: str,
    zone: tzinfo,
    mode: Mode,
    sound: Sound = no_sound,
) -> Json:
    """``found``: as ``Reads.call`` gives it, not empty. ``folder``: EVENT_LOG_DIR. ``mode``: LOG_TRANSCRIPTS.

    ``sound``: the URL of the recording of a part that has one; not asked where words must not be told.
    A log that cannot be read is told among what the picture lacks.
    """
    return timeline_data([_part(call, turns, folder, mode, sound) for call, turns in found], zone, mode)


def log_file(call: CallFacts, folder: str) -> Path | None:
    """Its event log, if it is there. What leads out of the folder is no call's."""
    name = PurePosixPath(call.event_log).name
    return next((path for path in files_of(folder, [call.event_log]) if path.name == name), None)


def _part(call: CallFacts, turns: Sequence[TurnFacts], folder: str, mode: Mode, sound: Sound) -> Part:
    if not call.event_log:
        return Part(call, turns, lacks=NOT_KEPT)
    path = log_file(call, folder)
    shown = str(Path(folder) / call.event_log)
    if path is None:
        return Part(call, turns, lacks=f"its event log {call.event_log} is gone")
    try:
        log = read_log(path)
    except (OSError, NoEventLog) as error:
        why = getattr(error, "strerror", None) or error
        return Part(call, turns, lacks=f"its event log {call.event_log}: {why}")
    told = log.header.audio and mode_of(log, mode) != "off"
    again = _connected_again(call, folder)
    return Part(call, turns, log, shown, lacks=again, sound=sound(call, log) if told else "")


def _connected_again(call: CallFacts, folder: str) -> str:
    """A host may connect a call's stream again, and its log is another one (``event_log.files``)."""
    logs = [path for path in files_of(folder, [call.event_log]) if path.suffix == SUFFIX]
    others = len(logs) - 1
    return f"its stream was connected again: {others} more event logs are not drawn" if others else ""
