"""What a caller's turn amounts to, before the mind is asked (D4, E1, E3, F2, F3)."""

from enum import Enum

from server.hebrew.understand.answers import is_answer, is_no, is_yes
from server.hebrew.understand.backchannel import is_interrupt, only_listens
from server.hebrew.understand.courtesy import is_courtesy
from server.hebrew.understand.digits import digits_at_end, number_in
from server.hebrew.understand.finished import Ending, ending_of
from server.hebrew.understand.questions import is_question
from server.hebrew.understand.speech_acts import asks_to_repeat, says_goodbye, wants_person
from server.hebrew.words import words_of
from server.turns.history import Asked, Memory
from server.turns.turn import CallerTurn

NOTHING_SAID_FRAMES = 20  # an empty utterance under 400 ms of speech is nothing
MOST_WORDS_OF_A_LISTENER = 3  # that the mind is asked about
MOST_WORDS_FOR_A_PERSON = 6  # "אפשר בבקשה לדבר עם נציג אנושי"
PERSON_KEY, CALL_BACK_KEY = "0", "1"
TELEPHONE_DIGITS = 7


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
    CALL_BACK = "call back"  # they want to be called back
    DEAF = "deaf"  # something was said, and the STT has failed to hear it
    TOO_LATE = "too late"  # the call has lasted long enough (F4)
    DECLINED = "declined"  # what our line has offered


def meaning_of(
    caller: CallerTurn, text: str, memory: Memory, clock: int, *, parting: bool = False
) -> Meaning:
    """Judge a transcribed turn; ``text`` is its joined words without the doubtful ones.

    ``parting``: what was cut, or said last, was our goodbye or hand-over: thanks for that are no new wish.
    The first words of a call are never a goodbye (F2): people open it with "שבת שלום".
    """
    if not text:
        return _of_no_words(caller)
    if caller.typed:
        return _of_keys(text, memory)
    if parting and is_courtesy(text):
        return Meaning.BACKCHANNEL
    if wants_person(text):
        return Meaning.PERSON
    interrupts = is_interrupt(text)  # always real, unless we have said each word of it ourselves
    if memory.is_echo(clock, text, caller.near, interrupts=interrupts):
        return Meaning.ECHO
    if (caller.cut_us or caller.all_over_us) and _only_listens(text, memory, clock):
        return Meaning.BACKCHANNEL
    if memory.committed_turns and says_goodbye(text):
        return Meaning.GOODBYE
    if memory.takes_messages:
        return _of_an_offer(text, memory)
    return of_an_answer(caller, text, memory)


def _only_listens(text: str, memory: Memory, clock: int) -> bool:
    asked = memory.asked_a_question
    answers = asked and is_answer(text, memory.last_words)
    return not answers and only_listens(text, memory.said_lately(clock), asked=asked)


def may_only_listen(caller: CallerTurn, text: str, memory: Memory) -> bool:
    """D4: they cut us with a word or two that no list knows, and that the mind may find to be only listening.

    ``text`` has been judged to be for the mind.
    """
    if not caller.cut_us or caller.typed or memory.asked_a_question:
        return False
    words = words_of(text)
    if len(words) > MOST_WORDS_OF_A_LISTENER or any(number_in(word) is not None for word in words):
        return False
    unfinished = ending_of(text, memory.expected.digits) is Ending.UNFINISHED
    known = is_interrupt(text) or is_question(text) or is_yes(text) or is_no(text) or asks_to_repeat(text)
    return not (unfinished or known or "?" in text)


def tells_more(meaning: Meaning, text: str) -> bool:
    """They ask for a person, and have told of themselves before it: that is for a mind, if they go."""
    words = words_of(text)
    number = any(number_in(word) is not None for word in words)
    return meaning is Meaning.PERSON and len(words) > 1 and (number or len(words) > MOST_WORDS_FOR_A_PERSON)


def _of_keys(keys: str, memory: Memory) -> Meaning:
    if keys == PERSON_KEY:
        return Meaning.PERSON
    number = len(keys) >= TELEPHONE_DIGITS
    if memory.asked is Asked.KEYS:
        if keys == CALL_BACK_KEY and memory.call.number:
            return Meaning.CALL_BACK
        return Meaning.MESSAGE if number else Meaning.DEAF
    asked = not memory.takes_messages and memory.asked in (Asked.MESSAGE, Asked.MORE)
    return Meaning.MESSAGE if number and asked else Meaning.WORDS


def _of_no_words(caller: CallerTurn) -> Meaning:
    if caller.failed and caller.empty:
        return Meaning.DEAF
    if not caller.empty:
        return Meaning.UNCLEAR
    short = caller.speech_frames < NOTHING_SAID_FRAMES
    return Meaning.NOTHING if short or caller.cut_us or caller.all_over_us else Meaning.UNCLEAR


def _of_an_offer(text: str, memory: Memory) -> Meaning:
    """An LLM listens, and knows what our line has asked: a plain yes needs nobody to judge it."""
    offers = {Asked.PERSON: Meaning.PERSON, Asked.CALL_BACK: Meaning.CALL_BACK}
    offered = offers.get(memory.asked) if memory.asked else None
    return offered if offered and is_yes(text, memory.last_words) else Meaning.WORDS


def of_an_answer(caller: CallerTurn, text: str, memory: Memory) -> Meaning:
    """What a line of ours has asked for is answered, or something else is said."""
    asked, question = memory.asked, memory.last_words
    if asked is None:
        return Meaning.WORDS
    if asked is Asked.MORE:
        goes_on = caller.cut_us or len(digits_at_end(text)) >= TELEPHONE_DIGITS
        return Meaning.MESSAGE if goes_on and not is_question(text) else Meaning.WORDS
    if is_no(text, question):
        return Meaning.DECLINED
    if asked is Asked.MESSAGE:
        if is_yes(text, question):
            return Meaning.GO_AHEAD
        return Meaning.WORDS if is_interrupt(text) or is_question(text) else Meaning.MESSAGE
    if not is_yes(text, question):
        return Meaning.WORDS
    return Meaning.PERSON if asked is Asked.PERSON else Meaning.CALL_BACK
