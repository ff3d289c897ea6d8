"""A caller's line as tokens: words without gershayim, figures, and marks that separate numbers. Pure."""

import re
import unicodedata

_GONE = re.compile(r"[֑-ׇ'\"׳״`’‘“”]|(?<=\d),(?=\d{3}(?!\d))")  # niqqud, gershayim, thousands separators
_AND = re.compile(r"(?<![א-ת])ו\s*[-־]\s*(?=[0-9])")  # joins "ו-800" into one token
_DASHES = "-‐‑‒–—−־"
_TOKEN = re.compile(
    rf"ו?[0-9]+(?:\.[0-9]+)?|[א-ת]+|(?<=[0-9])\s*[{_DASHES}]|(?<=\s)[{_DASHES}](?=\s)|[/+$€£₪%]|[.,;:!?…\n]"
)
_PAUSES = ".,;:!?…\n"
DASH, PAUSE = "-", ","


def tokens_of(text: str) -> list[str]:
    """``מ-2 מיליון, 3 חד'`` → ``מ 2 מיליון , 3 חד``.

    A dash is kept where it may mean "to". A comma stands for every pause.
    """
    found = _TOKEN.findall(_AND.sub("ו", _GONE.sub("", unicodedata.normalize("NFKC", text))))
    return [_plain(token.strip(" \t") or PAUSE) for token in found]


def _plain(token: str) -> str:
    return DASH if token in _DASHES else PAUSE if token in _PAUSES else token


def words_in(tokens: list[str]) -> list[str]:
    """The words and figures."""
    return [token for token in tokens if token[0].isalnum()]
