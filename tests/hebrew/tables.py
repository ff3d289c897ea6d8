"""Tables that a Hebrew speaker can read and extend: one case per line, tabs between, ``#`` comments."""

from itertools import product
from pathlib import Path

from server.hebrew.data import lines_of
from server.hebrew.families import slots_of


def rows(name):
    """The rows of ``<name>.tsv``, as tuples."""
    lines = Path(__file__).with_name(f"{name}.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line.strip() and not line.startswith("#")]


def phrases_of(*names):
    """Phrases of these lists: of every line whose slots name no kind."""
    lines = (line for name in names for line in _kind(*name.partition(":")[::2]))
    return [" ".join(said) for line in lines for said in _said(slots_of(line))]


def _kind(file, kind):
    """The lines of one kind, by default of the last, which is the list itself."""
    kinds = {"": []}
    for line in lines_of(file):
        if line.startswith("["):
            kinds[line[1:-1]] = []
        else:
            list(kinds.values())[-1].append(line)
    return kinds[kind] if kind else list(kinds.values())[-1]


def _said(slots):
    if any(slot.kinds or slot.prefixes for slot in slots):
        return ()
    choices = [[*slot.phrases, *([()] if slot.missing else [])] for slot in slots]
    return (sum(choice, ()) for choice in product(*choices))
