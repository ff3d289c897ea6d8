"""Requests and results of the Speech API, versions 1 and 2."""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from server.audio.frames import SAMPLE_RATE_HZ
from server.config import Config
from server.providers.base import ProviderError
from server.providers.google.client import SPEECH_V1, SPEECH_V2, Address, Connection


@dataclass(frozen=True)
class Variant:
    """One way to phrase a request. When Google refuses one, the next is tried."""

    language: str
    hints: tuple[str, ...]


class Dialect(Protocol):
    """Requests of one API version. Google's library must be importable when they are made."""

    address: Address
    model: str

    def opening(self, connection: Connection, variant: Variant) -> Any:
        """A stream's first request. Raises ProviderError."""
        ...

    def audio(self, mulaw_8k: bytes) -> Any:
        """Any later request of a stream, with audio."""
        ...

    def whole(self, connection: Connection, variant: Variant, mulaw_8k: bytes) -> Any:
        """The request for a finished utterance. Raises ProviderError."""
        ...

    def routing(self, connection: Connection) -> tuple[tuple[str, str], ...]:
        """The metadata to send with ``whole``."""
        ...

    def end_s(self, result: Any) -> float | None:
        """The end of a streaming result in seconds of the stream's audio; None if Google does not give it."""
        ...


def dialect_of(config: Config) -> Dialect:
    return V1(config) if config.google_speech_api == "v1" else V2(config)


class V1:
    def __init__(self, config: Config) -> None:
        self.address = Address(
            SPEECH_V1,
            config.google_speech_endpoint,
            config.google_application_credentials,
            config.google_credentials_json,
        )
        self.model = config.google_speech_model or "command_and_search"

    def opening(self, connection: Connection, variant: Variant) -> Any:
        from google.cloud import speech_v1 as speech

        streaming = speech.StreamingRecognitionConfig(config=self._config(variant), interim_results=True)
        return speech.StreamingRecognizeRequest(streaming_config=streaming)

    def audio(self, mulaw_8k: bytes) -> Any:
        from google.cloud import speech_v1 as speech

        return speech.StreamingRecognizeRequest(audio_content=mulaw_8k)

    def whole(self, connection: Connection, variant: Variant, mulaw_8k: bytes) -> Any:
        from google.cloud import speech_v1 as speech

        audio = speech.RecognitionAudio(content=mulaw_8k)
        return speech.RecognizeRequest(config=self._config(variant), audio=audio)

    def routing(self, connection: Connection) -> tuple[tuple[str, str], ...]:
        return ()

    def end_s(self, result: Any) -> float | None:
        return result.result_end_time.total_seconds() if "result_end_time" in result else None

    def _config(self, variant: Variant) -> Any:
        from google.cloud import speech_v1 as speech

        contexts = [speech.SpeechContext(phrases=variant.hints)] if variant.hints else []
        return speech.RecognitionConfig(
            encoding=speech.RecognitionConfig.AudioEncoding.MULAW,
            sample_rate_hertz=SAMPLE_RATE_HZ,
            language_code=variant.language,
            model=self.model,
            speech_contexts=contexts,
        )


class V2:
    def __init__(self, config: Config) -> None:
        self._location = config.google_speech_location
        self._project = config.google_cloud_project
        regional = "" if self._location == "global" else f"https://{self._location}-{SPEECH_V2.api}"
        self.address = Address(
            SPEECH_V2,
            config.google_speech_endpoint or regional,
            config.google_application_credentials,
            config.google_credentials_json,
        )
        self.model = config.google_speech_model or "chirp_3"

    def opening(self, connection: Connection, variant: Variant) -> Any:
        from google.cloud import speech_v2 as speech

        streaming = speech.StreamingRecognitionConfig(
            config=self._config(variant),
            streaming_features=speech.StreamingRecognitionFeatures(interim_results=True),
        )
        return speech.StreamingRecognizeRequest(
            recognizer=self._recognizer(connection), streaming_config=streaming
        )

    def audio(self, mulaw_8k: bytes) -> Any:
        from google.cloud import speech_v2 as speech

        return speech.StreamingRecognizeRequest(audio=mulaw_8k)

    def whole(self, connection: Connection, variant: Variant, mulaw_8k: bytes) -> Any:
        from google.cloud import speech_v2 as speech

        return speech.RecognizeRequest(
            recognizer=self._recognizer(connection), config=self._config(variant), content=mulaw_8k
        )

    def routing(self, connection: Connection) -> tuple[tuple[str, str], ...]:
        # Google's own client adds this header to every request that names a resource, except to streams.
        return (("x-goog-request-params", f"recognizer={quote(self._recognizer(connection))}"),)

    def end_s(self, result: Any) -> float | None:
        return result.result_end_offset.total_seconds() if "result_end_offset" in result else None

    def _recognizer(self, connection: Connection) -> str:
        project = self._project or connection.project
        if not project:
            raise ProviderError("GOOGLE_CLOUD_PROJECT is empty, and the credentials name no project")
        return f"projects/{project}/locations/{self._location}/recognizers/_"

    def _config(self, variant: Variant) -> Any:
        from google.cloud import speech_v2 as speech

        phrases = [speech.PhraseSet.Phrase(value=hint) for hint in variant.hints]
        hints = speech.SpeechAdaptation.AdaptationPhraseSet(
            inline_phrase_set=speech.PhraseSet(phrases=phrases)
        )
        return speech.RecognitionConfig(
            explicit_decoding_config=speech.ExplicitDecodingConfig(
                encoding=speech.ExplicitDecodingConfig.AudioEncoding.MULAW,
                sample_rate_hertz=SAMPLE_RATE_HZ,
                audio_channel_count=1,
            ),
            model=self.model,
            language_codes=[variant.language],
            adaptation=speech.SpeechAdaptation(phrase_sets=[hints]) if phrases else None,
        )
