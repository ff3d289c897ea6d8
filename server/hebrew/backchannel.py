"""What a listener says while the other goes on, and what stops the other (D4). Lists are data."""

from server.hebrew.data import Phrases
from server.hebrew.words import words_of

_BACKCHANNEL = Phrases.read("backchannel")
_INTERRUPTS = Phrases.read("interrupt", prefixes=("ו",))
_INTERRUPTS_ALONE = Phrases.read("interrupt_alone", prefixes=("ו",))
_INTERRUPTS_ANYWHERE = Phrases.read("interrupt_anywhere", prefixes=("ו", "ש"))
_NO_INTERRUPT = Phrases.read("interrupt_not")
_PEOPLE = Phrases.read(
    "person_called", "person_wished", prefixes=("ו", "ה", "ל", "ב", "מ", "ש", "וה", "שה", "מה")
)


def is_backchannel(text: str) -> bool:
    """All of ``text`` only shows that the caller listens. Whether it answers a question, the core knows."""
    return _BACKCHANNEL.make_up(words_of(text))


def is_interrupt(text: str) -> bool:
    """The caller wants us to stop: said at once or behind backchannel; a command, or a person, anywhere."""
    words = words_of(text)
    return (
        any(_stops(words, start) for start in _BACKCHANNEL.reach(words))
        or _INTERRUPTS_ANYWHERE.within(words)
        or _PEOPLE.within(words)
    )


def _stops(words: list[str], start: int) -> bool:
    begins = _INTERRUPTS.at(words, start) > _NO_INTERRUPT.at(words, start)
    return begins or _INTERRUPTS_ALONE.make_up(words[start:])
