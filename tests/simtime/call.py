"""A whole call in simulated time: sounds and engine delays in; what the caller heard, and when, out."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from re import finditer, search
from typing import Any
from unittest.mock import patch

from server.audio.frames import pcm16_to_mulaw
from server.audio.vad import EnergyOnly, Speech
from server.call.finishing import Afterwards
from server.config import Config, own_lines
from server.hebrew.understand.gender import Gender
from server.media_ws_ai import MediaStreamHandler
from server.providers.base import ProviderError, ReplyRequest
from server.providers.fallback import BreakerParams, FallbackChain
from server.providers.provider_set import Providers
from server.providers.tts_cache import TtsCache, beep
from server.settings.pronunciations_file import pronunciations_of
from server.turns.actions import Action
from server.turns.events import Event
from server.turns.machine import TurnMachine
from server.turns.params import TurnParams
from server.turns.prompts import all_lines, in_gender
from tests.simtime.engines import DIGIT, LOWER, MS_A_CHARACTER, Reply, SimFader, SimLlm, SimStt, SimTts
from tests.simtime.line import Hears, Line, SimSpeech, Sound
from tests.simtime.runtime import SimRuntime

GREETING = "שלום! איך אפשר לעזור?"
REPLY = "הבנתי אותך היטב, תודה רבה. נמשיך הלאה בשמחה לשאלה הבאה?"

AT_FULL_LEVEL = bytes(byte if byte == 0xFF else byte & ~LOWER for byte in range(256))


@dataclass(frozen=True)
class Said:
    """The agent was heard saying ``text`` from ``at_s`` to ``until_s``: all of it, or a part.

    The part begins ``from_s`` into the sentence.
    """

    text: str
    at_s: float
    until_s: float
    from_s: float = 0.0

    @property
    def part(self) -> str:
        """The words heard whole; "…" stands for the rest of the sentence where it is missing."""
        words = self.text.split()
        length_s = len(self.text) * MS_A_CHARACTER / 1000
        first = int(len(words) * self.from_s / length_s + 1e-6)
        last = int(len(words) * (self.from_s + self.until_s - self.at_s) / length_s + 1e-3)
        heard = "…" * (first > 0) + " ".join(words[first:last])
        return heard if last == len(words) or heard.endswith("…") else heard + "…"


def worded(line: str, caller: Gender | None = None) -> str:
    """A fixed line as the agent of the default knobs says it."""
    return in_gender(line, Gender.FEMININE, caller)


class SimCall:
    """``run`` one call; afterwards ask what happened. All times are seconds since its first frame."""

    def __init__(
        self,
        sounds: list[Sound],
        *,
        stt: list[Hears] | None = None,
        by_sound: bool = False,
        partials_lag_s: float | None = None,
        reply: str | Callable[[ReplyRequest], str | ProviderError | None | Reply] = REPLY,
        asr_s: float = 0.05,
        llm_s: float = 0.05,
        tts_s: float = 0.05,
        knobs: dict[str, Any] | None = None,
        premade: bool = True,
        speech: Callable[[], Speech] | None = None,
        **line: Any,
    ) -> None:
        self.runtime = SimRuntime()
        self.line = Line(self.runtime, sounds, **line)
        # The defaults: neither the environment nor a .env of the machine has a say. Nor a disk; and a scene
        # may end in a silence that nobody asks about (F1), and sees each question to the LLM once (B3).
        defaults = {name: field.default for name, field in Config.model_fields.items()}
        defaults |= {"state_file": "", "leads_file": "", "idle_prompt_sec": 0, "speculative_turns": False}
        self.config = Config(_env_file=None, **{**defaults, "resp_max_delay_ms": 220, **(knobs or {})})
        self.stt = SimStt(
            self.runtime,
            stt if stt is not None else ["שלום לך"],
            asr_s,
            by_sound=sounds if by_sound else None,
            partials_lag_s=partials_lag_s,
        )
        answer = reply if callable(reply) else lambda request: reply
        self.llm = SimLlm(self.runtime, answer, llm_s)
        self.voice = SimTts(self.runtime, tts_s)
        # Behind the first of each kind.
        self.fallbacks: tuple[list[SimStt], list[SimLlm], list[SimTts]] = ([], [], [])
        fixed = all_lines(self.config.opening, self.config.thinking_text_he, own_lines(self.config))
        self.phrases = TtsCache(
            fixed,
            [self.voice.identity],
            pronounce=pronunciations_of(self.config.pronunciations_file),
        )
        for line_ in fixed if premade else ():
            self.phrases.keep(self.voice.identity, line_, self.voice.audio(line_))
        judge = SimSpeech if self.config.vad_engine == "silero" else EnergyOnly
        self._new_speech: Callable[[], Speech] = speech or judge
        self.events: list[tuple[Event, list[Action]]] = []  # the core's whole life
        self.event_times: list[float] = []
        self.log: list[str] = []
        self.log_times: list[float] = []
        self.afterwards = Afterwards(self.runtime)
        self.host: dict[str, Any] = {}
        self.fader: Callable[[], Any] = SimFader
        self.finished = False

    def run(self, seconds: float, *, hang_up: bool = True) -> "SimCall":
        """Let the call go on for ``seconds``, then hang up and let it end."""
        self.runtime.spawn("call", self._serve)
        self.line.ring(seconds)
        self.until(seconds)
        if hang_up:
            self.line.deliver({"event": "stop"})
            self.until(seconds + 3)
        return self

    def until(self, seconds: float) -> None:
        """Go on until ``seconds`` since the beginning."""
        handler = _Listener(self._logged)
        logger = logging.getLogger("agent")
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            self.runtime.run_until(seconds)
        finally:
            logger.removeHandler(handler)

    def _serve(self) -> None:
        stt, llms, voices = self.fallbacks
        breaker = BreakerParams(self.config.breaker_failures, self.config.breaker_open_sec)
        clock = self.runtime.clock
        providers = Providers(
            FallbackChain("asr", (self.stt, *stt), breaker, clock),
            FallbackChain("llm", (self.llm, *llms), breaker, clock),
            FallbackChain("tts", (self.voice, *voices), breaker, clock),
            self.phrases,
            self._new_speech,
        )
        with (
            patch("server.call.dispatcher.TurnMachine", self.new_machine),
            patch("server.telephony.wire_outbox.Fader", self.fader),
        ):
            self.handler = MediaStreamHandler(
                self.line,
                self.config,
                providers=providers,
                runtime=self.runtime,
                afterwards=self.afterwards,
                **{"breath": lambda low, high: low, **self.host},
            )
        self.handler.run()
        self.finished = True

    def _logged(self, line: str) -> None:
        self.log.append(line)
        self.log_times.append(self.runtime.now)

    def new_machine(self, params: TurnParams) -> TurnMachine:
        """The machine of this call; what it is told, and does, is in ``events``."""
        self.machine = machine = RecordedMachine(params, self)
        return machine

    # ---- what happened ----

    @property
    def heard(self) -> list[Said]:
        """What the caller heard of the agent, sentence by sentence."""
        words = {code: text for text, code in self.voice.codes.items()}
        audio = bytes(self.line.buffer.heard).translate(AT_FULL_LEVEL)
        said: list[Said] = []
        for stretch in finditer(
            rb"([^\xff\x60-\x6f])(?:\1|[\x60-\x6f]){19,}", audio
        ):  # shorter: a beep's peak
            if text := words.get(stretch[1][0]):
                at_s, until_s = stretch.start() / 8000, stretch.end() / 8000
                said.append(Said(text, at_s, until_s, _first_frame(stretch[0]) * 0.02))
        return said

    @property
    def lowered(self) -> list[tuple[float, float]]:
        """When the agent was heard at a lower level (D1), from and to."""
        marked = finditer(rb"[\x80-\xfe][\x80-\xff]*", bytes(self.line.buffer.heard))
        return [(one.start() / 8000, (one.start() + len(one[0].rstrip(b"\xff"))) / 8000) for one in marked]

    @property
    def texts(self) -> list[str]:
        return [said.text for said in self.heard]

    @property
    def beeped(self) -> bool:
        return pcm16_to_mulaw(beep())[:400] in bytes(self.line.buffer.heard)

    def lines(self, word: str) -> list[str]:
        """Log lines that contain ``word``."""
        return [line for line in self.log if word in line]

    def sent(self, event: str) -> list[float]:
        """When messages of a kind were put on the wire."""
        return [at for at, text in self.line.sent if f'"event":"{event}"' in text]


def _first_frame(audio: bytes) -> int:
    """The number that the first frame of some audio of the agent carries; 0 when it is not whole."""
    digits = search(rb"[\x60-\x6f]{3}", audio)
    return (
        sum((byte - DIGIT) << shift for byte, shift in zip(digits[0], (8, 4, 0), strict=True))
        if digits
        else 0
    )


class RecordedMachine(TurnMachine):
    """A machine whose events, and what they bring about, stay readable behind the call."""

    def __init__(self, params: TurnParams, call: SimCall) -> None:
        super().__init__(params)
        self.seen_by = call

    def handle(self, event: Event) -> list[Action]:
        self.seen_by.events.append((event, actions := super().handle(event)))
        self.seen_by.event_times.append(self.seen_by.runtime.now)
        return actions


class _Listener(logging.Handler):
    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        self._take(record.getMessage())
