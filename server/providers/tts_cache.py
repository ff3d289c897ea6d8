"""Made audio: the fixed lines (greeting, hint, questions, apologies), and sentences that come again."""

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cachetools import LRUCache

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16, pcm16_to_mulaw
from server.hebrew.speak.speakable import speakable
from server.logs.events import log
from server.logs.redaction import Complaint
from server.providers.base import ProviderError, SpeechStream, SpeechThatMayReword, Tts
from server.providers.fallback import FallbackChain, NoneWorked, Try, first_that_works
from server.providers.is_speech import FRAME_PCM16_BYTES, is_noise, is_silent
from server.providers.tts_cache_disk import TtsCacheDisk, audio_key
from server.runtime.process_end import Ending

MIN_SPEECH_BYTES = 400  # of PCM16: less than 25 ms is no sentence (G2)
SYNTHESIS_TIMEOUT_S = 10.0
DEFAULT_MAX_BYTES = 64 << 20  # two hours and a half of sentences
MAX_KNOWN_FILES = 100_000
BEEP_HZ = 440
BEEP_MS = 300


class TtsCache:
    """Sentence → μ-law 8 kHz, for sentences that are said more than once. Any thread.

    The fixed ``lines`` stay; of what else was said the latest ``max_bytes`` do. A sentence is kept under the
    voice that made it and the words it is spoken in (E6); before that comes ``pronounce``, an office's own
    pronunciations. Only what was said again, and is written without numbers, goes to ``folder``.
    """

    def __init__(
        self,
        lines: Iterable[str],
        identities: Iterable[str],
        max_bytes: int = DEFAULT_MAX_BYTES,
        folder: TtsCacheDisk | None = None,
        pronounce: Callable[[str], str] = str,
    ) -> None:
        self._lines = tuple(lines)
        self._identities = tuple(identities)  # of the voices, the best first
        self._max_bytes = max_bytes
        self.folder = folder
        self.pronounce = pronounce
        self._fixed_keys = {self._key(voice, line) for voice in self._identities for line in self._lines}
        self._lock = threading.Lock()  # guards the three below
        self._fixed: dict[str, bytes] = {}
        self._recent: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)
        self._on_disk: LRUCache[str, None] = LRUCache(MAX_KNOWN_FILES)  # keys; one forgotten is written again

    def empty_copy(self, *identities: str) -> "TtsCache":
        """The same lines, to be made by other voices, the best first; nothing of it goes to a disk."""
        return TtsCache(self._lines, identities, self._max_bytes, pronounce=self.pronounce)

    def get(self, text: str, *, best_voice_down: bool = False) -> bytes | None:
        """μ-law 8 kHz of ``text``, or None while it is not made. Never blocks for long.

        What another voice than the best has made is given for fixed lines, and while that one is down.
        """
        for place, identity in enumerate(self._identities):
            key = self._key(identity, text)
            with self._lock:
                audio: bytes | None = self._fixed.get(key)
                if audio is None and (place == 0 or best_voice_down):
                    audio = self._recent.get(key)
            if audio is not None:
                self._said_again(key, text, audio)
                return audio
        return None

    def keep(self, identity: str, text: str, mulaw_8k: bytes) -> None:
        """Remember what a voice has made. Never blocks for long."""
        key = self._key(identity, text)
        self._take(key, mulaw_8k)
        if key in self._fixed_keys:
            self._said_again(key, text, mulaw_8k)

    def load(self) -> None:
        """Take up what the folder has kept. Blocks for a disk.

        Noise and silence that an earlier version took for speech are left there, and written over once the
        sentence is made again.
        """
        for key, audio in self.folder.load(self._fixed_keys) if self.folder is not None else ():
            pcm16 = mulaw_to_pcm16(audio)
            if is_silent(pcm16) or is_noise(pcm16):
                continue
            self._take(key, audio)
            self._on_disk[key] = None

    def make(
        self, tts: FallbackChain[Tts], complain: Callable[[Complaint], None], ending: Ending = lambda: False
    ) -> bool:
        """Make the fixed lines that the best voice has not made; True when none is left. Blocks.

        No further line once ``ending()``.
        """
        for line in self.missing:
            if ending():
                break
            self.make_line(line, tts, complain)
        return self.complete

    def make_line(self, line: str, tts: FallbackChain[Tts], complain: Callable[[Complaint], None]) -> bool:
        """Make one of the fixed lines, unless only a fallback could, and has. Blocks.

        False: no voice could, or the best one was asked in vain, and would be asked again.
        """
        if tts.skips_first and self.get(line) is not None:
            return True
        made = speak_whole(self.pronounce(line), tts, complain)
        if made is None:
            return False
        if not made.reworded:
            self.keep(made.identity, line, pcm16_to_mulaw(made.pcm16_8k))
        return made.identity == self._identities[0] or tts.skips_first

    @property
    def missing(self) -> tuple[str, ...]:
        """The fixed lines that the best voice has not made; the greeting before all others."""
        best = self._identities[0]
        return tuple(line for line in self._lines if self._key(best, line) not in self._fixed)

    @property
    def complete(self) -> bool:
        """The best voice has made every fixed line."""
        return not self.missing

    def _key(self, identity: str, text: str) -> str:
        return audio_key(identity, self.pronounce(text))

    def _said_again(self, key: str, text: str, mulaw_8k: bytes) -> None:
        """Worth a place on the disk, unless there are numbers in it: those may be the caller's own."""
        private = key not in self._fixed_keys and any(map(str.isdigit, text))
        if self.folder is None or private:
            return
        with self._lock:
            known = key in self._on_disk
        if not known and self.folder.save(key, mulaw_8k):
            with self._lock:
                self._on_disk[key] = None

    def _take(self, key: str, mulaw_8k: bytes) -> None:
        with self._lock:
            if key in self._fixed_keys:
                self._fixed[key] = mulaw_8k
            elif len(mulaw_8k) <= self._max_bytes:
                self._recent[key] = mulaw_8k


@dataclass(frozen=True)
class Spoken:
    """One text in one voice."""

    identity: str
    pcm16_8k: bytes
    reworded: bool = False  # in other words: it may do better the next time


def speak_whole(text: str, tts: FallbackChain[Tts], complain: Callable[[Complaint], None]) -> Spoken | None:
    """``text`` from the first voice that can; None when none can. Blocks."""

    def speak(attempt: Try[Tts]) -> Spoken:
        voice = attempt.provider
        sentence = SpokenSentence(voice, text)
        pcm16_8k = b"".join(sentence)
        return Spoken(voice.identity, pcm16_8k, sentence.reworded)

    try:
        return first_that_works(tts, speak, complain=complain)
    except NoneWorked:
        return None


def tts_failed(why: Complaint) -> None:
    """For ``complain``, outside of a call."""
    log.error("TTS_ERR:", cause=why)


class SpokenSentence:
    """One sentence from ``voice``, if it is one: less than 25 ms, or silence, is a failed voice (G2).

    A silent beginning is held back until something can be heard, so that a voice that gives nothing but
    silence has not been played when the next one is asked.
    """

    def __init__(self, voice: Tts, text: str) -> None:
        self._samples = WholeSamples(voice, text)
        self._characters = len(text)

    def __iter__(self) -> Iterator[bytes]:
        """As WholeSamples."""
        made, silent = 0, bytearray()  # bytes; what is held back
        unheard = 0  # of the latter, bytes that are known to be silent
        audible = False
        for pcm16 in self._samples:
            made += len(pcm16)
            if audible:
                yield pcm16
                continue
            silent += pcm16
            whole = len(silent) // FRAME_PCM16_BYTES * FRAME_PCM16_BYTES
            audible = not is_silent(bytes(silent[unheard:whole]))
            unheard = whole
            if audible:
                yield bytes(silent)
        if made < MIN_SPEECH_BYTES:
            raise ProviderError(f"{made} bytes for {self._characters} characters")
        if not audible:
            raise ProviderError(f"{made} bytes of silence for {self._characters} characters")

    def cancel(self) -> None:
        self._samples.cancel()

    @property
    def reworded(self) -> bool:
        """The voice has said other words: it may do better the next time. Valid behind the last chunk."""
        return self._samples.reworded


class WholeSamples:
    """One sentence from ``voice``, in spoken words (E6).

    Every chunk is an even number of bytes, whatever the voice gives.
    """

    def __init__(self, voice: Tts, text: str) -> None:
        self._voice = voice
        self._text = text
        self._stream: SpeechStream | None = None
        self._cancelled = False

    def __iter__(self) -> Iterator[bytes]:
        """Block for chunks. Raises ProviderError, whatever the voice itself raises."""
        try:
            yield from self._chunks()
        except ProviderError:
            raise
        except Exception as error:  # an engine's own bug, or a host's, is a failed engine
            raise ProviderError(f"{type(error).__name__}: {error}") from error

    def _chunks(self) -> Iterator[bytes]:
        self._stream = stream = self._voice.synthesize(speakable(self._text), SYNTHESIS_TIMEOUT_S)
        if self._cancelled:
            stream.cancel()
        odd = b""
        for chunk in stream:
            if not isinstance(chunk, bytes):
                raise ProviderError(f"gave {type(chunk).__name__} for audio")
            audio = odd + chunk
            odd = audio[len(audio) // 2 * 2 :]
            if len(audio) > 1:
                yield audio[: len(audio) // 2 * 2]

    @property
    def reworded(self) -> bool:
        stream = self._stream
        return isinstance(stream, SpeechThatMayReword) and stream.reworded

    def cancel(self) -> None:
        self._cancelled = True
        if self._stream is not None:
            self._stream.cancel()


def beep() -> bytes:
    """PCM16 8 kHz, 300 ms of 440 Hz: what is heard when no voice works. Never silence."""
    samples = SAMPLE_RATE_HZ * BEEP_MS // 1000
    tone = (int(9000 * math.sin(2 * math.pi * BEEP_HZ * n / SAMPLE_RATE_HZ)) for n in range(samples))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in tone)
