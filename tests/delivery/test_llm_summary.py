"""LEADS_SUMMARY=llm: asked once behind the call, and the rules where it does not answer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.call.call_record import CallSummary, Ended
from server.delivery.llm_summary import SummaryOfCall
from server.providers.base import ProviderError
from server.runtime.threads import Threads
from server.turns.actions import Log
from server.turns.effects import Line, PhoneCall, Speaker

CALL = PhoneCall("CA1", "+972501112222")
OVER = CallSummary(CALL, datetime(2026, 12, 1, tzinfo=UTC), Ended.CALLER, None, 60.0, 2, 900, 0, 0, 0, 0, {})


class Llm:
    def __init__(self, says: str = "דנה רוצה\nדירה") -> None:
        self.says = says
        self.told: list[tuple[Line, ...]] = []

    def summary(self, lines: tuple[Line, ...], timeout_s: float) -> str:
        self.told.append(lines)
        if not self.says:
            raise ProviderError("no whole summary came")
        return self.says


def after(llm: Any, *said: Log) -> list[tuple[PhoneCall, str]]:
    kept: list[tuple[PhoneCall, str]] = []

    class Inline(Threads):
        def spawn(self, name: str, function: Any) -> Any:
            return function() if name == "lead-summary" else super().spawn(name, function)

    observer = SummaryOfCall([llm], Inline(), lambda call, text: kept.append((call, text)))
    for action in said:
        observer.did(action)
    observer.over(OVER)
    observer.closed()
    return kept


def test_it_is_told_what_was_said_and_asked_once() -> None:
    llm = Llm()
    said = (Log("AGENT_TEXT:", "שלום"), Log("ASR_TEXT:", "אני דנה"), Log("RESPONSE_GAP ms=900"))
    assert after(llm, *said) == [(CALL, "דנה רוצה דירה")]
    assert llm.told == [(Line(Speaker.AGENT, "שלום"), Line(Speaker.CALLER, "אני דנה"))]


def test_who_said_nothing_costs_no_request() -> None:
    llm = Llm()
    assert after(llm, Log("AGENT_TEXT:", "שלום")) == [] and llm.told == []


@pytest.mark.parametrize("llm", [Llm(""), object()], ids=["fails", "cannot"])
def test_the_rules_make_it_otherwise(llm: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert after(llm, Log("ASR_TEXT:", "אני דנה")) == []
    assert caplog.messages[0].startswith("SUMMARY_ERR call=CA1 by rules:")
