"""The floor that a call's cost is compared with: stock flask-sock that decodes each frame and answers it.

No conversation: JSON, base64, energy, and a ``media`` message back for each that came. Served by
stock gunicorn with ``bench/bare_conf.py``; ``bench.calls`` rings here as it does at our own server.
"""

import json
from audioop import rms, ulaw2lin
from base64 import b64decode, b64encode

from flask import Flask, Response, request
from flask_sock import Sock
from simple_websocket import Server
from twilio.twiml.voice_response import Connect, VoiceResponse

from server.simulator.call import SUBPROTOCOL

LOUD_RMS = 200

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": [SUBPROTOCOL]}
sock = Sock(app)


@app.get("/healthz")
def healthz() -> str:
    return "ok"


@app.post("/webhook/incoming_call")
def incoming_call() -> Response:
    twiml, connect = VoiceResponse(), Connect()
    connect.stream(url=f"wss://{request.host}/ws")
    twiml.append(connect)
    return Response(str(twiml), mimetype="text/xml")


@sock.route("/ws")
def media(ws: Server) -> None:
    sid, loud = "", 0
    while True:
        message = json.loads(ws.receive())
        match message["event"]:
            case "start":
                sid = message["start"]["streamSid"]
            case "media":
                mulaw = b64decode(message["media"]["payload"])
                loud += rms(ulaw2lin(mulaw, 2), 2) > LOUD_RMS
                payload = b64encode(mulaw).decode("ascii")
                ws.send(json.dumps({"event": "media", "streamSid": sid, "media": {"payload": payload}}))
            case "stop":
                return
