"""Is it Hebrew at all? Recognisers make words up when they hear noise."""

import re
import unicodedata

MANY_LATIN_WORDS = 3  # a name or two is Hebrew as it is spoken; a sentence is not
OUR_SCRIPTS = ("HEBREW", "LATIN")

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def wrong_language(text: str) -> bool:
    """Whether a transcript cannot be what a Hebrew caller said.

    It has a letter that is neither Hebrew nor Latin, or it is a sentence in Latin letters ("Thank you for
    watching"). Digits, a brand's name, nothing at all: False.
    """
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in text if _is_letter(char)}
    if not scripts <= set(OUR_SCRIPTS):
        return True
    return scripts == {"LATIN"} and len(_WORD.findall(text)) >= MANY_LATIN_WORDS


def _is_letter(char: str) -> bool:
    return unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")
