"""Phrases that callers are likely to say, as hints for the STT."""

from collections.abc import Iterable

from server.providers.base import ProviderError
from server.settings.text_file import NoText, read_text

MAX_PHRASES = 1000  # v1 takes 5000 a request; a phrase set of v2 takes about 1000
MAX_PHRASE_CHARS = 100
REFUSED = str.maketrans("", "", "<>")  # OpenAI refuses a request with one of these in a keyword


def read_phrases(path: str) -> tuple[str, ...]:
    """The phrases of ``ASR_PHRASES_FILE``: UTF-8, one a line, ``#`` a comment. Raises ProviderError."""
    try:
        text = read_text(path)
    except (OSError, NoText) as error:
        raise ProviderError(f"ASR_PHRASES_FILE={path} cannot be read: {error}") from error
    lines = (line.partition("#")[0].translate(REFUSED).strip() for line in text.splitlines())
    return tuple(filter(None, lines))


def within_limits(phrases: Iterable[str]) -> tuple[str, ...]:
    """The phrases in order without duplicates, up to Google's limit; a phrase that is too long is dropped."""
    usable = (" ".join(phrase.split()) for phrase in phrases)
    once = dict.fromkeys(phrase for phrase in usable if 0 < len(phrase) <= MAX_PHRASE_CHARS)
    return tuple(once)[:MAX_PHRASES]


def phrases_or_none(path: str) -> tuple[str, ...]:
    """The same; none without a file, or where it cannot be read, which ``warm`` has said."""
    try:
        return read_phrases(path) if path else ()
    except ProviderError:  # words are recognised without hints too
        return ()


def first_within(phrases: Iterable[str], characters: int) -> tuple[str, ...]:
    """The first phrases that fit into so many characters, two for what stands between them."""
    taken = []
    for phrase in phrases:
        characters -= len(phrase) + 2
        if characters < 0:
            break
        taken.append(phrase)
    return tuple(taken)
