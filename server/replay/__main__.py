"""``python -m server.replay FILE…``: event logs told again to this program.

Each is told in full, and the first decision that differs is shown. With ``--pin NAME`` one becomes a test,
with ``--wav OUT`` a recording: the caller left, what they heard of the agent right.
Exit status 0: all are decided as recorded. 1: one is not. 2: one cannot be read.
"""

import argparse
import re
import sys
import time
from pathlib import Path

from server.event_log.reader import EventLog, NoEventLog, clock, read_log
from server.event_log.recording import NotRecorded, stereo_wav
from server.replay.pinning import NotPinned, pin
from server.replay.replaying import first_difference
from server.runtime.piped import piped
from server.runtime.private_files import write_private

PINNED = Path("tests/pinned")


def moment_ms(text: str) -> int:
    """``1:23.4`` or ``83.4`` in milliseconds."""
    found = re.fullmatch(r"(?:(\d+):)?(\d+(?:\.\d+)?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: minutes:seconds, like 1:23.4")
    return round((60 * int(found[1] or 0) + float(found[2])) * 1000)


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server.replay", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--until", type=moment_ms, metavar="M:SS", help="nothing behind that time of the call"
    )
    parser.add_argument(
        "--pin", metavar="NAME", help=f"write {PINNED}/NAME.events, without the caller's words"
    )
    parser.add_argument(
        "--why", default="", metavar="TEXT", help="with --pin: which rule, or what went wrong"
    )
    parser.add_argument("--wav", type=Path, metavar="OUT", help="write what was recorded, in stereo")
    parser.add_argument("--into", type=Path, default=PINNED, metavar="FOLDER", help="with --pin: another one")
    return parser


def main(words: list[str]) -> int:
    parser = command_line()
    options = parser.parse_args(words)
    if (options.pin or options.wav) and len(options.files) > 1:
        parser.error("--pin and --wav take one file")
    status = 0
    for path in options.files:
        try:
            log = read_log(path)
            status = max(status, _replayed(path, log, options.until))
            if options.wav is not None:
                write_private(options.wav, stereo_wav(log))
            if options.pin:
                _pinned(log, options)
                status = 0
        except BrokenPipeError:  # nobody reads on: that is no fault of the file's
            raise
        except (NoEventLog, NotPinned, NotRecorded, OSError) as error:
            print(f"{path}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            status = 2
    return status


def _replayed(path: Path, log: EventLog, until_ms: int | None) -> int:
    seen = [one for one in log.seen if until_ms is None or one.at_ms <= until_ms]
    began_s = time.process_time()  # whoever else uses the machine
    difference = first_difference(log.params, seen, audio=log.header.audio)
    took_s = max(1e-6, time.process_time() - began_s)
    told_ms = difference.at_ms if difference else seen[-1].at_ms if seen else 0
    result = "identical" if difference is None else "different"
    length = clock(seen[-1].at_ms if seen else 0)
    print(f"{path}: {result}, {len(seen)} events, {length}, {told_ms / 1000 / took_s:.0f} × real time")
    for remark in (
        *log.lacks,
        *([log.torn] if log.torn else []),
        *([log.header.why] if log.header.why else []),
    ):
        print(f"  {remark}")
    for line in difference.lines() if difference is not None else ():
        print(f"  {line}")
    return 0 if difference is None else 1


def _pinned(log: EventLog, options: argparse.Namespace) -> None:
    made = pin(log, options.pin, options.into, until_ms=options.until, why=options.why)
    kept = (
        f"words of the call still in it: {', '.join(made.kept)}"
        if made.kept
        else "no word of the call is in it"
    )
    print(f"{made.path}: {made.seconds:.1f} s, {made.path.stat().st_size} bytes; {kept}")


if __name__ == "__main__":
    sys.exit(piped(lambda: main(sys.argv[1:])))
