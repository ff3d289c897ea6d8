"""One utterance on its way through the ears."""

import pytest

from server.call.stt_session import UtteranceEars
from server.providers.base import EngineError, Transcript
from server.providers.fallback import BreakerParams, Chain, Try
from server.runtime.threads import Channel, pause
from server.turns.effects import Expected
from server.turns.events import EarsFailed, WordsGuessed, WordsHeard
from tests.simtime.runtime import SimRuntime

EXPECTED = Expected(("כן", "לא"))


def guess(text):
    return Transcript(text, is_final=False)


class Recognizer:
    """Gives ``before`` at once, ``after`` once the utterance is over; waits numbers, raises exceptions."""

    def __init__(self, runtime, *after, before=(), name="ears", guesses=False):
        self.runtime = runtime
        self.name = name
        self.guesses = guesses
        self.before, self.after = before, after
        self.opened = []
        self.audio = b""
        self.finishes = self.cancels = 0

    def open(self, expected, turn_number, timeout_s):
        self.opened.append((expected, turn_number))
        self._finished = Channel(self.runtime, 1)
        self._cancelled = Channel(self.runtime, 1)
        return self

    def feed(self, mulaw_8k):
        self.audio += mulaw_8k

    def finish(self):
        self.finishes += 1
        self._finished.close()

    def cancel(self):
        self.cancels += 1
        self._cancelled.close()
        self._finished.close()

    def __iter__(self):
        yield from self._steps(self.before)
        pause(self._finished, None)
        yield from self._steps(self.after)

    def _steps(self, steps):
        for step in steps:
            if isinstance(step, float):
                if not pause(self._cancelled, step):
                    return
            elif isinstance(step, Exception):
                raise step
            else:
                yield step


class Utterance:
    def __init__(self, *make):
        self.runtime = SimRuntime()
        self.recognizers = tuple(one(self.runtime) for one in make)
        self.posted = []
        self.chain = Chain("asr", self.recognizers, BreakerParams(1), self.runtime.clock)
        self.ears = UtteranceEars(self.runtime, self.chain, 5, (EXPECTED, 3), self._post)

    def _post(self, event, wanted=None):
        if wanted is None or wanted():
            self.posted.append((round(self.runtime.now, 3), event))

    def run(self, until):
        """The outcomes, without the guesses on the way."""
        self.runtime.run_until(until)
        return [event for _, event in self.posted if not isinstance(event, WordsGuessed)]


def ears(*after, **more):
    return lambda runtime: Recognizer(runtime, *after, **more)


def heard(*makers):
    """What is posted of an utterance of two pieces of audio."""
    utterance = Utterance(*makers)
    utterance.ears.feed(b"one")
    utterance.runtime.call_at(0.5, lambda: utterance.ears.feed(b"two"))
    utterance.runtime.call_at(1, utterance.ears.finish)
    return utterance, utterance.run(10)


# ---- words


@pytest.mark.parametrize(
    "finals, event",
    {
        "one": ([Transcript("שלום", 0.9)], WordsHeard(5, "שלום", 0.9)),
        "several are joined": (
            [Transcript(" אני ", 0.9), Transcript("פה", 0.5), Transcript("", 0.8)],
            WordsHeard(5, "אני פה", 0.5),
        ),
        "some are unsure": ([Transcript("אני"), Transcript("פה", 0.5)], WordsHeard(5, "אני פה", 0.5)),
        "none says how sure": ([Transcript("אני"), Transcript("פה")], WordsHeard(5, "אני פה", None)),
        "certainly nothing": ([Transcript("", 0.0)], WordsHeard(5, "", 0.0)),
        "nothing": ([], WordsHeard(5, "", None)),
    }.values(),
)
def test_the_transcript_is_all_finals_and_the_least_confidence(finals, event):
    """E1: an utterance may have several segments."""
    assert heard(ears(*finals))[1] == [event]


def test_a7_partial_results_are_guesses():
    """A7: each replaces the one before it, behind the finals so far."""
    utterance, _ = heard(
        ears(
            Transcript("דירה גדולה", 0.8),
            before=[guess("אני"), guess("אני מחפשת"), Transcript("אני מחפש", 0.9), guess("דירה")],
        )
    )
    assert utterance.posted == [
        (0, WordsGuessed(5, "אני")),
        (0, WordsGuessed(5, "אני מחפשת")),
        (0, WordsGuessed(5, "אני מחפש")),  # a final: should nothing come after it, it was heard
        (0, WordsGuessed(5, "אני מחפש דירה")),
        (1, WordsGuessed(5, "אני מחפש דירה גדולה")),
        (1, WordsHeard(5, "אני מחפש דירה גדולה", 0.8)),
    ]


def test_the_recogniser_gets_the_audio_and_the_end():
    """A2: and is told what to expect, and which turn it is."""
    utterance, _ = heard(ears(Transcript("שלום")))
    (recognizer,) = utterance.recognizers
    assert (recognizer.opened, recognizer.audio, recognizer.finishes) == ([(EXPECTED, 3)], b"onetwo", 1)
    assert utterance.runtime.alive() == []


# ---- failures


@pytest.mark.parametrize(
    "failing",
    [ears(EngineError("down")), ears(before=[EngineError("down")]), ears(before=[0.7, EngineError("down")])],
    ids=["after the end", "at once", "in the middle"],
)
def test_g2_the_next_recogniser_gets_all_of_the_audio(failing):
    """G2: whenever the one before it failed."""
    utterance, posted = heard(failing, ears(Transcript("שלום", 0.9)))
    assert posted == [WordsHeard(5, "שלום", 0.9)]
    assert utterance.recognizers[1].audio == b"onetwo"
    assert utterance.recognizers[1].finishes == 1
    assert utterance.recognizers[1].opened == [(EXPECTED, 3)]


def test_g2_the_next_is_opened_only_when_needed():
    """G2: one recogniser hears at a time."""
    utterance, _ = heard(ears(Transcript("שלום")), ears(Transcript("אחר")))
    assert utterance.recognizers[1].opened == []


def test_g2_no_ears_left():
    """G2: posted once, with what each complained of; a recogniser's own bug is a failed recogniser."""
    assert heard(ears(EngineError("down"), name="a"))[1] == [EarsFailed(5, "a: down")]
    both = heard(ears(EngineError("down"), name="a"), ears(KeyError("x"), name="b"))
    assert both[1] == [EarsFailed(5, "a: down; b: KeyError: 'x'")]
    assert both[0].runtime.alive() == []


# ---- dropped


@pytest.mark.parametrize(
    "maker",
    [
        ears(0.5, Transcript("שלום")),
        ears(0.5, guess("של"), Transcript("שלום")),
        ears(Transcript("שלום"), before=[9.0]),
    ],
)
def test_f6_nobody_wants_the_transcript(maker):
    """F6: nothing is posted after ``drop``, and the thread is gone at once."""
    utterance = Utterance(maker, ears(Transcript("אחר")))
    utterance.runtime.call_at(1, utterance.ears.finish)
    utterance.runtime.call_at(1.2, utterance.ears.drop)
    utterance.runtime.call_at(1.3, utterance.ears.drop)
    assert utterance.run(10) == []
    assert utterance.runtime.alive() == []
    assert utterance.ears.tasks[0].ended_at == 1.2
    assert utterance.recognizers[1].opened == []


def test_f6_an_engine_that_fails_because_it_was_dropped():
    """F6: has no successor, and nobody is told."""

    class Touchy(Recognizer):
        def __iter__(self):
            pause(self._cancelled, None)
            raise EngineError("cancelled")
            yield

    utterance = Utterance(Touchy, ears(Transcript("אחר")))
    utterance.runtime.call_at(0.2, utterance.ears.drop)
    assert utterance.run(1) == []
    assert utterance.recognizers[1].opened == []
    last = Utterance(Touchy)
    last.runtime.call_at(0.2, last.ears.drop)
    assert last.run(1) == []


def test_f6_an_engine_that_ignores_cancel_is_not_heard():
    """F6: what it says afterwards is nothing."""

    class Deaf(Recognizer):
        def __iter__(self):
            pause(Channel(self.runtime, 1), 0.5)
            yield guess("של")
            yield Transcript("שלום")

    utterance = Utterance(Deaf)
    utterance.runtime.call_at(0.2, utterance.ears.drop)
    assert utterance.run(1) == []


def test_f6_an_engine_that_just_ends_when_it_is_dropped():
    """F6: an empty transcript of a dropped utterance is not posted."""

    class Polite(Recognizer):
        def __iter__(self):
            pause(self._cancelled, None)
            yield from ()

    utterance = Utterance(Polite)
    utterance.runtime.call_at(0.2, utterance.ears.drop)
    assert utterance.run(1) == []


class Closed(Recognizer):
    """Cannot be opened."""

    def open(self, *asked):
        raise EngineError("no credentials")


def test_g2_ears_that_do_not_open_are_passed_over():
    """G2: first or second, the stream that cannot be opened is a failed engine."""
    first = Utterance(Closed, ears(Transcript("שלום")))
    first.ears.finish()
    assert first.run(5) == [WordsHeard(5, "שלום", None)]
    second = Utterance(ears(EngineError("down")), Closed)
    second.ears.finish()
    assert isinstance(second.run(5)[-1], EarsFailed)


def test_g2_ears_that_fail_before_there_is_a_voice():
    """G2: opened at the onset, they may be gone before any audio: the next ones get what comes, no more."""
    utterance = Utterance(ears(before=[EngineError("down")]), ears(Transcript("שלום")))
    pieces = []
    feed = Recognizer.feed
    utterance.recognizers[1].feed = lambda audio: (
        pieces.append(audio),
        feed(utterance.recognizers[1], audio),
    )
    utterance.runtime.call_at(0.5, lambda: utterance.ears.feed(b"one"))
    utterance.runtime.call_at(1, utterance.ears.finish)
    assert utterance.run(5) == [WordsHeard(5, "שלום", None)]
    assert pieces == [b"one"]


def test_a2_a_discarded_onset_leaves_nothing():
    """A2: dropped before any audio."""
    utterance = Utterance(ears(Transcript("שלום")))
    utterance.runtime.call_at(0.4, utterance.ears.drop)
    assert utterance.run(5) == []
    assert utterance.runtime.alive() == []
    assert (utterance.recognizers[0].audio, utterance.recognizers[0].cancels) == (b"", 1)


# ---- G4: what the chain is told; one failure is enough here


def skipped(utterance):
    given = [attempt.engine for attempt in utterance.chain.tries()]
    return [one.name for one in utterance.recognizers if one not in given]


@pytest.mark.parametrize(
    "maker, failed",
    {
        "an error": (ears(EngineError("down"), name="a"), True),
        "a bug": (ears(KeyError("x"), name="a"), True),
        "cannot be opened": (lambda runtime: Closed(runtime, name="a"), True),
        "words": (ears(Transcript("שלום"), name="a"), False),
        "no words": (ears(name="a"), False),
    }.values(),
)
def test_g4_ears_that_fail_are_told(maker, failed):
    """G4: whatever the way they failed; nothing heard is no failure."""
    utterance, _ = heard(maker, ears(Transcript("אחר"), name="b"))
    assert skipped(utterance) == (["a"] if failed else [])


def test_g4_ears_that_are_late_are_told():
    """G4: the call waits no more: those at work have failed, not those before or behind them."""
    utterance = Utterance(
        ears(EngineError("down"), name="a"), ears(9.0, Transcript("שלום"), name="b"), ears(name="c")
    )
    utterance.runtime.call_at(1, utterance.ears.finish)
    utterance.runtime.call_at(2, utterance.ears.late)
    utterance.runtime.call_at(2, utterance.ears.drop)
    assert utterance.run(20) == []
    assert skipped(utterance) == ["a", "b"]


def test_g4_ears_that_have_told_are_not_late():
    """G4: the call's own EarsFailed, and words that came just before it, count once."""
    for maker, failures in (
        (ears(Transcript("שלום"), name="a"), 0),
        (ears(EngineError("down"), name="a"), 1),
    ):
        utterance, posted = heard(maker, *[ears(EngineError("down"), name="b")] * failures)
        count = []
        utterance.chain._failed = lambda place, why, count=count: count.append(place)
        assert len(posted) == 1
        utterance.ears.late()
        assert count == []


def test_g4_ears_that_are_skipped_do_not_listen():
    """G4: the next ones are the first ones opened."""
    runtime = SimRuntime()
    first, second = Recognizer(runtime, Transcript("א"), name="a"), Recognizer(runtime, Transcript("ב"))
    chain = Chain("asr", (first, second), BreakerParams(1), runtime.clock)
    Try(chain, 0).failed("down")
    posted = []
    post = lambda event, wanted: posted.append(event)  # noqa: E731
    UtteranceEars(runtime, chain, 5, (EXPECTED, 3), post).finish()
    runtime.run_until(1)
    assert (first.opened, posted[-1]) == ([], WordsHeard(5, "ב", None))


@pytest.mark.parametrize("obeys", [True, False])
def test_g4_ears_that_were_dropped_count_for_nothing(obeys):
    """G4: a hang-up or a discarded onset is nobody's fault and nobody's merit."""

    class Slow(Recognizer):
        def __iter__(self):
            pause(self._cancelled if obeys else Channel(self.runtime, 1), 0.5)
            if self.before:
                raise self.before[0]
            yield Transcript("שלום")

    for steps in ([], [EngineError("down")]):
        utterance = Utterance(
            lambda runtime, steps=steps: Slow(runtime, before=steps, name="a"), ears(name="b")
        )
        utterance.chain._breaker = BreakerParams(2)
        Try(utterance.chain, 0).failed("down")
        utterance.runtime.call_at(0.2, utterance.ears.drop)
        assert utterance.run(2) == []
        assert skipped(utterance) == []
        Try(utterance.chain, 0).failed("down")
        assert skipped(utterance) == ["a"]


# ---- G4: the try of an engine whose time has passed


def test_g4_ears_that_follow_are_asked_for_when_they_are_due():
    """G4: the first ones heard it all, so the second ones' time was nobody's to take."""
    utterance, posted = heard(ears(Transcript("שלום"), name="a"), ears(Transcript("אחר"), name="b"))
    assert posted == [WordsHeard(5, "שלום", None)]
    Try(utterance.chain, 1).failed("down")
    utterance.runtime.run_until(50)
    listening = UtteranceEars(utterance.runtime, utterance.chain, 6, (EXPECTED, 3), utterance._post)
    listening.finish()
    utterance.runtime.run_until(60)
    assert utterance.recognizers[1].opened == []
    assert [attempt.engine.name for attempt in utterance.chain.tries()] == ["a", "b"]


class Many(Recognizer):
    """Hears several utterances at once."""

    def open(self, *asked):
        stream = Recognizer(self.runtime, *self.after)
        return stream.open(*asked)


def probing(*makers):
    """A chain whose first recogniser was skipped, and may be tried again; and somebody to listen."""
    utterance = Utterance(*makers)
    utterance.ears.drop()
    Try(utterance.chain, 0).failed("down")
    utterance.runtime.run_until(40)
    return utterance, lambda: UtteranceEars(
        utterance.runtime, utterance.chain, 6, (EXPECTED, 3), utterance._post
    )


def test_g4_ears_that_were_dropped_while_they_probed_are_tried_again():
    """G4: a noise has not found out; the next utterance does."""
    utterance, listen = probing(
        lambda runtime: Many(runtime, name="a"), lambda runtime: Many(runtime, name="b")
    )
    probe = listen()
    assert probe.at_work == "a" and listen().at_work == "b"
    utterance.runtime.call_at(41, probe.drop)
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
        utterance.runtime.call_at(81, one.drop)
    utterance.runtime.run_until(82)
    assert listen().at_work == "b"


def test_g1_who_is_at_work_is_known():
    """G1: the deadline is that of the ears that listen now."""
    utterance = Utterance(ears(before=[0.3, EngineError("down")], name="a"), ears(name="b"))
    utterance.run(0.2)
    assert utterance.ears.at_work == "a"
    utterance.run(0.4)
    assert utterance.ears.at_work == "b"
