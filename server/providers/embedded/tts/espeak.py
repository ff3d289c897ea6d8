"""espeak-ng by ctypes: phoneme text in, PCM16 at 22,050 Hz out.

espeak is one global per process and aborts when two threads enter it, so one lock guards everything here,
loading included. It is a lock of the operating system (see ``oslock``): call ``speak`` through
``native_calls.run_native``.
"""

import atexit
import ctypes
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from typing import Any

from server.runtime.oslock import os_lock

ESPEAK_RATE_HZ = 22_050

_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # otherwise espeak ends the process when its data is missing
_UTF8_WITH_PHONEMES = 0x1 | 0x100
_POSITION_CHARACTER = 1
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
# espeak copies the data path into a fixed buffer and fails at about 190 bytes; half of that is safe.
_LONGEST_DATA_PATH = 95
_VARIANT = re.compile(r"[A-Za-z0-9]+")

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakError(Exception):
    """espeak-ng is not installed, did not start, or refused the text."""


@dataclass(frozen=True)
class VoiceSettings:
    """``variant``: one of espeak's (f1…f5, m1…m8). ``rate``: words a minute, 80…450. ``pitch`` and
    ``intonation`` (the range of the pitch): 0…99; espeak's default is 50."""

    variant: str = "f3"
    rate: int = 160
    pitch: int = 50
    intonation: int = 50

    def __post_init__(self) -> None:
        if not _VARIANT.fullmatch(self.variant):
            raise ValueError(f"not a voice variant: {self.variant!r}")
        if not (80 <= self.rate <= 450 and 0 <= self.pitch <= 99 and 0 <= self.intonation <= 99):
            raise ValueError(f"out of range: {self}")


class _Espeak:
    """The started library. ``_lock`` must be held in every method."""

    def __init__(self) -> None:
        self._library, self._data_path = _load_library()
        data_path = os.fsencode(self._data_path)
        rate = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data_path, _DONT_EXIT)
        if rate != ESPEAK_RATE_HZ:
            raise EspeakError(f"espeak-ng did not start with the data in {self._data_path!r}: {rate}")
        self._chunks: list[bytes] = []
        self._settings: VoiceSettings | None = None
        self._callback = _Callback(self._collect)  # C keeps no Python reference to it
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 0  # continue

    def speak(self, text: str, settings: VoiceSettings) -> bytes:
        self._use(settings)
        self._chunks.clear()
        data = text.encode("utf-8", "ignore").replace(b"\0", b" ") + b"\0"
        status = self._library.espeak_Synth(
            data, len(data), 0, _POSITION_CHARACTER, 0, _UTF8_WITH_PHONEMES, None, None
        )
        if status:
            raise EspeakError(f"espeak-ng refused a text of {len(text)} characters: {status}")
        return b"".join(self._chunks)

    def _use(self, settings: VoiceSettings) -> None:
        if settings == self._settings:
            return
        self._settings = None
        # espeak accepts an unknown variant and silently uses none.
        known = os.path.exists(os.path.join(self._data_path, "voices", "!v", settings.variant))
        if not known or self._library.espeak_SetVoiceByName(f"he+{settings.variant}".encode()):
            raise EspeakError(f"espeak-ng has no Hebrew voice {settings.variant!r}")
        self._library.espeak_SetParameter(_PARAMETER_RATE, settings.rate, 0)
        self._library.espeak_SetParameter(_PARAMETER_PITCH, settings.pitch, 0)
        self._library.espeak_SetParameter(_PARAMETER_RANGE, settings.intonation, 0)
        self._settings = settings


_lock = os_lock()
_espeak: _Espeak | None = None  # guarded by _lock


def speak(text: str, settings: VoiceSettings) -> bytes:
    """The audio of ``text`` (``[[phonemes]]`` and punctuation): PCM16 mono, 22,050 Hz, perhaps empty.

    Native threads only; blocks. Raises EspeakError.
    """
    global _espeak
    with _lock:
        if _espeak is None:
            _espeak = _Espeak()
        return _espeak.speak(text, settings)


def _load_library() -> tuple[ctypes.CDLL, str]:
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data_path: str = espeakng_loader.get_data_path()
    except (ImportError, OSError, RuntimeError) as error:
        raise EspeakError(f"espeak-ng is not usable: {error}") from error
    library.espeak_SetSynthCallback.restype = None
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    return library, short_path(data_path)


def short_path(path: str) -> str:
    """``path``, or a link to it in a temporary directory if it is too long for espeak."""
    if len(os.fsencode(path)) <= _LONGEST_DATA_PATH:
        return path
    directory = tempfile.mkdtemp(prefix="he")
    # espeak opens dictionaries and voices through this path later, so the link stays until exit.
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    link = os.path.join(directory, "d")
    os.symlink(path, link)
    return link
