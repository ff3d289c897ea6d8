"""Our side of a turn: sentences from the mind, lines of our own, and the audio of both."""

import pytest

from server.core import lines
from server.core.answer import (
    acts_due,
    advance,
    no_more_sentences,
    say_line,
    say_sentence,
    take_audio,
    take_up,
)
from server.core.conversation import EndCall, Expected, SaveLead, Transfer
from server.core.events import AudioMade, Perform, ReplyThought, Say, SentenceVoiced
from server.core.memory import Memory
from server.core.playout import HINT_INDEX, Playout
from server.core.turn import CallerTurn, Leftover, Turn


def turn(text="ומתי זה"):
    return Turn(3, CallerTurn(), 0, Playout(3), text=text)


def memory(*just_said, committed_turns=0):
    remembered = Memory(2, 700)
    remembered.reply_heard(list(just_said))
    remembered.committed_turns = committed_turns
    return remembered


def texts(answer):
    return [sentence.text for sentence in answer.playout.sentences]


def test_c2_sentences_are_numbered_as_they_come():
    """C2: the index is the sentence's name between us and the voice."""
    answer = turn()
    assert say_sentence(answer, "ראשון.", memory()) == [Say(3, 0, "ראשון.")]
    assert say_sentence(answer, "שני.", memory()) == [Say(3, 1, "שני.")]
    assert texts(answer) == ["ראשון.", "שני."]
    assert (answer.fixed, answer.playout.complete) == (False, False)
    assert no_more_sentences(answer, memory()) == []
    assert answer.playout.complete


@pytest.mark.parametrize("text", ["", "...", " - "])
def test_a_sentence_without_a_word_is_not_said(text):
    """A7: "…" is never spoken."""
    answer = turn()
    assert say_sentence(answer, text, memory()) == []
    assert (texts(answer), answer.skipped) == ([], 0)


def test_e4_a_sentence_heard_a_moment_ago_is_skipped():
    """E4: whatever its punctuation."""
    answer = turn()
    assert say_sentence(answer, "השעה שש!", memory("השעה שש.")) == []
    assert answer.skipped == 1


def test_e4_unless_the_caller_asked_to_repeat():
    """E4: then it is what is wanted."""
    answer = turn("מה אמרת")
    assert say_sentence(answer, "השעה שש.", memory("השעה שש.")) == [Say(3, 0, "השעה שש.")]


@pytest.mark.parametrize("committed_turns", [0, 1])
def test_e4_nothing_left_is_never_silence(committed_turns):
    """E4: one of a small set is said."""
    heard = memory("השעה שש.", committed_turns=committed_turns)
    answer = turn()
    say_sentence(answer, "השעה שש.", heard)
    line = lines.already_said(committed_turns)
    assert no_more_sentences(answer, heard) == [Say(3, 0, line)]
    assert (texts(answer), answer.fixed, answer.playout.complete) == ([line], True, True)


def test_e4_what_is_left_is_the_answer():
    """E4: no line is added to it."""
    heard = memory("השעה שש.")
    answer = turn()
    say_sentence(answer, "השעה שש.", heard)
    say_sentence(answer, "ועוד.", heard)
    assert no_more_sentences(answer, heard) == []
    assert texts(answer) == ["ועוד."]


def test_g2_a_mind_that_said_nothing_is_a_failed_one():
    """G2: the caller hears our line."""
    answer = turn()
    assert no_more_sentences(answer, memory()) == [Say(3, 0, lines.MIND_FAILED)]
    assert answer.fixed


def test_e1_a_fixed_line_is_the_whole_answer():
    """E1: and nothing after it."""
    answer = turn()
    assert say_line(answer, "אפשר לנסח שוב?") == [Say(3, 0, "אפשר לנסח שוב?")]
    assert (answer.fixed, answer.playout.complete, answer.sentences) == (True, True, 1)


# ---- audio


def test_the_audio_of_a_sentence_until_it_is_whole():
    """C2: in pieces of any size."""
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    for piece in (b"\x10" * 100, b"\x11" * 100):
        take_audio(answer, AudioMade(3, 0, piece), "רגע")
    sentence = answer.playout.sentences[0]
    assert (bytes(sentence.audio), sentence.whole) == (b"\x10" * 100 + b"\x11" * 100, False)
    take_audio(answer, SentenceVoiced(3, 0), "רגע")
    assert sentence.whole


def test_b5_the_hint_is_whole_at_once():
    """B5: from pre-made audio, before whatever is to come."""
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    take_audio(answer, AudioMade(3, HINT_INDEX, b"\x33" * 320), "רגע")
    take_audio(answer, SentenceVoiced(3, HINT_INDEX), "רגע")
    assert texts(answer) == ["רגע", "שלום."]
    assert answer.playout.sentences[0].whole and answer.playout.has_hint


def test_b5_the_hint_is_for_want_of_a_reply():
    """B5: with audio of the reply ready there is none."""
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    take_audio(answer, AudioMade(3, 0, b"\x10" * 160), "רגע")
    take_audio(answer, AudioMade(3, HINT_INDEX, b"\x33" * 320), "רגע")
    assert texts(answer) == ["שלום."]


# ---- acts

LEAD, EXPECTED = SaveLead((("name", "דנה"),)), Expected(("כן",))


def decided(*acts):
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    assert advance(answer, ReplyThought(3, EXPECTED, acts), memory(), "רגע") == []
    return answer


def test_b3_acts_come_with_the_end_of_the_reply():
    """B3: kept until they are due."""
    answer = decided(LEAD, EndCall())
    assert (answer.expected, answer.acts) == (EXPECTED, (LEAD, EndCall()))


def test_f2_f3_what_is_due_when():
    """B3, F2, F3: a lead once the turn is committed, what ends the call once it was heard; each once."""
    answer, remembered = decided(LEAD, Transfer()), memory()
    assert acts_due(answer, remembered, heard=False) == [Perform(LEAD)]
    assert acts_due(answer, remembered, heard=False) == []
    assert answer.acts == (Transfer(),)
    assert acts_due(answer, remembered, heard=True) == [Perform(Transfer())]
    assert acts_due(answer, remembered, heard=True) == []
    late = decided(LEAD, EndCall())
    assert acts_due(late, memory(), heard=True) == [Perform(LEAD), Perform(EndCall())]


def test_b3_what_this_call_has_done_is_not_done_again():
    """B3: by whichever turn."""
    remembered = memory()
    acts_due(decided(LEAD), remembered, heard=False)
    again = decided(LEAD, EndCall())
    assert acts_due(again, remembered, heard=True) == [Perform(EndCall())]
    assert again.acts == ()


def test_d4_who_takes_up_a_reply_takes_up_its_acts():
    """D4, E2: what was not done yet."""
    answer = decided(LEAD, EndCall())
    acts_due(answer, memory(), heard=False)
    resumed = turn()
    assert take_up(resumed, Leftover(answer.playout.kept(), answer)) == []
    assert (resumed.expected, resumed.acts) == (EXPECTED, (EndCall(),))
