"""Twilio's buffer: what is heard when, and every mark returned exactly once."""

from hypothesis import given
from hypothesis import strategies as st

from server.audio.twilio_buffer import Cleared, MarkEcho, TwilioBuffer, Underrun

VOICE = b"\x20"


def audio(ms: int, fill: bytes = VOICE) -> bytes:
    return fill * (8 * ms)


def test_audio_is_heard_from_the_moment_it_arrives():
    buffer = TwilioBuffer()
    buffer.media(audio(20), 0.1)
    assert buffer.advance(0.2) == []
    assert bytes(buffer.heard) == audio(100, b"\xff") + audio(20) + audio(80, b"\xff")
    assert buffer.heard_frame(5) == audio(20)


def test_mark_comes_back_when_the_audio_before_it_has_played():
    buffer = TwilioBuffer()
    buffer.media(audio(100), 0.0)
    assert buffer.mark("end", 0.0) == []
    assert buffer.advance(0.099) == []
    assert buffer.advance(0.3) == [MarkEcho("end", 0.1, True)]


def test_mark_of_an_empty_buffer_comes_back_at_once():
    buffer = TwilioBuffer()
    assert buffer.mark("first", 0.05) == [MarkEcho("first", 0.05, True)]


def test_mark_behind_audio_that_ran_out_comes_back_with_the_next_call():
    buffer = TwilioBuffer()
    buffer.media(audio(20), 0.0)
    buffer.mark("a", 0.0)
    assert buffer.mark("b", 0.05) == [MarkEcho("a", 0.02, True), MarkEcho("b", 0.05, True)]


def test_clear_drops_what_was_not_played_and_returns_all_marks():
    buffer = TwilioBuffer()
    buffer.media(audio(100), 0.0)
    buffer.mark("heard", 0.0)
    buffer.media(audio(100), 0.0)
    buffer.mark("cut", 0.0)
    buffer.mark("also cut", 0.0)
    assert buffer.clear(0.15) == [
        MarkEcho("heard", 0.1, True),
        MarkEcho("cut", 0.15, False),
        MarkEcho("also cut", 0.15, False),
    ]
    assert buffer.clears == [Cleared(0.15, 400, 2)]
    assert buffer.idle and buffer.pending_bytes == 0
    assert buffer.advance(0.2) == []
    assert bytes(buffer.heard[-800:]) == audio(50) + audio(50, b"\xff")


def test_gap_inside_a_stretch_is_an_underrun():
    buffer = TwilioBuffer()
    buffer.media(audio(40), 0.0)
    buffer.media(audio(40), 0.07)
    assert buffer.underruns == [Underrun(0.04, 0.03)]


def test_gap_under_a_frame_is_not_heard():
    buffer = TwilioBuffer()
    buffer.media(audio(40), 0.0)
    buffer.media(audio(40), 0.059)
    assert buffer.underruns == []


def test_pause_after_a_mark_is_not_an_underrun():
    buffer = TwilioBuffer()
    buffer.media(audio(40), 0.0)
    buffer.mark("sentence", 0.0)
    buffer.media(audio(40), 0.5)
    assert buffer.underruns == []


def test_mark_that_arrives_in_the_gap_ends_the_stretch():
    buffer = TwilioBuffer()
    buffer.media(audio(40), 0.0)
    buffer.mark("late", 0.1)
    buffer.media(audio(40), 0.5)
    assert buffer.underruns == []


def test_pause_after_a_clear_is_not_an_underrun():
    buffer = TwilioBuffer()
    buffer.media(audio(40), 0.0)
    buffer.clear(0.1)
    buffer.media(audio(40), 0.2)
    assert buffer.underruns == []


def test_more_than_the_limit_is_discarded():
    buffer = TwilioBuffer(max_buffered_s=0.1)
    buffer.media(audio(100), 0.0)
    buffer.media(audio(20), 0.0)
    assert (buffer.discarded_bytes, buffer.pending_bytes) == (160, 800)
    buffer.media(audio(20), 0.02)
    assert buffer.pending_bytes == 800


def test_time_does_not_go_back():
    buffer = TwilioBuffer()
    buffer.media(audio(100), 0.05)
    assert buffer.advance(0.01) == []
    assert len(buffer.heard) == 400


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["media", "mark", "clear", "advance"]), st.integers(0, 700), st.integers(0, 500)
    )
)


@given(OPERATIONS)
def test_nothing_is_lost_or_returned_twice(operations):
    """Compared with a model that plays one sample at a time. Times are samples."""
    buffer, now = TwilioBuffer(), 0
    waiting: list[str | int] = []  # one item a sample, and mark names
    heard, sent, returned = bytearray(), [], []
    for number, (operation, length, step) in enumerate(operations):
        for _ in range(step):
            while waiting and isinstance(waiting[0], str):
                waiting.pop(0)
            heard.append(waiting.pop(0) if waiting else 0xFF)
        now += step
        fill = number % 200
        if operation == "media":
            echoes = buffer.media(bytes([fill]) * length, now / 8000)
            waiting += [fill] * length
        elif operation == "mark":
            sent.append(f"m{number}")
            echoes = buffer.mark(sent[-1], now / 8000)
            waiting.append(sent[-1])
        elif operation == "clear":
            echoes = buffer.clear(now / 8000)
            waiting.clear()
        else:
            echoes = buffer.advance(now / 8000)
        returned += [echo.name for echo in echoes]
        while waiting and isinstance(waiting[0], str):
            waiting.pop(0)
        assert bytes(buffer.heard) == bytes(heard)
        assert buffer.pending_bytes == sum(isinstance(item, int) for item in waiting)
        assert [*returned, *buffer.pending_marks] == sent
        assert [echo.name for echo in buffer.echoes] == returned
        everything = (
            buffer.played_bytes + buffer.cleared_bytes + buffer.discarded_bytes + buffer.pending_bytes
        )
        assert everything == buffer.received_bytes
