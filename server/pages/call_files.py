"""What stands beside a call's record: its event log, its recording, its picture (docs/timeline.md)."""

import io
import logging
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from flask import Response, jsonify, send_file, url_for
from werkzeug.exceptions import NotFound, ServiceUnavailable

from server.event_log.format import SUFFIX
from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.logs.redaction import Mode
from server.pages.pages import Pages
from server.pages.recordings import CallFiles
from server.records.facts import CallFacts
from server.records.search import Call
from server.timeline.apart import NotDrawn, timeline_apart

log = logging.getLogger("agent")

REPLAY = ".venv/bin/python -m server.replay"
DRAWN_WITHIN_S = 30.0


class FilePages:
    """Any thread. ``parts`` of a CallSid raises NotFound, or ServiceUnavailable."""

    def __init__(self, parts: Callable[[str], list[Call]], files: CallFiles, mode: Mode) -> None:
        """``mode``: of LOG_TRANSCRIPTS; where it is "off", or was, no word and no sound is given out."""
        self._parts = parts
        self._files = files
        self._mode: Mode = mode

    def events(self, sid: str) -> Response:
        path = self._log_of(sid)
        content = self._files.content(path) if self._files.has(path).words else None
        if content is None:
            raise NotFound
        return send_file(
            io.BytesIO(content), "application/octet-stream", as_attachment=True, download_name=path.name
        )

    def recording(self, sid: str) -> Response:
        """Both sides as WAV; a part of it, where the browser asks for one."""
        path = self._log_of(sid)
        wav = self._files.wav(path) if self._files.has(path).sound else None
        if wav is None:
            raise NotFound
        return send_file(io.BytesIO(wav), "audio/wav", conditional=True)

    def timeline(self, sid: str) -> Response:
        parts = self._parts(sid)
        try:
            drawn = timeline_apart(parts, self._files.folder, self._mode, DRAWN_WITHIN_S)
        except NotDrawn as error:
            log.warning("PAGE_PICTURE of %s is not drawn: %s", sid, in_one_line(str(error), MAX_CHARACTERS))
            raise ServiceUnavailable from None
        for sound in drawn["sounds"]:
            sound["src"] = url_for(".call_recording", sid=sound["src"])
        return jsonify(drawn)

    def _log_of(self, sid: str) -> Path:
        """Of exactly this part. Raises NotFound."""
        names = [call.event_log for call, _ in self._parts(sid) if call.sid == sid]
        path = self._files.event_log(names[0]) if names else None
        if path is None:
            raise NotFound
        return path


def beside(call: CallFacts, files: CallFiles) -> dict[str, str]:
    """The links and commands of a part that has an event log on this host; of another one nothing."""
    path = files.event_log(call.event_log)
    if path is None:
        return {}
    has = files.has(path)
    fixture = re.sub(r"[^a-z0-9]", "_", path.name.removesuffix(SUFFIX).lower())
    replay = f"{REPLAY} {shlex.quote(str(Path(files.folder) / call.event_log))}"
    return {
        "download": url_for(".call_events", sid=call.sid) if has.words else "",
        "recording": url_for(".call_recording", sid=call.sid) if has.sound else "",
        "replay": replay,
        "pin": f"{replay} --pin {fixture}",
    }


def add_call_files(pages: Pages, views: FilePages) -> None:
    def call_events(sid: str) -> Response:
        return views.events(sid)

    def call_recording(sid: str) -> Response:
        return views.recording(sid)

    def call_timeline(sid: str) -> Response:
        return views.timeline(sid)

    pages.add("/calls/<sid>/events", call_events, data=True)
    pages.add("/calls/<sid>/recording.wav", call_recording, data=True)
    pages.add("/calls/<sid>/timeline.json", call_timeline, data=True)
