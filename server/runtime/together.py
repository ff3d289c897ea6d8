"""Questions that several greenlets ask at about the same time, answered in one go.

    call 1  ..frame..ask________________answer..
    call 2  .........frame..ask_________answer..      one run of the model for both
    hub     --ready sockets----------|run|--- rest ---|run|------

Under gevent all sockets that were ready are served before the hub looks again: who asks meanwhile waits for
no longer than that. Behind a run there may be a rest, the longer the more were asked: where questions come
thick they gather in it, and where they are few nobody waits. Native threads meet nobody, since to wait for
one another costs them more than it saves: there each question is answered where it is asked.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from server.runtime.native_calls import on_gevent

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Together(Generic[Question, Answer]):
    """``answer`` is given up to ``most`` questions, and returns as many answers. Any thread or greenlet."""

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Sequence[Answer]],
        most: int,
        *,
        rest_s: float = 0.0,
        longest_rest_s: float = 0.0,
    ) -> None:
        """``rest_s``: behind a run, for each of its questions; ``longest_rest_s``: for all of them."""
        self._answer = answer
        self._most = most
        self._rest_s = rest_s
        self._longest_rest_s = longest_rest_s
        self._meet = on_gevent()
        # The rest is of the hub's thread alone, which is where all greenlets of a worker are.
        self._waiting: list[tuple[Question, Any]] = []  # and the waiter of who asks
        self._looked_after = False  # a run is due, or a rest goes on
        if self._meet:
            from gevent import get_hub
            from gevent.hub import Waiter

            self._get_hub, self._new_waiter = get_hub, Waiter

    def ask(self, question: Question) -> Answer:
        """Blocks for a round of the hub and a rest at most. Raises what ``answer`` raises."""
        if not self._meet:
            return self._answer([question])[0]
        hub = self._get_hub()
        waiter = self._new_waiter(hub)
        self._waiting.append((question, waiter))
        if not self._looked_after:
            self._looked_after = True
            hub.loop.run_callback(self._run)
        answer: Answer = waiter.get()
        return answer

    def _run(self) -> None:
        """In the hub, behind every greenlet of this round."""
        waiting, self._waiting = self._waiting, []
        for at in range(0, len(waiting), self._most):
            self._tell(waiting[at : at + self._most])
        loop = self._get_hub().loop
        if rest_s := min(len(waiting) * self._rest_s, self._longest_rest_s):
            rest = loop.timer(rest_s)
            rest.start(self._rested, rest, update=False)
        else:
            loop.run_callback(self._rested)

    def _tell(self, asked: Sequence[tuple[Question, Any]]) -> None:
        try:
            answers = self._answer([question for question, _ in asked])
            told = [(waiter, answer) for (_, waiter), answer in zip(asked, answers, strict=True)]
        except Exception as error:  # each of them asked for it; and what is raised here ends all runs
            for _, waiter in asked:
                waiter.throw(error)
        else:
            for waiter, answer in told:
                waiter.switch(answer)

    def _rested(self, rest: Any = None) -> None:
        """In the hub. ``rest``: the timer that is over."""
        if rest is not None:
            rest.close()
        self._looked_after = bool(self._waiting)
        if self._waiting:
            self._run()
