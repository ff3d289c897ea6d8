"""From an intent to what is said by the agent itself, without the LLM (E1, E4, F2, F3, F4, G2). Pure.

The counts of the call (turns in a row that were unclear, not heard, not answered) include the present turn.
"""

from server.turns.actions import Action, Decided
from server.turns.call_state import CallState
from server.turns.effects import NOTHING_TO_SAY, Act, EndCall, Transfer
from server.turns.expected_input import Asked
from server.turns.follow_up import Prompt
from server.turns.intent import Intent, of_an_answer
from server.turns.prompts import ACT_AFTER, DEAF_AFTER, asking_again, in_turn, offers
from server.turns.utterances import UserTurn

CALL_BACK = "מבקשים שיחזרו אליהם"  # the message of a caller who has only said yes to it
BROKEN_OFF = "השיחה הופסקה מצידנו, והבטחנו לחזור"  # and of one who was told so while the server went (F4)
BROKEN_OFF_HIDDEN = "השיחה הופסקה מצידנו, והמספר חסוי"
GAVE_UP = "לא הצלחנו לשמוע או לענות"
BY_RULE, BY_LLM = "a rule", "the LLM"  # who decided
SAYS_NOTHING = frozenset({NOTHING_TO_SAY, "..."})
LEFT = frozenset({Intent.MESSAGE, Intent.CALL_BACK})


def own_answer(intent: Intent, text: str, call: CallState) -> Prompt:
    """The LLM is not asked: a prompt answers ``text``, of this intent (E1, F2, F3, F4)."""
    if not answered_while_closing(intent, call):
        return farewell(call, text if intent is Intent.MESSAGE else "")
    prompts = call.prompts
    match intent:
        case Intent.UNCLEAR:
            return _unclear(call)
        case Intent.DEAF:
            return _deaf(call)
        case Intent.GOODBYE:
            return Prompt(call.worded(prompts.goodbye, text), acts=(EndCall(),))
        case Intent.TOO_LATE:
            return Prompt(call.worded(prompts.time_is_up, text), acts=(EndCall(),))
        case Intent.PERSON if call.person:
            return Prompt(call.worded(prompts.handing_over, text), acts=(Transfer(),))
        case Intent.PERSON if call.input.deaf_in_a_row:
            return _deaf(call)
        case Intent.PERSON:
            return Prompt(call.worded(prompts.no_person, text), Asked.MESSAGE)
        case Intent.GO_AHEAD:
            return Prompt(call.worded(prompts.go_ahead, text), Asked.MESSAGE)
        case Intent.MESSAGE | Intent.CALL_BACK:
            return _message_taken(CALL_BACK if intent is Intent.CALL_BACK else text, call)
        case _:
            return Prompt(call.worded(prompts.no_message, text))


def why_own(intent: Intent, call: CallState) -> Decided:
    """Why the LLM is not asked about a turn of this intent."""
    if not answered_while_closing(intent, call):
        return Decided("F4", "farewell", intent.value)
    match intent:
        case Intent.UNCLEAR:
            return Decided("E1", "unclear")
        case Intent.DEAF:
            return Decided("G2", "not heard")
        case Intent.GOODBYE:
            return Decided("F2", "goodbye", BY_RULE)
        case Intent.TOO_LATE:
            return Decided("F4", "time is up")
        case Intent.PERSON:
            return Decided("F3", "hand over" if call.person else "no person", BY_RULE)
        case _:
            return Decided("F3", "message", intent.value)


def why_ends(acts: tuple[Act, ...], call: CallState) -> list[Action]:
    """Why the call ends, or is handed over, behind what the LLM says; nothing when neither is so."""
    if Transfer() in acts:
        return [Decided("F3", "hand over" if call.person else "no person", BY_LLM)]
    return [Decided("F2", "goodbye", BY_LLM)] if EndCall() in acts else []


def answered_while_closing(intent: Intent, call: CallState) -> bool:
    """Once the server goes, everything but a goodbye, or the wish for a person, is answered by farewell."""
    return not call.closing or intent in (Intent.GOODBYE, Intent.PERSON)


def is_deaf(intent: Intent, call: CallState) -> bool:
    """The answer is that nothing could be heard, and counts as such."""
    keys = intent is Intent.PERSON and not call.person and bool(call.input.deaf_in_a_row)
    return intent is Intent.DEAF or keys


def farewell(call: CallState, message: str = "") -> Prompt:
    """F4: the last words, and with them the call is handed over or ends.

    ``message``: what the caller has just left for the office.
    """
    kept = (call.leads.with_message(message),) if message else ()
    if call.person:
        return Prompt(call.worded(call.prompts.closing_hand_over, message), acts=(*kept, Transfer()))
    reachable = call.can_be_called(message)
    broken_off = BROKEN_OFF if reachable else BROKEN_OFF_HIDDEN
    kept = kept or (call.leads.with_message("" if call.leads.message else broken_off),)
    line = call.prompts.closing_call_back if reachable else call.prompts.closing_hidden
    return Prompt(call.worded(line, message), acts=(*kept, EndCall()))


def without_llm(caller: UserTurn | None, words: str, call: CallState) -> Intent | None:
    """The LLM has failed: what a prompt has asked for is answered all the same; None for all else."""
    if caller is None or not words:
        return None
    intent = of_an_answer(caller, words, call)
    return intent if intent is not Intent.WORDS else None


def failure(call: CallState, acts: tuple[Act, ...]) -> Prompt:
    """There is no answer: a prompt says so, another one every time in a row (G2, G3)."""
    if call.input.failed_in_a_row >= ACT_AFTER:
        return _giving_up(call)
    if offers(call.input.failed_in_a_row):
        return _offer(call, acts)
    line = asking_again(call.prompts.llm_failed, call.input.failed_in_a_row)
    return Prompt(call.worded(line), acts=acts)


def wordless_parting(acts: tuple[Act, ...], call: CallState) -> Prompt:
    """The LLM ends the call or hands it over, and has said nothing: a question would end nothing (F2, F3)."""
    line = call.prompts.handing_over if Transfer() in acts else call.prompts.goodbye
    return Prompt(call.worded(line), acts=acts)


def already_said(acts: tuple[Act, ...], call: CallState) -> Prompt:
    """Every sentence of the reply was heard a moment ago (E4)."""
    line = in_turn(call.prompts.already_said, call.history.committed_turns)
    return Prompt(call.worded(line), acts=acts)


def possible(acts: tuple[Act, ...], call: CallState) -> tuple[Act, ...]:
    """Without a hand-over to nobody: an LLM may want it all the same."""
    return tuple(act for act in acts if call.person or not isinstance(act, Transfer))


def _unclear(call: CallState) -> Prompt:
    """E1: ask again, then offer, then act: hold music would be asked until the call's limit."""
    times = call.input.unclear_in_a_row
    if times >= ACT_AFTER:
        return _giving_up(call)
    if offers(times):
        return _offer(call)
    return Prompt(call.worded(asking_again(call.prompts.unclear, times)), call.input.asked)


def _deaf(call: CallState) -> Prompt:
    """The STT has failed, and to ask again is to ask for what cannot be heard: a person, or keys."""
    times, prompts = call.input.deaf_in_a_row, call.prompts
    if times < DEAF_AFTER:
        return Prompt(call.worded(prompts.not_heard), call.input.asked)
    if call.person:
        return Prompt(call.worded(prompts.deaf_hand_over), acts=(Transfer(),))
    if times >= ACT_AFTER:
        return _giving_up(call)
    line = prompts.deaf_keys if call.phone.number else prompts.deaf_keys_hidden
    return Prompt(call.worded(line), Asked.KEYS)


def _giving_up(call: CallState) -> Prompt:
    """Nothing helps: a person, else a line for the office and the end of the call (E1)."""
    prompts = call.prompts
    if call.person:
        return Prompt(call.worded(prompts.handing_over), acts=(Transfer(),))
    line = prompts.giving_up if call.can_be_called() else prompts.giving_up_hidden
    kept = call.leads.with_message("" if call.leads.message else GAVE_UP)
    return Prompt(call.worded(line), acts=(kept, EndCall()))


def _message_taken(text: str, call: CallState) -> Prompt:
    """It is kept whatever follows; a call back is promised where there is a number to call (F3)."""
    kept, prompts = call.leads.with_message(text), call.prompts
    if call.input.deaf_in_a_row >= DEAF_AFTER:
        return Prompt(call.worded(prompts.noted_goodbye), acts=(kept, EndCall()))
    if call.can_be_called(text):
        return Prompt(call.worded(prompts.message_taken, text), Asked.MORE, (kept,))
    if call.leads.message:  # the number was asked for
        return Prompt(call.worded(prompts.message_kept), Asked.MORE, (kept,))
    line = prompts.which_number if text == CALL_BACK else prompts.message_number
    return Prompt(call.worded(line), Asked.MESSAGE, (kept,))


def _offer(call: CallState, acts: tuple[Act, ...] = ()) -> Prompt:
    """A person, or a call back while there is nobody to talk to (E1)."""
    if call.person:
        return Prompt(call.worded(call.prompts.offer_person), Asked.PERSON, acts)
    return Prompt(call.worded(call.prompts.offer_call_back), Asked.CALL_BACK, acts)
