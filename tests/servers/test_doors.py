"""Nobody gets in but Twilio: two gunicorn workers, straight and through nginx, and every forgery we know."""

import math
import random
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from server.telephony.signature import GOOD_S
from tests.servers import nginx
from tests.servers.doors import (
    RING,
    SECRET,
    SOCKET,
    Door,
    Form,
    Knock,
    Post,
    Service,
    genuine,
    knock,
    ring,
    ringing,
    send,
    served,
    sid,
    signature,
    start,
    token_of,
)
from tests.servers.forged import (
    FORGED_HANDSHAKES,
    FORGED_STARTS,
    FORGED_WEBHOOKS,
    forged_knock,
    genuine_knock,
)
from tests.serving import ROOT, environment, get

pytestmark = pytest.mark.skipif(nginx.BINARY is None, reason="nginx is not installed")

IN, OUT = 1000, 1008
RACERS = 20
CALL_S = 60
AT_ONCE = 8  # so many that one worker leaves some to the other
ROUNDS = 20
PREFIXES = {"gevent": "", "gthread": "/agent"}
WEBHOOKS = {
    RING: 200,
    "/webhook/stream_status": 204,
    "/webhook/stream_ended": 200,
    "/webhook/transfer_ended": 200,
}


@pytest.fixture(scope="module", params=list(PREFIXES))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Both worker classes; one of them behind a path prefix, which nginx takes off."""
    folder = tmp_path_factory.mktemp("doors") / "house"
    with served(folder, PREFIXES[request.param], WORKER_CLASS=request.param) as service:
        yield service
    assert "Traceback" not in service.server.log and "LEDGER_ERR" not in service.server.log


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.node.name)


def places(service: Service) -> int:
    """How many calls have a place on this host."""
    return int(get(f"http://{service.server.address}/healthz").headers["X-Places"])


@contextmanager
def nobody_gets_in(service: Service) -> Iterator[None]:
    """No call is begun, no engine asked, no place taken."""
    assert service.server.has_no_call()
    before, taken = len(service.server.log), places(service)
    yield
    said = service.server.log[before:]
    assert "WS_START" not in said and "ENGINE_ASKED" not in said and "Traceback" not in said, said
    assert places(service) <= taken


def workers_that_say(service: Service, before: int, word: str) -> set[str]:
    """Which workers have said this since their log was so long."""
    return {line.split()[0] for line in service.server.log[before:].splitlines() if word in line}


# ---- webhooks -----------------------------------------------------------------------------------


def test_genuine_webhooks_are_answered(service: Service, dice: random.Random) -> None:
    """In both slash forms, signed in either; a query string is part of what is signed."""
    answers = {}
    for door in service.doors:
        for path, status in WEBHOOKS.items():
            for asked, signed in (
                (path, path),
                (path + "/", path),
                (path, path + "/"),
                (path + "/", path + "/"),
            ):
                for query in ("", "?a=%D7%90&b="):
                    form = ringing(dice)
                    post = Post(
                        asked + query,
                        {"X-Twilio-Signature": signature(door.public + signed + query, form)},
                        {"data": form},
                    )
                    answers[door.name, asked, signed, query] = (send(door, post).status_code, status)
    assert {key: pair for key, pair in answers.items() if pair[0] != pair[1]} == {}
    assert len(answers) == 64


def test_forged_webhooks_are_refused(service: Service, dice: random.Random) -> None:
    """403 (405 for another method), no TwiML, and nobody counts the call."""
    expected = {kind: 405 if kind.startswith("by ") else 403 for kind in FORGED_WEBHOOKS}
    for door in service.doors:
        with nobody_gets_in(service):
            answers = {kind: send(door, forge(door, dice)) for kind, forge in FORGED_WEBHOOKS.items()}
        assert {kind: answer.status_code for kind, answer in answers.items()} == expected, door.name
        assert not [kind for kind, answer in answers.items() if "<Response" in answer.text]


def test_every_webhook_has_the_door(service: Service, dice: random.Random) -> None:
    posts = [Post(path, {}, {"data": ringing(dice)}) for path in WEBHOOKS]
    assert {send(door, post).status_code for door in service.doors for post in posts} == {403}


def test_a_handshake_that_is_none_is_no_error_of_ours(service: Service) -> None:
    """It asks for a WebSocket without being one: 400, and no traceback in the log (see the fixture)."""
    for lacking in (
        {},
        {"Sec-WebSocket-Version": "13"},
        {"Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "8"},
    ):
        headers = {"Connection": "upgrade", "Upgrade": "websocket"} | lacking
        for door in service.doors:
            assert send(door, Post(SOCKET, headers, method="GET")).status_code in (400, 426), lacking


# ---- sockets ------------------------------------------------------------------------------------


def test_genuine_sockets_are_let_in(service: Service, dice: random.Random) -> None:
    """The handshake is signed for wss or for https, in either slash form, asked for in either."""
    codes, streams = {}, []
    for door in service.doors:
        for scheme in ("wss:", "https:"):
            for asked, signed in ((SOCKET, SOCKET), (SOCKET + "/", SOCKET), (SOCKET, SOCKET + "/")):
                call, token = ring(door, dice)
                streams.append(sid("MZ", dice))
                proof = signature(door.signed_socket_url(signed).replace("wss:", scheme))
                codes[door.name, scheme, asked, signed] = knock(
                    door, Knock(proof, (start(call, token, streams[-1]),), asked)
                )
    assert codes == dict.fromkeys(codes, IN) and len(codes) == 12
    assert all(service.server.has_said(f"WS_START sid={stream}") for stream in streams)


def test_forged_handshakes_are_refused(service: Service, dice: random.Random) -> None:
    """Whatever is said afterwards, with a genuine token too."""
    for door in service.doors:
        calls = {kind: ring(door, dice) for kind in FORGED_HANDSHAKES}
        with nobody_gets_in(service):
            codes = {kind: knock(door, forged_knock(kind, door, *calls[kind], dice)[1]) for kind in calls}
        assert codes == dict.fromkeys(codes, OUT), door.name


def test_forged_starts_are_refused(service: Service, dice: random.Random) -> None:
    """On sockets whose handshake Twilio has signed."""
    for door in service.doors:
        proof, (_, other) = signature(door.signed_socket_url()), ring(door, dice)
        calls = {kind: ring(door, dice) for kind in FORGED_STARTS}
        with nobody_gets_in(service):
            codes = {
                kind: knock(door, Knock(proof, say(*calls[kind], other, sid("MZ", dice), dice)))
                for kind, say in FORGED_STARTS.items()
            }
        assert codes == dict.fromkeys(codes, OUT), door.name


def test_a_token_that_was_refused_elsewhere_opens_its_own_socket(
    service: Service, dice: random.Random
) -> None:
    """Whoever tries a token on another call does not use it up."""
    door = service.doors[1]
    (call, token), (other, _) = ring(door, dice), ring(door, dice)
    assert knock(door, genuine_knock(door, other, token, dice)[1]) == OUT
    assert knock(door, genuine_knock(door, call, token, dice)[1]) == IN


def test_a_used_token_opens_nothing_on_either_worker(service: Service, dice: random.Random) -> None:
    door = service.doors[0]
    call, token = ring(door, dice)
    assert knock(door, genuine_knock(door, call, token, dice)[1]) == IN
    assert service.server.has_said(f"call={call} ended="), "its lines are no other's"
    before, refusers = len(service.server.log), set[str]()
    with nobody_gets_in(service):
        for _ in range(ROUNDS):
            codes = at_once(door, [genuine_knock(door, call, token, dice)[1] for _ in range(AT_ONCE)])
            assert codes == Counter({OUT: AT_ONCE})
            refusers = workers_that_say(service, before, "a used token")
            if len(refusers) == 2:
                break
    assert len(refusers) == 2, "one worker has met them all"


def at_once(door: Door, knocks: list[Knock]) -> Counter[int]:
    """The close codes of sockets that are opened together."""
    together = threading.Barrier(len(knocks))

    def one(other: Knock) -> int:
        together.wait(10)
        return knock(door, other)

    with ThreadPoolExecutor(len(knocks)) as pool:
        return Counter(pool.map(one, knocks))


def test_one_of_many_that_come_at_once_with_a_token_gets_in(service: Service, dice: random.Random) -> None:
    for door in service.doors:
        call, token = ring(door, dice)
        knocks = [genuine_knock(door, call, token, dice) for _ in range(RACERS)]
        assert at_once(door, [asked for _, asked in knocks]) == Counter({IN: 1, OUT: RACERS - 1}), door.name
        assert service.server.has_no_call()
        assert sum(f"WS_START sid={stream}" in service.server.log for stream, _ in knocks) == 1


def test_a_replayed_webhook_opens_nothing(service: Service, dice: random.Random) -> None:
    """Twilio may ask twice, and follow either answer; the same request opens no other socket, and later it is
    refused, on either worker. So is one whose fields join to the same text, which is all that is signed.
    """
    door = service.doors[1]
    form = ringing(dice)
    call, asked = dict(form)["CallSid"], genuine(door, form)
    tokens = [token_of(send(door, asked)) for _ in range(2)]
    assert knock(door, genuine_knock(door, call, tokens[1], dice)[1]) == IN
    assert knock(door, genuine_knock(door, call, tokens[0], dice)[1]) == OUT
    replayed = token_of(send(door, asked))
    assert knock(door, genuine_knock(door, call, replayed, dice)[1]) == OUT
    assert send(door, replace(asked, content={"data": joined_fields(form)})).status_code == 403
    try:
        service.put_clock_ahead(GOOD_S)
        assert {send(door, asked).status_code for _ in range(8)} == {403}
    finally:
        service.put_clock_ahead(0)


def joined_fields(form: Form) -> Form:
    """CallStatus, which is signed right behind it, has become a part of the CallSid."""
    fields = dict(form)
    longer = f"{fields['CallSid']}CallStatus{fields.pop('CallStatus')}"
    return list((fields | {"CallSid": longer}).items())


def test_an_expired_token_opens_nothing(service: Service, dice: random.Random) -> None:
    door = service.doors[1]
    (call, token), (late_call, late_token) = ring(door, dice), ring(door, dice)
    try:
        service.put_clock_ahead(GOOD_S - 10)
        begun = service.server.log.count("WS_START ")
        assert knock(door, genuine_knock(door, call, token, dice)[1]) == IN
        assert service.server.waits_for(lambda: service.server.log.count("WS_START ") > begun)
        service.put_clock_ahead(GOOD_S)
        with nobody_gets_in(service):
            assert knock(door, genuine_knock(door, late_call, late_token, dice)[1]) == OUT
        assert service.server.has_said("an expired token")
    finally:
        service.put_clock_ahead(0)


def test_a_call_that_was_refused_has_no_second_try_on_its_socket(
    service: Service, dice: random.Random
) -> None:
    """And one that is in progress is not disturbed by a second start."""
    door = service.doors[0]
    (call, token), (other, other_token) = ring(door, dice), ring(door, dice)
    streams = sid("MZ", dice), sid("MZ", dice)
    messages = (start(call, token, streams[0]), start(other, other_token, streams[1]))
    assert knock(door, Knock(signature(door.signed_socket_url()), messages)) == IN
    assert service.server.has_said(f"WS_IGNORED sid={streams[0]} reason=second start")
    assert knock(door, genuine_knock(door, other, other_token, dice)[1]) == IN, "its token was not used"


def test_a_simulated_call_through_nginx(service: Service) -> None:
    """The simulator signs as Twilio does and follows the TwiML over https and wss, to the end of the call."""
    through = service.doors[1]
    trust = {"REQUESTS_CA_BUNDLE": through.authority, "WEBSOCKET_CLIENT_CA_BUNDLE": through.authority}
    words = ["--synthetic", "--say", "שלום", "--speak-first", "--hangup-after", "4", "--expect-turns", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "server.simulator", "--url", through.public, *words],
        cwd=ROOT,
        env=environment(TWILIO_AUTH_TOKEN=SECRET, NO_PROXY="localhost,127.0.0.1", **trust),
        capture_output=True,
        text=True,
        timeout=CALL_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + service.server.log[-3000:]


# ---- how many -----------------------------------------------------------------------------------


PATIENT = {"TWIML_PLAY_GREETING": "true"}  # a place waits longer for its socket, however slow this machine is


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two calls at once, and three a minute from one number in each worker's memory."""
    folder = tmp_path_factory.mktemp("doors") / "full"
    with served(folder, MAX_CALLS="2", CALLS_PER_CALLER_MIN="3", **PATIENT) as service:
        yield service


def kind_of(answer: requests.Response) -> str:
    """The verbs that the caller gets."""
    assert answer.status_code == 200, answer.text
    return " ".join(verb.tag for verb in ET.fromstring(answer.content))


def callers(door: Door, forms: list[Form]) -> list[requests.Response]:
    """What callers who ring at once are answered."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda form: send(door, genuine(door, form)), forms))


def answers_of_both(door: Door, dice: random.Random, **fields: str) -> list[requests.Response]:
    """New callers ring until both workers have answered, and a few at least."""
    answers: list[requests.Response] = []
    for _ in range(ROUNDS):
        answers += callers(door, [ringing(dice, **fields) for _ in range(AT_ONCE)])
        if len({answer.headers["X-Worker"] for answer in answers}) == 2:
            return answers
    raise AssertionError("one worker has answered everything")


def test_the_third_caller_of_two_is_told_that_we_are_busy(full: Service, dice: random.Random) -> None:
    """By either worker, while health is answered; and places come back."""
    door = full.doors[1]
    calls = [ring(door, dice), ring(door, dice)]
    answers = answers_of_both(door, dice)
    assert {kind_of(answer) for answer in answers} == {"Play Hangup"}
    assert all(f"{door.public}/media/busy.wav" in answer.text for answer in answers)
    assert send(door, Post("/healthz", {}, method="GET")).status_code == 200
    assert places(full) == 2
    assert knock(door, genuine_knock(door, *calls[0], dice)[1]) == IN  # its call is over with its socket
    ended = [("CallSid", calls[1][0]), ("CallStatus", "completed")]  # its socket never came
    assert kind_of(send(door, genuine(door, ended, "/webhook/stream_ended"))) == "Hangup"
    assert places(full) == 0
    assert kind_of(send(door, genuine(door, ringing(dice)))) == "Connect"


def test_unsigned_requests_use_up_nobodys_share(full: Service, dice: random.Random) -> None:
    """After many of them a caller still has three calls a minute, here of each worker."""
    door, me = full.doors[0], "+972521234567"
    taken = places(full)
    unsigned = [Post(RING, {}, {"data": ringing(dice, From=me)}) for _ in range(4 * AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert {answer.status_code for answer in pool.map(lambda post: send(door, post), unsigned)} == {403}
    assert places(full) == taken
    heard: Counter[str] = Counter()
    for _ in range(ROUNDS):
        answers = callers(door, [ringing(dice, From=me) for _ in range(AT_ONCE)])
        heard.update(answer.headers["X-Worker"] for answer in answers if kind_of(answer) != "Reject")
        if sorted(heard.values()) == [3, 3]:
            return
    raise AssertionError(heard)


def test_limits_that_two_workers_share(redis_url: str, tmp_path: Path, dice: random.Random) -> None:
    """REDIS_URL: three a minute from one number, five a second in all; who is too many is put through."""
    knobs = {"CALLS_PER_CALLER_MIN": "3", "CALLS_PER_SEC": "5", "OVERFLOW_NUMBER": "+97231112222"}
    with served(tmp_path / "shared", WORKER_CLASS="gthread", REDIS_URL=redis_url, **knobs) as service:
        door = service.doors[0]
        assert service.server.waits_for(lambda: service.server.log.count("ENGINES_WARM") == 2)
        began = time.monotonic()
        answers = answers_of_both(door, dice)
        seconds = math.ceil(time.monotonic() - began)
        kinds = Counter(map(kind_of, answers))
        assert set(kinds) == {"Connect", "Dial"} and 5 <= kinds["Connect"] <= 5 * (seconds + 1)
        assert all("+97231112222" in answer.text for answer in answers if kind_of(answer) == "Dial")
        one = answers_of_both(door, dice, From="+972521234567")
        assert sum(kind_of(answer) != "Reject" for answer in one) == 3
    # A worker that loads its models may wait 0.5 s for a Redis in vain.
    log = service.server.log.split("ENGINES_WARM", 2)[2]
    assert "LIMITS_ERR" not in log and "LEDGER_ERR" not in log


@pytest.mark.parametrize("store", ["file", "redis"])
def test_one_caller_has_one_share_of_two_workers(
    store: str, tmp_path: Path, dice: random.Random, request: pytest.FixtureRequest
) -> None:
    """R7: whichever is asked; who hides a number shares with all who do, and the others have the rest."""
    url = request.getfixturevalue("redis_url") if store == "redis" else ""
    limits = {"MAX_CALLS": "12", "CALLS_PER_CALLER_AT_ONCE": "2", "HIDDEN_CALLS_PERCENT": "50"}
    with served(tmp_path / "share", REDIS_URL=url, **limits, **PATIENT) as service:
        door, me = service.doors[0], "+972521234567"
        forms = [ringing(dice, From=me) for _ in range(6)]
        answers = callers(door, forms)
        assert Counter(map(kind_of, answers)) == {"Connect": 2, "Reject": 4}
        hidden = answers_of_both(door, dice, From="+266696687")
        assert Counter(map(kind_of, hidden))["Connect"] == 6
        assert kind_of(send(door, genuine(door, ringing(dice)))) == "Connect"
        over = next(
            dict(form)["CallSid"]
            for form, answer in zip(forms, answers, strict=True)
            if b"Connect" in answer.content
        )
        ended = [("CallSid", over), ("CallStatus", "completed")]
        assert send(door, genuine(door, ended, "/webhook/stream_status")).status_code == 204
        again = callers(door, [ringing(dice, From=me) for _ in range(6)])
        assert Counter(map(kind_of, again)) == {"Connect": 1, "Reject": 5}
        kept = b"".join(file.read_bytes() for file in (tmp_path / "share").glob("agent.db*"))
        assert me[4:].encode() not in kept and (store == "redis" or b"share:" in kept)
    assert service.server.has_said("reject limit=CALLS_PER_CALLER_AT_ONCE")
    assert service.server.has_said("reject limit=HIDDEN_CALLS_PERCENT")
    assert "LEDGER_ERR" not in service.server.log
