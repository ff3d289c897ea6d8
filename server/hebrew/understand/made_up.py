"""Subtitles that nobody spoke: recognisers trained on videos produce them from noise."""

import re

from server.hebrew.data import Phrases, lines_of
from server.hebrew.words import words_of

MAX_NAMES = 4  # words behind the beginning of a credit

_CREDITS = lines_of("made_up/credits")
_WHOLE = Phrases.read("made_up/whole")
_SAID_BY = Phrases(line for line in _CREDITS if not line.endswith(":"))
_TITLES = Phrases(line for line in _CREDITS if line.endswith(":"))
_ASIDE = re.compile(r"\s*(\[[^\[\]]*\]|\([^()]*\)|♪[^♪]*♪?|\*[^*]*\*)\s*")


def is_made_up(text: str) -> bool:
    """Whether all of ``text`` is the end of a video, the credits of its subtitles, or an aside ("[מוזיקה]").

    False if the caller's own words precede or follow, and for a question.
    """
    return bool(_ASIDE.fullmatch(text)) or _WHOLE.make_up(words_of(text)) or _is_credit(text)


def _is_credit(text: str) -> bool:
    words = words_of(text)
    title, colon, names = text.partition(":")
    if colon and _TITLES.make_up(words_of(title)):
        behind = len(words_of(names))
    elif begins := _SAID_BY.at(words, 0):
        behind = len(words) - begins
    else:
        return False
    return behind <= MAX_NAMES and "?" not in text
