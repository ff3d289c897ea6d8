"""A stream of text cut into sentences as they become whole (C2), Hebrew-aware.

A sentence ends at ``. ! ? …`` followed by white space, or at a new line. Not in a decimal (12.5: no white
space follows), not behind initials (``ד. לוי``, ``ת.ז.``) or a word cut short (``רח. הרצל``, ``טל. 03``), not
behind the number of an item (``אפשרויות: 1. דירה``), not at a quoted question or call that words follow
(``שאלת "כמה?" והתשובה``), not in a name (``חברת Yahoo! פתחה``) or in brackets inside a sentence, not at ``…``
where nobody ends one (``יש לנו… חדר``, ``אז… מתי?``, ``רגע… אבל``), not inside gershayim or behind a geresh,
which are no end marks at all.
"""

import re

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.ends.last_words import last_words_wait
from server.hebrew.words import words_of

_END = re.compile(r"[.!?…]+[\"'“”’׳״»)]*(?=\s)|\n")
_INITIALS = re.compile(
    r"(?:^|[\s(])[\"'“„]?(?:[והבלשכמ]{1,3}-?(?=(?:[^\W\d_]\.){2}))?(?:(?:[^\W\d_]|[A-Z][a-z](?=\.[A-Z]))\.)+$"
)
# "אפשרויות: 1.", but "בקומה 3." is the end of its sentence.
_ITEM_NUMBER = re.compile(r"(?:^|[:;,.!?…][\"'”׳״)]*\s+)\d{1,2}\.$")


def _shortened(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s(\"'])[והבלשכמ]?(?:{'|'.join(words)})\.$", re.IGNORECASE)


_SHORTENED = _shortened(lines_of("sentences/shortened"))
_SHORTENED_BEFORE_NUMBER = _shortened(lines_of("sentences/shortened_before_number"))
_QUOTED = re.compile(r"[?!…][.!?…]*\)*[\"'”’“׳״»]")
_QUOTED_SPEECH = re.compile(r":\s*[\"'“”„׳״«][^\"“”„״«»]*[\"'”’“׳״»]$")  # a whole sentence of somebody's
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
_NEXT_DIGIT = re.compile(r"[^\S\n]*(?:[+*(]?\d|$)")  # or nothing yet
# Half a sentence: the other half follows. "אם תרצו… אפשר גם"
# What the search was for is not said behind it, but that one did: "אני מחפש... מצאתי!"
_FOUND = re.compile(r"\s*[א-ת]{2,}(?:תי|נו)!")
_CONDITION = re.compile(
    r"ו?(?:אם|כאשר|ברגע|למרות|אפילו|מכיוון|מאחר|היות|כש\w{2,}|(?:אחרי|לפני|עד|אחת)\s(?:כש|ש)\w+)(?:\s[^,]*)?$"
)
_NO_ENDS = (_INITIALS, _SHORTENED, _MARKED_NAME, _IN_BRACKETS)
_MOST_WORDS = 4  # that tell how a sentence ends
_SEEN = 64  # characters before an end mark that tell whether it is one
MAX_SENTENCE_CHARS = 400  # a text without end marks is spoken in pieces all the same


class SentenceSplitter:
    """Feed pieces of any size; the sentences do not depend on how the text was cut."""

    def __init__(self) -> None:
        self._text = ""
        self._before = ""  # what an overlong sentence had before ``_text``: its last characters

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
            self._before = given[-_SEEN:]
        return sentences + pieces

    def _goes_on(self, end: re.Match[str], sentence: str) -> bool:
        """Whether ``end`` is none. Where the next word tells, it is waited for."""
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
        """Words behind a quoted question or call belong to its sentence, unless it is a whole one itself."""
        if _NEW_LINE_OR_QUOTE.match(self._text, end.end()):
            return False
        whole = "?" not in end.group() and _QUOTED_SPEECH.search(sentence)
        return not whole or self._joined_behind(end.end())

    def _joined_behind(self, place: int) -> bool:
        """Whether the word at ``place`` joins, or may when more of it comes."""
        word = _NEXT_WORD.match(self._text, place)
        assert word is not None
        with_and = word[1].startswith(_AND)
        if word[2]:
            return word[1] in _JOINS or (with_and and word[1] not in _OWN_AND)
        return with_and or any(join.startswith(word[1]) for join in _JOINS)

    def flush(self) -> list[str]:
        """The text is over: return what is left of it."""
        sentences = self.feed("\n")  # whatever the next word would have told
        self._text = self._before = ""
        return sentences


def _is_begun(sentence: str) -> bool:
    """Whether nobody ends one like this; ``sentence``: its last ``_SEEN`` characters at most."""
    words = words_of(sentence)[-_MOST_WORDS:]
    if not words:
        return False
    if len(sentence) < _SEEN // 2 and _CONDITION.match(sentence):
        return True
    joins = words[-1] in _JOINS or _OPENERS.at_end(words) > 0
    return joins or last_words_wait(words)


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
