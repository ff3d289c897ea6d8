"""The names that callers say, as OpenAI's models take them."""

from server.config import Config
from server.providers.base import ProviderError
from server.providers.stt_hints import read_phrases

MAX_HINT_CHARS = 800  # about 400 tokens: more costs time, and models begin to recite it


def phrases_of(config: Config) -> tuple[str, ...]:
    """The phrases of ``ASR_PHRASES_FILE``; none where it cannot be read, which ``warm`` has said."""
    path = config.asr_phrases_file
    try:
        return read_phrases(path) if path else ()
    except ProviderError:  # words are recognised without hints too
        return ()


def within_limit(phrases: tuple[str, ...], expected: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases of ASR_PHRASES_FILE and those expected now; only the former, and fewer, if too many."""
    both = tuple(dict.fromkeys((*phrases, *expected)))
    if len(as_prompt(both)) <= MAX_HINT_CHARS:
        return both
    room = MAX_HINT_CHARS
    hints = []
    for phrase in phrases:
        room -= len(phrase) + 2
        if room < 0:
            break
        hints.append(phrase)
    return tuple(hints)


def as_prompt(hints: tuple[str, ...]) -> str:
    return ", ".join(hints)


def recites(hints: tuple[str, ...], text: str) -> bool:
    """The transcript is the hints themselves: what models do with noise."""
    return len(hints) > 2 and as_prompt(hints) in text
