"""The pages say what is there: links, paths, commands, settings, log lines, rules, fixed lines."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from server.config import Config
from tests.servers.nginx import CONFIGURATION, LOCATIONS
from tests.serving import ROOT
from tests.stories.story import RULES

README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
MAX_README_LINES = 200
SETTINGS = {name.upper() for name in Config.model_fields}

FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
OUR_PATH = re.compile(r"(?:server|tests|bench|docs|examples|\.ci)/[\w./-]*")
OUR_MODULE = re.compile(r"python -m ((?:server|tests|bench)(?:\.\w+)*)")
OUR_COMMAND = re.compile(r"(?:^|`|&& )\./start_all\.sh(?: (\w+))?", re.MULTILINE)
CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
RETIRED = re.compile(r"\b(?:ears?|minds?|house|desk)\b", re.IGNORECASE)
OURS_ALONE = re.compile(r"\b(?:knobs?|engines?)\b", re.IGNORECASE)
CODE_OF_A_RULE = re.compile(r"(?<![%\w])[A-G][1-9]\b(?!\w)")

# Capitals that begin a line of the log, or would if they were one.
FIRST_WORD = re.compile(r" ?([A-Z]{2,}(?:_[A-Z]+)*):?(?=\s|$)")
LINE_AND_SETTING = {"BARGE_IN"}
ONE_WORD = {"DEDUP", "DRAIN", "DRAINED", "LEAD", "OPEN", "STATE", "WEBHOOK"}
MADE_OF_NAMES = {"BACKCHANNEL", "ECHO"}  # "ECHO → ignore": the name of what the words amount to
NO_LINES = {
    "CALL_SID",
    "HTTP_SEC_WEBSOCKET_EXTENSIONS",
    "MAX_TOKENS",
    "OPENBLAS_NUM_THREADS",
    "ORT_DISABLE_TELEMETRY",
    "PROMETHEUS_MULTIPROC_DIR",
    "SC_PAGE_SIZE",
    "SC_PHYS_PAGES",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
    "WTF_CSRF_CHECK_DEFAULT",
    "WTF_CSRF_ENABLED",
}
OTHER_PEOPLES_SETTINGS = {
    "UV_DEFAULT_INDEX",
    "NO_MKDOCS_2_WARNING",
    "HTTPS_PROXY",
    "OTEL_BSP",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "PROMETHEUS_MULTIPROC_DIR",
}


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """Without blocks of code."""
    return FENCE.sub("", text_of(page))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """As python-markdown and GitHub make them of headings."""
    bare = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in HEADING.findall(prose(page)))
    return {re.sub(r"\s+", "-", heading) for heading in bare}


def code_in(page: Path) -> list[str]:
    return CODE.findall(prose(page))


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    """Pages of the site link to each other only; the README to whatever is in the repository."""
    lost = []
    for link in LINK.findall(CODE.sub("", prose(page))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = ROOT if page == README else DOCS
        if not target.exists() or inside not in target.parents:
            lost.append(link)
        elif anchor and anchor not in anchors(target):
            lost.append(link)
    assert lost == []


@each_page
def test_every_path_of_ours_exists(page: Path) -> None:
    paths = [code for code in code_in(page) if OUR_PATH.fullmatch(code)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@each_page
def test_commands_of_ours_exist(page: Path) -> None:
    """``python -m …`` names a module, ``./start_all.sh …`` a command."""
    known = set(re.findall(r"^    ([a-z]+)(?: \| [^)]*)?\)$", text_of(ROOT / "start_all.sh"), re.MULTILINE))
    known |= {"help"}
    assert {word for word in OUR_COMMAND.findall(text_of(page)) if word} <= known
    unknown = [module for module in OUR_MODULE.findall(text_of(page)) if not is_module(module)]
    assert unknown == []


def is_module(name: str) -> bool:
    parent = ROOT.joinpath(*name.split(".")[:-1])
    return parent.is_dir() and importlib.util.find_spec(name) is not None


@each_page
def test_every_setting_named_exists(page: Path) -> None:
    """Names in capitals with a line below them are settings, or first words of log lines."""
    named = {name for code in code_in(page) for name in CAPITALS.findall(code)}
    assert named - SETTINGS - logged_in_the_code() - OTHER_PEOPLES_SETTINGS == set()


@each_page
def test_a_page_says_setting_and_provider(page: Path) -> None:
    """As programs do to their users; names of the log and of settings apart, which are code."""
    assert OURS_ALONE.findall(LINK.sub("", CODE.sub("", prose(page)))) == []


def test_messages_say_setting_and_provider() -> None:
    """Whatever a program of ours may print or log, but for the lines that begin with the other word."""
    said = {
        text
        for path in (ROOT / "server").rglob("*.py")
        for text in constants(ast.parse(text_of(path)))
        if OURS_ALONE.search(text)
        and not text.startswith(("engines: ", "engines are not warm "))
        and text != "knobs"  # a column, by the name of the fact
    }
    assert said == set()
    assert OURS_ALONE.findall(text_of(ROOT / ".env.example")) == []


@each_page
def test_retired_words_do_not_come_back(page: Path) -> None:
    assert RETIRED.findall(prose(page)) == []


def test_the_readme_is_short() -> None:
    assert text_of(README).count("\n") <= MAX_README_LINES


# ---- the log ------------------------------------------------------------------------------------


def constants(tree: ast.Module) -> Iterator[str]:
    """Every text of a module but its docstrings; of an f-string, its pieces."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


@cache
def logged_in_the_code() -> set[str]:
    """First words of the log's lines, by how they are written: capitals at the beginning of a text."""
    words = set()
    for path in (ROOT / "server").rglob("*.py"):
        if "simulator" not in path.parts:
            for text in constants(ast.parse(text_of(path))):
                if found := FIRST_WORD.match(text):
                    words.add(found[1])
    capitals = {word for word in words if "_" in word} - NO_LINES - (SETTINGS - LINE_AND_SETTING)
    return capitals | (words & ONE_WORD)


def logged_in_the_docs() -> set[str]:
    """Those that the tables of docs/operate.md explain."""
    log = text_of(DOCS / "operate.md").partition("## The log")[2].partition("\n## ")[0]
    return {word for word in re.findall(r"^\| `([A-Z_]+):?` \|", log, re.MULTILINE)}


def test_every_line_of_the_log_is_explained() -> None:
    assert logged_in_the_code() - logged_in_the_docs() == set()


def test_no_line_is_explained_that_is_never_logged() -> None:
    assert logged_in_the_docs() - logged_in_the_code() - MADE_OF_NAMES == set()


# ---- rules, fixed lines, nginx ------------------------------------------------------------------


def rules_of_the_contract() -> list[str]:
    return re.findall(r"^### ([A-G][1-9]) ", text_of(DOCS / "conversation.md"), re.MULTILINE)


def test_the_contract_has_every_rule_of_the_stories() -> None:
    assert set(RULES) <= set(rules_of_the_contract())


@pytest.mark.parametrize("folder", ["server", "tests", "bench"])
def test_every_rule_that_is_cited_is_in_the_contract(folder: str) -> None:
    files = [path for kind in ("*.py", "*.story") for path in (ROOT / folder).rglob(kind)]
    cited = {code for path in files for code in CODE_OF_A_RULE.findall(text_of(path))}
    assert cited - set(rules_of_the_contract()) == set()


def test_the_office_is_told_every_fixed_line() -> None:
    ours = re.findall(r"^(\w+):$", text_of(ROOT / "server/settings/prompts_he.txt"), re.MULTILINE)
    told = re.findall(r"^\| `(\w+)` \|", text_of(DOCS / "he/lines.md"), re.MULTILINE)
    assert sorted(told) == sorted(ours)


def locations(configuration: str) -> dict[str, set[str]]:
    """What stands in each ``location``, but for where it passes to."""
    return {
        name: {line.strip() for line in body.splitlines() if not line.strip().startswith("proxy_pass ")}
        for name, body in re.findall(
            r"location (?:\{prefix\})?(\S+) \{+\n(.*?)\n\s*\}", configuration, re.DOTALL
        )
    }


def test_the_proxy_of_the_docs_is_the_one_that_is_tested() -> None:
    """Line by line, and no line more; the tests have another rate, addresses and a prefix."""
    block = re.search(r"^```\n(limit_req_zone .*?)^```$", text_of(DOCS / "live.md"), re.DOTALL | re.MULTILINE)
    assert block is not None
    told, tested = locations(block[1]), locations(LOCATIONS)
    assert told == tested and told.keys() == {"/", "/ws/"}
    zones = re.compile(r"limit_(?:req|conn)_zone (\S+) zone=(\w+)")
    assert zones.findall(block[1]) == zones.findall(CONFIGURATION)
