"""A host whose ``respond`` keeps everybody waiting, and that burns CPU when it is asked to."""

import time

from flask import Flask

from server.app import phone_agent, set_up_logging
from server.config import load_config_to_start


def asks_the_crm(text: str) -> str:
    """Holds the GIL, and the hub, for about a second: it computes in C, and nobody else runs meanwhile."""
    sum(range(4 * 10**7))
    return "הכול רשום, תודה."


def burn(seconds: str) -> str:
    """All the CPU there is, and everybody else runs in between."""
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        sum(range(10**4))
        time.sleep(0)
    return "burnt"


def create_app() -> Flask:
    config = load_config_to_start()
    set_up_logging(config.log_level)
    app = Flask(__name__)
    blueprint, sock = phone_agent(config, respond=asks_the_crm)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    app.add_url_rule("/burn/<seconds>", view_func=burn)
    return app
