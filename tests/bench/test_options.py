"""A bench that is asked for help, or for what it does not know, says so and does not begin to measure."""

import re

import pytest

from bench.options import options
from tests.serving import ROOT

OF_ANOTHER = {"fuzz_parse.py", "ticker.py"}  # its fuzzer's own command line; a process beside a bench
STARTED = [
    path
    for path in sorted((ROOT / "bench").rglob("*.py"))
    if path.name not in OF_ANOTHER and '__name__ == "__main__"' in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", STARTED, ids=lambda path: str(path.relative_to(ROOT / "bench")))
def test_a_bench_answers_help(path):
    text = path.read_text("utf-8")
    assert re.search(r"\b(options|command_line|ArgumentParser)\(", text) and ".parse_args(" in text
    assert "sys.argv[1" not in text


def test_help_is_the_module_s_own_text(capsys):
    with pytest.raises(SystemExit) as ended:
        options("What it shows.\n\n    as it is set").parse_args(["--help"])
    assert ended.value.code == 0
    assert "What it shows.\n\n    as it is set" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--calls", "3"], ["many"]])
def test_what_a_bench_does_not_take_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        options("What it shows.").parse_args(words)
    assert ended.value.code == 2 and "unrecognized arguments" in capsys.readouterr().err
