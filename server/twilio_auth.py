"""Is it Twilio? The signature of its requests, and the token that binds a media socket to its call.

A handshake's signature covers nothing but the URL, which is the same for every call: whoever has seen one
could open sockets for ever. So the webhook, whose signature covers the call, gives a token into the TwiML
(``<Parameter>``), Twilio hands it back in ``start``, and it opens one socket, once, within a minute.
Sources: twilio.com/docs/usage/security; its RequestValidator; the token is itsdangerous's, HMAC-SHA256.
"""

import hashlib
import time
from collections.abc import Callable, Iterable

from itsdangerous import BadData, URLSafeSerializer
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

TOKEN_S = 60.0  # a greeting may be played between the webhook and the stream
USED_S = 86400.0  # a webhook that somebody has recorded gives no second socket for so long
SALT = "phone agent, media socket"
FirstTime = Callable[[str, float], bool]


class TokenRefused(Exception):
    """Why a token opens no socket."""


class TwilioAuth:
    """``auth_token`` empty: nobody is asked for anything. Any thread.

    ``first_time(key, for_s)`` is True once, over every process that may meet the same token; ``now()`` is
    in seconds that these processes agree on, more or less.
    """

    def __init__(self, auth_token: str, first_time: FirstTime, now: Callable[[], float] = time.time) -> None:
        self.required = bool(auth_token)
        self._validator = RequestValidator(auth_token)
        self._serializer = URLSafeSerializer(
            auth_token, SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._first_time = first_time
        self._now = now

    def signed(self, urls: Iterable[str], fields: MultiDict[str, str], signature: str) -> bool:
        """Whether ``signature`` is Twilio's for a request to one of ``urls`` with these form fields."""
        return not self.required or any(self._signed(url, fields, signature) for url in urls)

    def _signed(self, url: str, fields: MultiDict[str, str], signature: str) -> bool:
        try:
            return bool(self._validator.validate(url, fields, signature))
        except ValueError:  # no URL, as a Host header may make it, or no text
            return False

    def new_token(self, call_sid: str, signature: str) -> str:
        """For the ``<Parameter>`` of this call's stream; empty when nobody asks for it.

        ``signature``: the webhook's. Twilio may ask twice and follow either answer, so both name the same
        socket; and so does, later, whoever sends the webhook again: a signature has no date.
        """
        if not self.required:
            return ""
        name = hashlib.sha256(signature.encode()).hexdigest()[:16]
        return str(self._serializer.dumps([call_sid, round(self._now() + TOKEN_S, 3), name]))

    def use(self, token: str, call_sid: str) -> None:
        """Let the socket of ``call_sid`` in, once. Blocks as ``first_time`` does. Raises TokenRefused."""
        if not self.required:
            return
        if not token:
            raise TokenRefused("no token")
        try:
            of_call, until, name = self._serializer.loads(token)
        except BadData:
            raise TokenRefused("a token that is not ours") from None
        if of_call != call_sid:
            raise TokenRefused("another call's token")
        if self._now() >= until:
            raise TokenRefused("an expired token")
        if not self._first_time(f"token:{name}", USED_S):
            raise TokenRefused("a used token")
