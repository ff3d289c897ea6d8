"""A command whose reader may stop reading (``| head``)."""

import os
import signal
import sys
from collections.abc import Callable


def piped(main: Callable[[], int]) -> int:
    """Its exit status; that of others in a pipe, without a word, when nobody reads on."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is flushed at the end
        return 128 + signal.SIGPIPE
    return status
