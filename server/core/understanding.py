"""What a caller's turn amounts to, before the mind is asked (D4, E1, E3, F2, F3)."""

from enum import Enum

from server.core.memory import Asked, Memory
from server.core.turn import CallerTurn
from server.hebrew.backchannel import is_backchannel, is_interrupt, is_no, is_yes
from server.hebrew.speech_acts import says_goodbye, wants_person

NOTHING_SAID_FRAMES = 20  # an empty utterance under 400 ms of speech is nothing
PERSON_KEY = "0"


class Meaning(Enum):
    WORDS = "words"  # for the mind
    UNCLEAR = "unclear"  # something was said; ask again
    NOTHING = "nothing"  # nothing was said after all
    ECHO = "echo"  # our own words
    BACKCHANNEL = "backchannel"  # they only listen: go on
    GOODBYE = "goodbye"
    PERSON = "person"  # a human is asked for
    GO_AHEAD = "go ahead"  # they will leave a message
    MESSAGE = "message"  # what was left for the office
    TOO_LATE = "too late"  # the call has lasted long enough (F4)
    DECLINED = "declined"  # what our line has offered


def meaning_of(caller: CallerTurn, text: str, memory: Memory, clock: int) -> Meaning:
    """Judge a transcribed turn; ``text`` is its joined words without the doubtful ones."""
    if not text:
        return _of_no_words(caller)
    if caller.typed:
        alone = text == PERSON_KEY and memory.expected.digits != len(PERSON_KEY)
        return Meaning.PERSON if alone else Meaning.WORDS
    if wants_person(text):
        return Meaning.PERSON
    interrupts = is_interrupt(text)  # always real, but for a whole sentence of ours that has such a word
    if memory.is_echo(clock, text, near_us=caller.near_us and not interrupts):
        return Meaning.ECHO
    over_us = caller.cut_us or caller.all_over_us
    answers = memory.asked_a_question and (is_yes(text) or is_no(text))
    if over_us and is_backchannel(text) and not interrupts and not answers:
        return Meaning.BACKCHANNEL
    if says_goodbye(text):
        return Meaning.GOODBYE
    return _of_an_answer(text, memory.asked)


def _of_no_words(caller: CallerTurn) -> Meaning:
    if not caller.empty or caller.failed:
        return Meaning.UNCLEAR
    short = caller.speech_frames < NOTHING_SAID_FRAMES
    return Meaning.NOTHING if short or caller.cut_us or caller.all_over_us else Meaning.UNCLEAR


def _of_an_answer(text: str, asked: Asked | None) -> Meaning:
    """What a line of ours has asked for is answered, or something else is said."""
    if asked is not None and is_no(text):
        return Meaning.DECLINED
    if asked is Asked.CALL_BACK:
        return Meaning.PERSON if is_yes(text) else Meaning.WORDS
    if asked is Asked.MESSAGE:
        return Meaning.GO_AHEAD if is_yes(text) else Meaning.MESSAGE
    return Meaning.WORDS
