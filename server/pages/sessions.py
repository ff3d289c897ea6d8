"""A browser's visit: a signed cookie with an id of its own, and the token that goes with each of its forms.

The key is made of secrets that all workers and hosts have, so a visit that one has begun is known to all.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from flask import current_app
from itsdangerous import BadData, Signer, URLSafeSerializer

from server.shared_state.state import Once, SharedState

ID_BYTES = 18
APART_S = 60.0  # between the clocks of two hosts
SHOWN = 6  # letters of an id in the log
VISIT_SALT, FORM_SALT = "phone agent, pages, visit", "phone agent, pages, form"


@dataclass(frozen=True)
class Visit:
    """``signed_in``: behind a password; one of a browser that has shown none only guards its forms."""

    id: str
    signed_in: bool
    until: float  # seconds since 1970

    @property
    def name(self) -> str:
        """For the log: who knows it can do nothing with it."""
        return self.id[:SHOWN]


class Sessions:
    """Any thread, within a request. ``secrets``: of all workers and hosts; nothing here is logged.

    Where none is set the application's own ``secret_key`` is all that there is.
    """

    def __init__(
        self,
        secrets: tuple[str, ...],
        shared_state: SharedState,
        hours: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._secrets = secrets
        self._shared_state = shared_state
        self._lasts_s = hours * 3600.0
        self._now = now

    def begin(self, *, signed_in: bool) -> Visit:
        """A new one, with an id that nobody could have known before."""
        return Visit(token_urlsafe(ID_BYTES), signed_in, round(self._now() + self._lasts_s))

    def cookie_of(self, visit: Visit) -> str:
        return str(self._serializer().dumps([visit.id, visit.signed_in, visit.until]))

    def read(self, cookie: str) -> Visit | None:
        """The visit of a cookie that is ours, and neither over nor ended. May block for half a second."""
        try:
            visit_id, signed_in, until = self._serializer().loads(cookie)
            visit = Visit(str(visit_id), signed_in is True, float(until))
        except (BadData, ValueError, TypeError):
            return None
        now = self._now()
        if not now < visit.until <= now + self._lasts_s + APART_S:
            return None
        return None if visit.signed_in and self._shared_state.was(_ended(visit).key) else visit

    def end(self, visit: Visit) -> None:
        """No worker takes it any more. May block for half a second."""
        self._shared_state.first_time(_ended(visit, max(1.0, visit.until - self._now() + APART_S)))

    def form_token(self, visit: Visit) -> str:
        """What each form of this visit brings back."""
        signer = Signer(self._key(), FORM_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
        return signer.get_signature(visit.id.encode()).decode()

    def is_form_token(self, visit: Visit, token: str) -> bool:
        return hmac.compare_digest(self.form_token(visit).encode(), token.encode(errors="replace"))

    def _serializer(self) -> URLSafeSerializer:
        kwargs = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(self._key(), VISIT_SALT, signer_kwargs=kwargs)

    def _key(self) -> bytes:
        parts = [secret.encode() for secret in self._secrets if secret]
        if not parts:
            own = current_app.secret_key or ""
            parts = [own if isinstance(own, bytes) else own.encode()]
        return hashlib.sha256(b"\0".join(parts)).digest()


def _ended(visit: Visit, for_s: float = 1.0) -> Once:
    return Once(f"visit ended:{visit.id}", for_s)
