"""How much of the Hebrew of strangers is judged, read out and kept secret as people would.

    python -m bench.hebrew [FOLDER] [--kind KIND] [--show]

FOLDER (``tests/fresh/hebrew``) holds ``<kind>_<writer>.jsonl``, a case a line, by people who had not seen the
code, its lists or its tests. Prints how many are wrong by kind and by writer; ``--show``: each of them, with
what was judged in its place. What ends or hands over a call is asked of every word that a caller says in any
of them.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.answers import is_no, is_yes
from server.hebrew.understand.finished import Ending, ending_of
from server.hebrew.understand.gender import Gender, shown_gender
from server.hebrew.understand.redaction import redacted, unfinished
from server.hebrew.understand.speech_acts import asks_to_repeat, says_goodbye, wants_person
from server.settings.prompts_file import lines_of
from server.turns.call_state import CallState
from server.turns.echo import Overlap
from server.turns.intent import Intent, meaning_of
from server.turns.utterances import UserTurn, UserUtterance

Row = dict[str, Any]

FRESH = Path(__file__).parents[1] / "tests" / "fresh" / "hebrew"
FRAMES_PER_S = 50
LATELY = 14 * FRAMES_PER_S
SILENT = (Intent.BACKCHANNEL, Intent.ECHO, Intent.NOTHING)
_PUNCTUATION = re.compile(r"[\s.,;:!?…\-–—־\"'״׳“”()]+")
_UNSPOKEN = re.compile(r"[\[\]()|]|[^\[\]()|]+")


@dataclass(frozen=True)
class Verdict:
    """One case: ``wrong`` with what was judged (``got``) in the place of what is ``right``."""

    row: Row
    got: str
    right: str
    wrong: bool


def end_of_turn(row: Row) -> tuple[str, str]:
    ending = ending_of(" ".join(row["turn"]))
    return ("goes_on" if ending is Ending.UNFINISHED else "complete"), row["right"]


def only_listening(row: Row) -> tuple[str, str]:
    meaning = _meaning(row["agent"], row["said"], Overlap.DURING_PLAYOUT, 0)
    return ("listens" if meaning in SILENT else "floor"), row["right"]


def yes_no(row: Row) -> tuple[str, str]:
    said, agent = row["said"], row["agent"]
    got = "yes" if is_yes(said, agent) else "no" if is_no(said, agent) else "neither"
    return got, row["right"]


def repeat(row: Row) -> tuple[str, str]:
    return ("repeat" if asks_to_repeat(row["said"]) else "no"), row["right"]


def gender(row: Row) -> tuple[str, str]:
    shown = shown_gender(row["said"])
    return (shown.value if isinstance(shown, Gender) else "none"), row["right"]


def spoken(row: Row) -> tuple[str, str]:
    got = speakable(row["written"])
    return (row["spoken"] if says(row["spoken"], got) else got), row["spoken"]


def sentences(row: Row) -> tuple[str, str]:
    return " | ".join(split_sentences(row["text"])), " | ".join(" ".join(s.split()) for s in row["right"])


def redaction(row: Row) -> tuple[str, str]:
    before = ""
    for said in row["before"]:
        before = unfinished(said, before)
    got = redacted(row["said"], before)
    seen = [part for part in row["hidden"] if part in got] + [part for part in row["kept"] if part not in got]
    return (got if seen else ""), ""


def echo(row: Row) -> tuple[str, str]:
    after = float(row["after_s"])
    meaning = _meaning(
        row["agent"],
        row["heard"],
        None if after else Overlap.DURING_PLAYOUT,
        round(after * FRAMES_PER_S),
    )
    return ("echo" if meaning in SILENT else "caller"), row["right"]


JUDGES: dict[str, Callable[[Row], tuple[str, str]]] = {
    "end_of_turn": end_of_turn, "only_listening": only_listening, "yes_no": yes_no, "repeat": repeat,
    "gender": gender, "speakable": spoken, "sentences": sentences, "redaction": redaction, "echo": echo,
}  # fmt: skip


def _meaning(agent: str, heard: str, overlap: Overlap | None, behind_frames: int) -> Intent:
    """What ``heard`` amounts to over our words, or ``behind_frames`` after them."""
    call = CallState(10, LATELY, lines_of("", Gender.FEMININE))
    call.echo.spoke(0, agent)
    during_playout = overlap is Overlap.DURING_PLAYOUT
    caller = UserTurn([UserUtterance(1, heard, overlap=overlap)], interrupts=during_playout)
    return meaning_of(caller, heard, call, behind_frames)


def says(pattern: str, text: str) -> bool:
    """Whether ``text`` is one reading of ``pattern``: ``(A|B)`` either, ``[A]`` or nothing; marks aside."""
    parts = (part if part in "()|" else _bracket(part) for part in _UNSPOKEN.findall(pattern))
    return re.fullmatch("".join(parts), _letters(text)) is not None


def _bracket(part: str) -> str:
    return {"[": "(?:", "]": ")?"}.get(part) or re.escape(_letters(part))


def _letters(text: str) -> str:
    """Without marks and blanks: how a text is grouped is no part of its reading."""
    return _PUNCTUATION.sub("", text)


def rows(folder: Path, kind: str) -> Iterator[tuple[str, Row]]:
    """The writer and the case."""
    for file in sorted(folder.glob(f"{kind}*.jsonl")):
        writer = file.stem.removeprefix(kind).strip("_") or "-"
        for line in file.read_text("utf-8").splitlines():
            if line.strip():
                yield writer, json.loads(line)


def verdict(kind: str, row: Row) -> Verdict:
    got, right = JUDGES[kind](row)
    return Verdict(row, got, right, got != right)


def said_by_callers(folder: Path) -> Iterator[str]:
    """Every word of a caller's in the cases of other kinds: none of them ends or hands over a call."""
    for kind in ("end_of_turn", "only_listening", "yes_no", "repeat", "gender"):
        for _, row in rows(folder, kind):
            yield from row.get("turn") or [row["said"]]


def _report(kind: str, folder: Path, show: bool) -> None:
    by_writer: dict[str, list[Verdict]] = {}
    started = time.perf_counter()
    for writer, row in rows(folder, kind):
        by_writer.setdefault(writer, []).append(verdict(kind, row))
    took = time.perf_counter() - started
    judged = [one for verdicts in by_writer.values() for one in verdicts]
    if not judged:
        return
    shares = "  ".join(f"{writer}: {_share(verdicts)}" for writer, verdicts in by_writer.items())
    print(f"{kind:<15} {_share(judged):<18} {shares:<42} {took / len(judged) * 1e6:6.0f} µs a case")
    for one in judged if show else ():
        if one.wrong:
            print(f"    {json.dumps(one.row, ensure_ascii=False)}\n        got {one.got!r}")


def _share(verdicts: list[Verdict]) -> str:
    wrong = sum(one.wrong for one in verdicts)
    return f"{wrong}/{len(verdicts)} {100 * wrong / len(verdicts):.1f} %"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FRESH)
    parser.add_argument("--kind", choices=JUDGES)
    parser.add_argument("--show", action="store_true", help="each case that is wrong")
    asked = parser.parse_args()
    if not any(asked.folder.glob("*.jsonl")):
        parser.error(f"{asked.folder} has no cases")
    for kind in [asked.kind] if asked.kind else JUDGES:
        _report(kind, asked.folder, asked.show)
    ends = [said for said in said_by_callers(asked.folder) if says_goodbye(said) or wants_person(said)]
    print(f"{'ended or handed over by a rule':<34}{len(ends)}", *(f"    {said}" for said in ends), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
