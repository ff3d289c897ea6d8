"""Unpointed to pointed Hebrew, with the Nakdimon model shipped in piper's wheel."""

from collections.abc import Callable

from server.runtime.onnx import session
from server.runtime.oslock import os_lock


class PointingError(Exception):
    """The pointing model is not installed, or did not load."""


_lock = os_lock()
# One sentence at a time: onnxruntime keeps what each that runs beside others needed, 40 MB for four, and a
# worker's other core is for the calls' pace.
_running = os_lock()
_point: Callable[[str], str] | None = None  # set once, with _lock held


def point(text: str) -> str:
    """``text`` with niqqud behind each Hebrew letter, in Nakdimon's order; other signs are unchanged.

    Existing points are replaced. Native threads only; blocks, for the first call about half a second (loads
    50 MB). Raises PointingError.
    """
    global _point
    model = _point
    if model is None:
        with _lock:
            model = _point = _point or _load()
    with _running:
        return model(text)


def _load() -> Callable[[str], str]:
    try:
        from piper.hebrew import DEFAULT_MODEL_PATH, NakdimonDiacritizer

        loaded = session(str(DEFAULT_MODEL_PATH), every_length=True)
    except Exception as error:  # onnxruntime's exceptions have no common base
        raise PointingError(f"Nakdimon did not load: {error}") from error
    # piper's constructor takes no session options, so the object is assembled here.
    model = NakdimonDiacritizer.__new__(NakdimonDiacritizer)
    model.session = loaded
    model._input_name = loaded.get_inputs()[0].name
    diacritize: Callable[[str], str] = model.diacritize
    return diacritize
