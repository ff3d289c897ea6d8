"""The phases of a turn and every way from one to another: this table is the design.

A turn is the agent's side of an exchange. It begins with the end of the caller's turn, or a little before it
(SPECULATIVE), or by itself (PREPARED: a greeting, an idle prompt), and ends when the caller has heard it
(FINISHED) or when it is cut short (DROPPED). An event that has no line here for the turn's phase comes too
early or too late: it changes nothing.

``docs/turn_phases.md`` has the diagrams, made of this table by ``python -m server.turns.diagram``.
"""

from enum import Enum


class State(Enum):
    """What the log says (B1). Between turns it is LISTENING."""

    LISTENING = "LISTENING"
    THINKING = "THINKING"
    SPEAKING = "SPEAKING"


class Phase(Enum):
    """Where a turn stands: the state that the log says, and what it means."""

    PREPARED = State.LISTENING, "a prompt waits for its first frame"
    INSISTING = State.LISTENING, "the farewell waits for its first frame, and nothing holds it back (F4)"
    SPECULATIVE = State.LISTENING, "the caller pauses; a reply is made in case the turn is over (B3)"
    TRANSCRIBING = State.THINKING, "the caller's turn is over, and its words are awaited"
    HELD = State.THINKING, "the words are known and unfinished; the LLM is asked again later (A7)"
    REPLYING = State.THINKING, "the words are known; the answer is being made"
    PLAYING = State.SPEAKING, "the answer is being heard"
    STOPPED = State.SPEAKING, "playout was stopped early, while a sound is judged (D1)"
    DIPPED = State.SPEAKING, "the answer goes on lower, until it is known what a voice over it says (D1)"
    NOTICE = State.SPEAKING, "a prompt is heard that no voice stops (B6)"
    FAREWELL = State.SPEAKING, "the last words of a server that goes: no voice stops them, no LLM adds (F4)"
    FINISHED = State.LISTENING, "over: it has come to its own end"
    DROPPED = State.LISTENING, "over: it was cut short"

    def __init__(self, state: State, meaning: str) -> None:
        self.state = state
        self.meaning = meaning


class TurnEvent(Enum):
    """What can happen to a turn."""

    # the caller
    USER_TURN_ENDED = "the end of the caller's turn"
    USER_RESUMED = "the caller goes on, or has said something else"
    TRANSCRIBED = "every word of the caller's is known"
    NOTHING_SAID = "there was nothing to answer, or nothing is left to be said"
    HINT_GOES_ON = "there was nothing to answer, and a thinking hint is being heard"
    # the LLM
    REPLY_SENTENCE = "a sentence of the LLM"
    REPLY_DONE = "the end of the LLM's reply"
    LLM_FAILED = "no (more) sentences will come"
    NOT_FINISHED = "the LLM finds that the caller has not finished"
    ONLY_LISTENS = "the LLM finds that the caller only listens"
    HOLD_OVER = "the wait for an unfinished caller is over"
    OVERDUE = "the turn's deadline has passed"
    # playout
    REPLY_STARTS = "the first frame is sent"
    NOTICE_STARTS = "the first frame of a protected prompt is sent"
    FAREWELL_STARTS = "what is heard are the last words of the call"
    SOUND = "perhaps a voice during playout, where that is enough to stop it"
    VOICE_OVER = "a voice during playout, or perhaps one, where that lowers the agent's first"
    NOISE = "it was none"
    NOTHING_MEANT = "what was said over the agent's voice was nothing, an echo, or a nod"
    INTERRUPTED = "a confirmed voice, or a key"
    PLAYOUT_DONE = "the caller has heard the end"
    # the server goes
    CLOSING_DOWN = "the server will be gone in seconds"
    OUT_OF_PATIENCE = "nobody has paused in time"


_P, _E = Phase, TurnEvent

TRANSITIONS: dict[tuple[Phase, TurnEvent], Phase] = {
    (_P.PREPARED, _E.REPLY_STARTS): _P.PLAYING,
    (_P.PREPARED, _E.NOTICE_STARTS): _P.NOTICE,
    (_P.PREPARED, _E.FAREWELL_STARTS): _P.FAREWELL,
    (_P.PREPARED, _E.USER_TURN_ENDED): _P.DROPPED,
    (_P.PREPARED, _E.INTERRUPTED): _P.DROPPED,
    (_P.PREPARED, _E.CLOSING_DOWN): _P.DROPPED,
    (_P.PREPARED, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.INSISTING, _E.FAREWELL_STARTS): _P.FAREWELL,
    #
    (_P.SPECULATIVE, _E.REPLY_SENTENCE): _P.SPECULATIVE,
    (_P.SPECULATIVE, _E.REPLY_DONE): _P.SPECULATIVE,
    (_P.SPECULATIVE, _E.LLM_FAILED): _P.SPECULATIVE,
    (_P.SPECULATIVE, _E.USER_TURN_ENDED): _P.TRANSCRIBING,
    (_P.SPECULATIVE, _E.USER_RESUMED): _P.DROPPED,
    (_P.SPECULATIVE, _E.NOT_FINISHED): _P.DROPPED,
    (_P.SPECULATIVE, _E.ONLY_LISTENS): _P.DROPPED,
    (_P.SPECULATIVE, _E.INTERRUPTED): _P.DROPPED,
    (_P.SPECULATIVE, _E.CLOSING_DOWN): _P.DROPPED,
    (_P.SPECULATIVE, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.TRANSCRIBING, _E.REPLY_SENTENCE): _P.TRANSCRIBING,
    (_P.TRANSCRIBING, _E.REPLY_DONE): _P.TRANSCRIBING,
    (_P.TRANSCRIBING, _E.LLM_FAILED): _P.TRANSCRIBING,
    (_P.TRANSCRIBING, _E.NOT_FINISHED): _P.TRANSCRIBING,  # held once its words are known
    (_P.TRANSCRIBING, _E.ONLY_LISTENS): _P.TRANSCRIBING,
    (_P.TRANSCRIBING, _E.TRANSCRIBED): _P.REPLYING,
    (_P.TRANSCRIBING, _E.OVERDUE): _P.REPLYING,
    (_P.TRANSCRIBING, _E.INTERRUPTED): _P.DROPPED,
    (_P.TRANSCRIBING, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.HELD, _E.HOLD_OVER): _P.REPLYING,
    (_P.HELD, _E.OVERDUE): _P.REPLYING,
    (_P.HELD, _E.CLOSING_DOWN): _P.REPLYING,
    (_P.HELD, _E.INTERRUPTED): _P.DROPPED,
    (_P.HELD, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.REPLYING, _E.REPLY_SENTENCE): _P.REPLYING,
    (_P.REPLYING, _E.REPLY_DONE): _P.REPLYING,
    (_P.REPLYING, _E.LLM_FAILED): _P.REPLYING,
    (_P.REPLYING, _E.NOT_FINISHED): _P.HELD,
    (_P.REPLYING, _E.ONLY_LISTENS): _P.REPLYING,
    (_P.REPLYING, _E.OVERDUE): _P.REPLYING,
    (_P.REPLYING, _E.CLOSING_DOWN): _P.REPLYING,
    (_P.REPLYING, _E.REPLY_STARTS): _P.PLAYING,
    (_P.REPLYING, _E.HINT_GOES_ON): _P.PLAYING,
    (_P.REPLYING, _E.FAREWELL_STARTS): _P.FAREWELL,
    (_P.REPLYING, _E.NOTHING_SAID): _P.FINISHED,
    (_P.REPLYING, _E.INTERRUPTED): _P.DROPPED,
    (_P.REPLYING, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.PLAYING, _E.REPLY_SENTENCE): _P.PLAYING,
    (_P.PLAYING, _E.REPLY_DONE): _P.PLAYING,
    (_P.PLAYING, _E.LLM_FAILED): _P.PLAYING,
    (_P.PLAYING, _E.SOUND): _P.STOPPED,
    (_P.PLAYING, _E.VOICE_OVER): _P.DIPPED,
    (_P.PLAYING, _E.CLOSING_DOWN): _P.PLAYING,
    (_P.PLAYING, _E.FAREWELL_STARTS): _P.FAREWELL,
    (_P.PLAYING, _E.PLAYOUT_DONE): _P.FINISHED,
    (_P.PLAYING, _E.INTERRUPTED): _P.DROPPED,
    (_P.PLAYING, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.STOPPED, _E.REPLY_SENTENCE): _P.STOPPED,
    (_P.STOPPED, _E.REPLY_DONE): _P.STOPPED,
    (_P.STOPPED, _E.LLM_FAILED): _P.STOPPED,
    (_P.STOPPED, _E.NOISE): _P.PLAYING,
    (_P.STOPPED, _E.CLOSING_DOWN): _P.STOPPED,
    (_P.STOPPED, _E.FAREWELL_STARTS): _P.FAREWELL,
    (_P.STOPPED, _E.INTERRUPTED): _P.DROPPED,
    (_P.STOPPED, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.DIPPED, _E.REPLY_SENTENCE): _P.DIPPED,
    (_P.DIPPED, _E.REPLY_DONE): _P.DIPPED,
    (_P.DIPPED, _E.LLM_FAILED): _P.DIPPED,
    (_P.DIPPED, _E.NOISE): _P.PLAYING,
    (_P.DIPPED, _E.NOTHING_MEANT): _P.PLAYING,
    (_P.DIPPED, _E.CLOSING_DOWN): _P.DIPPED,
    (_P.DIPPED, _E.FAREWELL_STARTS): _P.FAREWELL,
    (_P.DIPPED, _E.PLAYOUT_DONE): _P.FINISHED,
    (_P.DIPPED, _E.INTERRUPTED): _P.DROPPED,
    (_P.DIPPED, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    (_P.NOTICE, _E.CLOSING_DOWN): _P.NOTICE,
    (_P.NOTICE, _E.PLAYOUT_DONE): _P.FINISHED,
    (_P.NOTICE, _E.OUT_OF_PATIENCE): _P.DROPPED,
    #
    # Nothing of an LLM's: it has come to its end, and what it decided now would replace the end of the call.
    (_P.FAREWELL, _E.PLAYOUT_DONE): _P.FINISHED,
}
