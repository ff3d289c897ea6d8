"""Splits a stream of Hebrew text into sentences as they become whole (C2).

A sentence ends at ``. ! ? …`` before white space, or at a new line. There is no end

- in a decimal (12.5: no white space), and inside gershayim or behind a geresh, which are no end marks;
- behind initials (``ד. לוי``, ``ת.ז.``), abbreviations (``רח. הרצל``, ``טל. 03``) and item numbers
  (``אפשרויות: 1. דירה``);
- at a quoted question or exclamation with words behind it (``שאלת "כמה?" והתשובה``);
- in a name (``חברת Yahoo! פתחה``), or in brackets inside a sentence;
- at ``…`` behind words that end no sentence (``יש לנו… חדר``, ``אז… מתי?``, ``רגע… אבל``).
"""

import re

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.ends.last_words import last_words_wait
from server.hebrew.words import words_of

_END = re.compile(r"[.!?…]+[\"'“”’׳״»)]*(?=\s)|\n")
_INITIALS = re.compile(
    r"(?:^|[\s(])[\"'“„]?(?:[והבלשכמ]{1,3}-?(?=(?:[^\W\d_]\.){2}))?(?:(?:[^\W\d_]|[A-Z][a-z](?=\.[A-Z]))\.)+$"
)
# "אפשרויות: 1." continues, but "בקומה 3." ends its sentence.
_ITEM_NUMBER = re.compile(r"(?:^|[:;,.!?…][\"'”׳״)]*\s+)\d{1,2}\.$")


def _shortened(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s(\"'])[והבלשכמ]?(?:{'|'.join(words)})\.$", re.IGNORECASE)


_SHORTENED = _shortened(lines_of("sentences/shortened"))
_SHORTENED_BEFORE_NUMBER = _shortened(lines_of("sentences/shortened_before_number"))
_QUOTED = re.compile(r"[?!…][.!?…]*\)*[\"'”’“׳״»]")
_QUOTED_SPEECH = re.compile(r":\s*[\"'“”„׳״«][^\"“”„״«»]*[\"'”’“׳״»]$")  # a quoted whole sentence
_NEW_LINE_OR_QUOTE = re.compile(r"[^\S\n]*[\n\"'“„”״]")
_IN_BRACKETS = re.compile(r"\S\s*\((?!\s)[^()]*\)?$")
_MARKED_NAME = re.compile(
    rf"(?:^|[\s(\"'])[והבלשכמ]{{0,2}}-?(?:{'|'.join(lines_of('sentences/marked_names'))})[!?]$"
    rf"|(?:^|\s)[והבלשכמ]{{0,2}}(?:{'|'.join(lines_of('sentences/names'))})(?:\s[A-Za-z][\w&'.-]*){{1,2}}[!?]$",
    re.IGNORECASE,
)
_LATIN_CALL = re.compile(r"\S\s.*[A-Za-z][\w&'.-]*!$")
_LATIN_BEHIND = re.compile(r"[^\S\n]*[A-Za-z]")
_JOINS = frozenset(lines_of("sentences/joins"))
_OPENERS = Phrases.read("sentences/openers", prefixes=("ו", "ש"))
_OWN_AND = frozenset(lines_of("sentences/and_letter"))
_AND = "ו"
_ELLIPSIS = re.compile(r"(?:…|\.\.)[.…]*$")
_NEXT_WORD = re.compile(r"[^\S\n]*(\w*)(\W?)")
_NEXT_DIGIT = re.compile(r"[^\S\n]*(?:[+*(]?\d|$)")  # or the end of the text so far
# Half a sentence, whose other half follows: "אם תרצו… אפשר גם"
# The object of a search may be missing, but here the sentence is complete: "אני מחפש... מצאתי!"
_FOUND = re.compile(r"\s*[א-ת]{2,}(?:תי|נו)!")
_CONDITION = re.compile(
    r"ו?(?:אם|כאשר|ברגע|למרות|אפילו|מכיוון|מאחר|היות|כש\w{2,}|(?:אחרי|לפני|עד|אחת)\s(?:כש|ש)\w+)(?:\s[^,]*)?$"
)
_NO_ENDS = (_INITIALS, _SHORTENED, _MARKED_NAME, _IN_BRACKETS)
_MOST_WORDS = 4  # at the end of a sentence, which tell whether it ends
_SEEN = 64  # characters before an end mark, which tell whether it is one
MAX_SENTENCE_CHARS = 400  # a longer text without end marks is spoken in pieces


class SentenceSplitter:
    """Takes text in pieces of any size; the sentences do not depend on how the text was cut."""

    def __init__(self) -> None:
        self._text = ""
        self._before = ""  # the last characters of an overlong sentence, before ``_text``

    def feed(self, piece: str) -> list[str]:
        """The sentences that ``piece`` completes, stripped, none empty."""
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
            self._before = given[-_SEEN:]
        return sentences + pieces

    def _goes_on(self, end: re.Match[str], sentence: str) -> bool:
        """Whether ``end`` is no end of a sentence. Also true while the next word is needed to decide."""
        if end.group() == "\n":
            return False
        sentence = (self._before + sentence)[-_SEEN:]
        if _QUOTED.search(end.group()):
            return self._quote_goes_on(end, sentence)
        if _SHORTENED_BEFORE_NUMBER.search(sentence):
            return _NEXT_DIGIT.match(self._text, end.end()) is not None
        if (ellipsis := _ELLIPSIS.search(sentence)) is not None:
            if _FOUND.match(self._text, end.end()):
                return False
            return _is_begun(sentence[: ellipsis.start()]) or self._joined_behind(end.end())
        item = _ITEM_NUMBER.search(sentence)
        if item is not None and not _SHORTENED_BEFORE_NUMBER.search(sentence[: item.start() + 1]):
            return True
        if _LATIN_CALL.search(sentence) and (
            _LATIN_BEHIND.match(self._text, end.end()) or self._joined_behind(end.end())
        ):
            return True
        return any(pattern.search(sentence) for pattern in _NO_ENDS)

    def _quote_goes_on(self, end: re.Match[str], sentence: str) -> bool:
        """Whether words behind a quoted question or exclamation belong to its sentence."""
        if _NEW_LINE_OR_QUOTE.match(self._text, end.end()):
            return False
        whole = "?" not in end.group() and _QUOTED_SPEECH.search(sentence)
        return not whole or self._joined_behind(end.end())

    def _joined_behind(self, place: int) -> bool:
        """Whether the word at ``place`` is a conjunction, or can become one when more text comes."""
        word = _NEXT_WORD.match(self._text, place)
        assert word is not None
        with_and = word[1].startswith(_AND)
        if word[2]:
            return word[1] in _JOINS or (with_and and word[1] not in _OWN_AND)
        return with_and or any(join.startswith(word[1]) for join in _JOINS)

    def flush(self) -> list[str]:
        """The rest, at the end of the text."""
        sentences = self.feed("\n")  # a new line decides in place of the next word
        self._text = self._before = ""
        return sentences


def _is_begun(sentence: str) -> bool:
    """Whether no sentence ends like this. ``sentence``: at most its last ``_SEEN`` characters."""
    words = words_of(sentence)[-_MOST_WORDS:]
    if not words:
        return False
    if len(sentence) < _SEEN // 2 and _CONDITION.match(sentence):
        return True
    joins = words[-1] in _JOINS or _OPENERS.at_end(words) > 0
    return joins or last_words_wait(words)


def _in_pieces(text: str) -> list[str]:
    """``text`` cut at blanks into pieces of at most MAX_SENTENCE_CHARS; none for an empty text."""
    pieces = []
    while len(text.rstrip()) > MAX_SENTENCE_CHARS:  # trailing blanks do not count
        cut = text.rfind(" ", 1, MAX_SENTENCE_CHARS + 1)
        cut = cut if cut > 0 else MAX_SENTENCE_CHARS
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text] if text else pieces


def split_sentences(text: str) -> list[str]:
    """The sentences of a whole text."""
    splitter = SentenceSplitter()
    return splitter.feed(text) + splitter.flush()
