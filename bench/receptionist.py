"""How much of what strangers say the embedded receptionist notes as they mean it.

    python -m bench.receptionist [FILE] [--show]

FILE (in ``tests/fresh``): a case a line. ``asked`` is the question she has put, ``intent`` what is known,
``right`` the readings that would do: the details that a line adds (``phone``: ``caller`` is the number of the
call), ``ends``, ``skipped``; none of them: asked again. A reading in a foreign currency (``currency``) is no
budget in shekels. Each is judged by what a whole reply does. The first file was written before its writer had
seen the code, the second one behind the first mend.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from server.hebrew.understand.gender import Gender
from server.providers.base import ReplyRequest
from server.providers.embedded.llm import script_he as he
from server.providers.embedded.llm.receptionist import Receptionist
from server.turns.effects import EndCall, Line, PhoneCall, SaveLead, Speaker
from server.turns.prompts import in_gender

Row = dict[str, Any]

FRESH = Path(__file__).parents[1] / "tests" / "fresh"
NUMBER = "+972501112222"
OFFICE = {"קנייה": "buy", "שכירות": "rent", "מכירה": "sell", "השכרה": "let"}
WISHES = {"buy": "לקנות", "rent": "לשכור"}
LLM = Receptionist()


def noted(row: Row) -> Row:
    """What the receptionist makes of the line, in the words of ``right``."""
    question = in_gender(he.ASK[row["asked"]][0], Gender.FEMININE, None)
    wish = row["intent"] and WISHES[row["intent"]]
    before = (Line(Speaker.CALLER, wish or "שלום"), Line(Speaker.AGENT, question))
    request = ReplyRequest(row["said"], before, 1, "warm_helpful", 140, 420, call=PhoneCall("CA1", NUMBER))
    stream = LLM.respond(request, timeout_s=1.0)
    reply = "".join(stream)
    leads = [dict(act.details) for act in stream.acts if isinstance(act, SaveLead)]
    got = {detail: _value(detail, said) for lead in leads for detail, said in lead.items()}
    if got.get("intent") == row["intent"]:
        got.pop("intent", None)
    if any(isinstance(act, EndCall) for act in stream.acts):
        got["ends"] = True
    return got or ({"skipped": True} if he.SKIPPED in reply else {})


def _value(detail: str, said: str) -> object:
    if detail in ("rooms", "budget"):
        return float(said)
    if detail == "phone" and said == NUMBER:
        return "caller"
    return OFFICE[said] if detail == "intent" else said


def is_right(row: Row, got: Row) -> bool:
    return got in [reading for reading in row["right"] if "currency" not in reading]


def rows(pattern: str = "receptionist_*.jsonl") -> list[Row]:
    files = sorted(FRESH.glob(pattern))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?", default="receptionist_*.jsonl", help="in tests/fresh")
    parser.add_argument("--show", action="store_true", help="each case that is wrong")
    asked = parser.parse_args()
    cases = rows(asked.file)
    started = time.perf_counter()
    judged = [(row, noted(row)) for row in cases]
    took = time.perf_counter() - started
    wrong = [(row, got) for row, got in judged if not is_right(row, got)]
    of = Counter(row["asked"] for row in cases)
    missed = Counter(row["asked"] for row, _ in wrong)
    print(f"wrong {len(wrong)}/{len(cases)}, {took / len(cases) * 1e6:.0f} µs a reply")
    print("  ".join(f"{question}: {missed[question]}/{of[question]}" for question in of))
    for row, got in wrong if asked.show else ():
        print(f"    {json.dumps(row, ensure_ascii=False)}\n        got {json.dumps(got, ensure_ascii=False)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
