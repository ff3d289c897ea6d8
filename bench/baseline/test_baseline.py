"""The defects of the playbook's skeleton, row by row (``python -m pytest bench/baseline``).

Every row runs on our handler, and on the skeleton as it was written, where it must fail: a test that the
skeleton passes proves nothing. Rows 15 and 16 name their mutant or are an install check.
"""

import json
import re
import sys

import pytest

from bench.baseline.skeleton_call import SkeletonCall
from tests.serving import ROOT
from tests.simtime.call import GREETING, REPLY, SimCall
from tests.simtime.line import LOUD, NOISE, Sound
from tests.wording import OURS

FIRST = "הבנתי אותך היטב, תודה רבה."
HINT = "שנייה… בודקת"
ENGINES = {"asr_s": 0.0, "llm_s": 0.3, "tts_s": 0.1}
NO_GREETING = {"ai_greeting_he": ""}

both = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(SimCall, id="ours"),
        pytest.param(SkeletonCall, id="skeleton", marks=pytest.mark.xfail(strict=True)),
    ],
)


def starts(call, text):
    return [said.at_s for said in call.heard if said.text == text]


@both
def test_row_1_the_greeting_plays_in_silence(kind):
    """16 s of silence: the greeting is heard."""
    assert GREETING in kind([], stt=[""], **ENGINES).run(16).texts


@both
def test_row_2_silence_is_not_sent_to_the_stt(kind):
    """16 s of silence: nothing to recognise."""
    assert kind([], stt=[""], **ENGINES).run(16).stt.heard == []


@both
def test_row_3_the_clarification_is_not_put_in_the_callers_mouth(kind):
    """An empty transcript: the agent asks; the LLM is not given its question as the caller's words."""
    call = kind([Sound(1.0, 1.0)], stt=[""], knobs=NO_GREETING, **ENGINES).run(12)
    assert OURS.unclear[0] in call.texts
    assert call.llm.requests == []


@both
def test_row_4_the_clarification_is_not_a_repeat(kind):
    """Two unclear utterances: asked again both times."""
    call = kind([Sound(1.0, 1.0), Sound(12.0, 1.0)], stt=[""], knobs=NO_GREETING, **ENGINES).run(26)
    assert call.lines("DEDUP") == []
    assert len([text for text in call.texts if text in OURS.unclear]) == 2


@both
def test_row_5_silence_ends_the_utterance(kind):
    """1.5 s of speech, then silence: the answer starts within 1.5 s, not at MAX_UTT_SEC."""
    call = kind([Sound(1.0, 1.5)], knobs=NO_GREETING, **ENGINES).run(12)
    (start,) = [said.at_s for said in call.heard][:1]
    assert start - 2.5 < 1.5


@both
def test_row_6_speaking_is_being_heard(kind):
    """A reply is paced, and it is over when the caller has heard it."""
    call = kind([Sound(1.0, 1.5)], knobs=NO_GREETING, **ENGINES).run(16)
    sent = call.sent("media")
    assert len(sent) > 100
    assert sent[-1] - sent[0] > 2.0


@both
def test_row_7_speaking_over_the_agent_stops_it(kind):
    """A voice over the reply: `clear`, the log line, and the words are heard."""
    first = kind([Sound(1.0, 1.5)], knobs=NO_GREETING, **ENGINES).run(16).heard[0].at_s
    call = kind([Sound(1.0, 1.5), Sound(first + 1.0, 1.2)], knobs=NO_GREETING, stt=["א", "ב"], **ENGINES)
    call.run(20)
    assert call.lines("BARGE_IN: interrupt")
    assert [at for at in call.sent("clear") if first + 1.0 <= at < first + 1.2]
    assert len(call.stt.heard) == 2


@both
def test_row_8_the_hint_is_not_wiped_by_the_reply(kind):
    """The reply comes while the hint is spoken: one after the other, both whole."""
    call = kind([Sound(1.0, 1.5)], knobs=NO_GREETING, asr_s=0.0, llm_s=1.0, tts_s=0.1).run(16)
    hints = [said for said in call.heard if said.text == HINT]
    assert len(hints) == 1 and hints[0].until_s - hints[0].at_s >= len(HINT) * 0.06 - 0.03
    assert starts(call, FIRST)[0] >= hints[0].until_s


@both
def test_row_9_the_interrupted_turn_does_not_answer(kind):
    """Interrupted while more is being made: nothing of the old turn is heard after the cut."""
    replies = {"א": "תשובה ראשונה ארוכה למדי שנמשכת ונמשכת.", "ב": "תשובה שנייה לגמרי אחרת."}

    def reply(request):
        return replies[request.text]

    sounds = [Sound(1.0, 1.5), Sound(4.6, 1.2)]
    call = kind(sounds, knobs=NO_GREETING, stt=["א", "ב"], reply=reply, **ENGINES).run(24)
    assert call.texts == [replies["א"], replies["ב"]]
    assert call.heard[0].until_s < 4.8


@both
def test_row_10_speech_while_thinking_is_not_dropped(kind):
    """The caller goes on while the agent thinks: both parts reach the LLM."""
    sounds = [Sound(1.0, 1.5), Sound(3.3, 1.5)]
    call = kind(sounds, knobs=NO_GREETING, stt=["א", "ב"], asr_s=0.0, llm_s=1.0, tts_s=0.1).run(20)
    assert call.llm.requests[-1].text == "א ב"


@both
def test_row_11_the_last_part_of_a_reply_is_padded_not_dropped(kind):
    """A reply of 10.5 frames is sent as 11."""

    class Odd(kind):
        def run(self, seconds):
            self.voice.audio = lambda text: bytes([self.voice.code(text)]) * (160 * 10 + 80)
            return super().run(seconds)

    call = Odd([Sound(1.0, 1.5)], knobs=NO_GREETING, reply="משפט.", **ENGINES).run(12)
    frames = [json.loads(text) for _, text in call.line.sent if '"media"' in text]
    assert len(frames) == 11


@both
def test_row_12_a_long_reply_and_bad_messages_do_not_end_the_call(kind):
    """A reply of 90 s, a message that is not JSON, one without its keys: the call goes on."""
    sentence = "משפט אחד מתוך תשובה ארוכה מאוד מאוד שלא נגמרת כמעט אף פעם ועוד קצת"
    reply = " ".join(f"{sentence} {n}." for n in range(22))
    raw = [(0.5, "{"), (0.6, "{}"), (0.7, '{"event": "media"}')]
    call = kind([Sound(1.0, 1.5)], knobs=NO_GREETING, reply=reply, raw=raw, **ENGINES).run(110)
    heard_s = sum(said.until_s - said.at_s for said in call.heard)
    assert heard_s > 85
    assert call.lines("WS_STOP")


@both
def test_row_13_the_same_short_answer_to_two_questions_is_answered_twice(kind):
    """ "כן" twice within the window, a reply in between."""
    replies = iter(["האם מדובר בקנייה?", "והאם יש מעלית?"])
    call = kind(
        [Sound(1.0, 1.0), Sound(10.0, 1.0)],
        knobs=NO_GREETING,
        stt=["כן"],
        reply=lambda request: next(replies),
        **ENGINES,
    ).run(24)
    assert [request.text for request in call.llm.requests] == ["כן", "כן"]
    assert call.lines("DEDUP") == []


@both
def test_row_14_the_hangover_knob_does_what_the_tip_says(kind):
    """VAD_HANGOVER_MS 220 waits longer than 140 before it answers."""

    def answered(hangover_ms):
        knobs = {**NO_GREETING, "vad_hangover_ms": hangover_ms}
        return kind([Sound(1.0, 1.5)], knobs=knobs, **ENGINES).run(14).heard[0].at_s

    assert answered(220) > answered(140) + 0.05


def test_row_15_one_thread_sends():
    """Mutant: SendClear sent by whoever decides it. Only the TX thread may call ``ws.send``."""
    from greenlet import getcurrent

    call = SimCall([Sound(3.0, 1.5), Sound(6.0, 1.0), Sound(9.0, 0.2, NOISE, LOUD)], reply=REPLY)
    send = call.line.send
    senders = set()

    def spy(data):
        senders.add(next(task.name for task in call.runtime.tasks if task.greenlet is getcurrent()))
        send(data)

    call.line.send = spy
    call.run(20)
    assert len(call.sent("clear")) > 2
    assert senders == {"tx"}


def test_row_16_audioop_on_3_13():
    """Install check: the module that left the standard library is asked for where it is missing."""
    requirements = (ROOT / "requirements.in").read_text()
    assert re.search(r'^audioop-lts==\S+; python_version >= "3.13"$', requirements, re.M)
    import audioop

    assert audioop.rms(b"\x00\x10" * 80, 2) == 0x1000
    assert sys.version_info >= (3, 11)
