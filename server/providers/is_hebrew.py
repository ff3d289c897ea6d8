"""Rejects transcripts that are not Hebrew: recognisers invent words when they hear noise."""

import re
import unicodedata

MANY_LATIN_WORDS = 3  # Hebrew speech has a foreign name or two, not a foreign sentence
ALLOWED_SCRIPTS = ("HEBREW", "LATIN")

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def wrong_language(text: str) -> bool:
    """Whether a transcript cannot be the words of a Hebrew caller.

    True for a letter that is neither Hebrew nor Latin, and for a sentence in Latin letters ("Thank you for
    watching"). False for digits, a brand name, an empty text.
    """
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in text if _is_letter(char)}
    if not scripts <= set(ALLOWED_SCRIPTS):
        return True
    return scripts == {"LATIN"} and len(_WORD.findall(text)) >= MANY_LATIN_WORDS


def _is_letter(char: str) -> bool:
    return unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")
