"""What a caller's turn amounts to, before the mind is asked (E1, E3)."""

from enum import Enum

from server.core.memory import Memory
from server.core.turn import CallerTurn

NOTHING_SAID_FRAMES = 20  # an empty utterance under 400 ms of speech is nothing


class Meaning(Enum):
    WORDS = "words"  # for the mind
    UNCLEAR = "unclear"  # something was said; ask again
    NOTHING = "nothing"  # nothing was said after all
    ECHO = "echo"  # our own words


def meaning_of(caller: CallerTurn, text: str, memory: Memory, clock: int) -> Meaning:
    """Judge a transcribed turn; ``text`` is its joined words without the doubtful ones."""
    if text:
        return Meaning.ECHO if memory.is_echo(clock, text, near_us=caller.near_us) else Meaning.WORDS
    if not caller.empty or caller.failed:
        return Meaning.UNCLEAR
    short = caller.speech_frames < NOTHING_SAID_FRAMES
    return Meaning.NOTHING if short or caller.cut_us or caller.all_over_us else Meaning.UNCLEAR
