"""The text that is said, put together from what was read and what stays as it was written."""

import re

_WORD_ENDS = re.compile(r"[^\W_]$|[א-ת]['׳’]$")
_POINT_INSIDE = re.compile(r"[./(][^\W\d_]")  # behind a number it is no part of a word
_GAPS = re.compile(r"(?<=[^\n ])  +|^ +| +$")


class Spoken:
    """What is said so far; words and what touched them stand apart."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last = ""  # its last two characters
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
        """``words`` empty: something was left out. ``joins``: what follows is of the same word."""
        self._dropped |= not words
        if words:
            self._add(words, apart=not self._joins)
            self._words_last, self._joins = True, joins

    def text(self) -> str:
        """All of it; without the blanks around what was left out."""
        whole = "".join(self._parts)
        if not self._dropped:
            return whole
        return _GAPS.sub(lambda gap: " " * (0 < gap.start() and gap.end() < len(whole)), whole)

    def _add(self, text: str, *, apart: bool) -> None:
        if apart and text[0].isalnum() and _WORD_ENDS.search(self._last):
            self._parts.append(" ")
        self._parts.append(text)
        self._last = text[-2:]
