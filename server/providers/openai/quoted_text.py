"""Words that others have said or written, as they may stand among ours: words, and nothing that we mean.

Our notes to a model stand in square brackets, a turn is a message, and a call of a function has its name and
its arguments. Whoever rings could say all of that aloud, so nothing of it may be left in what they say.
"""

import html
import re
import unicodedata
from functools import lru_cache

from server.providers.reply.acts import FUNCTION

NOTHING_LEFT = "(לא ברור)"  # some servers refuse an empty message
QUOTES = "„‚"  # they open in other languages too, and are in Unicode's list of brackets
# In the place of signs that mark something up; what is not here, or a bracket, stays.
_SIGNS = {"<": " ", ">": " ", "|": " ", "\\": " ", "`": "'", "\u05c3": ":", "\u2236": ":", "\ua789": ":"}
# One that says whose words follow, or names a field: all but those of hours, verses and addresses.
_LABEL = re.compile(r"(?<!\d)\s*:(?!//)|:(?!\d|//)")
_HEADING = re.compile(r"#{2,}|(?<!\S)#\s(?=\S)|-{3,}|={3,}|\*{2,}|_{2,}")
_CALLED = re.compile(FUNCTION, re.IGNORECASE)


def as_words(text: str) -> str:
    """``text`` in one line, as it was meant by whoever has said it, and without any mark of ours.

    Round brackets, quotation marks, gershayim, numbers, a key (``#``, ``*``) stay. Doing it twice changes
    nothing more. The same text is always the same, for what a vendor keeps of the turns before.
    """
    while (words := _once(text)) != text:  # what is taken away may leave another mark behind
        text = words
    return words


def _once(text: str) -> str:
    plain = "".join(map(_plain, _unescaped(text)))
    plain = _LABEL.sub(",", _HEADING.sub(" ", plain))
    plain = _CALLED.sub(lambda name: _parted(name.group()), plain)
    return " ".join(plain.split()) or NOTHING_LEFT


def _unescaped(text: str) -> str:
    """However often it was escaped; each time it is shorter."""
    while (plain := html.unescape(text)) != text:
        text = plain
    return text


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """One character, as what it looks like: a full-width bracket is a bracket."""
    kind = unicodedata.category(character)
    if kind in ("Cf", "Cs", "Co", "Cn"):  # not to be seen, or nobody's
        return ""
    if kind in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    alike = unicodedata.normalize("NFKC", character)
    seen = alike if len(alike) == 1 and alike.isascii() else character
    if seen in _SIGNS:
        return _SIGNS[seen]
    if seen in QUOTES:
        return seen
    if kind in ("Ps", "Pe") or "BRACKET" in unicodedata.name(character, ""):
        return "(" if kind == "Ps" or "LEFT" in unicodedata.name(character, "") else ")"
    return seen if seen in ":#*_-=" else character


def _parted(name: str) -> str:
    """A function's name as a person would say it: "save lead"."""
    words = re.findall("save|lead|end|call|transfer|to|person", name, re.IGNORECASE)
    return " ".join(words)
