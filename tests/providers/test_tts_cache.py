"""The TTS cache: fixed lines, repeated sentences, and the fallback between providers."""

import logging
import os
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import level_rms, pcm16_to_mulaw
from server.providers.audio_files import AudioFiles
from server.providers.base import ProviderError
from server.providers.fallback import BreakerParams, FallbackChain, Try
from server.providers.tts_cache import (
    MIN_SPEECH_BYTES,
    Spoken,
    SpokenSentence,
    TtsCache,
    WholeSamples,
    beep,
    speak_whole,
)
from server.providers.tts_cache_disk import TtsCacheDisk, audio_key

ENOUGH = b"\x01\x02" * (MIN_SPEECH_BYTES // 2)


class Voice:
    """A TTS that yields ``chunks``; an exception among them is raised."""

    def __init__(self, *chunks, name="voice", fails=False):
        self.name = self.identity = name
        self.said = []
        self.cancels = 0
        self._chunks = chunks
        self.fails = fails

    def synthesize(self, text, timeout_s):
        self.said.append(text)
        if self.fails:
            raise ProviderError("no voice today")
        return self

    def __iter__(self):
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def cancel(self):
        self.cancels += 1


def chain(*voices, failures=3, clock=lambda: 0.0):
    return FallbackChain("tts", voices, BreakerParams(failures, 30.0), clock)


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
    """C1: an even number of bytes, whatever the provider yields; none is lost between chunks."""
    assert list(WholeSamples(Voice(*chunks), "שלום")) == whole


@pytest.mark.parametrize("chunk", ["text", None, 5])
def test_what_is_not_bytes_is_a_failed_voice(chunk):
    """G2: a provider that yields something other than audio."""
    with pytest.raises(ProviderError, match=f"gave {type(chunk).__name__} for audio"):
        list(WholeSamples(Voice(chunk), "שלום"))


def test_e6_a_voice_is_given_spoken_words():
    """E6: for every provider, in this one place."""
    voice = Voice(b"ab")
    list(WholeSamples(voice, "יש 2 דירות ברח' הרצל."))
    assert voice.said == ["יש שתי דירות ברחוב הרצל."]


def test_cancel_reaches_the_voice():
    """F6: before it begins, and while it speaks."""
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


# ---- a sentence that can be heard


def hiss(rms):
    """One second of noise, in whole frames."""
    draw = random.Random(6).gauss
    return b"".join(round(draw(0, rms)).to_bytes(2, "little", signed=True) for _ in range(8000))


@pytest.mark.parametrize(
    "silence", [bytes(16_000), b"\xff\xff" * 8000, hiss(60)], ids=["zeros", "-1", "hiss"]
)
def test_f6_silence_is_no_speech(silence):
    """F6, G2: the next provider speaks, and none of the silence is played."""
    heard = []
    with pytest.raises(ProviderError, match="16000 bytes of silence for 4 characters"):
        heard.extend(SpokenSentence(Voice(silence[:7001], silence[7001:]), "שלום"))
    assert heard == []
    complaints = []
    made = speak_whole("שלום", chain(Voice(silence, name="a"), Voice(ENOUGH, name="b")), complaints.append)
    assert made == Spoken("b", ENOUGH)
    assert complaints == ["a: 16000 bytes of silence for 4 characters"]


@given(st.integers(0, 9000), st.integers(160, 3000), st.lists(st.integers(1, 4000), max_size=20))
def test_f6_a_silent_beginning_is_part_of_a_sentence(silence, sound, cuts):
    """F6: a quiet voice after a pause of any length is played from its start, in any pieces."""
    audio = bytes(2 * silence) + (b"\x20\x01" + b"\xe0\xfe") * sound
    pieces, rest = [], audio
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert b"".join(SpokenSentence(Voice(*pieces, rest), "שלום")) == audio


def test_what_is_heard_is_not_held_back():
    """C2: from the first audible frame on, every chunk is passed on as it comes."""
    quiet, loud = bytes(400), b"\x00\x10" * 200
    assert list(SpokenSentence(Voice(quiet, loud, quiet, b"ab"), "שלום")) == [quiet + loud, quiet, b"ab"]


# ---- a whole sentence


@pytest.mark.parametrize(
    "bytes_given, spoken",
    [(MIN_SPEECH_BYTES, True), (MIN_SPEECH_BYTES - 2, False), (MIN_SPEECH_BYTES - 1, False), (0, False)],
)
def test_g2_under_400_bytes_is_no_speech(bytes_given, spoken):
    """G2: the next provider is tried, and the log gives the reason."""
    complaints = []
    short, good = Voice(b"x" * bytes_given, name="a"), Voice(ENOUGH, name="b")
    made = speak_whole("שלום", chain(short, good), complaints.append)
    assert made == (Spoken("a", b"x" * bytes_given) if spoken else Spoken("b", ENOUGH))
    heard = bytes_given // 2 * 2
    assert complaints == ([] if spoken else [f"a: {heard} bytes for 4 characters"])


@pytest.mark.parametrize(
    "failing", [Voice(fails=True, name="a"), Voice(ENOUGH, ProviderError("no voice today"), name="a")]
)
def test_g2_a_failed_voice_is_followed_by_the_next(failing):
    """G2: before or during its audio; the failed provider is known."""
    complaints = []
    good = Voice(ENOUGH[:100], ENOUGH[100:], name="b")
    assert speak_whole("שלום", chain(failing, good), complaints.append) == Spoken("b", ENOUGH)
    assert complaints == ["a: no voice today"]
    assert good.said == ["שלום"]


def test_g2_no_voice_is_none():
    """G2: the caller then hears a beep."""
    assert speak_whole("שלום", chain(Voice(fails=True), Voice()), [].append) is None


def test_a_voice_with_a_bug_is_a_failed_voice():
    """G2: a host's function may raise any exception."""
    assert speak_whole("שלום", chain(Voice(KeyError("x"))), [].append) is None


@pytest.mark.parametrize("failing", [Voice(fails=True, name="a"), Voice(b"xx", name="a")])
def test_g4_a_voice_that_keeps_failing_is_skipped(failing):
    """G4: errors and too little audio count alike; successes are reported too."""
    failing.said.clear()
    good = Voice(ENOUGH, name="b")
    voices = chain(failing, good, failures=2)
    for _ in range(4):
        assert speak_whole("שלום", voices, [].append) == Spoken("b", ENOUGH)
    assert (len(failing.said), len(good.said)) == (2, 4)
    assert [attempt.provider for attempt in voices.tries()] == [good]


def test_g4_a_voice_that_works_is_told():
    """G4: only failures in a row count."""
    voice = Voice(ENOUGH, name="a")
    voices = chain(voice, Voice(ENOUGH), failures=2)
    Try(voices, 0).failed("down")
    assert speak_whole("שלום", voices, [].append).identity == "a"
    Try(voices, 0).failed("down")
    assert next(voices.tries()).provider is voice


# ---- the fixed lines


def test_lines_are_made_once():
    """B5, B6: in μ-law; existing ones are not synthesized again."""
    voice = Voice(ENOUGH)
    phrases = TtsCache(["שלום", "תודה"], ["voice"])
    phrases.keep("voice", "תודה", b"\x33")
    assert phrases.make(chain(voice), [].append)
    assert phrases.make(chain(voice), [].append)
    assert voice.said == ["שלום"]
    assert phrases.get("שלום") == pcm16_to_mulaw(ENOUGH)
    assert phrases.get("תודה") == b"\x33"


def test_a_line_no_voice_can_say_stays_missing():
    """G2: the others are synthesized, and the missing one is tried again."""
    phrases, voice = TtsCache(["שלום"], ["voice"]), Voice(ENOUGH)
    assert not phrases.make(chain(Voice(fails=True)), [].append)
    assert phrases.get("שלום") is None
    assert phrases.make(chain(voice), [].append)
    assert phrases.get("שלום") is not None


def test_g2_the_best_voice_replaces_a_fallbacks_line():
    """G2: a fallback's line is used until the preferred provider has made it."""
    best, fallback = Voice(ENOUGH, name="best", fails=True), Voice(ENOUGH[:500] * 2, name="fallback")
    phrases, voices = TtsCache(["שלום", "תודה"], ["best", "fallback"]), chain(best, fallback)
    assert not phrases.make(voices, [].append)
    assert phrases.get("שלום") == pcm16_to_mulaw(ENOUGH[:500] * 2)
    best.fails = False
    assert phrases.make(voices, [].append)
    assert phrases.get("שלום") == phrases.get("תודה") == pcm16_to_mulaw(ENOUGH)


def test_g4_while_the_best_voice_is_skipped_its_lines_wait():
    """G4: the fallback does not repeat what it has made; the skipped provider is probed in time."""
    now = [0.0]
    best, fallback = Voice(ENOUGH, name="best", fails=True), Voice(ENOUGH, name="fallback")
    phrases = TtsCache(["שלום", "תודה"], ["best", "fallback"])
    voices = chain(best, fallback, failures=1, clock=lambda: now[0])
    assert not phrases.make(voices, [].append)
    assert (best.said, fallback.said) == (["שלום"], ["שלום", "תודה"])
    assert not phrases.make(voices, [].append)
    assert (best.said, fallback.said) == (["שלום"], ["שלום", "תודה"])
    now[0], best.fails = 60.0, False
    assert phrases.make(voices, [].append)
    assert (best.said[1:], fallback.said) == (["שלום", "תודה"], ["שלום", "תודה"])


def test_it_is_told_whether_more_may_be_asked_of_the_best_voice():
    """A vendor that allows fewer at once has refused; one that is skipped is not asked."""
    best, other = Voice(ENOUGH, name="best"), Voice(ENOUGH, name="other")
    cache, both, alone = TtsCache(["line"], ["best", "other"]), chain(best, other, failures=2), chain(best)

    def told(voices):
        return cache.make_line("line", voices, [].append)

    assert told(both) and told(alone)
    best.fails = True
    assert not told(alone) and not told(both)  # what the other says is not asked for
    assert told(both) and told(both)  # it has been refused twice: skipped
    best.fails = False
    assert told(alone)


def test_another_voice_starts_with_nothing(tmp_path):
    """The same lines, none cached; audio of a host's own TTS is not stored on disk."""
    phrases = TtsCache(["שלום"], ["voice"], folder=TtsCacheDisk(str(tmp_path), 1000))
    copy = phrases.empty_copy("host")
    copy.keep("host", "שלום", b"\x44")
    phrases.folder.wait()
    assert list(tmp_path.iterdir()) == []
    phrases.keep("voice", "שלום", b"\x33")
    assert (phrases.get("שלום"), copy.get("שלום")) == (b"\x33", b"\x44")


# ---- whatever else was said


def test_a_sentence_that_was_made_is_not_made_again():
    """C2: at once from memory; a new sentence is not there."""
    phrases = TtsCache([], ["voice"])
    phrases.keep("voice", "הדירה פנויה.", b"\x33")
    assert phrases.get("הדירה פנויה.") == b"\x33"
    assert phrases.get("הדירה פנויה") is None


def test_e6_better_words_are_made_anew(tmp_path, monkeypatch):
    """E6: audio cached before a rule changed is not played for the new words."""
    before = cache(tmp_path, "דירת 3 חד'")
    before.keep("voice", "דירת 3 חד'", b"\x33")
    before.keep("voice", "ברח' הרצל.", b"\x44")
    assert (before.get("דירת שלושה חדרים"), before.get("ברחוב הרצל.")) == (b"\x33", b"\x44")
    before.folder.wait()
    monkeypatch.setattr("server.providers.tts_cache_disk.speakable", lambda text: text + " אחרת")
    after = cache(tmp_path, "דירת 3 חד'")
    after.load()
    assert [phrases.get(text) for phrases in (before, after) for text in ("דירת 3 חד'", "ברח' הרצל.")] == [
        None
    ] * 4


def test_g4_another_voices_sentence_is_heard_while_the_best_one_is_down():
    """G4: otherwise a fallback's minute would be heard until the process ends."""
    phrases = TtsCache(["תודה"], ["best", "fallback"])
    phrases.keep("old", "שלום.", b"\x11")
    assert phrases.get("שלום.", best_voice_down=True) is None
    phrases.keep("fallback", "שלום.", b"\x22")
    phrases.keep("fallback", "תודה", b"\x55")
    assert phrases.get("שלום.") is None
    assert phrases.get("שלום.", best_voice_down=True) == b"\x22"
    assert phrases.get("תודה") == b"\x55"
    phrases.keep("best", "שלום.", b"\x33")
    phrases.keep("fallback", "שלום.", b"\x44")
    assert phrases.get("שלום.") == phrases.get("שלום.", best_voice_down=True) == b"\x33"


def test_memory_is_bounded_and_the_lines_stay():
    """TTS_CACHE_MB: the least recently used goes first; a sentence that is too large is not cached."""
    phrases = TtsCache(["שלום"], ["voice"], max_bytes=300)
    phrases.keep("voice", "שלום", b"\x10" * 1000)
    for text in "אבג":
        phrases.keep("voice", text, b"\x33" * 100)
    phrases.get("א")
    phrases.keep("voice", "ד", b"\x33" * 100)
    phrases.keep("voice", "ה", b"\x33" * 301)
    kept = [text for text in ("שלום", *"אבגדה") if phrases.get(text)]
    assert kept == ["שלום", "א", "ג", "ד"]


# ---- TTS_CACHE_DIR


def files(path):
    return {file.stem for file in path.iterdir()}


def cache(path, *lines, max_bytes=1000, voices=("voice",)):
    return TtsCache(lines, voices, max_bytes, TtsCacheDisk(str(path), max_bytes))


def written(phrases, path):
    """The keys on disk once everything is written."""
    phrases.folder.wait()
    return files(path)


def test_a_restart_serves_from_the_disk(tmp_path):
    """TTS_CACHE_DIR: fixed lines and repeated sentences are not synthesized again."""
    before = cache(tmp_path, "שלום")
    before.make(chain(Voice(b"\x01\x02" * 200)), [].append)
    before.keep("voice", "הדירה פנויה.", b"\x33")
    before.get("הדירה פנויה.")
    before.keep("voice", "אחרת.", b"\x44")
    before.folder.wait()
    voice, after = Voice(ENOUGH), cache(tmp_path, "שלום")
    after.load()
    assert after.make(chain(voice), [].append)
    assert voice.said == []
    assert after.get("הדירה פנויה.") == b"\x33"
    assert after.get("אחרת.") is None


@pytest.mark.parametrize(
    "before", [bytes(random.Random(6).randbytes(8000)), b"\xff" * 8000], ids=["noise", "silence"]
)
def test_f6_noise_that_was_kept_as_speech_is_made_again(tmp_path, before):
    """F6: noise stored by an earlier version is not played, in this process or the next."""
    (tmp_path / f"{audio_key('voice', 'שלום')}.ulaw").write_bytes(before)
    for says in (1, 0):
        phrases, voice = cache(tmp_path, "שלום", max_bytes=100_000), Voice(ENOUGH)
        phrases.load()
        assert phrases.make(chain(voice), [].append)
        assert phrases.get("שלום") == pcm16_to_mulaw(ENOUGH)
        phrases.folder.wait()
        assert len(voice.said) == says


def test_a_sentence_said_once_never_reaches_the_disk(tmp_path):
    """TTS_CACHE_DIR: it may hold a caller's name; only fixed lines and repeated sentences are stored."""
    phrases = cache(tmp_path, "שלום")
    phrases.keep("voice", "שלום דנה.", b"\x33")
    phrases.keep("voice", "שלום", b"\x44")
    for number in range(5):
        phrases.keep("voice", f"המספר הוא {number}.", b"\x55")
    assert written(phrases, tmp_path) == {audio_key("voice", "שלום")}


@pytest.mark.parametrize("text", ["המספר הוא 0501234567.", "בשעה 5?", "٠٥٠"])
def test_a_sentence_with_numbers_never_reaches_the_disk(tmp_path, text):
    """TTS_CACHE_DIR: they may be the caller's own, however often repeated; those of fixed lines are not."""
    phrases = cache(tmp_path, text + "!")
    phrases.keep("voice", text, b"\x33")
    phrases.keep("voice", text + "!", b"\x44")
    assert [phrases.get(text), phrases.get(text), phrases.get(text + "!")] == [b"\x33", b"\x33", b"\x44"]
    phrases.keep("voice", "שלום.", b"\x55")
    phrases.get("שלום.")
    assert written(phrases, tmp_path) == {audio_key("voice", "שלום."), audio_key("voice", text + "!")}


def test_what_was_said_again_is_written_once(tmp_path, monkeypatch):
    """TTS_CACHE_DIR: at the second time, not at the third, nor after a restart."""
    saved = []
    save = TtsCacheDisk.save
    monkeypatch.setattr(TtsCacheDisk, "save", lambda *all: (saved.append(all[1]), save(*all))[1])
    phrases = cache(tmp_path)
    phrases.keep("voice", "הדירה פנויה.", b"\x33")
    assert saved == []
    for _ in range(3):
        phrases.get("הדירה פנויה.")
    assert saved == [audio_key("voice", "הדירה פנויה.")]
    phrases.folder.wait()
    restarted = cache(tmp_path)
    restarted.load()
    assert restarted.get("הדירה פנויה.") == b"\x33"
    assert len(saved) == 1


def test_a_slow_disk_does_not_delay_the_call(tmp_path, monkeypatch):
    """C2: ``get`` runs with the call's lock held, and the next sentence waits behind ``keep``."""
    release = threading.Event()
    write = AudioFiles.write
    monkeypatch.setattr(AudioFiles, "write", lambda *those: release.wait(2) and write(*those))
    phrases = cache(tmp_path, "שלום")
    phrases.keep("voice", "שלום", b"\x44")
    phrases.keep("voice", "הדירה פנויה.", b"\x33")
    assert (phrases.get("הדירה פנויה."), phrases.get("שלום")) == (b"\x33", b"\x44")
    assert not release.is_set() and files(tmp_path) == set()
    release.set()
    assert len(written(phrases, tmp_path)) == 2


def test_the_lines_are_the_last_to_go(tmp_path):
    """TTS_CACHE_MB: a restart finds them, however much was spoken since."""
    line = audio_key("voice", "שלום")
    phrases = cache(tmp_path, "שלום")
    phrases.keep("voice", "שלום", b"\x44" * 100)
    for text in "אבגד":
        phrases.keep("voice", text, b"\x33" * 200)
        phrases.get(text)
    for key in written(phrases, tmp_path):
        then = 1000 if key == line else 2000
        os.utime(tmp_path / f"{key}.ulaw", (then, then))
    restarted = cache(tmp_path, "שלום")
    restarted.load()
    restarted.keep("voice", "ה", b"\x33" * 200)
    restarted.get("ה")
    assert {line, audio_key("voice", "ה")} <= written(restarted, tmp_path)
    assert len(files(tmp_path)) < 6


def test_without_a_disk_the_memory_works(tmp_path, caplog):
    """TTS_CACHE_DIR: reported once, and every call goes on."""
    caplog.set_level(logging.INFO, "agent")
    (tmp_path / "file").touch()
    phrases = cache(tmp_path / "file", "שלום")
    phrases.load()
    assert phrases.make(chain(Voice(ENOUGH)), [].append)
    phrases.keep("voice", "הדירה פנויה.", b"\x33")
    phrases.get("הדירה פנויה.")
    phrases.keep("voice", "אחרת.", b"\x44")
    assert phrases.get("שלום") and phrases.get("הדירה פנויה.")
    phrases.folder.wait()
    assert len(caplog.messages) == 1 and caplog.messages[0].startswith("CACHE_ERR")


# ---- the beep


def test_g2_the_beep():
    """G2: 300 ms, audible."""
    pcm16 = beep()
    assert len(pcm16) == 2 * 8000 * 300 // 1000
    mulaw = pcm16_to_mulaw(pcm16)
    assert all(level_rms(mulaw[i : i + 160]) > 1000 for i in range(0, len(mulaw), 160))


def test_e6_audio_is_kept_by_what_is_spoken():
    """E6: an office that changes a pronunciation does not hear the old one from the cache."""
    said = {"ישן": "חוֹלוֹן", "חדש": "חולון"}
    caches = {
        name: TtsCache(["דירה בחולון"], ["voice"], pronounce=lambda text, to=to: text.replace("חולון", to))
        for name, to in said.items()
    }
    for cache in caches.values():
        voice = Voice(ENOUGH)
        assert cache.make(chain(voice), [].append) and cache.get("דירה בחולון") == pcm16_to_mulaw(ENOUGH)
        assert voice.said == [cache.pronounce("דירה בחולון")]
        assert cache.empty_copy("host").pronounce is cache.pronounce
    caches["ישן"].keep("voice", "בחולון", b"1")
    assert caches["ישן"].get("בחוֹלוֹן") == b"1"  # the same words for a voice
    assert caches["חדש"].get("בחוֹלוֹן") is None
