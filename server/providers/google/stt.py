"""Google Cloud Speech-to-Text: one streaming recognition per utterance, or several in sequence.

Google ends streams on its own terms (no audio for a while, five minutes, a server shutdown), and refuses a
language code or hints only after audio has been sent. Therefore audio is kept until its transcript is final,
and the next stream begins there.
"""

import time
from collections.abc import Generator, Iterator

from server.audio.frames import MULAW_SILENCE, SAMPLE_RATE_HZ
from server.config import Config
from server.providers.base import ProviderError, Recognition, Transcript
from server.providers.google.api_versions import Dialect, Variant, dialect_of
from server.providers.google.client import Connection, connect, explained
from server.providers.google.request_variants import Variants
from server.providers.google.streaming import Ended, StreamingCall, StreamLimits, transcript_of
from server.providers.streaming.utterance_audio import UtteranceAudio
from server.turns.effects import Expected

WARM_TIMEOUT_S = 5.0
WARM_AUDIO = MULAW_SILENCE * (SAMPLE_RATE_HZ // 5)
MAX_WHOLE_S = 60  # Google's limit for one request; longer audio must be streamed


class GoogleStt:
    """An Stt that also RecognizesWhole. ``limits``: shorter ones for tests."""

    name = "google"
    guesses = True

    def __init__(self, config: Config, *, limits: StreamLimits | None = None) -> None:
        self._dialect = dialect_of(config)
        self._variants = Variants(config.google_speech_language, config.asr_phrases_file)
        self._limits = limits or StreamLimits()

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> Recognition:
        return _GoogleRecognition(self._dialect, self._variants, expected, timeout_s, self._limits)

    def recognize(self, mulaw_8k: bytes, expected: Expected, timeout_s: float) -> Transcript:
        """See RecognizesWhole. ``timeout_s`` bounds all attempts together; the audio is at most a minute."""
        if len(mulaw_8k) > MAX_WHOLE_S * SAMPLE_RATE_HZ:
            seconds = len(mulaw_8k) // SAMPLE_RATE_HZ
            raise ProviderError(f"{seconds} s of audio: Google takes {MAX_WHOLE_S} s in one request")
        deadline = time.monotonic() + timeout_s
        connection = connect(self._dialect.address)
        refused: list[Variant] = []
        for variant in self._variants.to_ask_with(expected):
            response = self._ask(connection, variant, mulaw_8k, deadline - time.monotonic())
            if isinstance(response, Ended):
                refusal = response
                refused.append(variant)
                continue
            self._variants.worked(variant, refused)
            return response
        raise explanation(refusal, self._dialect)

    def _ask(
        self, connection: Connection, variant: Variant, mulaw_8k: bytes, timeout_s: float
    ) -> Transcript | Ended:
        """The transcript, or how Google refused ``variant``. Raises ProviderError."""
        import grpc

        request = self._dialect.whole(connection, variant, mulaw_8k)
        try:
            response = connection.transport.recognize(
                request, timeout=timeout_s, metadata=self._dialect.routing(connection)
            )
        except grpc.RpcError as error:
            ended = Ended(error.code(), error.details() or "")
            if ended.code == grpc.StatusCode.INVALID_ARGUMENT:
                return ended
            raise explanation(ended, self._dialect) from error
        heard = [transcript_of(result) for result in response.results if result.alternatives]
        sure = [part.confidence for part in heard if part.confidence is not None]
        return Transcript(" ".join(part.text for part in heard).strip(), min(sure, default=None))

    def warm(self) -> None:
        """Imports, connects and recognises 0.2 s of silence to find the variant Google accepts. Blocks.

        Raises ProviderError.
        """
        recognition = self.start(Expected(), 0, WARM_TIMEOUT_S)
        recognition.feed(WARM_AUDIO)
        recognition.finish()
        for _ in recognition:
            pass
        self._variants.check_file()


class _GoogleRecognition:
    def __init__(
        self, dialect: Dialect, variants: Variants, expected: Expected, timeout_s: float, limits: StreamLimits
    ) -> None:
        self._dialect = dialect
        self._variants = variants
        self._expected = expected
        self._deadline = time.monotonic() + timeout_s
        self._limits = limits
        self._audio = UtteranceAudio()
        self._call: StreamingCall | None = None  # set by the reader, read by ``cancel``
        self._cancelled = False

    def feed(self, mulaw_8k: bytes) -> None:
        self._audio.feed(mulaw_8k)

    def finish(self) -> None:
        self._audio.finish()

    def cancel(self) -> None:
        # No lock: either ``cancel`` finds the call, or the reader finds ``_cancelled`` after making it.
        self._cancelled = True
        call = self._call
        if call is not None:
            call.stop()

    def __iter__(self) -> Iterator[Transcript]:
        try:
            yield from self._recognized()
        except ProviderError:
            if not self._cancelled:
                raise

    def _recognized(self) -> Iterator[Transcript]:
        connection = connect(self._dialect.address)  # may take seconds, therefore not in ``open``
        untried = self._variants.to_ask_with(self._expected)
        refused: list[Variant] = []
        position = 0
        while not self._cancelled:
            call = StreamingCall(self._dialect, self._audio, position, self._limits)
            ended = yield from self._read(call, connection, untried[0], refused)
            if self._cancelled or call.heard_all(ended):
                return
            if call.refused(ended) and len(untried) > 1:
                refused.append(untried.pop(0))
                continue
            resume_position = call.resume_position(ended)
            if resume_position is None:
                raise explanation(ended, self._dialect)
            position = resume_position

    def _read(
        self, call: StreamingCall, connection: Connection, variant: Variant, refused: list[Variant]
    ) -> Generator[Transcript, None, Ended]:
        self._call = call
        if self._cancelled:
            call.stop()
        try:
            ended = yield from call.read(connection, variant, self._deadline - time.monotonic())
        finally:
            call.stop()  # also when the reader is closed early
        if call.answered or call.heard_all(ended):
            self._variants.worked(variant, refused)
        return ended


def explanation(ended: Ended, dialect: Dialect) -> ProviderError:
    """The error for a call that ended this way, with its remedy."""
    import grpc

    if ended.code == grpc.StatusCode.OK:
        return ProviderError("Google ended the stream without having heard anything", retryable=True)
    return explained(
        ended.code,
        ended.details,
        dialect.address.service,
        f"does GOOGLE_SPEECH_MODEL={dialect.model} know GOOGLE_SPEECH_LANGUAGE there?",
    )
