"""The map holds: who imports whom; the pure half is clockless; one thread writes to the socket."""

import ast

import pytest

from tests.serving import ROOT

SERVER = ROOT / "server"
CORE_MAY_IMPORT = {
    "array",
    "audioop",
    "base64",
    "bisect",
    "collections",
    "dataclasses",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "msgspec",
    "num2words",
    "pathlib",
    "rapidfuzz",
    "re",
    "sys",  # intern
    "typing",
    "unicodedata",
    "zlib",
}
MAX_FUNCTION_LINES = 40
MAX_FILE_LINES = 400
MAX_ATTRIBUTES = 12
SHELL = (
    "server.media_ws_ai",
    "server.telephony.sender",
    "server.turns.machine",
    "server.call.dispatcher",
    "server.call.provider_runner",
    "server.call.reply_worker",
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


def calls(tree, name):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def dotted_names(tree):
    """``os.environ`` and the like."""
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


PURE_LAYERS = ("server.audio.", "server.turns.", "server.hebrew.")
PURE = {name: tree for layer in PURE_LAYERS for name, tree in under(layer).items()} | {
    "server.telephony.inbound": ALL["server.telephony.inbound"],
    "server.telephony.twilio_messages": ALL["server.telephony.twilio_messages"],
}
del PURE["server.audio.silero"]


# Each folder, and those it may import. What stands in ``server`` itself ties them together.
MAY_IMPORT = {
    "audio": {"runtime"},  # silero only
    "hebrew": set(),
    "turns": {"audio", "hebrew"},
    "runtime": set(),
    "logs": {"hebrew", "runtime", "settings", "turns"},
    "settings": {"audio", "hebrew", "office", "runtime", "shared_state", "telephony", "turns"},
    "shared_state": {"logs", "runtime", "turns"},
    "telephony": {"audio", "hebrew", "logs", "runtime", "settings", "shared_state", "turns", "websocket"},
    "websocket": {"runtime"},
    "admission": {"logs", "runtime", "shared_state", "telephony"},
    "office": {"call", "logs", "runtime", "shared_state", "telephony", "turns"},
    "providers": {"audio", "hebrew", "logs", "office", "runtime", "settings", "turns"},
    "call": {"audio", "logs", "office", "providers", "runtime", "settings", "telephony", "turns"},
    # What a machine is told and decides, and what it is made with.
    "event_log": {"audio", "call", "office", "runtime", "settings", "turns"},
    # A command beside the server: a machine and a log, and no shell.
    "replay": {"audio", "event_log", "runtime", "turns"},
    # It observes calls, and keeps of their words what the log shows of them.
    "records": {
        "audio",
        "call",
        "event_log",
        "hebrew",
        "logs",
        "office",
        "runtime",
        "settings",
        "shared_state",
        "telephony",
        "timeline",
        "turns",
    },
    # A call's record and its event log as a picture; how loud a caller had to be is told by a replay.
    "timeline": {"audio", "event_log", "logs", "office", "records", "replay", "tune", "turns"},
    # Leads on their way: of the office's lines, kept with the records, summed up by an LLM.
    "delivery": set("call logs office providers records runtime settings telephony turns".split()),
    # Pages in the browser, over all that a service has.
    "pages": set(
        "admission audio call event_log logs office records runtime settings shared_state telephony"
        " timeline turns".split()
    ),
    # What is counted and traced of calls, of their records and of what the shell tells.
    "metrics": {"admission", "audio", "call", "logs", "providers", "records", "runtime", "turns"},
    # A command beside the server: it hears with its providers, and nothing of a call's shell.
    "hear": {"audio", "hebrew", "logs", "providers", "runtime", "settings", "turns"},
    # Another: it hears recorded calls anew, with a call's machine and hearing, and none of its shell.
    "tune": {"audio", "event_log", "hear", "settings", "turns"},
    "simulator": {"audio", "hebrew", "providers", "runtime", "settings"},
}
TOP_MAY_BE_IMPORTED = {
    "call": {"config"},
    "event_log": {"config", "knobs"},
    "delivery": {"config"},
    "hear": {"config"},
    "logs": {"config"},
    "office": {"config"},
    "metrics": {"config"},
    "pages": {"config", "going_live", "service"},
    "providers": {"config", "gcp_tts_live"},
    "records": {"config"},
    "settings": {"config", "knobs"},  # a part of the knobs stands there
    "simulator": {"knobs"},
    "telephony": {"config"},
    "tune": {"config", "knobs"},
}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_what_it_may(folder):
    """The map: nothing more, and nothing less than this table says."""
    found, top = set(), set()
    for tree in under(f"server.{folder}.").values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("server."):
                name = node.module.split(".")[1]
                (found if name in MAY_IMPORT else top).add(name)
    assert found - {folder} == MAY_IMPORT[folder]
    assert top == TOP_MAY_BE_IMPORTED.get(folder, set())


@pytest.mark.parametrize("name", PURE)
def test_the_pure_half_imports_nothing_that_waits_tells_time_or_draws_lots(name):
    """Time: pure libraries, audio, turns and the language; no thread, clock, socket, log or dice."""
    foreign = {
        module
        for module in imports(ALL[name])
        if module.split(".")[0] not in CORE_MAY_IMPORT
        and not any(f"{module}.".startswith(layer) for layer in PURE_LAYERS)
        and module not in PURE
        and module != "server"
    }
    assert {module for module in foreign if module.rpartition(".")[0] not in PURE} == set()


def test_the_pure_half_has_no_cycles():
    """Every module can be read after those it stands on."""
    needs = {name: set(imports(tree)) & set(PURE) - {name} for name, tree in ALL.items()}
    unread = set(PURE)
    while ready := {name for name in unread if not needs[name] & unread}:
        unread -= ready
    assert unread == set()


def test_the_environment_is_read_in_one_place():
    """Every knob is in the table of ``server.config``; three modules tell a library something by it."""
    readers = {
        name
        for name, tree in ALL.items()
        if {"os.environ", "os.getenv"} & {*imports(tree), *dotted_names(tree)}
    }
    telling = {"server.gunicorn_conf", "server.runtime.onnx", "server.metrics.shared_folder"}
    assert readers <= {"server.config", *telling, *under("server.simulator")}


def test_one_caller_of_send():
    """C3: TX alone sends on the socket: ``put_on`` is called once, where its thread is given it.

    The simulated caller and the providers have sockets of their own; ``server.websocket`` is the socket.
    """
    others = ("server.simulator", "server.providers.streaming", "server.websocket.")
    server = {name: tree for name, tree in ALL.items() if not name.startswith(others)}
    holders = {name for name, tree in server.items() if attributes(tree, "send")}
    assert holders == {"server.telephony.websocket"}
    puts = [name for name, tree in ALL.items() for _ in calls(tree, "put_on")]
    assert puts == ["server.media_ws_ai"]


@pytest.mark.parametrize("name", [*under("server.providers"), "server.gcp_tts_live"])
def test_a_provider_knows_no_call(name):
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


def is_frozen(node):
    """A plain record: a frozen dataclass, or settings."""
    frozen = any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list)
    return frozen or "BaseSettings" in map(ast.unparse, node.bases)


def fields_of(node):
    """What a class keeps: ``self.x`` that is assigned anywhere in it, and the fields of a dataclass."""
    declared = {
        one.target.id
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    dataclass = any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
    stored = {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and isinstance(one.ctx, ast.Store)
        and isinstance(one.value, ast.Name)
        and one.value.id == "self"
    }
    return stored | (declared if dataclass else set())


def test_classes_are_small():
    """At most 12 attributes, plain records apart."""
    large = {
        f"{name}.{node.name}"
        for name, tree in ALL.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and not is_frozen(node) and len(fields_of(node)) > MAX_ATTRIBUTES
    }
    assert large == set()
