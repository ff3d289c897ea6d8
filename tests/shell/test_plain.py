"""A host's own three functions as engines."""

from dataclasses import replace

import pytest

from server.core.conversation import Expected
from server.core.frames import mulaw_to_pcm16
from server.engines.base import ReplyRequest, Transcript
from server.engines.plain import MAX_UTTERANCE_BYTES, PlainEars, PlainMind, PlainVoice
from tests.sim.simtime import SimRuntime


class Utterance:
    """A host's ``asr`` on two pieces of audio; ``then`` happens at one second."""

    def __init__(self, asr, then, pieces=(b"\x10" * 80, b"\x20" * 80)):
        self.runtime = SimRuntime()
        self.asked = []
        self.heard = []
        self.recognition = PlainEars(self.runtime, lambda pcm16: self.asked.append(pcm16) or asr).open(
            Expected(), 1, 60.0
        )
        self.runtime.spawn("reader", lambda: self.heard.extend(self.recognition))
        for piece in pieces:
            self.recognition.feed(piece)
        self.runtime.run_until(0.9)
        self.early = list(self.asked)
        self.runtime.call_at(1, getattr(self.recognition, then))
        self.runtime.run_until(2)


@pytest.mark.parametrize("said, text", [("שלום", "שלום"), ("", ""), (None, "")])
def test_the_whole_utterance_goes_to_the_hosts_ears(said, text):
    """``bytes → str``, PCM16, once it is over; nothing understood is an empty text."""
    utterance = Utterance(said, "finish")
    assert utterance.early == []
    assert utterance.asked == [mulaw_to_pcm16(b"\x10" * 80 + b"\x20" * 80)]
    assert utterance.heard == [Transcript(text)]
    assert utterance.runtime.alive() == []


def test_a_cancelled_utterance_is_not_recognised():
    """F6: and its reader ends."""
    utterance = Utterance("שלום", "cancel")
    assert (utterance.asked, utterance.heard, utterance.runtime.alive()) == ([], [], [])


def test_an_endless_utterance_is_cut():
    """Bounded: the rest is not recognised."""
    minute = b"\x10" * (60 * 8000)
    utterance = Utterance("שלום", "finish", pieces=[minute] * 4)
    assert [len(pcm16) for pcm16 in utterance.asked] == [2 * MAX_UTTERANCE_BYTES]


def test_the_hosts_mind():
    """``str → str`` with the style and the lengths as keywords."""
    asked = []

    def respond(text, *, target_style, min_chars, max_chars):
        asked.append((text, target_style, min_chars, max_chars))
        return "תשובה"

    mind = PlainMind(respond)
    reply = mind.respond(ReplyRequest("שאלה", (), 1, "warm", 10, 200), 30.0)
    assert asked == []
    assert list(reply) == ["תשובה"]
    assert asked == [("שאלה", "warm", 10, 200)]
    assert (reply.expected, mind.opening) == (Expected(), Expected())


def test_the_hosts_mind_says_it_all_again():
    """B3, D4: asked early, or to go on, it is asked with the same words and answers with the same."""
    asked = []
    mind = PlainMind(lambda text, **style: asked.append((text, *style)) or "שלום. איך אפשר לעזור?")
    request = ReplyRequest("שאלה", (), 1, "warm", 10, 200)
    others = [{}, {"may_wait": True}, {"said": "שלום."}]
    replies = [list(mind.respond(replace(request, **other), 30.0)) for other in others]
    assert replies == [["שלום. איך אפשר לעזור?"]] * 3
    assert asked == [("שאלה", "target_style", "min_chars", "max_chars")] * 3


def test_the_hosts_voice():
    """``str → bytes``, when it is read."""
    asked = []
    speech = PlainVoice(lambda text: asked.append(text) or b"\x01\x02").synthesize("שלום", 30.0)
    assert asked == []
    assert list(speech) == [b"\x01\x02"]
    assert asked == ["שלום"]


def test_nothing_to_cancel_and_nothing_to_warm():
    """The functions block and cannot be stopped; that is no error."""
    engines = [PlainEars(SimRuntime(), str), PlainMind(str), PlainVoice(str)]
    assert [(engine.warm(), engine.name) for engine in engines] == [(None, "host")] * 3
    engines[1].respond(ReplyRequest("", (), 1, "", 0, 0), 1.0).cancel()
    engines[2].synthesize("", 1.0).cancel()
