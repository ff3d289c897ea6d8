"""A stream of text cut into sentences as they become whole (C2), Hebrew-aware.

A sentence ends at ``. ! ? …`` followed by white space, or at a new line. Not in a decimal (12.5: no white
space follows), not behind initials (``ד. לוי``, ``ת.ז.``) or a word cut short (``רח. הרצל``, ``טל. 03``), not
behind the number of an item (``אפשרויות: 1. דירה``), not at a quoted question that words follow (``שאלת
"כמה?" והתשובה``), not at ``…`` beside a word that joins (``רגע… אבל``), not inside gershayim or behind a
geresh, which are no end marks at all.
"""

import re

from server.hebrew.data import lines_of

_END = re.compile(r"[.!?…]+[\"'“”’׳״»)]*(?=\s)|\n")
_INITIALS = re.compile(r"(?:^|[\s(])(?:[^\W\d_]\.)+$")
# "אפשרויות: 1.", but "בקומה 3." is the end of its sentence.
_ITEM_NUMBER = re.compile(r"(?:^|[:;,.!?…][\"'”׳״)]*\s+)\d{1,2}\.$")


def _shortened(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s(\"'])[והבלשכמ]?(?:{'|'.join(words)})\.$", re.IGNORECASE)


_SHORTENED = _shortened(lines_of("shortened"))
_SHORTENED_BEFORE_NUMBER = _shortened(lines_of("shortened_before_number"))
_QUOTED_QUESTION = re.compile(r"\?[.!?…]*\)*[\"'”׳״]")
_NEW_LINE_OR_QUOTE = re.compile(r"[^\S\n]*[\n\"'“„”״]")
_JOINS = frozenset(lines_of("sentence_joins"))
_ELLIPSIS = re.compile(r"(?:(?:^|\s)[\"'(]*(\w+)\s*)?(?:…|\.\.)[.…]*$")
_NEXT_WORD = re.compile(r"[^\S\n]*(\w*)(\W?)")
_NEXT_DIGIT = re.compile(r"[^\S\n]*(?:[+*(]?\d|$)")  # or nothing yet
_LONGEST_MARK = 16  # characters of any word that the marks above look for
MAX_SENTENCE_CHARS = 400  # a text without end marks is spoken in pieces all the same


class SentenceSplitter:
    """Feed pieces of any size; the sentences do not depend on how the text was cut."""

    def __init__(self) -> None:
        self._text = ""
        self._before = ""  # what an overlong sentence had before ``_text``: its last characters, and a blank

    def feed(self, piece: str) -> list[str]:
        """Return the sentences that ``piece`` completed, stripped, none empty."""
        self._text += piece
        sentences: list[str] = []
        start = search_from = 0
        while (end := _END.search(self._text, search_from)) is not None:
            search_from = end.end()
            sentence = self._text[start:search_from].strip()
            if self._goes_on(end, sentence):
                continue
            start, self._before = search_from, ""
            sentences += _in_pieces(sentence)
        text = self._text[start:].lstrip()
        *pieces, self._text = _in_pieces(text) or [""]
        if pieces:
            given = text[: len(text) - len(self._text)]
            self._before = given.rstrip()[-_LONGEST_MARK:] + (" " if given[-1].isspace() else "")
        return sentences + pieces

    def _goes_on(self, end: re.Match[str], sentence: str) -> bool:
        """Whether ``end`` is none. Where the next word tells, it is waited for."""
        if end.group() == "\n":
            return False
        if _QUOTED_QUESTION.search(end.group()):
            return not _NEW_LINE_OR_QUOTE.match(self._text, end.end())
        sentence = self._before + sentence
        if _SHORTENED_BEFORE_NUMBER.search(sentence):
            return _NEXT_DIGIT.match(self._text, end.end()) is not None
        if (ellipsis := _ELLIPSIS.search(sentence)) is not None:
            return ellipsis[1] in _JOINS or self._joined_behind(end.end())
        item = _ITEM_NUMBER.search(sentence)
        if item is not None and not _SHORTENED_BEFORE_NUMBER.search(sentence[: item.start() + 1]):
            return True
        return bool(_INITIALS.search(sentence) or _SHORTENED.search(sentence))

    def _joined_behind(self, place: int) -> bool:
        """Whether the word at ``place`` joins, or may when more of it comes."""
        word = _NEXT_WORD.match(self._text, place)
        assert word is not None
        if word[2]:
            return word[1] in _JOINS
        return any(join.startswith(word[1]) for join in _JOINS)

    def flush(self) -> list[str]:
        """The text is over: return what is left of it."""
        sentences = self.feed("\n")  # whatever the next word would have told
        self._text = self._before = ""
        return sentences


def _in_pieces(text: str) -> list[str]:
    """``text`` cut at blanks so that no piece is too long; nothing for an empty one."""
    pieces = []
    while len(text.rstrip()) > MAX_SENTENCE_CHARS:  # only a word behind a blank makes it too long
        cut = text.rfind(" ", 1, MAX_SENTENCE_CHARS + 1)
        cut = cut if cut > 0 else MAX_SENTENCE_CHARS
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text] if text else pieces


def split_sentences(text: str) -> list[str]:
    """A whole text cut into its sentences."""
    splitter = SentenceSplitter()
    return splitter.feed(text) + splitter.flush()
