"""The names that callers say, as OpenAI's models take them."""

from server.providers.stt_hints import first_within

MAX_HINT_CHARS = 800  # about 400 tokens: more costs time, and models begin to recite it


def within_limit(phrases: tuple[str, ...], expected: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases of ASR_PHRASES_FILE and those expected now; only the former, and fewer, if too many."""
    both = tuple(dict.fromkeys((*phrases, *expected)))
    if len(as_prompt(both)) <= MAX_HINT_CHARS:
        return both
    return first_within(phrases, MAX_HINT_CHARS)


def as_prompt(hints: tuple[str, ...]) -> str:
    return ", ".join(hints)


def recites(hints: tuple[str, ...], text: str) -> bool:
    """The transcript is the hints themselves: what models do with noise."""
    return len(hints) > 2 and as_prompt(hints) in text
