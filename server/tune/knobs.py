"""The settings that decide what is heard of a caller: those that are tried on recorded calls."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, Self

from server.audio.vad import Vad
from server.config import Config
from server.knobs import knob_text
from server.settings.turn_params import dialogue_params
from server.turns.params import TurnParams


@dataclass(frozen=True, slots=True)
class Knobs:
    """Named as in ``Config``, with its units."""

    vad_engine: str
    vad_rms: int
    min_utt_sec: float
    vad_hangover_ms: int
    max_utt_sec: float
    min_voiced_ms: int
    adaptive_silence_ms: int
    incomplete_hold_ms: int
    barge_in: bool
    barge_in_voice_frames: int
    barge_in_rms: int
    barge_in_early_stop: bool

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """``given``: names in either case, values or the texts that set them; the rest as by default.

        Raises pydantic's ValidationError for a value that is none.
        """
        named = {name.lower(): value for name, value in given.items()}
        config = _config({field.name: named[field.name] for field in fields(cls) if field.name in named})
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})

    def but(self, name: str, value: Any) -> Self:
        """The same with another value of one."""
        return replace(self, **{name: value})

    def params(self) -> TurnParams:
        """As the turn machine takes them."""
        return _params(self)

    def vad(self) -> Vad:
        """A new call's."""
        params = self.params()
        return Vad(params.vad_rms, params.barge_in_rms, early_stop=params.early_stop)

    def other_than(self, base: Self) -> dict[str, tuple[str, str]]:
        """Name in capitals to the texts of its value there and here, where they differ."""
        pairs = {field.name: (getattr(base, field.name), getattr(self, field.name)) for field in fields(self)}
        return {
            name.upper(): (knob_text(before), knob_text(now))
            for name, (before, now) in pairs.items()
            if before != now
        }


@lru_cache(maxsize=1000)
def _params(knobs: Knobs) -> TurnParams:
    return dialogue_params(_config(asdict(knobs)))


def _config(given: Mapping[str, object]) -> Config:
    """Neither the environment nor a file of this machine has a say: calls were recorded elsewhere."""
    defaults = {name: field.default for name, field in Config.model_fields.items()}
    values: dict[str, Any] = {**defaults, "lines_file": "", **given}
    return Config(**values)
