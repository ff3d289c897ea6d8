"""The receptionist as an LLM provider. Her behaviour is in ``dialogue``, her words in ``script_he``."""

from collections.abc import Iterator, Sequence

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.finished import Ending, ending_of
from server.hebrew.understand.gender import Gender
from server.providers.base import ReplyRequest, ReplyStream
from server.providers.embedded.llm.dialogue import Reply, Talk, reply_to, talk_of
from server.providers.embedded.llm.expected_answers import expected_after
from server.providers.embedded.llm.message import answer_to_message
from server.turns.effects import NOTHING_TO_SAY, Act, Expected, SaveLead
from server.turns.prompts import in_gender


class Receptionist:
    """Asks for deal, city, rooms, budget, name and number, sums up and saves a lead. Offline; any thread.

    The reply depends on the history only: style and length of a request do not apply to a script. ``agent``:
    the receptionist's own gender.
    """

    name = "embedded"
    takes_messages = False
    authored = True

    def __init__(self, agent: Gender = Gender.FEMININE) -> None:
        self.opening: Expected = expected_after("intent", None)
        self._agent = agent

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        talk = talk_of(request.history, request.call.number)
        asked = expected_after(talk.question, talk.form.intent)
        if request.may_wait and ending_of(request.text, asked.digits) is Ending.UNFINISHED:
            return _Reply([NOTHING_TO_SAY], asked, ())
        reply = _message(talk, request) or reply_to(talk, request.text, request.lines, person=request.person)
        said = split_sentences(request.said)
        sentences = split_sentences(in_gender(reply.text, self._agent, request.caller))
        rest = [sentence for sentence in sentences if sentence not in said]
        return _Reply(rest, expected_after(reply.question, reply.intent), reply.acts)

    def warm(self) -> None:
        """Nothing to load."""


def _message(talk: Talk, request: ReplyRequest) -> Reply | None:
    """The answer to a message for the office; None if ``text`` is no message (F3)."""
    taken = answer_to_message(request.history, request.text, request.call.number, request.lines)
    if taken is None:
        return None
    acts = (SaveLead((("message", request.text),)),) if taken[1] else ()
    return Reply(taken[0], talk.question, talk.form.intent, acts)


class _Reply:
    """A whole reply, yielded sentence by sentence."""

    def __init__(self, sentences: Sequence[str], expected: Expected, acts: tuple[Act, ...]) -> None:
        self.expected = expected
        self.acts: tuple[Act, ...] = ()
        self._sentences = sentences
        self._decided = acts
        self._cancelled = False  # any thread may set it

    def __iter__(self) -> Iterator[str]:
        for sentence in self._sentences:
            if self._cancelled:
                return
            yield sentence + " "
        if not self._cancelled:  # a cancelled reply has no effects
            self.acts = self._decided

    def cancel(self) -> None:
        self._cancelled = True
