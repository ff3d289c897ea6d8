"""R1, R3, R4: attacks that would lose a lead, and the call beside them."""

import os
import random
import resource
import select
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.attack import Outcome
from bench.chaos_callers import RudeCall, Wire
from bench.promised import FAILED, ask, lost, old_leads, promise, text_of
from bench.watched import PUBLIC_URL, Watched, watched
from server.office.leads import lead_lines
from server.simulator.call import CallPlan
from server.simulator.sounds import synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.cloud.openai import OpenAICloud, Script, ToolCall
from tests.servers.doors import ringing

HANGS_S = 10.0
BACK_S = 3.0
LEFT_ROOM = 60  # bytes: the disk is full in the middle of a line
WORDS = "שמי דנה הטלפון שלי 0501234567"
REPLY = "תודה דנה, רשמתי. באיזו עיר לחפש? "
STEP_S = 0.02
ANSWERED_S = 4.0
READ_ON_S = 8.0  # a few seconds for a stream that is read to its end


def disk_hangs(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R1: a FIFO without a reader stands for LEADS_FILE's disk; a webhook promises a lead."""
    file = folder / "leads.fifo"
    os.mkfifo(file)
    form = ringing(random.Random(1), CallStatus="in-progress")
    with watched(folder, worker_class, LEADS_FILE=str(file)) as server:
        with server.beside() as beside, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, server.door, form, FAILED)
            time.sleep(HANGS_S)
            answered = asked.done() and asked.result() is not None
            noticed = beside.end()
        came = _read_for(file, BACK_S)
        gone = lost([dict(form)["CallSid"]], [came, server.server.log])
    said = (
        f"the promise is {'made' if answered else 'not made in time'}; of 1 lead {1 - len(gone)} can be read"
    )
    done = "LEADS_FILE's disk hangs for 10 s; a caller is promised a call"
    yield Outcome(done, said, answered and not gone, noticed)


def _read_for(fifo: Path, seconds: float) -> str:
    pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    until, read = time.monotonic() + seconds, b""
    while (left := until - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            read += os.read(pipe, 1 << 16)
            time.sleep(STEP_S)
    os.close(pipe)
    return read.decode(errors="replace")


def disk_fills(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R4: no file of the worker may grow any more, from the middle of a line of LEADS_FILE on."""
    dice, promised = random.Random(4), []
    leads = folder / "leads.jsonl"
    leads.write_text(old_leads(3000), encoding="utf-8")  # above what else the worker writes
    with watched(folder, worker_class, STATE_FILE="") as server:
        (worker,) = server.workers
        with server.beside() as beside:
            promised.append(promise(server.door, dice))
            full = (leads.stat().st_size + LEFT_ROOM, resource.RLIM_INFINITY)
            worker.rlimit(resource.RLIMIT_FSIZE, full)
            promised += [promise(server.door, dice) for _ in range(3)]
            worker.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            promised += [promise(server.door, dice) for _ in range(2)]
            time.sleep(BACK_S)
            noticed = beside.end()
        log, file = server.server.log, text_of(leads)
        gone = lost(promised, [log, file])
    said = f"{len(promised)} promised, {len(promised) - len(gone)} can be read"
    yield Outcome("a disk fills in the middle of a lead's line", said, not gone, noticed)


class _SlowTool:
    """An LLM that says its words at once, and calls ``save_lead`` ``behind_s`` later."""

    def __init__(self) -> None:
        self.behind_s = 0.0
        self.asked = 0

    def __call__(self, request: dict[str, object]) -> Script:
        self.asked += 1
        tool = ToolCall("save_lead", {"name": "דנה", "phone": "0501234567"})
        waits = (": it thinks",) * round(self.behind_s / STEP_S)
        return Script(REPLY, (tool,), lines=waits, piece=len(REPLY) // 2)


def caller_hangs_up(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R3: name and number are said, and the caller is gone before the LLM has called its tool."""
    llm = _SlowTool()
    with OpenAICloud(thinks=llm) as cloud:
        cloud.chat.delays.between_s = STEP_S
        knobs = {
            "LLM_ENGINES": "openai,scripted",
            "OPENAI_BASE_URL": cloud.base_url,
            "OPENAI_API_KEY": "local",
            "SCRIPTED_ASR_LINES": WORDS,
        }
        with watched(folder, worker_class, **knobs) as server, server.beside() as beside:
            sids = {}
            for behind_s in (0.3, 1.0, 2.5):
                llm.behind_s = behind_s
                sids[f"{behind_s:g} s"] = _one_says_it(server, waits_for_us=True)
            llm.behind_s = 0.0
            sids["before the answer"] = _one_says_it(server, waits_for_us=False)
            time.sleep(READ_ON_S)
            noticed = beside.end()
            leads = list(lead_lines(text_of(folder / "leads.jsonl")))
    named = {str(lead["call_sid"]) for lead in leads if lead.get("name")}
    known = {str(lead["call_sid"]) for lead in leads if lead.get("caller")}
    saved = [when for when, sid in sids.items() if sid in named]
    said = f"lead saved: {', '.join(saved) or 'none'} of {', '.join(sids)}; "
    said += f"who called is known of {len(known & {*sids.values()})} of {len(sids)}"
    done = "the caller hangs up 0.1 s into the reply, the tool call comes so much later; or hangs up before"
    yield Outcome(done, said, len(saved) == len(sids), noticed)


def _one_says_it(server: Watched, *, waits_for_us: bool) -> str:
    """A caller who speaks over the greeting, then hangs up; their CallSid."""

    def behave(wire: Wire, _: random.Random) -> None:
        wire.speak(1.0)
        wire.say(synthetic_speech(1.2))
        if waits_for_us:
            wire.speak(0.3)  # our greeting has stopped
            heard, until = wire.heard, time.monotonic() + ANSWERED_S
            while wire.heard == heard and time.monotonic() < until:
                wire.speak(STEP_S)
            wire.speak(0.1)
        else:
            wire.speak(0.2)
        wire.hang_up()

    caller = f"+97252{random.SystemRandom().randrange(10**7):07}"
    plan = CallPlan(Endpoint(server.url, PUBLIC_URL), (), caller=caller)
    return RudeCall(plan, behave, "").run().ids.call_sid
