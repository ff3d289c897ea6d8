"""Short forms written out: רח', עו"ד, ת.ז., behind prefix letters too. The list is in ``data``."""

import re
from collections.abc import Iterable

from server.hebrew.data import lines_of

_GERESH = "['׳’‘´`]"
_GERSHAYIM = "(?:[\"״“”„]|''|׳׳)"
_ANY_GERSHAYIM = re.compile(_GERSHAYIM)
_ANY_GERESH = re.compile(_GERESH)


def plain_marks(text: str) -> str:
    """One sign for geresh and one for gershayim, as the lists have them."""
    return _ANY_GERESH.sub("'", _ANY_GERSHAYIM.sub('"', text))


def written(forms: Iterable[str]) -> str:
    """A pattern for any of ``forms``, the longest first, however their geresh and gershayim are typed."""
    longest_first = sorted(forms, key=len, reverse=True)
    return "|".join(map(_pattern, longest_first))


def _pattern(form: str) -> str:
    pattern = re.escape(form).replace("'", _GERESH).replace('"', _GERSHAYIM)
    # The point of ת.ז. is also the end of a sentence that ends with it.
    if form.endswith("."):
        return rf"{pattern[:-2]}(?:\.(?=\s*\S))?"
    return rf"{pattern}(?!\d)" if form[-1].isdecimal() else pattern


def _read() -> dict[str, str]:
    pairs = (line.partition("=") for line in lines_of("abbreviations"))
    return {short.strip(): long.strip() for short, _, long in pairs}


SHORT_FORMS = _read()
_ANY = re.compile(
    rf"(?<!\w)(?<![א-ת][\"'׳״])(?P<prefix>[ובלהמשכ]{{1,3}}?[-־]?)??(?P<short>{written(SHORT_FORMS)})(?![\"״]?[^\W\d])"
)


def expanded(text: str) -> str:
    """``text`` with the short forms of the list in words, and all else as it was."""
    return _ANY.sub(_expansion, text)


def _expansion(match: re.Match[str]) -> str:
    short = plain_marks(match["short"])
    words = SHORT_FORMS.get(short) or SHORT_FORMS[f"{short}."]
    digit_touches = match.string[match.end() :][:1].isalnum()
    return (match["prefix"] or "").rstrip("-־") + words + " " * digit_touches
