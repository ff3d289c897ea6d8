"""Abbreviations written out: רח', עו"ד, ת.ז. The list is in ``data``."""

import re

from server.hebrew.data import lines_of

_GERESH = "['׳’‘´`]"
_GERSHAYIM = "(?:[\"״“”„]|''|׳׳)"
_ANY_GERSHAYIM = re.compile(_GERSHAYIM)
_ANY_GERESH = re.compile(_GERESH)
_A_NUMBER = " 1"  # marks an abbreviation that counts only before a number


def plain_marks(text: str) -> str:
    """``text`` with one sign for geresh and one for gershayim, as the lists have them."""
    return _ANY_GERESH.sub("'", _ANY_GERSHAYIM.sub('"', text))


def _read() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Abbreviation → words; → their construct form, if it differs; → words if a number follows."""
    words: dict[str, str] = {}
    constructs: dict[str, str] = {}
    before_number: dict[str, str] = {}
    for line in lines_of("spoken/abbreviations"):
        short, _, long = (part.strip() for part in line.partition("="))
        if short.endswith(_A_NUMBER):
            before_number[short.removesuffix(_A_NUMBER)] = long
            continue
        words[short], _, construct = (part.strip() for part in long.partition("/"))
        if construct:
            constructs[short] = construct
    return words, constructs, before_number


SHORT_FORMS, CONSTRUCTS, BEFORE_NUMBER = _read()
