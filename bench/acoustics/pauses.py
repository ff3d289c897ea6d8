"""Pauses inside Hebrew sentences, and real ends: ``python -m bench.acoustics.pauses`` (A3, A7, B3).

Sentences of the embedded voice with a pause of 300 to 900 ms put into each, where nobody ends (half of them)
or where one might. Whole calls in simulated time through the real speech model; the STT' partial
results follow the audio 250 ms behind. Printed: how often the agent speaks into a pause, and how long the
caller waits at the real end. The LLM never says "…" here: its second opinion would come on top.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

from bench.acoustics.tracks import Track, spoken
from bench.options import options
from server.audio.frames import FRAME_BYTES, SAMPLE_RATE_HZ, level_rms, pcm16_to_mulaw
from server.audio.silero import SpeechModel
from server.providers.base import Transcript
from server.runtime.threads import Channel, Closed
from server.turns.effects import Expected
from tests.simtime.call import SimCall
from tests.simtime.engines import SimStt

UNFINISHED = (  # nobody ends where the bar is
    "אני מחפש דירה של | ארבעה חדרים",
    "אני רוצה לבוא עם | אשתי ביום ראשון",
    "לא הגעתי אתמול כי | הייתי חולה",
    "הדירה צריכה להיות קרובה אל | בית הספר",
    "אני מעוניין לקנות את | הדירה ברחוב הרצל",
    "המספר שלי אפס חמש שתיים | שלוש ארבע חמש שש שבע שמונה תשע",
    "הטלפון הוא אפס חמישים שבע שבע | אחת שתיים שלוש ארבע חמש שש",
    "אנחנו גרים היום בחיפה אבל | רוצים לעבור למרכז",
    "אפשר לראות אותה לפני | יום שישי",
    "אני מחפשת משהו בלי | מדרגות",
    "חשוב לי שיהיה גם | מקום לחניה",
    "אני צריך להתייעץ עם | הבנק שלי",
)
OPEN = (  # one might end there
    "אני מחפש דירה | בתל אביב",
    "ארבעה חדרים | עם מרפסת גדולה",
    "עד שלושה מיליון שקלים | לא יותר מזה",
    "אפשר ביום ראשון | בשעות הערב",
    "קראתי על הדירה באתר | והיא מוצאת חן בעיניי",
    "אנחנו משפחה גדולה | חמש נפשות",
    "המחיר קצת גבוה | אולי אפשר להוריד",
    "אני גר בחולון | ועובד בתל אביב",
    "הבית ישן | צריך שיפוץ",
    "אני רוצה למכור | את הדירה של ההורים",
    "דיברתי עם דנה | היא ביקשה שאתקשר",
    "כן בבקשה | תודה רבה",
)
PAUSES_MS = (300, 500, 700, 900)
START_S = 1.0
PARTIAL_LAG_S = 0.25
ENGINES_S = {"50/50/50": (0.05, 0.05, 0.05), "200/350/150": (0.2, 0.35, 0.15)}


@dataclass(frozen=True)
class Word:
    text: str
    from_s: float
    until_s: float


@dataclass(frozen=True)
class Story:
    """One sentence with its pause on the caller's line; times in seconds of the call."""

    track: Track
    words: tuple[Word, ...]
    pause_from_s: float
    pause_until_s: float
    end_s: float


def voiced_length_s(pcm16_8k: bytes) -> float:
    """Until its last voiced frame."""
    mulaw = pcm16_to_mulaw(pcm16_8k)
    frames = [mulaw[at : at + FRAME_BYTES] for at in range(0, len(mulaw), FRAME_BYTES)]
    return max(n + 1 for n, frame in enumerate(frames) if level_rms(frame) > 210) / 50


def words_in(part: str, from_s: float, length_s: float) -> Iterator[Word]:
    """Each word's stretch of the audio, in proportion to its letters."""
    letters, said = len(part.replace(" ", "")), 0
    for text in part.split():
        begin, said = said, said + len(text)
        yield Word(text, from_s + length_s * begin / letters, from_s + length_s * said / letters)


@cache
def story(sentence: str, pause_ms: int) -> Story:
    first, second = (part.strip() for part in sentence.split("|"))
    pause_from_s = START_S + voiced_length_s(spoken(first))
    pause_until_s = pause_from_s + pause_ms / 1000
    end_s = pause_until_s + voiced_length_s(spoken(second))
    track = Track(end_s + 5)
    track.put(START_S, spoken(first)[: 2 * int((pause_from_s - START_S) * SAMPLE_RATE_HZ)])
    track.put(pause_until_s, spoken(second))
    before = words_in(first, START_S, pause_from_s - START_S)
    after = words_in(second, pause_until_s, end_s - pause_until_s)
    return Story(track, (*before, *after), pause_from_s, pause_until_s, end_s)


class StreamingStt(SimStt):
    """Hears the words whose audio it is given, and guesses as it goes, ``lag_s`` behind (None: never)."""

    words: Sequence[Word] = ()
    lag_s: float | None = PARTIAL_LAG_S

    @property
    def guesses(self) -> bool:
        return self.lag_s is not None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.finished_at: list[float] = []

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> "_Streaming":  # type: ignore[override]
        return _Streaming(self)


class _Streaming:
    def __init__(self, stt: StreamingStt) -> None:
        self._stt = stt
        self._runtime = stt.runtime
        self._from_s: float | None = None
        self._until_s = 0.0
        self._out: Channel[Transcript] = Channel(stt.runtime, 1000)

    def feed(self, mulaw_8k: bytes) -> None:
        now, length_s = self._runtime.now, len(mulaw_8k) / SAMPLE_RATE_HZ
        if self._from_s is None:
            self._from_s = self._until_s = now - length_s
        known = len(self._heard())
        self._until_s += length_s
        if self._stt.lag_s is None:
            return
        for number in range(known, len(self._heard())):
            text = " ".join(word.text for word in self._heard()[: number + 1])
            due = max(now, self._heard()[number].until_s + self._stt.lag_s)
            self._runtime.call_at(due, partial(self._out.put, Transcript(text, is_final=False)))

    def finish(self) -> None:
        self._stt.finished_at.append(self._runtime.now)
        text = " ".join(word.text for word in self._heard())
        self._runtime.call_at(self._runtime.now + self._stt.delay_s, partial(self._last, text))

    def cancel(self) -> None:
        self._out.close()

    def __iter__(self) -> Iterator[Transcript]:
        while True:
            try:
                yield self._out.get(None)
            except Closed:
                return

    def _heard(self) -> list[Word]:
        """The words of which the audio fed so far has most."""
        from_s = (self._from_s or 0.0) - 0.1
        return [w for w in self._stt.words if w.from_s > from_s and w.until_s <= self._until_s + 0.02]

    def _last(self, text: str) -> None:
        self._out.put(Transcript(text, 1.0))
        self._out.close()


@dataclass(frozen=True)
class Settings:
    """One column of the table."""

    holds: bool
    early: bool
    providers: str

    def __str__(self) -> str:
        return f"A7 {'on ' if self.holds else 'off'}  early start {'on ' if self.early else 'off'}"


@dataclass(frozen=True)
class Told:
    """What a call came to. ``gap_ms``: from the caller's last voice to the answer; None: there was none."""

    spoke_into_pause: bool  # a frame of the reply was sent before the caller went on
    cut_short: bool  # the turn was taken in the pause, audible or not
    gap_ms: int | None


def tell(story: Story, settings: Settings) -> Told:
    """One call in which the caller says one sentence with a pause in it."""
    asr_s, llm_s, tts_s = ENGINES_S[settings.providers]
    knobs = {
        "ai_greeting_he": "",
        "incomplete_hold_ms": 700 if settings.holds else 0,
        "speculative_turns": settings.early,
    }
    speech = partial(SpeechModel, 210)
    call = SimCall([], speech=speech, track=story.track.mulaw, llm_s=llm_s, tts_s=tts_s, knobs=knobs)
    call.stt = StreamingStt(call.runtime, [], asr_s)
    call.stt.words = story.words
    call.run(story.end_s + 5)
    frames = call.sent("media")
    answers = [at for at in frames if at >= story.end_s]
    into_pause = any(story.pause_from_s < at < story.pause_until_s for at in frames)
    taken = [at for at in call.stt.finished_at if story.pause_from_s < at < story.pause_until_s]
    return Told(into_pause, bool(taken), round((answers[0] - story.end_s) * 1000) if answers else None)


def row(settings: Settings, sentences: tuple[str, ...], pauses_ms: tuple[int, ...] = PAUSES_MS) -> str:
    told = {ms: [tell(story(sentence, ms), settings) for sentence in sentences] for ms in pauses_ms}
    spoke = "  ".join(f"{sum(t.spoke_into_pause for t in told[ms]):2}" for ms in pauses_ms)
    taken = "  ".join(f"{sum(t.cut_short for t in told[ms]):2}" for ms in pauses_ms)
    gaps = sorted(t.gap_ms for some in told.values() for t in some if t.gap_ms is not None)
    missing = sum(t.gap_ms is None for some in told.values() for t in some)
    p95 = gaps[int(len(gaps) * 0.95)]
    return f"{spoke}     {taken}     {statistics.median(gaps):5.0f} {p95:5}   {missing}"


def main() -> int:
    print(f"Generated speech; {len(UNFINISHED)} sentences a cell. Pauses of {PAUSES_MS} ms.")
    print(
        "spoke: into the pause, of 12 for each length; ended: utterances ended in it; gap: at the real end.\n"
    )
    for providers, (name, sentences) in product(ENGINES_S, (("unfinished", UNFINISHED), ("open", OPEN))):
        print(f"engines {providers} ms, pause at a place that is {name}")
        print(f"{'':30}  spoke              ended            gap ms: median p95  no answer")
        for holds, early in product((False, True), (False, True)):
            settings = Settings(holds, early, providers)
            print(f"  {settings!s:28}  {row(settings, sentences)}", flush=True)
    return 0


if __name__ == "__main__":
    options(__doc__).parse_args()
    sys.exit(main())
