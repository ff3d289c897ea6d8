"""A reply that goes on lower under the caller's voice: what is said over it ends it, or does not.

dipped --> the voice has lasted half a second    --> silence: the caller has the turn
       --> its words say more than a listener's  --> silence, and they are answered
       --> over, and nothing, an echo, or a nod  --> full level: the reply was never stopped
       --> the reply is over before it is known  --> what was said is a turn of its own
"""

from server.audio.endpointing import BRIEF_FRAMES
from server.audio.frames import FRAMES_PER_S
from server.turns.actions import Action, Decided, Log
from server.turns.intent import Intent
from server.turns.judge import IntentJudge
from server.turns.learning import learn
from server.turns.parts import Parts
from server.turns.phases import Phase
from server.turns.turn import Turn
from server.turns.user_turn import GUESS_LAG_FRAMES
from server.turns.utterances import UserTurn

LASTS_FRAMES = 23  # from its onset, which is two frames or so into it: half a second
WORDS_FRAMES = (
    BRIEF_FRAMES + GUESS_LAG_FRAMES
)  # where interim words come, those of half a second are waited for
LONGEST_NODS_FRAMES = 2 * FRAMES_PER_S  # of a voice whose words so far are nods
IGNORED = frozenset({Intent.NOTHING, Intent.ECHO, Intent.BACKCHANNEL})


class DippedReply:
    """Looks once a frame, while there is one. Not thread-safe."""

    def __init__(self, parts: Parts, judge: IntentJudge) -> None:
        self._parts = parts
        self._judge = judge
        self._nod: tuple[object, ...] | None = None  # the words judged last, when they were a listener's

    def weigh(self) -> list[Action]:
        """What is to become of the reply now; mostly nothing."""
        turn, users = self._parts.current.turn, self._parts.users
        if turn is None or turn.phase is not Phase.DIPPED:
            return []
        self._parts.call.echo.speaking(self._parts.current.clock, turn.playout.heard()[1])
        said = users.said_over()
        if self._says_more(said) or self._has_lasted(said):
            return self._parts.barge_in.interrupt()
        if users.busy or users.perhaps_speaking or not users.pending.transcribed:
            return []
        return self._over(turn, users.pending)

    def _says_more(self, said: UserTurn) -> bool:
        """By its words so far; they are judged when there are others, here or of ours, not at each frame."""
        params, echo = self._parts.params, self._parts.call.echo
        text, _ = said.join(params.min_confidence, params.dedup_frames)
        if not text:
            return False
        words = (said.segments[-1].utterance_id, text, echo.last_words)
        if words != self._nod and self._judge.intent_of(said, text) not in IGNORED:
            return True
        self._nod = words
        self._parts.users.close_behind_nods()
        return False

    def _has_lasted(self, said: UserTurn) -> bool:
        """The voice goes on for too long to be a nod; as long as its words are nods, for longer."""
        users = self._parts.users
        if said.segments and said.segments[-1].text:
            return users.voice_frames > LONGEST_NODS_FRAMES
        return users.voice_frames > (WORDS_FRAMES if users.stt_guesses else LASTS_FRAMES)

    def _over(self, turn: Turn, said: UserTurn) -> list[Action]:
        """All that was said over the reply is known."""
        parts = self._parts
        back = Log(f"FULL_LEVEL turn={turn.turn_id}")
        if not said.segments:
            turn.go_on()
            return [back, Decided("D4", "full level")]
        params = parts.params
        text, _ = said.join(params.min_confidence, params.dedup_frames)
        intent = self._judge.intent_of(said, text)
        if intent not in IGNORED:  # not understood, or not heard
            return parts.barge_in.interrupt()
        learn(parts, parts.users.take_pending(), intent, text, during_playout=True)
        turn.come_back()
        actions: list[Action] = [Log("ASR_TEXT:", text)] if text else []
        if intent is not Intent.NOTHING:
            actions.append(Log(f"{intent.name} → ignore"))
        return [*actions, back, Decided("D4", "full level", text)]
