"""Written Hebrew to spoken words for a TTS (E6): no figures, signs or abbreviations remain.

Numbers agree with their nouns; dates, hours and telephones sound natural. A text without any of these is
returned unchanged, and ends of sentences are kept. The grammar (``spoken``) defines all readings and their
order.
"""

import re
from functools import lru_cache

from server.hebrew.speak.grammar import spoken
from server.hebrew.speak.plain import seen

_TO_READ = re.compile(
    r"[^\x00-\x7f\u05d0-\u05ea\u0591-\u05bd\u05bf-\u05c7\u05f3\u05f4–—…’]"  # other scripts and marks
    r"|['׳’]{2}|[0-9#$%&*+/<=>@\[\\\]^_`{|}~]"
    r"|[א-ת](?:['\"׳״’‘´”„]|\.[א-ת]|\([התי]|\. (?:בוקר|צה|ערב))"
    r"|[א-ת][-–־][\"A-Za-z]|(?<![א-ת\"'])[ובלהמשכ][-–־][א-ת]{2}|[A-Za-z]\.[A-Za-z]|י-ם"
    r"|(?:יום|ימי|ימים) [א-וש](?![א-ת])"
)


_MOST_READINGS = 4  # a reading may uncover an abbreviation or address beside a number


@lru_cache(maxsize=256)  # a sentence is looked up by its spoken words, said in them, and kept under them
def speakable(text: str) -> str:
    """``text`` in words. Accepts any text. Idempotent: spoken text is returned unchanged."""
    for _ in range(_MOST_READINGS):
        if not _TO_READ.search(text) or (said := spoken(seen(text))) == text:
            break
        text = said
    return text
