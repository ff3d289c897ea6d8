"""The embedded voice as a TTS provider, and as a plain function for the simulated caller."""

import time
from collections.abc import Iterator

from server.providers.base import ProviderError, SpeechStream
from server.providers.embedded.tts import espeak
from server.providers.embedded.tts.espeak import EspeakError, VoiceSettings
from server.providers.embedded.tts.lexicon import LexiconError
from server.providers.embedded.tts.phonemes import to_espeak
from server.providers.embedded.tts.pointing import PointingError, point
from server.providers.embedded.tts.reading import Clause, clauses, read_clause
from server.runtime.native_calls import run_native

_AGENT = VoiceSettings()
_PAUSE_MS = {",": 120, ".": 280, "!": 280, "?": 280}
_WARM_WORDS = "בדיקה קצרה ומהירה."  # not in the lexicon, so that the pointing model is loaded too


class EmbeddedTts:
    """espeak-ng with Hebrew phonemes made here. No account, no network; loads GPL libraries on first use.

    One voice for all calls. Any thread.
    """

    name = "embedded"

    def __init__(
        self, variant: str = _AGENT.variant, rate: int = _AGENT.rate, pitch: int = _AGENT.pitch
    ) -> None:
        """See ``VoiceSettings``. Raises ValueError for a value out of range."""
        self._settings = VoiceSettings(variant, rate, pitch)
        self.identity = f"embedded {variant} {rate} {pitch}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        """Any text: signs that cannot be spoken are dropped; without words there is no chunk."""
        return _Speech(text, self._settings, timeout_s)

    def warm(self) -> None:
        """Loads espeak-ng and the pointing model. Blocks for about a second. Raises ProviderError."""
        for _ in self.synthesize(_WARM_WORDS, timeout_s=60.0):
            pass


class _Speech:
    """The audio of one text, a chunk per clause. ``timeout_s`` counts synthesis only, not the consumer."""

    def __init__(self, text: str, settings: VoiceSettings, timeout_s: float) -> None:
        self._text = text
        self._settings = settings
        self._left_s = timeout_s  # used by the iterating thread
        self._cancelled = False  # any thread may set it

    def __iter__(self) -> Iterator[bytes]:
        import server.providers.embedded.tts.telephone  # noqa: F401  # not on a native thread

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
    """``text`` as PCM16 8 kHz mono. Blocks for 20 to 50 ms a sentence. Raises ProviderError."""
    return b"".join(_Speech(text, VoiceSettings(variant, rate, pitch), timeout_s=60.0))


def _speak_clause(clause: Clause, settings: VoiceSettings) -> bytes:
    from server.providers.embedded.tts.telephone import to_telephone  # numpy: behind the server's start

    phonemes = read_clause(clause, point)
    if not phonemes:
        return b""
    pcm16_22k = espeak.speak(f"[[{to_espeak(phonemes)}]]{clause.mark}", settings)
    return to_telephone(pcm16_22k, _PAUSE_MS[clause.mark])
