"""What can be tuned by: event logs of calls, and WAV files of a caller's turn alone."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from server.audio.endpointing import OnsetThreshold
from server.audio.frames import FRAME_BYTES, SILENT_FRAME, FrameHeard, level_rms
from server.audio.silero import SpeechModel
from server.event_log.reader import EventLog, NoEventLog, read_log
from server.hear.recording import Unread, recordings_in
from server.tune.hearing import hear
from server.tune.knobs import Knobs
from server.tune.tape import Answered, DoesNotComeOutAgain, Take, take_of

BEHIND = 200  # frames of silence behind a WAV: any setting has ended the turn by then

Found = Take | str  # or why there is none


class LoggedCall:
    """An event log, as ``take_of`` takes it."""

    def __init__(self, name: str, log: EventLog) -> None:
        self.name = name
        self.knobs: dict[str, object] = dict(log.header.knobs)
        self.params = log.params
        self.audio = log.header.audio
        self.events: Sequence[Answered] = [(seen.event, seen.actions) for seen in log.seen]


def logged(files: Iterable[Path]) -> Iterator[Found]:
    """Of each file."""
    for file in files:
        try:
            yield _anchored(take_of(LoggedCall(file.name, read_log(file))))
        except OSError as error:
            yield f"{file.name}: cannot be read ({error.strerror})"
        except NoEventLog as error:
            yield f"{file.name} {error}"
        except DoesNotComeOutAgain as error:
            yield f"{file.name}: {error}; its words may be left out, or it is of another version"


def _anchored(take: Take) -> Take:
    """The same, if the settings of the record hear what was heard. Raises DoesNotComeOutAgain."""
    hearing = hear(take, take.knobs)
    if hearing.changes != tuple(take.heard):
        raise DoesNotComeOutAgain("its own settings hear something else than it did")
    return take


def wav_folder(folder: Path, knobs: Knobs) -> Iterator[Found]:
    """Each file one turn: its last voice is its end. Raises OSError."""
    for recording in recordings_in(folder):
        if isinstance(recording, Unread):
            yield f"{recording.name} {recording.why}"
        else:
            yield turn_alone(recording.name, recording.mulaw_8k, knobs)


def turn_alone(name: str, mulaw_8k: bytes, knobs: Knobs) -> Take:
    """μ-law of one turn, heard by the speech model of these settings."""
    whole = len(mulaw_8k) - len(mulaw_8k) % FRAME_BYTES
    audio = [mulaw_8k[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]
    audio += [SILENT_FRAME] * BEHIND
    levels = [level_rms(frame) for frame in audio]
    model = SpeechModel(knobs.vad_rms) if knobs.vad_engine == "silero" else None
    speech = [None if model is None else model.feed(*one) for one in zip(audio, levels, strict=True)]
    pairs = zip(levels, speech, strict=True)
    return Take(
        name=name,
        knobs=knobs,
        frames=[FrameHeard(b"", rms, probability) for rms, probability in pairs],
        thresholds=[OnsetThreshold.ORDINARY] * len(audio),
        audio=audio,
        alone=True,
    )
