"""Tables that a Hebrew speaker can read and extend: a case a line, tabs between, ``#`` begins a comment."""

from pathlib import Path


def rows(name):
    """The rows of ``<name>.tsv``, as tuples."""
    lines = Path(__file__).with_name(f"{name}.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line.strip() and not line.startswith("#")]
