"""A stream of text cut into sentences as they become whole (C2), Hebrew-aware.

A sentence ends at ``. ! ? …`` followed by white space, or at a new line. Not in a decimal (12.5: no white
space follows), not behind an initial (``ד. לוי``), not inside gershayim or behind a geresh, which are no
end marks at all.
"""

import re

_END = re.compile(r"[.!?…]+[\"'”׳״)]*(?=\s)|\n")
_INITIAL = re.compile(r"(?:^|[\s(])[\w]\.$")
MAX_SENTENCE_CHARS = 400  # a text without end marks is spoken in pieces all the same


class SentenceSplitter:
    """Feed pieces of any size; the sentences do not depend on how the text was cut."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """Return the sentences that ``piece`` completed, stripped, none empty."""
        self._text += piece
        sentences = []
        start = search_from = 0
        while (end := _END.search(self._text, search_from)) is not None:
            search_from = end.end()
            sentence = self._text[start:search_from].strip()
            if _INITIAL.search(sentence):
                continue
            start = search_from
            if sentence:
                sentences.append(sentence)
        self._text = self._text[start:]
        return sentences + self._overlong()

    def flush(self) -> list[str]:
        """The text is over: return what is left of it."""
        rest, self._text = self._text.strip(), ""
        return [rest] if rest else []

    def _overlong(self) -> list[str]:
        pieces = []
        while len(self._text) > MAX_SENTENCE_CHARS:
            cut = self._text.rfind(" ", 0, MAX_SENTENCE_CHARS)
            cut = cut if cut > 0 else MAX_SENTENCE_CHARS
            pieces.append(self._text[:cut].strip())
            self._text = self._text[cut:]
        return [piece for piece in pieces if piece]


def split_sentences(text: str) -> list[str]:
    """A whole text cut into its sentences."""
    splitter = SentenceSplitter()
    return splitter.feed(text) + splitter.flush()
