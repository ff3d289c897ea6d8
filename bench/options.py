"""The command line of a bench: its own text for ``--help``, and what may stand behind its name."""

import argparse


def options(about: str | None) -> argparse.ArgumentParser:
    """``about``: the module's docstring. One that takes nothing answers ``--help`` all the same, and refuses
    what it does not know instead of beginning to measure.
    """
    return argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
