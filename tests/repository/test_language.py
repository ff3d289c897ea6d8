"""One language: the field's words, and none of those that were ours alone."""

import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RETIRED = {
    "ears": "STT",
    "mind": "LLM",
    "minds": "LLM",
    "house": "service",
    "desk": "leads, call outcome",
    "ledger": "shared state",
    "reception": "gate",
    "inbox": "receiver",
    "seldom": "rate limited",
    "leftover": "interrupted reply",
    "over_us": "during playout",
}
IN_PROSE = re.compile(
    r"\b(ears|[Tt]he mind|[Aa] mind|[Nn]o mind|minds|ledger|inbox|[Tt]he desk|[Tt]he house|over us)\b"
)
WORD = re.compile(r"\w+")
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("server", "tests", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if "fresh" not in path.relative_to(ROOT).parts
)


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def tokens(name: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(text_of(name)).readline))


@cache
def words_of(identifier: str) -> list[str]:
    """``heardOver_us`` in its words, small."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", identifier).lower()
    pairs = re.findall(r"(?=((?:^|(?<=_))[a-z]+_[a-z]+))", spaced)
    return [*spaced.split("_"), *pairs]


def may_name(name: str) -> bool:
    """Whether a retired word is in any name, comment or sentence; most files need not be taken apart."""
    return any(word in RETIRED for each in set(WORD.findall(text_of(name))) for word in words_of(each))


@pytest.mark.parametrize("name", FILES)
def test_no_name_has_a_retired_word(name: str) -> None:
    """Redesign 2: STT, LLM, TTS and the field's words."""
    found = {
        f"line {token.start[0]}: {token.string}: say {RETIRED[word]}"
        for token in (tokens(name) if may_name(name) else ())
        if token.type == tokenize.NAME
        for word in words_of(token.string)
        if word in RETIRED
    }
    assert found == set()


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("server/")])
def test_no_sentence_has_a_retired_word(name: str) -> None:
    """Redesign 2: comments, docstrings, and what is logged or printed."""
    if name.startswith("server/hebrew/"):
        return  # people live in houses there
    found = {
        f"line {token.start[0]}: {match[0]}"
        for token in (tokens(name) if IN_PROSE.search(text_of(name)) else ())
        if token.type in (tokenize.STRING, tokenize.COMMENT)
        for match in IN_PROSE.finditer(token.string)
    }
    assert found == set()
