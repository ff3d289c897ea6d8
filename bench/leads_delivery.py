"""Leads on their way to a CRM that is down: each arrives once, signed, soon behind its coming back.

``python -m bench.leads_delivery [--down-s 600] [--calls 5] [--json FILE]``: a real server, calls that leave
leads at once, and a CRM on loopback: nobody listens for the first half of ``--down-s`` (real seconds), for
the other half it answers 503. Then it takes leads, for as long as docs/leads.md says it may take. At last it
is down once more, and the server is killed with a lead that waits and one that was not whole yet: both
arrive once from the next server. Exit status 1 when one does not.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.service import kill_all
from server.simulator.call import CallPlan
from server.simulator.load import place_calls
from server.simulator.script import Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.delivery.crm import SECRET, Answer, Crm, crm_serving
from tests.serving import BOOT_S, GUNICORN, ROOT, Server, free_port, started

CALLS, DOWN_S = 5, 600.0
BACK_S = 660.0  # docs/leads.md: ten minutes behind a CRM that was down for ten
RESTARTED_S = 150.0  # a lead that was being sent when its process was killed is another's after 90 s
FIRST_TRY_S = 60.0
LOOK_S = 0.05
DOUBLES_S = 3.0  # what arrives twice does so by then, or as late as anything does
MANY = 100_000
HEARD = "קוראים לי דנה כהן"
KNOBS = {
    "LLM_ENGINES": "embedded",  # it leaves leads
    "SCRIPTED_ASR_LINES": HEARD,
    "AI_GREETING_HE": "שלום!",
    "LEADS_WEBHOOK_SECRET": SECRET,
    "MAX_CALLS": "0",
    "IDLE_PROMPT_SEC": "0",
}


@dataclass
class Arrivals:
    """``promised``: leads by their calls; ``after_s``: how long behind the CRM's coming back each arrived."""

    promised: list[str] = field(default_factory=list)
    after_s: dict[str, float] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)  # how often each was taken with 2xx

    @property
    def once(self) -> int:
        return sum(self.times.get(lead) == 1 for lead in self.promised)

    @property
    def broken(self) -> list[str]:
        times = [(lead, self.times.get(lead, 0)) for lead in self.promised]
        found = [f"{lead}: {count} times" for lead, count in times if count != 1]
        return found + [f"{lead}: nobody left it" for lead in self.times.keys() - set(self.promised)]


@dataclass
class Result:
    """``refused``, ``unavailable``: attempts at leads while nobody listened, and answered 503."""

    down_s: float
    waited: Arrivals
    killed: Arrivals
    refused: int = 0
    unavailable: int = 0
    forged: int = 0
    unsaid: list[str] = field(default_factory=list)  # leads without what the caller said

    @property
    def broken(self) -> list[str]:
        found = self.waited.broken + [f"after the kill: {each}" for each in self.killed.broken]
        found += [f"{self.forged} requests with a wrong signature"] if self.forged else []
        return found + [f"without its details: {lead}" for lead in self.unsaid]


def measure(down_s: float, calls: int = CALLS) -> Result:
    result = Result(down_s, Arrivals(), Arrivals())
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        with _serving(folder / "log", folder, port) as server:
            began = time.monotonic()
            result.waited.promised = leave_leads(server, calls)
            _sleep_until(began + down_s / 2)
            with crm_serving(port=int(port)) as crm:
                fail(crm)
                result.refused = server.log.count("LEAD_RETRY")
                _sleep_until(began + down_s)
                result.unavailable = len(crm.asked)
                _come_back(crm, result.waited, BACK_S)
                fail(crm)
                _kill_with_leads(server, result.killed)
                _again_elsewhere(crm, folder, port, result)
    return result


def _kill_with_leads(server: Server, killed: Arrivals) -> None:
    """One lead was tried, and waits; the other's call is over, and it is not whole yet."""
    tried_before = server.log.count("LEAD_RETRY")
    killed.promised += leave_leads(server, 1)
    _wait(lambda: server.log.count("LEAD_RETRY") > tried_before, FIRST_TRY_S)
    killed.promised += leave_leads(server, 1, first=1)
    assert server.has_no_call(), server.log[-3000:]
    kill_all(server)


def _again_elsewhere(crm: Crm, folder: Path, port: str, result: Result) -> None:
    with _serving(folder / "log-2", folder, port):
        # Of leads that have arrived the second server must send none again.
        _come_back(crm, result.killed, RESTARTED_S, known=set(result.waited.promised))
    counted = Counter(crm.leads)
    result.waited.times = {lead: counted[lead] for lead in result.waited.promised}
    result.forged = crm.forged
    result.unsaid = [lead["id"] for lead in crm.kept if "דנה" not in lead["details"].get("name", "")]


@contextmanager
def _serving(log: Path, folder: Path, crm_port: str) -> Iterator[Server]:
    files = {"RECORDS_FILE": str(folder / "records.db"), "LEADS_FILE": str(folder / "leads.jsonl")}
    crm = {"LEADS_WEBHOOK_URL": f"http://127.0.0.1:{crm_port}/leads"}
    with started(GUNICORN, ROOT, log, boot_s=3 * BOOT_S, **KNOBS, **files, **crm) as server:
        yield server


def leave_leads(server: Server, calls: int, first: int = 0) -> list[str]:
    """CallSids of as many calls at once, which are over; each has left a name."""
    clip = Clip.from_pcm16(synthetic_speech(1.0))
    url = f"http://{server.address}"
    manners = Manners(linger_s=0.2)
    plan = CallPlan(Endpoint(url, url), [Say(HEARD, clip)], manners, caller=f"+97250{first:03}0000")
    return [record.ids.call_sid for record in place_calls(plan, calls, 1.0 if calls > 1 else 0.0)]


def fail(crm: Crm) -> None:
    crm.answers.extend([Answer(503)] * MANY)


def _come_back(crm: Crm, arrivals: Arrivals, within_s: float, known: Collection[str] = ()) -> None:
    """The CRM takes leads from now on: wait for all of them, and a little more."""
    crm.answers.clear()
    back = time.monotonic()

    def all_there() -> bool:
        for lead in crm.leads:
            if lead not in known:
                arrivals.after_s.setdefault(lead, time.monotonic() - back)
        return set(arrivals.promised) <= arrivals.after_s.keys()

    _wait(all_there, within_s)
    time.sleep(DOUBLES_S)
    arrivals.times = dict(Counter(lead for lead in crm.leads if lead not in known))


def _wait(holds: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def show(result: Result) -> None:
    waited, killed = result.waited, result.killed
    after = sorted(waited.after_s.values())
    print(
        f"down for {result.down_s:g} s, attempts refused {result.refused}, answered 503 {result.unavailable}"
    )
    print(f"arrived once: {waited.once} of {len(waited.promised)}, {_seconds(after)} behind its coming back")
    after = sorted(killed.after_s.values())
    print("killed with a lead that waited and one that was not whole yet:")
    print(f"arrived once: {killed.once} of {len(killed.promised)}, {_seconds(after)} after a server served")
    print(f"wrong signatures: {result.forged}")
    for promise in result.broken:
        print(f"BROKEN: {promise}")


def _seconds(after: list[float]) -> str:
    return ", ".join(f"{seconds:.1f}" for seconds in after) + " s" if after else "never"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--down-s", type=float, default=DOWN_S)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    result = measure(words.down_s, words.calls)
    show(result)
    if words.json:
        told = asdict(result) | {"broken": result.broken}
        words.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return 1 if result.broken else 0


if __name__ == "__main__":
    sys.exit(main())
