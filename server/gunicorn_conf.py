"""gunicorn's settings, from the knobs: ``gunicorn -c server/gunicorn_conf.py 'server.app:create_app()'``."""

import errno
import gc
import mmap
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize
from gunicorn.systemd import listen_fds

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # gunicorn reads this before it looks around

from server.admission import load_board  # noqa: E402
from server.admission.drain import CUT_S, FAREWELL_S, LINGER_S, follow_signals  # noqa: E402
from server.config import EXTENSION, Config, KnobError, env_file_remarks, load_config_to_start  # noqa: E402
from server.going_live import missing_to_go_live  # noqa: E402
from server.logs.rate_limited import OnceIn  # noqa: E402
from server.logs.writer import last_words  # noqa: E402
from server.metrics import shared_folder  # noqa: E402
from server.pages.kinds import Kind, kind_of  # noqa: E402
from server.providers.registry import chosen_llm, chosen_stt, chosen_tts  # noqa: E402
from server.runtime.cores import allowed_cores  # noqa: E402
from server.runtime.dns import bound_look_ups  # noqa: E402
from server.runtime.private_files import OTHERS  # noqa: E402
from server.runtime.threads import Threads  # noqa: E402
from server.runtime.web_server import LOOPBACK_NAMES, SPARE_THREADS  # noqa: E402
from server.settings.own_files import forget_files  # noqa: E402
from server.settings.startup_checks import (  # noqa: E402
    kept_words,
    memory_limit_mb,
    tried_files,
    why_not_written,
    why_too_little_memory,
)
from server.settings.url_secrets import shown  # noqa: E402
from server.start_lines import limits_of_calls, too_many_workers  # noqa: E402

WARM_TIMEOUT_S = 20.0  # below ``timeout``: a worker that does not report for so long is killed
OTHERS_S = 0.1  # between two looks at them
LAST_ANSWERS_S = 4.0  # gunicorn's own way out, behind ours: connections that were kept alive
ASKED_EVERY_S = 1.0  # other hosts, by a worker that drains
MOST_PIECES = 100  # of a body that comes in chunks
IN_MEMORY = "/dev/shm"
# numpy would keep a thread for each core, with memory of its own, for matrices that nobody multiplies.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _load_or_exit() -> Config:
    try:
        return load_config_to_start()
    except KnobError as error:
        sys.exit(str(error))


_config = _load_or_exit()

bind = (
    f"[{_config.listen_host}]:{_config.port}"
    if ":" in _config.listen_host
    else f"{_config.listen_host}:{_config.port}"
)
worker_class = (
    "server.runtime.gunicorn_gthread.Worker" if _config.worker_class == "gthread" else _config.worker_class
)
workers = _config.web_concurrency
threads = max(_config.threads, _config.most_calls + SPARE_THREADS)  # gthread: a call holds one
# Far above the number of calls, so that it is never the socket queue that turns a caller away.
worker_connections = max(1000, 2 * _config.most_calls)
timeout = 30  # a watchdog over the worker, not over a request
# A worker shows that it lives by touching a file each second, under gevent in its hub: on a disk that hangs
# that is a silence in all its calls. And where none can be made, on a disk that is full or read-only, no
# worker takes the place of one that has died: gunicorn ends, and every other worker's calls with it.
worker_tmp_dir = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None
# From SIGTERM until the master kills; what we do takes less, and with DRAIN_SEC=15 a host that kills after
# 30 s sees no call of ours.
graceful_timeout = int(_config.drain_sec + FAREWELL_S + CUT_S + LINGER_S + LAST_ANSWERS_S)
# Twilio's requests have some 15 headers, and a proxy adds as many. gunicorn's own limits, 100 of 8 KB, are
# 70 ms of work for every request; these are 2.
limit_request_fields = 50
limit_request_field_size = 2048
max_requests = 0  # recycling a worker would cut its calls
preload_app = False  # models, clients and threads belong to the worker, made after gevent has patched
logger_class = "server.logs.gunicorn_log.GunicornLogger"  # one format for all lines
control_socket_disable = True  # a socket in the home folder that two servers would share


def on_starting(server: Any) -> None:
    """Say what is in use and what is missing, once, before the workers start; or why there is no listening.

    gunicorn would say that it serves, and then try for five seconds, in four lines each.
    """
    inherited = server.master_pid or listen_fds(unset_environment=False)  # USR2's, systemd's
    for address in server.cfg.address if not inherited else ():
        if why := why_not_bound(*address[:2]) if isinstance(address, tuple) else "":
            sys.exit(why)
    for line in summary(_config):
        print(line, flush=True)
    load_board.make()
    if why := shared_folder.make():
        print(f"METRICS_ERR each worker counts for itself: {why}", flush=True)


def on_exit(server: Any) -> None:
    """The master ends, behind all its workers."""
    shared_folder.remove()


def pre_fork(server: Any, worker: Any) -> None:
    """The worker will count in the files of one that is dead, or in new ones."""
    worker.slot = shared_folder.free_slot(elder.slot for elder in server.WORKERS.values())
    # What is loaded here is every worker's: one that looked through it for garbage would get a copy of it.
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """What it had going on is not any more."""
    shared_folder.forget(worker.slot)


def when_ready(server: Any) -> None:
    """SIGHUP with settings that cannot be right changes nothing.

    gunicorn would read them, end in the middle of it, and cut every call.
    """
    reload = server.handle_hup

    def handle_hup() -> None:
        forget_files()  # what the workers would be born with
        try:
            load_config_to_start()
        except KnobError as error:
            server.log.error("RELOAD_REFUSED all goes on as before: %s", error)
        else:
            reload()

    server.handle_hup = handle_hup
    server.host_ends = mmap.mmap(-1, 1)  # a byte that the workers see
    end = server.handle_term

    def handle_term() -> None:
        server.host_ends[0] = 1
        end()

    server.handle_term = handle_term


def relieved_by(others: Callable[[], bool], host_ends: Sequence[int]) -> Callable[[], bool]:
    """Whether a worker that drains may stop listening: its host ends, and ``others()`` take its calls.

    In a reload its successors are not warm yet, and nobody would answer what Twilio asks meanwhile. Where the
    host ends, whoever balances finds the others as soon as nobody listens here.
    """
    asks = OnceIn(ASKED_EVERY_S)
    return lambda: bool(host_ends[0]) and asks.due("others") and others()


def why_not_bound(host: str, port: int) -> str:
    """Why nobody can listen there now, and what to do; "" when it can be done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return (
                f"port {port} is in use, maybe by this server: stop what uses it, or set PORT to another one"
            )
        if error.errno == errno.EACCES:
            return f"port {port} is not for this user: set PORT=5000, say, and put a proxy in front"
        if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
            return f"BIND_HOST={host} is no address of this machine"
        return f"BIND_HOST={host} PORT={port} cannot be listened on: {error.strerror}"
    return ""


def post_fork(server: Any, worker: Any) -> None:
    """Remember who was there before. Until gunicorn has set its handlers, a signal ends the worker at once.

    The master's handlers are inherited: they keep the signal for a master that is not there. One that came
    while gevent patches, for half a second, was lost, and the worker lived until ``graceful_timeout``.
    """
    os.umask(OTHERS)
    if why := shared_folder.take(worker.slot):
        print(f"METRICS_ERR this worker counts for itself: {why}", flush=True)
    load_board.take(worker.slot)
    worker.elders = tuple(server.WORKERS)
    # Who answers until it is warm; behind USR2 the old master's workers do.
    worker.beside = (*worker.elders, *([server.master_pid] if server.master_pid else []))
    worker.host_ends = server.host_ends
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _leave(*_: object) -> None:
    """No call has been let in, and a model that loads on a thread waits for nobody."""
    last_words()
    os._exit(0)


def end_worker(worker: Any, service: Any) -> None:
    """As gunicorn does; a model that still loads is not waited for, unless a call was let in meanwhile."""
    if service.warming and not service.gate.live():
        _leave()
    worker.handle_exit(signal.SIGTERM, None)


def _warm_while_others_answer(service: Any, others: Sequence[int]) -> bool:
    """Take no connection before this worker is warm, as long as others do.

    One that is alone, or whose elders have left with their last calls, answers at once, and lets calls wait
    (``Service.wait_while_warming``). False: it took too long. ``others``: process ids.
    """
    deadline = time.monotonic() + WARM_TIMEOUT_S
    while any(map(_lives, others)) and not service.wait_until_warm(OTHERS_S):
        if time.monotonic() > deadline:
            return False
    return True


def _lives(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def _settle() -> None:
    """What was loaded stays: a collection in the middle of a call need not look through it again."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """Load engines before the worker's first call; one that hangs delays it by no more than that.

    And see to it that SIGTERM breaks no call off.
    """
    from server.logs.events import log_uncaught  # of the worker's: the master does without it

    interrupted = signal.signal(signal.SIGINT, _leave)  # gunicorn's way out would be a traceback here
    signal.signal(signal.SIGTERM, _leave)
    if not worker.alive:  # it came while the application was imported
        _leave()
    threading.excepthook = log_uncaught
    bound_look_ups()
    service = worker.wsgi.extensions[EXTENSION]
    service.begin_warming(_settle, serving=True)
    if not _warm_while_others_answer(service, worker.beside):
        worker.log.warning("engines are not warm after %.0f s: the first calls may wait", WARM_TIMEOUT_S)
    signal.signal(signal.SIGINT, interrupted)
    # gunicorn's own handler stops accepting at once: nobody would tell Twilio what follows on a call that was
    # handed over, and new callers would hear an error. The master has closed its listeners by then, but
    # every worker has a copy of them. So drain first, then end as gunicorn does.
    end = partial(end_worker, worker, service)
    relieved = relieved_by(service.gate.others_take_calls, worker.host_ends)
    worker.drain = service.drain(finished=end)
    follow_signals(worker.drain, Threads(), give_way=end, relieved=relieved)
    # After a reload (SIGHUP) the elders drain: from now on calls are for us.
    for elder in worker.elders:
        with suppress(ProcessLookupError):
            os.kill(elder, signal.SIGURG)


def pre_request(worker: Any, request: Any) -> None:
    """A connection that has brought a body brings no other request, and its body is not in crumbs.

    gunicorn would read on until the body that nobody wanted is over, however long it is, and let nobody else
    run meanwhile.
    """
    if _has_body(request.headers):
        request.force_close()
    reader = getattr(request.body, "reader", None)
    if isinstance(reader, ChunkedReader) and reader.parser is not None:
        reader.parser = _few(reader.parser)


def _few(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A body in chunks of one byte is 40 ms of work; a proxy that does not know the length sends a few."""
    for number, piece in enumerate(pieces):
        if number == MOST_PIECES:
            raise InvalidChunkSize(b"too small")
        yield piece


def _has_body(headers: Sequence[tuple[str, str]]) -> bool:
    return any(
        name == "TRANSFER-ENCODING" or (name == "CONTENT-LENGTH" and value != "0") for name, value in headers
    )


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Let others run: what has come in one go would be answered in one go, thousands of requests of it."""
    time.sleep(0)


def worker_exit(server: Any, worker: Any) -> None:
    """A worker that has given way ends with its last call; what goes on behind that is waited for."""
    if drain := getattr(worker, "drain", None):  # None: it was still starting
        drain.wait_until_over(LINGER_S + LAST_ANSWERS_S)


def worker_int(worker: Any) -> None:
    """Ctrl-C: gunicorn waits for nobody, but gthread's threads end only with their calls."""
    app = getattr(worker, "wsgi", None)  # None: it was still starting
    for call in app.extensions[EXTENSION].gate.live() if app is not None else ():
        call.cut()


def summary(config: Config) -> list[str]:
    """What a person who starts the server wants to know, a line each."""
    lines = [
        f"engines: STT {', '.join(chosen_stt(config))}; LLM {', '.join(chosen_llm(config))}; "
        f"TTS {', '.join(chosen_tts(config))}",
        f"serving on {bind}, {workers} {config.worker_class} worker(s), WebSocket {config.websocket_engine}",
        f"pages: {where_pages_are(config)}",
        *(f"limit: {limit}" for limit in limits_of_calls(config, threads)),
        *(f"workers: {why}" for why in too_many_workers(config, allowed_cores())),
        *kept_words(config),
        *env_file_remarks(),
        *(f"OPEN: {danger}" for danger in [*open_doors(config), *beside_the_proxy(config)]),
        *(f"workers disagree: {why}" for why in disagreements(config)),
        *(f"ERROR: {tried}" for tried in tried_files(config) if tried.problem and tried.knob != "STATE_FILE"),
        *(f"memory: {why}" for why in [why_too_little_memory(config, memory_limit_mb())] if why),
        *(f"to go live: {missing.en}" for missing in missing_to_go_live(config)),
    ]
    return lines


def where_pages_are(config: Config) -> str:
    """The URL of the first page, and who may see it."""
    if not config.pages:
        return "none, by PAGES=false"
    kind = kind_of(config)
    if kind is Kind.SHUT:
        return str(kind.value)
    known = config.public_base_url or (f"https://{config.public_host}" if config.public_host else "")
    return f"{shown(known or f'http://localhost:{config.port}').rstrip('/')}/, {kind.value}"


def open_doors(config: Config) -> list[str]:
    """Who could get in that is not Twilio."""
    if config.twilio_auth_token.get_secret_value():
        return []
    published = (
        config.public_base_url or config.public_host
    )  # by a proxy, though we listen to this machine only
    alone = config.listen_host in LOOPBACK_NAMES and not published
    reached_by = "this machine" if alone else "WHOEVER FINDS THIS ADDRESS"
    return [f"TWILIO_AUTH_TOKEN is unset, so webhooks and calls of {reached_by} are taken for Twilio's"]


def beside_the_proxy(config: Config) -> list[str]:
    """Who could get in without passing the proxy's limits. Who says BIND_HOST=0.0.0.0 has heard of it."""
    proxied = config.public_base_url.startswith("https://") or config.public_host
    if config.bind_host or config.listen_host in LOOPBACK_NAMES or not proxied:
        return []
    return [
        f"port {config.port} is reached beside the proxy: set BIND_HOST=127.0.0.1 if it is on this machine, "
        "and 0.0.0.0 in a container or on a platform"
    ]


def disagreements(config: Config) -> list[str]:
    """Why one process would not know what another has decided about a call."""
    if config.redis_url.get_secret_value():
        return []
    if not config.state_file:
        several = config.web_concurrency > 1
        return ["set STATE_FILE, or REDIS_URL for several hosts"] if several else []
    why = why_not_written(config.state_file)
    return [f"STATE_FILE {why}"] if why else []
