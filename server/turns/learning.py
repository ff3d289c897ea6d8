"""What understood words tell of the line: echo, and an STT that works."""

from server.turns.intent import Intent
from server.turns.parts import Parts
from server.turns.utterances import UserTurn


def learn(parts: Parts, caller: UserTurn, intent: Intent, text: str, *, during_playout: bool) -> None:
    """``during_playout``: it stopped a reply, or lowered it."""
    if during_playout:
        nothing = intent is Intent.NOTHING
        echo = nothing or parts.call.echo.has_said_lately(parts.current.clock, text)
        parts.users.last_had_words(of_the_caller=not echo)
    if not (caller.failed or caller.typed):
        parts.call.input.heard()
    if intent is Intent.ECHO and caller.overlap is not None:
        parts.users.last_was_echo()
