"""Thousands of forged requests and sockets, and hundreds of genuine ones: who gets in, by kind.

``python -m bench.doors [SEED]``: gevent and gthread, two workers each, straight and through nginx.
Exit status 1 unless no forged one is accepted and no genuine one refused.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.options import options
from server.telephony.signature import GOOD_S
from tests.servers.doors import (
    RING,
    Door,
    Knock,
    Service,
    genuine,
    knock,
    ring,
    ringing,
    send,
    served,
    sid,
    signature,
    token_of,
)
from tests.servers.forged import (
    FORGED_HANDSHAKES,
    FORGED_STARTS,
    FORGED_WEBHOOKS,
    forged_knock,
    genuine_knock,
)

AT_ONCE = 12
GENUINE, FORGED_POSTS, FORGED_SOCKETS, RACES, RACERS = 50, 25, 12, 5, 20  # of each kind, a door
PREFIXES = {"gevent": "", "gthread": "/agent"}
OUT = 1008
STATUS = "/webhook/stream_status/"

Try = Callable[[int], bool]  # a seed → whether it got in


def rung(door: Door, seed: int, path: str) -> bool:
    form = ringing(random.Random(seed))
    return send(door, genuine(door, form, path)).status_code in (200, 204)


def posted(door: Door, seed: int, kind: str) -> bool:
    answer = send(door, FORGED_WEBHOOKS[kind](door, random.Random(seed)))
    return answer.status_code < 400 or "<Response" in answer.text


def came(service: Service, door: Door, stream: str, asked: Knock) -> bool:
    """The log says who was let in; whoever was not has been told so."""
    code = knock(door, asked)
    let_in = f"WS_START sid={stream}" in service.server.log
    assert let_in or code == OUT, f"refused with {code}"
    return let_in


def called(service: Service, door: Door, seed: int) -> bool:
    dice = random.Random(seed)
    return came(service, door, *genuine_knock(door, *ring(door, dice), dice))


def shook(service: Service, door: Door, seed: int, kind: str) -> bool:
    dice = random.Random(seed)
    return came(service, door, *forged_knock(kind, door, *ring(door, dice), dice))


def spoke(service: Service, door: Door, seed: int, kind: str) -> bool:
    dice = random.Random(seed)
    call, token = ring(door, dice)
    stream = sid("MZ", dice)
    messages = FORGED_STARTS[kind](call, token, ring(door, dice)[1], stream, dice)
    return came(service, door, stream, Knock(signature(door.signed_socket_url()), messages))


def replayed(service: Service, door: Door, seed: int, kind: str) -> bool:
    """After its own call is over: the token again, or the whole webhook again and the token it then gives."""
    dice = random.Random(seed)
    form = ringing(dice)
    call, asked = dict(form)["CallSid"], genuine(door, form)
    token = token_of(send(door, asked))
    assert came(service, door, *genuine_knock(door, call, token, dice))
    if kind == "the webhook again":
        token = token_of(send(door, asked))
    return came(service, door, *genuine_knock(door, call, token, dice))


def kinds(service: Service, door: Door) -> dict[str, tuple[int, Try]]:
    """What to try: its name, how often, and how. The genuine ones have names of their own."""
    tries: dict[str, tuple[int, Try]] = {
        f"genuine {RING}": (2 * GENUINE, lambda seed: rung(door, seed, RING)),
        f"genuine {STATUS}": (GENUINE, lambda seed: rung(door, seed, STATUS)),
        "genuine socket": (GENUINE, lambda seed: called(service, door, seed)),
    }
    for kind in FORGED_WEBHOOKS:
        tries[f"webhook: {kind}"] = (FORGED_POSTS, partial(posted, door, kind=kind))
    for kind in FORGED_HANDSHAKES:
        tries[f"handshake: {kind}"] = (FORGED_SOCKETS, partial(shook, service, door, kind=kind))
    for kind in FORGED_STARTS:
        tries[f"start: {kind}"] = (FORGED_SOCKETS, partial(spoke, service, door, kind=kind))
    tries["start: never sent"] = (FORGED_SOCKETS, partial(silent, service, door))
    for kind in ("the token again", "the webhook again"):
        tries[f"replay: {kind}"] = (FORGED_SOCKETS, partial(replayed, service, door, kind=kind))
    return tries


def silent(service: Service, door: Door, seed: int) -> bool:
    """A handshake that Twilio has signed, and an empty message: the server waits five seconds for more."""
    return came(service, door, "nobody's", Knock(signature(door.signed_socket_url()), (), last=""))


def raced(service: Service, door: Door, seed: int, pool: ThreadPoolExecutor) -> list[bool]:
    """Many sockets with one token."""
    dice = random.Random(seed)
    call, token = ring(door, dice)
    knocks = [genuine_knock(door, call, token, dice) for _ in range(RACERS)]
    return list(pool.map(lambda asked: came(service, door, *asked), knocks))


def expired(service: Service, door: Door, seed: int, pool: ThreadPoolExecutor) -> list[bool]:
    dice = random.Random(seed)
    calls = [ring(door, dice) for _ in range(FORGED_SOCKETS)]
    service.put_clock_ahead(GOOD_S)
    late = [genuine_knock(door, *call, dice) for call in calls]
    got_in = list(pool.map(lambda asked: came(service, door, *asked), late))
    service.put_clock_ahead(0)
    return got_in


def recorded(service: Service, door: Door, seed: int, pool: ThreadPoolExecutor) -> list[bool]:
    """Genuine webhooks, sent again when they are a minute old."""
    dice = random.Random(seed)
    asked = [genuine(door, ringing(dice)) for _ in range(FORGED_POSTS)]
    assert all(send(door, post).status_code == 200 for post in asked)
    service.put_clock_ahead(GOOD_S)
    accepted = list(pool.map(lambda post: send(door, post).status_code != 403, asked))
    service.put_clock_ahead(0)
    return accepted


class Table:
    """Kind → tried and accepted."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()

    def add(self, kind: str, got_in: Iterable[bool]) -> None:
        for one in got_in:
            self.tried[kind] += 1
            self.accepted[kind] += one

    def wrong(self, kind: str) -> int:
        refused = self.tried[kind] - self.accepted[kind]
        return refused if kind.startswith("genuine") else self.accepted[kind]

    def print(self) -> bool:
        """Whether nothing is wrong."""
        print(f"{'kind':44}{'tried':>7}{'accepted':>10}{'refused':>9}")
        for kind, tried in self.tried.items():
            accepted, mark = self.accepted[kind], "  WRONG" if self.wrong(kind) else ""
            print(f"{kind:44}{tried:7}{accepted:10}{tried - accepted:9}{mark}")
        for name, of in (("genuine", True), ("forged", False)):
            chosen = [kind for kind in self.tried if kind.startswith("genuine") == of]
            tried, accepted = (sum(count[kind] for kind in chosen) for count in (self.tried, self.accepted))
            print(f"{name + ' in all':44}{tried:7}{accepted:10}{tried - accepted:9}")
        return not any(map(self.wrong, self.tried))


def try_all(service: Service, table: Table, dice: random.Random) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(RACERS) as racers:
        for door in service.doors:
            for kind, (times, one) in kinds(service, door).items():
                table.add(kind, pool.map(one, [dice.getrandbits(64) for _ in range(times)]))
            for _ in range(RACES):
                got_in = raced(service, door, dice.getrandbits(64), racers)
                table.add("genuine socket, of a race", [any(got_in)])
                table.add("race: all but one", sorted(got_in)[: RACERS - 1])
            table.add("start: an expired token", expired(service, door, dice.getrandbits(64), pool))
            table.add("webhook: a minute old", recorded(service, door, dice.getrandbits(64), pool))


def main(seed: int) -> int:
    table, dice = Table(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for worker_class, prefix in PREFIXES.items():
            began = time.monotonic()
            with served(Path(folder) / worker_class, prefix, WORKER_CLASS=worker_class) as service:
                try_all(service, table, dice)
            said = [word for word in ("Traceback", "LEDGER_ERR") if word in service.server.log]
            took_s = time.monotonic() - began
            print(f"{worker_class}: {took_s:.0f} s; in its log: {', '.join(said) or 'no error'}", flush=True)
    return 0 if table.print() else 1


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=5)
    sys.exit(main(parser.parse_args().seed))
