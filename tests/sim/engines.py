"""Engines whose every delay and word is said by the test, on the simulated clock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from server.core.conversation import Act, Expected
from server.core.frames import mulaw_to_pcm16
from server.engines.base import EngineError, ReplyRequest, Transcript
from server.hebrew.sentences import split_sentences
from server.runtime import Channel, pause
from tests.sim.simtime import SimRuntime

MS_A_CHARACTER = 60
Hears = str | Transcript | EngineError | None  # None: never answers


@dataclass
class SimEars:
    """Hears ``lines`` one utterance after the other; the last one again and again."""

    runtime: SimRuntime
    lines: list[Hears]
    delay_s: float = 0.05
    partials: list[str] = field(default_factory=list)
    name: str = "sim"
    at_once: bool = False  # an EngineError among the lines is raised with the first audio

    def __post_init__(self) -> None:
        self.heard: list[bytes] = []  # audio of each utterance
        self.opened_at: list[float] = []
        self.open_streams = 0

    def open(self, expected: Expected, turn_number: int, timeout_s: float) -> "_SimRecognition":
        self.opened_at.append(self.runtime.now)
        return _SimRecognition(self)

    def begin(self) -> tuple[int, Hears]:
        """An utterance has audio: its number, and what is heard in it."""
        self.heard.append(b"")
        number = len(self.heard) - 1
        return number, self.lines[min(number, len(self.lines) - 1)]

    def warm(self) -> None:
        pass


class _SimRecognition:
    def __init__(self, ears: SimEars) -> None:
        self._ears = ears
        self._number: int | None = None
        self._hears: Hears = None
        self._begun: Channel[None] = Channel(ears.runtime, 1)
        self._finished: Channel[None] = Channel(ears.runtime, 1)
        self._cancelled: Channel[None] = Channel(ears.runtime, 1)
        ears.open_streams += 1

    def feed(self, mulaw_8k: bytes) -> None:
        assert not self._finished.closed, "audio after the end of the utterance"
        if self._number is None:
            self._number, self._hears = self._ears.begin()
            self._begun.close()
        self._ears.heard[self._number] += mulaw_8k

    def finish(self) -> None:
        self._finished.close()

    def __iter__(self) -> Iterator[Transcript]:
        try:
            pause(self._begun, None)
            for partial in self._ears.partials if self._number is not None else ():
                yield Transcript(partial, is_final=False)
            if not (self._ears.at_once and isinstance(self._hears, EngineError)):
                pause(self._finished, None)
            if not pause(self._cancelled, None if self._hears is None else self._ears.delay_s):
                return
            if isinstance(self._hears, EngineError):
                raise self._hears
            yield self._hears if isinstance(self._hears, Transcript) else Transcript(str(self._hears), 1.0)
        finally:
            self._ears.open_streams -= 1

    def cancel(self) -> None:
        self._cancelled.close()
        self._begun.close()
        self._finished.close()


@dataclass
class SimMind:
    """Answers by ``reply(request)``; an EngineError is raised, None is never answered."""

    runtime: SimRuntime
    reply: Callable[[ReplyRequest], str | EngineError | None]
    delay_s: float = 0.05
    sentence_s: float = 0.0  # between one sentence and the next
    expected: Expected = Expected()
    acts: tuple[Act, ...] = ()
    opening: Expected = Expected()
    name: str = "sim"

    def __post_init__(self) -> None:
        self.requests: list[ReplyRequest] = []
        self.open_streams = 0

    def respond(self, request: ReplyRequest, timeout_s: float) -> "_SimReply":
        self.requests.append(request)
        return _SimReply(self, self.reply(request))

    def warm(self) -> None:
        pass


class _SimReply:
    def __init__(self, mind: SimMind, reply: str | EngineError | None) -> None:
        self._mind = mind
        self._reply = reply
        self.expected = mind.expected
        self.acts = mind.acts
        self._cancelled: Channel[None] = Channel(mind.runtime, 1)
        mind.open_streams += 1

    def __iter__(self) -> Iterator[str]:
        try:
            if not pause(self._cancelled, None if self._reply is None else self._mind.delay_s):
                return
            if isinstance(self._reply, EngineError):
                raise self._reply
            for position, sentence in enumerate(split_sentences(self._reply or "")):
                if position and not pause(self._cancelled, self._mind.sentence_s):
                    return
                yield sentence + " "
        finally:
            self._mind.open_streams -= 1

    def cancel(self) -> None:
        self._cancelled.close()


@dataclass
class SimVoice:
    """Every sentence is audio of one byte value of its own, so that what was heard can be read back."""

    runtime: SimRuntime
    delay_s: float = 0.05
    fails: Callable[[str], bool] = lambda text: False
    hangs: bool = False
    name: str = "sim"
    identity: str = "sim"

    def __post_init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.open_streams = 0

    def synthesize(self, text: str, timeout_s: float) -> "_SimSpeechStream":
        return _SimSpeechStream(self, text)

    def warm(self) -> None:
        pass

    def code(self, text: str) -> int:
        """The μ-law byte of this sentence's audio: loud, and never silence."""
        return self.codes.setdefault(text, 0x01 + len(self.codes))

    def audio(self, text: str) -> bytes:
        """Its whole audio, μ-law 8 kHz."""
        return bytes([self.code(text)]) * (MS_A_CHARACTER * len(text) * 8)


class _SimSpeechStream:
    def __init__(self, voice: SimVoice, text: str) -> None:
        self._voice = voice
        self._text = text
        self._cancelled: Channel[None] = Channel(voice.runtime, 1)
        voice.open_streams += 1

    def __iter__(self) -> Iterator[bytes]:
        try:
            if not pause(self._cancelled, None if self._voice.hangs else self._voice.delay_s):
                return
            if self._voice.fails(self._text):
                raise EngineError("no voice today")
            audio = mulaw_to_pcm16(self._voice.audio(self._text))
            for i in range(0, len(audio), 3200):
                if self._cancelled.closed:
                    return
                yield audio[i : i + 3200]
        finally:
            self._voice.open_streams -= 1

    def cancel(self) -> None:
        self._cancelled.close()
