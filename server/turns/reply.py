"""Our side of a turn: sentences from the LLM, lines of our own, and the audio of both."""

from dataclasses import replace

from server.hebrew.understand.speech_acts import asks_to_repeat
from server.hebrew.words import fingerprint, normalise
from server.turns.actions import Action, ApplyEffect, GenerateReply, Log, Synthesize
from server.turns.effects import NOTHING_TO_SAY, Act, EndCall, Expected, SaveLead, Transfer, ends_call
from server.turns.events import (
    Event,
    LlmFailed,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.history import Asked, CallHistory
from server.turns.intent import Intent, of_an_answer
from server.turns.playout import HINT_INDEX
from server.turns.prompts import ACT_AFTER, DEAF_AFTER, asking_again, in_turn, offers
from server.turns.turn import InterruptedReply, Thought, Turn

MAX_SENTENCES = 64  # of one reply; an LLM that runs on is not listened to any more
CALL_BACK = "מבקשים שיחזרו אליהם"  # the message of who has only said yes to it
BROKEN_OFF = "השיחה הופסקה מצידנו, והבטחנו לחזור"  # and of who was told so while the server went (F4)
BROKEN_OFF_HIDDEN = "השיחה הופסקה מצידנו, והמספר חסוי"
GAVE_UP = "לא הצלחנו לשמוע או לענות"
SAYS_NOTHING = frozenset({NOTHING_TO_SAY, "..."})


# ---- asked ---------------------------------------------------------------------------------------


def ask_llm(
    turn: Turn,
    text: str,
    memory: CallHistory,
    *,
    may_wait: bool = False,
    may_listen: bool = False,
    gone: bool = False,
) -> list[Action]:
    """The LLM is to answer ``text``; once the caller is ``gone``, to keep what is worth it."""
    turn.asked = GenerateReply(
        turn.turn_id,
        text,
        memory.history,
        memory.committed_turns + 1,
        may_wait=may_wait,
        may_listen=may_listen,
        caller=memory.caller_with(text),
        person=memory.person,
        gone=gone,
    )
    turn.thought = Thought.AT_WORK
    return [turn.asked]


def take_up(turn: Turn, leftover: InterruptedReply) -> list[Action]:
    """Say what was left of a reply that was dropped; what the LLM did not come to say is asked for (D4)."""
    cut, kept = leftover.turn, leftover.kept
    turn.fixed, turn.before = cut.is_line, (*cut.before, *kept.before)
    turn.expected, turn.acts, turn.asks = cut.expected, cut.acts, cut.asks
    turn.asked = None if cut.asked is None else _asked_again(cut.asked, turn.turn_id)
    actions: list[Action] = []
    for text, audio in kept.sentences:
        if audio is None:
            actions += _say(turn, text)
        else:
            turn.playout.adopt(turn.sentences, text, audio)
            turn.sentences += 1
    turn.playout.complete = kept.complete or cut.asked is None
    turn.thought = Thought.BROKEN if cut.thought is Thought.AT_WORK else cut.thought
    if turn.playout.complete or turn.asked is None:
        return actions
    turn.thought = Thought.AT_WORK
    said = " ".join((*turn.before, *(text for text, _ in kept.sentences)))
    return [*actions, replace(turn.asked, said=said)]


def _asked_again(asked: GenerateReply, turn_id: int) -> GenerateReply:
    """For the rest of an answer: there is one."""
    return replace(asked, turn_id=turn_id, may_wait=False, may_listen=False)


# ---- said ----------------------------------------------------------------------------------------


def advance(turn: Turn, event: Event, memory: CallHistory, hint: str) -> list[Action]:
    """The turn's LLM or voice have got on."""
    match event:
        case ReplyDelay(_, frames):
            turn.breath_frames = frames
        case ReplySentence(_, text):
            return say_sentence(turn, text, memory)
        case ReplyDone():
            turn.thought = Thought.WHOLE if event.judged else Thought.BROKEN
            return _reply_done(turn, event.expected, event.acts, memory)
        case LlmFailed(_, reason):
            turn.thought = Thought.BROKEN
            return [Log("LLM_ERR:", cause=reason), *no_more_sentences(turn, memory)]
        case TtsAudio() | TtsSentenceDone():
            take_audio(turn, event, hint)
    return []


def _reply_done(turn: Turn, expected: Expected, acts: tuple[Act, ...], memory: CallHistory) -> list[Action]:
    """The LLM has decided too. Whoever is asked something is neither hung up on nor handed over (F2)."""
    turn.expected = expected
    if any(map(ends_call, acts)) and turn.asks_the_caller:
        turn.acts = tuple(act for act in acts if not ends_call(act))
        turn.asks = Asked.PERSON if Transfer() in acts and memory.person else None
        return [Log(f"ENDS_NOTHING a question, turn={turn.turn_id}"), *no_more_sentences(turn, memory)]
    turn.acts = _possible(acts, memory)
    nobody = say_nobody_is_there(turn, memory) if Transfer() in acts and not memory.person else []
    return [*nobody, *no_more_sentences(turn, memory)]


def say_line(turn: Turn, line: str, *, asks: Asked | None = None, acts: tuple[Act, ...] = ()) -> list[Action]:
    """Say a fixed line, and nothing after it."""
    turn.fixed = True
    turn.asks, turn.acts = asks, acts
    actions = _say(turn, line)
    turn.playout.complete = True
    return actions


def say_own_answer(turn: Turn, meaning: Intent, text: str, memory: CallHistory) -> list[Action]:
    """The LLM is not asked: this is answered by a line of ours (E1, F2, F3, F4)."""
    if memory.closing and meaning not in (Intent.GOODBYE, Intent.PERSON):
        return say_farewell(turn, memory, text if meaning is Intent.MESSAGE else "")
    asks: Asked | None = None
    acts: tuple[Act, ...] = ()
    match meaning:
        case Intent.UNCLEAR:
            return _say_unclear(turn, memory)
        case Intent.DEAF:
            return _say_deaf(turn, memory)
        case Intent.GOODBYE:
            line, acts = memory.lines.goodbye, (EndCall(),)
        case Intent.TOO_LATE:
            line, acts = memory.lines.time_is_up, (EndCall(),)
        case Intent.PERSON if memory.person:
            line, acts = memory.lines.handing_over, (Transfer(),)
        case Intent.PERSON if memory.deaf_in_a_row:
            return _say_deaf(turn, memory)
        case Intent.PERSON:
            line, asks = memory.lines.no_person, Asked.MESSAGE
        case Intent.GO_AHEAD:
            line, asks = memory.lines.go_ahead, Asked.MESSAGE
        case Intent.MESSAGE | Intent.CALL_BACK:
            return _take_message(turn, CALL_BACK if meaning is Intent.CALL_BACK else text, memory)
        case _:
            line = memory.lines.no_message
    return say_line(turn, memory.worded(line, text), asks=asks, acts=acts)


def _say_unclear(turn: Turn, memory: CallHistory) -> list[Action]:
    """E1: ask again, then offer, then act: hold music would be asked until the call's limit."""
    memory.unclear_in_a_row += 1
    if memory.unclear_in_a_row >= ACT_AFTER:
        return _give_up(turn, memory)
    if offers(memory.unclear_in_a_row):
        return _offer(turn, memory)
    line = asking_again(memory.lines.unclear, memory.unclear_in_a_row)
    return say_line(turn, memory.worded(line), asks=memory.asked)


def _say_deaf(turn: Turn, memory: CallHistory) -> list[Action]:
    """The STT has failed, and to ask again is to ask for what cannot be heard: a person, or keys."""
    memory.deaf_in_a_row += 1
    if memory.deaf_in_a_row < DEAF_AFTER:
        return say_line(turn, memory.worded(memory.lines.not_heard), asks=memory.asked)
    if memory.person:
        return say_line(turn, memory.worded(memory.lines.deaf_hand_over), acts=(Transfer(),))
    if memory.deaf_in_a_row >= ACT_AFTER:
        return _give_up(turn, memory)
    line = memory.lines.deaf_keys if memory.call.number else memory.lines.deaf_keys_hidden
    return say_line(turn, memory.worded(line), asks=Asked.KEYS)


def _give_up(turn: Turn, memory: CallHistory) -> list[Action]:
    """Nothing helps: a person, else a line for the office and the end of the call (E1)."""
    if memory.person:
        return say_line(turn, memory.worded(memory.lines.handing_over), acts=(Transfer(),))
    line = memory.lines.giving_up if memory.can_be_called() else memory.lines.giving_up_hidden
    kept = for_the_office(memory, "" if memory.message else GAVE_UP)
    return say_line(turn, memory.worded(line), acts=(kept, EndCall()))


def _take_message(turn: Turn, text: str, memory: CallHistory) -> list[Action]:
    """It is kept whatever follows; a call back is promised where there is a number to call (F3)."""
    kept = for_the_office(memory, text)
    turn.thought = Thought.NONE  # whatever an LLM would have made of it
    reachable = memory.can_be_called(text)
    if memory.deaf_in_a_row >= DEAF_AFTER:
        return say_line(turn, memory.worded(memory.lines.noted_goodbye), acts=(kept, EndCall()))
    if reachable:
        return say_line(turn, memory.worded(memory.lines.message_taken, text), asks=Asked.MORE, acts=(kept,))
    if memory.message:  # the number was asked for
        return say_line(turn, memory.worded(memory.lines.message_kept), asks=Asked.MORE, acts=(kept,))
    line = memory.lines.which_number if text == CALL_BACK else memory.lines.message_number
    return say_line(turn, memory.worded(line), asks=Asked.MESSAGE, acts=(kept,))


def say_farewell(turn: Turn, memory: CallHistory, message: str = "") -> list[Action]:
    """F4: the server will be gone: our last line, and with it the call is handed over or ends.

    ``message``: what the caller has just left for the office.
    """
    kept = (for_the_office(memory, message),) if message else ()
    if memory.person:
        return say_line(
            turn, memory.worded(memory.lines.closing_hand_over, message), acts=(*kept, Transfer())
        )
    reachable = memory.can_be_called(message)
    broken_off = BROKEN_OFF if reachable else BROKEN_OFF_HIDDEN
    kept = kept or (for_the_office(memory, "" if memory.message else broken_off),)
    line = memory.lines.closing_call_back if reachable else memory.lines.closing_hidden
    return say_line(turn, memory.worded(line, message), acts=(*kept, EndCall()))


def say_sentence(turn: Turn, text: str, memory: CallHistory) -> list[Action]:
    """Say the LLM's next sentence, unless it has no word in it or was heard a moment ago (E4)."""
    if not normalise(text) or turn.sentences >= MAX_SENTENCES - 1:
        return []
    if turn.resumes:  # an LLM that cannot go on from the middle says it all again
        already = (*turn.before, *(sentence.text for sentence in turn.playout.sentences))
        return [] if fingerprint(text) in map(fingerprint, already) else _say(turn, text)
    # The question that ends a reply was not answered: without it the caller would not know what is wanted.
    still_open = turn.sentences and text.rstrip().endswith("?")
    if memory.just_said(turn.began_at, text) and not still_open and not asks_to_repeat(turn.text):
        turn.skipped += 1
        return []
    return _say(turn, text)


def no_more_sentences(turn: Turn, memory: CallHistory) -> list[Action]:
    """The LLM is done; if that left nothing to say, a line of ours is said."""
    if turn.sentences or turn.resumes:
        turn.playout.complete = True
        return []
    if turn.parting:  # a question of ours would end nothing, and the LLM has decided (F2, F3)
        line = memory.lines.handing_over if Transfer() in turn.acts else memory.lines.goodbye
        return say_line(turn, memory.worded(line), acts=turn.acts)
    if turn.skipped:
        memory.may_say_it_again()
        return say_line(
            turn, memory.worded(in_turn(memory.lines.already_said, memory.committed_turns)), acts=turn.acts
        )
    return say_failure(turn, memory)


def say_failure(turn: Turn, memory: CallHistory) -> list[Action]:
    """There is no answer: a line of ours, another one every time in a row (G2, G3)."""
    if memory.closing:
        return say_farewell(turn, memory)
    if turn.caller is not None and turn.words:  # what our line has asked for is answered, as without an LLM
        meaning = of_an_answer(turn.caller, turn.words, memory)
        if meaning is not Intent.WORDS:
            return say_own_answer(turn, meaning, turn.words, memory)
    memory.failed_in_a_row += 1
    if memory.failed_in_a_row >= ACT_AFTER:
        return _give_up(turn, memory)
    if offers(memory.failed_in_a_row):
        return _offer(turn, memory, acts=turn.acts)
    line = asking_again(memory.lines.llm_failed, memory.failed_in_a_row)
    return say_line(turn, memory.worded(line), acts=turn.acts)


def say_nobody_is_there(turn: Turn, memory: CallHistory) -> list[Action]:
    """F3: the LLM wants to hand over to nobody."""
    turn.asks = Asked.MESSAGE
    return _say(turn, memory.worded(memory.lines.no_person))


def take_audio(turn: Turn, event: TtsAudio | TtsSentenceDone, hint: str) -> None:
    """The voice has made some of a sentence, or all of it."""
    if isinstance(event, TtsSentenceDone):
        turn.playout.end_sentence(event.index)
    elif event.index != HINT_INDEX:
        turn.playout.add_audio(event.index, event.mulaw_8k)
    elif not turn.playout.ready_frames:  # the hint is for want of a reply (B5)
        turn.playout.add_hint(hint, event.mulaw_8k)


def finish_hint(turn: Turn) -> bool:
    """Nothing was said after all: let the hint that is being heard come to its end; False without one."""
    turn.fixed = turn.playout.complete = turn.playout.audible
    return turn.playout.audible


def _say(turn: Turn, text: str) -> list[Action]:
    turn.playout.add(turn.sentences, text)
    turn.sentences += 1
    return [Synthesize(turn.turn_id, turn.sentences - 1, text)]


def for_the_office(memory: CallHistory, text: str) -> SaveLead:
    """What was left so far, and ``text``."""
    return SaveLead((("message", f"{memory.message} {text}".strip()),))


def _offer(turn: Turn, memory: CallHistory, acts: tuple[Act, ...] = ()) -> list[Action]:
    """A person, or a call back while there is nobody to talk to (E1)."""
    if memory.person:
        line, asks = memory.lines.offer_person, Asked.PERSON
    else:
        line, asks = memory.lines.offer_call_back, Asked.CALL_BACK
    return say_line(turn, memory.worded(line), asks=asks, acts=acts)


# ---- done ----------------------------------------------------------------------------------------


def acts_due(turn: Turn, memory: CallHistory, *, heard: bool) -> list[Action]:
    """What was decided: a lead is kept once the turn is committed, the rest waits until it was heard.

    An LLM knows only what was heard, so it may decide the same again: that is done once.
    """
    due = [act for act in turn.acts if heard or isinstance(act, SaveLead)]
    turn.acts = tuple(act for act in turn.acts if act not in due)
    return [ApplyEffect(act) for act in due if memory.first_time(act)]


def _possible(acts: tuple[Act, ...], memory: CallHistory) -> tuple[Act, ...]:
    """Without a hand-over to nobody: an LLM may want it all the same."""
    return tuple(act for act in acts if memory.person or not isinstance(act, Transfer))
