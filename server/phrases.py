"""Pre-made audio of the fixed lines: greeting, hint, questions, apologies. Made once a process."""

import math
import threading
from collections.abc import Callable, Iterable, Iterator

from server.core.frames import SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.engines.base import EngineError, SpeechStream, Synthesizer

MIN_SPEECH_BYTES = 400  # of PCM16: less than 25 ms is no sentence (G2)
SYNTHESIS_TIMEOUT_S = 10.0
BEEP_HZ = 440
BEEP_MS = 300


class PhraseCache:
    """Line → μ-law. Only the lines named when it is made are kept, so it is bounded. Any thread."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._audio: dict[str, bytes | None] = dict.fromkeys(lines)

    def empty_copy(self) -> "PhraseCache":
        """The same lines, to be made by another voice."""
        return PhraseCache(self._audio)

    def get(self, line: str) -> bytes | None:
        """μ-law 8 kHz of the line, or None while it is not made or not one of ours. Never blocks for long."""
        with self._lock:
            return self._audio.get(line)

    def keep(self, line: str, mulaw_8k: bytes) -> None:
        """Remember a line that was made elsewhere; other texts are not kept."""
        with self._lock:
            if line in self._audio:
                self._audio[line] = mulaw_8k

    def make(self, voices: Iterable[Synthesizer], complain: Callable[[str], None]) -> None:
        """Make what is missing. Blocks for seconds; a line no voice can say stays missing."""
        voices = tuple(voices)
        for line in list(self._audio):
            if self.get(line) is None:
                pcm16 = speak_whole(line, voices, complain)
                if pcm16 is not None:
                    self.keep(line, pcm16_to_mulaw(pcm16))


def speak_whole(text: str, voices: Iterable[Synthesizer], complain: Callable[[str], None]) -> bytes | None:
    """PCM16 8 kHz of ``text`` from the first voice that can; None when none can. Blocks."""
    for voice in voices:
        try:
            pcm16 = b"".join(WholeSamples(voice, text))
        except EngineError as error:
            complain(f"TTS_ERR: {voice.name}: {error}")
            continue
        if len(pcm16) >= MIN_SPEECH_BYTES:
            return pcm16
        complain(f"TTS_ERR: {voice.name}: {len(pcm16)} bytes for {len(text)} characters")
    return None


class WholeSamples:
    """One sentence from ``voice``, every chunk of it an even number of bytes whatever the voice gives."""

    def __init__(self, voice: Synthesizer, text: str) -> None:
        self._voice = voice
        self._text = text
        self._stream: SpeechStream | None = None
        self._cancelled = False

    def __iter__(self) -> Iterator[bytes]:
        """Block for chunks. Raises EngineError, whatever the voice itself raises."""
        try:
            yield from self._chunks()
        except EngineError:
            raise
        except Exception as error:  # an engine's own bug, or a host's, is a failed engine
            raise EngineError(f"{type(error).__name__}: {error}") from error

    def _chunks(self) -> Iterator[bytes]:
        self._stream = stream = self._voice.synthesize(self._text, SYNTHESIS_TIMEOUT_S)
        if self._cancelled:
            stream.cancel()
        odd = b""
        for chunk in stream:
            if not isinstance(chunk, bytes):
                raise EngineError(f"gave {type(chunk).__name__} for audio")
            audio = odd + chunk
            odd = audio[len(audio) // 2 * 2 :]
            if len(audio) > 1:
                yield audio[: len(audio) // 2 * 2]

    def cancel(self) -> None:
        self._cancelled = True
        if self._stream is not None:
            self._stream.cancel()


def beep() -> bytes:
    """PCM16 8 kHz, 300 ms of 440 Hz: what is heard when no voice works. Never silence."""
    samples = SAMPLE_RATE_HZ * BEEP_MS // 1000
    tone = (int(9000 * math.sin(2 * math.pi * BEEP_HZ * n / SAMPLE_RATE_HZ)) for n in range(samples))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in tone)
