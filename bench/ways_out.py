"""Who ends a call: sentences of callers, and what our rules alone make of them (F2, F3).

    python -m bench.ways_out callers.jsonl

A line of the file is ``{"kind", "first", "said", "right"}``; ``first``: the first thing the caller says;
``right``: "end", "person", or "neither" for what only an LLM may decide. Each is a whole call in simulated
time. Its LLM answers everything with a question and calls no function, so what ends or hands over is a rule.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from bench.options import options
from server.turns.effects import EndCall, Transfer
from tests.simtime.call import SimCall
from tests.simtime.line import Sound
from tests.simtime.office import Office

ANSWER = "בשמחה אעזור לך עם הדבר הזה. מה השם בבקשה?"
FIRST = "התקשרתי בקשר למודעה שלכם"
SAYS_S = 1.5
NEITHER = "neither"


def outcome_of(said: str, first: bool) -> str:
    """What our rules make of a caller's sentence: "end", "person" or "neither"."""
    before = [] if first else [FIRST]
    sounds = [Sound(3.0 + 8.0 * place, SAYS_S) for place in range(len(before) + 1)]
    call = SimCall(sounds, stt=[*before, said], reply=ANSWER, knobs={"transfer_number": "+97231234567"})
    office = Office(call)
    call.run(sounds[-1].until_s + 9.0)
    return {EndCall(): "end", Transfer(): "person"}[office.outcomes[0]] if office.outcomes else NEITHER


def main(path: str) -> int:
    rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line.strip()]
    verdicts: dict[str, Counter[str]] = {}
    for row in rows:
        got = outcome_of(row["said"], row["first"])
        verdict = "right" if got == row["right"] else "left to the LLM" if got == NEITHER else f"WRONG {got}"
        verdicts.setdefault(row["kind"], Counter())[verdict] += 1
        if verdict.startswith("WRONG"):
            print(f"{verdict}: {row['said']} ({row['kind']})")
    for kind, counts in verdicts.items():
        print(f"{kind:<22}" + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("file", help="callers.jsonl")
    sys.exit(main(parser.parse_args().file))
