"""What calls leave behind: what keeping it costs, and whether all of it is there when something fails.

``python -m bench.kept [--calls 50] [--every-s 2] [--pairs 2] [--worker-class …] [--json FILE] [CASE …]``

``pairs``: the same calls with records and event logs and without, one after the other by turns: how late a
20 ms ticker in the worker wakes (TX), the callers' gap, CPU a call-second, memory; and the ratios.
``postgresql``, ``sqlite``: the database is away in the middle of the calls. ``full``: the disk of records,
event logs and leads is full until the end; ``room``: until there is room again. ``sigterm``, ``kill``: ten
calls at once, in the middle of which the server ends.

``right``: calls whose dialogue was as without trouble. ``kept``: calls of which nothing that the server heard
or did is missing. It is in the database or, under ``full``, there or whole in the log; each turn once; each
line of leads; each event log whole, or its end told in the log. Exit status 1 when something is missing, or
answers come later while something fails than otherwise (median). Without CASE all of them.
"""

import argparse
import json
import re
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.kept_calls import (
    FEW_S,
    OFF,
    TURN_OVER,
    Files,
    InMidCall,
    Placed,
    place,
    serving,
    taken,
)
from bench.kept_left import (
    Found,
    bytes_kept,
    ended_by_the_disk,
    event_log_of,
    in_database,
    in_log,
    missing_of_call,
    missing_of_events,
    missing_of_leads,
    once_each,
    waiting,
)
from bench.kept_troubles import Span, Trouble, between, disk_full, postgres_down, sqlite_down, workshop
from bench.log import dialogues, lines_of
from bench.service import WORKERS, kill_all
from server.simulator.call import CallRecord
from server.simulator.load import Percentiles
from tests.serving import Server

CALLS, PAIRS, AT_ONCE = 50, 2, 10
A_CALL_S = 15.0
AWAY = (0.25, 0.7)  # of the time in which there are calls
CAUGHT_UP_S = 45.0  # a database that fails is tried again every 30 s at least
JUST_NOW_S = 0.3  # what a killed process has not given to the database yet
LAST_EVENTS_S = 1.5  # a chunk of event log is a second
ENDS_S = 30.0
NOTICED_MS = 300.0  # of the median: on a machine that has other things to do as well
STREAM = re.compile(r"WS_START sid=(\w+)")


@dataclass(frozen=True)
class Gap:
    """What callers waited for an answer while something failed, and in the same calls otherwise."""

    failing: Percentiles
    otherwise: Percentiles

    @property
    def noticed(self) -> bool:
        return not self.failing.p50 <= self.otherwise.p50 + NOTICED_MS

    def __str__(self) -> str:
        failing, otherwise = (f"{gap.p50:.0f}/{gap.p99:.0f} ms" for gap in (self.failing, self.otherwise))
        return f"gap p50/p99 {failing} while it failed, {otherwise} otherwise"


@dataclass
class Case:
    """What came of it. ``right`` None: the calls were cut. ``notes``: what else is worth a line."""

    name: str
    calls: int
    right: int | None
    missing: list[str]
    gap: Gap | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        return self.calls - len({each.partition(":")[0] for each in self.missing if each.startswith("CA")})

    @property
    def broken(self) -> list[str]:
        found = self.missing + ([] if self.calls else ["no call was let in"])
        if self.right not in (None, self.calls):
            found.append(f"right: {self.right} of {self.calls}")
        if self.gap is not None and self.gap.noticed:
            found.append(f"answers come later: {self.gap}")
        return found


@dataclass
class Pairs:
    """Figures of runs that kept and of those that did not, by turns."""

    on: list[dict[str, float]] = field(default_factory=list)
    off: list[dict[str, float]] = field(default_factory=list)
    bytes_a_call: tuple[float, float] = (0.0, 0.0)  # of records, of event logs

    def ratio(self, name: str) -> float:
        kept, not_kept = (statistics.fmean(run[name] for run in runs) for runs in (self.on, self.off))
        return kept / not_kept


def compare(calls: int, pairs: int, worker_class: str, every_s: float) -> tuple[Pairs, Case]:
    """The second: that the calls which were kept are there."""
    found = Pairs()
    case = Case("pairs", 0, 0, [])
    for _ in range(pairs):
        for keeping in (True, False):
            with workshop() as folder:
                files = Files.below(folder)
                knobs = files.knobs if keeping else OFF | {"LEADS_FILE": str(files.leads)}
                with serving(folder, worker_class, **knobs) as server:
                    placed = place(server, folder, calls, every_s)
                (found.on if keeping else found.off).append(placed.figures())
                if keeping:
                    records, events = bytes_kept(files)
                    found.bytes_a_call = (records / calls, events / calls)
                    case.calls += len(taken(placed.records))
                    case.notes += _refused(placed.records)
                    case.right = (case.right or 0) + placed.right
                    case.missing += missing(placed.records, files, in_database(files), server.log)
    return found, case


def missing(records: Sequence[CallRecord], files: Files, found: Found, log: str) -> list[str]:
    """Of calls that were over before the server was."""
    sids, heard = _sids(taken(records)), dialogues(log)
    of_calls = [
        each
        for record in taken(records)
        for each in missing_of_call(record.ids.call_sid, found, heard.get(record.ids.stream_sid, []))
    ]
    strangers = (found.calls.keys() | found.turns.keys()) - set(sids)
    of_calls += [f"a row of no call: {sid}" for sid in strangers]
    refused = [sid for sid in _sids(records) if sid not in sids]
    of_leads = missing_of_leads(sids, refused, files, log)
    return of_calls + of_leads + missing_of_events(files, found, log)


def _sids(records: Sequence[CallRecord]) -> list[str]:
    return [record.ids.call_sid for record in records]


def away(
    name: str,
    trouble_in: Callable[[Path], AbstractContextManager[Trouble]],
    calls: int,
    worker_class: str,
    every_s: float,
) -> Case:
    """A database, or the disk, fails in the middle, and is there again: at the end it has everything."""
    with workshop() as folder, trouble_in(folder) as trouble:
        files, whole_s = trouble.files, calls * every_s + A_CALL_S
        with serving(folder, worker_class, **(files.knobs | trouble.knobs)) as server:
            with between(AWAY[0] * whole_s, AWAY[1] * whole_s, trouble) as failing:
                placed = place(server, folder, calls, every_s)
            _until_caught_up(placed.records, files, server)
        case = _case(name, placed, failing, missing(placed.records, files, in_database(files), server.log))
        case.notes += _notes(server.log)
        if "RECORDS_ERR" not in server.log:
            case.missing.append("the trouble was none: no RECORDS_ERR")
        return case


def _until_caught_up(records: Sequence[CallRecord], files: Files, server: Server) -> None:
    until = time.monotonic() + CAUGHT_UP_S
    while missing(records, files, in_database(files), server.log) and time.monotonic() < until:
        time.sleep(0.5)


def full(calls: int, worker_class: str, every_s: float) -> Case:
    """The disk is full until the server has ended."""
    with workshop() as folder, disk_full(folder) as trouble:
        files, whole_s = trouble.files, calls * every_s + A_CALL_S
        with serving(folder, worker_class, **(files.knobs | trouble.knobs)) as server:
            with between(AWAY[0] * whole_s, None, trouble) as failing:
                placed = place(server, folder, calls, every_s)
        trouble.end()
        found = in_database(files)
        there = sum(map(len, found.turns.values()))
        told = in_log(server.log)
        found.add([*waiting(files), *told])
        case = _case("full", placed, failing, missing(placed.records, files, found, server.log))
        case.notes += [*_notes(server.log), f"{there} turns in the database, {len(told)} records in the log"]
        if not told:
            case.missing.append("the trouble was none: all is in the database")
        return case


def _case(name: str, placed: Placed, failing: Span, missed: list[str]) -> Case:
    gap = Gap(placed.gaps_ms(lambda at: at in failing), placed.gaps_ms(lambda at: at not in failing))
    notes = _refused(placed.records)
    return Case(name, len(taken(placed.records)), placed.right, missed, gap, notes)


def _refused(records: Sequence[CallRecord]) -> list[str]:
    refused = len(records) - len(taken(records))
    return [f"{refused} more were refused"] if refused else []


def _notes(log: str) -> list[str]:
    ended = len(ended_by_the_disk(log))
    return [f"{ended} event logs ended by the disk, told in the log"] if ended else []


def sigterm(calls: int, worker_class: str) -> Case:
    """Calls are told, and end; everything of them is there to their last turns."""
    with workshop() as folder:
        files = Files.below(folder)
        with serving(folder, worker_class, **files.knobs) as server:
            calling = InMidCall(server, calls)
            calling.wait_for_turns()
            server.process.send_signal(signal.SIGTERM)
            records = calling.records()
            server.process.wait(ENDS_S)
        found = in_database(files)
        missed = missing(records, files, found, server.log)
        turns = sum(map(len, found.turns.values()))
        notes = [f"{turns} turns", *_refused(records)]
        return Case("sigterm", len(taken(records)), None, missed, notes=notes)


def kill(calls: int, worker_class: str) -> Case:
    """kill -9: what was over is in the database, the event log to its last second."""
    with workshop() as folder:
        files = Files.below(folder)
        with serving(folder, worker_class, **files.knobs) as server:
            calling = InMidCall(server, calls)
            calling.wait_for_turns()
            killed_at = time.time()
            kill_all(server)
            records = calling.records()
        found = in_database(files)
        found.add(waiting(files))
        missed, over = [], 0
        for record in taken(records):
            of_it, its_turns = _missing_of_killed(record, files, found, server.log, killed_at)
            missed += of_it
            over += its_turns
        turns = sum(map(len, found.turns.values()))
        notes = [f"{turns} turns there, {over} over by the log", *_refused(records)]
        return Case("kill", len(taken(records)), None, missed, notes=notes)


def _missing_of_killed(
    record: CallRecord, files: Files, found: Found, log: str, killed_at: float
) -> tuple[list[str], int]:
    """And how many turns were over by the log."""
    sid, stream = record.ids.call_sid, record.ids.stream_sid
    lines = lines_of(log)
    over = [line.at for line in lines if (it := TURN_OVER.search(line.text)) and it[1] == stream]
    must = sum(at < killed_at - JUST_NOW_S for at in over)
    turns = len(found.turns.get(sid, {}))
    said = once_each(dialogues(log).get(stream, []))
    missed = missing_of_call(sid, found, said[: len(found.said(sid))], ended=False)
    missed += [f"{sid}: {turns} turns of {must}"] if turns < must else []
    began = next(
        (line.at for line in lines if (it := STREAM.search(line.text)) and it[1] == stream), killed_at
    )
    events = event_log_of(files, found.calls[sid]) if sid in found.calls else None
    seconds = events.seconds if events else 0.0
    if seconds < killed_at - began - LAST_EVENTS_S:
        missed.append(f"{sid}: {seconds:.1f} s of event log of {killed_at - began:.1f}")
    return missed, len(over)


CASES: dict[str, Callable[[int, str, float], Case]] = {
    "postgresql": lambda calls, worker, every_s: away("postgresql", postgres_down, calls, worker, every_s),
    "sqlite": lambda calls, worker, every_s: away("sqlite", sqlite_down, calls, worker, every_s),
    "full": full,
    "room": lambda calls, worker, every_s: away("room", disk_full, calls, worker, every_s),
    "sigterm": lambda calls, worker, _: sigterm(min(calls, AT_ONCE), worker),
    "kill": lambda calls, worker, _: kill(min(calls, AT_ONCE), worker),
}


def show_pairs(pairs: Pairs) -> None:
    print(f"{'':<16}{'kept':<24}{'not kept':<24}ratio")
    for name in pairs.on[0]:
        on, off = (" ".join(f"{run[name]:.1f}" for run in runs) for runs in (pairs.on, pairs.off))
        print(f"{name:<16}{on:<24}{off:<24}{pairs.ratio(name):.2f}")
    records, events = (size / 1024 for size in pairs.bytes_a_call)
    print(f"on the disk, a call: {records:.1f} KB of records, {events:.1f} KB of event log", flush=True)


def show(case: Case) -> None:
    right = "" if case.right is None else f"right {case.right} of {case.calls}, "
    gap = f", {case.gap}" if case.gap is not None else ""
    notes = "".join(f"; {note}" for note in case.notes)
    print(f"{case.name:<11} {right}kept {case.kept} of {case.calls}{gap}{notes}")
    for promise in case.broken[:20]:
        print(f"  BROKEN: {promise}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of pairs, {', '.join(CASES)}")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--every-s", type=float, default=FEW_S, help="between calls; one lasts for 18 s")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--worker-class", choices=WORKERS, default=WORKERS[0])
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    if unknown := set(words.cases) - {"pairs", *CASES}:
        parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    told: dict[str, object] = {}
    broken = 0
    for name in words.cases or ("pairs", *CASES):
        if name == "pairs":
            pairs, case = compare(words.calls, words.pairs, words.worker_class, words.every_s)
            show_pairs(pairs)
            told["figures"] = asdict(pairs) | {"ratio": {key: pairs.ratio(key) for key in pairs.on[0]}}
        else:
            case = CASES[name](words.calls, words.worker_class, words.every_s)
        show(case)
        told[name] = asdict(case) | {"kept": case.kept, "broken": case.broken}
        broken += len(case.broken)
    if words.json:
        words.json.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
