"""What is heard: a caller's audio, and the words really said where somebody wrote them down."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.audio.frames import SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.hear.wav_file import NotReadable, caller_pcm16
from server.settings.text_file import NoText, read_text


@dataclass(frozen=True)
class Recording:
    """What one caller said at once, wherever it was kept: everything else here knows this type only.

    ``said``: the words really said, "" for nothing; None: nobody wrote them down.
    """

    name: str
    mulaw_8k: bytes
    said: str | None = None

    @property
    def seconds(self) -> float:
        return len(self.mulaw_8k) / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Unread:
    """A file of which no recording can be made, and why."""

    name: str
    why: str


def recordings_in(folder: Path) -> Iterator[Recording | Unread]:
    """The WAV files of ``folder`` by their names, each with the text beside it. Raises OSError."""
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav"):
        try:
            yield _recording(path)
        except OSError as error:
            yield Unread(path.name, f"cannot be read ({error.strerror})")
        except (NotReadable, NoText) as error:
            yield Unread(path.name, str(error))


def _recording(path: Path) -> Recording:
    mulaw_8k = pcm16_to_mulaw(caller_pcm16(path.read_bytes()))
    written = path.with_suffix(".txt")
    if not written.exists():
        return Recording(path.name, mulaw_8k)
    try:
        return Recording(path.name, mulaw_8k, read_text(written))
    except NoText as error:
        raise NoText(f"{written.name}: {error}") from None
