"""``./start_all.sh hear FOLDER``: what every configured STT hears of a folder's recordings, and how soon.

Transcripts are printed, for that is what was asked for; none is logged. Exit status 0: every STT heard
something of every recording; 1: not so, or a file or a setting is bad; 2: there is nothing to hear.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from server.config import Config, KnobError, env_file_remarks, load_config_to_start
from server.hear.comparison import Name, names_of
from server.hear.listening import Manner, hear_all
from server.hear.recording import Recording, Unread, recordings_in
from server.hear.table import HEADING, TOTALS, Totals, judged, row, said_row
from server.logs.events import hide_private
from server.logs.one_line import in_one_line
from server.logs.secrets import safe_line, without_secrets
from server.providers.base import ProviderError, Stt
from server.providers.registry import build_stt
from server.providers.stt_hints import read_phrases
from server.runtime.threads import Runtime, Threads

FAST = "--fast: the audio was not given at a caller's pace, so there are no latencies to tell"
MENU = "embedded: it knows the phrases of its menu only, and is for trying out"


def heard(
    runtime: Runtime,
    stts: Sequence[Stt],
    recordings: Sequence[Recording],
    names: Sequence[Name],
    manner: Manner,
) -> int:
    """Print both tables, rows as they come. Blocks; returns how often an STT failed."""
    totals = [Totals(stt.name) for stt in stts]
    _say(HEADING)
    for recording, of_each in hear_all(runtime, stts, recordings, manner):
        if recording.said is not None:
            _say(said_row(recording))
        for total, one in zip(totals, of_each, strict=True):
            total.results.append(judged(recording, one, names))
            _say(row(recording, total.stt, total.results[-1]))
    print()
    _say(TOTALS)
    for total in totals:
        _say(total.row())
    return sum(total.failures for total in totals)


def _say(line: str) -> None:
    """A transcript may hold anything, and a provider's complaint may quote its key."""
    print(safe_line(line), flush=True)


def _found_in(folder: str) -> list[Recording | Unread]:
    """Raises SystemExit with status 2, and says so, when there is nothing to hear."""
    path = Path(folder).absolute()
    try:
        found = list(recordings_in(path))
    except OSError as error:
        print(f"{path} is no folder that can be read ({error.strerror})", file=sys.stderr)
        raise SystemExit(2) from None
    if not found:
        print(f"{path} has no WAV files", file=sys.stderr)
        raise SystemExit(2)
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./start_all.sh hear",
        description="Lets every configured STT hear the WAV files of a folder, as in a call, and prints what"
        " it heard. A text file of the same name (.txt, UTF-8) says what was really said. The recordings go"
        " to the providers that the settings name.",
    )
    parser.add_argument(
        "folder", help="one file for what a caller says at once; mono, or the caller on the left"
    )
    parser.add_argument("--fast", action="store_true", help="as fast as it goes: no latencies then")
    return parser.parse_args(arguments)


def _stts(config: Config, runtime: Runtime) -> tuple[Stt, ...]:
    return tuple(build_stt(config, runtime))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the exit status is returned, or raised as SystemExit for a wrong use."""
    options = _options(arguments)
    runtime = Threads()
    try:
        config = load_config_to_start()
        hide_private(config)
        stts = _stts(config, runtime)
        names = names_of(read_phrases(config.asr_phrases_file)) if config.asr_phrases_file else ()
    except (KnobError, ProviderError) as error:
        print(without_secrets(str(error)), file=sys.stderr)
        return 1
    for remark in env_file_remarks():
        print(remark, file=sys.stderr)
    found = _found_in(options.folder)
    unread = [one for one in found if isinstance(one, Unread)]
    for one in unread:
        print(f"{in_one_line(one.name)} {one.why}", file=sys.stderr)
    recordings = [one for one in found if isinstance(one, Recording)]
    if not recordings:
        return 1
    try:
        failures = heard(runtime, stts, recordings, names, Manner(config.vad_rms, options.fast))
    except KeyboardInterrupt:
        return 130
    if any(stt.name == "embedded" for stt in stts):
        print(MENU)
    if options.fast:
        print(FAST)
    return 1 if failures or unread else 0


if __name__ == "__main__":
    sys.exit(main())
