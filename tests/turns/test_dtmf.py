"""F5: digits typed on the phone are the caller's turn as text."""

import pytest

from server.turns.dtmf import DtmfCollector


def typed(keys, expected_digits=None):
    """What came of keys: ``.`` a frame without one."""
    keypad = DtmfCollector()
    answers = []
    for position, key in enumerate(keys):
        answer = keypad.tick() if key == "." else keypad.press(key, expected_digits)
        if answer is not None:
            answers.append((position, answer))
    return answers


@pytest.mark.parametrize(
    "keys, expected_digits, answers",
    {
        "hash ends it": ("123#", None, [(3, "123")]),
        "hash alone is an answer": ("#", None, [(0, "#")]),
        "a pause of 2 s ends it": ("12" + "." * 100, None, [(101, "12")]),
        "a shorter pause does not": ("12" + "." * 99 + "3#", None, [(102, "123")]),
        "a key starts the pause anew": ("1" + "." * 99 + "2" + "." * 99, None, []),
        "the expected digits end it": ("1234", 4, [(3, "1234")]),
        "and the next begin anew": ("1212", 2, [(1, "12"), (3, "12")]),
        "hash before they are complete": ("12#", 4, [(2, "12")]),
        "star is a digit": ("*1#", None, [(2, "*1")]),
        "no pause without keys": ("." * 300, None, []),
        "no second answer after the pause": ("1" + "." * 300, None, [(100, "1")]),
        "forty are enough": ("1" * 40, None, [(39, "1" * 40)]),
        "thirty-nine are not": ("1" * 39, None, []),
    }.values(),
)
def test_keys_become_an_answer(keys, expected_digits, answers):
    """F5: ``#``, 2 s, or what completes the expected answer ends it; and it is bounded."""
    assert typed(keys, expected_digits) == answers


def test_typing_until_it_is_complete():
    """F5: while the caller types, the turn is not over."""
    keypad = DtmfCollector()
    assert not keypad.typing
    keypad.press("1", None)
    assert keypad.typing
    keypad.press("#", None)
    assert not keypad.typing
