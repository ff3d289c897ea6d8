"""A lead as a signed POST, to a CRM that behaves and to one that does not."""

import json
import shutil
import socket
import subprocess
import time

import pytest

from server.delivery import webhook as module
from server.delivery.schedule import Answer as Outcome
from server.delivery.schedule import Arrived, Failed, Refused
from server.delivery.webhook import Webhook, seconds_of, signature
from tests.delivery.crm import SECRET, Answer, Crm, crm_serving
from tests.delivery.verification import example, verified

PAYLOAD = json.dumps({"id": "CA1", "name": "דנה"}, ensure_ascii=False)


def sent(answer: Answer) -> tuple[Outcome, Crm]:
    with crm_serving([answer]) as crm:
        return Webhook(crm.url, SECRET).deliver("CA1", PAYLOAD), crm


def test_it_is_signed_as_the_page_says() -> None:
    outcome, crm = sent(Answer(200))
    assert (outcome, crm.forged, crm.kept) == (Arrived(), 0, [{"id": "CA1", "name": "דנה"}])


def test_the_pages_example_refuses_what_is_not_ours() -> None:
    now, body = time.time(), PAYLOAD.encode()
    stamp = str(int(now))
    good = {"X-Lead-Timestamp": stamp, "X-Lead-Signature": signature(SECRET, stamp, body)}
    assert verified(SECRET, good, body, now)
    assert not verified("another-secret-of-ours", good, body, now)
    assert not verified(SECRET, good, body + b" ", now)
    assert not verified(SECRET, good, body, now + 301)
    assert not verified(SECRET, good | {"X-Lead-Timestamp": str(int(now) - 1)}, body, now)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_pages_example_in_javascript() -> None:
    stamp, body = "1780000000", PAYLOAD.encode()
    told = signature(SECRET, stamp, body)
    for theirs, now, good in (
        (told, 1780000001, True),
        (told[:-1] + "x", 1780000001, False),
        (told, 1780000400, False),
    ):
        headers = json.dumps({"x-lead-timestamp": stamp, "x-lead-signature": theirs})
        call = (
            f"console.log(isOurs({json.dumps(SECRET)}, {headers}, Buffer.from({json.dumps(PAYLOAD)}), {now}))"
        )
        code = f"{example('javascript')}\n{call}"
        done = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=30, check=True)
        assert done.stdout.strip() == str(good).lower()


OUTCOMES = {
    "taken": (Answer(204), Arrived()),
    "taken, and closed in the middle of its words": (Answer(200, cut=True), Arrived()),
    "answered twice": (Answer(200, twice=True), Arrived()),
    "down for repairs": (Answer(503, (("Retry-After", "120"),)), Failed("503 Service Unavailable", 120.0)),
    "too many": (Answer(429, (("Retry-After", "7"),)), Failed("429 Too Many Requests", 7.0)),
    "broken": (Answer(500), Failed("500 Internal Server Error")),
    "closed without an answer": (Answer(0), Failed("no connection, or it was closed before the answer")),
    "moved": (Answer(302, (("Location", "/elsewhere"),)), Refused("302 Found, which is not followed")),
    "not like this": (Answer(400), Refused("400 Bad Request")),
    "no number of ours": (Answer(499), Refused("499")),
}


@pytest.mark.parametrize(("answer", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_an_answer_means(answer: Answer, outcome: Outcome) -> None:
    found, crm = sent(answer)
    assert (found, crm.asked) == (outcome, ["CA1"])


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = Webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/x?token=hidden", SECRET).deliver(
            "CA1", PAYLOAD
        )
    assert outcome == Failed("no connection, or it was closed before the answer")


def test_a_crm_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_S", 0.2)
    outcome, _ = sent(Answer(slow=True))
    assert outcome == Failed("no answer within 0.2 s")


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the whole never does."""
    monkeypatch.setattr(module, "WHOLE_S", 0.3)
    outcome, _ = sent(Answer(drips=True))
    assert outcome == Failed("no answer within 0.3 s")


def test_the_ping_is_no_lead() -> None:
    with crm_serving([Answer(200), Answer(401)]) as crm:
        webhook = Webhook(crm.url, SECRET)
        assert webhook.ping() == ""
        assert webhook.ping() == "401 Unauthorized"
    assert (crm.asked, crm.kept, crm.forged) == (["test"] * 2, [{"version": 1, "test": True}], 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("120", 120.0),
        ("-5", None),
        ("soon", None),
        ("9" * 50, 999999999999.0),
        ("Tue, 01 Dec 2026 08:00:30 GMT", 30.0),
        ("Tue, 01 Dec 2026 07:00:00 GMT", 0.0),
    ],
)
def test_when_to_come_again(text: str, seconds: float | None) -> None:
    assert seconds_of(text, 1796112000.0) == seconds  # 2026-12-01T08:00:00Z
