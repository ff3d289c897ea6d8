"""One utterance on its way through the STT."""

import pytest

from server.call.stt_session import SttSession
from server.providers.base import ProviderError, Transcript
from server.providers.fallback import BreakerParams, FallbackChain, Try
from server.turns.effects import Expected
from server.turns.events import FinalTranscript, InterimTranscript, SttFailed
from tests.simtime.runtime import SimRuntime
from tests.simtime.scripted import played

EXPECTED = Expected(("כן", "לא"))


def guess(text):
    return Transcript(text, is_final=False)


class Stt:
    """Plays ``before`` at once, ``after`` once the utterance is over."""

    def __init__(self, runtime, *after, before=(), name="stt", guesses=False):
        self.runtime = runtime
        self.name = name
        self.guesses = guesses
        self.before, self.after = before, after
        self.opened = []
        self.audio = b""
        self.finishes = self.cancels = 0

    def start(self, expected, turn_number, timeout_s):
        self.opened.append((expected, turn_number))
        self._finished = self.runtime.event()
        self._cancelled = self.runtime.event()
        return self

    def feed(self, mulaw_8k):
        self.audio += mulaw_8k

    def finish(self):
        self.finishes += 1
        self._finished.set()

    def cancel(self):
        self.cancels += 1
        self._cancelled.set()
        self._finished.set()

    def __iter__(self):
        yield from played(self.before, self._cancelled)
        self._finished.wait()
        yield from played(self.after, self._cancelled)


class Utterance:
    def __init__(self, *make, failures=1):
        self.runtime = SimRuntime()
        self.recognizers = tuple(one(self.runtime) for one in make)
        self.posted = []
        self.chain = FallbackChain("asr", self.recognizers, BreakerParams(failures), self.runtime.clock)
        self.stt = self.another(5)

    def another(self, utterance_id):
        """The STT of one more utterance of the same call."""
        return SttSession(self.runtime, self.chain, utterance_id, (EXPECTED, 3), self.post)

    def post(self, event, wanted=None):
        if wanted is None or wanted():
            self.posted.append((round(self.runtime.now, 3), event))

    def run(self, until):
        """The outcomes, without the guesses on the way."""
        self.runtime.run_until(until)
        return [event for _, event in self.posted if not isinstance(event, InterimTranscript)]


def stt(*after, **more):
    return lambda runtime: Stt(runtime, *after, **more)


def heard(*makers, failures=1):
    """What is posted of an utterance of two pieces of audio."""
    utterance = Utterance(*makers, failures=failures)
    utterance.stt.feed(b"one")
    utterance.runtime.call_at(0.5, lambda: utterance.stt.feed(b"two"))
    utterance.runtime.call_at(1, utterance.stt.finish)
    return utterance, utterance.run(10)


# ---- words


@pytest.mark.parametrize(
    "finals, event",
    {
        "one": ([Transcript("שלום", 0.9)], FinalTranscript(5, "שלום", 0.9)),
        "several are joined": (
            [Transcript(" אני ", 0.9), Transcript("פה", 0.5), Transcript("", 0.8)],
            FinalTranscript(5, "אני פה", 0.5),
        ),
        "some are unsure": ([Transcript("אני"), Transcript("פה", 0.5)], FinalTranscript(5, "אני פה", 0.5)),
        "none says how sure": ([Transcript("אני"), Transcript("פה")], FinalTranscript(5, "אני פה", None)),
        "certainly nothing": ([Transcript("", 0.0)], FinalTranscript(5, "", 0.0)),
        "nothing": ([], FinalTranscript(5, "", None)),
    }.values(),
)
def test_the_transcript_is_all_finals_and_the_least_confidence(finals, event):
    """E1: an utterance may have several segments."""
    assert heard(stt(*finals))[1] == [event]


def test_a7_partial_results_are_guesses():
    """A7: each replaces the one before it, behind the finals so far."""
    utterance, _ = heard(
        stt(
            Transcript("דירה גדולה", 0.8),
            before=[guess("אני"), guess("אני מחפשת"), Transcript("אני מחפש", 0.9), guess("דירה")],
        )
    )
    assert utterance.posted == [
        (0, InterimTranscript(5, "אני")),
        (0, InterimTranscript(5, "אני מחפשת")),
        (0, InterimTranscript(5, "אני מחפש")),  # a final: should nothing come after it, it was heard
        (0, InterimTranscript(5, "אני מחפש דירה")),
        (1, InterimTranscript(5, "אני מחפש דירה גדולה")),
        (1, FinalTranscript(5, "אני מחפש דירה גדולה", 0.8)),
    ]


def test_the_recogniser_gets_the_audio_and_the_end():
    """A2: and is told what to expect, and which turn it is."""
    utterance, _ = heard(stt(Transcript("שלום")))
    (recognizer,) = utterance.recognizers
    assert (recognizer.opened, recognizer.audio, recognizer.finishes) == ([(EXPECTED, 3)], b"onetwo", 1)
    assert utterance.runtime.alive() == []


# ---- failures


@pytest.mark.parametrize(
    "failing",
    [
        stt(ProviderError("down")),
        stt(before=[ProviderError("down")]),
        stt(before=[0.7, ProviderError("down")]),
    ],
    ids=["after the end", "at once", "in the middle"],
)
def test_g2_the_next_recogniser_gets_all_of_the_audio(failing):
    """G2: whenever the one before it failed."""
    utterance, posted = heard(failing, stt(Transcript("שלום", 0.9)))
    assert posted == [FinalTranscript(5, "שלום", 0.9)]
    assert utterance.recognizers[1].audio == b"onetwo"
    assert utterance.recognizers[1].finishes == 1
    assert utterance.recognizers[1].opened == [(EXPECTED, 3)]


def test_g2_the_next_is_opened_only_when_needed():
    """G2: one recogniser hears at a time."""
    utterance, _ = heard(stt(Transcript("שלום")), stt(Transcript("אחר")))
    assert utterance.recognizers[1].opened == []


def test_g2_no_stt_left():
    """G2: posted once, with what each complained of; a recogniser's own bug is a failed recogniser."""
    assert heard(stt(ProviderError("down"), name="a"))[1] == [SttFailed(5, "a: down")]
    both = heard(stt(ProviderError("down"), name="a"), stt(KeyError("x"), name="b"))
    assert both[1] == [SttFailed(5, "a: down; b: KeyError: 'x'")]
    assert both[0].runtime.alive() == []


# ---- dropped


@pytest.mark.parametrize(
    "maker",
    [
        stt(0.5, Transcript("שלום")),
        stt(0.5, guess("של"), Transcript("שלום")),
        stt(Transcript("שלום"), before=[9.0]),
    ],
)
def test_f6_nobody_wants_the_transcript(maker):
    """F6: nothing is posted after ``cancel``, and the thread is gone at once."""
    utterance = Utterance(maker, stt(Transcript("אחר")))
    utterance.runtime.call_at(1, utterance.stt.finish)
    utterance.runtime.call_at(1.2, utterance.stt.cancel)
    utterance.runtime.call_at(1.3, utterance.stt.cancel)
    assert utterance.run(10) == []
    assert utterance.runtime.alive() == []
    assert utterance.stt.tasks[0].ended_at == 1.2
    assert utterance.recognizers[1].opened == []


def test_f6_a_provider_that_fails_because_it_was_dropped():
    """F6: has no successor, and nobody is told."""

    class Touchy(Stt):
        def __iter__(self):
            self._cancelled.wait()
            raise ProviderError("cancelled")
            yield

    utterance = Utterance(Touchy, stt(Transcript("אחר")))
    utterance.runtime.call_at(0.2, utterance.stt.cancel)
    assert utterance.run(1) == []
    assert utterance.recognizers[1].opened == []
    last = Utterance(Touchy)
    last.runtime.call_at(0.2, last.stt.cancel)
    assert last.run(1) == []


def test_f6_a_provider_that_ignores_cancel_is_not_heard():
    """F6: what it says afterwards is nothing."""

    class Deaf(Stt):
        def __iter__(self):
            self.runtime.event().wait(0.5)
            yield guess("של")
            yield Transcript("שלום")

    utterance = Utterance(Deaf)
    utterance.runtime.call_at(0.2, utterance.stt.cancel)
    assert utterance.run(1) == []


def test_f6_a_provider_that_just_ends_when_it_is_dropped():
    """F6: an empty transcript of a dropped utterance is not posted."""

    class Polite(Stt):
        def __iter__(self):
            self._cancelled.wait()
            yield from ()

    utterance = Utterance(Polite)
    utterance.runtime.call_at(0.2, utterance.stt.cancel)
    assert utterance.run(1) == []


class Closed(Stt):
    """Cannot be opened."""

    def start(self, *asked):
        raise ProviderError("no credentials")


def test_g2_stt_that_do_not_open_are_passed_over():
    """G2: first or second, the stream that cannot be opened is a failed engine."""
    first = Utterance(Closed, stt(Transcript("שלום")))
    first.stt.finish()
    assert first.run(5) == [FinalTranscript(5, "שלום", None)]
    second = Utterance(stt(ProviderError("down")), Closed)
    second.stt.finish()
    assert isinstance(second.run(5)[-1], SttFailed)


def test_g2_stt_that_fail_before_there_is_a_voice():
    """G2: opened at the onset, they may be gone before any audio: the next ones get what comes, no more."""
    utterance = Utterance(stt(before=[ProviderError("down")]), stt(Transcript("שלום")))
    pieces = []
    feed = Stt.feed
    utterance.recognizers[1].feed = lambda audio: (
        pieces.append(audio),
        feed(utterance.recognizers[1], audio),
    )
    utterance.runtime.call_at(0.5, lambda: utterance.stt.feed(b"one"))
    utterance.runtime.call_at(1, utterance.stt.finish)
    assert utterance.run(5) == [FinalTranscript(5, "שלום", None)]
    assert pieces == [b"one"]


def test_a2_a_discarded_onset_leaves_nothing():
    """A2: dropped before any audio."""
    utterance = Utterance(stt(Transcript("שלום")))
    utterance.runtime.call_at(0.4, utterance.stt.cancel)
    assert utterance.run(5) == []
    assert utterance.runtime.alive() == []
    assert (utterance.recognizers[0].audio, utterance.recognizers[0].cancels) == (b"", 1)


# ---- G4: what the chain is told; one failure is enough here


def skipped(utterance):
    given = [attempt.provider for attempt in utterance.chain.tries()]
    return [one.name for one in utterance.recognizers if one not in given]


@pytest.mark.parametrize(
    "maker, failed",
    {
        "an error": (stt(ProviderError("down"), name="a"), True),
        "a bug": (stt(KeyError("x"), name="a"), True),
        "cannot be opened": (lambda runtime: Closed(runtime, name="a"), True),
        "words": (stt(Transcript("שלום"), name="a"), False),
        "no words": (stt(name="a"), False),
    }.values(),
)
def test_g4_stt_that_fail_are_told(maker, failed):
    """G4: whatever the way they failed; nothing heard is no failure."""
    utterance, _ = heard(maker, stt(Transcript("אחר"), name="b"))
    assert skipped(utterance) == (["a"] if failed else [])


def test_g4_stt_that_are_late_are_told():
    """G4: the call waits no more: those at work have failed, not those before or behind them."""
    utterance = Utterance(
        stt(ProviderError("down"), name="a"), stt(9.0, Transcript("שלום"), name="b"), stt(name="c")
    )
    utterance.runtime.call_at(1, utterance.stt.finish)
    utterance.runtime.call_at(2, utterance.stt.late)
    utterance.runtime.call_at(2, utterance.stt.cancel)
    assert utterance.run(20) == []
    assert skipped(utterance) == ["a", "b"]


def test_g4_stt_that_have_told_are_not_late():
    """G4: the call's own SttFailed, and words that came just before it, count once."""
    words, neither = stt(Transcript("שלום"), name="a"), stt(ProviderError("down"), name="a")
    for maker, told_before in ((words, 0), (neither, 1)):
        utterance, posted = heard(maker, stt(ProviderError("down"), name="b"), failures=2)
        assert len(posted) == 1
        utterance.stt.late()
        for place in range(2):  # one that counted twice would be skipped by now
            if not told_before:
                Try(utterance.chain, place).failed("down")
        assert skipped(utterance) == []


def test_g4_stt_that_are_skipped_do_not_listen():
    """G4: the next ones are the first ones opened."""
    runtime = SimRuntime()
    first, second = Stt(runtime, Transcript("א"), name="a"), Stt(runtime, Transcript("ב"))
    chain = FallbackChain("asr", (first, second), BreakerParams(1), runtime.clock)
    Try(chain, 0).failed("down")
    posted = []
    post = lambda event, wanted: posted.append(event)  # noqa: E731
    SttSession(runtime, chain, 5, (EXPECTED, 3), post).finish()
    runtime.run_until(1)
    assert (first.opened, posted[-1]) == ([], FinalTranscript(5, "ב", None))


@pytest.mark.parametrize("obeys", [True, False])
def test_g4_stt_that_were_dropped_count_for_nothing(obeys):
    """G4: a hang-up or a discarded onset is nobody's fault and nobody's merit."""

    class Slow(Stt):
        def __iter__(self):
            (self._cancelled if obeys else self.runtime.event()).wait(0.5)
            if self.before:
                raise self.before[0]
            yield Transcript("שלום")

    for steps in ([], [ProviderError("down")]):
        utterance = Utterance(
            lambda runtime, steps=steps: Slow(runtime, before=steps, name="a"), stt(name="b"), failures=2
        )
        Try(utterance.chain, 0).failed("down")
        utterance.runtime.call_at(0.2, utterance.stt.cancel)
        assert utterance.run(2) == []
        assert skipped(utterance) == []
        Try(utterance.chain, 0).failed("down")
        assert skipped(utterance) == ["a"]


# ---- G4: the try of an engine whose time has passed


def test_g4_stt_that_follow_are_asked_for_when_they_are_due():
    """G4: the first ones heard it all, so the second ones' time was nobody's to take."""
    utterance, posted = heard(stt(Transcript("שלום"), name="a"), stt(Transcript("אחר"), name="b"))
    assert posted == [FinalTranscript(5, "שלום", None)]
    Try(utterance.chain, 1).failed("down")
    utterance.runtime.run_until(50)
    utterance.another(6).finish()
    utterance.runtime.run_until(60)
    assert utterance.recognizers[1].opened == []
    assert [attempt.provider.name for attempt in utterance.chain.tries()] == ["a", "b"]


class Many(Stt):
    """Hears several utterances at once."""

    def start(self, *asked):
        stream = Stt(self.runtime, *self.after)
        return stream.start(*asked)


def probing(*makers):
    """A chain whose first recogniser was skipped, and may be tried again; and somebody to listen."""
    utterance = Utterance(*makers)
    utterance.stt.cancel()
    Try(utterance.chain, 0).failed("down")
    utterance.runtime.run_until(40)

    def listen():
        session = utterance.another(6)
        utterance.runtime.run_until(utterance.runtime.now)
        return session

    return utterance, listen


def test_g4_stt_that_were_dropped_while_they_probed_are_tried_again():
    """G4: a noise has not found out; the next utterance does."""
    utterance, listen = probing(
        lambda runtime: Many(runtime, name="a"), lambda runtime: Many(runtime, name="b")
    )
    probe = listen()
    assert probe.at_work == "a" and listen().at_work == "b"
    utterance.runtime.call_at(41, probe.cancel)
    utterance.runtime.run_until(42)
    assert listen().at_work == "a" and listen().at_work == "b"


def test_g4_noises_of_other_calls_do_not_reopen_what_is_skipped():
    """G4: 20 dropped utterances that hold no probe leave it to the one that does."""
    utterance, listen = probing(
        lambda runtime: Many(runtime, name="a"), lambda runtime: Many(runtime, name="b")
    )
    Try(utterance.chain, 0).worked()
    before = [listen() for _ in range(20)]
    assert {one.at_work for one in before} == {"a"}
    Try(utterance.chain, 0).failed("down")
    utterance.runtime.run_until(80)
    assert listen().at_work == "a"
    for one in before:
        utterance.runtime.call_at(81, one.cancel)
    utterance.runtime.run_until(82)
    assert listen().at_work == "b"


def test_g1_who_is_at_work_is_known():
    """G1: the deadline is that of the STT that listen now."""
    utterance = Utterance(stt(before=[0.3, ProviderError("down")], name="a"), stt(name="b"))
    utterance.run(0.2)
    assert utterance.stt.at_work == "a"
    utterance.run(0.4)
    assert utterance.stt.at_work == "b"
