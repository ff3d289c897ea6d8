"""Written Hebrew as it is spoken (E6): no figures, no signs, no short forms, for a voice to read right.

Numbers agree with what they count; dates, hours and telephones sound as people say them. A text that has
none of these stays as it is, to the letter, and so do the ends of sentences. How it is read is the grammar's
(``spoken``), which states the order of its readings in one place.
"""

import re

from server.hebrew.speak.grammar import spoken
from server.hebrew.speak.plain import seen

_TO_READ = re.compile(
    r"[^\x00-\x7f\u05d0-\u05ea\u0591-\u05bd\u05bf-\u05c7\u05f3\u05f4–—…’]"  # other scripts and marks
    r"|['׳’]{2}|[0-9#$%&*+/<=>@\[\\\]^_`{|}~]"
    r"|[א-ת](?:['\"׳״’‘´”„]|\.[א-ת]|\([התי]|\. (?:בוקר|צה|ערב))"
    r"|[א-ת][-–־][\"A-Za-z]|(?<![א-ת\"'])[ובלהמשכ][-–־][א-ת]{2}|[A-Za-z]\.[A-Za-z]|י-ם"
    r"|(?:יום|ימי|ימים) [א-וש](?![א-ת])"
)


_MOST_READINGS = 4  # what touched a number may be a short form or an address once that is said


def speakable(text: str) -> str:
    """``text`` in words. Any text; what is spoken already stays: speaking it twice changes nothing."""
    for _ in range(_MOST_READINGS):
        if not _TO_READ.search(text) or (said := spoken(seen(text))) == text:
            break
        text = said
    return text
