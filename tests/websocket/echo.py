"""A server that echoes over the call's WebSocket: ``gunicorn tests.websocket.echo:app``."""

from contextlib import suppress

from flask import Blueprint, Flask

from server.config import load_config
from server.telephony.socket_route import PhoneSock, Socket
from server.telephony.websocket import SOCKET_ENDED

PATH = "/echo"


def echo(ws: Socket) -> None:
    with suppress(*SOCKET_ENDED):
        while True:
            if (message := ws.receive(5.0)) is not None:
                ws.send(message)  # type: ignore[arg-type]  # both take bytes too


def create() -> Flask:
    app, blueprint = Flask("echo"), Blueprint("echo", "echo")
    sock = PhoneSock(100, stock=load_config(_env_file=None).websocket_engine == "flask-sock")
    sock.route(PATH, blueprint)(echo)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    return app


app = create()
