"""Models that their vendor ends: on which day, and what to set in their place.

What a vendor's server tells comes first (``providers.openai.ends``); the table is for one that tells nothing.
Sources of the table: developers.openai.com/api/docs/deprecations, the docstrings of ``openai`` 3.54
(types/chat_model.py, types/audio/, types/realtime/), soniox.com/docs (tts/models); read 2026-11-29.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

NEAR_DAYS = 90
_SNAPSHOT = re.compile(r"-\d{4}-\d\d-\d\d\Z")
# By vendor. Snapshots, which have a date behind the name, end with their model.
ANNOUNCED: Mapping[str, Mapping[str, str]] = {
    "OPENAI": {
        "2026-12-11": "gpt-5 gpt-5-mini gpt-5-nano o3",
        "2027-01-06": "tts-1 tts-1-hd gpt-4o-mini-tts",
        "2027-01-14": "gpt-4o gpt-4o-mini gpt-4.1 gpt-4.1-mini",
        "2027-01-20": "gpt-realtime gpt-realtime-mini gpt-audio-mini",
        "2027-02-26": "whisper-1 gpt-4o-transcribe gpt-4o-mini-transcribe gpt-4o-transcribe-diarize",
        "2027-04-01": "gpt-5.4-nano gpt-5.1",
    },
    "SONIOX": {"2026-08-31": "tts-rt-v1 tts-rt-v1-preview"},
}
# None of these has an announced end.
INSTEAD: Mapping[str, tuple[str, ...]] = {
    "OPENAI_STT_MODEL": ("gpt-live-transcribe",),
    "OPENAI_LLM_MODEL": ("gpt-5.4-mini", "gpt-6-luna"),
    "OPENAI_TTS_MODEL": ("gpt-realtime-2.1-mini",),
    "SONIOX_TTS_MODEL": ("tts-rt-v2",),
}
_ENDS = {
    vendor: {model: date.fromisoformat(day) for day, models in ends.items() for model in models.split()}
    for vendor, ends in ANNOUNCED.items()
}


@dataclass(frozen=True)
class ModelEnd:
    """``setting`` names ``model``, which its vendor shuts down on the day ``on``: from then on it is gone."""

    setting: str
    model: str
    on: date

    def is_over(self, today: date) -> bool:
        return self.on <= today

    def is_near(self, today: date) -> bool:
        """Within NEAR_DAYS, or over."""
        return (self.on - today).days <= NEAR_DAYS

    def told(self, today: date) -> str:
        """What ends, when, and what to set: a line without an end of its own."""
        days = (self.on - today).days
        left = f"in {days} day{'s' * (days > 1)}"
        when = f"has ended on {self.on}" if self.is_over(today) else f"ends on {self.on}, {left}"
        instead = " or ".join(f"{self.setting}={model}" for model in INSTEAD.get(self.setting, ()))
        return f"{self.setting}={self.model} {when}: set {instead or f'{self.setting} to another model'}"


def announced(setting: str, model: str) -> ModelEnd | None:
    """The end of ``model`` by the table; None where there is none. ``setting`` begins with the vendor."""
    ends = _ENDS.get(setting.partition("_")[0], {})
    on = ends.get(model) or ends.get(_SNAPSHOT.sub("", model))
    return ModelEnd(setting, model, on) if on is not None else None


def today() -> date:
    """By the wall's clock: for the edges, which tell it to what is here. Tests put another in its place."""
    return date.today()
