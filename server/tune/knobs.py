"""The settings that decide what is heard of a caller: those that are tried on recorded calls."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, Self

from pydantic import ValidationError

from server.audio.frames import FRAME_MS, FRAMES_PER_S
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

    @classmethod
    def in_force(cls, params: TurnParams, given: Mapping[str, object]) -> Self:
        """Of a call that was decided by ``params``. ``given``: as for ``of``, by the log of that call.

        ``given`` has the texts that were set; but it leaves out what was a default then and may be none now,
        and has what this version no longer takes. What the machine was given stands in ``params``. Raises
        ValueError where no settings of this version come to those.
        """
        read = _read_off(params)
        for said in ({**read, **_known(given)}, read):
            try:
                knobs = cls.of(said)
                if _heard_by(knobs.params()) == _heard_by(params):
                    return knobs
            except ValidationError:
                continue
        raise ValueError("no settings of this version hear as it did")

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


def _known(given: Mapping[str, object]) -> dict[str, object]:
    names = {field.name for field in fields(Knobs)}
    return {name.lower(): value for name, value in given.items() if name.lower() in names}


def _read_off(params: TurnParams) -> dict[str, object]:
    """The settings that come to these counts."""
    ending = params.endpointing
    usual_bar = params.barge_in_rms == dialogue_params(_config({"vad_rms": params.vad_rms})).barge_in_rms
    return {
        "vad_engine": "energy" if ending.energy_only else "silero",
        "vad_rms": params.vad_rms,
        "min_utt_sec": ending.silence_frames / FRAMES_PER_S,
        "vad_hangover_ms": ending.hangover_frames * FRAME_MS,
        "max_utt_sec": ending.max_speech_frames / FRAMES_PER_S,
        "min_voiced_ms": ending.min_voiced_frames * FRAME_MS,
        "adaptive_silence_ms": ending.adaptive_frames * FRAME_MS,
        "incomplete_hold_ms": ending.hold_frames * FRAME_MS,
        "barge_in": params.barge_in,
        "barge_in_voice_frames": ending.barge_in_frames,
        "barge_in_rms": 0 if usual_bar else params.barge_in_rms,
        "barge_in_early_stop": params.early_stop and not ending.energy_only,
    }


def _heard_by(params: TurnParams) -> tuple[object, ...]:
    """All that the hearing takes of them."""
    return params.endpointing, params.vad_rms, params.barge_in_rms, params.early_stop, params.barge_in


@lru_cache(maxsize=1000)
def _params(knobs: Knobs) -> TurnParams:
    return dialogue_params(_config(asdict(knobs)))


def _config(given: Mapping[str, object]) -> Config:
    """Neither the environment nor a file of this machine has a say: calls were recorded elsewhere."""
    defaults = {name: field.default for name, field in Config.model_fields.items()}
    values: dict[str, Any] = {**defaults, "lines_file": "", **given}
    return Config(**values)
