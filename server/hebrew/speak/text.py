"""Assembles the spoken text from words that were read and text that is unchanged."""

import re

_WORD_ENDS = re.compile(r"[^\W_]$|[א-ת]['׳’]$")
_POINT_INSIDE = re.compile(r"[./(][^\W\d_]")  # separates, when it stands behind spoken words
_GAPS = re.compile(r"(?<=[^\n ])  +|^ +| +$")


class Spoken:
    """The spoken text so far. Words that were read are separated from letters beside them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last = ""  # the last two characters
        self._words_last = self._joins = False
        self._dropped = False

    def as_written(self, text: str) -> None:
        if text:
            text = text.replace("`", "'")
            if self._words_last and _POINT_INSIDE.match(text):
                text = f" {text}" if text[0] == "(" else f"{text[0]} {text[1:]}"
            self._add(text, apart=self._words_last and not self._joins)
            self._words_last = self._joins = False

    def in_words(self, words: str, *, joins: bool) -> None:
        """Adds spoken words; empty ones for a dropped sign. ``joins``: the next text continues the word."""
        self._dropped |= not words
        if words:
            self._add(words, apart=not self._joins)
            self._words_last, self._joins = True, joins

    def text(self) -> str:
        """The whole text, without the blanks around dropped signs."""
        whole = "".join(self._parts)
        if not self._dropped:
            return whole
        return _GAPS.sub(lambda gap: " " * (0 < gap.start() and gap.end() < len(whole)), whole)

    def _add(self, text: str, *, apart: bool) -> None:
        if apart and text[0].isalnum() and _WORD_ENDS.search(self._last):
            self._parts.append(" ")
        self._parts.append(text)
        self._last = text[-2:]
