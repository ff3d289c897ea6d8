"""``./start_all.sh calls`` and ``./start_all.sh call SID``: what happened on calls, and why."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.config import KnobError, load_config
from server.office.business_hours import ISRAEL
from server.records.facts import CallFacts, TurnFacts
from server.records.keeping import Reads
from server.records.reading import CannotRead, recorded
from server.records.shown import as_json, call_story, calls_table, day_of, names_table
from server.records.trouble import troubles
from server.runtime.piped import piped
from server.runtime.private_files import write_private
from server.timeline.page import page
from server.timeline.reading import embedded, timeline_of

MOST_DAYS = 3660


def _day(text: str) -> datetime:
    try:
        return day_of(text, ISRAEL)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day, as 2026-11-29 is one") from None


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text} is no number of days from 1 to {MOST_DAYS}")
    return int(text)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./start_all.sh", description="What happened on calls, and why.")
    commands = parser.add_subparsers(dest="command", required=True)
    calls = commands.add_parser("calls", help="a row a call")
    when = calls.add_mutually_exclusive_group()
    when.add_argument("--day", type=_day, help="that day's, as 2026-11-29 (in Israel)")
    when.add_argument("--days", type=_days, default=1, help="those of the last so many days; 1: today's")
    calls.add_argument("--bad", action="store_true", help="only those that somebody should look at, and why")
    calls.add_argument("--json", action="store_true", help="a line of JSON a call")
    call = commands.add_parser("call", help="one call, turn by turn")
    call.add_argument("sid", help="its CallSid, or the beginning of it")
    how = call.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="one line of JSON")
    how.add_argument("--html", type=Path, metavar="FILE", help="its picture, as one file to send")
    return parser.parse_args(arguments)


def _between(options: argparse.Namespace, now: datetime) -> tuple[datetime, datetime]:
    today = now.astimezone(ISRAEL).replace(hour=0, minute=0, second=0, microsecond=0)
    if options.day is not None:
        return options.day, options.day + timedelta(days=1)
    return today - timedelta(days=options.days - 1), today + timedelta(days=1)


def _calls(options: argparse.Namespace, reads: Reads, now: datetime) -> str:
    found = list(reads.calls_between(*_between(options, now)))
    pairs = [part for call in found for part in reads.call(call.sid) if part[0].sid == call.sid]
    if not options.json:
        return calls_table(pairs, ISRAEL, bad=options.bad)
    if options.bad:
        return "".join(f"{as_json(*one)}\n" for one in pairs if troubles(*one))
    return "".join(f"{as_json(call)}\n" for call in found)


def main(
    arguments: list[str] | None = None,
    open_records: Callable[[], Reads] = recorded,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Print what is asked for; the exit status."""
    options = _options(arguments)
    try:
        reads = open_records()
        return _answer(options, reads, now())
    except CannotRead as error:
        return _fail(str(error))


def _answer(options: argparse.Namespace, reads: Reads, now: datetime) -> int:
    if options.command == "calls":
        return _show(_calls(options, reads, now) or "no calls\n")
    found = reads.call(options.sid)
    if not found:
        alike = reads.named(options.sid)
        return _fail(names_table(alike, ISRAEL) if alike else f"no call is named {options.sid}")
    if options.json:
        return _show("".join(f"{as_json(*part)}\n" for part in found))
    if options.html is not None:
        return _draw(found, options.html)
    return _show("\n".join(call_story(*part, ISRAEL) for part in found))


def _draw(found: Sequence[tuple[CallFacts, Sequence[TurnFacts]]], file: Path) -> int:
    """The picture of a call, and what it lacks."""
    try:
        config = load_config()
        data = timeline_of(found, config.event_log_dir, ISRAEL, config.log_transcripts, embedded)
        write_private(file, page(data).encode("utf-8", "replace"))
    except (KnobError, OSError) as error:
        return _fail(f"{file}: {getattr(error, 'strerror', None) or error}")
    remarks = "".join(f"  {remark}\n" for remark in data["lacks"])
    return _show(f"written to {file}\n{remarks}")


def _show(text: str) -> int:
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()
    return 0


def _fail(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(piped(main))
