"""What the machine of one call is made of, for those who decide about it together."""

from dataclasses import dataclass

from server.turns.barge_in import BargeIn
from server.turns.call_state import CallState
from server.turns.current_turn import CurrentTurn
from server.turns.llm_allowance import Allowance
from server.turns.params import TurnParams
from server.turns.user_turn import UserTurns


@dataclass(frozen=True)
class Parts:
    """Each writes itself, and only itself."""

    params: TurnParams
    current: CurrentTurn
    users: UserTurns
    call: CallState
    barge_in: BargeIn
    allowance: Allowance
