"""Words at their times. Pure.

Nobody tells when a word was said: those of a turn stand over the voice in which they were, each as long as
its letters. They are the record's: what LOG_TRANSCRIPTS has kept out of it is not in the picture either.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from server.audio.frames import FRAME_MS
from server.records.facts import TurnFacts
from server.records.shown import unheard_of
from server.timeline.lanes import Lanes
from server.timeline.levels import Levels

MS_A_CHARACTER = 70  # of speech, where no voice is known
CALLER, AGENT = "caller", "agent"


@dataclass(frozen=True)
class Word:
    """``heard``: False for what the agent had to say and the caller did not hear."""

    begin: int
    end: int
    who: str
    text: str
    turn: int
    heard: bool = True

    def plain(self, offset: int) -> dict[str, object]:
        return {
            "at": offset + self.begin,
            "to": offset + self.end,
            "who": self.who,
            "text": self.text,
            "turn": self.turn,
            "heard": self.heard,
        }


def words_of(turns: Sequence[TurnFacts], lanes: Lanes | None, levels: Levels | None) -> list[Word]:
    """``lanes`` and ``levels`` None: nothing but the turns is known."""
    voices = _voices(turns, lanes, levels.voiced) if lanes is not None and levels is not None else {}
    audible = levels.audible if levels is not None else []
    words: list[Word] = []
    for turn in turns:
        voice = voices.get(turn.number) or _guessed(turn.began_ms, turn.caller)
        words += _spread(turn.caller, voice, CALLER, turn.number)
        begin = turn.began_ms if lanes is None else lanes.speaks_from(turn.began_ms, turn.ended_ms)
        heard = [at * FRAME_MS for at in audible if begin <= at * FRAME_MS <= turn.ended_ms]
        if not heard and not turn.caller:
            heard = list(range(begin, max(begin + 1, turn.ended_ms), FRAME_MS))
        words += _spread(turn.agent, heard or _before(turn), AGENT, turn.number)
        words += _struck(turn)
    return words


def _voices(turns: Sequence[TurnFacts], lanes: Lanes, voiced: Set[int]) -> dict[int, list[int]]:
    """By turn, the moments in which its caller spoke: an utterance is the last turn's that had begun."""
    spoken = [turn for turn in turns if turn.caller]
    voices: dict[int, list[int]] = {}
    for one in lanes.utterances.values():
        of = [turn for turn in spoken if turn.began_ms <= one.begin <= turn.ended_ms]
        if of and one.end is not None:
            moments = range(one.begin, one.end, FRAME_MS)
            loud = [at for at in moments if at // FRAME_MS in voiced]
            voices.setdefault(of[-1].number, []).extend(loud or moments)
    return voices


def _guessed(begin: int, text: str) -> list[int]:
    return list(range(begin, begin + MS_A_CHARACTER * len(text), FRAME_MS))


def _before(turn: TurnFacts) -> list[int]:
    """Of an answer whose audio is not known: so that it ends when the turn does."""
    return _guessed(max(turn.began_ms, turn.ended_ms - MS_A_CHARACTER * len(turn.agent)), turn.agent)


def _struck(turn: TurnFacts) -> Iterator[Word]:
    unheard = [one for one in turn.decisions if one.what == "unheard"]
    for one, text in zip(unheard, unheard_of(turn), strict=True):
        for word in _spread(text, _guessed(one.at_ms, text), AGENT, turn.number):
            yield Word(word.begin, word.end, AGENT, word.text, turn.number, heard=False)


def _spread(text: str, moments: Sequence[int], who: str, turn: int) -> Iterator[Word]:
    """Over those moments, of a frame each."""
    words = text.split()
    letters = sum(len(word) + 1 for word in words)
    if not moments or not words:
        return
    begun = 0
    for word in words:
        first = moments[min(len(moments) - 1, begun * len(moments) // letters)]
        begun += len(word) + 1
        last = moments[max(0, min(len(moments), begun * len(moments) // letters) - 1)]
        yield Word(first, max(first, last) + FRAME_MS, who, word, turn)
