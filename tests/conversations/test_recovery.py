"""A6: what cuts off a turn in thought and has no words leaves no silence. Whole calls in simulated time."""

import pytest

from server.providers.base import ProviderError, Transcript
from tests.simtime.call import SimCall
from tests.simtime.line import LOUD, NOISE, VOICE, Sound

ASKED, REPLY = "כמה חדרים יש", "יש שם שלושה חדרים גדולים."
OPENING = Sound(3.0, 1.5, words=ASKED)
THOUGHT_S = 5.1  # the end of the caller's turn; the answer is there a second later
MOST_SILENCE_S = 4.0
WORDLESS = {
    "a mumble": (VOICE, ""),
    "a voice that the STT fails to hear": (VOICE, ProviderError("down")),
    "a voice that the STT never has done with": (VOICE, None),
    "a voice of doubtful words": (VOICE, Transcript("מממ", 0.1)),
    "a hum": (VOICE, "אהה"),
    "a cough": (NOISE, ""),
}


def cut_off(kind, after_s, for_s, **more):
    sign, hears = WORDLESS[kind]
    sound = Sound(THOUGHT_S + after_s, for_s, sign, LOUD, hears=hears)
    engines = {"by_sound": True, "asr_s": 0.2, "llm_s": 0.6, "tts_s": 0.2, "reply": REPLY}
    knobs = {"thinking_hint_ms": 0}
    return sound, SimCall([OPENING, sound], knobs=knobs, **engines | more).run(24)


def silence(call, sound):
    """Seconds until something is heard behind the sound; 0 when something is being."""
    behind = [said.at_s - sound.until_s for said in call.heard if said.until_s > sound.until_s]
    return max(0.0, min(behind, default=99.0))


@pytest.mark.parametrize("kind", WORDLESS)
@pytest.mark.parametrize("for_s", [0.2, 1.2])
@pytest.mark.parametrize("after_s", [-0.3, 0.0, 0.4, 0.7])
def test_a6_there_is_an_answer_all_the_same(kind, for_s, after_s):
    """A6, E1: whole, and within four seconds of the sound; a line where the STT has failed."""
    sound, call = cut_off(kind, after_s, for_s)
    last = call.heard[-1]
    assert last.from_s + last.until_s - last.at_s == pytest.approx(0.06 * len(last.text), abs=0.03)
    assert last.text == REPLY or kind not in ("a mumble", "a hum", "a cough")
    assert silence(call, sound) < MOST_SILENCE_S
    assert call.machine.turn is None and call.machine.users.pending.segments == []


@pytest.mark.parametrize("reply", [ProviderError("down"), None], ids=["fails", "hangs"])
@pytest.mark.parametrize("after_s", [0.0, 0.4, 0.9, 1.5])
def test_g2_a_line_recovers_a_turn_that_was_cut_off_and_has_no_answer(reply, after_s):
    """A6, G2, G3: a mumble, and an LLM that gives none."""
    sound, call = cut_off("a mumble", after_s, 0.6, reply=reply)
    assert len(call.heard) > 1
    assert silence(call, sound) < MOST_SILENCE_S + call.config.turn_timeout_ms / 1000


@pytest.mark.parametrize("kind", WORDLESS)
@pytest.mark.parametrize("after_s", [0.2, 0.9, 1.4])
def test_d4_a_rest_that_is_cut_off_before_it_goes_on_is_not_lost(kind, after_s):
    """D4, A6: the reply is interrupted by a mumble, and its rest by another sound."""
    mumble = Sound(7.0, 0.6, hears="")
    sign, hears = WORDLESS[kind]
    sound = Sound(7.4 + after_s, 0.5, sign, LOUD, hears=hears)
    long = "יש שם שלושה חדרים גדולים ומרפסת שמש שפונה לים ומחסן פרטי בקומה."
    knobs = {"thinking_hint_ms": 0}
    call = SimCall([OPENING, mumble, sound], by_sound=True, asr_s=0.4, reply=long, knobs=knobs).run(24)
    last = call.heard[-1]
    assert last.from_s + last.until_s - last.at_s == pytest.approx(0.06 * len(last.text), abs=0.03)
    assert last.text == long or "STT" in kind
    assert silence(call, sound) < MOST_SILENCE_S
