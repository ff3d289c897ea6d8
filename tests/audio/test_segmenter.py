"""A1-A6, C5 joined: frames in; onsets, audio for the STT, and ends of utterances out.

Timelines as text, a frame a character: ``#`` voice, ``n`` noise as loud, ``+`` a far voice (16 dB under),
``m`` the model alone, ``.`` silence.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.endpointing import Closing, OnsetThreshold, Phase
from server.audio.frames import FrameHeard
from server.audio.segmenter import CallerAudio, Confirmed, Discarded, Ended, Onset, Paused, Resumed, Segmenter
from server.audio.vad import Vad
from tests.audio.timelines import PARAMS

LEVELS = {"#": (4000, 0.9), "n": (4000, 0.05), "+": (600, 0.9), "m": (10, 0.9), ".": (10, 0.05)}
CLOSING = 25  # frames of silence after short speech


class Call:
    """Feeds numbered frames and keeps what was heard of them."""

    def __init__(self, params=PARAMS):
        self.hearing = Segmenter(params, Vad(vad_rms=200, barge_in_rms=300))
        self.fed = 0
        self.heard = []  # [(frame, Heard)], without pauses and audio
        self.pauses = []  # [(frame, Paused or Resumed)]
        self.audio = {}  # utterance → numbers of its frames

    def feed(self, timeline, bar=OnsetThreshold.ORDINARY):
        for mark in timeline:
            self.fed += 1
            rms, speech = LEVELS[mark]
            audio = self.fed.to_bytes(2, "big") * 80
            self.keep(self.hearing.feed(FrameHeard(audio, rms, speech), bar))
        return self

    def keep(self, changes):
        for change in changes:
            if isinstance(change, Paused | Resumed):
                self.pauses.append((self.fed, change))
            elif isinstance(change, CallerAudio):
                numbers = [
                    int.from_bytes(change.mulaw_8k[i : i + 2], "big")
                    for i in range(0, len(change.mulaw_8k), 160)
                ]
                self.audio.setdefault(change.utterance_id, []).extend(numbers)
            else:
                self.heard.append((self.fed, change))


def span(first, last):
    return list(range(first, last + 1))


# ---- one utterance


def test_an_utterance_from_onset_to_end():
    """A2, A3: opened, confirmed, its audio with the pre-roll in order, ended."""
    call = Call().feed("." * 30 + "#" * 40 + "." * 30)
    assert call.heard == [
        (33, Onset(1)),
        (36, Confirmed(1, may_interrupt=True)),
        (70 + CLOSING, Ended(1, speech_frames=40, silence_frames=CLOSING)),
    ]
    assert call.audio == {1: span(21, 70 + CLOSING)}


def test_the_stt_get_audio_once_it_is_a_voice_and_in_pieces_of_100_ms():
    """A5: nothing before the confirmation, then five frames at a time."""
    call = Call().feed("." * 30 + "#####")
    assert call.audio == {}
    call.feed("#")
    assert call.audio == {1: span(21, 35)}
    call.feed("####")
    assert call.audio == {1: span(21, 40)}


def test_a2_noise_reaches_no_stt():
    """A2, A5: discarded after 400 ms; what was kept of it is the pre-roll of the voice that follows."""
    call = Call().feed("." * 30 + "nnn" + "." * 20 + "#" * 20)
    assert call.heard[:2] == [(33, Onset(1)), (53, Discarded(1))]
    assert call.heard[2] == (56, Onset(2))
    assert set(call.audio) == {2}
    assert call.audio[2][0] == 44


def test_phase_and_unconfirmed_tell_what_is_going_on():
    """A6: unconfirmed sound may turn out to be a voice."""
    call = Call()
    seen = []
    for stretch in ("..", "###", "###", "." * 30):
        call.feed(stretch)
        seen.append((call.hearing.phase, call.hearing.unconfirmed))
    assert seen == [
        (Phase.IDLE, False),
        (Phase.PROVISIONAL, True),
        (Phase.CONFIRMED, False),
        (Phase.IDLE, False),
    ]


# ---- A4


def test_a4_a_voice_without_a_pause_is_cut_and_nothing_is_lost():
    """A4: what follows the forced end is the next utterance, from the very next frame."""
    call = Call(replace(PARAMS, max_speech_frames=50)).feed("." * 20 + "#" * 130 + "." * 30)
    assert call.heard[2] == (120, Ended(1, speech_frames=100, silence_frames=0))
    assert call.heard[3] == (126, Confirmed(2, may_interrupt=False))
    assert call.heard[4] == (150 + CLOSING, Ended(2, speech_frames=30, silence_frames=CLOSING))
    assert call.audio == {1: span(11, 120), 2: span(121, 150 + CLOSING)}


def test_a4_a_run_on_voice_is_not_a_first_sound():
    """A4, A6: the same voice going on holds no reply back."""
    call = Call(replace(PARAMS, max_speech_frames=50)).feed("#" * 102)
    assert (call.hearing.phase, call.hearing.unconfirmed) == (Phase.PROVISIONAL, False)
    assert call.hearing.run_on


def test_a4_after_a_pause_it_may_interrupt():
    """A4: only an onset after a pause can supersede the turn; the utterance is the same."""
    call = Call(replace(PARAMS, max_speech_frames=50)).feed("#" * 110 + "." * 10 + "#" * 10)
    assert call.heard[-1] == (121, Confirmed(2, may_interrupt=True, first_time=False))
    assert not call.hearing.run_on
    call.feed("." * CLOSING)
    assert call.audio[2] == span(101, 130 + CLOSING)


# ---- B3, A7: pauses


def test_b3_at_a_pause_the_stt_have_all_that_was_said():
    """B3: the audio that would wait for its 100 ms comes before the pause is told."""
    call = Call().feed("." * 20 + "#" * 42 + "." * 6)
    assert call.audio[1][-1] < call.fed
    changes = call.hearing.feed(
        FrameHeard((69).to_bytes(2, "big") * 80, *LEVELS["."]), OnsetThreshold.ORDINARY
    )
    assert [type(change) for change in changes] == [CallerAudio, Paused]
    call.fed += 1
    call.keep(changes)
    assert call.audio == {1: span(11, 69)}
    assert call.hearing.paused_for == 7


def test_b3_who_goes_on_is_heard_on():
    """B3: under the same number; the pause is over before more audio is given."""
    call = Call().feed("." * 20 + "#" * 40 + "." * 14)
    assert call.pauses == [(67, Paused(1))]
    call.feed("#" * 6 + "." * 30)
    assert call.pauses == [(67, Paused(1)), (75, Resumed(1)), (87, Paused(1))]
    assert [type(change) for _, change in call.heard] == [Onset, Confirmed, Ended]
    assert call.audio == {1: span(11, 105)}
    assert call.hearing.paused_for == 0


def test_b3_how_long_the_voice_has_paused_is_counted_from_its_end():
    """B3: once the hangover has passed; nothing while the voice is there, nor when it is over."""
    call = Call().feed("." * 20 + "#" * 40)
    paused_for = []
    for mark in "." * CLOSING + "..":
        call.feed(mark)
        paused_for.append(call.hearing.paused_for)
    assert paused_for == [*[0] * 6, *range(7, CLOSING), 0, 0, 0]
    back = Call().feed("#" * 40 + "." * 12)
    assert back.hearing.paused_for == 12
    assert back.feed("#").hearing.paused_for == 0


def test_b3_the_pause_is_over_before_its_audio_goes_on():
    """B3: whoever reads the STT' words so far is told in time that they are not all."""
    call = Call().feed("." * 20 + "#" * 40 + "." * 11)
    resumed = [
        type(change)
        for change in call.hearing.feed(FrameHeard(b"x" * 160, 4000, 0.9), OnsetThreshold.ORDINARY)
    ]
    assert resumed == [Resumed, CallerAudio]


def test_a4_a_run_on_voice_that_comes_back_has_paused():
    """A4, B3: it goes on, and now it may take the floor."""
    call = Call(replace(PARAMS, max_speech_frames=50)).feed("#" * 110 + "." * 8 + "#")
    assert call.pauses == [(117, Paused(2)), (119, Resumed(2))]
    assert call.heard[-1] == (119, Confirmed(2, may_interrupt=True, first_time=False))


def test_a7_words_close_only_what_is_a_voice():
    """A7: what is judged still has none."""
    call = Call().feed("###")
    call.hearing.close_after(Closing.HELD)
    call.feed("#" * 10 + "." * 40)
    assert call.heard[-1] == (13 + CLOSING, Ended(1, speech_frames=13, silence_frames=CLOSING))
    held = Call().feed("#" * 13)
    held.hearing.close_after(Closing.HELD)
    held.feed("." * 80)
    assert held.heard[-1] == (13 + CLOSING + 35, Ended(1, speech_frames=13, silence_frames=CLOSING + 35))


# ---- A5: a voice from afar


def test_a5_a_voice_far_under_the_caller_is_nobody():
    """A5: 12 dB under the caller's running level is background; the caller is still heard."""
    far = Call().feed("+" * 30)
    assert far.heard[1] == (6, Confirmed(1, True))
    call = Call().feed("#" * 40 + "." * 30 + "+" * 30 + "." * 30)
    assert [type(change) for _, change in call.heard[3:]] == [Onset, Discarded, Onset, Discarded]
    call.feed("#" * 10)
    assert isinstance(call.heard[-1][1], Confirmed)


def test_a5_the_level_is_of_the_voice_alone():
    """A5: silence, clicks and what was discarded do not count into it."""
    call = Call().feed("#" * 40 + "." * 30)
    call.feed("+." * 60 + "." * 5 + "#" * 6)
    assert isinstance(call.heard[-1][1], Confirmed)
    call = Call().feed("#" * 40 + "." * 30 + "+" * 46)
    assert isinstance(call.heard[-1][1], Discarded)
    call.feed("#" * 6)
    assert isinstance(call.heard[-1][1], Confirmed)


@pytest.mark.parametrize("room", ["+", "."])
def test_a3_others_in_the_room_do_not_keep_the_turn_open(room):
    """A3, A5: their voices were heard before the caller's, and go on behind it."""
    call = Call().feed("#" * 40 + "." * 40)  # who the caller is
    call.feed(room * 60)
    call.heard.clear()
    call.feed("#" * 40 + "+" * 60)
    ended = [frame for frame, heard in call.heard if isinstance(heard, Ended)]
    assert ended == ([180 + CLOSING] if room == "+" else [])  # in a quiet room it may be the caller


def test_a3_what_is_heard_over_our_voice_tells_nothing_of_the_room():
    """A3, D1: it may be our own, coming back."""
    call = Call().feed("#" * 40 + "." * 140)
    call.feed("+" * 60, bar=OnsetThreshold.DURING_PLAYOUT)
    call.heard.clear()
    call.feed("#" * 40 + "+" * 60)
    assert not [heard for _, heard in call.heard if isinstance(heard, Ended)]


def test_a5_a_caller_who_steps_away_is_heard_again():
    """A5: after a minute without an utterance half the level is enough."""
    call = Call().feed("#" * 40 + "." * 3030 + "+" * 10)
    assert isinstance(call.heard[-1][1], Confirmed)


def test_a5_what_runs_on_is_judged_by_its_own_level():
    """A4, A5: somebody else behind the forced end of the caller's utterance is background."""
    call = Call(replace(PARAMS, max_speech_frames=50)).feed("#" * 100 + "+" * 23)
    assert call.heard[2:4] == [(100, Ended(1, speech_frames=100, silence_frames=0)), (120, Discarded(2))]


# ---- C5


def test_c5_a_caller_who_answers_at_once_is_heard_from_the_first_syllable():
    """C5: the model agrees late; the audio reaches back before the voice."""
    call = Call().feed("." * 40)
    call.feed("n" * 15 + "#" * 10, bar=OnsetThreshold.REFRACTORY)
    assert call.heard == [(56, Onset(1)), (57, Confirmed(1, True))]
    call.feed("." * 30)
    assert call.audio[1][0] <= 40


def test_c5_echo_tail_and_clicks_are_nobody():
    """C5: energy alone opens nothing while the bar is raised."""
    assert Call().feed("nnnn.nn..nnn" * 5, bar=OnsetThreshold.REFRACTORY).heard == []


# ---- D1: our echo


def fed(call, rms, frames, bar=OnsetThreshold.DURING_PLAYOUT, speech=0.9):
    """What so many frames of one level changed."""
    frame = FrameHeard(b"\x10" * 160, rms, speech)
    return [change for _ in range(frames) for change in call.hearing.feed(frame, bar)]


def test_d1_our_echo_does_not_stop_us_once_it_is_known():
    """D1: learnt while only the agent speaks; a voice above it stops us."""
    call = Call()
    assert fed(call, 900, 60) == []
    assert fed(call, 1250, 3) == []
    assert fed(call, 1270, 3) == [Onset(1)]


def test_d1_our_first_words_do_not_stop_the_greeting():
    """D1: what may be a speakerphone's echo is let pass for a second; a caller near the phone is not."""
    assert fed(Call(), 1900, 49) == []
    assert fed(Call(), 2100, 3) == [Onset(1)]


def test_d1_a_quiet_line_is_known_after_a_second():
    """D1: with no echo on it the barge-in level is the bar again."""
    call = Call()
    assert fed(call, 10, 50, speech=0.05) == []
    assert fed(call, 310, 3) == [Onset(1)]


def test_d1_what_is_heard_while_we_are_silent_is_no_echo():
    """D1: only frames heard while we speak count; and the echo is no bar once we are silent."""
    call = Call()
    assert fed(call, 900, 60) == []
    assert fed(call, 10, 20, OnsetThreshold.ORDINARY, 0.05) == []
    assert fed(call, 310, 3, OnsetThreshold.ORDINARY) == [Onset(1)]
    other = Call()
    assert fed(other, 10, 50, speech=0.05) == []
    for _ in range(30):
        assert (
            fed(other, 290, 2, OnsetThreshold.ORDINARY) + fed(other, 10, 1, OnsetThreshold.ORDINARY, 0.05)
            == []
        )
    assert fed(other, 310, 3) == [Onset(1)]


def test_d2_what_could_not_stop_us_does_not_confirm():
    """D1, D2: a bang over our own voice coming back is no voice, whatever the model says of the echo."""
    call = Call()
    assert fed(call, 900, 60) == []
    assert fed(call, 1300, 3) == [Onset(1)]
    assert fed(call, 900, 20) == [Discarded(1)]
    assert fed(call, 10, 5, speech=0.05) == []
    assert fed(call, 1300, 3) == [Onset(2)]
    assert Confirmed(2, True) in fed(call, 1300, 3)


def test_a5_a_voice_far_under_the_caller_does_not_stop_us():
    """A5, D1: the room behind the caller is background while we speak, too."""
    call = Call()
    assert fed(call, 10, 50, speech=0.05) == []
    assert fed(call, 600, 3) == [Onset(1)]
    call = Call().feed("#" * 40 + "." * 30)
    assert fed(call, 10, 50, speech=0.05) == []
    assert fed(call, 600, 100) == []
    assert fed(call, 1100, 3) == [Onset(2)]


def test_d1_a_voice_over_ours_is_not_learnt_as_our_echo():
    """D1: the run that stopped us stops us again."""
    call = Call(replace(PARAMS, barge_in_frames=12))
    for _ in range(3):
        call.feed("." * 30 + "n" * 12 + "." * 20, bar=OnsetThreshold.DURING_PLAYOUT)
    assert [type(change) for _, change in call.heard] == [Onset, Discarded] * 3


def test_e3_words_that_were_our_own_raise_the_bar():
    """E3: an utterance that turned out to be our echo does not stop us at its level again."""
    call = Call().feed("#" * 40 + "." * 30)
    call.hearing.last_was_echo()
    call.feed("#" * 40, bar=OnsetThreshold.DURING_PLAYOUT)
    assert len(call.heard) == 3
    assert fed(call, 5601, 3) == [Onset(2)]


def said_during_playout(call, frames):
    """A voice as loud as NORMAL that stops us, goes on for so long in all, and ends."""
    call.feed("." * 5 + "#" * 3, bar=OnsetThreshold.DURING_PLAYOUT).feed(
        "#" * 3, bar=OnsetThreshold.DURING_PLAYOUT
    )
    call.feed("#" * (frames - 6) + "." * 40)
    return call


def test_d1_two_voices_without_words_that_died_with_ours_were_our_echo():
    """D1: it stops us, is over when we are, and is too short for its words to tell: twice is enough."""
    call = Call()
    for frames in (20, 36):  # six until it is confirmed, then 600 ms
        said_during_playout(call, frames)
        call.hearing.last_had_words(of_the_caller=False)
    assert [type(change) for _, change in call.heard] == [Onset, Confirmed, Ended] * 2
    assert fed(call, 4000, 40) == []
    assert fed(call, 5601, 3) == [Onset(3)]


@pytest.mark.parametrize(
    "said",
    [
        [(20, False)],
        [(20, False), (37, False), (20, False)],
        [(20, True)] * 3,
        [(20, False), (20, True), (20, False)],
    ],
    ids=["once", "a sentence between", "words of the caller's", "words between"],
)
def test_d1_what_during_playout_is_the_callers(said):
    """D1: who says words of their own, or goes on when we are silent, is no echo, however often."""
    call = Call()
    for frames, of_the_caller in said:
        said_during_playout(call, frames)
        call.hearing.last_had_words(of_the_caller=of_the_caller)
    assert fed(call, 4000, 3) == [Onset(len(said) + 1)]


def test_d1_short_answers_while_we_are_silent_are_no_echo():
    """D1: only what began over us is suspected."""
    call = Call()
    for _ in range(3):
        call.feed("#" * 20 + "." * 40)
        call.hearing.last_had_words(of_the_caller=False)
    assert fed(call, 4000, 3) == [Onset(4)]


# ---- F5: a key


def test_f5_a_key_ends_what_was_being_said():
    """F5: its last audio, then its end."""
    call = Call().feed("." * 20 + "#" * 20 + "..")
    call.keep(call.hearing.end_now())
    assert call.heard[-1] == (42, Ended(1, speech_frames=20, silence_frames=2))
    assert call.audio == {1: span(11, 42)}
    call.feed("###")
    assert call.heard[-1] == (45, Onset(2))


def test_f5_a_key_discards_what_was_not_confirmed():
    """F5, A5: a sound that was never a voice is not an utterance."""
    call = Call().feed("." * 20 + "nnnn")
    call.keep(call.hearing.end_now())
    assert call.heard[-1] == (24, Discarded(1))
    assert call.hearing.end_now() == []


# ---- whatever comes

stretches = st.lists(
    st.tuples(
        st.sampled_from("#n+m."), st.integers(1, 45), st.sampled_from(OnsetThreshold), st.integers(0, 9)
    ),
    min_size=6,
    max_size=16,
)


@given(stretches)
def test_a2_every_frame_of_an_utterance_reaches_the_stt_exactly_once(stretches):
    """A2, A4: from the pre-roll to the end in order, no frame lost or heard twice, and no audio of noise."""
    call = Call(replace(PARAMS, max_speech_frames=40))
    for mark, frames, bar, key in stretches:
        call.feed(mark * frames, bar)
        if key == 0:
            call.keep(call.hearing.end_now())
    onsets = {change.utterance_id: at for at, change in call.heard if isinstance(change, Onset)}
    ends = {change.utterance_id: at for at, change in call.heard if isinstance(change, Ended)}
    confirmed = {change.utterance_id for _, change in call.heard if isinstance(change, Confirmed)}
    assert set(call.audio) <= confirmed
    last = 0
    for utterance_id, numbers in call.audio.items():
        assert numbers == span(numbers[0], numbers[-1])
        assert numbers[0] > last
        last = numbers[-1]
        if utterance_id in onsets:
            # Three voiced frames and 200 ms before them, unless another utterance or the call began there.
            assert numbers[0] <= max(1, onsets[utterance_id] - 12) or numbers[0] - 1 in ends.values()
        if utterance_id in ends:
            assert numbers[-1] == ends[utterance_id]
    assert set(ends) <= set(call.audio)


@given(stretches)
def test_utterance_ids_rise_and_every_utterance_is_told_once(stretches):
    """B2: every Discarded, Confirmed and Ended names the utterance that is open."""
    call = Call(replace(PARAMS, max_speech_frames=40))
    for mark, frames, bar, _ in stretches:
        call.feed(mark * frames, bar)
    for kind in (Onset, Discarded, Ended):
        ids = [change.utterance_id for _, change in call.heard if isinstance(change, kind)]
        assert ids == sorted(set(ids))
    first = [c.utterance_id for _, c in call.heard if isinstance(c, Confirmed) and c.first_time]
    assert first == sorted(set(first))


def test_c5_a_short_word_in_the_refractory_is_heard():
    """C5, A5: the model speaks after the energy has fallen; the voice before it is what is judged."""
    call = Call().feed("#" * 40 + "." * 40)
    call.feed("n" * 10 + "..." + "m" * 8 + "." * 40, bar=OnsetThreshold.REFRACTORY)
    assert isinstance(call.heard[-1][1], Ended) and call.heard[-1][1].utterance_id == 2
    assert call.heard[-1][1].speech_frames >= 10


def test_d1_many_barge_in_frames_leave_time_to_judge():
    """D1, D2: BARGE_IN_VOICE_FRAMES=22: the run is long before the onset, and the voice is confirmed."""
    call = Call(replace(PARAMS, barge_in_frames=22)).feed("#" * 300, bar=OnsetThreshold.DURING_PLAYOUT)
    assert any(isinstance(heard, Confirmed) for _, heard in call.heard)


def test_d1_our_voice_made_lower_teaches_nothing_of_its_echo():
    """D1, E3: or the reply would stop itself once it is as loud as before."""
    frame = FrameHeard(b"\x10" * 160, 250, 0.05)
    for lower, opens in ((True, []), (False, [Onset(1)])):
        call = Call()
        for _ in range(250):
            call.hearing.feed(frame, OnsetThreshold.DURING_PLAYOUT, lower=lower)
        assert fed(call, 450, 3) == opens


@pytest.mark.parametrize(
    "stopped_at, frames, opens", [(26, 56, []), (26, 57, [Onset(3)]), (0, 56, [Onset(3)])]
)
def test_d1_an_echo_that_was_lower_first_dies_when_we_stop(stopped_at, frames, opens):
    """D1: 600 ms count from the silence, not from the voice's confirmation."""
    call = Call()
    for _ in range(2):
        call.feed("." * 5 + "#" * 6, bar=OnsetThreshold.DURING_PLAYOUT)
        call.feed("#" * (stopped_at - 6))
        if stopped_at:
            call.hearing.playout_stopped()
        call.feed("#" * (frames - max(6, stopped_at)) + "." * 40)
        call.hearing.last_had_words(of_the_caller=False)
    assert fed(call, 4000, 3) == opens


def test_the_length_of_a_voice_so_far():
    """D2: of a confirmed one, from its onset to its last voice."""
    call = Call()
    seen = []
    for stretch in ("...", "###", "###", "##", "." * 5, "." * 40):
        call.feed(stretch)
        seen.append(call.hearing.voice_frames)
    assert seen == [0, 0, 6, 8, 8, 0]
