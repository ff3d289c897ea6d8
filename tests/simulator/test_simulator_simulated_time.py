"""Whole conversations in simulated time, and their report."""

import pytest

from server.audio.frames import pcm16_to_mulaw
from server.simulator.call import CallRecord
from server.simulator.link import DelayLine
from server.simulator.pump import LiveStream
from server.simulator.report import as_json, as_text, make_report
from server.simulator.script import CallerScript, Keys, Manners, Say
from server.simulator.serverlog import LogEntry
from server.simulator.simulated_time import converse
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
    """The agent's words are logged when heard: those of an interrupted reply during the next turn."""
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
    assert [(w.heard_as, w.agent) for w in report.words.turns] == [
        ("", "greeting"),
        ("heard a", "cut reply"),
        ("heard b", "reply b"),
        ("heard c", ""),
    ]
    page = as_text(report)
    assert "Greeting" in page and "Heard as     heard b" in page and "Agent answered reply b" in page


def heard(steps, *lines, ending="caller hung up", replies=99):
    """The report of a call with ``steps``. ``lines``: kind, words, and seconds into the stream."""
    stream, _ = hold(steps, replies=replies)
    record = CallRecord(IDS, ending)
    record.live = LiveStream(DeafSocket(), stream, DelayLine(), DelayLine())
    record.live.started_s = 1000.0
    return make_report(record, log=[LogEntry(kind, text, "MZ1", 1000 + at_s) for kind, text, at_s in lines])


GREETED = ("AGENT_TEXT", "greeting", 2.1)


def test_answers_without_a_transcript_are_not_enough():
    """Newcomer 3: a server whose STT fails answers every turn with "say it again"; the report says so."""
    report = heard([STEPS[0], STEPS[2]], GREETED, ("ASR_ERR", "google: no key", 4.0))
    assert report.reasons == ("0 of 2 spoken turns heard: google: no key",)
    page = as_text(report)
    assert page.count("Heard as     (nothing)") == 2 and "OK" not in page
    assert as_json(report)["spoken_heard"] == {"heard": 0, "spoken": 2}


def test_a_turn_that_was_not_heard_is_counted():
    report = heard([STEPS[0], STEPS[2]], GREETED, ("ASR_TEXT", "a", 5.0))
    assert report.ok and "OK: 2 of 2 turns answered, 1 of 2 spoken ones heard" in as_text(report)


def test_keys_need_no_stt():
    """DTMF works without a working STT."""
    deaf = heard([STEPS[0], Keys("4")], GREETED, ("ASR_TEXT", "4", 9.0))
    assert "0 of 1 spoken turns heard" in " ".join(deaf.reasons)
    typed = heard([Keys("4")], GREETED, ("ASR_TEXT", "4", 5.0))
    assert not [reason for reason in typed.reasons if "heard" in reason]
    assert "Caller typed 4" in as_text(typed)


def test_a_log_without_the_words_is_no_deaf_server():
    report = heard([STEPS[0]])
    assert report.ok and "no words of this call" in as_text(report) and "heard" not in as_text(report)
    assert as_json(report)["spoken_heard"] is None


HANDED_OVER = "dialled +97231234567"
PERSON = Say("אפשר לדבר עם נציג", LINE)


@pytest.mark.parametrize("asks", [PERSON, Keys("0")], ids=["words", "key 0"])
@pytest.mark.parametrize("left", [(), (STEPS[2], STEPS[2])], ids=["at the end", "with steps left"])
def test_a_requested_transfer_is_a_success(asks, left):
    """Newcomer 14: the caller needs no more steps, whatever the script still has."""
    report = heard([asks, *left], GREETED, ("ASR_TEXT", "x", 4.5), ending=HANDED_OVER, replies=2)
    page = as_text(report)
    assert "handed over to +97231234567" in page and "steps were done" not in page
    assert ("steps were not needed any more" in page) == bool(left)


def test_a_person_nobody_asked_for_is_not():
    report = heard(STEPS, GREETED, ("ASR_TEXT", "a", 4.5), ending=HANDED_OVER, replies=2)
    assert "handed over to +97231234567, which no step" in " ".join(report.reasons)
    assert as_json(report)["handed_over_to"] == "+97231234567"


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
