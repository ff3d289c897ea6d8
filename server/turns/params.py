"""The knobs of the conversation as the core takes them: in frames and words."""

from dataclasses import dataclass

from server.audio.endpointing import EndpointingParams
from server.turns.prompts import Lines


@dataclass(frozen=True)
class TurnParams:
    """What ``TurnMachine`` is made with.

    ``greeting`` empty: none. 0 frames: no hint, no idle prompt, no limit. 0 ``early_starts``: none (B3).
    ``early_stop``: loud frames stop playout, else a confirmed voice (D1). ``dips``: what stops it lowers it
    first. ``hold_frames``: how long a caller
    who asked to wait is left alone (F7). ``lines``: as this agent says them.
    """

    endpointing: EndpointingParams
    vad_rms: int
    barge_in_rms: int
    barge_in: bool
    early_stop: bool
    dips: bool
    refractory_frames: int
    greeting: str
    greeting_protected: bool
    hint: str
    hint_after_frames: int
    dedup_frames: int
    min_confidence: float
    history_turns: int
    early_starts: int
    idle_frames: int
    idle_prompts: int
    hold_frames: int
    call_frames: int
    lines: Lines
