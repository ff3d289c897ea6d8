"""What a server's log says about turns, with the millisecond of each line."""

import re
from dataclasses import dataclass
from datetime import datetime

_LINE = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d) (.*)$")
_THINKING = re.compile(r"STATE \w+ → THINKING turn=(\d+) sid=(\S+)")
_HEARD = re.compile(r"ASR_TEXT: (.*) sid=(\S+)")
_SPEAKING = re.compile(r"STATE THINKING → SPEAKING turn=(\d+) sid=(\S+)")


@dataclass(frozen=True)
class LogLine:
    at: float  # as time.time()
    text: str


def lines_of(log: str) -> list[LogLine]:
    """The dated lines."""
    matches = filter(None, map(_LINE.match, log.splitlines()))
    return [LogLine(datetime.fromisoformat(match[1]).timestamp(), match[2]) for match in matches]


def dialogues(log: str) -> dict[str, list[str]]:
    """What was heard in each call, turn by turn."""
    heard: dict[str, list[str]] = {}
    for line in lines_of(log):
        if found := _HEARD.search(line.text):
            heard.setdefault(found[2], []).append(found[1])
    return heard


def thinking_ms(log: str) -> list[float]:
    """From each end of turn (A3) to the first frame of its reply. A turn cut short in between has none."""
    ended: dict[str, float] = {}
    took: list[float] = []
    for line in lines_of(log):
        if found := _THINKING.search(line.text):
            ended[found[2]] = line.at
        elif (found := _SPEAKING.search(line.text)) and found[2] in ended:
            took.append((line.at - ended.pop(found[2])) * 1000)
    return took
