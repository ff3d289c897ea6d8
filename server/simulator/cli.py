"""The command line: steps in the order written, and options for the line, the load and the report."""

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from server.simulator.script import Burst
from server.simulator.sounds import BURST_KINDS, NOISE_KINDS

DEMO = "--demo"
DEFAULT_URL = "http://127.0.0.1:5000"
DEFAULT_LINES = (
    "אני רוצה לקנות דירה",
    "ברמת גן",
    "ארבעה חדרים",
    "מיליון וחצי שקל",
    "קוראים לי אברהם",
    "כן למספר הזה",
    "כן נכון",
)
DEFAULT_INTERRUPTED_LINE = 3  # this line interrupts the agent …
DEFAULT_INTERRUPT_AFTER_S = 1.0  # … so long after the agent has begun

EPILOG = """\
steps, in the order they are written (without any, a demonstration dialogue is held):
  --say TEXT --wav FILE --dtmf KEYS --wait SECONDS
  A line is said when the agent has finished (last mark back and --reply-after-ms of silence), or after
  --patience seconds without a sound from it.
interruptions:
  --interrupt-after 1.0      the next --say/--wav starts 1.0 s after the agent's audio starts, over it
  --interrupt-after 1.0@2    the same for the 2nd --say/--wav of the command line
noises at the caller's side:
  --noise-burst cough@greeting+0.5   half a second into the greeting
  --noise-burst door@2+0.3           0.3 s into the agent's answer to the caller's 2nd turn
  --noise-burst click@t5             5 s into the stream
exit status: 0 the call did what was asked, 1 it did not (the reason is printed), 2 wrong usage
"""


@dataclass(frozen=True)
class StepOption:
    """A step as written. ``kind``: say, wav, dtmf or wait."""

    kind: str
    value: str
    interrupt_after_s: float | None = None


@dataclass
class Steps:
    """The steps collected from the command line. ``pending_s``: interruption for the next spoken line."""

    written: list[StepOption] = field(default_factory=list)
    by_line: dict[int, float] = field(default_factory=dict)
    pending_s: float | None = None

    def add(self, kind: str, value: str) -> None:
        spoken = kind in ("say", "wav")
        self.written.append(StepOption(kind, value, self.pending_s if spoken else None))
        if spoken:
            self.pending_s = None

    def interrupt(self, value: str) -> None:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:@(\d+))?", value)
        if match is None:
            raise ValueError(f"{value!r} is not SECONDS or SECONDS@LINE")
        if match[2]:
            self.by_line[int(match[2])] = float(match[1])
        else:
            self.pending_s = float(match[1])

    def resolved(self) -> list[StepOption]:
        """The steps with their interruptions. Raises ValueError for an interruption without its line."""
        if self.pending_s is not None:
            raise ValueError("--interrupt-after without @LINE stands before the line that interrupts")
        steps = list(self.written) or default_steps()
        spoken = [i for i, step in enumerate(steps) if step.kind in ("say", "wav")]
        for line, seconds in self.by_line.items():
            if not 1 <= line <= len(spoken):
                raise ValueError(f"--interrupt-after …@{line}: there are {len(spoken)} spoken lines")
            steps[spoken[line - 1]] = replace(steps[spoken[line - 1]], interrupt_after_s=seconds)
        return steps


def default_steps() -> list[StepOption]:
    return [
        StepOption("say", line, DEFAULT_INTERRUPT_AFTER_S if n == DEFAULT_INTERRUPTED_LINE else None)
        for n, line in enumerate(DEFAULT_LINES, start=1)
    ]


class _StepAction(argparse.Action):
    """Adds a step. All step options share one list, whose order is that of the call."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        steps, value, kind = namespace.steps, str(values), (option_string or "").lstrip("-")
        try:
            _check_step(kind, value)
            if kind == "interrupt-after":
                steps.interrupt(value)
            else:
                steps.add(kind, value)
        except ValueError as error:
            parser.error(f"{option_string}: {error}")


def _check_step(kind: str, value: str) -> None:
    if kind == "dtmf" and not re.fullmatch(r"[0-9*#]+", value):
        raise ValueError(f"{value!r} is not made of digits, * and #")
    if kind == "wait" and not (math.isfinite(float(value)) and float(value) > 0):
        raise ValueError(f"{value!r} is not a time")
    if kind == "wav" and not Path(value).is_file():
        raise ValueError(f"no such file: {value}")
    if kind == "say" and not value.strip():
        raise ValueError("there is nothing to say")


def parse_burst(value: str) -> Burst:
    """``KIND@greeting+S``, ``KIND@TURN+S`` or ``KIND@tS``."""
    match = re.fullmatch(r"(\w+)@(?:(greeting|\d+)(?:\+(\d+(?:\.\d+)?))?|t(\d+(?:\.\d+)?))", value)
    if match is None or match[1] not in BURST_KINDS:
        raise argparse.ArgumentTypeError(f"{value!r}: KIND@greeting+S with KIND of {', '.join(BURST_KINDS)}")
    if match[4] is not None:
        return Burst(match[1], None, float(match[4]))
    return Burst(match[1], 0 if match[2] == "greeting" else int(match[2]), float(match[3] or 0))


def parse_noise(value: str) -> tuple[str, float]:
    """``KIND:DBFS``, the level in decibels below full scale."""
    match = re.fullmatch(r"(\w+):(-\d+(?:\.\d+)?)", value)
    if match is None or match[1] not in NOISE_KINDS:
        raise argparse.ArgumentTypeError(f"{value!r}: KIND:-DB with KIND of {', '.join(NOISE_KINDS)}")
    return match[1], float(match[2])


def parse_pids(value: str) -> list[int]:
    try:
        return [int(pid) for pid in value.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not PID[,PID…]") from None


def positive(value: str) -> float:
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{value!r} is not a positive number")
    return number


def not_negative(value: str) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"{value!r} is negative or no number")
    return number


def build_parser(*, demo: bool = False) -> argparse.ArgumentParser:
    """The parser. ``demo``: for the start script, which puts options of its own before the user's."""
    parser = argparse.ArgumentParser(
        prog="./start_all.sh demo" if demo else "python -m server.simulator",
        usage="%(prog)s [OPTION …]    (--help lists them)",
        description="Phones the server as Twilio would, and says how the conversation went.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(steps=Steps())
    parser.add_argument("--url", default=DEFAULT_URL, help="where the server listens")
    parser.add_argument(
        "--public-url", help="the server's PUBLIC_BASE_URL, for signatures; default: that setting, or --url"
    )
    # For `./start_all.sh demo`: the folder for its files, where a call is recorded unless told otherwise;
    # and whether only to check the options.
    parser.add_argument(DEMO, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--check-only", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--incoming-path", default="/webhook/incoming_call")
    parser.add_argument("--from", dest="caller", default="+972501234567")
    parser.add_argument("--to", dest="called", default="+97231234567")
    _add_steps(parser)
    _add_line(parser)
    _add_reports(parser)
    _add_load(parser)
    return parser


def _add_steps(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the caller")
    for option, metavar in (("--say", "TEXT"), ("--wav", "FILE"), ("--dtmf", "KEYS"), ("--wait", "SECONDS")):
        group.add_argument(option, action=_StepAction, metavar=metavar, help="a step; may be repeated")
    group.add_argument("--interrupt-after", action=_StepAction, metavar="SECONDS[@LINE]", help="see below")
    group.add_argument("--noise-burst", type=parse_burst, action="append", default=[], metavar="KIND@WHEN")
    group.add_argument("--patience", type=positive, default=6.0, metavar="S", help="default %(default)s")
    group.add_argument("--reply-after-ms", type=positive, default=700.0, help="default %(default)s")
    group.add_argument(
        "--hint-s", type=not_negative, default=1.5, help="shorter answers are taken for a hint"
    )
    group.add_argument("--speak-first", action="store_true", help="do not wait for a greeting")
    group.add_argument("--hangup-after", type=positive, metavar="S", help="hang up so long into the stream")
    group.add_argument("--max-seconds", type=positive, default=300.0, help="then the call has failed")
    group.add_argument("--voice", default="m3", help="variant of the embedded voice, default %(default)s")
    group.add_argument("--rate", type=int, help="words a minute of the embedded voice")
    group.add_argument("--pitch", type=int, help="pitch of the embedded voice, 0 to 99")
    group.add_argument("--synthetic", action="store_true", help="buzz in place of words: no voice is needed")


def _add_line(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the line")
    group.add_argument("--noise", type=parse_noise, metavar="KIND:-DB", help=f"{', '.join(NOISE_KINDS)}")
    group.add_argument("--delay-ms", type=not_negative, default=0.0, help="network delay, each way")
    group.add_argument("--jitter-ms", type=not_negative, default=0.0, help="up to so much more, at random")


def _add_reports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the report")
    group.add_argument("--record", type=Path, metavar="WAV", help="stereo: caller left, agent right")
    group.add_argument("--json", type=Path, metavar="FILE")
    group.add_argument("--server-log", type=Path, metavar="FILE", help="for the words: ASR_TEXT, AGENT_TEXT")
    group.add_argument(
        "--expect-turns", type=int, metavar="N", help="at least so many turns must be answered"
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("load: many calls at once, one summary")
    group.add_argument("--calls", type=int, default=1, metavar="N")
    group.add_argument("--ramp-s", type=not_negative, default=0.0, help="the calls start spread over so long")
    group.add_argument(
        "--pid", type=parse_pids, default=[], metavar="PID[,PID]", help="the server, for its CPU"
    )
    group.add_argument("--pid-file", type=Path, help="the same, read from a file")
