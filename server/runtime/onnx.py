"""onnxruntime, which runs both models of ours: on one thread each, and without telling its makers.

Its wheels leave an identifier of the machine in the user's cache and send Microsoft what they run, unless
they are told otherwise before anybody imports them. Who wants that sets ORT_DISABLE_TELEMETRY=0.
"""

import os
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # piper imports onnxruntime, too


def session(model: bytes | str) -> Any:
    """Of a model, or of its file's path. Loads onnxruntime the first time; raises whatever that raises."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # Twenty calls share two cores: pools of threads that spin would burn both for nothing.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])
