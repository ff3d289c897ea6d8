"""A8, A9: whole calls over lines that send nothing in silence, and in processes that cannot keep up."""

import json

import pytest

from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import NOISE, Silence, SimSpeech, Sound

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"
LONG = " ".join(["אני אספר לכם עכשיו את כל מה שיש לדעת על הדירה הזאת."] * 5)
SUPPRESSING = [Silence.LEFT_OUT, Silence.UNTOLD]


def gaps(call: SimCall) -> list[tuple[int, int]]:
    """Of every answer, in milliseconds: by the frames, and by the wall."""
    words = [
        dict(word.split("=") for word in line.split() if "=" in word) for line in call.lines("RESPONSE_GAP")
    ]
    return [(int(word["ms"]), int(word["wall_ms"])) for word in words]


# ---- A8 ----


@pytest.mark.parametrize("silence", list(Silence))
def test_a8_a_line_that_sends_nothing_in_silence_is_answered(silence):
    """A8: greeted though no frame ever came, answered when the words have ended; and again."""
    call = SimCall([Sound(5.0, 1.2), Sound(13.0, 1.2)], stt=["שלום לך", "מה המחיר"], silence=silence).run(20)
    assert call.texts[:3] == [GREETING, FIRST, SECOND] and len(call.texts) > 3
    assert call.heard[0].at_s == pytest.approx(0.8, abs=0.1)
    asked_s = [said.at_s for said in call.heard if said.text == FIRST]
    assert asked_s[0] == pytest.approx(5.0 + 1.2 + 0.9, abs=0.3)
    assert len(call.lines("LINE_QUIET")) == (silence is not Silence.SENT)
    assert ("quiet=" in call.lines("WS_DONE")[0]) == (silence is not Silence.SENT)
    assert "filled=" not in call.lines("WS_DONE")[0]
    for by_frames, by_wall in gaps(call):
        assert abs(by_frames - by_wall) <= 60


@pytest.mark.parametrize("silence", SUPPRESSING)
def test_a8_time_is_the_same_as_on_a_line_that_sends_silence(silence):
    """A8: frames count time: as many are heard as there are, whatever the line leaves out."""
    sounds = [Sound(3.0, 1.0), Sound(3.3, 0.1, kind=NOISE), Sound(9.0, 0.8), Sound(15.0, 2.0)]
    call = SimCall(sounds, silence=silence).run(20)
    heard = int(call.lines("WS_DONE")[0].split("rx=")[1].split()[0])
    assert heard == pytest.approx(20 * 50, abs=15)


@pytest.mark.parametrize("silence", SUPPRESSING)
def test_a8_f1_the_idle_prompts_come_and_end_the_call(silence):
    """A8, F1: the caller listens, and says nothing; each prompt is heard to its end."""
    call = SimCall([Sound(4.0, 1.0)], silence=silence, knobs={"idle_prompt_sec": 8.0}).run(60)
    assert not call.lines("WS_STALLED")
    assert call.lines("CALL_ENDS EndCall")
    assert len(call.texts) == 1 + 2 + 3


@pytest.mark.parametrize("silence", SUPPRESSING)
def test_a8_a_caller_who_listens_for_long_is_not_cut_off(silence):
    """A8: nothing comes for the length of a reply; its marks do, when it has been heard."""
    call = SimCall([Sound(4.0, 1.0)], reply=LONG, silence=silence, knobs={"llm_max_chars": 600}).run(40)
    spoken_s = call.heard[-1].until_s - call.heard[1].at_s
    assert spoken_s > 12
    assert call.lines("tts_done")
    ended_s = call.log_times[call.log.index(call.lines("WS_STALLED")[0])]
    assert ended_s == pytest.approx(call.heard[-1].until_s + 9.0, abs=0.3)


def test_a8_a_line_that_dies_while_the_agent_speaks():
    """A8: neither frames nor marks: over when the mark that it owes is lost."""
    call = SimCall([Sound(4.0, 1.0)], reply=LONG, lose_marks=True, silence=Silence.UNTOLD)
    call.run(40)
    ended_s = call.log_times[call.log.index(call.lines("WS_STALLED")[0])]
    assert ended_s <= max(call.heard[-1].until_s + 2.1, 5.0 + 9.1)
    assert call.runtime.alive() == []


def test_a8_f5_a_muted_caller_answers_by_keys():
    """A8, F5: keys are a sign of life, and their two seconds pass without a frame."""
    keys = [(4.0, "5"), (16.0, "7")]
    call = SimCall([], keys=keys, silence=Silence.UNTOLD, knobs={"idle_prompt_sec": 8.0}).run(22)
    assert len(gaps(call)) == 2 and not call.lines("WS_STALLED")


def test_a8_what_the_network_has_kept_is_heard_late():
    """A8: the words come a second and a half late, after silence; none is missing."""
    said = Sound(5.0, 1.2, words="אני רוצה לקנות דירה")
    call = SimCall([said], by_sound=True, stalled_from_s=5.0, stalled_until_s=6.5).run(14)
    assert call.lines("LINE_QUIET") and call.texts == [GREETING, FIRST, SECOND]
    assert any("אני רוצה לקנות דירה" in line for line in call.lines("ASR_TEXT"))


# ---- A9 ----


class Slow(SimSpeech):
    """A speech model in a process that gets too little of the processor: ``takes_s`` a frame, for a while."""

    def __init__(self, call: "list[SimCall]", takes_s: float, from_s: float, until_s: float) -> None:
        super().__init__()
        self._call, self._takes_s, self._from_s, self._until_s = call, takes_s, from_s, until_s

    def feed(self, mulaw_8k: bytes, rms: int) -> float:
        runtime = self._call[0].runtime
        if self._from_s <= runtime.now < self._until_s:
            runtime.event().wait(self._takes_s)
        return super().feed(mulaw_8k, rms)


def starved(takes_s: float, from_s: float, until_s: float, **options: object) -> SimCall:
    calls: list[SimCall] = []
    speech = lambda: Slow(calls, takes_s, from_s, until_s)  # noqa: E731
    calls.append(SimCall([Sound(5.0, 1.2)], speech=speech, **options))  # type: ignore[arg-type]
    return calls[0]


def test_a9_a_starved_process_knows_how_late_it_is():
    """A9: by its frames it answers in a second; the caller waits for three, and so says the log."""
    call = starved(0.03, 2.0, 12.0).run(20)
    ((by_frames, by_wall),) = gaps(call)
    heard_ms = (call.heard[1].at_s - 6.2) * 1000
    assert by_frames < 1200 and heard_ms > 2000
    assert abs(by_wall - heard_ms) <= 200
    assert len(call.lines("LINE_LATE")) == len(call.lines("LINE_IN_TIME")) == 1
    assert call.texts == [GREETING, FIRST, SECOND]
    assert not call.lines("LINE_QUIET")


def test_a9_its_lag_is_seen_while_it_lasts():
    """A9: what new calls are refused by; gone when it has caught up, and when the call is over."""
    seen: list[tuple[float, float]] = []
    call = starved(0.03, 2.0, 7.0)
    for at in range(1, 12):
        call.runtime.call_at(at, lambda: seen.append((call.runtime.now, call.handler.lag_s)))
    call.run(12)
    late = {at: lag for at, lag in seen}
    assert late[1] < 0.06 and late[11] < 0.06
    assert late[6] == pytest.approx(4 * (1 - 0.02 / 0.03), abs=0.1)
    assert call.handler.lag_s == 0


@pytest.mark.parametrize("frame_s", [0.0201, 0.021, 0.025])
def test_a9_a_client_that_sends_too_slowly_is_not_our_lag(frame_s):
    """A9: one that sleeps 20 ms between two frames. It is heard as it comes."""
    call = SimCall([])
    media = '{"event":"media","media":{"track":"inbound","timestamp":"%d","payload":"%s"}}'
    frames = [(n * frame_s, media % (n * 20, "/" * 216)) for n in range(1, 2000)]
    call.line.raw = frames
    call.run(0, hang_up=False)
    call.until(30)
    assert call.handler.lag_s < 0.06 and not call.lines("LINE_LATE") and not call.lines("LINE_QUIET")


# ---- row 34 ----


@pytest.mark.parametrize("encoding, said", [("audio/x-mulaw", 0), ("audio/x-alaw", 1)])
def test_row_34_what_another_format_is_taken_for_is_in_the_log(encoding, said):
    """faults.md 34: one line; the call goes on, since a look-alike may not send what it announces."""
    told = {"encoding": encoding, "sampleRate": 8000, "channels": 1}
    start = {"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": told}}
    call = SimCall([Sound(3.0, 1.2)], start=False, raw=[(0.0, json.dumps(start))]).run(10)
    assert len(call.lines("WS_FORMAT")) == said
    assert not said or "audio/x-alaw, 8000 Hz, 1 channels" in call.lines("WS_FORMAT")[0]
    assert call.texts == [GREETING, FIRST, SECOND]
