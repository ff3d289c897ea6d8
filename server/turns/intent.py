"""What a caller's turn amounts to, before the LLM is asked (D4, E1, E3, F2, F3)."""

from enum import Enum

from server.hebrew.understand.answers import is_answer, is_no, is_yes
from server.hebrew.understand.backchannel import is_interrupt, only_listens
from server.hebrew.understand.courtesy import is_courtesy
from server.hebrew.understand.digits import digits_at_end, number_in
from server.hebrew.understand.finished import Ending, ending_of
from server.hebrew.understand.questions import is_question
from server.hebrew.understand.speech_acts import asks_to_repeat, says_goodbye, wants_person
from server.hebrew.words import words_of
from server.turns.call_state import CallState
from server.turns.expected_input import Asked
from server.turns.utterances import UserTurn

NOTHING_SAID_FRAMES = 20  # an empty utterance under 400 ms of speech is nothing
MOST_WORDS_OF_A_LISTENER = 3  # that the LLM is asked about
MOST_WORDS_FOR_A_PERSON = 6  # "אפשר בבקשה לדבר עם נציג אנושי"
PERSON_KEY, CALL_BACK_KEY = "0", "1"
TELEPHONE_DIGITS = 7


class Intent(Enum):
    WORDS = "words"  # for the LLM
    UNCLEAR = "unclear"  # something was said; ask again
    NOTHING = "nothing"  # nothing was said after all
    ECHO = "echo"  # the agent's own words
    BACKCHANNEL = "backchannel"  # they only listen: go on
    GOODBYE = "goodbye"
    PERSON = "person"  # a human is asked for
    GO_AHEAD = "go ahead"  # they will leave a message
    MESSAGE = "message"  # what was left for the office
    CALL_BACK = "call back"  # they want to be called back
    DEAF = "deaf"  # something was said, and the STT has failed to hear it
    TOO_LATE = "too late"  # the call has lasted long enough (F4)
    DECLINED = "declined"  # what a prompt has offered


def meaning_of(caller: UserTurn, text: str, call: CallState, clock: int, *, parting: bool = False) -> Intent:
    """Judge a transcribed turn; ``text`` is its joined words without the doubtful ones.

    ``parting``: the agent was saying goodbye, or handing over: a "thanks" is then a backchannel.
    The first words of a call are never a goodbye (F2): people open it with "שבת שלום".
    """
    if not text:
        return _of_no_words(caller)
    if caller.typed:
        return _of_keys(text, call)
    if parting and is_courtesy(text):
        return Intent.BACKCHANNEL
    if wants_person(text):
        return Intent.PERSON
    interrupts = is_interrupt(text)  # always real, unless the agent has said each word of it
    if call.echo.is_echo(clock, text, caller.overlap, interrupts=interrupts):
        return Intent.ECHO
    if (caller.interrupts or caller.all_in_playout) and _only_listens(text, call, clock):
        return Intent.BACKCHANNEL
    if call.history.committed_turns and says_goodbye(text):
        return Intent.GOODBYE
    if call.takes_messages:
        return _of_an_offer(text, call)
    return of_an_answer(caller, text, call)


def _only_listens(text: str, call: CallState, clock: int) -> bool:
    asked = call.input.asked_a_question
    answers = asked and is_answer(text, call.echo.last_words)
    return not answers and only_listens(text, call.echo.said_lately(clock), asked=asked)


def may_only_listen(caller: UserTurn, text: str, call: CallState) -> bool:
    """D4: a word or two that no list knows interrupted; the LLM may find that the caller only listens.

    ``text`` has been judged to be for the LLM.
    """
    if not caller.interrupts or caller.typed or call.input.asked_a_question:
        return False
    words = words_of(text)
    if len(words) > MOST_WORDS_OF_A_LISTENER or any(number_in(word) is not None for word in words):
        return False
    unfinished = ending_of(text, call.input.expected.digits) is Ending.UNFINISHED
    known = is_interrupt(text) or is_question(text) or is_yes(text) or is_no(text) or asks_to_repeat(text)
    return not (unfinished or known or "?" in text)


def tells_more(meaning: Intent, text: str) -> bool:
    """They ask for a person, and have told of themselves before it: that is for an LLM, if they go."""
    words = words_of(text)
    number = any(number_in(word) is not None for word in words)
    return meaning is Intent.PERSON and len(words) > 1 and (number or len(words) > MOST_WORDS_FOR_A_PERSON)


def _of_keys(keys: str, call: CallState) -> Intent:
    if keys == PERSON_KEY:
        return Intent.PERSON
    number = len(keys) >= TELEPHONE_DIGITS
    if call.input.asked is Asked.KEYS:
        if keys == CALL_BACK_KEY and call.phone.number:
            return Intent.CALL_BACK
        return Intent.MESSAGE if number else Intent.DEAF
    asked = not call.takes_messages and call.input.asked in (Asked.MESSAGE, Asked.MORE)
    return Intent.MESSAGE if number and asked else Intent.WORDS


def _of_no_words(caller: UserTurn) -> Intent:
    if caller.failed and caller.empty:
        return Intent.DEAF
    if not caller.empty:
        return Intent.UNCLEAR
    short = caller.speech_frames < NOTHING_SAID_FRAMES
    return Intent.NOTHING if short or caller.interrupts or caller.all_in_playout else Intent.UNCLEAR


def _of_an_offer(text: str, call: CallState) -> Intent:
    """An LLM listens, and knows what a prompt has asked: a plain yes needs nobody to judge it."""
    offers = {Asked.PERSON: Intent.PERSON, Asked.CALL_BACK: Intent.CALL_BACK}
    offered = offers.get(call.input.asked) if call.input.asked else None
    return offered if offered and is_yes(text, call.echo.last_words) else Intent.WORDS


def of_an_answer(caller: UserTurn, text: str, call: CallState) -> Intent:
    """What a prompt has asked for is answered, or something else is said."""
    asked, question = call.input.asked, call.echo.last_words
    if asked is None:
        return Intent.WORDS
    if asked is Asked.MORE:
        goes_on = caller.interrupts or len(digits_at_end(text)) >= TELEPHONE_DIGITS
        return Intent.MESSAGE if goes_on and not is_question(text) else Intent.WORDS
    if is_no(text, question):
        return Intent.DECLINED
    if asked is Asked.MESSAGE:
        if is_yes(text, question):
            return Intent.GO_AHEAD
        return Intent.WORDS if is_interrupt(text) or is_question(text) else Intent.MESSAGE
    if not is_yes(text, question):
        return Intent.WORDS
    return Intent.PERSON if asked is Asked.PERSON else Intent.CALL_BACK
