"""Questions that greenlets ask in one round of the hub are answered in one go; native threads meet nobody."""

import threading
from collections.abc import Sequence

import gevent
import pytest

from server.runtime import together
from server.runtime.together import Together

MOST = 3


class Doubles:
    """Answers with the double of each question; notes which came together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, questions: Sequence[int]) -> list[int]:
        self.asked.append(list(questions))
        if 13 in questions:
            raise ValueError("unlucky")
        return [2 * question for question in questions]


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> Doubles:
    """Of a process whose threads are greenlets."""
    monkeypatch.setattr(together, "on_gevent", lambda: True)
    return Doubles()


def test_each_gets_its_own_answer_and_all_are_asked_in_one_go(doubles: Doubles) -> None:
    shared = Together(doubles, most=10)
    greenlets = [gevent.spawn(shared.ask, number) for number in range(5)]
    assert [greenlet.get(timeout=5) for greenlet in greenlets] == [0, 2, 4, 6, 8]
    assert doubles.asked == [[0, 1, 2, 3, 4]]


def test_no_run_is_longer_than_the_most_that_may_be_asked_at_once(doubles: Doubles) -> None:
    shared = Together(doubles, MOST)
    greenlets = [gevent.spawn(shared.ask, number) for number in range(7)]
    assert [greenlet.get(timeout=5) for greenlet in greenlets] == [0, 2, 4, 6, 8, 10, 12]
    assert doubles.asked == [[0, 1, 2], [3, 4, 5], [6]]


def test_who_asks_again_and_again_meets_the_others_again(doubles: Doubles) -> None:
    shared = Together(doubles, MOST)

    def call(number: int) -> list[int]:
        return [shared.ask(number), shared.ask(number + 1)]

    greenlets = [gevent.spawn(call, number) for number in (1, 5)]
    assert [greenlet.get(timeout=5) for greenlet in greenlets] == [[2, 4], [10, 12]]
    assert doubles.asked == [[1, 5], [2, 6]]


def test_who_asks_while_it_rests_meets_the_others(doubles: Doubles) -> None:
    """And the first of all does not wait, nor does who asks behind the rest."""
    shared = Together(doubles, most=10, rest_s=0.05, longest_rest_s=0.05)
    assert gevent.spawn(shared.ask, 1).get(timeout=5) == 2
    greenlets = []
    for number in (2, 3, 4):  # each in a round of its own
        greenlets.append(gevent.spawn(shared.ask, number))
        gevent.idle()
    assert [greenlet.get(timeout=5) for greenlet in greenlets] == [4, 6, 8]
    assert doubles.asked == [[1], [2, 3, 4]]


def test_no_rest_is_longer_than_the_longest(doubles: Doubles) -> None:
    shared = Together(doubles, MOST, rest_s=60.0, longest_rest_s=0.01)
    assert [gevent.spawn(shared.ask, number).get(timeout=5) for number in (1, 2, 3)] == [2, 4, 6]


def test_an_error_is_of_those_who_asked_for_it(doubles: Doubles) -> None:
    """And the next ones are answered."""
    shared = Together(doubles, most=2)
    unlucky = [gevent.spawn(_error_of, shared, number) for number in (12, 13, 14)]
    assert [greenlet.get(timeout=5) for greenlet in unlucky] == ["unlucky", "unlucky", ""]
    assert gevent.spawn(shared.ask, 4).get(timeout=5) == 8


def test_too_few_answers_are_an_error_of_that_run_alone(doubles: Doubles) -> None:
    """Nobody waits for ever, and the next one is answered."""
    shared: Together[int, int] = Together(lambda questions: doubles(questions)[:2], MOST)
    greenlets = [gevent.spawn(_error_of, shared, number) for number in (1, 2, 3)]
    assert all([greenlet.get(timeout=5) for greenlet in greenlets])
    assert gevent.spawn(shared.ask, 4).get(timeout=5) == 8


def test_native_threads_are_answered_where_they_ask() -> None:
    doubles = Doubles()
    shared = Together(doubles, MOST)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(shared.ask(n))) for n in range(4)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == [0, 2, 4, 6]
    assert sorted(doubles.asked) == [[0], [1], [2], [3]]


def _error_of(shared: "Together[int, int]", number: int) -> str:
    try:
        shared.ask(number)
    except ValueError as error:
        return str(error)
    return ""
