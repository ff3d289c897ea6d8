"""Short forms written out: רח', עו"ד, ת.ז. The list is in ``data``."""

import re

from server.hebrew.data import lines_of

_GERESH = "['׳’‘´`]"
_GERSHAYIM = "(?:[\"״“”„]|''|׳׳)"
_ANY_GERSHAYIM = re.compile(_GERSHAYIM)
_ANY_GERESH = re.compile(_GERESH)


def plain_marks(text: str) -> str:
    """One sign for geresh and one for gershayim, as the lists have them."""
    return _ANY_GERESH.sub("'", _ANY_GERSHAYIM.sub('"', text))


def _read() -> tuple[dict[str, str], dict[str, str]]:
    """Short form → words, and → what they are before a noun, where that is another word."""
    words, constructs = {}, {}
    for line in lines_of("abbreviations"):
        short, _, long = (part.strip() for part in line.partition("="))
        words[short], _, construct = (part.strip() for part in long.partition("/"))
        if construct:
            constructs[short] = construct
    return words, constructs


SHORT_FORMS, CONSTRUCTS = _read()
