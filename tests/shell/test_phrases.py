"""Pre-made audio of the fixed lines, and a sentence from whichever voice can."""

import pytest

from server.core.frames import level_rms, pcm16_to_mulaw
from server.engines.base import EngineError
from server.phrases import MIN_SPEECH_BYTES, PhraseCache, WholeSamples, beep, speak_whole

ENOUGH = b"\x01\x02" * (MIN_SPEECH_BYTES // 2)


class Voice:
    """Speaks ``chunks``; an exception among them is raised."""

    def __init__(self, *chunks, name="voice", fails=False):
        self.name = name
        self.said = []
        self.cancels = 0
        self._chunks = chunks
        self._fails = fails

    def synthesize(self, text, timeout_s):
        self.said.append(text)
        if self._fails:
            raise EngineError("no voice today")
        return self

    def __iter__(self):
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def cancel(self):
        self.cancels += 1


# ---- whole samples


@pytest.mark.parametrize(
    "chunks, whole",
    {
        "even": ([b"abcd", b"ef"], [b"abcd", b"ef"]),
        "odd": ([b"abc", b"def"], [b"ab", b"cdef"]),
        "single bytes": ([b"a", b"b", b"c", b"d"], [b"ab", b"cd"]),
        "empty ones": ([b"", b"ab", b""], [b"ab"]),
        "half a sample at the end": ([b"ab", b"c"], [b"ab"]),
        "nothing": ([], []),
    }.values(),
)
def test_chunks_are_whole_samples(chunks, whole):
    """C1: an even number of bytes whatever the voice gives, none lost between chunks."""
    assert list(WholeSamples(Voice(*chunks), "שלום")) == whole


@pytest.mark.parametrize("chunk", ["text", None, 5])
def test_what_is_not_bytes_is_a_failed_voice(chunk):
    """G2: a voice that gives something else than audio."""
    with pytest.raises(EngineError, match=f"gave {type(chunk).__name__} for audio"):
        list(WholeSamples(Voice(chunk), "שלום"))


def test_cancel_reaches_the_voice():
    """F6: before it began, and while it speaks."""
    early, late = Voice(b"ab", b"cd"), Voice(b"ab", b"cd")
    samples = WholeSamples(early, "שלום")
    samples.cancel()
    assert early.cancels == 0
    list(samples)
    assert early.cancels == 1
    samples = WholeSamples(late, "שלום")
    next(iter(samples))
    assert late.cancels == 0
    samples.cancel()
    assert late.cancels == 1


# ---- a whole sentence


@pytest.mark.parametrize(
    "bytes_given, spoken",
    [(MIN_SPEECH_BYTES, True), (MIN_SPEECH_BYTES - 2, False), (MIN_SPEECH_BYTES - 1, False), (0, False)],
)
def test_g2_under_400_bytes_is_no_speech(bytes_given, spoken):
    """G2: the next voice is tried, and the log says why."""
    complaints = []
    short, good = Voice(b"x" * bytes_given, name="a"), Voice(ENOUGH, name="b")
    pcm16 = speak_whole("שלום", [short, good], complaints.append)
    assert pcm16 == (b"x" * bytes_given if spoken else ENOUGH)
    heard = bytes_given // 2 * 2
    assert complaints == ([] if spoken else [f"TTS_ERR: a: {heard} bytes for 4 characters"])


@pytest.mark.parametrize(
    "failing", [Voice(fails=True, name="a"), Voice(ENOUGH, EngineError("no voice today"), name="a")]
)
def test_g2_a_failed_voice_is_followed_by_the_next(failing):
    """G2: before or in the middle of its audio."""
    complaints = []
    good = Voice(ENOUGH[:100], ENOUGH[100:], name="b")
    assert speak_whole("שלום", [failing, good], complaints.append) == ENOUGH
    assert complaints == ["TTS_ERR: a: no voice today"]
    assert good.said == ["שלום"]


def test_g2_no_voice_is_none():
    """G2: the caller then hears a beep."""
    assert speak_whole("שלום", [Voice(fails=True), Voice()], [].append) is None


# ---- the cache


def test_lines_are_made_once():
    """B5, B6: in μ-law; those that are there already are not made again."""
    voice = Voice(ENOUGH)
    phrases = PhraseCache(["שלום", "תודה"])
    phrases.keep("תודה", b"\x33")
    phrases.make([voice], [].append)
    phrases.make([voice], [].append)
    assert voice.said == ["שלום"]
    assert phrases.get("שלום") == pcm16_to_mulaw(ENOUGH)
    assert phrases.get("תודה") == b"\x33"


def test_a_line_no_voice_can_say_stays_missing():
    """G2: the others are made, and the missing one is tried again."""
    phrases, voice = PhraseCache(["שלום"]), Voice(ENOUGH)
    phrases.make(iter([Voice(fails=True)]), [].append)
    assert phrases.get("שלום") is None
    phrases.make(iter([Voice(fails=True), voice]), [].append)
    assert phrases.get("שלום") is not None


def test_voices_may_be_given_once_for_all_lines():
    """An iterator of voices serves every line."""
    phrases = PhraseCache(["שלום", "תודה"])
    phrases.make(iter([Voice(ENOUGH)]), [].append)
    assert None not in (phrases.get("שלום"), phrases.get("תודה"))


def test_only_the_lines_named_are_kept():
    """Bounded: what a caller is told once is not remembered for a process."""
    phrases = PhraseCache(["שלום"])
    phrases.keep("אחר", b"\x33")
    assert phrases.get("אחר") is None


def test_another_voice_starts_with_nothing():
    """The same lines, none of them made."""
    phrases = PhraseCache(["שלום"])
    phrases.keep("שלום", b"\x33")
    copy = phrases.empty_copy()
    assert copy.get("שלום") is None
    copy.keep("שלום", b"\x44")
    assert (phrases.get("שלום"), copy.get("שלום")) == (b"\x33", b"\x44")


def test_g2_the_beep():
    """G2: 300 ms that can be heard."""
    pcm16 = beep()
    assert len(pcm16) == 2 * 8000 * 300 // 1000
    mulaw = pcm16_to_mulaw(pcm16)
    assert all(level_rms(mulaw[i : i + 160]) > 1000 for i in range(0, len(mulaw), 160))


def test_a_voice_with_a_bug_is_a_failed_voice():
    """G2: a host's function may raise anything."""
    assert speak_whole("שלום", [Voice(KeyError("x"))], [].append) is None
