"""Google Cloud Text-to-Speech, one sentence a request: LINEAR16 at 8 kHz for the telephone.

Google's libraries are imported when the first sentence is spoken, not with this module, and one client
serves the process. Every call goes to the raw stub: it can be cancelled, and nothing retries behind the
caller's back (the client's own retry keeps trying a hung server for minutes).
"""

import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from server.config import load_config
from server.core.frames import SAMPLE_RATE_HZ
from server.engines.base import EngineError, SpeechStream

EFFECTS_PROFILE = "telephony-class-application"
WHOLE_CALL_TIMEOUT_S = 10.0
WARM_TIMEOUT_S = 5.0
FAILED_CLIENT_S = 30.0  # looking for credentials can take seconds: not once for every sentence
PCM_FORMAT = 1  # WAVE_FORMAT_PCM

NO_CREDENTIALS = (
    "no Google credentials: point GOOGLE_APPLICATION_CREDENTIALS at a service account's key file, "
    "or run `gcloud auth application-default login`"
)


class GoogleVoice:
    """A Synthesizer. ``endpoint``: empty is Google's own, ``http://host:port`` is plaintext gRPC."""

    name = "google"

    def __init__(self, voice_name: str, endpoint: str) -> None:
        self._voice_name = voice_name
        self._endpoint = endpoint

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return _GoogleSpeech(self._voice_name, self._endpoint, text, timeout_s)

    def warm(self) -> None:
        """Import, connect and speak one word: what is misconfigured is said at start, not in a call."""
        for _ in self.synthesize("שלום", WARM_TIMEOUT_S):
            pass


class _GoogleSpeech:
    """One sentence; its audio arrives in one piece. ``timeout_s`` bounds the request to Google."""

    def __init__(self, voice_name: str, endpoint: str, text: str, timeout_s: float) -> None:
        self._voice_name = voice_name
        self._endpoint = endpoint
        self._text = text
        self._timeout_s = timeout_s
        self._lock = threading.Lock()  # between ``cancel`` and the start of the request
        self._request: Any = None
        self._cancelled = False

    def __iter__(self) -> Iterator[bytes]:
        client = _client(self._endpoint)  # takes seconds at worst, so not in ``synthesize``
        import grpc

        with self._lock:
            if self._cancelled:
                return
            self._request = client.transport.synthesize_speech.future(
                _request(self._text, self._voice_name), timeout=self._timeout_s
            )
        try:
            audio = bytes(self._request.result().audio_content)
        except grpc.FutureCancelledError:
            return
        except grpc.RpcError as error:
            raise _explained(error, self._voice_name) from error
        yield pcm16_8k_of(audio)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._request is not None:
                self._request.cancel()


def synthesize_pcm16_8k(text: str) -> bytes:
    """PCM16 8 kHz mono of ``text`` by the environment's knobs. Blocks. Raises EngineError, KnobError."""
    config = load_config()
    voice = GoogleVoice(config.google_tts_voice, config.google_tts_endpoint)
    return b"".join(voice.synthesize(text, WHOLE_CALL_TIMEOUT_S))


def pcm16_8k_of(audio: bytes) -> bytes:
    """The samples of a WAV file, found by its chunks; audio without a RIFF header is returned as it is.

    Raises EngineError for a WAV file that is not PCM16 8 kHz mono, or has no samples.
    """
    if audio[:4] != b"RIFF" or audio[8:12] != b"WAVE":
        return audio[: len(audio) // 2 * 2]
    position = 12
    while position + 8 <= len(audio):
        name, size = struct.unpack_from("<4sI", audio, position)
        # A size beyond the end is what a writer leaves that never learned the length: take what is there.
        body = audio[position + 8 : position + 8 + size]
        if name == b"fmt ":
            _check_format(body)
        if name == b"data":
            return body[: len(body) // 2 * 2]
        position += 8 + size + size % 2  # chunks are padded to even lengths
    raise EngineError("the WAV file from Google has no data chunk")


def _check_format(body: bytes) -> None:
    if len(body) < 16:
        raise EngineError("the WAV file from Google has a broken fmt chunk")
    kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if (kind, channels, rate_hz, bits) != (PCM_FORMAT, 1, SAMPLE_RATE_HZ, 16):
        raise EngineError(
            f"Google sent format {kind}, {channels} channels, {rate_hz} Hz, {bits} bits, not PCM16 8 kHz mono"
        )


def _request(text: str, voice_name: str) -> Any:
    from google.cloud import texttospeech_v1 as tts

    return tts.SynthesizeSpeechRequest(
        input=tts.SynthesisInput(text=text),
        # A voice's name begins with its language: he-IL-Wavenet-A.
        voice=tts.VoiceSelectionParams(name=voice_name, language_code="-".join(voice_name.split("-")[:2])),
        audio_config=tts.AudioConfig(
            audio_encoding=tts.AudioEncoding.LINEAR16,
            sample_rate_hertz=SAMPLE_RATE_HZ,
            effects_profile_id=[EFFECTS_PROFILE],
        ),
    )


# ---- one client a process -----------------------------------------------------------------------

_clients: dict[str, Any] = {}
_failures: dict[str, tuple[float, str]] = {}  # endpoint → until when (monotonic), what
_clients_lock = threading.Lock()


def _client(endpoint: str) -> Any:
    """The process's client of ``endpoint``, made on first use. Raises EngineError."""
    with _clients_lock:
        if endpoint not in _clients:
            until, message = _failures.get(endpoint, (0.0, ""))
            if time.monotonic() < until:
                raise EngineError(message)
            try:
                _clients[endpoint] = _make_client(endpoint)
            except EngineError as error:
                _failures[endpoint] = (time.monotonic() + FAILED_CLIENT_S, str(error))
                raise
        return _clients[endpoint]


def _make_client(endpoint: str) -> Any:
    _befriend_gevent()
    try:
        import grpc
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import texttospeech_v1 as tts
    except ImportError as error:
        raise EngineError(f"{error}: install google-cloud-texttospeech (see requirements.txt)") from error
    if endpoint.startswith("http://"):
        channel = grpc.insecure_channel(endpoint.removeprefix("http://").rstrip("/"))
        transport = tts.TextToSpeechClient.get_transport_class("grpc")
        return tts.TextToSpeechClient(transport=transport(channel=channel))
    address = endpoint.removeprefix("https://").rstrip("/")
    try:
        return tts.TextToSpeechClient(client_options={"api_endpoint": address} if address else None)
    except (GoogleAuthError, OSError, ValueError) as error:  # none; unreadable; not a key file
        raise EngineError(f"{NO_CREDENTIALS} ({error})") from error


def _befriend_gevent() -> None:
    """Under a patched process gRPC must be told before it makes anything, or the whole process stops."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        import grpc.experimental.gevent

        grpc.experimental.gevent.init_gevent()


def _explained(error: Any, voice_name: str) -> EngineError:
    """What gRPC reports, as an error that says what to do about it."""
    import grpc

    status = grpc.StatusCode
    code, details = error.code(), error.details() or ""
    if code == status.UNAUTHENTICATED or "metadata from plugin failed" in details:
        return EngineError(f"{NO_CREDENTIALS} ({details})")
    if code == status.PERMISSION_DENIED:
        return EngineError(
            "Google refuses: enable the API (`gcloud services enable texttospeech.googleapis.com`) "
            f"and billing, and let the account use it ({details})"
        )
    if code in (status.INVALID_ARGUMENT, status.NOT_FOUND):
        return EngineError(
            f"Google refuses the request: is GOOGLE_TTS_VOICE={voice_name} one of its voices? ({details})"
        )
    if code == status.DEADLINE_EXCEEDED:
        return EngineError("Google did not answer in time", retryable=True)
    if code == status.RESOURCE_EXHAUSTED:
        return EngineError(
            f"Google's quota is used up: raise it or use another voice ({details})", retryable=True
        )
    retryable = code in (status.UNAVAILABLE, status.INTERNAL, status.ABORTED, status.UNKNOWN)
    return EngineError(f"Google: {code.name} ({details})", retryable=retryable)
