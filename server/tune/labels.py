"""What was a pause and what an end, what was a voice and what was none: by what followed in the record.

    voice     #####....#####.........................           a pause: the voice goes on before our answer,
    agent                             ^^^^^^^^^^^^^^            at most two seconds later
    voice     #####.............##################              a pause, and we spoke into it: in our first
    agent                    ^^^^^                              second words came that are no nod and no echo
    voice     #####.................................            an end: it was answered, and nobody spoke over
    agent                  ^^^^^^^^^^^^^^^^^^^^^^^^             the answer's first second, or only nodded

Everything else is unsure, and counted apart: words that nobody answered, a voice that came back late, a sound
over our first second whose words are not known. Where the voice was is judged once, by a hearing of the
settings of the record that ends utterances after three seconds only, so that all settings are asked about the
same silences.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from server.audio.endpointing import Closing
from server.audio.frames import FRAMES_PER_S
from server.audio.segmenter import Confirmed, Discarded, Ended, Heard, Onset, Paused, Resumed, Segmenter
from server.tune.tape import Answer, Take, give

LEAST_SILENCE = 5  # 100 ms: eot-bench's shortest span
LEAST_PAUSE = 10  # 200 ms: shorter ones count in no figure of eot-bench's
LONGEST_PAUSE = 2 * FRAMES_PER_S
FIRST_SECOND = FRAMES_PER_S
TURN_OVER = 3 * FRAMES_PER_S
ANY_LENGTH = 3600 * FRAMES_PER_S
AROUND = FRAMES_PER_S // 2  # of the frames of a sound: another setting hears it sooner or later


class Kind(Enum):
    PAUSE = "pause"
    END = "end"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Silence:
    """Behind the caller's voice: frame of its last voice, and of the next one (None: there was none).

    ``began``: the voice's first frame. ``answer``: to an end; ``ended``: the utterance, as recorded.
    """

    began: int
    last_voice: int
    goes_on: int | None
    kind: Kind
    answer: Answer | None = None
    ended: int | None = None


class Sort(Enum):
    """What a sound over the agent's voice was."""

    VOICE = "voice"  # with words
    NOD = "nod"  # the agent went on behind it
    NONE = "none"  # noise, echo, or not a word
    UNKNOWN = "unknown"  # its STT failed


@dataclass(frozen=True, slots=True)
class Utterance:
    """As recorded. ``ended`` of a noise: when it was discarded."""

    utterance_id: int
    began: int
    ended: int
    sort: Sort
    over_agent: bool


def utterances(take: Take) -> list[Utterance]:
    """Whatever opened one, in order."""
    out: list[Utterance] = []
    onset, over = 0, False
    for frame, heard in take.heard:
        match heard:
            case Onset():
                onset, over = frame, take.agent_at(frame)
            case Discarded(utterance_id):
                out.append(Utterance(utterance_id, onset, frame, Sort.NONE, over))
            case Ended(utterance_id, speech, silence):
                began = frame - silence - speech + 1
                out.append(Utterance(utterance_id, began, frame, _sort(take, utterance_id), over))
                onset, over = frame, False
    return out


def _sort(take: Take, utterance_id: int) -> Sort:
    words = take.words.get(utterance_id)
    if words is None:
        return Sort.UNKNOWN
    taken_for = take.taken_for.get(utterance_id)
    if taken_for == "nod":
        return Sort.NOD
    return Sort.NONE if taken_for == "echo" or not words.strip() else Sort.VOICE


def stretches(take: Take) -> list[tuple[int, int]]:
    """First and last frame of the caller's voice, wherever 100 ms or more are between two of them."""
    params = take.knobs.params()
    patient = replace(
        params.endpointing,
        hangover_frames=LEAST_SILENCE,
        silence_frames=TURN_OVER,
        short_silence_frames=TURN_OVER,
        adaptive_frames=0,
        max_speech_frames=ANY_LENGTH,
    )
    found = _Stretches(Segmenter(patient, take.knobs.vad()))
    for number, frame in enumerate(take.frames):
        begins = number and take.agent_at(number) and not take.agent_at(number - 1)
        if begins and found.segmenter.paused_for:  # it is our turn: this one is over
            found.take(number - 1, found.segmenter.end_now())
        found.take(number, found.segmenter.feed(frame, take.thresholds[number]))
        for command in take.commands.get(number, ()):
            if not isinstance(command, Closing):
                found.take(number, give(found.segmenter, command))
    return found.whole(len(take.frames) - 1)


class _Stretches:
    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self._before: list[tuple[int, int]] = []
        self._now: list[tuple[int, int]] = []  # of the utterance that is heard
        self._from: int | None = None

    def take(self, frame: int, changes: Sequence[Heard]) -> None:
        for heard in changes:
            match heard:
                case Confirmed(first_time=True):
                    self._from, self._now = frame, []
                case Paused():
                    self._until(frame - self.segmenter.paused_for)
                case Resumed():
                    self._from = frame
                case Ended(_, speech, silence):
                    self._until(frame - silence)
                    # The first one began before it was confirmed: only now it is told when.
                    began = frame - silence - speech + 1
                    self._before += [(began, self._now[0][1]), *self._now[1:]]
                    self._now = []

    def _until(self, frame: int) -> None:
        if self._from is not None:
            self._now.append((self._from, max(frame, self._from)))
        self._from = None

    def whole(self, last_frame: int) -> list[tuple[int, int]]:
        """With what was being said when the call ended."""
        self.take(last_frame, self.segmenter.end_now())
        return self._before


def silences(take: Take) -> list[Silence]:
    """Behind each stretch of voice, but for those that are shorter than any figure counts."""
    found = stretches(take)
    spoken = utterances(take)
    nexts = [*(began for began, _ in found), None][1:]  # one each: in a call of no voice, none
    out = []
    for (began, last_voice), goes_on in zip(found, nexts, strict=True):
        if take.agent_at(last_voice) or (goes_on is not None and goes_on - last_voice < LEAST_PAUSE):
            continue
        judge = _alone if take.alone else _judged
        out.append(judge(take, Silence(began, last_voice, goes_on, Kind.UNSURE), spoken))
    return out


def _alone(take: Take, silence: Silence, spoken: Sequence[Utterance]) -> Silence:
    return replace(silence, kind=Kind.END if silence.goes_on is None else Kind.PAUSE)


def _judged(take: Take, silence: Silence, spoken: Sequence[Utterance]) -> Silence:
    last_voice, goes_on = silence.last_voice, silence.goes_on
    agent = take.agent_from(last_voice + 1)
    if goes_on is not None and (agent is None or goes_on <= agent):
        close = goes_on - last_voice <= LONGEST_PAUSE
        return replace(silence, kind=Kind.PAUSE) if close else silence
    if agent is None:
        return silence
    if goes_on is not None and goes_on < agent + FIRST_SECOND:
        sort = _covering(spoken, goes_on)
        if sort is Sort.VOICE and goes_on - last_voice <= LONGEST_PAUSE + FIRST_SECOND:
            return replace(silence, kind=Kind.PAUSE)
        if sort in (Sort.VOICE, Sort.UNKNOWN, None):
            return silence
    # Its first frame was sent behind the caller's frame; the agent is heard in the next one.
    answer = next((one for one in take.answers if one.at >= agent - 1), None)
    if answer is None or (goes_on is not None and answer.at > goes_on):
        return silence
    ended = next((one.ended for one in spoken if one.began <= last_voice < one.ended), None)
    if ended is None or ended > answer.at or _covering(spoken, last_voice) is not Sort.VOICE:
        return silence
    return replace(silence, kind=Kind.END, answer=answer, ended=ended)


def _covering(spoken: Sequence[Utterance], frame: int) -> Sort | None:
    """Of the utterance that was heard in a frame, or began soon after it."""
    return next((one.sort for one in spoken if one.began - AROUND <= frame <= one.ended), None)


def over_the_agent(take: Take) -> Iterator[Utterance]:
    """Sounds that began while it spoke, and that the record has an opinion of."""
    yield from (one for one in utterances(take) if one.over_agent)
