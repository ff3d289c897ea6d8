"""What understood words tell of the line: echo, and an STT that works."""

from server.turns.intent import Intent
from server.turns.parts import Parts
from server.turns.utterances import UserTurn


def learn(parts: Parts, caller: UserTurn, intent: Intent, text: str, *, over_us: bool) -> None:
    """``over_us``: it stopped a reply, or lowered it."""
    if over_us:
        nothing = intent is Intent.NOTHING
        echo = nothing or parts.call.echo.has_said_lately(parts.current.clock, text)
        parts.users.last_had_words(of_the_caller=not echo)
    if not (caller.failed or caller.typed):
        parts.call.input.heard()
    if intent is Intent.ECHO and caller.overlap is not None:
        parts.users.last_was_echo()
