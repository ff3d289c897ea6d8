"""The layers hold: the core is deaf and clockless, one thread writes to the socket, engines know no call."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "server"
CORE_MAY_IMPORT = {
    "audioop",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "dataclasses",
    "decimal",
    "enum",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "num2words",
    "pathlib",
    "rapidfuzz",
    "re",
    "typing",
    "unicodedata",
    "zlib",
}
MAX_FUNCTION_LINES = 40
MAX_FILE_LINES = 400
SHELL = (
    "server.media_ws_ai",
    "server.tx",
    "server.core.dialogue",
    "server.call_engines",
    "server.turn_worker",
)


def modules(folder):
    """Module name to syntax tree."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }


ALL = modules(SERVER)


def under(package):
    return {name: tree for name, tree in ALL.items() if name.startswith(package)}


def imports(tree):
    """Every module a module may import, wherever in it: ``from a import b`` may mean ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def attributes(tree, name):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == name]


def dotted_names(tree):
    """``os.environ`` and the like."""
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


PURE = under("server.core") | under("server.hebrew")


@pytest.mark.parametrize("name", PURE)
def test_the_core_imports_nothing_that_waits_tells_time_or_draws_lots(name):
    """Time: pure libraries, the core and the language; no thread, clock, socket, log or dice."""
    foreign = {
        module
        for module in imports(ALL[name])
        if module.split(".")[0] not in CORE_MAY_IMPORT
        and not module.startswith(("server.core", "server.hebrew"))
        and module != "server"
    }
    assert foreign == set()


def test_the_core_has_no_cycles():
    """Every module of the core can be read after those it stands on."""
    needs = {name: set(imports(tree)) & set(PURE) - {name} for name, tree in ALL.items()}
    unread = set(PURE)
    while ready := {name for name in unread if not needs[name] & unread}:
        unread -= ready
    assert unread == set()


def test_the_environment_is_read_in_one_place():
    """Every knob is in the table of ``server.config``; ``server.onnx`` tells a library something by it."""
    readers = {
        name
        for name, tree in ALL.items()
        if {"os.environ", "os.getenv"} & {*imports(tree), *dotted_names(tree)}
    }
    assert readers <= {"server.config", "server.onnx", *under("server.simulator")}


def test_one_caller_of_send():
    """C3: TX alone sends on the socket; the handler only hands ``ws.send`` to it."""
    server = {name: tree for name, tree in ALL.items() if not name.startswith("server.simulator")}
    calls = {
        name
        for name, tree in server.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("send", "_send")
    }
    assert calls == {"server.tx"}
    holders = {name for name, tree in server.items() if attributes(tree, "send")}
    assert holders == {"server.media_ws_ai"}
    assert len(attributes(ALL["server.media_ws_ai"], "send")) == 1


@pytest.mark.parametrize("name", [*under("server.engines"), "server.gcp_tts_live"])
def test_an_engine_knows_no_call(name):
    """An engine is used by calls and never reaches into one."""
    assert not [module for module in imports(ALL[name]) if module.startswith(SHELL)]


def test_the_simulated_caller_knows_only_the_wire():
    """It measures the server from outside."""
    inside = {
        (name, module)
        for name, tree in under("server.simulator").items()
        for module in imports(tree)
        if module.startswith(SHELL)
    }
    assert inside == set()


def functions(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, (node.end_lineno - body[0].lineno + 1 if body else 0)


def test_functions_are_short():
    """At most 40 lines without the docstring."""
    long = [
        f"{name}.{function}: {lines} lines"
        for name, tree in ALL.items()
        for function, lines in functions(tree)
        if lines > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_files_are_short():
    """At most 400 lines: what does not need a thread moves to the core."""
    lines = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8").count("\n")
        for path in SERVER.rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}
