"""OpenAI's API on a loopback port: chat completions, transcriptions, speech, models, the Realtime API.

``python -m tests.cloud.openai [PORT]`` serves until its standard input ends, and prints its base URL.
"""

import io
import json
import math
import re
import select
import socket
import ssl
import struct
import sys
import threading
import time
import wave
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.cloud.openai_models import Models
from tests.cloud.openai_realtime import Realtime, Session
from tests.cloud.openai_realtime_session import Served
from tests.cloud.watch import Exchange, Fault, Watch
from tests.cloud.websocket_wire import Wire

SPEECH_RATE_HZ = 24_000
SPEECH_CHUNK_BYTES = 4_800  # 100 ms
TONE_MS_PER_CHARACTER = 60
DELTA_CHARACTERS = 4
LOOK_S = 0.05  # how often a waiting thread looks whether the cloud is being stopped
SURE, UNSURE = -0.02, -3.0  # log-probabilities of a token
FOREIGN_WORDS = "hello this is not the language you asked for"
GARBAGE = b'data: {"choices": [{"delta": 5}\n\ndata: [[[\n\n\xff\xfe\n\n'
NO_FINISH = "none"  # of a script: the last event has no finish reason
DEFAULT_REPLY = "שמחה לעזור במציאת דירה. יש לנו כמה אפשרויות באזור. באיזו עיר לחפש?"


@dataclass(frozen=True)
class ToolCall:
    name: str
    arguments: Any = field(default_factory=dict)  # text is sent as it is, all else as JSON

    @property
    def text(self) -> str:
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Script:
    """A reply. ``lines`` are sent as they are, after the text and before the tool calls."""

    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    finish: str = ""  # empty: tool_calls or stop; NO_FINISH
    lines: tuple[str, ...] = ()
    done: bool = True  # [DONE] ends it
    piece: int = DELTA_CHARACTERS  # characters of a delta
    acts_after_s: float = 0.0  # the tool calls come so long behind the rest


Thinks = Callable[[dict[str, Any]], str | Script]


@cache
def tone(characters: int) -> bytes:
    """PCM16 24 kHz of a 300 Hz tone, TONE_MS_PER_CHARACTER for each character."""
    count = characters * TONE_MS_PER_CHARACTER * SPEECH_RATE_HZ // 1000
    return array(
        "h", (round(8000 * math.sin(2 * math.pi * 300 * i / SPEECH_RATE_HZ)) for i in range(count))
    ).tobytes()


class Gone(Exception):
    """The client closed its side."""


class Stopped(Exception):
    """The cloud is being stopped."""


class Cut(Exception):
    """Fault.CUT_MID_STREAM, Fault.REFUSED: the connection is reset."""


class OpenAICloud:
    """The server, its switches and what it saw. ``tls``: a server-side context; the URL is then https.

    Fault.SEVERAL_FINALS means nothing here and is as NONE: a transcription has one text.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        thinks: Thinks = lambda request: DEFAULT_REPLY,
        hears: Callable[[bytes], str] = lambda pcm16: "אני מחפש דירה",
        says: Callable[[str], bytes] = lambda text: tone(len(text)),
    ) -> None:
        self.thinks, self.hears, self.says = thinks, hears, says
        self.refused_keys: set[str] = set()
        self.key_status = 401  # or 403, for them
        self.too_many_code = "rate_limit_exceeded"  # or insufficient_quota, of Fault.TOO_MANY
        self.unknown_models: set[str] = set()
        self.refused_parameters: set[str] = set()
        self.has_models = True  # False: a server without the models route
        self.speech_type = "audio/pcm"  # the content type of speech; empty: none is sent
        self.keeps_open_after_done = False  # a stream's connection hangs after its last item
        self.models = Models()  # and the day
        self.realtime = Realtime(self.models, lambda pcm16: self.hears(pcm16), lambda text: self.says(text))
        self.watch, self.chat, self.transcriptions, self.speech = Watch(), Watch(), Watch(), Watch()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        scheme = "https" if tls else "http"
        self.base_url = f"{scheme}://localhost:{self._listener.getsockname()[1]}/v1"
        if tls is None:  # a name may mean ::1 first, where nobody listens
            self.base_url = self.base_url.replace("localhost", "127.0.0.1")
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(target=self._accept, name="openai-cloud", daemon=True)
        self._thread.start()

    def __enter__(self) -> "OpenAICloud":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def stop(self) -> None:
        """Let go of whatever hangs, close everything, wait for the threads. Idempotent."""
        watches = (self.watch, self.chat, self.transcriptions, self.speech, *self.realtime.watches)
        for watch in watches:
            watch.released.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.watch.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        plain = connection
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._open[connection] = self._open.pop(plain)
            Connection(self, connection).serve()
        except (OSError, Gone, Stopped, Cut):
            pass
        finally:
            with self._lock:
                self._open.pop(connection, None)
                self._open.pop(plain, None)
            connection.close()


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """One keep-alive connection, on a thread of its own."""

    def __init__(self, cloud: OpenAICloud, connection: socket.socket) -> None:
        self._cloud = cloud
        self._socket = connection
        self._input = connection.makefile("rb")
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._watch = cloud.watch

    def serve(self) -> None:
        with self._input:
            while (request := self._read()) is not None:
                self._answer(request)

    def _read(self) -> Request | None:
        """The next request; None when the client leaves before it is whole."""
        line = self._input.readline().decode("latin-1").split()
        headers = {}
        while (text := self._input.readline().decode("latin-1")).strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        body = self._input.read(size)
        whole = len(line) == 3 and text and len(body) == size
        return Request(line[0], line[1], headers, body) if whole else None

    def _answer(self, request: Request) -> None:
        cloud = self._cloud
        if request.headers.get("authorization", "").removeprefix("Bearer ") in cloud.refused_keys:
            self._refuse(cloud.key_status, "Incorrect API key provided: sk-n*****pe.", "invalid_api_key")
            return
        route = (request.method, request.path.split("?")[0])
        if route == ("POST", "/v1/chat/completions"):
            self._served(cloud.chat, json.loads(request.body), self._chat)
        elif route == ("GET", "/v1/realtime") and cloud.realtime.serves:
            self._upgrade(request)
        elif route == ("POST", "/v1/audio/speech") and cloud.models.speech_endpoint_ended:
            self._refuse(404, "Unknown request URL: POST /v1/audio/speech.", "unknown_url")
        elif route == ("POST", "/v1/audio/speech"):
            self._served(cloud.speech, json.loads(request.body), self._speech)
        elif route == ("POST", "/v1/audio/transcriptions"):
            self._served(cloud.transcriptions, form_of(request), self.transcription)
        elif route == ("GET", "/v1/models") and cloud.has_models:
            self._served(cloud.watch, {}, self._models)
        elif request.method == "GET" and route[1].startswith("/v1/models/") and cloud.has_models:
            model = route[1].removeprefix("/v1/models/")
            self._served(cloud.watch, {"model": model}, self._model)
        else:
            self.send_whole(404, b"<h1>Not Found</h1>", "text/html")

    def _served(self, watch: Watch, request: dict[str, Any], serve: Callable[[Exchange], None]) -> None:
        """Account for the exchange, and do what every route does alike: faults before the headers."""
        self._watch = watch
        with watch.exchange(request) as exchange, self._noting_departure(exchange):
            if exchange.fault is Fault.HUNG_BEFORE_HEADERS:
                self._wait(math.inf)
            elif exchange.fault is Fault.REFUSED:
                self._reset()
            elif exchange.fault is Fault.GARBAGE:
                self.send_whole(200, GARBAGE, "text/event-stream")
            elif exchange.fault is Fault.TOO_MANY:
                self._refuse(429, "Rate limit reached for requests.", self._cloud.too_many_code)
            elif exchange.fault is Fault.UNAVAILABLE:
                self._refuse(503, "The server is overloaded.", None)
            elif request.get("model") in self._cloud.unknown_models:
                self._refuse(404, f"The model `{request['model']}` does not exist", "model_not_found")
            elif self._cloud.models.ended(request.get("model", "")):
                self._refuse(404, f"The model `{request['model']}` has been deprecated.", "model_not_found")
            elif refused := sorted(self._cloud.refused_parameters & request.keys()):
                message = f"Unsupported parameter: '{refused[0]}' is not supported with this model."
                self._refuse(400, message, "unsupported_parameter", refused[0])
            else:
                serve(exchange)

    @contextmanager
    def _noting_departure(self, exchange: Exchange) -> Iterator[None]:
        try:
            yield
        except (Gone, ConnectionError, ssl.SSLError) as error:
            exchange.dropped_at = time.time()
            raise Gone from error

    # ---- the routes ----

    def _model(self, exchange: Exchange) -> None:
        self._first_wait(exchange)
        self._send_json(200, self._cloud.models.one(exchange.request["model"]))

    def _models(self, exchange: Exchange) -> None:
        self._first_wait(exchange)
        self._send_json(200, self._cloud.models.all())

    def _upgrade(self, request: Request) -> None:
        query = dict(parse_qsl(urlsplit(request.path).query))
        transcription = query.get("intent") == "transcription"
        if transcription == ("model" in query):
            need = "must not provide a" if transcription else "must provide a"
            message = f"You {need} model parameter for {query.get('intent', 'realtime')} sessions."
            self._refuse(400, message, "invalid_model", "model")
            return
        session = Session("transcription" if transcription else "realtime", query.get("model", ""))

        def serve(exchange: Exchange) -> None:
            if exchange.fault is Fault.MODEL_GONE and not transcription:
                message = f"The model `{session.model}` does not exist or you do not have access to it."
                self._refuse(404, message, "model_not_found")
                return
            self._first_wait(exchange)
            wire = Wire(self._socket, self._input, self._watch.released)
            if wire.accept(request.path, request.headers):
                Served(self._cloud.realtime, session, exchange, wire).run()
            if wire.cut:
                raise Cut
            raise Stopped

        self._served(self._cloud.realtime.sessions, {**query, "headers": request.headers}, serve)

    def _chat(self, exchange: Exchange) -> None:
        request = exchange.request
        reply = "" if exchange.fault is Fault.EMPTY else self._cloud.thinks(request)
        script = reply if isinstance(reply, Script) else Script(reply)
        if not request.get("stream"):
            self._send_one(exchange, completion(request, script))
            return
        self.send_head(200, "text/event-stream; charset=utf-8", "Transfer-Encoding: chunked")
        self.send_event(chunk(request, {"role": "assistant", "content": ""}))
        lines = [event_line(chunk(request, delta)) for delta in text_deltas(script)]
        lines += script.lines
        words = len(lines)
        lines += [event_line(chunk(request, delta)) for delta in tool_deltas(script)]

        def send(line: str) -> None:
            self._wait(script.acts_after_s if exchange.sent == words else 0)
            self.send_chunk(f"{line}\n\n".encode())

        self._send_items(exchange, lines, send)
        self.send_event(chunk(request, {}, finish_of(script)))
        if script.done:
            self.send_chunk(b"data: [DONE]\n\n")
        self.end_stream()

    def transcription(self, exchange: Exchange) -> None:
        request = exchange.request
        text = self._cloud.hears(request["pcm16"])
        if exchange.fault is Fault.EMPTY:
            text = ""
        elif exchange.fault is Fault.WRONG_LANGUAGE:
            text = FOREIGN_WORDS
        words = re.findall(r"\S+\s*", text)
        final: dict[str, Any] = {"text": text}
        if "logprobs" in request.get("include[]", ()):
            sure = UNSURE if exchange.fault is Fault.LOW_CONFIDENCE else SURE
            final["logprobs"] = [{"token": w, "bytes": list(w.encode()), "logprob": sure} for w in words]
        if request.get("stream") != "true":
            self._send_one(exchange, final)
            return
        self.send_head(200, "text/event-stream; charset=utf-8", "Transfer-Encoding: chunked")
        items = [{"type": "transcript.text.delta", "delta": word} for word in words]
        items.append({"type": "transcript.text.done", **final})
        self._send_items(exchange, items, self.send_event)
        self.end_stream()

    def _speech(self, exchange: Exchange) -> None:
        audio = b"" if exchange.fault is Fault.EMPTY else self._cloud.says(exchange.request["input"])
        if exchange.fault is Fault.WAV_HEADER:
            audio = endless_wav_header() + audio
        self.send_head(200, self._cloud.speech_type, "Transfer-Encoding: chunked")
        pieces = [audio[i : i + SPEECH_CHUNK_BYTES] for i in range(0, len(audio), SPEECH_CHUNK_BYTES)]
        self._send_items(exchange, pieces, self.send_chunk)
        self.end_stream()

    # ---- items, under their delays and faults ----

    def _first_wait(self, exchange: Exchange) -> None:
        delays = self._watch.delays
        self._wait(delays.slow_s if exchange.fault is Fault.SLOW else delays.first_s)

    def _send_items(self, exchange: Exchange, items: list[Any], send: Callable[[Any], None]) -> None:
        self._first_wait(exchange)
        for item in items:
            self._wait(self._watch.delays.between_s if exchange.sent else 0)
            send(item)
            exchange.sent += 1
            self._fail_midway(exchange)

    def _send_one(self, exchange: Exchange, answer: Any) -> None:
        """An answer in one piece; half of it is where it fails."""
        body = json.dumps(answer, ensure_ascii=False).encode()
        self._first_wait(exchange)
        self.send_head(200, "application/json", f"Content-Length: {len(body)}")
        self._socket.sendall(body[: len(body) // 2])
        self._fail_midway(exchange)
        self._socket.sendall(body[len(body) // 2 :])
        exchange.sent += 1

    def _fail_midway(self, exchange: Exchange) -> None:
        if exchange.fault is Fault.HUNG_MID_STREAM:
            self._wait(math.inf)
        if exchange.fault is Fault.CUT_MID_STREAM:
            self._reset()

    def _reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Cut

    def _wait(self, seconds: float) -> None:
        """Let ``seconds`` pass. Raises Gone at the moment the client leaves, Stopped with the cloud."""
        until = time.monotonic() + seconds
        while True:
            if self._watch.released.is_set():
                raise Stopped
            left = max(until - time.monotonic(), 0)
            if self._poll.poll(min(left, LOOK_S) * 1000):
                # Beneath TLS too: a client that leaves sends no more than the end of the file.
                if not socket.socket.recv(self._socket, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    raise Gone
                time.sleep(min(left, 0.005))  # the next request, too early
            if not left:
                return

    # ---- HTTP ----

    def send_head(self, status: int, kind: str, *more: str) -> None:
        lines = [f"HTTP/1.1 {status} -", f"Content-Type: {kind}", *more, "", ""]
        self._socket.sendall("\r\n".join(lines).encode())

    def send_whole(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_head(status, kind, f"Content-Length: {len(body)}")
        self._socket.sendall(body)

    def _send_json(self, status: int, body: Any) -> None:
        self.send_whole(status, json.dumps(body, ensure_ascii=False).encode())

    def _refuse(self, status: int, message: str, code: str | None, param: str | None = None) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        self._send_json(status, {"error": error})

    def send_chunk(self, body: bytes) -> None:
        self._socket.sendall(b"%x\r\n%s\r\n" % (len(body), body))

    def send_event(self, event: Any) -> None:
        self.send_chunk(f"{event_line(event)}\n\n".encode())

    def end_stream(self) -> None:
        if self._cloud.keeps_open_after_done:
            self._wait(math.inf)
        self._socket.sendall(b"0\r\n\r\n")


# ---- shapes -------------------------------------------------------------------------------------


def event_line(event: Any) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}"


def chunk(request: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0}
    return {**head, "model": request.get("model"), "choices": [choice]}


def text_deltas(script: Script) -> Iterator[dict[str, Any]]:
    for start in range(0, len(script.text), script.piece):
        yield {"content": script.text[start : start + script.piece]}


def tool_deltas(script: Script) -> Iterator[dict[str, Any]]:
    for index, tool in enumerate(script.tools):
        call = {"index": index, "id": f"call_{index}", "type": "function"}
        yield {"tool_calls": [{**call, "function": {"name": tool.name, "arguments": ""}}]}
        for start in range(0, len(tool.text), DELTA_CHARACTERS):
            part = tool.text[start : start + DELTA_CHARACTERS]
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def finish_of(script: Script) -> str | None:
    if script.finish == NO_FINISH:
        return None
    return script.finish or ("tool_calls" if script.tools else "stop")


def completion(request: dict[str, Any], script: Script) -> dict[str, Any]:
    tools = [
        {"id": f"call_{i}", "type": "function", "function": {"name": tool.name, "arguments": tool.text}}
        for i, tool in enumerate(script.tools)
    ]
    message = {
        "role": "assistant",
        "content": script.text or None,
        **({"tool_calls": tools} if tools else {}),
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_of(script)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0}
    return {**head, "model": request.get("model"), "choices": [choice]}


def form_of(request: Request) -> dict[str, Any]:
    """A transcription's fields by name, and of its file: ``filename``, ``rate_hz`` and ``pcm16``.

    ``include[]`` is a list. A file that is no WAV has its bytes as ``pcm16`` and no rate.
    """
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    form: dict[str, Any] = {"include[]": []}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        body = body.removesuffix(b"\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        filename = re.search(rb'filename="([^"]*)"', head)
        assert name is not None
        key = name[1].decode()
        if filename is not None:
            form.update(filename=filename[1].decode(), **samples_of(body))
        elif key == "include[]":
            form[key].append(body.decode())
        else:
            form[key] = body.decode()
    return form


def samples_of(file: bytes) -> dict[str, Any]:
    if file[:4] != b"RIFF":
        return {"pcm16": file, "rate_hz": None}
    with wave.open(io.BytesIO(file)) as audio:
        assert (audio.getnchannels(), audio.getsampwidth()) == (1, 2)
        return {"pcm16": audio.readframes(audio.getnframes()), "rate_hz": audio.getframerate()}


def endless_wav_header() -> bytes:
    """The header of a WAV file whose writer does not know its length yet."""
    block = struct.pack("<HHIIHH", 1, 1, SPEECH_RATE_HZ, 2 * SPEECH_RATE_HZ, 2, 16)
    unknown = b"\xff\xff\xff\xff"
    return b"RIFF" + unknown + b"WAVEfmt " + struct.pack("<I", len(block)) + block + b"data" + unknown


def main(arguments: list[str]) -> None:
    with OpenAICloud(port=int(arguments[0]) if arguments else 0) as cloud:
        print(cloud.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
