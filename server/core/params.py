"""The knobs of the conversation as the core takes them: in frames and words."""

from dataclasses import dataclass

from server.core.endpointing import EndpointingParams


@dataclass(frozen=True)
class DialogueParams:
    """What ``Dialogue`` is made with. ``greeting`` empty: none. ``hint_after_frames`` 0: no hint."""

    endpointing: EndpointingParams
    vad_rms: int
    barge_in_rms: int
    barge_in: bool
    refractory_frames: int
    greeting: str
    hint: str
    hint_after_frames: int
    dedup_frames: int
    min_confidence: float
    history_turns: int
