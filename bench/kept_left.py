"""What can be found of calls behind them: in the database, in the log, in files; and what is missing."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bench.kept_calls import Files
from bench.promised import text_of
from server.event_log.files import name_of
from server.event_log.format import SUFFIX
from server.event_log.reader import EventLog, NoEventLog, read_log
from server.office.leads import lead_lines
from server.records.database import WITHIN_S, Database
from server.records.facts import CallFacts, TurnFacts
from server.records.queries import calls_named, turns_of
from server.records.rows import Record, record_of
from server.records.spool import spools_beside

KINDS = ("rang", "call")  # of the lines of leads that each call leaves
_RECORD = re.compile(r"^\S+ RECORDS_ERR .*?it is kept here: (\{.*\})$", re.MULTILINE)
_EVENTS_END = re.compile(r"EVENT_LOG_ERR call=(\w+)")
_SAVED = re.compile(r"LEAD_SAVED call=(\w+)")


@dataclass
class Found:
    """Records of calls, by CallSid; turns by their number."""

    calls: dict[str, CallFacts] = field(default_factory=dict)
    turns: dict[str, dict[int, TurnFacts]] = field(default_factory=dict)

    def add(self, records: Iterable[Record]) -> None:
        """Later ones take the place of those before."""
        for record in records:
            if record.call is not None:
                self.calls[record.sid] = record.call
            if record.turn is not None:
                self.turns.setdefault(record.sid, {})[record.turn.number] = record.turn

    def said(self, sid: str) -> list[str]:
        """What the caller said, turn by turn."""
        turns = self.turns.get(sid, {})
        return [turns[number].caller for number in sorted(turns) if turns[number].caller]


def in_database(files: Files) -> Found:
    """Of all calls. The server is gone, or goes on."""
    database = Database(files.url, str(files.records))
    try:
        calls = database.run(WITHIN_S, lambda c: calls_named(c, "CA"), writes=False)
        turns = database.run(
            WITHIN_S, lambda c: {call.sid: turns_of(c, call.sid) for call in calls}, writes=False
        )
    finally:
        database.close()
    found = Found({call.sid: call for call in calls})
    found.turns = {sid: {turn.number: turn for turn in of_it} for sid, of_it in turns.items()}
    return found


def waiting(files: Files) -> list[Record]:
    """What waits for the database in files."""
    lines = [line for path in spools_beside(str(files.records)) for line in text_of(path).splitlines()]
    return [record_of(line) for line in lines]


def in_log(log: str) -> list[Record]:
    """Records that nothing else has taken, in the order in which they were told."""
    return [record_of(line) for line in _RECORD.findall(log)]


def missing_of_call(sid: str, found: Found, said: Sequence[str], *, ended: bool = True) -> list[str]:
    """What is not as it was. ``said``: as the server heard it; ``ended``: it saw the call's end."""
    call, turns = found.calls.get(sid), found.turns.get(sid, {})
    if call is None:
        return [f"{sid}: no row"]
    missing = []
    if sorted(turns) != list(range(1, len(turns) + 1)):
        missing.append(f"{sid}: turns {sorted(turns)}")
    if found.said(sid) not in (list(said), once_each(said)):
        missing.append(f"{sid}: {found.said(sid)} where {list(said)} was heard")
    if bool(call.ended) != ended:
        missing.append(f"{sid}: ended {call.ended!r}")
    answered = sum(turn.gap is not None for turn in turns.values())
    if ended and call.turns != answered:
        missing.append(f"{sid}: its row says {call.turns} answers, {answered} are there")
    return missing


def once_each(said: Sequence[str]) -> list[str]:
    """A caller who goes on while we think is heard again in the same turn (A6): the same scripted words."""
    return [words for words, _ in groupby(said)]


def missing_of_leads(sids: Sequence[str], refused: Sequence[str], files: Files, log: str) -> list[str]:
    """Lines that neither the file nor the log has, and those that the file lacks, or has twice.

    ``refused``: calls that were not let in.

    What the log calls saved must be in the file.
    """
    text = text_of(files.leads)
    kept = Counter((line["call_sid"], line["kind"]) for line in lead_lines(text))
    anywhere = {(line["call_sid"], line["kind"]) for line in lead_lines(f"{text}\n{log}")}
    wanted = [(sid, kind) for sid in sids for kind in KINDS] + [(sid, "missed") for sid in refused]
    missing = [f"{sid}: no line {kind!r}" for sid, kind in wanted if (sid, kind) not in anywhere]
    saved = Counter(_SAVED.findall(log))
    in_file = Counter(sid for sid, _ in kept)
    missing += [
        f"{sid}: {saved[sid]} saved, {in_file[sid]} there" for sid in saved if saved[sid] > in_file[sid]
    ]
    lines = Counter(line for line in text.splitlines() if line)
    return missing + [f"twice: {line}" for line, times in lines.items() if times > 1]


def event_log_of(files: Files, call: CallFacts) -> EventLog | None:
    """None: there is none, or nothing of it can be read."""
    path = files.events / name_of(call.sid, call.at)
    try:
        return read_log(path)
    except (NoEventLog, OSError):
        return None


def missing_of_events(files: Files, found: Found, log: str) -> list[str]:
    """Logs that are not whole though nothing was said of it."""
    told = set(_EVENTS_END.findall(log))
    missing = []
    for sid, call in found.calls.items():
        events = event_log_of(files, call)
        if sid not in told and (events is None or events.torn):
            missing.append(f"{sid}: its event log {'is not there' if events is None else events.torn}")
    return missing


def ended_by_the_disk(log: str) -> set[str]:
    """CallSids of event logs that end before their calls, as the log says."""
    return set(_EVENTS_END.findall(log))


def bytes_kept(files: Files) -> tuple[int, int]:
    """Of the records, and of the event logs."""
    records = sum(path.stat().st_size for path in files.records.parent.glob(f"{files.records.name}*"))
    events = sum(path.stat().st_size for path in files.events.rglob(f"*{SUFFIX}"))
    return records, events
