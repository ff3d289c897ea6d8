"""OpenAI's Realtime API of the local cloud: transcription sessions, and responses that are spoken.

``OpenAICloud`` serves it at its own base URL, ``ws…/v1/realtime``; ``Realtime`` has its switches and records.
A session is one thread. It is strict: what the API has no name for is an ``error`` event, and one of
``Session.violations``. Faults are drawn per session (``sessions``), per utterance (``stt``: from its first
audio on) and per response (``tts``):

====================  ========================  ==============================  ============================
fault                 sessions                  stt                             tts
====================  ========================  ==============================  ============================
SLOW                  handshake late            final late                      first audio late
HUNG_BEFORE_HEADERS   no answer to HTTP         no word and no final            created, then nothing
HUNG_MID_STREAM       no session.updated        nothing after the first delta   nothing after the first audio
CUT_MID_STREAM        reset at session.update   reset after the first delta     reset after the first audio
REFUSED               reset before HTTP         reset at the first audio        reset before created
TOO_MANY              HTTP 429                  error event, then failed        failed: rate_limit_exceeded
UNAVAILABLE           HTTP 503                  failed                          failed: server_error
GARBAGE               HTTP 200                  unknown events, then bad JSON   the same
EXPIRED               once it is configured     after the first delta           after the first audio
MODEL_GONE            404, or at session.update –                               –
EMPTY                 –                         a final without words           completed without audio
REWORDED              –                         –                               other words, in both
OTHER_FORMAT          –                         –                               PCM for μ-law, and the reverse
====================  ========================  ==============================  ============================

``HUNG_MID_STREAM`` and ``CUT_MID_STREAM`` of an utterance without a delta act at its commit.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cloud.openai_models import Models
from tests.cloud.openai_realtime_events import named
from tests.cloud.watch import Watch

SESSION_S = 3600.0
WORD_MS = 300


@dataclass(frozen=True)
class Utterance:
    """What an utterance is heard as, whatever its audio.

    The words of ``interim`` come one by one, each ``word_ms`` of audio behind the one before.
    """

    final: str
    interim: str | None = None  # None: as final
    first_ms: int = WORD_MS  # of audio, to the first word
    word_ms: int = WORD_MS

    def words_at(self, ms: float) -> list[str]:
        words = (self.final if self.interim is None else self.interim).split()
        return words[: max(int((ms - self.first_ms) // self.word_ms) + 1, 0)]


@dataclass
class Listened:
    """``Exchange.request`` of ``Realtime.stt``. ``audio``: as it was sent, in ``audio_format``."""

    session: "Session"
    audio_format: str
    audio: bytearray = field(default_factory=bytearray)
    committed_at: float | None = None
    cleared: bool = False
    deltas: list[str] = field(default_factory=list)
    final: str | None = None  # once it was sent


@dataclass
class Voiced:
    """``Exchange.request`` of ``Realtime.tts``. ``response``: as it was asked for."""

    session: "Session"
    response: dict[str, Any]
    text: str
    said: str = ""  # its transcript
    cancelled: bool = False


@dataclass
class Event:
    """``at``: ``time.time()``. ``body`` of appended audio: its bytes are a number."""

    at: float
    type: str
    body: dict[str, Any]


@dataclass
class Session:
    """One WebSocket as the server saw it."""

    intent: str  # "transcription" or "realtime"
    model: str  # of the URL, or else of the last session.update
    id: str = field(default_factory=lambda: named("sess"))
    opened_at: float = field(default_factory=time.time)
    closed_at: float | None = None
    close_code: int | None = None  # the client's; None: it left without a word
    configured: bool = False
    config: dict[str, Any] = field(default_factory=dict)
    received: list[Event] = field(default_factory=list)
    sent: list[Event] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def sent_types(self) -> list[str]:
        return [event.type for event in self.sent]

    def received_types(self) -> list[str]:
        return [event.type for event in self.received]


class Realtime:
    """Switches and records. Any thread; a switch holds from the next event on.

    ``hears`` is given PCM16 8 kHz: for words while it is said, what came so far. ``says`` makes PCM16 24 kHz.
    """

    def __init__(self, models: Models, hears: Callable[[bytes], str], says: Callable[[str], bytes]) -> None:
        self.models, self.hears, self.says = models, hears, says
        self.serves = True  # False: a server that has no such route
        self.utterances: deque[Utterance] = deque()  # the next ones; after them ``hears``
        self.spoken_as: Callable[[str], str] = lambda text: text  # what the voice makes of a text
        self.has_logprobs = True
        self.refuses_with = ""  # an error's code: HTTP accepts the client, the error and a closing follow
        self.refused_parameters: set[str] = set()  # dotted paths, such as session.include
        self.refused_formats: set[str] = set()  # of a caller's audio, such as audio/pcmu
        self.session_s = SESSION_S  # from its opening to session_expired
        self.sessions, self.stt, self.tts = Watch(), Watch(), Watch()
        self.opened: list[Session] = []

    @property
    def watches(self) -> tuple[Watch, ...]:
        return self.sessions, self.stt, self.tts

    @property
    def open(self) -> list[Session]:
        """Sessions that are not closed."""
        return [session for session in list(self.opened) if session.closed_at is None]

    @property
    def violations(self) -> list[str]:
        """Of all sessions, in the order of their opening."""
        return [each for session in list(self.opened) for each in session.violations]
