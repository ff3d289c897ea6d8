"""A fake LLM that writes a text in given pieces, and the spoken result."""

from collections.abc import Iterator, Sequence
from typing import Any

from server.providers.base import ProviderError, ReplyRequest
from server.providers.reply.spoken import SpokenReply
from server.turns.effects import Act, Expected


class Writes:
    """An LLM and its reply: yields ``pieces``, then raises ``error`` if set. ``pulled``: pieces taken."""

    name = "writer"
    opening = expected = Expected()

    def __init__(
        self,
        pieces: Sequence[str],
        *,
        error: Exception | None = None,
        acts: tuple[Act, ...] = (),
        authored: bool = False,
    ) -> None:
        self.acts = acts
        self.authored = authored
        self.pulled = 0
        self._pieces = pieces
        self._error = error

    def respond(self, request: ReplyRequest, timeout_s: float) -> "Writes":
        return self

    def warm(self) -> None:
        pass

    def cancel(self) -> None:
        pass

    def __iter__(self) -> Iterator[str]:
        for piece in self._pieces:
            self.pulled += 1
            yield piece
        if self._error is not None:
            raise self._error


def asked(text: str = "אני מחפש דירה בחיפה", **others: Any) -> ReplyRequest:
    values = {"turn_number": 1, "target_style": "warm", "min_chars": 0, "max_chars": 420, **others}
    return ReplyRequest(text, (), **values)


def in_pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def spoken(llm: Writes, request: ReplyRequest | None = None) -> tuple[list[str], tuple[Act, ...]]:
    """The sentences and the acts. Raises ProviderError."""
    reply = SpokenReply(llm, request or asked(), 5.0)
    return list(filter(None, reply)), reply.acts


def outcome(text: str, size: int, error: Exception | None = None, **others: Any) -> tuple[list[str], Any]:
    """The spoken result of ``text`` in pieces of ``size`` characters; nothing for an empty answer."""
    try:
        return spoken(Writes(in_pieces(text, size), error=error), asked(**others))
    except ProviderError:
        return [], ()
