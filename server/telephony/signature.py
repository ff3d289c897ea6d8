"""Is it Twilio? The signature of its requests, and the token that binds a media socket to its call.

A signature has no date: whoever has seen a request could send it again for ever. So it is good for a minute
from when it was seen first. A handshake's covers nothing but the URL, which is the same for every call: so
the webhook's answer gives a token into the TwiML (``<Parameter>``), Twilio hands it back in ``start``, and it
opens one socket, once, within that minute.
Sources: twilio.com/docs/usage/security; its RequestValidator; the token is itsdangerous's, HMAC-SHA256.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from server.shared_state.state import Once
from server.shared_state.wall_clock import Jumps

GOOD_S = 60.0  # Twilio's retries come within seconds; a greeting may be played before the stream
APART_S = 60.0  # between the clocks of two hosts; one that is so far ahead takes no call of the other's
SEEN_S = 86400.0  # for so long nobody can send again what they have recorded
SALT = "phone agent, media socket"
PAGE_SALT = "phone agent, a page's call"


@dataclass(frozen=True)
class Refused:
    """Why who has asked is not taken for Twilio; as it is in the log."""

    why: str

    def __str__(self) -> str:
        return self.why


class TwilioAuth:
    """``auth_token`` empty: nobody is asked for anything. Any thread; blocks for nothing.

    What may be done once is told as ``Once``, to be asked of all processes that may meet the same request or
    token. ``now()`` is in seconds that these processes agree on, hosts by less than a minute. ``jumps``: when
    the host's clock is set, the calls that are coming in at that moment come in all the same.
    """

    def __init__(
        self, auth_token: str, now: Callable[[], float] = time.time, jumps: Jumps | None = None
    ) -> None:
        self.required = bool(auth_token)
        self.now = now
        self._validator = RequestValidator(auth_token)
        self._serializer = URLSafeSerializer(
            auth_token, SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._jumps = jumps or Jumps()

    def signed(self, urls: Iterable[str], fields: MultiDict[str, str], signature: str) -> bool:
        """Whether ``signature`` is Twilio's for a request to one of ``urls`` with these form fields."""
        if not self.required:
            return True
        # The validator would join the same fields for each URL, with and without its port.
        joined = {"": _joined(fields)}
        return any(self._signed(url, joined, signature) for url in urls)

    def _signed(self, url: str, joined: dict[str, str], signature: str) -> bool:
        try:
            return bool(self._validator.validate(url, joined, signature))
        except ValueError:  # no URL, as a Host header may make it, or no text
            return False

    def request(self, signature: str) -> Once | None:
        """The first time of a request with this good signature, with its date; None: nobody is asked.

        A request that was seen before is Twilio's retry as long as that date ``is_good``.
        """
        if not self.required:
            return None
        self._jumps.recent_s()  # a clock that is set is noticed with the next request, whichever it is
        return Once(f"signed:{_name(signature)}", SEEN_S, until=round(self.now() + GOOD_S, 3))

    def is_good(self, until: float) -> bool:
        """Not over; nor of a time when the clock was ahead: then it may have been seen an hour ago."""
        now, jump_s = self.now(), self._jumps.recent_s()
        return now - max(0.0, jump_s) < until <= now + GOOD_S + APART_S + max(0.0, -jump_s)

    def new_token(self, call_sid: str, until: float, signature: str) -> str:
        """For the ``<Parameter>`` of this call's stream; empty when nobody asks for it.

        ``until``, ``signature``: the webhook's date, and its name. Twilio may ask twice and follow either
        answer: both name one socket.
        """
        return str(self._serializer.dumps([call_sid, until, _name(signature)])) if self.required else ""

    def opened_by(self, token: str, call_sid: str) -> Once | Refused | None:
        """What lets the socket of ``call_sid`` in, once; None: nobody is asked."""
        if not self.required:
            return None
        if not token:
            return Refused("no token")
        try:
            of_call, until, name = self._serializer.loads(token)
        except (BadData, ValueError):  # no token of ours, or no text at all
            return Refused("a token that is not ours")
        if of_call != call_sid:
            return Refused("another call's token")
        if not self.is_good(until):
            return Refused("an expired token")
        return Once(f"token:{name}", SEEN_S)

    # ---- calls of our own page (docs/phone.md)

    def sign(self, url: str, fields: dict[str, str]) -> str:
        """As Twilio signs, for a request that we make to ourselves; empty when nobody is asked for it."""
        return str(self._validator.compute_signature(url, fields)) if self.required else ""

    def new_ticket(self, call_sid: str) -> str:
        """For a call that a page makes: in the place of the handshake's signature, for a minute.

        It names the call to its end. Without a token of Twilio's anybody can make one, and needs none.
        """
        return str(self._serializer.dumps([call_sid, round(self.now() + GOOD_S, 3)], PAGE_SALT))

    def call_of(self, ticket: str, *, late: bool = False) -> str:
        """The CallSid of the call that a ticket of ours was made for, or nothing. ``late``: at any time."""
        try:
            call_sid, until = self._serializer.loads(ticket, PAGE_SALT)
        except (BadData, ValueError):
            return ""
        return str(call_sid) if late or self.is_good(until) else ""


def _joined(fields: MultiDict[str, str]) -> str:
    """What of ``fields`` is signed, as Twilio's validator joins it: each name with each of its values."""
    return "".join(name + value for name, values in sorted(fields.lists()) for value in sorted(set(values)))


def _name(signature: str) -> str:
    return hashlib.sha256(signature.encode()).hexdigest()[:32]
