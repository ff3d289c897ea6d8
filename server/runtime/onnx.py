"""Sessions of onnxruntime, which runs the VAD model and the embedded voice: one thread each, no telemetry.

Its wheels store a machine identifier in the user's cache and report usage to Microsoft, unless the variable
is set before the import. To allow this, set ORT_DISABLE_TELEMETRY=0.
"""

import os
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # must precede piper's import of onnxruntime too


def session(model: str, *, every_length: bool = False) -> Any:
    """A session for the model in a file. The first call loads onnxruntime. Raises its errors.

    Not of a model's bytes: onnxruntime would keep them beside what it has made of them.

    ``every_length``: its inputs are rarely of one length. onnxruntime remembers how it has laid out its
    memory for each, and keeps a second copy of the weights: 40 MB for the voice's sentences, which are no
    faster for it.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # Twenty calls share two cores; spinning thread pools would waste both.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if every_length:
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.disable_prepacking", "1")
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])
