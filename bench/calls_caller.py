"""One caller of ``bench.calls``: what they say, frame by frame, and what Twilio would play to them.

Pure: no socket, no clock; times are seconds on the caller's own clock. Leaner than
``server.simulator``, whose callers know every sample they heard: a hundred of these have room on one core.
"""

from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.audio.frames import FRAME_MS
from server.simulator.sounds import SILENCE, Clip

FRAME_S = FRAME_MS / 1000
# A sentence begins on one of these: a window of the speech model is 32 ms, and five of them are eight frames,
# so that it always sees the sentence cut in the same places and needs the same time for it.
BEGINS_EVERY = 8
UNDERRUN_S = FRAME_S  # a gap of 20 ms or more inside a stretch of audio is audible
SETTLED_S = 0.5  # into a reply: before, it is on its way to the lead that it is sent with
PAUSE_S = 1.5  # audio after so long a silence is another reply, whoever does not send ``clear`` before each


@dataclass
class Turn:
    """A sentence of the caller's. ``voice_s``, ``end_s``: when its first and last voiced frame were due.

    ``gap_s``: from ``end_s`` to the first media of the answer; None without one, or where it began earlier.
    ``clear_s``: from ``voice_s`` to the ``clear`` that stopped the agent. ``replies``: for each reply that
    began behind the sentence whether it was cut.
    """

    clip: int
    voice_s: float
    end_s: float
    over_agent: bool
    gap_s: float | None = None
    clear_s: float | None = None
    early: bool = False  # the agent began to answer before the sentence was over
    replies: list[bool] = field(default_factory=list)

    @property
    def missed(self) -> bool:
        return not self.replies

    @property
    def double(self) -> bool:
        return self.replies.count(False) + (self.replies[-1:] == [True]) > 1


@dataclass(frozen=True)
class Habits:
    """How a caller behaves; times in seconds.

    ``pause_s``: silence behind the agent's last word. ``interrupt_s``: speak so long after the agent began
    instead, over it. ``patience_s``: who is not answered for so long says their next sentence.
    """

    clips: Sequence[Clip] = ()
    first: int = 0  # which clip comes first
    pause_s: float = 2.0
    interrupt_s: float | None = None
    patience_s: float = 6.0


class Playout:
    """What was sent to the caller, and until when it lasts.

    ``underruns``: how long each lasted. ``left_s``: what the caller had left to hear whenever more of
    a settled reply came. ``sent_s``: seconds of audio. All are kept while ``measuring``.
    """

    def __init__(self) -> None:
        self.until_s = 0.0  # all that has come so far has been heard then
        self.begun_s = 0.0  # of the stretch of audio that is being heard
        self.underruns: list[float] = []
        self.left_s = array("f")
        self.sent_s = 0.0
        self.measuring = False
        self.marks: deque[tuple[float, str]] = deque()  # not yet sent back: when each is reached
        self._marked = True  # behind the last audio: a pause there is meant

    def media(self, now_s: float, seconds: float) -> None:
        if self.until_s <= now_s:
            late_s = now_s - self.until_s
            if self.measuring and not self._marked and late_s >= UNDERRUN_S:
                self.underruns.append(late_s)
            self.begun_s = self.until_s = now_s
        elif self.measuring and now_s - self.begun_s > SETTLED_S:
            self.left_s.append(self.until_s - now_s)
        self.until_s += seconds
        self._marked = False
        if self.measuring:
            self.sent_s += seconds

    def mark(self, now_s: float, name: str) -> None:
        self.marks.append((max(now_s, self.until_s), name))
        self._marked = True

    def clear(self, now_s: float) -> bool:
        """Whether there was audio to discard. All marks are due."""
        dropped = self.until_s > now_s
        self.until_s = min(self.until_s, now_s)
        self.marks = deque((now_s, name) for _, name in self.marks)
        self._marked = True
        return dropped

    def reached(self, now_s: float) -> list[str]:
        """The marks to send back now."""
        names = []
        while self.marks and self.marks[0][0] <= now_s:
            names.append(self.marks.popleft()[1])
        return names


class Caller:
    """Give every 20 ms to ``frame``, and what the server sends to ``media``, ``mark`` and ``clear``.

    ``spoken``: frames of sentences, while the playout is measured.
    """

    def __init__(self, habits: Habits) -> None:
        self.playout = Playout()
        self.turns: list[Turn] = []
        self.frames = 0  # sent so far
        self.spoken = 0
        self._habits = habits
        self._clip: Clip | None = None  # that is being said
        self._position = 0
        self._said_s = 0.0  # when the last sentence was over, or the call began
        self._answered = False  # since then
        self._reply_s = 0.0  # when the last reply began
        self._announced = False  # by a ``clear``: the next audio is another reply

    @property
    def due_s(self) -> float:
        """When the next frame is to be sent: at the end of what it holds."""
        return (self.frames + 1) * FRAME_S

    def frame(self) -> str:
        """The next frame's payload, in base64."""
        now_s = self.due_s
        if self._clip is None and self._habits.clips and self.frames % BEGINS_EVERY == 0 and self._may(now_s):
            self._begin()
        self.frames += 1
        if self._clip is None:
            return SILENCE.payload
        self.spoken += self.playout.measuring
        payload = self._clip.frames[self._position].payload
        self._position += 1
        if self._position == len(self._clip.frames):
            self._end(now_s)
        return payload

    def media(self, now_s: float, seconds: float) -> None:
        playout = self.playout
        if self._announced or not self._answered or now_s - playout.until_s > PAUSE_S:
            self._reply(now_s)
        playout.media(now_s, seconds)

    def mark(self, now_s: float, name: str) -> None:
        self.playout.mark(now_s, name)

    def clear(self, now_s: float) -> None:
        dropped = self.playout.clear(now_s)
        self._announced = not dropped  # behind one that cut the agent short it may go on, without another
        if not dropped or not self.turns:
            return
        turn = self.turns[-1]
        if turn.over_agent and turn.clear_s is None and now_s >= turn.voice_s:
            turn.clear_s = now_s - turn.voice_s
        elif turn.replies:
            turn.replies[-1] = True

    def _may(self, now_s: float) -> bool:
        """Whether it is time to say something."""
        habits = self._habits
        if not self._answered:
            return now_s - self._said_s >= habits.patience_s
        if habits.interrupt_s is not None:
            return now_s - self._reply_s >= habits.interrupt_s
        return now_s - self.playout.until_s >= habits.pause_s and not self.playout.marks

    def _begin(self) -> None:
        clips = self._habits.clips
        number = (self._habits.first + len(self.turns)) % len(clips)
        self._clip, self._position = clips[number], 0
        first_s = self.due_s
        self.turns.append(
            Turn(
                number,
                voice_s=first_s + self._clip.voiced_from * FRAME_S,
                end_s=first_s + (self._clip.voiced_to - 1) * FRAME_S,
                over_agent=self.playout.until_s > first_s,
            )
        )
        self._answered = self.turns[-1].over_agent  # who was silent and speaks now is early

    def _end(self, now_s: float) -> None:
        turn = self.turns[-1]
        self._clip = None
        self._said_s = now_s
        self._answered = bool(turn.replies) and self.playout.until_s > now_s
        if not self._answered:
            turn.replies.clear()  # false starts, which were taken back

    def _reply(self, now_s: float) -> None:
        self._announced = False
        self._answered, self._reply_s = True, now_s
        if not self.turns:
            return  # the greeting
        turn = self.turns[-1]
        if turn.over_agent and turn.clear_s is None:
            return  # it has not noticed, and goes on with what it was saying
        if now_s <= turn.end_s:
            turn.early = True
        elif not turn.replies:
            turn.gap_s = now_s - turn.end_s
        turn.replies.append(False)
