"""What nobody has signed: what a request costs, and whether a call notices fifty of them a second.

``python -m bench.unsigned [--rate 50] [--through nginx|straight|both] [--worker-class …]``: a server of
one worker; through nginx as docs/live.md configures it (needs ``nginx``), or straight. Some two minutes each.

First every kind is sent alone, and costs so many ms of the worker's CPU a request. Then the dearest of them
is sent at ``--rate`` for five seconds, five seconds not, and so on, with a call on. ``p99``: how late a frame
of the call that is due would go out, by a 20 ms ticker in the worker, without and with the load, in one run.
Exit status 1 when the load moves it by 20 ms or more, or the call hears a gap above 400 ms.
"""

import argparse
import socket
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from bench.chaos_service import signing
from bench.ticker import percentile
from bench.unsigned_kinds import KINDS, Kind
from bench.watched import ALLOWED_GAP_MS, CLASSES, Watched, latenesses_ms, watched
from tests.servers.nginx import HOST, Place, free_place, proxied

RATE, ROUNDS, ROUND_S = 50.0, 3, 5.0
ALLOWED_MS = 20.0
TRIES = 40
ANSWER_S = 10.0
WAYS = ("straight", "nginx")
AT_ONCE = 64

Send = Callable[[Kind], int]  # the status of its first answer; 0: none


def sender(port: int, tls: ssl.SSLContext | None) -> Send:
    """A new connection a send, as a stranger's many machines make."""

    def send(kind: Kind) -> int:
        try:
            with socket.create_connection(("127.0.0.1", port), ANSWER_S) as plain:
                with closing(tls.wrap_socket(plain, server_hostname=HOST) if tls else plain) as sock:
                    sock.sendall(kind.data)
                    return _status(sock, kind.requests)
        except OSError:  # it has heard enough
            return 0

    return send


def _status(sock: socket.socket, answers: int) -> int:
    """Of the first of so many answers, once all have come."""
    data = b""
    while data.count(b"HTTP/1.1 ") < answers:
        piece = sock.recv(1 << 16)
        if not piece:
            break
        data += piece
    return int(data[9:12]) if data.startswith(b"HTTP/1") else 0


@contextmanager
def through(way: str, server: Watched, folder: Path) -> Iterator[Send]:
    port = int(server.server.address.partition(":")[2])
    place: Place = free_place()
    with (
        proxied(server.server.address, place, folder / "nginx")
        if way == "nginx"
        else nullcontext() as authority
    ):
        tls = ssl.create_default_context(cafile=str(authority)) if authority else None
        yield sender(int(place.port) if tls else port, tls)


def costs(server: Watched, send: Send) -> dict[Kind, tuple[int, float]]:
    """The status, and ms of the worker's CPU a request, of every kind."""
    found = {}
    for kind in KINDS:
        sends = max(1, TRIES // kind.requests)
        status, before = send(kind), server.cpu_s()
        for _ in range(sends):
            send(kind)
        found[kind] = (status, (server.cpu_s() - before) * 1000 / (sends * kind.requests))
    return found


def load(send: Send, kind: Kind, rate: float, seconds: float) -> Counter[int]:
    """Statuses of what was sent meanwhile at ``rate`` requests a second; all have been answered."""
    statuses: Counter[int] = Counter()
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(round(rate * seconds / kind.requests)):
            time.sleep(max(0.0, began + number * kind.requests / rate - time.monotonic()))
            pool.submit(lambda: statuses.update([send(kind)]))
    return statuses


def measure(worker_class: str, way: str, rate: float) -> bool:
    """Print all of it; whether the call notices nothing."""
    with tempfile.TemporaryDirectory() as place, signing():
        folder = Path(place)
        with watched(folder, worker_class, says_s=90.0) as server, through(way, server, folder) as send:
            found = costs(server, send)
            print(f"{worker_class}, {way}: ms of CPU a request")
            for kind, (status, cpu_ms) in found.items():
                print(f"  {kind.name:30}{len(kind.data) // kind.requests:8} bytes{status:5}{cpu_ms:8.2f} ms")
            dearest = max(found, key=lambda kind: found[kind][1])
            with server.beside() as beside:
                late: dict[bool, list[float]] = {False: [], True: []}
                statuses: Counter[int] = Counter()
                for number in range(2 * ROUNDS):
                    loaded, since = bool(number % 2), time.monotonic()
                    if loaded:
                        statuses += load(send, dearest, rate, ROUND_S)
                    else:
                        time.sleep(ROUND_S)
                    time.sleep(1.0)  # the ticker keeps half a second to itself
                    late[loaded] += latenesses_ms(server.ticks, since, time.monotonic() - 1.0)
                noticed = beside.end()
    without, with_load = (percentile(sorted(late[loaded]), 0.99) for loaded in (False, True))
    moved = with_load - without
    ok = moved < ALLOWED_MS and noticed.gap_ms <= ALLOWED_GAP_MS and not noticed.cut
    print(
        f"  {rate:g} a second of {dearest.name!r}, answered {dict(statuses)}: p99 {without:.1f} ms without,"
    )
    print(f"  {with_load:.1f} ms with it, moved by {moved:.1f} ms; {'ok' if ok else 'BROKEN'}")
    print(f"  the call: {noticed}", flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second")
    parser.add_argument("--through", choices=(*WAYS, "both"), default="both")
    parser.add_argument("--worker-class", choices=(*CLASSES, "both"), default="both")
    words = parser.parse_args()
    well = [
        measure(worker_class, way, words.rate)
        for worker_class in (CLASSES if words.worker_class == "both" else (words.worker_class,))
        for way in (WAYS if words.through == "both" else (words.through,))
    ]
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
