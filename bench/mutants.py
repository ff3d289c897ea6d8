"""Which faults do the tests not see? A sample of mutants of a package, the same for the same seed.

``python -m bench.mutants server/turns --tests tests/turns tests/stories``: prints every survivor with its
line; exit status 1 when there are any. Needs ``pip install cosmic-ray`` (its operators; no part of the gate);
``PYTEST`` names the interpreter of the tests where that is another one. Works in copies, and at low priority.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]  # and no import of ours: cosmic-ray has an environment of its own
COPIED = ("server", "tests", "bench", "examples", "docs")
LIMIT_S = 240  # a mutant that loops is killed by the clock
# An annotation's ``|`` is no code; ``==`` for ``is`` is mostly the same program.
LEFT_OUT = ("BitOr", "_Is_Eq", "_IsNot_NotEq", "Decorator", "Exception", "Variable", "NoOp")
NO_CODE = ("@dataclass", ": def ", "*, ")


@dataclass(frozen=True)
class Mutant:
    path: str  # below the root
    operator: str
    occurrence: int

    def code(self) -> str:
        source = (ROOT / self.path).read_text("utf-8")
        return str(mutate_code(source, get_operator(self.operator)(), self.occurrence))

    def change(self) -> str:
        """Its place, the line as it was, and as it is."""
        before = (ROOT / self.path).read_text("utf-8").splitlines()
        number, (old, new) = next(
            (at, pair)
            for at, pair in enumerate(zip(before, self.code().splitlines(), strict=False), 1)
            if pair[0] != pair[1]
        )
        return f"{self.path}:{number}: {old.strip()}  ⇒  {new.strip()}"


def mutants_of(package: str) -> Iterator[Mutant]:
    names = [name for name in operator_names() if not any(out in name for out in LEFT_OUT)]
    for path in sorted((ROOT / package).rglob("*.py")):
        nodes = list(ast_nodes(get_ast(path.read_text("utf-8"))))
        for name in sorted(names):
            operator = get_operator(name)()
            count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
            yield from (Mutant(path.relative_to(ROOT).as_posix(), name, n) for n in range(count))


def sample(package: str, size: int, seed: int) -> list[Mutant]:
    """So many, each on a line of its own; none that is the same program for certain."""
    everything = list(mutants_of(package))
    random.Random(seed).shuffle(everything)
    chosen: dict[str, Mutant] = {}
    for mutant in everything:
        line = mutant.change().partition("  ⇒")[0]
        if len(chosen) < size and not any(mark in line for mark in NO_CODE):
            chosen.setdefault(line, mutant)
        if len(chosen) == size:
            break
    return list(chosen.values())


def copy(folder: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*ROOT.glob("*.toml"), *ROOT.glob("*.txt"), *ROOT.glob("*.sh"), ROOT / "README.md"):
        shutil.copy(file, folder)
    return folder


def killed_by(mutant: Mutant, copied: Path, tests: list[str]) -> str:
    """The first test that fails; "" when all pass."""
    path = copied / mutant.path
    whole = path.read_text("utf-8")
    path.write_text(mutant.code(), "utf-8")
    command = [os.environ.get("PYTEST", sys.executable), "-m", "pytest", "-x", "-q", "-p", "no:xdist", *tests]
    try:
        run = subprocess.run(command, cwd=copied, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"not done after {LIMIT_S} s"
    finally:
        path.write_text(whole, "utf-8")
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "" if run.returncode == 0 else (failed or ["cannot be imported"])[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("package")
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--deselect", nargs="*", default=[])
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    tests = [*asked.tests, *(f"--deselect={each}" for each in asked.deselect)]
    os.nice(19)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.workers):
            copies.put(copy(Path(folder) / str(number)))

        def tried(mutant: Mutant) -> tuple[Mutant, str]:
            copied = copies.get()
            try:
                return mutant, killed_by(mutant, copied, tests)
            finally:
                copies.put(copied)

        survivors = 0
        for mutant, killer in pool.map(tried, sample(asked.package, asked.sample, asked.seed)):
            survivors += not killer
            print(f"{'killed  ' if killer else 'SURVIVED'} {mutant.change()}  {killer}", flush=True)
        print(f"{asked.package}: {survivors} of {asked.sample} survive")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
