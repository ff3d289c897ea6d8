"""Many calls at once: what the callers experienced, and what the calls cost the server."""

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import psutil

from server.audio.frames import FRAME_MS
from server.simulator.call import CallPlan, CallRecord, PhoneCall
from server.simulator.pump import StreamPump
from server.simulator.report import CallReport, make_report


@dataclass(frozen=True)
class Percentiles:
    """``count`` values, and their percentiles in milliseconds; NaN without a value."""

    count: int
    p50: float
    p90: float
    p99: float
    worst: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Percentiles":
        ordered = sorted(values)
        if not ordered:
            return cls(0, *(math.nan,) * 4)
        p50, p90, p99 = (ordered[min(len(ordered) - 1, int(q * len(ordered)))] for q in (0.5, 0.9, 0.99))
        return cls(len(ordered), p50, p90, p99, ordered[-1])


@dataclass(frozen=True)
class LoadReport:
    """``server_cpu_ms``, ``simulator_cpu_ms``: milliseconds of CPU per second of one call."""

    calls: int
    failed: int
    call_seconds: float
    response_gap: Percentiles
    barge_in: Percentiles
    greeting: Percentiles
    turns: int
    missed: int
    double: int
    underruns: int
    server_cpu_ms: float | None
    simulator_cpu_ms: float
    worst_send_late_ms: float
    late_frames: int
    frames: int
    reasons: tuple[str, ...]


class ServerCpu:
    """CPU seconds of processes and their children since construction, without children that ended."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._roots = [psutil.Process(pid) for pid in pids]
        self._before = self._read()

    def used_s(self) -> float:
        after = self._read()
        return sum(seconds - self._before.get(process, 0.0) for process, seconds in after.items())

    def _read(self) -> dict[psutil.Process, float]:
        seconds: dict[psutil.Process, float] = {}
        for root in self._roots:
            try:
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue  # the server died; its calls fail and report it
            for process in family:
                try:
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                seconds[process] = times.user + times.system
        return seconds


def place_calls(plan: CallPlan, calls: int, ramp_s: float) -> list[CallRecord]:
    """Places ``calls`` calls, starting evenly over ``ramp_s`` seconds. Blocks until all are over."""
    pump = StreamPump()
    records: list[CallRecord] = []
    started_s = time.monotonic()

    def one(index: int) -> None:
        due_s = started_s + ramp_s * index / calls
        time.sleep(max(0.0, due_s - time.monotonic()))
        own_number = replace(plan, caller=f"{plan.caller[:-4]}{index:04}")
        records.append(PhoneCall(own_number, pump).run())

    threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pump.close()
    return records


def run_load(
    plan: CallPlan, calls: int, ramp_s: float, pids: Sequence[int], expect_turns: int | None = None
) -> LoadReport:
    """Places the calls and measures them. ``expect_turns``: answered turns that each call needs to succeed.

    Blocks until all calls are over. Raises psutil.NoSuchProcess for an unknown PID.
    """
    server = ServerCpu(pids) if pids else None
    own_before_s = time.process_time()
    records = place_calls(plan, calls, ramp_s)
    own_s = time.process_time() - own_before_s  # read before the reports, which need CPU too
    server_s = server.used_s() if server else None
    return summarize([make_report(record, expect_turns) for record in records], server_s, own_s)


def summarize(reports: Sequence[CallReport], server_s: float | None, own_s: float) -> LoadReport:
    """Combines the calls. ``server_s``, ``own_s``: CPU seconds of all calls together."""
    turns = [turn for report in reports for turn in report.timeline.turns]
    streams = [report.record.stream for report in reports if report.record.stream]
    lateness = [report.record.live.lateness for report in reports if report.record.live]
    greetings = [r.timeline.greeting_s for r in reports if r.timeline.greeting_s is not None]
    call_seconds = sum(stream.frames_sent for stream in streams) * FRAME_MS / 1000
    return LoadReport(
        calls=len(reports),
        failed=sum(not report.ok for report in reports),
        call_seconds=call_seconds,
        response_gap=Percentiles.of(
            [t.gap_s * 1000 for t in turns if t.gap_s is not None and t.turn.kind == "say"]
        ),
        barge_in=Percentiles.of([t.barge_in.silent_ms for t in turns if t.barge_in and t.turn.interrupted]),
        greeting=Percentiles.of([seconds * 1000 for seconds in greetings]),
        turns=len(turns),
        missed=sum(turn.missed for turn in turns),
        double=sum(turn.double for turn in turns),
        underruns=sum(report.timeline.underruns for report in reports),
        server_cpu_ms=server_s * 1000 / call_seconds if server_s is not None and call_seconds else None,
        simulator_cpu_ms=own_s * 1000 / call_seconds if call_seconds else 0.0,
        worst_send_late_ms=max((late.worst_s * 1000 for late in lateness), default=0.0),
        late_frames=sum(late.late_frames for late in lateness),
        frames=sum(late.frames for late in lateness),
        reasons=tuple(sorted({reason for report in reports for reason in report.reasons})[:10]),
    )


def load_as_text(load: LoadReport) -> str:
    lines = [f"{load.calls} calls, {load.failed} failed, {load.call_seconds:.0f} call-seconds"]
    lines.append(f"{'ms':<16}{'n':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'worst':>9}")
    rows = (
        ("response gap", load.response_gap),
        ("barge-in silent", load.barge_in),
        ("greeting", load.greeting),
    )
    for name, p in rows:
        lines.append(f"{name:<16}{p.count:>6}{p.p50:>9.0f}{p.p90:>9.0f}{p.p99:>9.0f}{p.worst:>9.0f}")
    lines.append(
        f"turns {load.turns}: {load.missed} missed, {load.double} answered twice; {load.underruns} underruns"
    )
    if load.server_cpu_ms is not None:
        lines.append(f"server CPU      {load.server_cpu_ms:.2f} ms per call-second")
    lines.append(
        f"simulator CPU   {load.simulator_cpu_ms:.2f} ms per call-second; "
        f"{load.late_frames} of {load.frames} frames over 10 ms late, worst {load.worst_send_late_ms:.0f} ms"
    )
    return "\n".join([*lines, *(f"FAILED: {reason}" for reason in load.reasons)])


def load_as_json(load: LoadReport) -> dict[str, object]:
    """Plain data for JSON; a percentile without a value is None."""
    plain = asdict(load)
    for name in ("response_gap", "barge_in", "greeting"):
        plain[name] = {k: None if v != v else v for k, v in plain[name].items()}
    return plain
