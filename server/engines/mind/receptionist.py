"""The receptionist as an engine. What she does is in ``dialogue``, what she says in ``script_he``."""

from collections.abc import Iterator

from server.core.conversation import Act, Expected
from server.engines.base import ReplyRequest, ReplyStream
from server.engines.mind.dialogue import reply_to
from server.engines.mind.phrases import expected_after
from server.hebrew.sentences import split_sentences


class Receptionist:
    """Buy or rent, city, rooms, budget, name, number, summary; a lead. Instant and offline; any thread.

    A function of what was heard: style and length of the request do not apply to a script.
    """

    name = "embedded"

    def __init__(self) -> None:
        self.opening: Expected = expected_after("intent", None)

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        reply = reply_to(request.history, request.text)
        acts = (reply.lead,) if reply.lead is not None else ()
        return _Reply(reply.text, expected_after(reply.question, reply.intent), acts)

    def warm(self) -> None:
        """Nothing to load."""


class _Reply:
    """A whole reply, given out a sentence at a time."""

    def __init__(self, text: str, expected: Expected, acts: tuple[Act, ...]) -> None:
        self.expected = expected
        self.acts: tuple[Act, ...] = ()
        self._text = text
        self._decided = acts
        self._cancelled = False  # set once, from any thread

    def __iter__(self) -> Iterator[str]:
        for sentence in split_sentences(self._text):
            if self._cancelled:
                return
            yield sentence + " "
        if not self._cancelled:  # a reply that was dropped decides nothing
            self.acts = self._decided

    def cancel(self) -> None:
        self._cancelled = True
