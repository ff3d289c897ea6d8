"""A mind by OpenAI's chat completions, streamed, or those of a server with the same protocol."""

import logging
import re
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from server.config import Config
from server.core.conversation import Act, EndCall, Expected, ends_call
from server.engines.base import EngineError, ReplyRequest, ReplyStream
from server.engines.mind.shape import shaped
from server.engines.openai.client import Call, Cancelled, events, warm
from server.engines.openai.prompt import messages, template
from server.engines.openai.tools import ToolCalls, offered
from server.office_hours import ISRAEL

log = logging.getLogger("agent")

SAVED = "נשמר"
# For a mind that ends the call, or hands it over, without a word. No gender: the caller's is not known.
GOODBYE = "תודה רבה על השיחה, ויום נעים."
HANDOVER = "השיחה עוברת עכשיו לאדם מהמשרד, רק רגע."
NOTED = "רשמתי את הפרטים. מה עוד חשוב לדעת?"
NOT_FINISHED = "…"  # the caller will go on (A7)
ELLIPSIS = re.compile(r"…|\.\.")
SENTENCE_CHARS = 80  # there is always room for one more, or the mind could not end what it has begun
FIRST_GPT_5 = re.compile(r"gpt-5(-mini|-nano)?(-\d{4}-.*)?")  # they refuse "none"; gpt-5.1 and later take it
# Later ones refuse functions with any other effort, and some of them an effort that is not sent.
REASONING = re.compile(r"(.*/)?gpt-([5-9]|\d\d)(?!.*chat)")
SOON_S = 0.8  # less than any wait for a token
READ_ON_S, READ_ON_CHARS = 3.0, 120


class OpenAIMind:
    """A Responder."""

    name = "openai"
    opening = Expected()
    takes_messages = True

    def __init__(self, config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``now``: an aware datetime, in any zone."""
        self._config = config
        self._now = now

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        return _Reply(self._config, request, self._now, timeout_s)

    def warm(self) -> None:
        template(self._config.llm_prompt_file)
        warm(self._config)


class _Reply:
    def __init__(
        self, config: Config, request: ReplyRequest, now: Callable[[], datetime], timeout_s: float
    ) -> None:
        self.expected = Expected()
        self.acts: tuple[Act, ...] = ()
        self._config = config
        self._request = request
        self._now = now
        self._call = Call(config, timeout_s)
        self._tools = ToolCalls()
        self._words_over = False  # the model has spoken, and calls functions now
        self._waits = False  # it has heard that the caller has not finished

    def __iter__(self) -> Iterator[str]:
        pieces, request = self._pieces(), self._request
        ends = partial(self._ends, pieces)
        min_chars, max_chars = still_to_say(request)
        try:
            yield from shaped(self._words(pieces), min_chars, max_chars, request.turn_number, ends=ends)
            yield from self._rest(pieces)
        except Cancelled:
            return
        finally:
            pieces.close()  # what the model would still say is neither read nor paid for
        self.acts = self._acts()
        for name in self._tools.meaningless(transfer=self._request.person):
            log.warning("LLM_ERR openai: the mind's call of %r means nothing: ignored", name)

    def cancel(self) -> None:
        self._call.cancel()

    def _acts(self) -> tuple[Act, ...]:
        return () if self._waits else self._tools.acts(transfer=self._request.person)

    def _ends_call(self) -> bool:
        return any(map(ends_call, self._acts()))

    def _words(self, pieces: Iterator[str]) -> Iterator[str]:
        """The model's words: they are over when, behind them, it begins to call a function."""
        for piece in pieces:
            yield piece
            if self._words_over:
                return

    def _ends(self, pieces: Iterator[str]) -> bool:
        """Whether the reply ends the call, as far as the model says so soon. Blocks."""
        until = time.monotonic() + SOON_S
        while not self._ends_call() and time.monotonic() < until and next(pieces, None) is not None:
            pass
        return self._ends_call()

    def _rest(self, pieces: Iterator[str]) -> Iterator[str]:
        """Enough was said. A model calls its functions behind its words: a little more is read, unsaid."""
        self._call.hurry(READ_ON_S)
        unsaid = 0
        try:
            for piece in pieces:
                unsaid += len(piece)
                if unsaid > READ_ON_CHARS:
                    return
                yield ""
        except EngineError:
            pass  # everything that was to be said has been said

    def _pieces(self) -> Generator[str, None, None]:
        """The model's text as it comes, and ours where it has none. Raises EngineError, Cancelled."""
        told = messages(self._config, self._request, self._now().astimezone(ISRAEL).date())
        wordless = yield from self._said(told, "auto")
        if wordless is None:
            return
        if self._request.may_wait and ELLIPSIS.search(wordless):
            self._waits = True
            yield NOT_FINISHED
        elif self._ends_call():
            yield from self._unless_said(GOODBYE if EndCall() in self._acts() else HANDOVER)
        elif self._acts():
            yield from self._noted(told)
        elif not self._request.said:  # else there was nothing left to say
            raise EngineError("OpenAI's answer is empty", retryable=True)

    def _noted(self, told: list[dict[str, Any]]) -> Iterator[str]:
        """It has only noted something down: now it is to speak. Whatever comes of that, the note is kept."""
        wordless: str | None = ""
        try:
            wordless = yield from self._said([*told, *self._tools.as_messages(SAVED)], "none")
        except EngineError as error:
            log.warning("LLM_ERR openai: no words after a note: %s", error)
        if wordless is not None:
            yield from self._unless_said(NOTED)

    def _unless_said(self, line: str) -> Iterator[str]:
        """``line`` for a reply without a word; one that goes on has had its words."""
        if not self._request.said:
            yield line

    def _said(self, told: list[dict[str, Any]], tool_choice: str) -> Generator[str, None, str | None]:
        """One answer's text; returns what it wrote if there is no word in it, None when it has spoken."""
        wordless: str | None = ""
        with self._call.response(lambda client: self._create(client, told, tool_choice)) as response:
            for event in events(response):
                choice = (event.get("choices") or [{}])[0]
                if choice.get("finish_reason") == "content_filter":
                    raise EngineError("OpenAI's content filter stopped the answer")
                delta = choice.get("delta") or {}
                text = delta.get("content") or ""
                if wordless is not None:  # marks wait for their word
                    text = wordless + text
                    wordless = None if any(map(str.isalnum, text)) else text
                yield text if wordless is None else ""  # perhaps empty: the model is at work
                if tool_choice != "none" and (calls := delta.get("tool_calls")):
                    self._tools.feed(calls)
                    self._words_over = wordless is None
                    yield ""
        return wordless

    def _create(self, client: Any, told: list[dict[str, Any]], tool_choice: str) -> Any:
        config = self._config
        wishes = {"temperature": config.openai_llm_temperature, "reasoning_effort": effort(config)}
        return client.chat.completions.with_streaming_response.create(
            model=config.openai_llm_model,
            messages=told,
            tools=offered(self._request.person),
            tool_choice=tool_choice,
            stream=True,
            # What is not set is not sent: each of these is refused by some model.
            **{name: value for name, value in wishes.items() if value is not None},
        )


def still_to_say(request: ReplyRequest) -> tuple[int, int]:
    """The least and the most characters of the rest (E5); least 0: it needs no question of ours."""
    if not request.said:
        return request.min_chars, request.max_chars
    left = request.max_chars - len(request.said)
    asked = request.said.rstrip().endswith("?")
    least = 0 if asked or not request.min_chars else max(1, request.min_chars - len(request.said))
    return least, max(left, min(SENTENCE_CHARS, request.max_chars))


def effort(config: Config) -> str | None:
    """The reasoning effort to ask for; None is to say nothing about it."""
    if config.openai_llm_effort == "unset":
        return None
    if config.openai_llm_effort != "auto":
        return config.openai_llm_effort
    model = config.openai_llm_model
    if not REASONING.match(model):
        return None
    return "minimal" if FIRST_GPT_5.fullmatch(model) else "none"
