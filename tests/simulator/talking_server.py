"""A small server that holds a conversation of tones: enough agent to test the simulated caller on."""

import base64
import io
import json
import socket
import threading
import wave
from typing import Any

from flask import Flask, Response, request
from flask_sock import Sock
from werkzeug.serving import make_server

from server.audio.frames import level_rms, pcm16_to_mulaw
from server.simulator.sounds import synthetic_speech

PUBLIC_URL = "https://agent.example"
TWIML = """<Response><Connect action="/webhook/stream_ended">
<Stream url="wss://agent.example/ws/twilio-media" statusCallback="/webhook/stream_status">
<Parameter name="token" value="t0k3n"/></Stream></Connect></Response>"""
QUIET_FRAMES = 10  # silence that ends the caller's turn


class Agent:
    """Answers every stretch of voice with ``reply`` and stops when it is talked over.

    After ``replies`` replies (the greeting is one) it ends the call. Pure: a ``ServerSide``.
    """

    def __init__(self, reply: bytes, replies: int = 99) -> None:
        self.reply, self.replies, self.sid = reply, replies, ""
        self.voiced = self.quiet = 0
        self.speaking = self.closed = False
        self.messages: list[dict[str, Any]] = []
        self._out: list[str] = []

    def receive(self, text: str, now_s: float) -> list[str]:
        self.messages.append(message := json.loads(text))
        match message["event"]:
            case "start":
                self.sid = message["start"]["streamSid"]
                self.speak()
            case "mark":
                self.speaking = False
                self.closed = self.replies <= 0
            case "media":
                self.hear(base64.b64decode(message["media"]["payload"]))
            case "stop":
                self.closed = True
        out, self._out = self._out, []
        return out

    def advance(self, now_s: float) -> list[str]:
        return []

    def hear(self, mulaw: bytes) -> None:
        if level_rms(mulaw) > 300:
            self.voiced, self.quiet = self.voiced + 1, 0
        else:
            self.quiet += 1
        if self.speaking and self.voiced == 3:
            self.send("clear")
            self.speaking = False
        if self.voiced >= 5 and self.quiet == QUIET_FRAMES:
            self.voiced = 0
            self.speak()

    def speak(self) -> None:
        self.speaking = True
        self.replies -= 1
        self.send("clear")
        self.send("media", {"payload": base64.b64encode(self.reply).decode()})
        self.send("mark", {"name": "reply"})

    def send(self, event: str, body: dict[str, str] | None = None) -> None:
        self._out.append(
            json.dumps({"event": event, "streamSid": self.sid} | ({event: body} if body else {}))
        )


class TalkingServer:
    """Listens on a free loopback port until ``close``; ``requests`` and ``messages`` say what came in.

    ``documents`` are its TwiML by webhook name, ``statuses`` what it answers instead of 200 or 204.
    ``vanish``: the connection is lost as soon as the stream has begun; ``replies``: as for the agent.
    """

    def __init__(self, reply_s: float = 0.4) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []  # path, form, headers
        self.messages: list[dict[str, Any]] = []
        self.handshake: dict[str, str] = {}
        self.documents = {"incoming_call": TWIML, "stream_ended": "<Response><Hangup/></Response>"}
        self.statuses: dict[str, int] = {}
        self.vanish = False
        self.replies = 99
        self.reply = pcm16_to_mulaw(synthetic_speech(reply_s))
        self.app = app = Flask(__name__)
        app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": ["audio.twilio.com"]}
        sock = Sock(app)
        app.add_url_rule("/webhook/<name>", view_func=self._webhook, methods=["POST"])
        app.add_url_rule("/media/hello.wav", view_func=self._wav)
        sock.route("/ws/twilio-media")(self._media)
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _webhook(self, name: str) -> Response:
        self.requests.append((name, dict(request.form), dict(request.headers)))
        if name == "stream_status":
            return Response(status=self.statuses.get(name, 204))
        return Response(self.documents[name], mimetype="text/xml", status=self.statuses.get(name, 200))

    def _wav(self) -> Response:
        """200 ms of a tone."""
        file = io.BytesIO()
        with wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(8000)
            wav.writeframes(synthetic_speech(0.2))
        return Response(file.getvalue(), mimetype="audio/wav")

    def _media(self, ws: Any) -> None:
        self.handshake = dict(request.headers)
        if self.vanish:
            ws.receive()
            ws.sock.shutdown(socket.SHUT_RDWR)
            return
        agent = Agent(self.reply, self.replies)
        self.messages = agent.messages
        while not agent.closed:
            for text in agent.receive(ws.receive(), 0.0):
                ws.send(text)
