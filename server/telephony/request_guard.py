"""Who is let in: requests and handshakes that Twilio has signed. And what all others are answered.

Anybody may ask, so what costs comes behind what is cheap: first what the head shows, then the body, as long
and as many fields as Twilio's, then the signature. Refusals are one line a second in the log.
"""

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from server.config import Config
from server.logs.one_line import MAX_CHARACTERS
from server.logs.rate_limited import Bugs, RateLimitedLog
from server.runtime.web_server import LOOPBACK_NAMES, SOCKETS
from server.settings.url_secrets import shown
from server.telephony.public_url import signed_socket_urls, signed_webhook_urls
from server.telephony.signature import Refused, TwilioAuth

log = logging.getLogger("agent")

SIGNATURE = "X-Twilio-Signature"
MAX_BODY_BYTES = 16384  # Twilio's forms have some 2,000, and 6,000 with SIP headers and a StirPassportToken
MAX_FIELDS = 200  # Twilio's have some 40
MAX_QUERY_BYTES = 1000  # what Twilio was told to ask
BODY_S = 5.0  # Twilio's bodies come with their requests
FORM = "application/x-www-form-urlencoded"  # the views read no other
CALL_SID = re.compile("CA[0-9a-f]{32}")
TICKET = "call."  # before a page's, among the subprotocols: a browser can send no other header
NO_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


ANOTHER_SITE = "a page of another site asks"


class RequestGuard:
    """Lets in what Twilio has signed. Any thread; within a request."""

    def __init__(self, config: Config, auth: TwilioAuth) -> None:
        self._config = config
        self._auth = auth
        self._refusals = RateLimitedLog(log)

    def webhook(self, view: Callable[[], Response | Refused]) -> Response:
        """``view``'s answer, if it is Twilio that asks; what it refuses is answered as if it were not."""
        signature = signature_of_request()
        if why_not := self._why_not_read(signature):
            return self._refused(why_not)
        try:
            body = read_body()
        except RequestEntityTooLarge:
            return self._refused(f"more than {MAX_BODY_BYTES} bytes", 413)
        except Exception as error:  # of the connection or of the server's parser: the peer's, not ours
            return self._refused(f"a body that cannot be read: {type(error).__name__}", 400)
        if why_not := self._why_not_twilio(signature, body):
            return self._refused(why_not)
        answer = view()
        return self._refused(answer.why) if isinstance(answer, Refused) else answer

    def takes_socket(self) -> bool:
        """Whether Twilio has signed this handshake; says so in the log when not."""
        signature = signature_of_request()
        urls = [] if _asks_too_much() else list(signed_socket_urls(self._config))
        if not self._auth.required:
            if _is_of_another_site():
                self._refusals.warn("WS_REFUSED %s", ANOTHER_SITE)
                return False
            return True
        if signature and self._auth.signed(urls, MultiDict(), signature):
            return True
        why_not = "no signature" if not signature else _mismatch(urls[0]) if urls else "a long query"
        self._refusals.warn("WS_REFUSED %s", why_not)
        return False

    def call_of_a_page(self) -> str:
        """The CallSid for which a page of ours was let in, and has a ticket to show; empty for all others."""
        if not self._auth.required and _is_of_another_site():
            return ""  # without a token anybody can make a ticket
        offered = request.headers.get("Sec-WebSocket-Protocol", "").rpartition(",")[2].strip()
        return self._auth.call_of(offered.removeprefix(TICKET)) if offered.startswith(TICKET) else ""

    def _refused(self, why: str, status: int = 403) -> Response:
        self._refusals.warn("WEBHOOK_REFUSED %s", why)
        return plain(status, "not signed by Twilio" if status == 403 else why)

    def _why_not_read(self, signature: str) -> str:
        """Why its body, which may never come, is not read; empty for what may be Twilio's."""
        if not self._auth.required:
            return ANOTHER_SITE if _is_of_another_site() else ""
        if not signature:
            return "no signature"
        return "no form of a call" if request.mimetype != FORM or _asks_too_much() else ""

    def _why_not_twilio(self, signature: str, body: bytes) -> str:
        """What a developer wants to know whose own calls are refused; empty for Twilio's."""
        if not self._auth.required:
            return ""
        # A signature covers neither how fields are written nor where one ends: as Twilio writes them only.
        fields = _fields(body)
        if fields is None or not CALL_SID.fullmatch(fields.get("CallSid", "")):
            return "no form of a call"
        urls = list(signed_webhook_urls(self._config))
        return "" if self._auth.signed(urls, fields, signature) else _mismatch(urls[0])


def _is_of_another_site() -> bool:
    """A browser asks, for a page that is not of this server: any site could call whoever has it open.

    Twilio and commands name no page. One that is asked at its own address by another name was led here by it.
    """
    origin = request.headers.get("Origin")
    fetched = request.headers.get("Sec-Fetch-Site")
    if origin is None and fetched is None:
        return False
    if fetched not in (None, "same-origin", "none"):
        return True
    if origin is not None and urlsplit(origin).netloc != request.host:
        return True
    near = (request.remote_addr or "") in LOOPBACK_NAMES and "X-Forwarded-For" not in request.headers
    return near and urlsplit(f"//{request.host}").hostname not in LOOPBACK_NAMES


def signature_of_request() -> str:
    return request.headers.get(SIGNATURE, "")


def limit_body() -> None:
    """Before every request."""
    request.max_content_length = MAX_BODY_BYTES


def on_errors() -> Callable[[Exception], Response]:
    """What answers a request in which something was raised."""
    bugs = Bugs(log)

    def answer(error: Exception) -> Response:
        if isinstance(error, HTTPException):  # a request that Flask could not read
            return plain(error.code or 400, error.description or error.name)
        bugs.tell(f"WEBHOOK_ERR {request.path}", error)
        return plain(500, "internal error")

    return answer


def plain(status: int, text: str) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")


def _asks_too_much() -> bool:
    return len(request.query_string) > MAX_QUERY_BYTES


def _mismatch(url: str) -> str:
    where = shown(url)[:MAX_CHARACTERS]
    return (
        f"the signature is not for {where!r}: is PUBLIC_BASE_URL what Twilio calls, "
        "and TWILIO_AUTH_TOKEN its account's?"
    )


def _fields(body: bytes) -> MultiDict[str, str] | None:
    """A form's fields; None when it is none of Twilio's: too many, or badly escaped.

    ``request.form``, which forgives that at a price, reads the same of all others.
    """
    if NO_ESCAPE.search(body):
        return None
    try:
        text = body.decode("ascii")
        return MultiDict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError:
        return None


def read_body() -> bytes:
    """All of it, within BODY_S; a slower one is cut there. Raises what the connection and its parser do."""
    with _cut_after(BODY_S):
        return request.get_data()


@contextmanager
def _cut_after(seconds: float) -> Iterator[None]:
    """Whoever reads from the connection within, for longer than that, finds it at its end.

    A limit to each read would not do: a byte may come just before. On a server that does not show us its
    connection nothing is cut.
    """
    sock = next((request.environ[name] for name in SOCKETS if name in request.environ), None)
    timer = threading.Timer(seconds, _cut, [sock])
    timer.daemon = True  # the end of the process does not wait for it
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(sock: Any) -> None:
    with suppress(OSError, AttributeError):  # it is closed, or no socket
        sock.shutdown(socket.SHUT_RD)
