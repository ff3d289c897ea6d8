"""Google's cloud on a loopback port: Speech v1 and v2, and Text-to-Speech, over plaintext gRPC.

They are as strict as Google's documentation: the first request of a stream is its configuration and nothing
else, audio is μ-law 8 kHz in bounded requests, streams of synthesis are for Chirp voices only.
Everything runs on threads of its own; the process must not be patched by gevent.
"""

import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud import speech_v1, speech_v2
from google.cloud import texttospeech_v1 as tts

from tests.cloud.watch import Exchange, Fault, Watch

THREADS = 80  # a stream holds one as long as it lasts; 64 at once and some to spare
POLL_S = 0.05  # how soon what hangs notices ``Watch.released``
MAX_AUDIO_BYTES = 15_000  # of a streaming request; pages say 25 KB, the v2 reference 15
INTERIM_BYTES = 2400  # of audio received, from one interim result to the next: 300 ms
DEFAULT_LINE = "שלום אני מחפש דירה בתל אביב"
FOREIGN_LINE = "hello I am looking for a flat"
PCM_CHUNK_BYTES = 3200  # 200 ms
CHAR_BYTES = 960  # 60 ms

Code = grpc.StatusCode
FAILS_AT_ONCE = {
    Fault.TOO_MANY: Code.RESOURCE_EXHAUSTED,
    Fault.UNAVAILABLE: Code.UNAVAILABLE,
    Fault.REFUSED: Code.UNAVAILABLE,
}
GARBAGE = b"\xff\xff\xff\xff this is no protocol buffer"


def or_garbage(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """A serializer that lets bytes through as they are: what Fault.GARBAGE sends."""
    return lambda response: response if isinstance(response, bytes) else serialize(response)


@dataclass
class SpeechAsked:
    """``Exchange.request`` of SpeechCloud. ``config``: the version's RecognitionConfig."""

    api: str  # "v1" or "v2"
    method: str  # "StreamingRecognize" or "Recognize"
    config: Any
    language: str
    hints: list[str]
    recognizer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    audio: bytearray = field(default_factory=bytearray)
    request_bytes: list[int] = field(default_factory=list)  # audio of each request
    half_closed: bool = False


@dataclass
class VoiceAsked:
    """``Exchange.request`` of VoiceCloud. ``config``: AudioConfig or StreamingAudioConfig."""

    method: str
    text: str
    voice: Any
    config: Any


class _Served:
    """One request while it is answered: counts what is sent, and knows when the client has gone."""

    def __init__(self, exchange: Exchange, watch: Watch, context: grpc.ServicerContext) -> None:
        self._exchange = exchange
        self._watch = watch
        self._context = context
        self._over = False  # by us
        self._gone = threading.Event()
        if not context.add_callback(self._terminated):
            self._terminated()

    def _terminated(self) -> None:
        if not self._over:
            self._exchange.dropped_at = time.time()
        self._gone.set()

    @property
    def fault(self) -> Fault:
        return self._exchange.fault

    def end(self) -> None:
        """What ends the call from now on is not the client."""
        self._over = True

    def fail(self, code: Any, details: str) -> None:
        """Ends the call; raises."""
        self.end()
        self._context.abort(code, details)

    def pause(self, seconds: float) -> None:
        self._gone.wait(seconds)

    def hang(self) -> None:
        """Until the client goes away or the cloud is let go."""
        while not self._gone.wait(POLL_S) and not self._watch.released.is_set():
            pass
        self.fail(Code.UNAVAILABLE, "was hung")

    def begin(self) -> None:
        """What fails before anything was done."""
        if self.fault in FAILS_AT_ONCE:
            self.fail(FAILS_AT_ONCE[self.fault], self.fault.value)
        if self.fault is Fault.HUNG_BEFORE_HEADERS:
            self.hang()

    def think(self) -> None:
        """From when the answer can be known to its first item."""
        slow = self.fault is Fault.SLOW
        self.pause(self._watch.delays.slow_s if slow else self._watch.delays.first_s)

    def send(self, items: Iterator[Any]) -> Iterator[Any]:
        """Items as they are sent, with what fails after the first."""
        for item in items:
            if self.fault is Fault.GARBAGE:
                yield GARBAGE
                return  # gRPC's client gives up on it and does not tell us: the call would stay open
            yield item
            self.answer()

    def answer(self) -> None:
        """Account for an item, and do what fails then; an answer in one piece fails in its place."""
        if self.fault is Fault.HUNG_MID_STREAM:
            self.hang()
        if self.fault is Fault.CUT_MID_STREAM:
            self.fail(Code.UNAVAILABLE, "cut")
        self._exchange.sent += 1


class _Cloud:
    """A gRPC server on a port of its own, listening from the start."""

    def __init__(self, port: int) -> None:
        self.watch = Watch()
        self._peers: set[str] = set()
        # With SO_REUSEPORT two clouds could share a port and its calls unnoticed.
        options = (("grpc.so_reuseport", 0),)
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=options)
        bound = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.endpoint = f"http://127.0.0.1:{bound}"

    def serve(self, service: str, methods: dict[str, Any]) -> None:
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self.watch.released.set()
        self._server.stop(None).wait(5)

    @contextmanager
    def served(self, request: Any, context: grpc.ServicerContext) -> Iterator[_Served]:
        self._peers.add(context.peer())
        self.watch.connections = len(self._peers)
        with self.watch.exchange(request) as exchange:
            served = _Served(exchange, self.watch, context)
            yield served
            served.end()


class _Service:
    """What its two services share. A subclass adds its methods to the server, and starts it."""

    def __init__(self, port: int) -> None:
        self._cloud = _Cloud(port)
        self.watch = self._cloud.watch
        self.endpoint = self._cloud.endpoint

    def stop(self) -> None:
        self._cloud.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class SpeechCloud(_Service):
    """google.cloud.speech.v1.Speech and google.cloud.speech.v2.Speech.

    Settings may be changed between requests. ``hears`` is given all audio of a request, and for interim
    results what came so far; a list is several finals.
    """

    def __init__(self, hears: Callable[[bytes], str | list[str]] | None = None, port: int = 0) -> None:
        super().__init__(port)
        self.hears: Callable[[bytes], str | list[str]] = hears or (lambda mulaw_8k: DEFAULT_LINE)
        self.confidence = 0.9
        self.refuses: set[str] = set()  # language codes
        self.refuses_hints = False
        self.ends_early_s: float | None = None  # a stream ends by itself after so much audio,
        self.settles_s: float | None = None  # its finals reaching to here (None: to its end; 0: no finals),
        self.ends_with = Code.OK  # with this code,
        self.ends_early = 0  # so many times
        self.error_in_band = False  # ``ends_with`` is a response of v1 instead
        self._lock = threading.Lock()
        for api, types in (("v1", speech_v1), ("v2", speech_v2)):
            self._cloud.serve(f"google.cloud.speech.{api}.Speech", self._methods(api, types))
        self._cloud.start()

    def _methods(self, api: str, types: Any) -> dict[str, Any]:
        def streaming(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            return self._stream(api, types, requests, context)

        def whole(request: Any, context: grpc.ServicerContext) -> Any:
            return self._whole(api, types, request, context)

        return {
            "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
                streaming,
                request_deserializer=types.StreamingRecognizeRequest.deserialize,
                response_serializer=or_garbage(types.StreamingRecognizeResponse.serialize),
            ),
            "Recognize": grpc.unary_unary_rpc_method_handler(
                whole,
                request_deserializer=types.RecognizeRequest.deserialize,
                response_serializer=or_garbage(types.RecognizeResponse.serialize),
            ),
        }

    # ---- streams ----

    def _stream(
        self, api: str, types: Any, requests: Iterator[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        first = next(requests, None)
        if first is None or not first.streaming_config or audio_of(first):
            context.abort(Code.INVALID_ARGUMENT, "the first request must be the configuration alone")
        asked = asked_for(api, "StreamingRecognize", first.streaming_config.config, first, context)
        with self._cloud.served(asked, context) as served:
            self._check(asked, served)
            served.begin()
            yield from served.send(self._results(types, asked, requests, served))

    def _results(
        self, types: Any, asked: SpeechAsked, requests: Iterator[Any], served: _Served
    ) -> Iterator[Any]:
        interim = 0
        for request in requests:
            audio = audio_of(request)
            if not audio or len(audio) > MAX_AUDIO_BYTES or request.streaming_config:
                served.fail(Code.INVALID_ARGUMENT, f"a request of audio with {len(audio)} bytes")
            asked.audio += audio
            asked.request_bytes.append(len(audio))
            if self._early_end(asked):
                yield from self._end_early(types, asked, served)
                return
            while (interim + 1) * INTERIM_BYTES <= len(asked.audio):
                interim += 1
                if guess := self._guess(asked, served.fault, interim):
                    yield self._response(types, asked, guess, served.fault, final=False)
        asked.half_closed = True
        served.think()
        yield from self._finals(types, asked, served)

    def _guess(self, asked: SpeechAsked, fault: Fault, words: int) -> str:
        return " ".join(" ".join(self._lines(asked, fault)).split()[:words])

    def _finals(
        self, types: Any, asked: SpeechAsked, served: _Served, end_s: float | None = None
    ) -> Iterator[Any]:
        end_s = len(asked.audio) / 8000 if end_s is None else end_s
        lines = self._lines(asked, served.fault)
        for number, line in enumerate(lines, 1):
            if number > 1:
                served.pause(self.watch.delays.between_s)
            at_s = end_s * number / len(lines)
            yield self._response(types, asked, line, served.fault, final=True, end_s=at_s)

    def _lines(self, asked: SpeechAsked, fault: Fault) -> list[str]:
        if fault is Fault.EMPTY:
            return []
        if fault is Fault.WRONG_LANGUAGE:
            return [FOREIGN_LINE]
        heard = self.hears(bytes(asked.audio))
        lines = [heard] if isinstance(heard, str) else heard
        if fault is Fault.SEVERAL_FINALS:
            words = " ".join(lines).split()
            lines = [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]
        return [line for line in lines if line]

    def _early_end(self, asked: SpeechAsked) -> bool:
        if self.ends_early_s is None or len(asked.audio) < self.ends_early_s * 8000:
            return False
        with self._lock:
            if not self.ends_early:
                return False
            self.ends_early -= 1
            return True

    def _end_early(self, types: Any, asked: SpeechAsked, served: _Served) -> Iterator[Any]:
        if self.settles_s != 0:
            yield from self._finals(types, asked, served, self.settles_s)
        if self.error_in_band:
            error = {"code": self.ends_with.value[0], "message": "ended by the service"}
            yield types.StreamingRecognizeResponse(error=error)
        elif self.ends_with is not Code.OK:
            served.fail(self.ends_with, "ended by the service")

    def _response(
        self,
        types: Any,
        asked: SpeechAsked,
        text: str,
        fault: Fault,
        *,
        final: bool,
        end_s: float | None = None,
    ) -> Any:
        # Google gives the words it is sure of and the newest ones as two results.
        sure, _, newest = ("", "", text) if final else text.rpartition(" ")
        end = timedelta(seconds=len(asked.audio) / 8000 if end_s is None else end_s)
        results = [
            types.StreamingRecognitionResult(
                alternatives=[{"transcript": part, "confidence": self._confidence(fault) if final else 0}],
                is_final=final,
                language_code=language_of(asked, fault),
                **{"result_end_time" if asked.api == "v1" else "result_end_offset": end},
            )
            for part in (sure, " " + newest if sure else newest)
            if part
        ]
        return types.StreamingRecognizeResponse(results=results)

    def _confidence(self, fault: Fault) -> float:
        return 0.1 if fault is Fault.LOW_CONFIDENCE else self.confidence

    # ---- utterances that are over ----

    def _whole(self, api: str, types: Any, request: Any, context: grpc.ServicerContext) -> Any:
        asked = asked_for(api, "Recognize", request.config, request, context)
        asked.audio += request.audio.content if api == "v1" else request.content
        with self._cloud.served(asked, context) as served:
            self._check(asked, served)
            if len(asked.audio) > 60 * 8000:
                served.fail(Code.INVALID_ARGUMENT, "Inline audio exceeds duration limit of 60 s")
            served.begin()
            served.think()
            served.answer()
            if served.fault is Fault.GARBAGE:
                return GARBAGE
            results = [
                types.SpeechRecognitionResult(
                    alternatives=[{"transcript": line, "confidence": self._confidence(served.fault)}],
                    language_code=language_of(asked, served.fault),
                )
                for line in self._lines(asked, served.fault)
            ]
            return types.RecognizeResponse(results=results)

    def _check(self, asked: SpeechAsked, served: _Served) -> None:
        if asked.language in self.refuses:
            served.fail(Code.INVALID_ARGUMENT, f"the model does not support the language {asked.language}")
        if asked.hints and self.refuses_hints:
            served.fail(Code.INVALID_ARGUMENT, "the model does not support adaptation")
        decoding = asked.config if asked.api == "v1" else asked.config.explicit_decoding_config
        if decoding.encoding.name != "MULAW" or decoding.sample_rate_hertz != 8000:
            served.fail(Code.INVALID_ARGUMENT, f"{decoding.encoding.name} {decoding.sample_rate_hertz} Hz")
        parts = asked.recognizer.split("/")
        if asked.api == "v2" and (parts[::2] != ["projects", "locations", "recognizers"] or "" in parts):
            served.fail(Code.INVALID_ARGUMENT, f"no recognizer is called {asked.recognizer}")


def audio_of(request: Any) -> bytes:
    """The audio of a streaming request of either version."""
    content = (
        request.audio_content if isinstance(request, speech_v1.StreamingRecognizeRequest) else request.audio
    )
    return bytes(content)


def asked_for(api: str, method: str, config: Any, request: Any, context: grpc.ServicerContext) -> SpeechAsked:
    if api == "v1":
        language = config.language_code
        hints = [phrase for speech_context in config.speech_contexts for phrase in speech_context.phrases]
    else:
        language = config.language_codes[0] if config.language_codes else ""
        sets = config.adaptation.phrase_sets
        hints = [phrase.value for each in sets for phrase in each.inline_phrase_set.phrases]
    metadata = {pair.key: pair.value for pair in context.invocation_metadata()}
    return SpeechAsked(api, method, config, language, hints, getattr(request, "recognizer", ""), metadata)


def language_of(asked: SpeechAsked, fault: Fault) -> str:
    return "en-us" if fault is Fault.WRONG_LANGUAGE else asked.language.lower()


def tone(text: str) -> bytes:
    """PCM16 8 kHz: 60 ms of 500 Hz a character."""
    wave = [0, 3000, 5200, 6000, 5200, 3000, 0, -3000, -5200, -6000, -5200, -3000, 0, 1500, 0, -1500]
    period = struct.pack(f"<{len(wave)}h", *wave)
    return period * (CHAR_BYTES * len(text) // len(period))


def wav_header(size: int) -> bytes:
    """Of PCM16 8 kHz mono with ``size`` bytes of samples."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVE" + form + struct.pack("<4sI", b"data", size)


class VoiceCloud(_Service):
    """google.cloud.texttospeech.v1.TextToSpeech. ``says``: text to PCM16 8 kHz.

    LINEAR16 in one piece always comes with a WAV header, as Google's does; Fault.WAV_HEADER puts one before
    the samples of a stream too.
    """

    def __init__(self, says: Callable[[str], bytes] = tone, port: int = 0) -> None:
        super().__init__(port)
        self.says = says
        self.refuses: set[str] = set()  # names of voices
        self.chunk_bytes = PCM_CHUNK_BYTES  # of a stream's responses
        methods = {
            "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(
                self._whole,
                request_deserializer=tts.SynthesizeSpeechRequest.deserialize,
                response_serializer=or_garbage(tts.SynthesizeSpeechResponse.serialize),
            ),
            "StreamingSynthesize": grpc.stream_stream_rpc_method_handler(
                self._stream,
                request_deserializer=tts.StreamingSynthesizeRequest.deserialize,
                response_serializer=or_garbage(tts.StreamingSynthesizeResponse.serialize),
            ),
        }
        self._cloud.serve("google.cloud.texttospeech.v1.TextToSpeech", methods)
        self._cloud.start()

    def _whole(self, request: Any, context: grpc.ServicerContext) -> Any:
        asked = VoiceAsked("SynthesizeSpeech", request.input.text, request.voice, request.audio_config)
        with self._cloud.served(asked, context) as served:
            self._check(asked, tts.AudioEncoding.LINEAR16, served)
            served.begin()
            served.think()
            served.answer()
            if served.fault is Fault.GARBAGE:
                return GARBAGE
            samples = b"" if served.fault is Fault.EMPTY else self.says(asked.text)
            return tts.SynthesizeSpeechResponse(audio_content=samples and wav_header(len(samples)) + samples)

    def _stream(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        first = next(requests, None)
        if first is None or not first.streaming_config:
            context.abort(Code.INVALID_ARGUMENT, "the first request must be the configuration")
        config = first.streaming_config
        text = "".join(request.input.text for request in requests)
        asked = VoiceAsked("StreamingSynthesize", text, config.voice, config.streaming_audio_config)
        with self._cloud.served(asked, context) as served:
            self._check(asked, tts.AudioEncoding.PCM, served)
            if "Chirp" not in asked.voice.name:
                served.fail(Code.INVALID_ARGUMENT, f"{asked.voice.name} has no streaming synthesis")
            served.begin()
            served.think()
            yield from served.send(self._chunks(asked, served))

    def _chunks(self, asked: VoiceAsked, served: _Served) -> Iterator[Any]:
        audio = b"" if served.fault is Fault.EMPTY else self.says(asked.text)
        if served.fault is Fault.WAV_HEADER:
            audio = wav_header(len(audio)) + audio
        for start in range(0, len(audio), self.chunk_bytes):
            if start:
                served.pause(self.watch.delays.between_s)
            yield tts.StreamingSynthesizeResponse(audio_content=audio[start : start + self.chunk_bytes])

    def _check(self, asked: VoiceAsked, encoding: Any, served: _Served) -> None:
        if asked.config.audio_encoding != encoding or asked.config.sample_rate_hertz != 8000:
            served.fail(Code.INVALID_ARGUMENT, f"{asked.config.audio_encoding} is not what a telephone plays")
        if len(asked.text.encode()) >= 5000:
            served.fail(Code.INVALID_ARGUMENT, "the input is longer than the limit of 5000 bytes")
        if asked.voice.name in self.refuses or not asked.voice.name.startswith(asked.voice.language_code):
            served.fail(
                Code.INVALID_ARGUMENT, f"{asked.voice.name} is no voice of {asked.voice.language_code}"
            )
