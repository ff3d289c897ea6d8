"""What the calls of this process remember, on its way to the shared state (F8)."""

import logging
from itertools import islice

from server.logs.rate_limited import OnceIn
from server.runtime.threads import Runtime
from server.shared_state.state import SharedState
from server.turns.memory import CallMemory, from_json, to_json

log = logging.getLogger("agent")

LINGER_S = 0.5  # a burst is written by one thread
GATHERS_S = 0.1  # behind a write; a transaction costs a millisecond, and a turn has ten moments worth one
MOST_AT_ONCE = 50  # calls in a transaction


class CallMemories:
    """Any thread. One thread writes, always the newest of each call: a slow store is spared what is older.

    The first one is written at once, those that follow together: a kill takes a tenth of a second of them.

    ``on`` False: nothing is kept, and no call is taken up.
    """

    def __init__(self, shared_state: SharedState, runtime: Runtime, *, on: bool = True) -> None:
        self._shared_state = shared_state
        self._runtime = runtime
        self._on = on
        self._told = OnceIn(clock=runtime.clock)
        self._changed = runtime.condition()
        self._never = runtime.event()
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
                taken = dict(islice(self._newest.items(), MOST_AT_ONCE))
            self._store(taken)
            with self._changed:
                for call_sid, memory in taken.items():
                    newest = self._newest.pop(call_sid)
                    if newest is not memory:  # behind those of the other calls
                        self._newest[call_sid] = newest
            self._never.wait(GATHERS_S)

    def _store(self, memories: dict[str, CallMemory | None]) -> None:
        """Together; should that not be possible, each, so that one costs the others nothing."""
        try:
            self._shared_state.remember_all(
                {sid: None if memory is None else to_json(memory) for sid, memory in memories.items()}
            )
        except Exception:  # the thread's edge: a call without a memory ends as calls did
            if len(memories) == 1:
                if self._told.due("failed"):
                    log.exception("MEMORY_ERR of %s", *memories)
                return
            for sid, memory in memories.items():
                self._store({sid: memory})
