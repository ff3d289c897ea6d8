"""One phone call from ringing to its end, as Twilio handles it, in the caller's own thread."""

import io
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import requests
import websocket

from server.audio.frames import MULAW_SILENCE, SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.simulator.link import DelayLine
from server.simulator.pump import SEND_TIMEOUT_S, BufferedWebSocket, LiveStream, StreamPump
from server.simulator.script import Burst, CallerScript, Manners, Step
from server.simulator.sounds import read_wav
from server.simulator.stream import CallIds, MediaStream
from server.simulator.twiml import DIALLED, Connect, TwimlError, obey
from server.simulator.webhooks import Endpoint, Exchange, Webhooks, sign

SUBPROTOCOL = "audio.twilio.com"
HANDSHAKE_TIMEOUT_S = 5.0
SIGNED = ": TWILIO_AUTH_TOKEN and --public-url must be the server's own (its token, its PUBLIC_BASE_URL)"
MAX_STREAMS = 5  # of one call
SAY_S_PER_CHARACTER = 0.07  # the approximate speed of Twilio's own voice


@dataclass(frozen=True)
class CallPlan:
    """One call to place. ``noise``: PCM16 frames under the caller's voice. ``max_s``: limit of the call."""

    endpoint: Endpoint
    steps: Sequence[Step]
    manners: Manners = Manners()
    bursts: Sequence[Burst] = ()
    noise: tuple[bytes, ...] = ()
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    max_s: float = 300.0
    caller: str = "+972501234567"
    called: str = "+97231234567"
    incoming_path: str = "/webhook/incoming_call"


@dataclass
class CallRecord:
    """A call as it happened. ``stream_at_s``: start of the stream, in seconds since the call began.

    Of a call whose server has connected it again, ``live`` and the rest are of the last stream; ``earlier``
    has those before it, each with its start.
    ``failures``: sentences; empty if the call itself went as Twilio expects.
    """

    ids: CallIds
    ending: str = ""
    failures: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    live: LiveStream | None = None
    stream_url: str = ""
    stream_at_s: float = 0.0
    earlier: list[tuple[float, LiveStream]] = field(default_factory=list)
    played: list[tuple[float, bytes]] = field(default_factory=list)  # <Play>: seconds into the call, μ-law

    @property
    def stream(self) -> MediaStream | None:
        return self.live.stream if self.live else None

    @property
    def handed_over_to(self) -> str:
        """The number to which the server transferred the caller; empty without a transfer."""
        return self.ending.removeprefix(DIALLED) if self.ending.startswith(DIALLED) else ""

    def recording(self) -> tuple[bytes, bytes]:
        """The tracks of caller and agent, μ-law 8 kHz, from the start of the call."""
        caller, agent = bytearray(), bytearray()
        for at_s, audio in self.played:
            _lay(agent, at_s, audio)
        for at_s, live in [*self.earlier, *([(self.stream_at_s, self.live)] if self.live else [])]:
            _lay(caller, at_s, bytes(live.stream.said))
            _lay(agent, at_s, bytes(live.stream.buffer.heard))
        return bytes(caller), bytes(agent)


def _lay(track: bytearray, at_s: float, audio: bytes) -> None:
    start = round(at_s * SAMPLE_RATE_HZ)
    track.extend(MULAW_SILENCE * (start - len(track)))
    track[start : start + len(audio)] = audio


def new_ids() -> CallIds:
    return CallIds(*(f"{kind}{secrets.token_hex(16)}" for kind in ("AC", "CA", "MZ")))


class PhoneCall:
    """Makes one call with ``run``. It is the ``Phone`` on which the server's TwiML is obeyed."""

    def __init__(
        self, plan: CallPlan, pump: StreamPump, on_stream: Callable[[LiveStream], None] | None = None
    ) -> None:
        self.hung_up = False
        self.record = CallRecord(new_ids())
        self._plan, self._pump, self._on_stream = plan, pump, on_stream
        self._web = Webhooks(plan.endpoint, self.record.exchanges)
        self._started_s = time.monotonic()
        self._callbacks: list[threading.Thread] = []
        self._fields = {
            "AccountSid": self.record.ids.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.record.ids.call_sid,
            "CallStatus": "ringing",
            "Called": plan.called,
            "Caller": plan.caller,
            "Direction": "inbound",
            "From": plan.caller,
            "FromCountry": "IL",
            "To": plan.called,
            "ToCountry": "IL",
        }

    def run(self) -> CallRecord:
        """Places the call; blocks until it is over. Faults of the server are in the record, never raised."""
        try:
            document = self.fetch(self._plan.endpoint.route(self._plan.incoming_path), "POST")
            self._fields["CallStatus"] = "in-progress"
            self.record.ending = obey(document, self)
        except (TwimlError, ValueError) as error:
            self.record.ending = "failed"
            self.record.failures.append(str(error))
        for thread in self._callbacks:
            thread.join(5)
        if self.record.failures and self._plan.endpoint.mistake:
            self.record.failures.append(self._plan.endpoint.mistake)
        return self.record

    def fetch(self, url: str, method: str) -> str:
        if self.hung_up:
            self._fields["CallStatus"] = "completed"
        try:
            response = self._web.request(url, self._fields, method)
        except requests.RequestException as error:
            raise TwimlError(f"11200 no answer from {url}: {error}") from error
        if response.status_code != 200:
            hint = SIGNED if response.status_code == 403 else ""
            raise TwimlError(f"11200 {url} answered {response.status_code}, not 200{hint}")
        if "xml" not in response.headers.get("Content-Type", ""):
            raise TwimlError(f"12300 {url} answered {response.headers.get('Content-Type')!r}, not XML")
        response.encoding = "utf-8"
        return response.text

    def play(self, url: str) -> None:
        try:
            response = self._web.request(url, {}, "GET")
        except requests.RequestException as error:
            raise TwimlError(f"11200 no answer from {url}: {error}") from error
        if response.status_code != 200:
            raise TwimlError(f"11200 {url} answered {response.status_code}, not 200")
        mulaw = pcm16_to_mulaw(_decoded(url, response.content))
        self.record.played.append((self._elapsed_s(), mulaw))
        self.pause(len(mulaw) / SAMPLE_RATE_HZ)

    def say(self, text: str, language: str) -> None:
        if language.startswith("he"):
            self.record.failures.append(f"13512 <Say> does not speak {language}")
        self.pause(len(text) * SAY_S_PER_CHARACTER)

    def pause(self, seconds: float) -> None:
        left_s = self._plan.max_s - self._elapsed_s()
        time.sleep(max(0.0, min(seconds, left_s)))
        if seconds > left_s:
            raise TwimlError(f"the call was not over after {self._plan.max_s:g} s")

    def connect(self, verb: Connect) -> None:
        if len(self.record.earlier) + 1 >= MAX_STREAMS:
            raise TwimlError(f"more than {MAX_STREAMS} streams in one call")
        self.record.stream_url = verb.url
        try:
            ws = self._open_socket(verb.url)
        except (websocket.WebSocketException, OSError) as error:
            self.record.failures.append(f"31920 WebSocket to {verb.url}: {error}")
            self._report_stream(verb, "stream-error", str(error))
            return
        live = self._start_stream(ws, verb)
        self._report_stream(verb, "stream-started")
        in_time = live.wait(self._plan.max_s - self._elapsed_s())
        if not in_time:
            self.record.failures.append(f"the call was not over after {self._plan.max_s:g} s")
            self._pump.cut(live, "time is up")
            live.wait(SEND_TIMEOUT_S)
        self.hung_up = not live.ended_by_server
        ws.hang_up()
        self._judge_stream_end(live, verb)

    def _open_socket(self, url: str) -> BufferedWebSocket:
        ws = BufferedWebSocket()
        headers = [f"{name}: {value}" for name, value in sign(url, {}).items()]
        ws.connect(  # type: ignore[no-untyped-call]
            self._plan.endpoint.reachable(url),
            header=[*headers, "User-Agent: Twilio.TmeWs/1.0"],
            subprotocols=[SUBPROTOCOL],
            suppress_origin=True,
            timeout=HANDSHAKE_TIMEOUT_S,
        )
        ws.settimeout(SEND_TIMEOUT_S)
        if ws.subprotocol != SUBPROTOCOL:
            self.record.failures.append(f"the server did not accept the subprotocol {SUBPROTOCOL}")
        return ws

    def _start_stream(self, ws: BufferedWebSocket, verb: Connect) -> LiveStream:
        plan, record = self._plan, self.record
        if record.live is None:
            script = CallerScript(plan.steps, plan.manners, plan.bursts, greeted=bool(record.played))
        else:  # the caller goes on with what they were about; to the server it is another stream
            record.earlier.append((record.stream_at_s, record.live))
            record.ids = replace(record.ids, stream_sid=new_ids().stream_sid)
            script = record.live.stream.script
        stream = MediaStream(record.ids, script, dict(verb.parameters), plan.noise)
        up, down = (DelayLine(plan.delay_ms, plan.jitter_ms, seed) for seed in (1, 2))
        live = LiveStream(ws, stream, up, down)
        record.live, record.stream_at_s = live, self._elapsed_s()
        self._pump.add(live)
        if self._on_stream:
            self._on_stream(live)
        return live

    def _judge_stream_end(self, live: LiveStream, verb: Connect) -> None:
        # 1005: a close frame without a code. Any other code, or no close frame, is a broken connection.
        normal = not live.ended_by_server or live.ending.endswith(("1000", "1001", "1005"))
        if not normal:
            self.record.failures.append(f"the stream broke off: {live.ending}")
        self._report_stream(verb, "stream-stopped" if normal else "stream-error", live.ending)

    def _report_stream(self, verb: Connect, event: str, error: str = "") -> None:
        """Posts to ``statusCallback`` on a thread, so that the call does not wait for the answer."""
        if verb.status_callback is None:
            return
        fields = {
            "AccountSid": self.record.ids.account_sid,
            "CallSid": self.record.ids.call_sid,
            "StreamSid": self.record.ids.stream_sid,
            "StreamName": verb.name or self.record.ids.stream_sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(),
        }
        if event == "stream-error":
            fields["StreamError"] = error
        args = verb.status_callback, fields, verb.status_method
        thread = threading.Thread(target=self._post_status, args=args, daemon=True)
        self._callbacks.append(thread)
        thread.start()

    def _post_status(self, url: str, fields: dict[str, str], method: str) -> None:
        try:
            status = self._web.request(url, fields, method).status_code
            answer = "" if 200 <= status < 300 else str(status)
        except requests.RequestException as error:
            answer = f"nothing: {error}"
        if answer:
            self.record.failures.append(f"{url} answered {fields['StreamEvent']} with {answer}")

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started_s


def _decoded(url: str, content: bytes) -> bytes:
    try:
        return read_wav(io.BytesIO(content))
    except ValueError as error:
        raise TwimlError(f"12300 <Play> of {url}: {error}") from error
