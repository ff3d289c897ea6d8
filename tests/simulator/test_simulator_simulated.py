"""Whole conversations in simulated time, and the page that is made of them."""

import pytest

from server.core.frames import pcm16_to_mulaw
from server.simulator.call import CallRecord
from server.simulator.link import DelayLine
from server.simulator.pump import LiveStream
from server.simulator.report import as_text, make_report
from server.simulator.script import CallerScript, Manners, Say
from server.simulator.serverlog import LogEntry
from server.simulator.simulated import converse
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.stream import CallIds, MediaStream
from tests.simulator.talking_server import Agent

IDS = CallIds("AC1", "CA1", "MZ1")
LINE = Clip.from_pcm16(synthetic_speech(1.0))
REPLY = pcm16_to_mulaw(synthetic_speech(2.0))
STEPS = [Say("a", LINE), Say("b", LINE, interrupt_after_s=0.5), Say("c", LINE)]


def hold(steps, manners=None, replies=99):
    stream = MediaStream(IDS, CallerScript(steps, manners or Manners()))
    return stream, converse(stream, Agent(REPLY, replies))


def test_a_conversation():
    stream, timeline = hold(STEPS)
    assert [turn.answers for turn in timeline.turns] == [1, 1, 1]
    assert [turn.gap_s for turn in timeline.turns] == pytest.approx([0.22, 0.22, 0.22], abs=0.02)
    assert timeline.turns[1].barge_in.clear_ms == pytest.approx(80, abs=1)
    assert timeline.turns[1].barge_in.silent_ms == pytest.approx(80, abs=11)
    assert stream.wants_hang_up and stream.script.finished and timeline.underruns == 0


def test_the_same_call_twice_is_the_same():
    assert hold(STEPS)[1] == hold(STEPS)[1]


def test_the_server_ends_it():
    stream, timeline = hold([STEPS[0], STEPS[2]], replies=2)
    assert not stream.wants_hang_up and len(timeline.turns) == 1


def test_the_caller_does_not_wait_for_ever():
    stream, _ = hold([], Manners(patience_s=1000))
    assert stream.frames_sent < 60 * 50


class DeafSocket:
    def fileno(self):
        return 0


def test_words_of_the_log_go_to_their_turns():
    """The agent's words are logged when heard: for a reply that was interrupted, inside the next turn."""
    stream, timeline = hold(STEPS)
    record = CallRecord(IDS)
    record.live = LiveStream(DeafSocket(), stream, DelayLine(), DelayLine())
    record.live.started_s = 1000.0
    first, second, third = (turn.start_s + 1000 for turn in timeline.turns)
    log = [
        LogEntry("AGENT_TEXT", "greeting", "MZ1", first - 0.7),
        LogEntry("ASR_TEXT", "heard a", "MZ1", first + 1.3),
        LogEntry("ASR_TEXT", "somebody else", "MZ2", first + 1.3),
        LogEntry("AGENT_TEXT", "cut reply", "MZ1", second + 0.3),
        LogEntry("ASR_TEXT", "heard b", "MZ1", second + 1.3),
        LogEntry("AGENT_TEXT", "reply b", "MZ1", third - 0.5),
        LogEntry("ASR_TEXT", "heard c", "MZ1", third + 1.3),
    ]
    report = make_report(record, log=log)
    assert [(w.heard_as, w.agent) for w in report.words] == [
        ("", "greeting"),
        ("heard a", "cut reply"),
        ("heard b", "reply b"),
        ("heard c", ""),
    ]
    page = as_text(report)
    assert "Greeting" in page and "Heard as     heard b" in page and "Agent answered reply b" in page


def test_what_went_wrong_is_on_the_page():
    steps = [Say("a", LINE), Say("late", LINE, interrupt_after_s=5.0)]
    stream, _ = hold(steps)
    stream.receive("hello", 1.0)
    record = CallRecord(IDS)
    record.live = LiveStream(DeafSocket(), stream, DelayLine(), DelayLine())
    record.live.lateness.add(0.2)
    page = as_text(make_report(record))
    assert "FAILED: protocol error 31924" in page
    assert "came too late to interrupt" in page and "200 ms late" in page
