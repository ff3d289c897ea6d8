"""Unpointed Hebrew to pointed Hebrew, by the Nakdimon model that piper's wheel carries."""

from collections.abc import Callable

from server.oslock import os_lock


class PointingError(Exception):
    """The pointing model is not installed or did not load."""


_lock = os_lock()
_point: Callable[[str], str] | None = None  # set once, under _lock


def point(text: str) -> str:
    """``text`` with niqqud after each Hebrew letter, in Nakdimon's order; all else unchanged.

    Points already in ``text`` are replaced. Native thread only; the first call loads the model
    (about half a second, 50 MB). Raises PointingError.
    """
    global _point
    model = _point
    if model is None:
        with _lock:
            model = _point = _point or _load()
    return model(text)


def _load() -> Callable[[str], str]:
    try:
        from onnxruntime import InferenceSession, SessionOptions
        from piper.hebrew import DEFAULT_MODEL_PATH, NakdimonDiacritizer

        options = SessionOptions()
        # Twenty calls share two cores: a session that spins between its calls would burn them both.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = InferenceSession(str(DEFAULT_MODEL_PATH), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no common base
        raise PointingError(f"Nakdimon did not load: {error}") from error
    # piper's constructor builds a session without options; the object is its session and its input.
    model = NakdimonDiacritizer.__new__(NakdimonDiacritizer)
    model.session = session
    model._input_name = session.get_inputs()[0].name
    diacritize: Callable[[str], str] = model.diacritize
    return diacritize
