"""C3: absolute deadlines, a lead ahead of real time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.pacing import BATCH_FRAMES, Pacer

LEAD = 20
FULL = LEAD + BATCH_FRAMES
BATCH_S = BATCH_FRAMES * 0.02


def test_c3_a_stretch_begins_with_a_full_lead():
    """C3: a stall of the lead's length is inaudible from the first frame on."""
    pacer = Pacer(LEAD)
    assert pacer.room(100.0) == FULL
    assert pacer.next_batch_at() <= 100.0


def test_c3_no_room_beyond_the_lead():
    """C3: what was sent must be played before more may go."""
    pacer = Pacer(LEAD)
    pacer.sent(FULL, 100.0)
    assert pacer.room(100.0) == 0
    assert [pacer.room(100 + 0.02 * frames) for frames in (0.5, 1, 2.5, 3, 10)] == [0, 1, 2, 3, 10]


def test_c3_the_next_batch_is_an_absolute_deadline():
    """C3: it is counted from the beginning of the stretch, so that wake-ups do not drift."""
    pacer = Pacer(LEAD)
    pacer.sent(FULL, 100.0)
    assert pacer.next_batch_at() == pytest.approx(100 + BATCH_S)
    pacer.sent(BATCH_FRAMES, 100 + BATCH_S + 0.0115)
    assert pacer.next_batch_at() == pytest.approx(100 + 2 * BATCH_S)
    pacer.sent(1, 100 + 2 * BATCH_S + 0.01)
    assert pacer.next_batch_at() == pytest.approx(100 + 2 * BATCH_S + 0.02)


def test_c3_after_a_stall_there_is_no_burst():
    """C3: what was missed is not caught up with; a full lead and no more."""
    pacer = Pacer(LEAD)
    pacer.sent(FULL, 100.0)
    assert pacer.room(105.0) == FULL
    pacer.sent(FULL, 105.0)
    assert pacer.room(105.0) == 0
    assert pacer.next_batch_at() == pytest.approx(105 + BATCH_S)


def test_c3_a_stretch_ends_when_all_of_it_was_played():
    """C3: with one frame of it left, the same deadlines go on."""
    pacer = Pacer(LEAD)
    pacer.sent(10, 100.0)
    assert pacer.room(100.18) == FULL - 1
    pacer.sent(1, 100.18)
    assert pacer.next_batch_at() == pytest.approx(100 + (11 - LEAD) * 0.02)
    pacer.sent(1, 100.225)
    assert pacer.next_batch_at() == pytest.approx(100.225 + (1 - LEAD) * 0.02)


def test_c3_clear_makes_the_lead_free():
    """C3: after a barge-in the reply starts at once with a full lead."""
    pacer = Pacer(LEAD)
    pacer.sent(FULL, 100.0)
    pacer.cleared()
    assert pacer.room(100.01) == FULL
    pacer.sent(FULL, 100.01)
    assert pacer.room(100.01) == 0


def test_c3_times_are_not_a_frame_short():
    """C3: 0.06 / 0.02 is three frames."""
    pacer = Pacer(0)
    pacer.sent(100, 0.0)
    assert [pacer.room(frames * 0.02) for frames in range(98, 100)] == [BATCH_FRAMES - 2, BATCH_FRAMES - 1]
    pacer = Pacer(0)
    pacer.sent(2000, 0.0)
    assert all(pacer.room(frames * 0.02) == frames + BATCH_FRAMES - 2000 for frames in range(1998, 2000))


late = st.floats(0, 2, allow_nan=False)


@given(st.integers(2, 40), st.lists(late, min_size=1, max_size=60), st.data())
def test_c3_never_more_than_the_lead_and_a_batch_ahead(lead, sleeps, data):
    """C3: whenever TX wakes, and however much it has to send."""
    pacer, now, buffer, buffered_at = Pacer(lead), 50.0, 0.0, 50.0
    for sleep in sleeps:
        now += sleep
        buffer = max(0.0, buffer - (now - buffered_at) / 0.02)
        buffered_at = now
        room = pacer.room(now)
        count = data.draw(st.integers(0, room))
        if count:
            pacer.sent(count, now)
            buffer += count
        assert buffer <= lead + BATCH_FRAMES + 1e-3


@given(st.integers(2, 40), st.floats(0, 1e6), st.lists(st.floats(0, 0.05), min_size=1, max_size=200))
def test_c3_woken_on_time_it_never_runs_dry(lead, begins, oversleeps):
    """C3: TX that wakes at the batch's deadline, or late by less than the lead, keeps the caller hearing."""
    pacer, now = Pacer(lead), begins
    sent_frames = 0
    for oversleep in oversleeps:
        room = pacer.room(now)
        assert room >= BATCH_FRAMES
        pacer.sent(room, now)
        sent_frames += room
        now = max(now, pacer.next_batch_at()) + min(oversleep, (lead - 1) * 0.02)
        assert begins + sent_frames * 0.02 > now
