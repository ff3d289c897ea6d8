"""One call in simulated time, and what is counted of it."""

import pytest
from prometheus_client import CollectorRegistry

from server.logs.redaction import PrivateText
from server.metrics.metrics import build
from server.metrics.of_call import CallCounts
from server.providers.base import ProviderError
from server.records.keeping import Several
from server.records.witness import Witness
from tests.records.lists import UNKNOWN, Lists
from tests.simtime.call import SimCall
from tests.simtime.line import NOISE, Sound

ASKED = Sound(3.0, 1.2)


class Counted:
    """A call that is over: ``of(name, **labels)`` is a sample, ``lists`` its record."""

    def __init__(self, call, seconds=14.0):
        self.registry = CollectorRegistry()
        self.lists = Lists()
        counts = CallCounts(build(self.registry), call.config.barge_in_voice_frames)
        witness = Witness(UNKNOWN, Several([self.lists, counts]), PrivateText("full"), call.runtime.clock)
        call.host["observers"] = (witness, counts)
        call.run(seconds)
        assert not call.lines("OBSERVER_ERR")

    def of(self, name, **labels):
        return self.registry.get_sample_value(f"phone_agent_{name}", labels) or 0

    def all(self):
        return [one for family in self.registry.collect() for one in family.samples]


def test_a_call_its_turns_and_its_gap():
    counted = Counted(SimCall([ASKED], stt=["אני מחפש דירה"]))
    [(_, answer)] = counted.lists.turns.values()
    assert counted.of("calls_total", ended="caller") == 1
    assert counted.of("turns_total", said_by="llm", ended="heard") == 1
    assert counted.of("turns_total", said_by="line", ended="heard") == 1
    assert counted.of("gap_seconds_count") == 1
    assert counted.of("gap_seconds_sum") == pytest.approx(answer.gap.wall_ms / 1000)
    parts = [counted.of("gap_part_seconds_sum", part=part) for part in PARTS]
    assert sum(parts) == pytest.approx(answer.gap.total_ms / 1000)
    assert counted.of("call_seconds_sum") == pytest.approx(14, abs=0.1)


PARTS = ("closing_silence", "stt", "llm", "tts", "breath")


def test_providers_are_timed_by_name():
    """The LLM takes 300 ms to its first token; the STT is awaited from the end of the utterance on."""
    counted = Counted(SimCall([ASKED], llm_s=0.3, asr_s=0.2))
    for role, name, took in (("llm", "llm", 0.3), ("stt", "stt", 0.2)):
        asked = {
            labels["provider"]: labels
            for one in counted.all()
            if one.name == "phone_agent_provider_requests_total" and (labels := one.labels)["role"] == role
        }
        [provider] = asked
        assert counted.of("provider_requests_total", role=role, provider=provider, came_of_it="worked") == 1
        seconds = counted.of("provider_answer_seconds_sum", role=role, provider=provider)
        assert seconds == pytest.approx(took, abs=0.06), name


def test_a_provider_that_fails_is_counted_and_so_is_what_the_call_had_to_live_with():
    counted = Counted(SimCall([ASKED], reply=lambda request: ProviderError("secret words")))
    failed = [
        one
        for one in counted.all()
        if one.name == "phone_agent_provider_requests_total" and one.labels["came_of_it"] == "failed"
    ]
    assert sum(one.value for one in failed) >= 1
    assert counted.of("call_errors_total", role="llm") == 1
    assert not any("secret" in str(one.labels) for one in counted.all())


def test_an_interruption_and_how_soon_it_was_heeded():
    over_it = Sound(6.0, 1.2)
    counted = Counted(SimCall([ASKED, over_it], stt=["ומתי זה", "רגע לא הבנתי"]), 16)
    assert counted.of("barge_ins_total") == 1 == counted.of("barge_in_reaction_seconds_count")
    assert 0.06 <= counted.of("barge_in_reaction_seconds_sum") <= 0.5
    assert counted.of("false_barge_ins_total") == 0


def test_a_cough_is_a_false_one_and_was_repaired():
    cough = Sound(6.0, 0.2, NOISE)
    counted = Counted(SimCall([ASKED, cough], knobs={"barge_in_early_stop": True}))
    assert counted.of("barge_ins_total") == 0
    assert counted.of("false_barge_ins_total") == 1
    assert counted.of("barge_in_repairs_total", how="from its frame") == 1


def test_tx_is_timed():
    counted = Counted(SimCall([ASKED]))
    assert counted.of("tx_late_seconds_count") > 10


def test_no_label_holds_what_was_said_or_who_called():
    words = ["אני אברהם 0541234567", "דירה בחיפה"]
    counted = Counted(SimCall([ASKED, Sound(9, 1.2)], stt=words, reply="רשמתי, אברהם. מה המספר?"), 18)
    shown = " ".join(f"{one.name} {one.labels}" for one in counted.all())
    assert "אברהם" not in shown and "0541234567" not in shown and "CA1" not in shown
    assert shown.isascii()


def test_who_counts_and_breaks_takes_no_record_along(caplog):
    class Broken:
        def keep_call(self, call):
            raise RuntimeError("ours")

        def keep_turn(self, sid, turn):
            raise AssertionError("it was let go of")

    lists = Lists()
    both = Several([Broken(), lists])
    both.keep_call(UNKNOWN)
    both.keep_turn("CA1", None)
    assert lists.told == [UNKNOWN, None]
    assert "OBSERVER_ERR Broken" in caplog.text
