"""D4: a nod over the agent's voice, and what only begins like one. Whole calls in simulated time."""

from statistics import median

import pytest

from server.turns.actions import GenerateReply
from server.turns.effects import EndCall
from tests.simtime.call import GREETING, SimCall
from tests.simtime.engines import Reply
from tests.simtime.line import Sound

SENTENCE = "יש שם שלושה חדרים גדולים ומרפסת שמש שפונה לים ומחסן פרטי בקומה."
REPLY, ANSWER = f"{SENTENCE} ויש גם חניה אחת מקורה.", "בסדר גמור, רשמתי."
OPENING = Sound(3.0, 1.5, words="ספרו לי על הדירה")
NODS = {"כן": 0.36, "אהמ": 0.44, "הבנתי, בסדר גמור": 1.06}
LATE = 2.0  # seconds that the STT takes to its final transcript; 1.2 are its deadline


def call_with(*sounds, reply=REPLY, **more):
    """Engines as in the field, and an STT that guesses as it goes."""
    engines = {"by_sound": True, "partials_lag_s": 0.2, "asr_s": 0.2, "llm_s": 0.35, "tts_s": 0.15}
    return SimCall([OPENING, *sounds], reply=answers(reply), **engines | more)


def answers(reply):
    return lambda request: reply if request.text == OPENING.words else ANSWER


def goes_on(call, behind_s):
    """The first that is heard of the agent behind that moment."""
    return next(said for said in call.heard if said.at_s > behind_s)


@pytest.mark.parametrize("words", NODS)
def test_d4_the_silence_behind_a_nod(words):
    """D4: half a second at most, and the sentence goes on where it was cut."""
    silences = []
    for at_s in (6.9, 7.3, 7.7, 8.1):
        nod = Sound(at_s, NODS[words], words=words)
        call = call_with(nod).run(16)
        rest = goes_on(call, nod.until_s)
        assert (rest.text, rest.from_s > 0.8) == (SENTENCE, True)
        assert len(call.llm.requests) == 1
        silences.append(rest.at_s - nod.until_s)
    assert median(silences) <= 0.3


@pytest.mark.parametrize("words", ["רגע", "עצור", "לא", "נציג", "רגע רגע", "כן רגע", "אהמ לא", "הבנתי, אבל"])
@pytest.mark.parametrize("partials_lag_s", [0.2, None])
def test_d4_words_that_interrupt_are_never_nods(words, partials_lag_s):
    """D4: what was interrupted stays so, and the words are answered, behind a turn's silence."""
    voice = Sound(7.5, 0.4, words=words)
    call = call_with(voice, partials_lag_s=partials_lag_s).run(16)
    behind = [said for said in call.heard if said.at_s > voice.at_s + 0.2]
    assert behind and SENTENCE not in [said.text for said in behind]
    assert call.lines("BACKCHANNEL") == []
    assert behind[0].at_s - voice.until_s > 0.48


def test_d4_a_brief_word_that_goes_on_is_not_answered_in_its_pause():
    """D4, A6: closed as a nod's, it is still answered with what follows behind 400 ms."""
    call = call_with(Sound(7.5, 0.4, words="אבל"), Sound(8.3, 0.9, words="מה המחיר"), asr_s=0.05, llm_s=0.0)
    call.run(16)
    assert call.llm.requests[-1].text == "אבל מה המחיר"
    assert not [said for said in call.heard if 7.9 < said.at_s < 9.2]


# ---- the guess was a nod


def guessed(at_s, words, *, takes_s, nod="כן"):
    """The STT has heard a nod of it, and takes its time for the rest."""
    return Sound(at_s, 0.4, words=words, takes_s=takes_s, guesses=((0.5, nod),))


def test_d4_what_the_guess_has_left_out_is_answered():
    """D4: the agent has gone on, and is interrupted after all."""
    call = call_with(guessed(7.5, "כן אבל מה המחיר", takes_s=0.9), partials_lag_s=None).run(18)
    assert [request.text for request in call.llm.requests] == [OPENING.words, "כן אבל מה המחיר"]
    assert [said.text for said in call.heard] == [GREETING, SENTENCE, SENTENCE, ANSWER]
    assert len(call.lines("BARGE_IN: interrupt")) == 2


@pytest.mark.parametrize(("after_s", "silence_s"), [(0.5, 0.14), (0.6, 0.2), (0.3, 0.34)])
def test_d4_a_guess_from_before_the_pause_is_waited_on(after_s, silence_s):
    """D4, B3: it may lack the last word, and a newer one would have come within 200 ms."""
    nod = Sound(7.5, 0.4, words="כן", takes_s=0.9, guesses=((after_s, "כן"),))
    call = call_with(nod, partials_lag_s=None).run(12)
    assert goes_on(call, nod.until_s).at_s - nod.until_s == pytest.approx(silence_s, abs=0.05)


@pytest.mark.parametrize("at_s", [7.5, 8.6])
def test_d4_a_guess_that_was_right_costs_nothing(at_s):
    """D4: nor does a transcript that never comes."""
    for sound in (guessed(at_s, "כן", takes_s=0.9), guessed(at_s, "כן כן", takes_s=LATE)):
        call = call_with(sound, partials_lag_s=None).run(18)
        assert call.heard[-1].text == "ויש גם חניה אחת מקורה."
        assert len(call.lines("BARGE_IN: interrupt")) == len(call.llm.requests) == 1


def test_d4_it_says_more_when_the_caller_speaks_again():
    """D4, A6: both are answered in one."""
    more = guessed(7.5, "כן אבל", takes_s=1.0)
    call = call_with(more, Sound(8.7, 0.8, words="מה המחיר"), partials_lag_s=None).run(18)
    assert call.llm.requests[-1].text == "כן אבל מה המחיר"
    assert call.heard[-1].text == ANSWER


def test_d4_a_second_nod_waits_for_the_first_ones_words():
    """D4: one guess is acted on at a time, or the words of the other would be lost."""
    first, second = guessed(6.9, "כן אבל מה המחיר", takes_s=1.0), guessed(7.75, "אהה", takes_s=0.5, nod="אהה")
    call = call_with(first, second, partials_lag_s=None).run(18)
    assert "כן אבל מה המחיר" in call.llm.requests[-1].text
    assert call.heard[-1].text == ANSWER


def test_f2_thanks_for_a_goodbye_are_not_gone_on_at():
    """D4, F2: only to a goodbye are they a nod, and the final transcript is judged as if it had been none."""
    bye = Reply(SENTENCE, acts=(EndCall(),))
    thanks = guessed(7.5, "תודה רבה", takes_s=0.7, nod="תודה")
    call = call_with(thanks, reply=bye, partials_lag_s=None).run(18)
    assert len(call.lines("BARGE_IN: interrupt")) == 1
    assert goes_on(call, thanks.until_s).at_s - thanks.until_s == pytest.approx(0.84, abs=0.05)


def test_d4_f6_a_caller_who_hangs_up_has_said_it_all_the_same():
    """F6: an LLM is asked what to keep of it."""
    call = call_with(guessed(7.5, "כן ושמי דנה כהן", takes_s=1.0), partials_lag_s=None)
    call.run(8.4)
    call.until(14)
    asked = [a for _, actions in call.events for a in actions if isinstance(a, GenerateReply) and a.gone]
    assert [question.text for question in asked] == ["כן ושמי דנה כהן"]
