"""A2, A5: the audio of an utterance with what was before it, and how loud the caller is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.utterance import CallerLevel, UtteranceAudio, VoiceLevel


def frames(first, last):
    """Frames ``first`` … ``last``, each of its own."""
    return [number.to_bytes(2, "big") * 80 for number in range(first, last + 1)]


def fed(*ranges):
    audio = UtteranceAudio()
    for first, last in ranges:
        for frame in frames(first, last):
            audio.feed(frame)
    return audio


def everything(audio):
    return audio.take_chunk(all_of_it=True)


# ---- pre-roll


@pytest.mark.parametrize(
    "before, onset_frames, first",
    [(40, 3, 28), (40, 0, 31), (40, 15, 16), (40, 24, 16), (13, 3, 1), (14, 3, 2), (2, 2, 1), (0, 3, 1)],
)
def test_a2_the_utterance_begins_200_ms_before_its_onset(before, onset_frames, first):
    """A2: ten frames before the first voiced one, as far back as 500 ms were kept."""
    audio = fed((1, before))
    audio.open(onset_frames)
    assert everything(audio) == b"".join(frames(first, before))


def test_a2_what_follows_is_added():
    """A2: pre-roll, then every frame."""
    audio = fed((1, 5))
    audio.open(3)
    for frame in frames(6, 9):
        audio.feed(frame)
    assert everything(audio) == b"".join(frames(1, 9))


def test_a2_a_discarded_utterance_is_the_pre_roll_of_the_next():
    """A2: its last 500 ms are kept."""
    audio = fed((1, 20))
    audio.open(3)
    for frame in frames(21, 40):
        audio.feed(frame)
    audio.close(discarded=True)
    audio.open(30)
    assert everything(audio) == b"".join(frames(16, 40))


def test_a2_an_ended_utterance_is_not():
    """A2: no frame is in two utterances."""
    audio = fed((1, 20))
    audio.open(3)
    audio.close(discarded=False)
    for frame in frames(21, 24):
        audio.feed(frame)
    audio.open(3)
    assert everything(audio) == b"".join(frames(21, 24))


# ---- chunks


@pytest.mark.parametrize("held, taken", [(0, 0), (4, 0), (5, 5), (9, 5), (10, 10)])
def test_chunks_are_whole_100_ms(held, taken):
    """A fifth of the messages: five frames at a time, the rest waits."""
    audio = fed((1, held))
    audio.open(held)
    assert audio.take_chunk() == b"".join(frames(1, taken))
    assert everything(audio) == b"".join(frames(taken + 1, held))
    assert everything(audio) == b""


def test_a_closed_utterance_has_no_audio():
    """What was not taken before the end is gone."""
    audio = fed((1, 7))
    audio.open(3)
    audio.close(discarded=False)
    assert everything(audio) == b""


@given(
    st.lists(
        st.tuples(st.sampled_from("feed feed chunk open end discard".split()), st.integers(1, 30)),
        min_size=20,
    )
)
def test_no_frame_is_lost_or_heard_twice(steps):
    """A2: what is taken is in order, every frame once, without a hole in an utterance."""
    audio, fed_frames, is_open = UtteranceAudio(), 0, False
    taken = b""
    utterances = []
    for step, count in steps:
        if step == "feed":
            for frame in frames(fed_frames + 1, fed_frames + count):
                audio.feed(frame)
            fed_frames += count
        elif step == "open" and not is_open:
            audio.open(count)
            taken, is_open = b"", True
        elif step == "chunk" and is_open:
            taken += audio.take_chunk()
        elif step == "end" and is_open:
            utterances.append(taken + everything(audio))
            audio.close(discarded=False)
            is_open = False
        elif step == "discard" and is_open and not taken:
            audio.close(discarded=True)
            is_open = False
    last_number = 0
    for utterance in utterances:
        numbers = [int.from_bytes(utterance[i : i + 2], "big") for i in range(0, len(utterance), 160)]
        if numbers:
            assert numbers == list(range(numbers[0], numbers[-1] + 1))
            assert numbers[0] > last_number
            last_number = numbers[-1]


# ---- levels


def test_level_of_a_voice_is_the_mean():
    """A5: of its voiced frames; none is level 0."""
    voice = VoiceLevel()
    assert voice.rms == 0
    for rms in (100, 300, 800):
        voice.add(rms)
    assert voice.rms == 400
    assert list(voice.newest) == [100, 300, 800]


def test_the_newest_levels_of_a_voice_are_bounded():
    """E3: four seconds of it are kept one by one, should it be our echo."""
    voice = VoiceLevel()
    for rms in range(300):
        voice.add(rms)
    assert list(voice.newest) == list(range(100, 300))
    assert voice.rms == 149.5


@pytest.mark.parametrize("rms, background", [(0, True), (249, True), (250, False), (1000, False)])
def test_a5_twelve_db_under_the_caller_is_background(rms, background):
    """A5: a quarter of the caller's level."""
    caller = CallerLevel()
    caller.learn(1000)
    assert caller.least == 250
    assert caller.is_background(rms) is background


def test_a5_before_the_first_utterance_nobody_is_background():
    """A5: there is no level to be under."""
    assert not CallerLevel().is_background(0)
    assert not CallerLevel().is_background(1)


def test_a5_the_level_is_the_quieter_of_the_last_two():
    """A5: one shout does not make the caller's own voice a background."""
    caller = CallerLevel()
    heard = []
    for rms in (8000, 1000, 2000, 2000):
        caller.learn(rms)
        heard.append([caller.is_background(level) for level in (249, 250, 499, 500)])
    quiet, louder = [True, False, False, False], [True, True, True, False]
    assert heard == [[True] * 4, quiet, quiet, louder]


def test_a5_a_caller_who_steps_away_is_heard_again():
    """A5: with every 15 s without an utterance the level halves."""
    caller = CallerLevel()
    caller.learn(1000)
    heard = []
    for _ in range(2 * 750 + 1):
        heard.append(caller.is_background(124))
        caller.tick()
    assert [frame for frame in range(1, len(heard)) if heard[frame] != heard[frame - 1]] == [1500]
    assert not caller.is_background(63)


def test_a5_an_utterance_starts_the_time_anew():
    """A5: a caller who speaks is not forgotten."""
    caller = CallerLevel()
    caller.learn(1000)
    for _ in range(3):
        for _ in range(749):
            caller.tick()
        caller.learn(1000)
    assert caller.is_background(249)


def test_a5_two_utterances_are_remembered_longer():
    """A5: with two of them known the level halves with every minute only."""
    caller = CallerLevel()
    caller.learn(1000)
    caller.learn(1000)
    for _ in range(2999):
        caller.tick()
    assert caller.is_background(249)
    caller.tick()
    assert not caller.is_background(249)
