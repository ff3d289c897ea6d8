"""Markdown to plain spoken sentences, as the text streams (E5): no lists, no markup, no pictures."""

import re
import unicodedata

from server.hebrew.speak.nouns import label_before
from server.hebrew.speak.sentences import SentenceSplitter
from server.providers.reply.constructs import TOLD

ELLIPSIS = re.compile(r"…+|\.{2,}")


class Sentences:
    """Feed text of any size; speakable sentences come out as they become whole.

    Each has an end mark, and one question mark if it asks, at its end. ``authored``: written by people for a
    voice: their own end marks stand.
    """

    def __init__(self, *, authored: bool = False) -> None:
        self._authored = authored
        self.forget()

    def forget(self) -> None:
        """What has not come out will not."""
        self._notes, self._words, self._splitter = _Notes(), _PlainWords(), SentenceSplitter()

    def feed(self, piece: str) -> list[str]:
        return self._speakable(self._splitter.feed(self._words.feed(self._notes.feed(piece))))

    def flush(self, *, whole: bool = True) -> list[str]:
        """The text is over; not ``whole``: it broke off, and half a sentence is none."""
        rest = self._words.feed(self._notes.flush()) + self._words.flush()
        sentences = self._splitter.feed(rest) + self._splitter.flush()
        self.forget()
        if not whole and sentences and not _is_whole(sentences[-1]):
            sentences.pop()
        return self._speakable(sentences)

    def _speakable(self, sentences: list[str]) -> list[str]:
        """Those with a word in them, without stage directions; an ellipsis alone stays as it is."""
        undirected = (_STAGE_DIRECTION.sub("", sentence, count=1) for sentence in sentences)
        heard = (sentence for sentence in undirected if TOLD not in sentence)
        kept = (s for s in heard if ELLIPSIS.fullmatch(s) or any(map(str.isalnum, s)))
        return [s if ELLIPSIS.fullmatch(s) else _tidy(s, self._authored) for s in kept]


def _is_whole(sentence: str) -> bool:
    """Whether more of it would be another sentence. Behind a figure a point may be a decimal's."""
    return bool(SentenceSplitter().feed(sentence + " ")) and not _DECIMAL_POINT.search(sentence)


_DECIMAL_POINT = re.compile(r"\d\.$")
# At a sentence's head, up to three words that tell how it is said: (בחיוך).
_STAGE_DIRECTION = re.compile(r"^[^\w(]*\([^\W\d]+(?:\s+[^\W\d]+){0,2}…?\)(?=\s+\S|\s*$)")
_TAIL = re.compile(r"[.!?…]+\W*$")
_LEAD = re.compile(r"^\W*?(?=[\"'(“”„«‘‚״₪$€#+-]?\w)")
_COMMAS = re.compile(r"[\s,]*,(?=\s|$)")
_BLANK_BEFORE_MARK = re.compile(r"[\s,]+(?=[.!?…]+(?:\s|$))")
_QUESTION_INSIDE = re.compile(r"!*\?[?!]*(?=.*\w)")


def _tidy(sentence: str, authored: bool) -> str:
    """One line with one end; what was a cell or an item of a list ends like a sentence."""
    sentence = " ".join(_COMMAS.sub(",", sentence).split())
    sentence = _LEAD.sub("", _BLANK_BEFORE_MARK.sub("", sentence), count=1).rstrip(" ,;-–—")
    if authored:
        return sentence
    sentence = _QUESTION_INSIDE.sub(",", sentence)  # it would be two questions
    tail = _TAIL.search(sentence)
    if tail is None:
        return sentence if sentence.endswith(":") else sentence + "."
    if "?" not in tail.group():
        return sentence
    return sentence[: tail.start()] + "?" + re.sub(r"[.!?…\s]", "", tail.group())


class _Notes:
    """Takes out notes in square brackets, which an LLM repeats from what it was told: [השיחה התחילה.].

    The words of a link stay, and so does what a line never closes. What comes out does not depend on how it
    was cut; it waits from a bracket to the character behind the closing one.
    """

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, piece: str) -> str:
        text = self._waiting + piece
        start = match.start() if (match := _BEGINS_NOTE.search(text)) else len(text)
        self._waiting = text[start:]
        return _NOTE.sub(" ", text[:start])

    def flush(self) -> str:
        rest, self._waiting = self._waiting, ""
        return _NOTE.sub(" ", rest)


class _PlainWords:
    """Takes the markup out of a text, word by word. What comes out does not depend on how it was cut.

    Waiting for the end of a word costs nothing: a sentence is known to be whole by the white space behind it.
    """

    def __init__(self) -> None:
        self._word = ""
        self._line_start = True  # nothing of this line was given out
        self._last = ""  # the word before, as it is said
        self._pressing = False  # its sentence tells which keys to press: a star is one of them
        self._open = False  # behind a bracket that opens
        self._item = 0  # the number of a list's last item
        self._crossed = False  # a cross stood before the next word: there is none of it

    def feed(self, piece: str) -> str:
        self._word += piece
        *parts, self._word = re.split(r"(\s)", self._word)
        words = zip(parts[::2], parts[1::2], strict=True)
        return "".join(self._plain(word, blank) + self._blank(blank) for word, blank in words)

    def flush(self) -> str:
        word, self._word = self._word, ""
        return self._plain(word, "\n")

    def _blank(self, blank: str) -> str:
        self._line_start = self._line_start or blank == "\n"
        return "\n" if blank == "\n" else " "

    def _plain(self, word: str, blank: str) -> str:
        """``word`` as it is said, ``blank`` being what is behind it."""
        key = _KEY.fullmatch(word) if self._pressing else None
        bare = _key_said(key) if key else _without_markup(word)
        plain = self._negated(bare, word, blank)
        if self._line_start:
            plain = self._without(_LINE_MARK.match(plain), plain)
            self._line_start = not plain.strip()
        elif blank != "\n" and (number := _ITEM_NUMBER.fullmatch(plain)) and self._is_item(number):
            apart = "," * (not self._clause_end and self._item > 0)
            plain = apart + self._without(number, plain)
        self._seen(plain)
        return plain

    def _seen(self, plain: str) -> None:
        if plain.strip():
            self._last = plain
        self._pressing = not _SENTENCE_END.search(self._last) and (
            self._pressing or _PRESS.search(self._last) is not None
        )
        if "(" in plain or ")" in plain:
            self._open = plain.rfind("(") > plain.rfind(")")

    @property
    def _clause_end(self) -> bool:
        return _CLAUSE_OR_SENTENCE_END.search(self._last) is not None

    def _is_item(self, number: re.Match[str]) -> bool:
        """Only one that is next: "בקומה: 3. יש מעלית" loses no floor, nor does "1. דירה בקומה 2. מעלית"."""
        value = int(number["number"])
        if self._open and number["mark"] == ")" and not number["own"]:
            return False
        if self._clause_end:
            return value in (1, self._item + 1)
        begun = value == self._item + 1 and (self._item > 0 or number["mark"] == ")")
        return begun and not label_before(self._last, len(self._last))

    def _negated(self, plain: str, word: str, blank: str) -> str:
        """❌ before a word: there is none of it; alone in a cell, or behind a colon: there is not."""
        crossed, self._crossed = self._crossed or _CROSS.match(word) is not None, False
        if not crossed:
            return plain
        if any(map(str.isalnum, plain)):
            return plain if plain.strip() in _NEGATIONS else f"אין {plain.lstrip()}"
        if blank == "\n" or plain.strip():
            return ("אין" if self._clause_end else "") + plain.lstrip()
        self._crossed = True
        return plain

    def _without(self, mark: re.Match[str] | None, word: str) -> str:
        """``word`` without the mark of an item at its start."""
        if mark is None:
            return word
        self._item = int(mark["number"] or self._item)
        return word[mark.end() :]


_CROSS = re.compile("[❌❎✖✗✘🚫⛔]")
_NEGATIONS = frozenset("אין לא בלי ללא אסור איננו אינו אינה אינם".split())
_NOTE = re.compile(r"\[[^\[\]\n]*\](?!\()")
_BEGINS_NOTE = re.compile(r"\[[^\[\]\n]*\]?$")
_KEYCAP = re.compile("[0-9*#]\ufe0f?\u20e3")
_KEY = re.compile(r"(?P<key>[*#])(?P<rest>(?:(?:[1-9]\d?)?[.,;:!?…)]*))")
_KEYS = {"*": "כוכבית", "#": "סולמית"}
_PRESS = re.compile(
    r"^[ובלהמש]{0,2}(?:הקיש[וי]?|להקיש|הקשה?|לחצ[וי]|לחץ|לחיצה|מקישים|לוחצים|חייג[וי]?|מקש)\b"
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”׳״)]*\s*$")
_BETWEEN_GENDERS = re.compile(r"(?<=[א-ת])\\(?=[א-ת])")  # מעוניין\ת
_ARROW_BETWEEN_FIGURES = re.compile(r"(?<=\d)[→⟶➝➔](?=\d)")
_NOTHING = re.compile(r"[-=*_~|:+#>`]{2,}|```\S*|[:;=]-?[()DP]|[*#>`~_]")  # rules, fences, smileys, strays
_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")
# Of an address its host, and a path in words: no one can use numbers and keys of a page.
_URL = re.compile(
    r"(?:https?://(?:www\.)?|\bwww\.)"
    r"([^/?#\s]+(?:(?:/[A-Za-z](?:[A-Za-z%_-]|\d(?!\d\d)){2,19}){1,2}(?=/?[.,;:!?…)\]\"'*_]*(?:$|[?#])))?)"
    r"\S*?(?=[.,;:!?…)\]\"'*_]*$)"
)
_ABOUT = re.compile(r"(?<![~\w])~(?=\d)")
_STAR_NUMBER = re.compile(r"(?<![*\w])\*(\d{3,5})(?![\d*])")
_MARKUP = re.compile(r"<(?!https?:|[^>]*@)[^>]*>|!(?=\[)|(?<!\d)#(?!\d)|[*`~\[\]{}<>\\^]")
_ADDRESS = re.compile(
    r"[\w.+-]@[\w-]|(?<![A-Za-z0-9_.-])[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,8}\.[A-Za-z]{2,}",
    re.ASCII,
)
_LATIN_NAME = re.compile(r"\W*[A-Za-z]+_[A-Za-z]*\d[A-Za-z\d]*\W*", re.ASCII)  # Home_5G
_QUERY = re.compile(r"(?<=[A-Za-z0-9/])[?#][\w=&%.+-]*\w", re.ASCII)
_EDGES = re.compile(r"^_+|_+(?=\W*$)")
_CELL = re.compile(r"\|(?=\w)")
# Bullets and numbering. Not a minus before a digit, not "12.5".
_LINE_MARK = re.compile(
    r"^[\s•▪●◦·‣,]*(?:[-+–—]+$|[-–—](?=[^\W\d_])|\(?(?P<number>[0-9]{1,2})[.)](?=[^\W\d_]|$)|\(?[א-ת]\)$)?"
)

_ITEM_NUMBER = re.compile(r"(?P<own>\()?(?P<number>[0-9]{1,2})(?P<mark>[.)])")  # inside a line
_CLAUSE_OR_SENTENCE_END = re.compile(r"[:;,.!?…][\"'”׳״)]*\s*$")


def _key_said(key: re.Match[str]) -> str:
    """A star or a hash, and the digits behind it."""
    gap = " " if key["rest"][:1].isdigit() else ""
    return f"{_KEYS[key['key']]}{gap}{key['rest']}"


def _without_markup(word: str) -> str:
    """``word`` without markdown, emojis and the noise of an address; the words stay."""
    word = _BETWEEN_GENDERS.sub("/", _ARROW_BETWEEN_FIGURES.sub("–", _KEYCAP.sub("", word)))
    plain = "".join(map(_plain_char, word))
    if _NOTHING.fullmatch(plain):
        return ""
    plain = _URL.sub(r"\1", _LINK_TARGET.sub("", plain))
    plain = _ABOUT.sub("בערך ", plain)
    plain = _STAR_NUMBER.sub(r"כוכבית \1", plain)  # *2700 is a telephone number
    plain = _CELL.sub(", ", _MARKUP.sub("", plain)).replace("|", ",")
    if _ADDRESS.search(plain) or _LATIN_NAME.fullmatch(plain):  # its underscores are parts of it
        return _EDGES.sub("", plain if "@" in plain else _QUERY.sub("", plain))
    return plain.replace("_", " ")


_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters and marks without any shape


def _plain_char(char: str) -> str:
    """``char``, a blank for a picture, or nothing for what has no sound or shape of its own."""
    if char in _UNSEEN or char == TOLD:
        return char.strip(_UNSEEN)
    if char < "\u2000":
        return char if char.isprintable() or char in "\xa0" else ""
    category = unicodedata.category(char)
    if category in ("So", "Sk", "Cn", "Co") or "\u2190" <= char <= "\u21ff":
        return " "
    if category in ("Cf", "Cc", "Cs", "Me") or "\ufe00" <= char <= "\ufe0f":
        return ""
    return char
