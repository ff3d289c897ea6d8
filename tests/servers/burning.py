"""A host whose ``respond`` keeps everybody waiting, and that burns CPU when it is asked to."""

import os
import time
from pathlib import Path

from flask import Flask

from server.app import phone_agent, set_up_logging
from server.config import load_config_to_start

SIZES = (*[4 * 10**5] * 100, 4 * 10**7)
LONGEST_S = 60.0


def asks_the_crm(text: str) -> str:
    """Holds the hub for two seconds; in the second one it computes in C, and no other thread runs either."""
    for size in SIZES:
        sum(range(size))
    return "הכול רשום, תודה."


def burn() -> str:
    """All the CPU there is, in pieces for which everybody else waits, as long as there is the file BURNS."""
    burns, until = Path(os.environ["BURNS"]), time.monotonic() + LONGEST_S
    while burns.exists() and time.monotonic() < until:
        sum(range(4 * 10**6))
        time.sleep(0)
    return "burnt"


def create_app() -> Flask:
    config = load_config_to_start()
    set_up_logging(config.log_level)
    app = Flask(__name__)
    blueprint, sock = phone_agent(config, respond=asks_the_crm)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    app.add_url_rule("/burn", view_func=burn)
    return app
