"""What the calls of this process remember, on its way to the shared state (F8)."""

import logging

from server.logs.rate_limited import OnceIn
from server.runtime.threads import Runtime
from server.shared_state.state import SharedState
from server.turns.memory import CallMemory, from_json, to_json

log = logging.getLogger("agent")

LINGER_S = 0.5  # a burst is written by one thread


class CallMemories:
    """Any thread. One thread writes, always the newest of each call: a slow store is spared what is older.

    ``on`` False: nothing is kept, and no call is taken up.
    """

    def __init__(self, shared_state: SharedState, runtime: Runtime, *, on: bool = True) -> None:
        self._shared_state = shared_state
        self._runtime = runtime
        self._on = on
        self._told = OnceIn(clock=runtime.clock)
        self._changed = runtime.condition()
        self._newest: dict[str, CallMemory | None] = {}  # by CallSid; None: to be forgotten; under _changed
        self._writing = False  # there is a thread; under _changed

    def remember(self, call_sid: str, memory: CallMemory) -> None:
        """Keep it, in place of what is older. Returns at once."""
        self._write(call_sid, memory)

    def forget(self, call_sid: str) -> None:
        """The call is over, and nobody takes it up. Returns at once."""
        self._write(call_sid, None)

    def recall(self, call_sid: str) -> CallMemory | None:
        """What the call remembered last, here or anywhere. May block for half a second."""
        if not self._on:
            return None
        with self._changed:
            if call_sid in self._newest:
                return self._newest[call_sid]
        text = self._shared_state.memory(call_sid)
        return None if text is None else from_json(text)

    def _write(self, call_sid: str, memory: CallMemory | None) -> None:
        if not (self._on and call_sid):
            return
        with self._changed:
            self._newest[call_sid] = memory
            self._changed.notify_all()
            if self._writing:
                return
            self._writing = True
            try:
                self._runtime.spawn("memory", self._run)
            except RuntimeError:  # there are too many threads: the next one that remembers tries again
                self._writing = False

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._newest:
                    self._changed.wait(LINGER_S)
                if not self._newest:
                    self._writing = False
                    return
                call_sid, memory = next(iter(self._newest.items()))
            try:
                self._store(call_sid, memory)
            except Exception:  # the thread's edge: a call without a memory ends as calls did
                if self._told.due("failed"):
                    log.exception("MEMORY_ERR of %s", call_sid)
            with self._changed:
                if self._newest[call_sid] is memory:
                    del self._newest[call_sid]
                else:  # behind those of the other calls
                    self._newest[call_sid] = self._newest.pop(call_sid)

    def _store(self, call_sid: str, memory: CallMemory | None) -> None:
        if memory is None:
            self._shared_state.forget(call_sid)
        else:
            self._shared_state.remember(call_sid, to_json(memory))
