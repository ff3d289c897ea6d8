"""All that is kept of a caller: shown, written out, deleted (``./start_all.sh forget --help``).

It is what the number called from, or was left: calls with their turns, their event logs and recordings, their
lines in LEADS_FILE. Records that a running server keeps in memory, or in a file of its own while the database
is away, are out of reach: then it says so, and its exit status is 1.
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from server.config import Config, KnobError, load_config
from server.logs.redaction import KEPT_DIGITS
from server.office.leads import lead_lines
from server.office.whole_lines import take_out
from server.records.database import Database
from server.records.facts import CallFacts, TurnFacts
from server.records.files import files_of
from server.records.keeper import delete_calls, delete_files
from server.records.queries import calls_of_number, lines_on_their_way, parts_of, turns_of, whole_sid
from server.records.rows import key_of, number_key, record_of
from server.records.shown import count
from server.records.spool import Spool, spools_beside
from server.records.store import Store
from server.runtime.private_files import write_private
from server.shared_state.state import SharedState, shared_state_of
from server.telephony.caller_number import number_to_call

T = TypeVar("T")

WITHIN_S = 60.0
AT_ONCE = 100
_NUMBER = re.compile(r'"(\+?[\d\s().-]{5,40})"')


def at_once(work: Callable[[], T]) -> T:
    """As a command does, which may wait for a disk."""
    return work()


@dataclass(frozen=True)
class Places:
    """Where something of a caller may be; empty where nothing is kept. ``on_disk`` does what a disk may hold
    up: a server that has calls bounds it."""

    database: Database | None
    records_file: str
    leads_file: str
    event_log_dir: str = ""
    shared_state: SharedState | None = None
    on_disk: Callable[[Callable[[], Any]], Any] = at_once


@dataclass(frozen=True)
class Known:
    """All of one caller. ``leads``: their lines in the file. ``named``: CallSids, and names of leads."""

    number: str
    calls: Sequence[tuple[CallFacts, Sequence[TurnFacts]]]
    leads: Sequence[dict[str, Any]]
    files: Sequence[Path]
    named: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.calls or self.leads or self.files or self.named)

    def __str__(self) -> str:
        turns = count(sum(len(turns) for _, turns in self.calls), "turn")
        leads = len(self.leads)
        lines = f"{leads} line{'' if leads == 1 else 's'} of leads"
        return f"{count(len(self.calls), 'call')} with {turns}, {lines}, {count(len(self.files), 'file')}"

    @property
    def sids(self) -> set[str]:
        """Of calls, of their parts where they were taken up (F8), of leads."""
        of_leads = {str(line["call_sid"]) for line in self.leads}
        return {call.sid for call, _ in self.calls} | self.named | of_leads - {""}


def places_of(config: Config) -> Places:
    url, file = config.database_url.get_secret_value(), config.records_file
    database = Database(url, file) if url or file else None
    shared = shared_state_of(config.redis_url.get_secret_value(), config.state_file)
    return Places(database, file, config.leads_file, config.event_log_dir, shared)


def known_of(number: str, places: Places) -> Known:
    """Raises what the database and the disk do; blocks."""

    key = number_key(number)
    lines: list[dict[str, Any]] = places.on_disk(lambda: _lead_lines(places.leads_file))
    # A call's lines belong together, though one may name another number.
    sids = {sid for line in lines if _is_of(line, key, set()) and (sid := str(line["call_sid"]))}

    def read(connection: Connection) -> list[tuple[CallFacts, Sequence[TurnFacts]]]:
        sids.update(whole_sid(call.sid) for call in calls_of_number(connection, number, most=None))
        sids.update(lead for lead, told in lines_on_their_way(connection) if _tells_of(told, key))
        # Where LOG_TRANSCRIPTS masks numbers a record tells nobody's: its lead, or its lines, do.
        found = [call for sid in sorted(sids) for call in parts_of(connection, sid)]
        return [(call, turns_of(connection, call.sid)) for call in found]

    calls = places.database.run(WITHIN_S, read, writes=False) if places.database else []
    leads = [line for line in lines if _is_of(line, key, sids)]
    event_logs = [call.event_log for call, _ in calls]
    files = places.on_disk(lambda: files_of(places.event_log_dir, event_logs))
    return Known(number, calls, leads, files, frozenset(sids))


def masked_alike(number: str, places: Places) -> list[str]:
    """Calls of which only the last digits are kept, these, and no lead that says whose they were."""
    ending = number_key(number)[-KEPT_DIGITS:]
    if places.database is None:
        return []
    alike = places.database.run(WITHIN_S, lambda c: calls_of_number(c, ending, most=None), writes=False)
    return [call.sid for call in alike if number_key(call.caller) == ending]


def forget(known: Known, places: Places) -> None:
    """Files and leads first: the rows say which they are, should it be broken off. Raises as ``known_of``."""
    event_logs = [call.event_log for call, _ in known.calls]
    places.on_disk(lambda: delete_files(places.event_log_dir, event_logs))
    key, sids = number_key(known.number), known.sids
    if places.shared_state is not None:
        for sid in sids:  # what another worker would take the call up with (F8)
            places.shared_state.forget(sid)

    def unwanted(line: bytes) -> bool:
        return any(_is_of(lead, key, sids) for lead in lead_lines(line.decode(errors="replace")))

    if places.leads_file:
        places.on_disk(lambda: take_out(places.leads_file, unwanted))
    gone = sorted({key_of(sid) for sid in sids}) if places.database else []
    for first in range(0, len(gone), AT_ONCE):
        some = gone[first : first + AT_ONCE]
        assert places.database is not None
        places.database.run(WITHIN_S, lambda connection, some=some: delete_calls(connection, some))  # type: ignore[misc]


def exported(known: Known) -> dict[str, Any]:
    """All of it as JSON has it; what is no text is in base64."""
    return {
        "number": known.number,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "calls": [
            msgspec.to_builtins(call) | {"turns_told": msgspec.to_builtins(turns)}
            for call, turns in known.calls
        ],
        "leads": list(known.leads),
        "files": [{"name": path.name, **_content(path)} for path in known.files],
    }


def catch_up(places: Places) -> None:
    """What ended processes have left in files goes into the database, to be found there."""
    if places.database is None or not places.records_file:
        return
    store, more = Store(places.database, Spool(places.records_file)), True
    while more:
        more, _ = store.catch_up()
    store.begin()


def waiting(number: str, sids: set[str], records_file: str) -> list[Path]:
    """The files of running processes in which something of the caller waits for the database."""
    key = number_key(number)
    return [path for path in spools_beside(records_file) if records_file and _holds(path, key, sids)]


def _holds(path: Path, key: str, sids: set[str]) -> bool:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return False
    for line in lines:
        try:
            record = record_of(line)
        except ValueError:
            continue
        if whole_sid(record.sid) in sids or (record.call and number_key(record.call.caller) == key):
            return True
    return False


def _content(path: Path) -> dict[str, str]:
    content = path.read_bytes()
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _lead_lines(path: str) -> list[dict[str, Any]]:
    try:
        return list(lead_lines(Path(path).read_text("utf-8", errors="replace"))) if path else []
    except FileNotFoundError:
        return []


def _is_of(lead: dict[str, Any], key: str, sids: set[str]) -> bool:
    numbers = {number_key(str(lead.get(name, ""))) for name in ("caller", "phone")}
    return key in numbers or str(lead.get("call_sid")) in sids


def _tells_of(told: str, key: str) -> bool:
    """A number stands in what is on its way to the office, however it is written there."""
    return any(number_key(found) == key for found in _NUMBER.findall(told))


# ---- the command ----


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./start_all.sh forget", description="Delete all that is kept of a caller; it asks first."
    )
    parser.add_argument("number", help="a telephone number, written as you like: +972501234567, 050-1234567")
    parser.add_argument("--export", metavar="FILE", help="first write all of it to FILE, as JSON")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0: nothing of the caller is left; 1: something is, or may be."""
    chosen = _parser().parse_args(arguments)
    if not number_to_call(chosen.number):
        return _fail(f"{chosen.number!r} is no telephone number")
    try:
        places = places_of(load_config())
    except KnobError as error:
        return _fail(str(error))
    try:
        return _run(chosen, places)
    except Exception as error:  # whatever a database or a disk does
        why = places.database.why(error) if places.database else str(error)
        return _fail(f"not done, or not all of it: {why}")


def _run(chosen: argparse.Namespace, places: Places) -> int:
    catch_up(places)
    known = known_of(chosen.number, places)
    print(f"{chosen.number}: {known}")
    if chosen.export:
        told = json.dumps(exported(known), ensure_ascii=False, indent=1)
        write_private(Path(chosen.export), told.encode("utf-8", "replace"))
        print(f"written to {chosen.export}")
    if known and not (chosen.yes or _agrees()):
        print("nothing was deleted")
        return 1
    forget(known, places)
    if known:
        print("deleted: " + ", ".join([str(known), *(str(path) for path in known.files)]))
    if left := waiting(chosen.number, known.sids, places.records_file):
        names = ", ".join(map(str, left))
        return _fail(f"a running server keeps more until its database answers: {names}; then run this again")
    if alike := masked_alike(chosen.number, places):
        names = ", ".join(alike)
        return _fail(f"whose these are is not kept (LOG_TRANSCRIPTS), but that their numbers end so: {names}")
    return 0


def _agrees() -> bool:
    if not sys.stdin.isatty():
        print("nobody is there to be asked: --yes deletes without", file=sys.stderr)
        return False
    return re.fullmatch(r"\s*(?:y|yes|כן)\s*", input("delete all of it? [y/N] "), re.IGNORECASE) is not None


def _fail(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
