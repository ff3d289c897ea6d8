"""Providers whose every delay and word is said by the test, on the simulated clock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from server.audio.frames import mulaw_to_pcm16
from server.hebrew.speak.sentences import split_sentences
from server.providers.base import ProviderError, ReplyRequest, Transcript
from server.runtime.threads import Channel, Closed
from server.turns.effects import Act, Expected
from tests.simtime.line import Hears, Sound, numbers
from tests.simtime.runtime import SimRuntime

MS_A_CHARACTER = 60
FRAMES_A_CHARACTER = MS_A_CHARACTER // 20
LOWER = 0x80  # the sign of a byte of the agent's audio that was lowered (D1); see SimFader
DIGIT = 0x60  # μ-law bytes from here to 0x6F number the frames of the agent's audio
Span = list[float]  # when a stream was opened and, once it is over, when that was


@dataclass
class SimStt:
    """Hears ``lines`` one utterance after the other; the last one again and again.

    ``by_sound``: hears the words of those sounds whose frames it is given, instead. An utterance may then
    be cut into any number of streams. With ``partials_lag_s`` it guesses as it goes, so long after the fact.
    """

    runtime: SimRuntime
    lines: list[Hears]
    delay_s: float = 0.05
    partials: list[str] = field(default_factory=list)
    name: str = "sim"
    at_once: bool = False  # an ProviderError among the lines is raised with the first audio
    by_sound: list[Sound] | None = None
    partials_lag_s: float | None = None
    partials_end: bool = False  # with each of them it hears that a turn may end there

    def __post_init__(self) -> None:
        self.heard: list[bytes] = []  # audio of each utterance
        self.opened_at: list[float] = []
        self.spans: list[Span] = []
        self.open_streams = 0

    def start(
        self, expected: Expected, turn_number: int, timeout_s: float
    ) -> "_SimRecognition | _SoundRecognition":
        self.opened_at.append(self.runtime.now)
        self.spans.append([self.runtime.now])
        if self.by_sound is not None:
            return _SoundRecognition(self, self.by_sound, self.spans[-1])
        return _SimRecognition(self, self.spans[-1])

    @property
    def guesses(self) -> bool:
        by_sound = any(sound.guesses for sound in self.by_sound or ())
        return bool(self.partials) or by_sound or self.partials_lag_s is not None

    def begin(self, mulaw_8k: bytes) -> tuple[int, Hears]:
        """An utterance has audio: its number, and what is heard in it. Or an old one is heard anew."""
        if self.heard and mulaw_8k.startswith(self.heard[-1]):
            self.heard[-1] = b""
        else:
            self.heard.append(b"")
        number = len(self.heard) - 1
        return number, self.lines[min(number, len(self.lines) - 1)] if self.lines else None

    def warm(self) -> None:
        pass


class _SimRecognition:
    def __init__(self, stt: SimStt, span: Span) -> None:
        self._stt = stt
        self._span = span
        self._number: int | None = None
        self._hears: Hears = None
        self._begun = stt.runtime.event()
        self._finished = stt.runtime.event()
        self._cancelled = stt.runtime.event()
        stt.open_streams += 1

    def feed(self, mulaw_8k: bytes) -> None:
        assert not self._finished.is_set(), "audio after the end of the utterance"
        if self._number is None:
            self._number, self._hears = self._stt.begin(mulaw_8k)
            self._begun.set()
        self._stt.heard[self._number] += mulaw_8k

    def finish(self) -> None:
        self._finished.set()

    def __iter__(self) -> Iterator[Transcript]:
        try:
            self._begun.wait()
            for partial in self._stt.partials if self._number is not None else ():
                yield Transcript(partial, is_final=False, ends=self._stt.partials_end)
            if not (self._stt.at_once and isinstance(self._hears, ProviderError)):
                self._finished.wait()
            if self._cancelled.wait(None if self._hears is None else self._stt.delay_s):
                return
            if isinstance(self._hears, ProviderError):
                raise self._hears
            yield self._hears if isinstance(self._hears, Transcript) else Transcript(str(self._hears), 1.0)
        finally:
            self._stt.open_streams -= 1
            self._span.append(self._stt.runtime.now)

    def cancel(self) -> None:
        self._cancelled.set()
        self._begun.set()
        self._finished.set()


class _SoundRecognition:
    """What is heard is decided by the frames that were fed. The line's first frame is at second 0."""

    def __init__(self, stt: SimStt, sounds: list[Sound], span: Span) -> None:
        self._stt = stt
        self._sounds = sounds
        self._span = span
        self._number: int | None = None
        self._fed: set[int] = set()
        self._touched: list[Sound] = []  # of which a frame was fed, in order
        self._guess = ""
        self._finished = False
        self._transcripts: Channel[Transcript | ProviderError] = Channel(stt.runtime, 10_000)
        stt.open_streams += 1

    def feed(self, mulaw_8k: bytes) -> None:
        assert not self._finished, "audio after the end of the utterance"
        if self._number is None:
            self._number, _ = self._stt.begin(mulaw_8k)
        self._stt.heard[self._number] += mulaw_8k
        self._fed.update(numbers(mulaw_8k))
        for sound in self._sounds:
            if sound not in self._touched and not self._fed.isdisjoint(sound.frames):
                self._touched.append(sound)
                for after_s, text in sound.guesses:
                    self._later(
                        max(self._stt.runtime.now, sound.at_s + after_s), Transcript(text, 1.0, False)
                    )
        if self._stt.partials_lag_s is not None and self._words != self._guess:
            self._guess = self._words
            due = self._stt.runtime.now + self._stt.partials_lag_s
            self._later(due, Transcript(self._guess, 1.0, is_final=False))

    def finish(self) -> None:
        self._finished = True
        heard = [sound.hears for sound in self._touched]
        if None in heard:
            return
        waits = [self._stt.delay_s if s.takes_s is None else s.takes_s for s in self._touched]
        sure = [h.confidence for h in heard if isinstance(h, Transcript) and h.confidence is not None]
        failure = next((h for h in heard if isinstance(h, ProviderError)), None)
        final = failure or Transcript(self._words, min(sure, default=1.0))
        self._later(self._stt.runtime.now + max(waits, default=self._stt.delay_s), final)

    def __iter__(self) -> Iterator[Transcript]:
        try:
            while True:
                transcript = self._transcripts.get()
                if isinstance(transcript, ProviderError):
                    raise transcript
                yield transcript
                if transcript.is_final:
                    return
        except Closed:
            return
        finally:
            self._stt.open_streams -= 1
            self._span.append(self._stt.runtime.now)

    def cancel(self) -> None:
        self._transcripts.close(drop=True)

    @property
    def _words(self) -> str:
        return " ".join(filter(None, (sound.words_in(self._fed) for sound in self._touched)))

    def _later(self, when: float, transcript: Transcript | ProviderError) -> None:
        self._stt.runtime.call_at(when, lambda: self._transcripts.put(transcript))


@dataclass(frozen=True)
class Reply:
    """One reply of the LLM in full; ``delay_s`` and ``sentence_s`` None: as the LLM always does."""

    text: str | ProviderError | None
    delay_s: float | None = None
    sentence_s: float | None = None
    expected: Expected = Expected()
    acts: tuple[Act, ...] = ()


@dataclass
class SimLlm:
    """Answers by ``reply(request)``; an ProviderError is raised, None is never answered."""

    runtime: SimRuntime
    reply: Callable[[ReplyRequest], str | ProviderError | None | Reply]
    delay_s: float = 0.05
    sentence_s: float = 0.0  # between one sentence and the next
    expected: Expected = Expected()
    acts: tuple[Act, ...] = ()
    opening: Expected = Expected()
    name: str = "sim"
    takes_messages: bool = False
    authored: bool = True  # False: its replies are shaped (E5)

    def __post_init__(self) -> None:
        self.requests: list[ReplyRequest] = []
        self.spans: list[Span] = []
        self.open_streams = 0

    def respond(self, request: ReplyRequest, timeout_s: float) -> "_SimReply":
        self.requests.append(request)
        self.spans.append([self.runtime.now])
        reply = self.reply(request)
        if not isinstance(reply, Reply):
            reply = Reply(reply, expected=self.expected, acts=self.acts)
        return _SimReply(self, reply, self.spans[-1])

    def warm(self) -> None:
        pass


class _SimReply:
    def __init__(self, llm: SimLlm, reply: Reply, span: Span) -> None:
        self._llm = llm
        self._span = span
        self._reply = reply.text
        self._delay_s = llm.delay_s if reply.delay_s is None else reply.delay_s
        self._sentence_s = llm.sentence_s if reply.sentence_s is None else reply.sentence_s
        self.expected = reply.expected
        self.acts = reply.acts
        self._cancelled = llm.runtime.event()
        llm.open_streams += 1

    def __iter__(self) -> Iterator[str]:
        try:
            if self._cancelled.wait(None if self._reply is None else self._delay_s):
                return
            if isinstance(self._reply, ProviderError):
                raise self._reply
            for position, sentence in enumerate(split_sentences(self._reply or "")):
                if position and self._cancelled.wait(self._sentence_s):
                    return
                yield sentence + " "
        finally:
            self._llm.open_streams -= 1
            self._span.append(self._llm.runtime.now)

    def cancel(self) -> None:
        self._cancelled.set()


@dataclass
class SimTts:
    """Every sentence is audio of one byte value of its own, so that what was heard can be read back."""

    runtime: SimRuntime
    delay_s: float = 0.05
    fails: Callable[[str], bool] = lambda text: False
    hangs: bool = False
    name: str = "sim"
    identity: str = "sim"

    def __post_init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.spans: list[Span] = []
        self.open_streams = 0

    def synthesize(self, text: str, timeout_s: float) -> "_SimSpeechStream":
        self.spans.append([self.runtime.now])
        return _SimSpeechStream(self, text, self.spans[-1])

    def warm(self) -> None:
        pass

    def code(self, text: str) -> int:
        """The μ-law byte of this sentence's audio: loud, and never silence or a digit."""
        code = self.codes.setdefault(text, 0x01 + len(self.codes))
        assert code < DIGIT, "more sentences than bytes to tell them by"
        return code

    def audio(self, text: str) -> bytes:
        """Its whole audio, μ-law 8 kHz; every frame ends with its number in the sentence."""
        return _numbered(self.code(text), FRAMES_A_CHARACTER * len(text))


class SimFader:
    """Marks what is lowered by its sign, since a byte of another level would be another sentence's."""

    def fade(self, mulaw_8k: bytes, *, lower: bool) -> bytes:
        return bytes(byte | LOWER for byte in mulaw_8k) if lower else mulaw_8k


@lru_cache(maxsize=1000)
def _numbered(code: int, frames: int) -> bytes:
    body = bytes([code]) * 157
    return b"".join(
        body + bytes(DIGIT | number >> shift & 0xF for shift in (8, 4, 0)) for number in range(frames)
    )


class _SimSpeechStream:
    def __init__(self, voice: SimTts, text: str, span: Span) -> None:
        self._voice = voice
        self._span = span
        self._text = text
        self._cancelled = voice.runtime.event()
        voice.open_streams += 1

    def __iter__(self) -> Iterator[bytes]:
        try:
            if self._cancelled.wait(None if self._voice.hangs else self._voice.delay_s):
                return
            if self._voice.fails(self._text):
                raise ProviderError("no voice today")
            audio = mulaw_to_pcm16(self._voice.audio(self._text))
            for i in range(0, len(audio), 3200):
                if self._cancelled.is_set():
                    return
                yield audio[i : i + 3200]
        finally:
            self._voice.open_streams -= 1
            self._span.append(self._voice.runtime.now)

    def cancel(self) -> None:
        self._cancelled.set()
