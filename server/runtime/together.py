"""Questions that several greenlets ask in one round of the hub, answered in one go.

    call 1  ..frame..ask________________answer..
    call 2  .........frame..ask_________answer..      one run of the model for both
    hub     --ready sockets----------|run|------

Under gevent all sockets that were ready are served before the hub looks again: who asks meanwhile waits for
no longer than that. Native threads meet nobody, since to wait for one another costs them more than it saves:
there each question is answered where it is asked.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from server.runtime.native_calls import on_gevent

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Together(Generic[Question, Answer]):
    """``answer`` is given up to ``most`` questions, and returns as many answers. Any thread or greenlet."""

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer]], most: int) -> None:
        self._answer = answer
        self._most = most
        self._meet = on_gevent()
        self._waiting: list[tuple[Question, Any]] = []  # and the waiter of who asks; the hub's thread alone

    def ask(self, question: Question) -> Answer:
        """Blocks for a round of the hub at most. Raises what ``answer`` raises."""
        if not self._meet:
            return self._answer([question])[0]
        from gevent import get_hub
        from gevent.hub import Waiter

        hub = get_hub()
        waiter = Waiter(hub)
        if not self._waiting:
            hub.loop.run_callback(self._run)
        self._waiting.append((question, waiter))
        answer: Answer = waiter.get()
        return answer

    def _run(self) -> None:
        """In the hub, behind every greenlet of this round."""
        waiting, self._waiting = self._waiting, []
        for at in range(0, len(waiting), self._most):
            asked = waiting[at : at + self._most]
            try:
                answers = self._answer([question for question, _ in asked])
            except Exception as error:  # each of them asked for it
                for _, waiter in asked:
                    waiter.throw(error)
            else:
                for (_, waiter), answer in zip(asked, answers, strict=True):
                    waiter.switch(answer)
