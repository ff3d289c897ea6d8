"""SIGTERM with calls in progress: who ended by themselves, who was told, and whose sentence was cut.

``python -m bench.drain [CALLS]``: 20 calls on two workers of either class, without a person to hand over to
and with one. The whole process group is signalled, and several times, as some hosts do.
"""

import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import requests

from bench.options import options
from server.audio.twilio_buffer import TwilioBuffer
from server.simulator.call import CallPlan, CallRecord, PhoneCall
from server.simulator.pump import StreamPump
from server.simulator.script import Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.serving import GUNICORN, ROOT, Server, get, started

CALLS, DRAIN_S = 20, 15
TALK_S = 6.0  # before the signal
PERSON = "+97235550000"
KNOBS = {
    "WEB_CONCURRENCY": "2",
    "CALLS_PER_SEC": "0",
    "CALLS_PER_CALLER_MIN": "0",
    "SCRIPTED_ASR_MS": "50",
    "SCRIPTED_LLM_MS": "100",
    "SCRIPTED_LLM_REPLY": "יש לנו שתי דירות כאלה בעיר. האחת בקומה שנייה עם מרפסת. מתי נוח לכם לבוא?",
}
NOTICE = "חייבת לסיים כאן"
MARK_LATE_S = 0.1  # behind the last sound of its sentence
PROBE_S, FIRST_PROBE_S = 0.4, 0.6
TELLING_S = 10.0


@dataclass
class Drained:
    """What became of the server and its calls."""

    records: list[CallRecord]
    log: str
    status: int | None
    took_s: float
    busy: list[bool] = field(default_factory=list)  # of each new call meanwhile: it heard that we are busy
    draining: list[bool] = field(default_factory=list)  # of each look at /healthz meanwhile

    def sids(self, part: str) -> set[str]:
        """Streams with ``part`` in a line of the log."""
        return set(re.findall(rf"{re.escape(part)}.* sid=(MZ\w+)", self.log))

    @property
    def told(self) -> list[CallRecord]:
        return [record for record in self.records if record.ids.stream_sid in self.sids("CLOSING_DOWN")]

    @property
    def heard_it(self) -> list[CallRecord]:
        """Of those: the whole line was heard."""
        heard = self.sids(NOTICE)
        return [r for r in self.told if r.ids.stream_sid in heard and not broken_off(r)]

    @property
    def by_themselves(self) -> list[CallRecord]:
        return [record for record in self.records if record not in self.told]

    @property
    def ended_in(self) -> list[str]:
        """How Twilio was told to go on with those that were told."""
        return sorted(record.ending for record in self.told)

    @property
    def failures(self) -> list[str]:
        return [failure for record in self.records for failure in record.failures]


def broken_off(record: CallRecord) -> bool:
    """Our side has ended the stream, or cleared it, in the middle of a sentence."""
    assert record.live is not None and record.stream is not None
    buffer = record.stream.buffer
    return (record.live.ended_by_server and _ends_in_a_sentence(buffer)) or any(
        cleared.dropped_bytes for cleared in buffer.clears
    )


def _ends_in_a_sentence(buffer: TwilioBuffer) -> bool:
    """Every sentence of ours has a mark behind it."""
    last_sound_s = len(bytes(buffer.heard).rstrip(b"\xff\x7f")) / 8000
    last_mark_s = max((echo.at_s for echo in buffer.echoes if echo.heard), default=0.0)
    return buffer.pending_bytes > 0 or last_sound_s > last_mark_s + MARK_LATE_S


def plans(server: Server, calls: int, talk_s: float = TALK_S) -> list[CallPlan]:
    """A third hangs up soon after the signal, the others talk on; of ten or more one does not pause."""
    url = f"http://{server.address}"
    words = Say("שלום", Clip.from_pcm16(synthetic_speech(1.2)))
    talks_on = CallPlan(Endpoint(url, url), [words] * 40, Manners(reply_after_s=0.4), max_s=120.0)
    leaves = replace(talks_on, manners=replace(talks_on.manners, hang_up_after_s=talk_s + 1.5))
    endless = replace(
        talks_on,
        steps=[Say("ועוד", Clip.from_pcm16(synthetic_speech(60.0)))],
        manners=Manners(patience_s=3.0),
    )
    mixed = [leaves if n % 3 == 0 else talks_on for n in range(calls)]
    if calls >= 10:
        mixed[1] = endless
    return [replace(plan, caller=f"+9725000000{n:02}") for n, plan in enumerate(mixed)]


def drain(
    worker_class: str,
    folder: Path,
    calls: int = CALLS,
    drain_s: int = DRAIN_S,
    talk_s: float = TALK_S,
    **knobs: str,
) -> Drained:
    """Start a server, place calls, signal it ``talk_s`` into them, and wait for everybody's end."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {"WORKER_CLASS": worker_class, "DRAIN_SEC": str(drain_s), "STATE_FILE": str(folder / "state.db")}
    with started(GUNICORN, ROOT, folder / "log", **(KNOBS | own | knobs)) as server:
        records, threads, pump = _place(plans(server, calls, talk_s))
        time.sleep(talk_s)
        signalled = time.monotonic()
        result = Drained(records, "", None, 0.0)
        probing = threading.Thread(target=_probe, args=(server, result), daemon=True)
        probing.start()
        _signal_everybody(server)
        result.status = server.process.wait(drain_s + 25)
        result.took_s = time.monotonic() - signalled
        for thread in threads:
            thread.join(10)
        pump.close()
        probing.join(10)
        result.log = server.log
    return result


def _place(calls: Sequence[CallPlan]) -> tuple[list[CallRecord], list[threading.Thread], StreamPump]:
    pump = StreamPump()
    phones = [PhoneCall(plan, pump) for plan in calls]
    threads = [threading.Thread(target=phone.run, daemon=True) for phone in phones]
    for thread in threads:
        thread.start()
    return [phone.record for phone in phones], threads, pump


def _signal_everybody(server: Server) -> None:
    master = psutil.Process(server.process.pid)
    for _ in range(3):
        for process in (master, *master.children(recursive=True)):
            process.send_signal(signal.SIGTERM)
        time.sleep(0.2)


def _probe(server: Server, result: Drained) -> None:
    """New calls, and a look at its health, until nobody listens any more."""
    time.sleep(FIRST_PROBE_S)
    with requests.Session() as session:
        session.trust_env = False
        for n in range(1000):
            try:
                answer = session.post(
                    f"http://{server.address}/webhook/incoming_call",
                    {"CallSid": f"CA{n:032}", "From": f"+97252{n:07}", "CallStatus": "ringing"},
                    timeout=5,
                )
                health = get(f"http://{server.address}/healthz")
            except requests.ConnectionError:
                return
            result.busy.append(answer.status_code == 200 and "<Connect" not in answer.text)
            result.draining.append(health.status_code == 200 and health.json()["draining"])
            time.sleep(PROBE_S)


def report(name: str, result: Drained) -> str:
    broken = [record for record in result.records if broken_off(record)]
    endings: dict[str, int] = {}
    for ending in result.ended_in:
        endings[ending] = endings.get(ending, 0) + 1
    lines = [
        f"{name}: exit status {result.status} after {result.took_s:.1f} s",
        f"  {len(result.by_themselves)} ended by themselves; {len(result.told)} told, "
        f"{len(result.heard_it)} of them to the last word, then {endings}",
        f"  sentences of ours cut: {len(broken)}",
        f"  new calls meanwhile: {len(result.busy)}, busy {sum(result.busy)}; "
        f"/healthz {len(result.draining)}, draining {sum(result.draining)}",
    ]
    lines += [f"  {line}" for line in result.log.splitlines() if " DRAIN" in line]
    lines += [f"  FAILED: {failure}" for failure in result.failures[:5]]
    if "Traceback" in result.log:
        lines.append("  FAILED: a traceback in the log")
    return "\n".join(lines)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("calls", nargs="?", type=int, default=CALLS)
    calls = parser.parse_args().calls
    for worker_class in ("gevent", "gthread"):
        for person in ("", PERSON):
            with tempfile.TemporaryDirectory() as folder:
                name = f"{worker_class}, {calls} calls{', a person' if person else ''}"
                drained = drain(worker_class, Path(folder), calls, TRANSFER_NUMBER=person)
                print(report(name, drained), flush=True)
                if os.environ.get("KEEP_LOG"):
                    Path(os.environ["KEEP_LOG"]).write_text(drained.log, encoding="utf-8")


if __name__ == "__main__":
    main()
