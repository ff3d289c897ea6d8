"""An office's own pronunciations (``PRONUNCIATIONS_FILE``): ``written = spoken`` a line, ``#`` a comment.

An arrow (→) or a tab parts them as well.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from server.hebrew.speak.pronounced import MAX_WORDS, Pronunciations, words_of
from server.settings.text_file import NoText, read_text

MAX_CHARS = 100  # of either side
_COMMENT = re.compile(r"(?:\A|\s)#.*")
_PARTED = re.compile(r"[=→\t]")
RIGHT = "right is: written = spoken"


class PronunciationsError(ValueError):
    """The file cannot be used; ``problems``: each names the line, and what is right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@lru_cache(maxsize=8)
def pronunciations_of(path: str) -> Pronunciations:
    """Those of the file ``path``; empty: none. Read once a process. Raises PronunciationsError."""
    if not path:
        return Pronunciations({})
    try:
        text = read_text(path)
    except (OSError, NoText) as error:
        raise PronunciationsError([f"cannot be read: {error}"]) from error
    spoken: dict[str, str] = {}
    lines: dict[tuple[str, ...], int] = {}  # where an entry stands
    wrong: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        if not (line := _COMMENT.sub("", raw).strip(" ")).strip():
            continue
        written, said, why = _entry(line)
        words = words_of(written)
        if not why and words in lines:
            why = f"{written!r} stands in line {lines[words]} too"
        if why:
            wrong.append(f"line {number}: {why}")
            continue
        lines[words], spoken[written] = number, said
    if wrong:
        raise PronunciationsError(wrong)
    return Pronunciations(spoken)


def _entry(line: str) -> tuple[str, str, str]:
    """Written, spoken, and what is wrong with them."""
    written, said = (" ".join(side.split()) for side in (*_PARTED.split(line, maxsplit=1), "")[:2])
    return written, said, next(_wrong_with(line, written, said), "")


def _wrong_with(line: str, written: str, said: str) -> Iterator[str]:
    if not _PARTED.search(line):
        yield f"has no = in it; {RIGHT}"
    for side, text in (("written", written), ("spoken", said)):
        if not any(map(str.isalnum, text)):
            yield f"has no word on the {side} side; {RIGHT}"
        if len(text) > MAX_CHARS:
            yield f"its {side} side is {len(text)} characters long; it may have {MAX_CHARS}"
    if (count := len(words_of(written))) > MAX_WORDS:
        yield f"its written side has {count} words and signs; it may have {MAX_WORDS}"
    if _PARTED.search(said):
        yield f"has two of = in it; {RIGHT}"
