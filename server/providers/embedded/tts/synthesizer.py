"""The embedded voice as an engine, and as a plain function for the simulated caller."""

import time
from collections.abc import Iterator

from server.providers.base import ProviderError, SpeechStream
from server.providers.embedded.tts import espeak
from server.providers.embedded.tts.espeak import EspeakError, VoiceSettings
from server.providers.embedded.tts.lexicon import LexiconError
from server.providers.embedded.tts.phonemes import to_espeak
from server.providers.embedded.tts.pointing import PointingError, point
from server.providers.embedded.tts.reading import Clause, clauses, read_clause
from server.providers.embedded.tts.telephone import to_telephone
from server.runtime.native_calls import run_native

_AGENT = VoiceSettings()
_PAUSE_MS = {",": 120, ".": 280, "!": 280, "?": 280}
_WARM_WORDS = "בדיקה קצרה ומהירה."  # no phrase of the lexicon, so that the model is loaded too


class EmbeddedTts:
    """espeak-ng on our own phonemes. No account, no network; GPL libraries, loaded when first used.

    One voice for all calls; any thread may start a stream.
    """

    name = "embedded"

    def __init__(
        self, variant: str = _AGENT.variant, rate: int = _AGENT.rate, pitch: int = _AGENT.pitch
    ) -> None:
        """As ``VoiceSettings``; ValueError when out of range."""
        self._settings = VoiceSettings(variant, rate, pitch)
        self.identity = f"embedded {variant} {rate} {pitch}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        """Any text; what cannot be said is left out, and a text without words gives no chunk."""
        return _Speech(text, self._settings, timeout_s)

    def warm(self) -> None:
        """Load espeak-ng and the pointing model: about a second. Raises ProviderError."""
        for _ in self.synthesize(_WARM_WORDS, timeout_s=60.0):
            pass


class _Speech:
    """One text being spoken, a chunk a clause. ``timeout_s`` counts our work, not the consumer's."""

    def __init__(self, text: str, settings: VoiceSettings, timeout_s: float) -> None:
        self._text = text
        self._settings = settings
        self._left_s = timeout_s  # the iterating thread's
        self._cancelled = False  # set once, from any thread

    def __iter__(self) -> Iterator[bytes]:
        started = time.monotonic()
        for clause in run_native(clauses, self._text):
            if self._cancelled:
                return
            chunk = self._spoken(clause)
            self._left_s -= time.monotonic() - started
            if self._cancelled:
                return
            if self._left_s < 0:
                raise ProviderError("the embedded voice ran out of time", retryable=True)
            if chunk:
                yield chunk
            started = time.monotonic()

    def cancel(self) -> None:
        self._cancelled = True

    def _spoken(self, clause: Clause) -> bytes:
        try:
            return run_native(_speak_clause, clause, self._settings)
        except (EspeakError, PointingError, LexiconError) as error:
            raise ProviderError(str(error)) from error


def speak_pcm16_8k(
    text: str,
    *,
    variant: str = _AGENT.variant,
    rate: int = _AGENT.rate,
    pitch: int = _AGENT.pitch,
) -> bytes:
    """The whole ``text`` as PCM16 8 kHz mono. Blocks for 20 to 50 ms a sentence. Raises ProviderError."""
    return b"".join(_Speech(text, VoiceSettings(variant, rate, pitch), timeout_s=60.0))


def _speak_clause(clause: Clause, settings: VoiceSettings) -> bytes:
    phonemes = read_clause(clause, point)
    if not phonemes:
        return b""
    pcm16_22k = espeak.speak(f"[[{to_espeak(phonemes)}]]{clause.mark}", settings)
    return to_telephone(pcm16_22k, _PAUSE_MS[clause.mark])
