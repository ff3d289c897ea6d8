"""A stream of text cut into sentences as they become whole (C2), Hebrew-aware.

A sentence ends at ``. ! ? …`` followed by white space, or at a new line. Not in a decimal (12.5: no white
space follows), not behind initials (``ד. לוי``, ``ת.ז.``), not inside gershayim or behind a geresh, which
are no end marks at all.
"""

import re

_END = re.compile(r"[.!?…]+[\"'”׳״)]*(?=\s)|\n")
_INITIALS = re.compile(r"(?:^|[\s(])(?:[^\W\d_]\.)+$")
MAX_SENTENCE_CHARS = 400  # a text without end marks is spoken in pieces all the same


class SentenceSplitter:
    """Feed pieces of any size; the sentences do not depend on how the text was cut."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """Return the sentences that ``piece`` completed, stripped, none empty."""
        self._text += piece
        sentences: list[str] = []
        start = search_from = 0
        while (end := _END.search(self._text, search_from)) is not None:
            search_from = end.end()
            sentence = self._text[start:search_from].strip()
            if end.group() != "\n" and _INITIALS.search(sentence):
                continue
            start = search_from
            sentences += _in_pieces(sentence)
        self._text = self._text[start:].lstrip()
        *pieces, self._text = _in_pieces(self._text) or [""]
        return sentences + pieces

    def flush(self) -> list[str]:
        """The text is over: return what is left of it."""
        rest, self._text = self._text.strip(), ""
        return _in_pieces(rest)


def _in_pieces(text: str) -> list[str]:
    """``text`` cut at blanks so that no piece is too long; nothing for an empty one."""
    pieces = []
    while len(text) > MAX_SENTENCE_CHARS:
        cut = text.rfind(" ", 1, MAX_SENTENCE_CHARS + 1)
        cut = cut if cut > 0 else MAX_SENTENCE_CHARS
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text] if text else pieces


def split_sentences(text: str) -> list[str]:
    """A whole text cut into its sentences."""
    splitter = SentenceSplitter()
    return splitter.feed(text) + splitter.flush()
