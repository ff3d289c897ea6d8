"""Spelled names and e-mail addresses: whether they are complete."""

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.ends.ending import Ending
from server.hebrew.words import words_of

_LETTERS = {
    words_of(name)[0]: letter
    for letter, *names in map(str.split, lines_of("ends/letter_names"))
    for name in names
}
_FINALS = str.maketrans("ךםןףץ", "כמנפצ")
_AT = frozenset(("שטרודל", "כרוכית", "אט", "at"))
_DOT = frozenset(("נקודה", "דוט", "dot"))
_TOPS = Phrases.read("ends/email_endings")
_LIKE = "כמו"  # "קוף כמו קופסה"
_MIN_LETTERS = 2
_MIN_NAME = 3  # letters of a name worth spelling


def ending_of_spelled(words: list[str]) -> Ending | None:
    """The ending of spelled letters or an address; None without these, OPEN if they may be complete."""
    at = next((i for i in range(len(words) - 1, -1, -1) if words[i] in _AT), None)
    if at is not None and len(words) - at <= _MAX_PROVIDER:
        return _ending_of_address(words[at + 1 :])
    return _ending_of_letters(words)


_MAX_PROVIDER = 9  # words from "at" on: "שטרודל וואלה נקודה קו נקודה איי אל"


def _ending_of_address(behind: list[str]) -> Ending | None:
    """The ending behind "at": a provider, whose domain ending is optional, or a domain with its ending."""
    if not behind or behind[-1] in _DOT:
        return Ending.UNFINISHED
    dot = next((i for i, word in enumerate(behind) if word in _DOT), None)
    if dot is None:
        return Ending.OPEN if len(behind) == 1 else None
    ends = [word for word in behind[dot:] if word not in _DOT]
    if _TOPS.make_up(ends):
        return Ending.OPEN
    return (
        Ending.UNFINISHED
        if _TOPS.reach([*ends, "קום"]) and len(ends) == 1 and ends[0] in ("קו", "co")
        else None
    )


def _ending_of_letters(words: list[str]) -> Ending | None:
    """The ending of spelled letters. They are complete when they spell a name said before them."""
    letters, start = _letters_at_end(words)
    if len(letters) < _MIN_LETTERS:
        return None
    names = [word.translate(_FINALS) for word in words[:start] if len(word) >= _MIN_NAME]
    if letters in names:
        return Ending.OPEN
    begun = any(name.startswith(letters) for name in names)
    return Ending.UNFINISHED if begun or len(letters) < _MIN_NAME else Ending.OPEN


def _letter(word: str) -> str:
    """The letter that ``word`` names or is; "" for other words."""
    return _LETTERS.get(word) or (word if len(word) == 1 and "א" <= word <= "ת" else "")


def _letters_at_end(words: list[str]) -> tuple[str, int]:
    """The letters that end ``words``, each perhaps with an example word, and the index of the first."""
    letters, start = "", len(words)
    while start:
        if start > 2 and words[start - 2] == _LIKE and _letter(words[start - 3]):
            letters, start = _letter(words[start - 3]) + letters, start - 3
        elif letter := _letter(words[start - 1]):
            letters, start = letter + letters, start - 1
        else:
            break
    return letters, start
