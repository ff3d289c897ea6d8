"""B3: the words so far of an utterance that pauses, and one that goes on."""

import pytest

from server.providers.base import ProviderError, Transcript
from server.turns.events import FinalTranscript, InterimTranscript, SttFailed
from tests.call.test_stt_session import EXPECTED, Stt, Utterance, guess, skipped, stt


class Again:
    """Hears an utterance as often as it is asked to: a stream each time, with steps of its own."""

    def __init__(self, runtime, *scripts, name="stt", stream=Stt, guesses=False):
        self.runtime, self.scripts, self.name = runtime, scripts, name
        self.stream, self.guesses = stream, guesses
        self.streams = []

    def start(self, *asked):
        script = self.scripts[min(len(self.streams), len(self.scripts) - 1)]
        self.streams.append(self.stream(self.runtime, *script))
        return self.streams[-1].start(*asked)


def again(*scripts, **more):
    return lambda runtime: Again(runtime, *scripts, **more)


def pausing(*makers, words_by=1.5, failures=2):
    """An utterance that pauses at 1 s; by ``words_by`` its STT may have spoken."""
    utterance = Utterance(*makers, failures=failures)
    utterance.stt.feed(b"one")
    utterance.told = []
    utterance.runtime.call_at(1, lambda: utterance.told.append(utterance.stt.flush()))
    return utterance, utterance.run(words_by)


def goes_on(utterance, until=10):
    """It goes on, and ends a second later; what is posted from now on."""
    before = len(utterance.run(utterance.runtime.now))
    utterance.stt.resume()
    utterance.stt.feed(b"two")
    utterance.runtime.call_at(utterance.runtime.now + 1, utterance.stt.finish)
    return utterance.run(until)[before:]


# ---- an STT that guess while they listen


def test_b3_stt_that_guess_are_only_read():
    """B3: the stream goes on over the pause and behind it, and has one end."""
    guessing = stt(Transcript("אני מחפש דירה"), before=[guess("אני מחפש")], guesses=True)
    utterance, posted = pausing(guessing)
    assert utterance.told == [None]
    assert utterance.posted == [(0.0, InterimTranscript(5, "אני מחפש"))]
    (recognizer,) = utterance.recognizers
    assert (posted, recognizer.finishes, utterance.stt.done) == ([], 0, False)
    assert goes_on(utterance) == [FinalTranscript(5, "אני מחפש דירה", None)]
    assert (recognizer.opened, recognizer.audio) == ([(EXPECTED, 3)], b"onetwo")
    assert (recognizer.finishes, recognizer.cancels) == (1, 0)


def test_b3_no_guess_is_not_an_empty_one():
    """B3: there is nothing to think about yet."""
    utterance, posted = pausing(stt(Transcript("שלום"), guesses=True))
    assert (posted, utterance.posted) == ([], [])


def test_b3_a_guess_that_comes_in_the_pause_is_posted_when_it_comes():
    """B3: and once: nothing is repeated because somebody asked."""
    guessing = stt(Transcript("אני מחפש דירה"), before=[1.2, guess("אני מחפש")], guesses=True)
    utterance, posted = pausing(guessing)
    assert (posted, utterance.posted) == ([], [(1.2, InterimTranscript(5, "אני מחפש"))])


class Hasty(Stt):
    """Ends by itself."""

    def __iter__(self):
        yield from self.after


def test_b3_stt_that_have_said_it_all_are_read_as_well():
    """B3: a stream that has ended by itself; should the caller go on, another hears it all."""
    maker = again([Transcript("אני")], [Transcript("אני פה")], stream=Hasty, guesses=True)
    utterance, posted = pausing(maker)
    assert [event for _, event in utterance.posted] == [
        InterimTranscript(5, "אני"),
        FinalTranscript(5, "אני", None),
    ]
    assert (posted, utterance.told) == ([FinalTranscript(5, "אני", None)], [None])
    assert goes_on(utterance) == [FinalTranscript(5, "אני פה", None)]
    assert [stream.audio for stream in utterance.recognizers[0].streams] == [b"one", b"onetwo"]


# ---- an STT that speak at the end


def test_b3_stt_that_do_not_guess_are_told_that_this_was_the_end():
    """B3: their words are posted as soon as there are any, and only once."""
    utterance, posted = pausing(again([0.2, Transcript("שלום", 0.9)]))
    assert utterance.told == [None]
    assert utterance.posted[-1] == (1.2, FinalTranscript(5, "שלום", 0.9))
    assert utterance.stt.done
    utterance.stt.finish()
    assert utterance.run(10) == posted == [FinalTranscript(5, "שלום", 0.9)]
    (stream,) = utterance.recognizers[0].streams
    assert (stream.finishes, stream.audio) == (1, b"one")
    assert utterance.runtime.alive() == []


def test_b3_before_their_words_they_are_not_done():
    """B3, G1: the end of the utterance may come first; the words are still waited for."""
    utterance, posted = pausing(again([2.0, Transcript("שלום")]))
    utterance.stt.finish()
    assert (posted, utterance.stt.done) == ([], False)
    assert utterance.run(10) == [FinalTranscript(5, "שלום", None)]
    assert len(utterance.recognizers[0].streams) == 1


@pytest.mark.parametrize("delay", [0.1, 3.0], ids=["words were there", "words were still to come"])
def test_b3_who_goes_on_is_heard_again_from_the_start(delay):
    """B3: no word is cut in two: a new stream gets all of the utterance, the first one is closed."""
    utterance, posted = pausing(again([delay, Transcript("אני מח")], [Transcript("אני מחפש דירה", 0.8)]))
    assert len(posted) == (delay < 1)
    assert goes_on(utterance) == [FinalTranscript(5, "אני מחפש דירה", 0.8)]
    first, second = utterance.recognizers[0].streams
    assert (first.audio, second.audio) == (b"one", b"onetwo")
    assert (first.cancels, second.cancels) == (1, 0)
    assert utterance.runtime.alive() == []


def test_b3_the_silence_of_the_pause_is_heard_too():
    """B3: not by the stream that was told of the end, but by the one after it."""
    utterance, _ = pausing(again([Transcript("אני")]))
    utterance.stt.feed(b"...")
    assert utterance.recognizers[0].streams[0].audio == b"one"
    goes_on(utterance)
    assert utterance.recognizers[0].streams[1].audio == b"one...two"


def test_b3_every_pause_may_be_the_end():
    """B3: whoever pauses twice is heard three times, each time from the start."""
    words = [[Transcript("א")], [Transcript("א ב")], [Transcript("א ב ג")]]
    utterance, _ = pausing(again(*words))
    utterance.stt.resume()
    utterance.stt.feed(b"two")
    utterance.runtime.call_at(2, utterance.stt.flush)
    utterance.run(2.5)
    assert goes_on(utterance) == [FinalTranscript(5, "א ב ג", None)]
    assert [stream.audio for stream in utterance.recognizers[0].streams] == [b"one", b"onetwo", b"onetwotwo"]
    assert len(utterance.stt.tasks) == 3


def test_b3_who_goes_on_without_having_been_asked_is_only_heard():
    """B3: no words were wanted at the pause: nothing was closed, nothing is opened."""
    utterance = Utterance(again([Transcript("שלום")]))
    utterance.stt.feed(b"one")
    assert goes_on(utterance) == [FinalTranscript(5, "שלום", None)]
    (stream,) = utterance.recognizers[0].streams
    assert (stream.audio, stream.cancels) == (b"onetwo", 0)


# ---- what is too late


def test_b3_stt_that_tell_at_a_pause_are_told_of_it_and_of_its_end():
    """B3: one stream, which may ask for its final words early, and goes on where the caller does."""

    class Telling(Stt):
        def flush(self):
            self.audio += b"|"

        def resume(self):
            self.audio += b">"

    utterance, _ = pausing(lambda runtime: Telling(runtime, Transcript("אני מחפש דירה"), guesses=True))
    assert goes_on(utterance) == [FinalTranscript(5, "אני מחפש דירה", None)]
    assert utterance.recognizers[0].audio == b"one|>two"


def test_b2_words_of_the_pause_that_wait_for_the_call_are_not_wanted_any_more():
    """B2, B3: they were on their way when the caller went on: they are about less than was said."""
    words = []

    class Faster(Utterance):
        def post(self, event, wanted=None):
            if isinstance(event, FinalTranscript):
                if not words:
                    self.stt.resume()
                words.append((event.text, wanted()))

    utterance = Faster(again([Transcript("אני מח")], [Transcript("אני מחפש")]))
    utterance.stt.feed(b"one")
    utterance.stt.flush()
    utterance.run(1)
    utterance.stt.finish()
    utterance.run(2)
    assert words == [("אני מח", False), ("אני מחפש", True)]


def test_f6_whoever_is_dropped_after_going_on_leaves_nothing():
    """F6: neither the stream of the pause nor the one after it."""
    utterance, _ = pausing(again([9.0, Transcript("אני")]))
    utterance.stt.resume()
    utterance.stt.cancel()
    assert utterance.run(3) == []
    assert utterance.runtime.alive() == []


# ---- failures


def test_g2_stt_that_fail_at_a_pause_have_another_try():
    """G2, B3: the failure is posted, since it may have been the end; it was not, and they hear all of it."""
    utterance, posted = pausing(again([ProviderError("down")], [Transcript("שלום")], name="a"))
    assert posted == [SttFailed(5, "a: down")]
    assert goes_on(utterance) == [FinalTranscript(5, "שלום", None)]
    assert utterance.recognizers[0].streams[1].audio == b"onetwo"


def test_g2_at_a_pause_the_next_ones_are_asked_as_well():
    """G2, B3: with all of the audio so far, and told that this was the end."""
    utterance, posted = pausing(
        again([ProviderError("down")], name="a"), again([Transcript("שלום")], name="b")
    )
    assert posted == [FinalTranscript(5, "שלום", None)]
    (stream,) = utterance.recognizers[1].streams
    assert (stream.audio, stream.finishes) == (b"one", 1)


def test_b3_stt_at_work_decide_whether_they_guess():
    """B3, G2: those that follow may be of the other kind."""
    first = stt(before=[guess("אני"), ProviderError("down")], name="a", guesses=True)
    utterance, posted = pausing(first, again([Transcript("אני פה")], name="b"))
    assert utterance.told == [None]
    assert posted == [FinalTranscript(5, "אני פה", None)]


def test_g4_a_stream_that_was_left_for_another_counts_for_nothing():
    """G4: that the caller goes on is nobody's fault; the one that follows is judged by its own."""
    utterance, _ = pausing(again([5.0, ProviderError("down")], [ProviderError("down")], name="a"))
    assert goes_on(utterance) == [SttFailed(5, "a: down")]
    assert skipped(utterance) == []


def test_g4_stt_that_are_late_after_a_pause_are_told():
    """G4: the stream at work is."""
    utterance, _ = pausing(again([Transcript("אני")], [9.0], name="a"), again([9.0], name="b"), failures=1)
    utterance.stt.resume()
    utterance.stt.finish()
    utterance.run(3)
    utterance.stt.late()
    utterance.stt.cancel()
    assert skipped(utterance) == ["a"]
