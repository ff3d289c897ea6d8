"""The panel's scores on time lines worked out by hand. A tick is 0.2 s: tick 10 is 2.0 s to 2.2 s."""

import pytest

from bench.duplex import reading
from bench.duplex.audible import audible, tone_of
from bench.duplex.reading import Fate, PauseFate, percentile
from server.audio.frames import MULAW_SILENCE, mulaw_to_pcm16, pcm16_to_mulaw
from server.tune.duplex import eva, panel
from server.tune.duplex.panel import segments_of
from server.tune.duplex.timeline import Audible, Kind, Sound, TimeLine


def turn(start_s, end_s):
    return Sound(Kind.TURN, start_s, end_s)


def line(caller, *agent):
    """``agent``: start, end, and where it matters the reply and whether it is lower."""
    return TimeLine(tuple(caller), tuple(Audible(*span) for span in agent))


def columns(caller, *agent):
    return panel.measure(line(caller, *agent)).columns


# ---- ticks


@pytest.mark.parametrize(
    "spans, segments",
    [
        ([(0.0, 0.2)], [(0, 1)]),
        ([(0.19, 0.21)], [(0, 2)]),
        ([(0.6, 0.8)], [(3, 4)]),
        ([(0.0, 0.25), (0.55, 0.7)], [(0, 4)]),
        ([(0.0, 0.2), (0.4, 0.6)], [(0, 1), (2, 3)]),
    ],
)
def test_a_side_speaks_in_a_tick_that_it_is_heard_in(spans, segments):
    """0.19 to 0.21 s is in ticks 0 and 1; 0.6 s begins tick 3, though 0.6 / 0.2 is 2.999… in a float;
    0.25 and 0.55 s are in ticks 1 and 2, so no tick between them is silent; tick 1 is where 0.2 to 0.4 are.
    """
    assert segments_of(spans) == segments


# ---- L_R, R_R


def test_an_answer_is_as_late_as_its_first_tick():
    """The turn is in ticks 5 to 10 (1.0 to 2.1 s), over with tick 11. The agent's 2.95 s is in tick 14.
    14 - 11 = 3 ticks = 0.6 s.
    """
    found = columns([turn(1.0, 2.1)], (2.95, 6.0))
    assert found["answer s"] == pytest.approx(0.6)
    assert (found["answered"], found["cut-ins a turn"]) == (1.0, 0.0)


def test_a_turn_that_the_caller_has_to_repeat_is_not_answered():
    """Turns end at ticks 10 and 20; nothing is between them. The agent's 5.0 s is tick 25:
    (25 - 20) × 0.2 = 1.0 s. One of two is answered.
    """
    found = columns([turn(1.0, 2.0), turn(3.0, 4.0)], (5.0, 8.0))
    assert (found["answer s"], found["answered"]) == (pytest.approx(1.0), 0.5)


def test_what_ends_under_the_agent_and_what_nothing_follows_are_no_turns():
    """The agent is in ticks 0 to 14, so the turn that ends at tick 10 does not count; after the one that
    ends at tick 25 nothing comes.
    """
    found = panel.measure(line([turn(1.0, 2.0), turn(4.0, 5.0)], (0.0, 3.0)))
    assert (found.turns, found.columns["answered"]) == (0, None)


# ---- L_Y, R_Y


def test_a_yield_is_the_first_tick_without_the_agent():
    """The caller's 2.1 s is in tick 10, the agent's last 2.3 s in tick 11. Tick 12 is silent:
    (12 - 10) × 0.2 = 0.4 s.
    """
    found = columns([Sound(Kind.INTERRUPTION, 2.1, 4.0)], (0.0, 2.3), (5.0, 7.0))
    assert (found["yield s"], found["yielded"]) == (pytest.approx(0.4), 1.0)


@pytest.mark.parametrize("silent_s, yielded", [(3.8, 1.0), (4.0, 0.0)])
def test_two_seconds_are_too_late(silent_s, yielded):
    """From tick 10 on ten ticks count, to tick 19, which is 3.8 s to 4.0 s."""
    found = columns([Sound(Kind.INTERRUPTION, 2.0, 5.0)], (0.0, silent_s))
    assert found["yielded"] == yielded


# ---- I_A


def test_an_onset_in_the_pause_of_a_turn_cuts_in():
    """One turn, 1.0 to 4.0 s with a pause from 2.0 to 2.9 s. The agent's 2.8 s begins in tick 14, within the
    turn, and stops at 3.1; its second onset at 4.6 s is the answer: (23 - 20) × 0.2 = 0.6 s. One cut-in in
    one turn.
    """
    found = columns([turn(1.0, 4.0), Sound(Kind.PAUSE, 2.0, 2.9)], (2.8, 3.1), (4.6, 8.0))
    assert (found["cut-ins a turn"], found["answer s"]) == (1.0, pytest.approx(0.6))


# ---- S_BC


@pytest.mark.parametrize(
    "agent, kept",
    [
        ([(0.0, 9.0)], 1.0),
        ([(0.0, 2.1), (2.3, 9.0)], 1.0),
        ([(0.0, 2.1), (2.5, 9.0)], 0.0),
        ([(0.0, 2.9), (3.5, 9.0)], 1.0),
    ],
)
def test_a_nod_costs_no_tick_of_the_first_second(agent, kept):
    """The nod's 2.0 s is tick 10; ticks 10 to 14 count. A hole from 2.1 to 2.3 s lies in ticks 10 and 11,
    both of which hear the agent; one from 2.1 to 2.5 s leaves tick 11 (2.2 to 2.4 s) silent; one from 2.9 s
    begins in tick 14 and empties ticks 15 and 16.
    """
    assert columns([Sound(Kind.NOD, 2.0, 2.3)], *agent)["nods"] == kept


def test_a_nod_in_silence_is_none():
    """Tick 10 does not hear the agent, whose 3.0 s is tick 15."""
    assert columns([Sound(Kind.NOD, 2.0, 2.3)], (3.0, 5.0))["nods"] is None


# ---- S_VT, S_ND


@pytest.mark.parametrize("kind, column", [(Kind.NOISE, "noises"), (Kind.OTHERS, "others")])
@pytest.mark.parametrize(
    "agent, ignored",
    [
        ([(0.0, 3.1)], 1.0),
        ([(0.0, 2.9)], 0.0),
        ([(0.0, 2.1), (2.5, 9.0)], 0.0),
        ([(0.0, 1.0), (4.1, 9.0)], 0.0),
        ([(0.0, 1.0), (4.7, 9.0)], 1.0),
    ],
)
def test_a_sound_that_is_nobodys_turn(kind, column, agent, ignored):
    """The sound's 2.0 to 2.3 s is in ticks 10 and 11, over with tick 12. Over a reply: until 3.1 s is to tick
    15, (16 - 10) × 0.2 = 1.2 s, more than 1.0; until 2.9 s is (15 - 10) × 0.2 = 1.0, no more; a hole of 0.4 s
    ends the segment. In silence: tick 12 + 10 = 22 is the last to begin in, 4.1 s is tick 20, 4.7 s tick 23.
    """
    assert columns([Sound(kind, 2.0, 2.3)], *agent)[column] == ignored


# ---- EVA


@pytest.mark.parametrize(
    "latency_s, score",
    [(-0.6, 0), (-0.5, 0), (0, 0.5), (0.2, 0.7), (0.5, 1), (2.0, 1), (2.75, 0.5), (3.5, 0), (9, 0)],
)
def test_eva_likes_half_a_second_to_two(latency_s, score):
    """Up by 1 in a second from -0.5 on; down by 1 in 1.5 s from 2.0 on: 2.75 s is half way."""
    assert eva.latency_score(latency_s) == pytest.approx(score)


@pytest.mark.parametrize(
    "caller, agent, score",
    [
        ([turn(1.0, 2.0)], [(3.0, 5.0)], [1.0]),
        ([turn(1.0, 2.0)], [(2.1, 5.0)], [0.6]),
        ([turn(1.0, 4.0)], [(2.8, 3.1), (5.0, 8.0)], [0.425]),
        ([turn(1.0, 4.0)], [(2.0, 2.5), (3.0, 3.1), (5.0, 8.0)], [0.25]),
        ([Sound(Kind.INTERRUPTION, 2.0, 4.0)], [(0.0, 2.1), (5.0, 8.0)], [0.95]),
        ([Sound(Kind.INTERRUPTION, 2.0, 4.0)], [(0.0, 2.1), (2.3, 3.0), (5.0, 8.0)], [0.5]),
        ([turn(1.0, 2.0), turn(3.0, 4.0)], [(5.0, 8.0)], [0.0, 1.0]),
        ([turn(1.0, 2.0), turn(6.0, 7.0)], [(3.0, 5.0)], [0.0, 0.0]),
        ([turn(1.0, 2.0), Sound(Kind.NOD, 4.0, 4.3)], [(3.0, 5.0)], [1.0]),
    ],
    ids=[
        "a second",
        "a tenth: .5 + .1",
        "0.3 s over the caller: .5 × (1 - .15)",
        "twice over the caller: the number's .5 × (1 - 1/2) is below the overlap's .5 × (1 - .3)",
        "0.1 s to yield: 1 - .05",
        "a hole of 0.2 s is bridged: 1.0 s to yield, 1 - .5",
        "the first is not answered before the second",
        "the last is never answered",
        "a nod is no turn",
    ],
)
def test_eva_scores_each_turn_by_what_happened_to_it(caller, agent, score):
    """The arithmetic of each stands in its name."""
    assert eva.scores(line(caller, *agent)) == pytest.approx(score)


# ---- our own reading

COUGH = Sound(Kind.NOISE, 2.0, 2.3, "cough")


@pytest.mark.parametrize(
    "agent, silence_s, lost",
    [
        ([(0.0, 9.0, 1)], 0.0, False),
        ([(0.0, 2.1, 1), (2.5, 9.0, 1)], 0.4, False),
        ([(0.0, 2.1, 1), (2.1, 2.6, 1, True), (2.6, 9.0, 1)], 0.0, False),
        ([(0.0, 2.1, 1), (3.3, 9.0, 1)], 1.2, False),
        ([(0.0, 2.1, 1), (3.35, 9.0, 1)], 1.25, True),
        ([(0.0, 2.1, 1), (2.5, 9.0, 2)], 0.4, True),
        ([(0.0, 2.1, 1), (2.5, 3.0, 1), (5.0, 9.0, 1)], 2.0, True),
        ([(0.0, 3.4, 1)], 0.0, False),
    ],
    ids=["none", "short", "lower", "in time", "too late", "another", "twice", "later than 2.3 + 1.0 s"],
)
def test_a_reply_is_lost_when_the_same_does_not_go_on_in_time(agent, silence_s, lost):
    """Each silence is the next span's start less this one's end; 2.5 - 2.1 = 0.4. Allowed are 1.2 s."""
    (fate,) = reading.read(line([COUGH], *agent)).fates
    assert fate == Fate(Kind.NOISE, "cough", pytest.approx(silence_s), lost)


@pytest.mark.parametrize(
    "agent, noticed_s",
    [
        ([(0.0, 2.1), (5.0, 8.0)], 0.1),
        ([(0.0, 2.1), (2.1, 2.6, 0, True)], 0.1),
        ([(0.0, 2.1, 1), (2.1, 2.4, 2)], 0.4),
        ([(0.0, 4.5)], None),
    ],
    ids=["silent", "lower", "another reply is no notice", "2.5 s are too late"],
)
def test_an_interruption_is_noticed_when_the_agent_gives_way(agent, noticed_s):
    """From its first voice, at 2.0 s, to the end of the agent's full level."""
    (found,) = reading.read(line([Sound(Kind.INTERRUPTION, 2.0, 4.0)], *agent)).noticed_s
    assert found == (None if noticed_s is None else pytest.approx(noticed_s))


def test_a_pause_is_cut_when_the_agent_speaks_before_the_turn_is_over():
    """The first pause (1.5 to 2.2 s: 700 ms) is left alone; 7.2 s is in the second (6.5 to 7.4 s: 900 ms).
    The first turn's gap is 4.0 - 3.2 = 0.8 s, the second's 9.0 - 8.1 = 0.9 s.
    """
    caller = [
        turn(1.0, 3.2),
        Sound(Kind.PAUSE, 1.5, 2.2),
        turn(6.0, 8.1),
        Sound(Kind.PAUSE, 6.5, 7.4),
    ]
    found = reading.read(line(caller, (4.0, 5.0), (7.2, 7.4), (9.0, 9.5)))
    assert found.pauses == (PauseFate(700, 0, False), PauseFate(900, 1, True))
    assert found.gaps_s == pytest.approx((0.8, 0.9))


@pytest.mark.parametrize("part, value", [(0.5, 11), (0.95, 20), (1.0, 20)])
def test_a_percentile_of_twenty(part, value):
    """20 × .5 = 10, the eleventh; 20 × .95 = 19, the last."""
    assert percentile(list(range(20, 0, -1)), part) == value


# ---- what was audible


def lower(mulaw_8k, gain):
    pcm = memoryview(mulaw_to_pcm16(mulaw_8k)).cast("h")
    return pcm16_to_mulaw(b"".join(int(v * gain).to_bytes(2, "little", signed=True) for v in pcm))


def test_replies_are_told_from_what_was_played():
    """Silence of 835 samples, 104 ms; reply 0 for 400 ms; at once reply 1, cut after 2,373 samples, 297 ms;
    100 ms of silence; reply 1 from the middle of a frame on, 12 dB lower for 200 ms. The 5 ms that reply 0
    begins in have 5 samples of it, those that reply 1 ends in 8: no lower level for that.
    """
    played = MULAW_SILENCE * 835 + tone_of(0, 20) + tone_of(1, 16)[:2373] + MULAW_SILENCE * 800
    found = audible(played + lower(tone_of(1, 11)[90:1690], 0.25) + MULAW_SILENCE * 400)
    expected = [(0.104, 0.504, 0, False), (0.504, 0.801, 1, False), (0.901, 1.101, 1, True)]
    assert [(span.reply, span.dipped) for span in found] == [(reply, low) for *_, reply, low in expected]
    for span, (start_s, end_s, *_) in zip(found, expected, strict=True):
        assert (span.start_s, span.end_s) == pytest.approx((start_s, end_s), abs=0.0076)


def test_every_reply_has_a_tone_of_its_own():
    """Sixty of them, each 100 ms."""
    found = audible(b"".join(tone_of(number, 5) + MULAW_SILENCE * 800 for number in range(60)))
    assert [span.reply for span in found] == list(range(60))
