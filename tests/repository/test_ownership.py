"""An object writes itself: no attribute of another one is assigned where turns and audio are decided."""

import ast

import pytest

from tests.repository.test_layers import under

OWNED = [*under("server.turns."), *under("server.audio.")]


def foreign_writes(tree):
    """Assignments and deletions of an attribute that is not one of ``self``."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    ]


@pytest.mark.parametrize("name", OWNED)
def test_only_the_turn_writes_the_turn(name):
    """B1: nor does anything else write another object's state."""
    tree = {**under("server.turns."), **under("server.audio.")}[name]
    assert foreign_writes(tree) == []


@pytest.mark.parametrize(
    "text, found",
    [
        ("self.turn = 1", 0),
        ("turn.words = 1", 1),
        ("self.turn.words = 1", 1),
        ("self.turn.count += 1", 1),
        ("a, turn.words = 1, 2", 1),
        ("del turn.words", 1),
        ("turn.say(words)", 0),
    ],
)
def test_a_foreign_write_is_seen(text, found):
    """In every form that Python has for it."""
    assert len(foreign_writes(ast.parse(text))) == found
