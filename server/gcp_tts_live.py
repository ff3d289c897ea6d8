"""Google Cloud Text-to-Speech, one request per sentence: PCM16 at 8 kHz for the telephone.

Chirp HD voices stream: their audio comes while the sentence is still being made. Other voices answer in one
piece, tuned for a telephone's loudspeaker. Google's libraries are imported with the first sentence.
"""

import time
from collections.abc import Iterator
from typing import Any

from server.audio.frames import SAMPLE_RATE_HZ
from server.config import Config, load_config
from server.hebrew.speak.pieces import pieces_of
from server.providers.base import ProviderError, SpeechStream
from server.providers.google.client import TEXT_TO_SPEECH, Address, Connection, connect, explained
from server.providers.wav import SampleReader

TELEPHONE_HZ = range(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ + 1)
EFFECTS_PROFILE = "telephony-class-application"
WHOLE_CALL_TIMEOUT_S = 10.0
WARM_TIMEOUT_S = 5.0
MAX_TEXT_BYTES = 5000  # UTF-8, two bytes per Hebrew letter; Google's limit for a request
# Google also refuses sentences that are "too long" and documents no limit for them (cloud.google.com/
# text-to-speech/quotas gives only the request's). Reported refusals begin at about 300 bytes
# (google-cloud-node issue 4074: 325 with a Neural2 voice; others with Chirp 3).
MAX_SENTENCE_BYTES = 280


class GoogleTts:
    """The TTS provider ``google``. Thread-safe; audio is PCM16 8 kHz mono."""

    name = "google"

    def __init__(self, config: Config) -> None:
        self._voice_name = config.google_tts_voice
        self._address = Address(
            TEXT_TO_SPEECH,
            config.google_tts_endpoint,
            config.google_application_credentials,
            config.google_credentials_json,
        )
        self.identity = f"{self.name} {self._voice_name}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return _GoogleSpeech(self._address, self._voice_name, text, timeout_s)

    def warm(self) -> None:
        """Imports, connects and synthesizes one word, so that a wrong setting shows at start. Blocks.

        Raises ProviderError.
        """
        for _ in self.synthesize("שלום", WARM_TIMEOUT_S):
            pass


class _GoogleSpeech:
    """The audio of one sentence. A long sentence takes several requests, each made while the last one plays.

    ``timeout_s`` bounds all requests together.
    """

    def __init__(self, address: Address, voice_name: str, text: str, timeout_s: float) -> None:
        self._address = address
        self._voice_name = voice_name
        self._text = text
        self._timeout_s = timeout_s
        self._call: Any = None  # set by the reader, read by ``cancel``
        self._cancelled = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = pieces_of(self._text, MAX_SENTENCE_BYTES)
        if any(len(piece.encode()) >= MAX_TEXT_BYTES for piece in pieces):
            raise ProviderError(f"Google speaks less than {MAX_TEXT_BYTES} bytes a request: give it words")
        until = time.monotonic() + self._timeout_s
        connection = connect(self._address)  # may take seconds, therefore not in ``synthesize``
        for piece in pieces:
            if self._cancelled:
                return
            yield from self._spoken(connection, piece, max(until - time.monotonic(), 0))

    def _spoken(self, connection: Connection, piece: str, timeout_s: float) -> Iterator[bytes]:
        import grpc

        # No lock: ``cancel`` either finds the call, or the check after the assignment finds ``_cancelled``.
        # Only Chirp voices can stream; the others answer a stream with an error.
        begin, pieces = (_stream, iter) if "chirp" in self._voice_name.lower() else (_whole, _one_piece)
        self._call = begin(connection, piece, self._voice_name, timeout_s)
        if self._cancelled:
            self._call.cancel()
        reader = SampleReader("Google", SAMPLE_RATE_HZ, TELEPHONE_HZ)
        try:
            for response in pieces(self._call):
                if samples := reader.feed(response.audio_content):
                    yield samples
            if samples := reader.end():
                yield samples
        except (grpc.FutureCancelledError, grpc.RpcError) as error:
            if not self._cancelled:
                raise self._explained(error) from error
        finally:
            self._call.cancel()  # also when the reader is closed early

    def cancel(self) -> None:
        self._cancelled = True
        if self._call is not None:
            self._call.cancel()

    def _explained(self, error: Any) -> ProviderError:
        refused = f"is GOOGLE_TTS_VOICE={self._voice_name} one of its voices?"
        return explained(error.code(), error.details() or "", self._address.service, refused)


def synthesize_pcm16_8k(text: str) -> bytes:
    """PCM16 8 kHz mono of ``text``, with the environment's knobs. Blocks. Raises ProviderError, KnobError."""
    return b"".join(GoogleTts(load_config()).synthesize(text, WHOLE_CALL_TIMEOUT_S))


def pcm16_8k_of(audio: bytes) -> bytes:
    """The samples of a WAV file. Audio without a RIFF header is returned unchanged.

    Raises ProviderError for a WAV file that is not PCM16 8 kHz mono, or has no samples.
    """
    reader = SampleReader("Google", SAMPLE_RATE_HZ, TELEPHONE_HZ)
    return reader.feed(audio) + reader.end()


def _whole(connection: Connection, text: str, voice_name: str, timeout_s: float) -> Any:
    """Starts a call that answers with the whole sentence."""
    from google.cloud import texttospeech_v1 as tts

    request = tts.SynthesizeSpeechRequest(
        input=tts.SynthesisInput(text=text),
        voice=_voice(voice_name),
        audio_config=tts.AudioConfig(
            audio_encoding=tts.AudioEncoding.LINEAR16,
            sample_rate_hertz=SAMPLE_RATE_HZ,
            effects_profile_id=[EFFECTS_PROFILE],
        ),
    )
    return connection.transport.synthesize_speech.future(request, timeout=timeout_s)


def _one_piece(call: Any) -> Iterator[Any]:
    yield call.result()


def _stream(connection: Connection, text: str, voice_name: str, timeout_s: float) -> Any:
    """Starts a call that answers in pieces."""
    from google.cloud import texttospeech_v1 as tts

    # PCM has no header. MULAW would be smaller, but older pages of Google's do not list it for streams.
    audio = tts.StreamingAudioConfig(audio_encoding=tts.AudioEncoding.PCM, sample_rate_hertz=SAMPLE_RATE_HZ)
    config = tts.StreamingSynthesizeConfig(voice=_voice(voice_name), streaming_audio_config=audio)
    requests = (
        tts.StreamingSynthesizeRequest(streaming_config=config),
        tts.StreamingSynthesizeRequest(input=tts.StreamingSynthesisInput(text=text)),
    )
    return connection.transport.streaming_synthesize(iter(requests), timeout=timeout_s)


def _voice(name: str) -> Any:
    from google.cloud import texttospeech_v1 as tts

    # The name of a voice begins with its language: he-IL-Wavenet-A.
    return tts.VoiceSelectionParams(name=name, language_code="-".join(name.split("-")[:2]))
