"""A mind by OpenAI's chat completions, streamed, or those of a server with the same protocol."""

import logging
import re
import time
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

from server.config import Config
from server.core.conversation import Act, EndCall, Expected
from server.engines.base import EngineError, ReplyRequest, ReplyStream
from server.engines.mind.shape import shaped
from server.engines.openai.client import Call, Cancelled, events, warm
from server.engines.openai.prompt import messages, template
from server.engines.openai.tools import ToolCalls, ends_call, offered

log = logging.getLogger("agent")

SAVED = "נשמר"
# For a mind that ends the call, or hands it over, without a word. No gender: the caller's is not known.
GOODBYE = "תודה רבה על השיחה, ויום נעים."
HANDOVER = "השיחה עוברת עכשיו לאדם מהמשרד, רק רגע."
NOTED = "רשמתי את הפרטים. מה עוד חשוב לדעת?"
FIRST_GPT_5 = re.compile(r"gpt-5(-mini|-nano)?(-\d{4}-.*)?")  # they refuse "none"; gpt-5.1 and later take it
# Later ones refuse functions with any other effort, and some of them an effort that is not sent.
REASONING = re.compile(r"(.*/)?gpt-([5-9]|\d\d)(?!.*chat)")
SOON_S = 0.8  # less than any wait for a token
READ_ON_S, READ_ON_CHARS = 3.0, 120


class OpenAIMind:
    """A Responder."""

    name = "openai"
    opening = Expected()

    def __init__(self, config: Config) -> None:
        self._config = config

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        return _Reply(self._config, request, timeout_s)

    def warm(self) -> None:
        template(self._config.llm_prompt_file)
        warm(self._config)


class _Reply:
    def __init__(self, config: Config, request: ReplyRequest, timeout_s: float) -> None:
        self.expected = Expected()
        self.acts: tuple[Act, ...] = ()
        self._config = config
        self._request = request
        self._call = Call(config, timeout_s)
        self._tools = ToolCalls()
        self._words_over = False  # the model has spoken, and calls functions now

    def __iter__(self) -> Iterator[str]:
        pieces, request = self._pieces(), self._request
        ends = partial(self._ends, pieces)
        try:
            yield from shaped(
                self._words(pieces), request.min_chars, request.max_chars, request.turn_number, ends=ends
            )
            yield from self._rest(pieces)
        except Cancelled:
            return
        finally:
            pieces.close()  # what the model would still say is neither read nor paid for
        self.acts = self._acts()
        for name in self._tools.meaningless(transfer=self._has_person):
            log.warning("LLM_ERR openai: the mind's call of %r means nothing: ignored", name)

    def cancel(self) -> None:
        self._call.cancel()

    @property
    def _has_person(self) -> bool:
        return bool(self._config.transfer_number)

    def _acts(self) -> tuple[Act, ...]:
        return self._tools.acts(transfer=self._has_person)

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
        told = messages(self._config, self._request)
        spoken = yield from self._said(told, "auto")
        if spoken:
            return
        if self._ends_call():
            yield GOODBYE if EndCall() in self._acts() else HANDOVER
            return
        if not self._acts():
            raise EngineError("OpenAI's answer is empty", retryable=True)
        # It has only noted something down: now it is to speak. Whatever comes of that, the note is kept.
        try:
            spoken = yield from self._said([*told, *self._tools.as_messages(SAVED)], "none")
        except EngineError as error:
            log.warning("LLM_ERR openai: no words after a note: %s", error)
        if not spoken:
            yield NOTED

    def _said(self, told: list[dict[str, Any]], tool_choice: str) -> Generator[str, None, bool]:
        """One answer's text; returns whether there was any that can be spoken."""
        spoken = False
        with self._call.response(lambda client: self._create(client, told, tool_choice)) as response:
            for event in events(response):
                choice = (event.get("choices") or [{}])[0]
                if choice.get("finish_reason") == "content_filter":
                    raise EngineError("OpenAI's content filter stopped the answer")
                delta = choice.get("delta") or {}
                text = delta.get("content") or ""
                spoken = spoken or any(map(str.isalnum, text))
                yield text  # perhaps empty: the model is at work
                if tool_choice != "none" and (calls := delta.get("tool_calls")):
                    self._tools.feed(calls)
                    self._words_over = spoken
                    yield ""
        return spoken

    def _create(self, client: Any, told: list[dict[str, Any]], tool_choice: str) -> Any:
        config = self._config
        wishes = {"temperature": config.openai_llm_temperature, "reasoning_effort": effort(config)}
        return client.chat.completions.with_streaming_response.create(
            model=config.openai_llm_model,
            messages=told,
            tools=offered(self._has_person),
            tool_choice=tool_choice,
            stream=True,
            # What is not set is not sent: each of these is refused by some model.
            **{name: value for name, value in wishes.items() if value is not None},
        )


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
