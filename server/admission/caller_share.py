"""Who calls, as far as limits go: one number, all who hide theirs together, or somebody who is let off.

What is kept of a caller between calls, for seconds, is a name that tells nobody the number: its HMAC with the
account's token. A plain hash would not do: there are so few numbers that all can be tried in a minute.
"""

import hashlib
import hmac
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.shared_state.pools import IN_NONE, SHARE, Share
from server.telephony.caller_number import bare_number, number_to_call


@dataclass(frozen=True)
class Party:
    """Callers who are counted together: ``share``, at once; ``a_minute``, their new calls (0: any number)."""

    name: str = ""  # tells nobody who it is
    share: Share = IN_NONE
    a_minute: int = 0
    hidden: bool = False  # all whom nobody can call back


ANYBODY = Party()  # in no limit but those of all


@dataclass(frozen=True)
class Limits:
    """What one party may have of the line. 0 is no limit."""

    a_minute: int
    at_once: int


class Parties:
    """Finds a caller's party. Any thread."""

    def __init__(
        self,
        secret: str,
        a_number: Limits,
        hidden: Callable[[], Limits],
        let_off: Iterable[str] = (),
        host: str = "",
    ) -> None:
        """``let_off``: numbers, however they are written, that are in no limit of one number.

        ``secret``: the account's token. ``hidden``: asked for every call, for the places may be as many as
        the machine carries. ``host``: whose places hidden callers have a part of.
        """
        self._secret = secret.encode()
        self._a_number = a_number
        self._hidden = hidden
        self._all_hidden = f"hidden {host or socket.gethostname()}"
        self._let_off = frozenset(map(bare_number, let_off))

    def of(self, caller: str) -> Party:
        """``caller`` as Twilio tells it; whatever is no number that can be called is hidden."""
        number = bare_number(number_to_call(caller))
        if not number:
            return _party(self._all_hidden, self._hidden(), hidden=True)
        if number in self._let_off:
            return ANYBODY
        name = hmac.new(self._secret, number.encode(), hashlib.sha256).hexdigest()[:32]
        return _party(name, self._a_number)


def _party(name: str, limits: Limits, *, hidden: bool = False) -> Party:
    share = Share(f"{SHARE}{name}", limits.at_once) if limits.at_once else IN_NONE
    return Party(name, share, limits.a_minute, hidden)


def hidden_at_once(places: int, percent: int) -> int:
    """How many of ``places`` (0: any number) callers may take who hide their numbers; 0: any number."""
    return max(1, places * percent // 100) if places and percent < 100 else 0
