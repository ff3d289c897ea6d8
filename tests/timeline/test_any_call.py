"""The timeline of any call, and of one that was taken up: nothing of it is outside the call, or missing."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from server.call.provider_runner import AFTER_CALL_S
from server.office.business_hours import ISRAEL
from server.records.shown import turn_lines
from server.timeline.page import page
from server.timeline.reading import timeline_of
from tests.conversations.test_random_walks import calls
from tests.conversations.test_taken_up import Host
from tests.event_log.recorded import recorded
from tests.records.lists import witnessed
from tests.simtime.line import Sound

SECONDS = 30


def kept(call, folder, seconds, hang_up=True):
    """The call run and kept: its facts, which name its log, and its turns."""
    lists, _ = witnessed(recorded(call, folder))
    call.run(seconds, hang_up=hang_up)
    call.until(seconds + AFTER_CALL_S + 2)  # what was said last is known, or given up
    assert call.event_logs.settle(10)
    ((sid, facts),) = lists.calls.items()
    (log,) = folder.glob(f"*/{sid}.events")
    return replace(facts, event_log=log.relative_to(folder).as_posix()), lists.turns.get(sid, [])


def test_any_call_can_be_drawn(tmp_path_factory):
    """Whatever happens in it."""

    @settings(max_examples=12)
    @given(calls())
    def drawn(call):
        folder = tmp_path_factory.mktemp("walks")
        facts, turns = kept(call, folder, SECONDS)
        check(timeline_of([(facts, turns)], str(folder), ISRAEL, "full"), turns)

    drawn()


def check(data, turns):
    assert data["lacks"] == [] and page(data)
    assert [turn["lines"] for turn in data["turns"]] == list(map(turn_lines, turns))
    assert len(data["flags"]) == sum(len(turn.decisions) for turn in turns)
    assert all(one["to"] == other["from"] for one, other in pairwise(data["states"]))
    for name in ("states", "turns", "gaps", "providers", "barge_ins"):
        for one in data[name]:
            begin = one["from"] if "from" in one else one["at"]
            assert 0 <= begin <= one["to"] <= data["length"], (name, one)
    for flag in data["flags"]:
        assert 0 <= flag["at"] <= data["length"] and flag["turn"] is not None
    for turn, told in enumerate(turns):
        said = " ".join(word["text"] for word in data["words"] if word["turn"] == turn and word["heard"])
        assert said.split() == f"{told.caller} {told.agent}".split()
    answered = [turn.gap.total_ms for turn in turns if turn.gap is not None]
    assert [gap["ms"] for gap in data["gaps"] if gap["ms"] is not None] == answered
    assert sum(cut["false"] for cut in data["barge_ins"]) >= bool(sum(turn.false_barge_ins for turn in turns))


def test_f8_a_call_that_was_taken_up_is_one_picture(tmp_path):
    """F8: the parts stand as far from each other as they began; the second says what it is."""
    host = Host(tmp_path)
    first = kept(host.socket([Sound(3.0, 1.5)], stt=["אני רוצה לקנות דירה"]), tmp_path / "logs", 14.0, False)
    second = kept(host.socket([Sound(6.0, 1.0)], stt=["בחיפה"], resumes=True), tmp_path / "logs", 15)
    parts = [first, (replace(second[0], at=first[0].at.replace(second=40)), second[1])]
    data = timeline_of(parts, str(tmp_path / "logs"), ISRAEL, "full")
    begins = [part["at"] for part in data["parts"]]
    assert begins == [0, 40_000] and [levels["at"] for levels in data["levels"]] == begins
    assert ("taken up (F8)", 40_000) in [(end["text"], end["at"]) for end in data["ends"]]
    assert {turn["from"] >= 40_000 for turn in data["turns"][len(first[1]) :]} == {True}
    assert [log["replay"].rpartition("/")[2] for log in data["logs"]] == [
        "CA1.events",
        f"{second[0].sid}.events",
    ]
    assert data["states"][-1]["to"] <= data["length"]


@pytest.mark.parametrize("seconds", [0.2, 1.0])
def test_a_call_of_a_moment_can_be_drawn(tmp_path, seconds):
    host = Host(tmp_path)
    facts, turns = kept(host.socket([]), tmp_path / "logs", seconds)
    data = timeline_of([(facts, turns)], str(tmp_path / "logs"), ISRAEL, "full")
    assert page(data) and data["length"] >= 1000 * seconds - 50
