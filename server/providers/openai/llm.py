"""An LLM by OpenAI's chat completions, streamed, or those of a server with the same protocol."""

import re
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from typing import Any

from server.config import Config
from server.logs.events import log
from server.office.business_hours import ISRAEL
from server.providers.base import Cancelled, ProviderError, ReplyCut, ReplyRequest, ReplyStream
from server.providers.model_ends import ModelEnd
from server.providers.openai.client import Call, events, warm
from server.providers.openai.endpoint import llm_endpoint
from server.providers.openai.ends import end_of
from server.providers.openai.prompt import messages, template
from server.providers.openai.summary import summary_of
from server.providers.openai.tools import ToolCalls, as_messages, offered
from server.turns.effects import Act, Expected, Line

SAVED = "נשמר"
CUT = frozenset(
    ["length", "max_tokens", "max_output_tokens", "model_length", "MAX_TOKENS"]
)  # as servers say it
FIRST_GPT_5 = re.compile(r"gpt-5(-mini|-nano)?(-\d{4}-.*)?")  # they refuse "none"; gpt-5.1 and later take it
# Later ones refuse functions with any other effort, and some of them an effort that is not sent.
REASONING = re.compile(r"(.*/)?gpt-([5-9]|\d\d)(?!.*chat)")
READ_ON_S = 3.0  # behind what was said


class OpenAILlm:
    """A Llm."""

    name = "openai"
    opening = Expected()
    takes_messages = True
    authored = False

    def __init__(self, config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``now``: an aware datetime, in any zone."""
        self._config = config
        self._now = now

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        return _Reply(self._config, request, self._now, timeout_s)

    def summary(self, lines: Sequence[Line], timeout_s: float) -> str:
        return summary_of(self._config, lines, _wishes(self._config), timeout_s)

    def warm(self) -> None:
        template(self._config.llm_prompt_file)
        warm(llm_endpoint(self._config))

    def model_end(self) -> ModelEnd | None:
        return end_of(llm_endpoint(self._config))


class _Reply:
    """A ReplyWithTools: what the model writes, as it writes it. Iterated once."""

    def __init__(
        self, config: Config, request: ReplyRequest, now: Callable[[], datetime], timeout_s: float
    ) -> None:
        self.expected = Expected()
        self.acting = False
        self._config = config
        self._request = request
        self._now = now
        self._call = Call(llm_endpoint(config), timeout_s)
        self._tools = ToolCalls()

    @property
    def acts(self) -> tuple[Act, ...]:
        return () if self._call.cancelled else self._tools.acts(transfer=self._request.person)

    def __iter__(self) -> Generator[str, None, None]:
        try:
            yield from self._text(self._told(), "auto")
        except Cancelled:
            return
        finally:
            for name in self._tools.meaningless(transfer=self._request.person):
                log.warning("LLM_ERR openai:", cause=f"the LLM's call of {name!r} means nothing: ignored")

    def cancel(self) -> None:
        self._call.cancel()

    def enough(self) -> None:
        self._call.hurry(READ_ON_S)

    def words_after(self, acts: tuple[Act, ...]) -> Generator[str, None, None]:
        try:
            yield from self._text([*self._told(), *as_messages(acts, SAVED)], "none")
        except Cancelled:
            return

    def _told(self) -> list[dict[str, Any]]:
        return list(messages(self._config, self._request, self._now().astimezone(ISRAEL).date()))

    def _text(self, told: list[dict[str, Any]], tool_choice: str) -> Generator[str, None, None]:
        """One answer's text, ``""`` for what has none. Raises ProviderError, ReplyCut, Cancelled."""
        with self._call.response(lambda client: self._create(client, told, tool_choice)) as response:
            done = yield from self._deltas(response, tool_choice)
        if not done:
            raise ReplyCut("the answer broke off")

    def _deltas(self, response: Any, tool_choice: str) -> Generator[str, None, bool]:
        """Returns whether the answer came to its end; not when a length limit, or nothing, ended it."""
        finish = ""
        coming = events(response)
        while True:
            try:
                event = next(coming)
            except StopIteration as end:
                return finish not in CUT and bool(finish or end.value)
            choice = (event.get("choices") or [{}])[0]
            finish = choice.get("finish_reason") or finish
            if finish == "content_filter":
                raise ProviderError("OpenAI's content filter stopped the answer")
            delta = choice.get("delta") or {}
            if tool_choice != "none" and (calls := delta.get("tool_calls")):
                self._tools.feed(calls)
                self.acting = True
            yield delta.get("content") or ""  # perhaps empty: the model is at work

    def _create(self, client: Any, told: list[dict[str, Any]], tool_choice: str) -> Any:
        config = self._config
        return client.chat.completions.with_streaming_response.create(
            model=config.openai_llm_model,
            messages=told,
            tools=offered(self._request.person),
            tool_choice=tool_choice,
            stream=True,
            **_wishes(config),
        )


def _wishes(config: Config) -> dict[str, Any]:
    """What is not set is not sent: each of these is refused by some model."""
    wishes = {"temperature": config.openai_llm_temperature, "reasoning_effort": effort(config)}
    return {name: value for name, value in wishes.items() if value is not None}


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
