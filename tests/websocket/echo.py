"""A server that echoes over the call's WebSocket: ``gunicorn tests.websocket.echo:app``.

It also only listens, and only talks: what that costs is measured by ``bench.websocket_cost``.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, Flask

from server.config import load_config
from server.telephony.socket_route import PhoneSock, Socket
from server.telephony.websocket import SOCKET_ENDED, put_on

PATH = "/echo"
BATCH, BATCH_S = 3, 0.06
MESSAGE = '{"event":"media","streamSid":"MZ","media":{"payload":"' + "f" * 216 + '"}}'


def echo(ws: Socket) -> None:
    with suppress(*SOCKET_ENDED):
        while True:
            if (message := ws.receive(5.0)) is not None:
                ws.send(message)  # type: ignore[arg-type]  # both take bytes too


def listen(ws: Socket) -> None:
    with suppress(*SOCKET_ENDED):
        while True:
            ws.receive(0.04)


def talk(ws: Socket) -> None:
    """Audio, three frames at once, at the pace of a call. A call's own thread listens beside."""
    put, due = put_on(ws), time.monotonic()
    with suppress(*SOCKET_ENDED):
        while True:
            for _ in put([MESSAGE] * BATCH):
                pass
            due += BATCH_S
            time.sleep(max(0.0, due - time.monotonic()))


PATHS: dict[str, Callable[[Socket], None]] = {PATH: echo, "/listen": listen, "/talk": talk}


def create() -> Flask:
    app = Flask("echo")
    sock = PhoneSock(100, stock=load_config(_env_file=None).websocket_engine == "flask-sock")
    for path, serve in PATHS.items():
        blueprint = Blueprint(path.strip("/"), "echo")
        sock.route(path, blueprint)(serve)
        app.register_blueprint(blueprint)
    sock.init_app(app)
    return app


app = create()
