"""Recordings heard at a caller's pace, in simulated time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from server.audio.frames import MULAW_SILENCE
from server.hear.listening import AT_ONCE, LAST_WORD_S, Heard, Manner, hear_all
from server.hear.recording import Recording
from server.providers.base import ProviderError, Transcript
from server.turns.effects import Expected
from tests.simtime.runtime import SimRuntime
from tests.simtime.scripted import ScriptedStream, played

VOICE = b"\x10" * 8000  # a second, loud
HALF_SILENT = MULAW_SILENCE * 4000 + VOICE
PACE = Manner(voice_rms=210)
FAST = Manner(voice_rms=210, fast=True)


@dataclass
class Stt:
    """``while_fed`` and ``behind``: steps of ``played``, from the start and from the end of the audio."""

    runtime: SimRuntime
    while_fed: tuple[object, ...] = ()
    behind: tuple[object, ...] = (0.2, Transcript("שלום"))
    name: str = "stt"
    guesses: bool = True
    not_loaded: str = ""
    fed: list[list[tuple[float, int]]] = field(default_factory=list)  # when, and bytes, of each stream
    numbers: list[int] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    def warm(self) -> None:
        if self.not_loaded:
            raise ProviderError(self.not_loaded)

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> "Stream":
        self.numbers.append(turn_number)
        self.fed.append([])
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        return Stream(self, self.fed[-1])


class Stream:
    def __init__(self, stt: Stt, fed: list[tuple[float, int]]) -> None:
        self._stt, self._fed = stt, fed
        self._finished, self._cancelled = stt.runtime.event(), stt.runtime.event()

    def feed(self, mulaw_8k: bytes) -> None:
        self._fed.append((self._stt.runtime.now, len(mulaw_8k)))

    def finish(self) -> None:
        self._finished.set()

    def cancel(self) -> None:
        self._cancelled.set()
        self._finished.set()

    def __iter__(self) -> Iterator[object]:
        try:
            yield from played(self._stt.while_fed, self._cancelled)
            self._finished.wait()
            yield from played(self._stt.behind, self._cancelled)
        finally:
            self._stt.open -= 1


def heard(
    runtime: SimRuntime, *stts: Stt, audio: bytes = HALF_SILENT, count: int = 1, manner: Manner = PACE
) -> list[list[Heard]]:
    got: list[list[Heard]] = []
    recordings = [Recording(f"{number}.wav", audio) for number in range(count)]

    def hear() -> None:
        got.extend(of_each for _, of_each in hear_all(runtime, stts, recordings, manner))

    runtime.spawn("test", hear)
    runtime.run_until(600)
    assert runtime.alive() == []
    return got


@pytest.fixture
def runtime() -> SimRuntime:
    return SimRuntime()


def test_the_pace_is_a_callers(runtime: SimRuntime) -> None:
    """20 ms every 20 ms; the last piece may be shorter."""
    stt = Stt(runtime)
    heard(runtime, stt, audio=VOICE[:400])
    assert stt.fed == [[(0.0, 160), (pytest.approx(0.02), 160), (pytest.approx(0.04), 80)]]


def test_latencies(runtime: SimRuntime) -> None:
    """The first from where the voice begins, at half a second; the last from the end of the audio."""
    guesses = (0.6, Transcript(" ", is_final=False), 0.21, Transcript("של", is_final=False), 0.1)
    guesses += (Transcript("שלום", is_final=False),)
    stt = Stt(runtime, guesses, (Transcript("שלום "), 0.2, Transcript(" כן"), 0.05))
    assert heard(runtime, stt) == [[Heard("שלום כן", 310, 250)]]


def test_an_stt_without_interim_words(runtime: SimRuntime) -> None:
    assert heard(runtime, Stt(runtime)) == [[Heard("שלום", None, 200)]]


def test_fast_has_no_latencies(runtime: SimRuntime) -> None:
    stt = Stt(runtime, (Transcript("של", is_final=False),))
    assert heard(runtime, stt, manner=FAST) == [[Heard("שלום")]]
    assert {when for when, _ in stt.fed[0]} == {0.0} and sum(size for _, size in stt.fed[0]) == 12_000


@pytest.mark.parametrize(
    ("while_fed", "behind", "found"),
    [
        ((), (Transcript("א"), ProviderError("cut")), Heard("א", problem="cut")),
        ((), (KeyError("x"),), Heard(problem="'x'")),
        ((), (6000.0,), Heard(problem="not done 10 s after the end of the audio")),
        ((0.1, ProviderError("refused")), (), Heard(problem="refused")),
        ((), (), Heard("", None, 0)),
    ],
)
def test_failures(
    runtime: SimRuntime, while_fed: tuple[object, ...], behind: tuple[object, ...], found: Heard
) -> None:
    assert heard(runtime, Stt(runtime, while_fed, behind)) == [[found]]


def test_no_audio_for_an_stt_that_has_failed(runtime: SimRuntime) -> None:
    stt = Stt(runtime, (0.1, ProviderError("refused")))
    heard(runtime, stt)
    assert len(stt.fed[0]) <= 6


def test_an_stt_that_ends_too_soon(runtime: SimRuntime) -> None:
    class Short:
        name, guesses = "short", False

        def warm(self) -> None:
            pass

        def start(self, expected: Expected, turn_number: int, timeout_s: float) -> object:
            stream = ScriptedStream(runtime, 0.1, Transcript("של"))
            stream.feed = lambda mulaw_8k: None  # type: ignore[attr-defined]
            return stream

    assert heard(runtime, Short()) == [[Heard("של", problem="ended before the audio did")]]  # type: ignore[arg-type]


def test_one_that_does_not_load_costs_the_others_nothing(runtime: SimRuntime) -> None:
    good, bad = Stt(runtime), Stt(runtime, not_loaded="no key")
    assert heard(runtime, bad, good, count=2) == [[Heard(problem="no key"), Heard("שלום", None, 200)]] * 2
    assert bad.fed == []


def test_a_few_at_once(runtime: SimRuntime) -> None:
    """Each STT has all recordings once, by their numbers, and never more than a few at a time."""
    stts = Stt(runtime), Stt(runtime, behind=(LAST_WORD_S - 1, Transcript("כן")))
    got = heard(runtime, *stts, count=3 * AT_ONCE)
    assert len(got) == 3 * AT_ONCE
    assert [sorted(stt.numbers) for stt in stts] == [list(range(1, 3 * AT_ONCE + 1))] * 2
    assert [stt.most_open for stt in stts] == [AT_ONCE, AT_ONCE]
