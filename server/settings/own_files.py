"""Texts of an office's own that calls read: with one that is wrong nothing starts."""

from collections.abc import Callable, Iterator

from server.hebrew.understand.gender import Gender
from server.settings.prompts_file import LinesError, lines_of
from server.settings.pronunciations_file import PronunciationsError, pronunciations_of
from server.settings.text_file import why_not_read


def forget_files() -> None:
    """What a process reads once is read again, by itself and by those it forks."""
    lines_of.cache_clear()
    pronunciations_of.cache_clear()


def wrong_files(paths: dict[str, str], agent: Gender) -> Iterator[str]:
    """``paths``: a setting's name to its path, empty where it is not set. A line for each fault."""
    readers: dict[str, Callable[[str], object]] = {
        "LINES_FILE": lambda path: lines_of(path, agent),
        "PRONUNCIATIONS_FILE": pronunciations_of,
    }
    for name, path in paths.items():
        if path and (why := why_not_read(path)):
            yield f"  {name}={path!r}: {why}"
        elif path and name in readers:
            yield from (f"  {name}={path!r}, {why}" for why in _problems(readers[name], path))


def _problems(read: Callable[[str], object], path: str) -> tuple[str, ...]:
    try:
        read(path)
    except (LinesError, PronunciationsError) as error:
        return error.problems
    return ()
