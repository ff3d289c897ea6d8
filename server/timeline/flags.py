"""What the record tells of a call's turns, as marks of the picture: decisions, waits, interruptions. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.records.decisions import in_words
from server.records.decisions_he import in_words_he
from server.records.facts import TurnFacts
from server.records.shown import gap_in_words, turn_lines, unheard_of
from server.records.shown_he import gap_in_words_he, turn_lines_he
from server.records.story import FALSE_BARGE_INS
from server.timeline.lanes import Lanes
from server.tune.duplex.eva import latency_score

CUT_IN = {("D1", "stopped early"), ("D1", "lower"), ("D2", "interrupted"), ("D2", "nearly over")}
FULL_LEVEL = ("D4", "full level")
NO_NOD = ("D4", "no nod")


@dataclass
class BargeIn:
    """A sound over the agent's voice that stopped or lowered it. ``end``: when that was over.

    ``false``: the agent went on behind it.
    """

    begin: int
    end: int
    turn: int
    false: bool = False

    def plain(self, offset: int) -> dict[str, object]:
        return {
            "at": offset + self.begin,
            "to": offset + self.end,
            "turn": self.turn,
            "false": self.false,
        }


def turn_plain(turn: TurnFacts, offset: int) -> dict[str, object]:
    """``lines``: as ``./start_all.sh call`` prints them; ``lines_he``: each in Hebrew."""
    return {
        "number": turn.number,
        "from": offset + turn.began_ms,
        "to": offset + turn.ended_ms,
        "caller": turn.caller,
        "agent": turn.agent,
        "unheard": unheard_of(turn),
        "ended": turn.ended,
        "errors": list(turn.errors),
        "early_dropped": turn.speculative_dropped,
        "lines": turn_lines(turn),
        "lines_he": turn_lines_he(turn),
    }


def flags_of(turn: TurnFacts, offset: int) -> list[dict[str, object]]:
    """Its decisions, in words."""
    return [
        {
            "at": offset + one.at_ms,
            "turn": turn.number,
            "rule": one.rule,
            "what": one.what,
            "text": in_words(one.rule, one.what, one.why),
            "text_he": in_words_he(one.rule, one.what, one.why),
        }
        for one in turn.decisions
    ]


def gaps_of(turns: Sequence[TurnFacts], lanes: Lanes, offset: int) -> Iterator[dict[str, object]]:
    """Each wait for an answer, with EVA's score for it; and what was not answered at all."""
    told = [turn for turn in turns if turn.gap is not None]
    for at, ms in lanes.answers:
        of = next((turn for turn in told if turn.gap and turn.gap.total_ms == ms and _in(at, turn)), None)
        text, text_he = f"{ms / 1000:.2f} s", f"{ms / 1000:.2f} שנ׳"
        if of is not None and of.gap is not None:
            told.remove(of)
            text, text_he = gap_in_words(of.gap), gap_in_words_he(of.gap)
        yield {
            "from": offset + at - ms,
            "to": offset + at,
            "ms": ms,
            "score": round(latency_score(ms / 1000), 3),
            "text": text,
            "text_he": text_he,
            "turn": of.number if of is not None else None,
        }
    for turn in turns:
        if turn.caller and not turn.agent and turn.gap is None and turn.ended in ("cut", "dropped"):
            spoken = [one.end for one in lanes.utterances.values() if one.end and _in(one.end, turn)]
            yield {
                "from": offset + max(spoken, default=turn.began_ms),
                "to": offset + turn.ended_ms,
                "ms": None,
                "score": 0.0,
                "text": "not answered",
                "text_he": "לא נענה",
                "turn": turn.number,
            }


def _in(at: int, turn: TurnFacts) -> bool:
    return turn.began_ms <= at <= turn.ended_ms


def barge_ins_of(turns: Sequence[TurnFacts]) -> list[BargeIn]:
    """By the decisions on them."""
    found: list[BargeIn] = []
    judged = True  # the last one
    for turn in turns:
        for one in turn.decisions:
            key = (one.rule, one.what)
            if key in CUT_IN:
                if judged or one.rule == "D1":
                    found.append(BargeIn(one.at_ms, one.at_ms, turn.number))
                found[-1].end, judged = one.at_ms, one.rule == "D2"
            elif found and (key in FALSE_BARGE_INS or (key == FULL_LEVEL and not judged)):
                found[-1].end, found[-1].false, judged = one.at_ms, True, True
            elif found and key == NO_NOD:
                found[-1].false = False
    return found
