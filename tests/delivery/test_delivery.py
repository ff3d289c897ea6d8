"""Each lead once, whole, at the end of the call: on SQLite and on PostgreSQL, in simulated time."""

import hashlib
import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from server.delivery.leads_file import Earlier
from server.delivery.outbox import KEPT, Outbox, State
from server.delivery.schedule import Answer as Outcome
from server.delivery.schedule import Arrived, Failed, Refused
from server.delivery.webhook import Webhook
from server.records.database import Database
from server.records.keeper import delete_calls
from tests.delivery.crm import SECRET, Answer, Crm, crm_serving
from tests.delivery.world import LONGEST, START, World, line
from tests.records.places import Place

DANA = (
    line("rang"),
    line("detail", name="דנה"),
    line("call", ended="caller", name="דנה", duration_s=63.2, turns=4),
)


class Scripted:
    """A channel without a wire: it answers as it is told, then takes all."""

    def __init__(self, *answers: Outcome, name: str = "webhook") -> None:
        self.name = name
        self.answers = list(answers)
        self.asked: list[str] = []
        self.payloads: list[dict[str, Any]] = []

    def deliver(self, lead: str, payload: str) -> Outcome:
        self.asked.append(lead)
        answer = self.answers.pop(0) if self.answers else Arrived()
        if isinstance(answer, Arrived):
            self.payloads.append(json.loads(payload))
        return answer

    def ping(self) -> str:
        return ""


@pytest.fixture
def crm() -> Iterator[Crm]:
    with crm_serving() as serving:
        yield serving


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "agent")
    return caplog


def rows(database: Database, table: str) -> int:
    return int(
        database.run(5, lambda connection: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
    )


def states(world: World) -> list[State]:
    return [delivery.state for delivery in world.outbox.undelivered()]


# ---- issue 17, part 6


def test_a_lead_reaches_a_crm_that_is_down_for_ten_minutes_exactly_once(database: Database) -> None:
    with crm_serving() as down:
        port = int(down.url.rpartition(":")[2].partition("/")[0])
    world = World(database, [Webhook(down.url, SECRET)])
    world.say(*DANA)
    world.run(600)
    assert states(world) == [State.WAITING]
    with crm_serving(port=port) as crm:
        world.run(3600)
    assert (crm.asked, crm.leads, crm.forged) == (["CA1"], ["CA1"], 0)
    assert crm.kept[0]["details"] == {"name": "דנה"} and crm.kept[0]["ended"] == "caller"
    assert states(world) == []


def test_it_comes_soon_after_the_crm_is_back(database: Database) -> None:
    """As long again as it was down, at most."""
    channel = Scripted(*[Failed("503")] * 6)  # at 10 s, and 10, 20, 40, 80, 160 s later
    world = World(database, [channel])
    world.say(*DANA)
    world.run(600)
    assert channel.asked == ["CA1"] * 6 and not channel.payloads
    world.run(600)
    assert channel.asked == ["CA1"] * 7 and len(channel.payloads) == 1


def test_a_lead_is_sent_when_it_is_whole_and_once(database: Database, crm: Crm) -> None:
    """B3: what was understood behind the end is in it."""
    world = World(database, [Webhook(crm.url, SECRET)])
    world.say(*DANA)
    world.run(5)
    assert crm.asked == []
    world.say(line("detail", city="חיפה", after_call=True))
    world.run(60)
    assert [lead["details"] for lead in crm.kept] == [{"name": "דנה", "city": "חיפה"}]
    world.run(24 * 3600)
    assert crm.asked == ["CA1"]
    assert rows(database, "agent_lead_lines") == 0


def test_a_channel_each(database: Database) -> None:
    """A mail server that fails holds up no CRM."""
    crm, mail = Scripted(), Scripted(*[Failed("421")] * 3, name="email")
    world = World(database, [crm, mail])
    world.say(*DANA)
    world.run(11)
    assert len(crm.payloads) == 1 and not mail.payloads
    world.run(600)
    assert (len(crm.asked), len(mail.asked)) == (1, 4)
    assert mail.payloads[0]["row"]["שם"] == "דנה"


def test_f8_what_a_call_leaves_at_its_second_socket_arrives(database: Database) -> None:
    """F8: it goes on for minutes behind the failure of its first, which is no reason to report it as lost."""
    channel = Scripted()
    world = World(database, [channel])
    world.say(line("rang"), line("call", ended="lost", missed="failed"), line("goes_on"))
    world.run(300)
    assert channel.payloads == []
    world.say(line("detail", name="דנה"), line("call", ended="caller", name="דנה"))
    world.run(60)
    assert [(lead["details"], lead["missed"]) for lead in channel.payloads] == [({"name": "דנה"}, "")]


def test_newcomer_4_who_was_lost_is_a_lead_too(database: Database, crm: Crm) -> None:
    world = World(database, [Webhook(crm.url, SECRET)])
    world.say(
        line("missed", "CA2", missed="busy"), line("rang", "CA3"), line("call", "CA3", ended="transfer")
    )
    world.run(200)
    assert [(lead["id"], lead["missed"]) for lead in crm.kept] == [("CA2", "busy")]
    assert rows(database, "agent_lead_lines") == 0  # CA3 speaks with a person, and left nothing


def test_newcomer_4_put_through_and_not_answered_is_one_lead(database: Database, crm: Crm) -> None:
    """Its webhook may reach another process, half a minute later."""
    here, there = (World(database, [Webhook(crm.url, SECRET)]) for _ in range(2))
    here.say(line("rang"), line("detail", name="דנה"), line("call", ended="transfer", name="דנה"))
    here.run(35)
    there.now = here.now
    there.say(line("missed", missed="no_answer", message="צריך לחזור"))
    there.run(1)
    here.run(200)
    assert [(lead["missed"], lead["details"]["name"]) for lead in crm.kept] == [("no_answer", "דנה")]


def test_what_comes_behind_a_lead_that_was_sent_is_in_the_file(
    database: Database, crm: Crm, logged: pytest.LogCaptureFixture
) -> None:
    world = World(database, [Webhook(crm.url, SECRET)])
    world.say(*DANA)
    world.run(60)
    world.say(line("missed", missed="no_answer"))
    world.run(600)
    assert crm.asked == ["CA1"]
    late = [line for line in logged.messages if line.startswith("LEAD_LATE")]
    assert late == ["LEAD_LATE call=CA1 was sent on its way before: missed: in LEADS_FILE alone"]


# ---- processes, and their end


def test_f6_a_call_whose_process_was_killed(place: Place, crm: Crm) -> None:
    """Its details were written at once; another process, a new one too, sends them."""
    killed = Database(place.url, place.file)
    World(killed, [Scripted()]).collector.take("CA1", json.dumps(line("detail", name="דנה")))
    world = World(killed, [Scripted()])
    world.say(line("rang"), line("detail", name="דנה"))
    world.run(1)
    killed.close()
    new = Database(place.url, place.file)
    other = World(new, [Webhook(crm.url, SECRET)], now=START + timedelta(seconds=2))
    other.run(LONGEST.total_seconds() - 60)
    assert crm.asked == []
    other.run(120)
    assert [lead["details"] for lead in crm.kept] == [{"name": "דנה"}]
    new.close()


def test_the_file_is_the_last_resort(database: Database, tmp_path: Path, crm: Crm) -> None:
    """A process that was killed while the database failed; what is old, or known already, stays there."""
    file = tmp_path / "leads.jsonl"
    old = line("detail", "CA0", name="ישן", at=(START - timedelta(hours=49)).isoformat())
    lost = line("detail", "CA9", name="אבוד", at=(START + timedelta(minutes=1)).isoformat())
    file.write_text(
        "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (old, *DANA, lost)), "utf-8"
    )
    first = World(database, [Webhook(crm.url, SECRET)])
    first.say(*DANA)
    first.run(60)
    later = START + timedelta(hours=1)
    earlier = Earlier(str(file), timedelta(hours=48), lambda: later)
    second = World(database, [Webhook(crm.url, SECRET)], now=later, earlier=earlier)
    second.run(7200)
    assert crm.leads == ["CA1", "CA9"]


def test_leads_of_before_the_first_one_are_nobodys_to_send(
    database: Database, tmp_path: Path, crm: Crm
) -> None:
    file = tmp_path / "leads.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in DANA), "utf-8")
    for days in (1, 2):  # at the second start too
        now = START + timedelta(days=days)
        earlier = Earlier(str(file), timedelta(days=9), lambda now=now: now)
        World(database, [Webhook(crm.url, SECRET)], now=now, earlier=earlier).run(7200)
    assert crm.asked == []


def test_two_processes_send_a_lead_once(place: Place) -> None:
    """Many leads, and every process claims as fast as it can."""
    with crm_serving() as crm:
        filled = Database(place.url, place.file)
        world = World(filled, [Scripted()])
        for number in range(16):
            world.say(line("missed", f"CA{number}", missed="busy"))
        world.carriers = []
        world.run(120)
        filled.close()
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=carry, args=(place, crm.url)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0]
        assert sorted(crm.asked) == sorted(f"CA{number}" for number in range(16))


def carry(place: Place, url: str) -> None:
    """A worker: all that is due."""
    database = Database(place.url, place.file)
    world = World(database, [Webhook(url, SECRET)], now=START + timedelta(minutes=5))
    while world.outbox.undelivered():
        world.carriers[0].step()
    database.close()


def test_threads_of_one_process_do_not_share_a_claim(database: Database) -> None:
    world = World(database, [Scripted()])
    world.say(*DANA)
    world.carriers = []
    world.run(60)
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: world.outbox.claim("webhook", world.now), range(8)))
    assert sum(one is not None for one in claimed) == 1


def test_killed_between_sending_and_noting_it_is_sent_again_with_its_id(place: Place) -> None:
    """What HTTP can do: at least once, and the same name each time."""
    with crm_serving() as crm:
        database = Database(place.url, place.file)
        world = World(database, [Scripted()])
        world.say(*DANA)
        world.carriers = []
        world.run(60)
        spawn = multiprocessing.get_context("spawn")
        worker = spawn.Process(target=send_and_be_killed, args=(place, crm.url))
        worker.start()
        worker.join(60)
        assert (worker.exitcode, crm.asked) == (-signal.SIGKILL, ["CA1"])
        again = World(database, [Webhook(crm.url, SECRET)], now=START + timedelta(seconds=61))
        again.run(60)
        assert crm.asked == ["CA1"]  # it is the other's, who may still be at it
        again.run(60)
        assert crm.asked == ["CA1", "CA1"] and crm.kept[0] == crm.kept[1]
        again.run(7200)
        assert len(crm.asked) == 2
        database.close()


def send_and_be_killed(place: Place, url: str) -> None:
    class Killed(Webhook):
        def deliver(self, lead: str, payload: str) -> Outcome:
            super().deliver(lead, payload)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

    database = Database(place.url, place.file)
    World(database, [Killed(url, SECRET)], now=START + timedelta(seconds=61)).run(1)


# ---- what does not arrive


def test_what_is_refused_is_parked_and_sent_when_somebody_says_so(
    database: Database, crm: Crm, logged: pytest.LogCaptureFixture
) -> None:
    world = World(database, [Webhook(crm.url, SECRET)])
    crm.answers.extend([Answer(499)] * 3)
    world.say(*DANA)
    world.run(24 * 3600)
    assert crm.asked == ["CA1"] * 3
    (parked,) = world.outbox.undelivered()
    assert (parked.state, parked.attempts, parked.last_error) == (State.PARKED, 3, "499")
    assert sum(one.startswith("LEAD_PARKED call=CA1 by webhook") for one in logged.messages) == 1
    assert world.outbox.retry(world.now) == 1
    world.wake()
    world.run(60)
    assert crm.leads == ["CA1"] and states(world) == []


def test_one_that_is_refused_holds_up_no_other(database: Database) -> None:
    channel = Scripted(Refused("400"))
    world = World(database, [channel])
    world.say(*DANA, *(one | {"call_sid": "CA2"} for one in DANA))
    world.run(30)
    assert sorted(channel.asked) == ["CA1", "CA2"] and channel.payloads[0]["id"] == channel.asked[1]


def test_after_two_days_it_is_parked(database: Database) -> None:
    channel = Scripted(*[Failed("503")] * 1000)
    world = World(database, [channel])
    world.say(*DANA)
    world.run(60 * 3600)
    assert states(world) == [State.PARKED]
    assert 50 < len(channel.asked) < 80


def test_a_crm_that_is_down_is_not_flooded(database: Database, logged: pytest.LogCaptureFixture) -> None:
    """Thirty leads wait: one attempt in five minutes, and a line of the log for it; then all arrive."""
    channel = Scripted(*[Failed("503")] * 1000)
    world = World(database, [channel])
    world.say(*(line("missed", f"CA{number}", missed="busy") for number in range(30)))
    world.run(3600)
    assert len(channel.asked) < 20 and len(logged.messages) < 20
    channel.answers = []
    world.run(3 * 3600)
    assert sorted(one["id"] for one in channel.payloads) == sorted(f"CA{number}" for number in range(30))


def test_retry_after_is_kept(database: Database) -> None:
    channel = Scripted(Failed("429", 1800.0))
    world = World(database, [channel])
    world.say(*DANA)
    world.run(1700)
    assert len(channel.asked) == 1
    world.run(200)
    assert len(channel.asked) == 2


# ---- the database


class Broken:
    """A database that fails while ``broken``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.broken = False

    def run(self, *args: Any, **kwargs: Any) -> Any:
        if self.broken:
            raise TimeoutError("the database: nothing within 5 s")
        return self._database.run(*args, **kwargs)

    def why(self, error: Exception) -> str:
        return self._database.why(error)


def test_b3_leads_wait_for_a_database_that_fails(
    database: Database, crm: Crm, logged: pytest.LogCaptureFixture
) -> None:
    broken = Broken(database)
    world = World(broken, [Webhook(crm.url, SECRET)])
    broken.broken = True
    world.say(*DANA)
    world.run(600)
    complaints = [one for one in logged.messages if one.startswith("LEAD_STORE_ERR 3 lines wait, ")]
    assert complaints and crm.asked == []
    broken.broken = False
    world.run(60)
    assert crm.leads == ["CA1"]
    assert "LEAD_STORE_BACK the database takes leads again" in logged.messages


def test_an_attempt_that_succeeded_is_not_made_again_because_the_database_fails(
    database: Database, crm: Crm
) -> None:
    broken = Broken(database)

    class Breaks(Webhook):
        def deliver(self, lead: str, payload: str) -> Outcome:
            answer = super().deliver(lead, payload)
            broken.broken = True
            return answer

    world = World(broken, [Breaks(crm.url, SECRET)])
    world.say(*DANA)
    world.run(300)
    broken.broken = False
    world.run(3600)
    assert crm.asked == ["CA1"] and states(world) == []


def test_nothing_a_caller_said_is_kept_of_what_has_arrived(database: Database, crm: Crm) -> None:
    world = World(database, [Webhook(crm.url, SECRET)])
    world.say(*DANA)
    world.run(60)
    kept = database.run(
        5, lambda connection: connection.execute(text("SELECT * FROM agent_lead_deliveries")).all()
    )
    assert len(kept) == 1 and "דנה" not in repr(kept)
    world.now += KEPT
    world.run(7200)
    assert rows(database, "agent_lead_deliveries") == 0


def test_a_caller_who_is_forgotten_is_forgotten_here_too(database: Database) -> None:
    world = World(database, [Scripted(Refused("400"))])
    world.say(*DANA)
    world.run(60)
    world.say(line("detail", "CA2", name="דנה"))
    world.run(1)
    database.run(5, lambda connection: delete_calls(connection, ["CA1", "CA2"]))
    assert world.outbox.undelivered() == [] and world.outbox.in_the_making() == []


@pytest.mark.parametrize("odd", ["\ud83d", "\x00", "'; DROP TABLE agent_lead_lines; --", "א" * 4000])
def test_odd_words_hold_up_no_lead(database: Database, crm: Crm, odd: str) -> None:
    world = World(database, [Webhook(crm.url, SECRET)])
    world.say(
        line("detail", name=f"דנה{odd}"),
        line("call", ended="caller"),
        *(one | {"call_sid": "CA2"} for one in DANA),
    )
    world.run(120)
    assert sorted(crm.leads) == ["CA1", "CA2"]


def test_a_strangers_callsid_holds_up_no_lead(database: Database) -> None:
    """On a server that asks for no signature it may be anything; PostgreSQL indexes 2.7 kB at most."""
    crm = Scripted()
    world = World(database, [crm])
    long = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))
    world.say(line("detail", long, name="זר"), line("call", long, ended="caller"), *DANA)
    world.run(120)
    assert sorted(lead["call_sid"] for lead in crm.payloads) == sorted([long, "CA1"])


def test_lines_twice_are_one(database: Database, crm: Crm) -> None:
    world = World(database, [Webhook(crm.url, SECRET)])
    world.say(*DANA, *DANA)
    world.run(60)
    assert crm.asked == ["CA1"]
    outbox = Outbox(database)
    assert outbox.known(["CA1", "CA2"]) == {"CA1"}
