"""What a caller hears of an agent whose STTs are broken, and what the server says of itself.

``python -m bench.deaf [TURNS]``: a call of so many turns for each way in which Google's STT can fail.
"""

import tempfile
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bench.faults import answer
from bench.options import options
from bench.service import LINES, on_the_cloud, place_calls, say
from tests.cloud.local import LocalCloud
from tests.cloud.watch import Fault
from tests.serving import Server, get

WAYS = (Fault.UNAVAILABLE, Fault.REFUSED, Fault.TOO_MANY, Fault.HUNG_BEFORE_HEADERS)


@dataclass(frozen=True)
class Health:
    """What /healthz answers."""

    status_code: int
    status: str
    failing: list[str]


@dataclass(frozen=True)
class Deaf:
    """A call to an agent that cannot hear.

    ``said``: the agent's words, turn by turn, the greeting left out; ``heard``: spoken turns that were
    understood; ``ending``: how the call ended; ``reasons``: why it is no success; ``before``, ``after``:
    the server's health, ``mended``: after one more call, with an STT that works; ``leads``: LEADS_FILE then.
    """

    said: list[str]
    heard: int
    ending: str
    handed_over_to: str
    reasons: list[str]
    before: Health
    after: Health
    mended: Health
    leads: str


def measure(fault: Fault, worker_class: str, turns: int, **knobs: str) -> Deaf:
    """One call of ``turns`` spoken turns with an STT that fail every time, then one with an STT that work."""
    with tempfile.TemporaryDirectory() as folder, LocalCloud(LINES, answer) as cloud:
        out = Path(folder)
        leads = out / "leads.jsonl"
        cloud.take(0.1, 0.1, 0.05)
        own = cloud.knobs | {"LLM_MIN_CHARS": "0", "LEADS_FILE": str(leads), "WORKER_CLASS": worker_class}
        with on_the_cloud(own | knobs, out) as server:
            before = health(server)
            cloud.speech.watch.always = fault
            report = place_calls(server, out, *say(*islice(cycle(LINES[:3]), turns)), status=1)
            after = health(server)
            cloud.speech.watch.always = Fault.NONE
            place_calls(server, out, *say(LINES[0]))
            mended = health(server)
        return Deaf(
            [turn["agent"] for turn in report["turns"]],
            report["spoken_heard"]["heard"],
            report["ending"],
            report["handed_over_to"],
            report["reasons"],
            before,
            after,
            mended,
            leads.read_text(encoding="utf-8") if leads.exists() else "",
        )


def health(server: Server) -> Health:
    response = get(f"http://{server.address}/healthz")
    told: dict[str, Any] = response.json()
    return Health(response.status_code, told["status"], told["failing"])


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("turns", nargs="?", type=int, default=7, help="of each call")
    turns = parser.parse_args().turns
    for fault in WAYS:
        deaf = measure(fault, "gevent", turns)
        print(f"{fault.value}: heard {deaf.heard} of {len(deaf.said)} turns, ended: {deaf.ending}")
        for number, words in enumerate(deaf.said, start=1):
            print(f"  {number}. {words or '(nothing)'}")
        print(f"  /healthz {deaf.after.status_code} {deaf.after.status} {deaf.after.failing}", flush=True)


if __name__ == "__main__":
    main()
