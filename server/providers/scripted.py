"""Scripted providers: fixed words after fixed delays, for benchmarks and tests. Never a default."""

import array
import math
from collections.abc import Iterator
from functools import cache

from server.audio.frames import SAMPLE_RATE_HZ
from server.hebrew.speak.sentences import split_sentences
from server.providers.base import Recognition, ReplyRequest, ReplyStream, SpeechStream, Transcript
from server.runtime.threads import Runtime
from server.turns.effects import Act, Expected

MS_A_CHARACTER = 60
CHUNK_MS = 200
PITCH_HZ = 140


class ScriptedStt:
    """Returns its next line for every committed turn, ``delay_s`` after the end of speech."""

    name = "scripted"
    guesses = False

    def __init__(self, runtime: Runtime, lines: list[str], delay_s: float) -> None:
        self._runtime = runtime
        self._lines = lines
        self._delay_s = delay_s

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> Recognition:
        line = self._lines[(turn_number - 1) % len(self._lines)]
        return _ScriptedRecognition(self._runtime, line, self._delay_s)

    def warm(self) -> None:
        pass


class _ScriptedRecognition:
    def __init__(self, runtime: Runtime, line: str, delay_s: float) -> None:
        self._line = line
        self._delay_s = delay_s
        self._finished = runtime.event()
        self._cancelled = runtime.event()

    def feed(self, mulaw_8k: bytes) -> None:
        pass

    def finish(self) -> None:
        self._finished.set()

    def __iter__(self) -> Iterator[Transcript]:
        self._finished.wait()
        if not self._cancelled.wait(self._delay_s):
            yield Transcript(self._line, confidence=1.0)

    def cancel(self) -> None:
        self._cancelled.set()
        self._finished.set()


class ScriptedLlm:
    """Replies with its template: ``{n}`` is the committed turn's number, ``{text}`` the caller's words.

    The reply depends on these two only, as speculative turns (B3) require. ``may_wait`` and ``may_listen``
    are ignored, and ``said`` too: a resumed reply repeats the whole text.
    """

    name = "scripted"
    opening = Expected()
    takes_messages = False
    authored = True

    def __init__(self, runtime: Runtime, template: str, delay_s: float) -> None:
        self._runtime = runtime
        self._template = template
        self._delay_s = delay_s

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        reply = self._template.replace("{n}", str(request.turn_number)).replace("{text}", request.text)
        return ScriptedReply(self._runtime, reply, self._delay_s)

    def warm(self) -> None:
        pass


class ScriptedReply:
    expected = Expected()
    acts: tuple[Act, ...] = ()

    def __init__(self, runtime: Runtime, reply: str, delay_s: float) -> None:
        self._reply = reply
        self._delay_s = delay_s
        self._cancelled = runtime.event()

    def __iter__(self) -> Iterator[str]:
        for position, sentence in enumerate(split_sentences(self._reply)):
            if position == 0 and self._cancelled.wait(self._delay_s):
                return
            if self._cancelled.is_set():
                return
            yield sentence + "\n"

    def cancel(self) -> None:
        self._cancelled.set()


class ScriptedTts:
    """Speech-like audio, 60 ms per character; the first chunk comes ``delay_s`` after the request."""

    name = identity = "scripted"

    def __init__(self, runtime: Runtime, delay_s: float) -> None:
        self._runtime = runtime
        self._delay_s = delay_s

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return _ScriptedSpeech(self._runtime, text, self._delay_s)

    def warm(self) -> None:
        _chunk()


class _ScriptedSpeech:
    def __init__(self, runtime: Runtime, text: str, delay_s: float) -> None:
        self._ms = MS_A_CHARACTER * len(text)
        self._delay_s = delay_s
        self._cancelled = runtime.event()

    def __iter__(self) -> Iterator[bytes]:
        if self._cancelled.wait(self._delay_s):
            return
        left = self._ms * SAMPLE_RATE_HZ // 1000 * 2
        while left > 0 and not self._cancelled.is_set():
            yield _chunk()[:left]
            left -= len(_chunk())

    def cancel(self) -> None:
        self._cancelled.set()


@cache
def _chunk() -> bytes:
    """One syllable of 200 ms: a harmonic tone under a raised-cosine envelope, about −20 dBFS."""
    samples = SAMPLE_RATE_HZ * CHUNK_MS // 1000
    out = array.array("h")
    for n in range(samples):
        phase = 2 * math.pi * PITCH_HZ * n / SAMPLE_RATE_HZ
        envelope = 0.15 + 0.85 * math.sin(math.pi * n / samples) ** 2
        tone = sum(math.sin(k * phase) / k for k in range(1, 8))
        out.append(int(5500 * envelope * tone))
    return out.tobytes()
