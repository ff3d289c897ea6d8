"""gunicorn's settings, from the knobs: ``gunicorn -c server/gunicorn_conf.py 'server.app:create_app()'``."""

import gc
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # gunicorn reads this before it looks around

from server.config import Config, KnobError, load_config, unknown_in_env_file  # noqa: E402
from server.engines.registry import chosen_ears, chosen_minds, chosen_voices  # noqa: E402

WARM_TIMEOUT_S = 20.0  # below ``timeout``: a worker that does not report for so long is killed
EXTENSION = "phone_agent"


def _load_or_exit() -> Config:
    try:
        return load_config()
    except KnobError as error:
        sys.exit(str(error))


_config = _load_or_exit()

bind = (
    f"[{_config.bind_host}]:{_config.port}"
    if ":" in _config.bind_host
    else f"{_config.bind_host}:{_config.port}"
)
worker_class = _config.worker_class
workers = _config.web_concurrency
threads = _config.threads  # gthread: a call holds one
# gevent: far above any number of calls, so that it is never the socket queue that turns a caller away.
worker_connections = 1000
timeout = 30  # a watchdog over the worker, not over a request
graceful_timeout = 25  # calls may end; hosts kill after 30
max_requests = 0  # recycling a worker would cut its calls
preload_app = False  # models, clients and threads belong to the worker, made after gevent has patched
control_socket_disable = True  # a socket in the home folder that two servers would share


def on_starting(server: Any) -> None:
    """Say what is in use and what is missing, once, before the workers start."""
    for line in summary(_config):
        print(line, flush=True)


def post_worker_init(worker: Any) -> None:
    """Load engines before the worker takes its first call; one that hangs delays it by no more than that."""
    house = worker.wsgi.extensions[EXTENSION]
    house.begin_warming()
    if not house.wait_until_warm(WARM_TIMEOUT_S):
        worker.log.warning("engines are not warm after %.0f s: the first calls may wait", WARM_TIMEOUT_S)
    # What was loaded stays: a collection in the middle of a call need not look through it again.
    gc.collect()
    gc.freeze()


def summary(config: Config) -> list[str]:
    """What a person who starts the server wants to know, a line each."""
    lines = [
        f"engines: ears {', '.join(chosen_ears(config))}; mind {', '.join(chosen_minds(config))}; "
        f"voice {', '.join(chosen_voices(config))}",
        f"serving on {bind}, {workers} {worker_class} worker(s)",
        *(f".env: {name} is no knob of ours" for name in unknown_in_env_file()),
        *(f"to go live: {missing}" for missing in missing_to_go_live(config)),
    ]
    return lines


def missing_to_go_live(config: Config) -> list[str]:
    """What stands between this configuration and real callers."""
    missing = []
    if not (config.public_base_url or config.public_host):
        missing.append("set PUBLIC_BASE_URL (https://…) to where Twilio reaches this server")
    elif config.public_base_url.startswith("http://"):
        missing.append("PUBLIC_BASE_URL must be https://: Twilio opens only wss:// streams")
    ears, minds, voices = chosen_ears(config), chosen_minds(config), chosen_voices(config)
    if "embedded" in (ears[0], minds[0], voices[0]):
        missing.append(
            "embedded engines are for trying out: set OPENAI_API_KEY, and GOOGLE_APPLICATION_CREDENTIALS "
            "for Google's ears and voice, then run ./start_all.sh check"
        )
    if "scripted" in ears + minds + voices:
        missing.append("scripted engines are for tests: they do not listen")
    missing.append(
        "WEBHOOKS ARE NOT AUTHENTICATED YET: whoever finds this address can place calls on it; "
        "do not leave it open to the internet"
    )
    return missing
