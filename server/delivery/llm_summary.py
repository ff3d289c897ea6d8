"""What an LLM makes of a call that is over, for its lead (LEADS_SUMMARY=llm). It is asked once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from server.call.call_record import CallSummary
from server.delivery.summary import MAX_CHARS
from server.logs.events import log
from server.logs.one_line import in_one_line
from server.providers.base import Llm, SummarisesCalls
from server.providers.deadlines import BoundedStream
from server.runtime.threads import Runtime
from server.turns.actions import Action, Log
from server.turns.effects import Line, PhoneCall, Speaker
from server.turns.events import Event

ASK_S = 6.0  # as what is asked behind a call
MOST_LINES, LINE_CHARS = 80, 1000
SAID = {"ASR_TEXT:": Speaker.CALLER, "AGENT_TEXT:": Speaker.AGENT}
Keep = Callable[[PhoneCall, str], None]


class SummaryOfCall:
    """An Observer (``server.call.observers``). ``keep(call, summary)`` may block."""

    def __init__(self, llms: Iterable[Llm], runtime: Runtime, keep: Keep) -> None:
        self._llms = tuple(llms)
        self._runtime = runtime
        self._keep = keep
        self._lines: deque[Line] = deque(maxlen=MOST_LINES)
        self._call: PhoneCall | None = None

    def saw(self, event: Event) -> None:
        """What is decided says more."""

    def did(self, action: Action) -> None:
        if isinstance(action, Log) and action.words and (speaker := SAID.get(action.line)):
            self._lines.append(Line(speaker, action.words[:LINE_CHARS]))

    def over(self, summary: CallSummary) -> None:
        self._call = summary.call

    def closed(self) -> None:
        """Ask, on a thread of its own: the process's, and no call's."""
        if self._call is not None and any(line.speaker is Speaker.CALLER for line in self._lines):
            self._runtime.spawn("lead-summary", self._summarise)

    def _summarise(self) -> None:
        call = self._call or PhoneCall()
        try:
            for llm in self._llms:
                if isinstance(llm, SummarisesCalls):
                    asked = _Asked(llm, tuple(self._lines))
                    stream = BoundedStream(
                        self._runtime, "lead-summary-llm", asked, first_s=ASK_S, next_s=ASK_S
                    )
                    self._keep(call, in_one_line(" ".join(stream), MAX_CHARS))
                    return
            why = "no LLM that is configured gives one"
        except Exception as error:  # whatever a provider does, the rules make it
            why = str(error) or type(error).__name__
        log.warning(f"SUMMARY_ERR call={call.sid} by rules:", cause=why)


class _Asked:
    """A summary as a stream of one, so that it has a deadline of ours."""

    def __init__(self, llm: SummarisesCalls, lines: tuple[Line, ...]) -> None:
        self._llm = llm
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        yield self._llm.summary(self._lines, ASK_S)

    def cancel(self) -> None:
        """It ends by its own deadline."""
