"""What is left of figures and signs when replies of an LLM's kind are spoken (E6).

    python -m bench.spoken [N] [SEED] [--show]

N sentences (1000) are made by ``tests/fresh/reply_templates.py``, whose writer had not seen the code: prices,
hours, dates, addresses, lists, Latin names. Each goes the way of a reply. Prints those of which a digit, a
sign or a Latin punctuation mark would reach the voice; ``--show``: all, as written and as spoken.
"""

import argparse
import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

from server.hebrew.speak.speakable import speakable
from server.providers.reply.plain_words import Sentences

TEMPLATES = Path(__file__).parents[1] / "tests" / "fresh" / "reply_templates.py"
PROSODY = frozenset(".,?!…:;-–—\"'׳״()\u2019")
_INSIDE_LATIN = re.compile(r"[A-Za-z][.:;,/_@][A-Za-z]")


def written(count: int, seed: int) -> list[str]:
    """The sentences of the templates."""
    command = [sys.executable, str(TEMPLATES), str(count), str(seed)]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.splitlines()


def spoken(text: str) -> str:
    """A reply's text as the voice gets it."""
    sentences = Sentences()
    return " ".join(map(speakable, [*sentences.feed(text), *sentences.flush()]))


def left_in(words: str) -> set[str]:
    """What no voice can read: digits, signs, marks inside Latin letters."""
    signs = {char for char in words if not (char.isalpha() or char.isspace() or char in PROSODY)}
    points = {char for char in signs if unicodedata.category(char) == "Mn"}  # niqqud
    return (signs - points) | {match[0] for match in _INSIDE_LATIN.finditer(words)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("seed", nargs="?", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="each sentence, as written and as spoken")
    asked = parser.parse_args()
    texts = written(asked.count, asked.seed)
    started = time.perf_counter()
    said = [spoken(text) for text in texts]
    took = time.perf_counter() - started
    wrong = 0
    for text, words in zip(texts, said, strict=True):
        left = left_in(words)
        wrong += bool(left)
        if left or asked.show:
            print(f"{' '.join(sorted(left)) or 'ok'}\n    {text}\n    {words}")
    print(f"{wrong} of {len(texts)} sentences with a sign left, {took / len(texts) * 1e6:.0f} µs a sentence")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
