"""A host's own three functions as providers: ``bytes → str``, ``str → Answer``, ``str → bytes``.

They block and cannot be cancelled: what they return too late is dropped.
"""

from collections.abc import Callable, Iterator

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.providers.base import (
    ProviderError,
    Recognition,
    ReplyRequest,
    ReplyStream,
    SpeechStream,
    Transcript,
)
from server.providers.batch_recognition import BatchRecognition
from server.providers.host_function import ASR, RESPOND, SYNTH, HostFunction
from server.providers.host_reply import Answer, call_of, close, said_in
from server.providers.wav import TelephoneReader
from server.runtime.threads import Runtime
from server.turns.effects import Act, Expected

Asr = Callable[[bytes], str | None]
Respond = Callable[..., Answer]
Synth = Callable[[str], bytes]


class HostStt:
    """``asr(pcm16_8k) -> text``, called once the utterance is whole."""

    name = "host"
    guesses = False

    def __init__(self, runtime: Runtime, asr: Asr) -> None:
        self._runtime = runtime
        self._asr = HostFunction(ASR, asr)

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> Recognition:
        return BatchRecognition(self._transcribe, timeout_s, runtime=self._runtime)

    def warm(self) -> None:
        pass

    def _transcribe(self, mulaw_8k: bytes, recognition: BatchRecognition) -> Iterator[Transcript]:
        with self._asr.failures_told():
            yield Transcript(self._words(mulaw_8k))

    def _words(self, mulaw_8k: bytes) -> str:
        heard = self._asr(mulaw_to_pcm16(mulaw_8k))
        if heard is None:
            self._asr.tell("gave None: taken for a caller who has said nothing")
            return ""
        if not isinstance(heard, str):
            close(heard)
            raise ProviderError(f"gave {type(heard).__name__}, not text")
        return heard


class HostLlm:
    """``respond(text) -> Answer``, on any thread, several at a time.

    It may take ``target_style``, ``min_chars``, ``max_chars`` and the ``call`` too. It must be a function of
    what it is given and do nothing but answer: with early starts (B3) it is also asked for words that turn
    out not to be all, and its answer to those, acts included, is dropped. It cannot wait for the rest
    (``may_wait``, ``may_listen``), and asked to go on (``said``) it says all of its answer again.
    """

    name = "host"
    opening = Expected()
    authored = False

    def __init__(self, respond: Respond) -> None:
        self._respond = HostFunction(RESPOND, respond)
        self.takes_messages = self._respond.takes("call")  # it knows what was asked, and may keep a lead

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        return _PlainReply(self._respond, request)

    def warm(self) -> None:
        pass


class _PlainReply:
    expected = Expected()

    def __init__(self, respond: HostFunction, request: ReplyRequest) -> None:
        self.acts: tuple[Act, ...] = ()
        self._respond = respond
        self._request = request
        self._cancelled = False

    def __iter__(self) -> Iterator[str]:
        empty = True
        with self._respond.failures_told():
            for text in self._texts():
                empty = empty and not text.strip()
                yield text
            if empty and not (self.acts or self._request.said or self._cancelled):
                raise ProviderError("gave nothing to say")

    def cancel(self) -> None:
        """A stream of the host's is closed by its reader, as soon as it has given its next piece."""
        self._cancelled = True

    def _texts(self) -> Iterator[str]:
        """What is to be said; ``acts`` on the way."""
        answer = self._answer()
        if self._cancelled:
            close(answer)
            return
        for said in said_in(answer):
            if self._cancelled:
                return
            if isinstance(said, str):
                yield said
            else:
                self.acts += (said,)

    def _answer(self) -> object:
        request = self._request
        return self._respond(
            request.text,
            target_style=request.target_style,
            min_chars=request.min_chars,
            max_chars=request.max_chars,
            call=call_of(request),
        )


class HostTts:
    """``synth(text) -> pcm16_8k``, or a WAV file of 16 bits mono at any rate."""

    name = identity = "host"

    def __init__(self, synth: Synth) -> None:
        self._synth = HostFunction(SYNTH, synth)

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return _PlainSpeech(self._synth, text)

    def warm(self) -> None:
        pass


class _PlainSpeech:
    def __init__(self, synth: HostFunction, text: str) -> None:
        self._synth = synth
        self._text = text

    def __iter__(self) -> Iterator[bytes]:
        with self._synth.failures_told():
            audio = self._synth(self._text)
            if not isinstance(audio, bytes | bytearray | memoryview):
                close(audio)
                raise ProviderError(
                    f"gave {type(audio).__name__} for audio: synth returns bytes of PCM16 8 kHz or WAV"
                )
            reader = TelephoneReader("synth", SAMPLE_RATE_HZ)
            if samples := reader.feed(bytes(audio)) + reader.end():
                yield samples

    def cancel(self) -> None:
        pass
