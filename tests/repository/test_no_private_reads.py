"""Tests and benchmarks see what a caller, a host or another module could see: no name of ours with ``_``."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT

FOREIGN = {"_WorkerGreenlet"}  # gunicorn's and gevent's own
BY_NAME = {"getattr", "setattr", "hasattr", "delattr", "patch", "object"}


def is_private(name: str) -> bool:
    return name.isidentifier() and name.startswith("_") and not name.startswith("__") and name != "_"


def private_reads(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name. What a class keeps for itself (``self._x``) is its own business."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name) if is_private(name):
                yield node.lineno, name
            case ast.ImportFrom(names=names):
                yield from ((node.lineno, each.name) for each in names if is_private(each.name))
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in BY_NAME:
                for given in node.args:
                    if isinstance(given, ast.Constant) and isinstance(given.value, str):
                        name = given.value.rpartition(".")[2]
                        if is_private(name) and name not in FOREIGN:
                            yield node.lineno, name


def found(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return [f"{path.relative_to(ROOT)}:{line}: {name}" for line, name in private_reads(tree)]


FILES = sorted(path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py"))


def test_nothing_private_is_read():
    assert [read for path in FILES for read in found(path)] == []


@pytest.mark.parametrize(
    "code",
    ["call._over", "call.a._over.b", "x._a = 1", "from m import _a", 'setattr(x, "_a", 1)', 'patch("m._a")'],
)
def test_what_counts(code):
    assert len(list(private_reads(ast.parse(code)))) == 1


@pytest.mark.parametrize("code", ["self._a", "x.__name__", "for _ in x: pass", 'f("_a")', "from m import a"])
def test_what_does_not(code):
    assert list(private_reads(ast.parse(code))) == []
