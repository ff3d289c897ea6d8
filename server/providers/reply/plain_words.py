"""Markdown to plain spoken sentences while the text streams (E5): no lists, no markup, no emojis."""

import re
import unicodedata

from server.hebrew.speak.nouns import label_before
from server.hebrew.speak.sentences import SentenceSplitter
from server.providers.reply.constructs import TOLD

ELLIPSIS = re.compile(r"…+|\.{2,}")


class Sentences:
    """Takes text in pieces of any size and returns speakable sentences as they become whole.

    A sentence has one end mark; a question has one question mark, at its end. ``authored``: the text was
    written by people for speech, so that its own end marks stay.
    """

    def __init__(self, *, authored: bool = False) -> None:
        self._authored = authored
        self.forget()

    def forget(self) -> None:
        """Drops all text that has not been returned."""
        self._notes, self._words, self._splitter = _Notes(), _PlainWords(), SentenceSplitter()

    def feed(self, piece: str) -> list[str]:
        return self._speakable(self._splitter.feed(self._words.feed(self._notes.feed(piece))))

    def flush(self, *, whole: bool = True) -> list[str]:
        """The sentences left at the end. Not ``whole``: the text broke off; drop a half sentence."""
        rest = self._words.feed(self._notes.flush()) + self._words.flush()
        sentences = self._splitter.feed(rest) + self._splitter.flush()
        self.forget()
        if not whole and sentences and not _is_whole(sentences[-1]):
            sentences.pop()
        return self._speakable(sentences)

    def _speakable(self, sentences: list[str]) -> list[str]:
        """The sentences with a word in them, without stage directions; a lone ellipsis stays as it is."""
        undirected = (_STAGE_DIRECTION.sub("", sentence, count=1) for sentence in sentences)
        heard = (sentence for sentence in undirected if TOLD not in sentence)
        kept = (s for s in heard if ELLIPSIS.fullmatch(s) or any(map(str.isalnum, s)))
        return [s if ELLIPSIS.fullmatch(s) else _tidy(s, self._authored) for s in kept]


def _is_whole(sentence: str) -> bool:
    """Whether the sentence is complete. A point after a digit may be a decimal point: not complete."""
    return bool(SentenceSplitter().feed(sentence + " ")) and not _DECIMAL_POINT.search(sentence)


_DECIMAL_POINT = re.compile(r"\d\.$")
# A stage direction of up to three words at the head of a sentence: (בחיוך).
_STAGE_DIRECTION = re.compile(r"^[^\w(]*\([^\W\d]+(?:\s+[^\W\d]+){0,2}…?\)(?=\s+\S|\s*$)")
_TAIL = re.compile(r"[.!?…]+\W*$")
_LEAD = re.compile(r"^\W*?(?=[\"'(“”„«‘‚״₪$€#+-]?\w)")
_COMMAS = re.compile(r"[\s,]*,(?=\s|$)")
_BLANK_BEFORE_MARK = re.compile(r"[\s,]+(?=[.!?…]+(?:\s|$))")
_QUESTION_INSIDE = re.compile(r"!*\?[?!]*(?=.*\w)")


def _tidy(sentence: str, authored: bool) -> str:
    """The sentence on one line with one end mark, which table cells and list items lack."""
    sentence = " ".join(_COMMAS.sub(",", sentence).split())
    sentence = _LEAD.sub("", _BLANK_BEFORE_MARK.sub("", sentence), count=1).rstrip(" ,;-–—")
    if authored:
        return sentence
    sentence = _QUESTION_INSIDE.sub(",", sentence)  # keep only the last question mark
    tail = _TAIL.search(sentence)
    if tail is None:
        return sentence if sentence.endswith(":") else sentence + "."
    if "?" not in tail.group():
        return sentence
    return sentence[: tail.start()] + "?" + re.sub(r"[.!?…\s]", "", tail.group())


class _Notes:
    """Removes notes in square brackets that an LLM repeats from its prompt: [השיחה התחילה.].

    The words of a link stay, and so does a bracket that its line never closes. Text waits from an opening
    bracket to the character after the closing one, so that the result does not depend on the pieces.
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
    """Removes markup from a text, word by word; the result does not depend on how the text was cut.

    Waiting for whole words adds no delay: a sentence is complete only at the white space behind it.
    """

    def __init__(self) -> None:
        self._word = ""
        self._line_start = True  # no word of this line was returned yet
        self._last = ""  # the previous word, as spoken
        self._pressing = False  # the sentence names keys to press: * and # are keys then
        self._open = False  # inside parentheses
        self._item = 0  # the number of the last list item
        self._crossed = False  # a cross mark negates the next word

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
        """``word`` as it is spoken; ``blank``: the white space behind it."""
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
        """Whether the number is a list's next, unlike "בקומה: 3. יש מעלית" and "1. דירה בקומה 2. מעלית"."""
        value = int(number["number"])
        if self._open and number["mark"] == ")" and not number["own"]:
            return False
        if self._clause_end:
            return value in (1, self._item + 1)
        begun = value == self._item + 1 and (self._item > 0 or number["mark"] == ")")
        return begun and not label_before(self._last, len(self._last))

    def _negated(self, plain: str, word: str, blank: str) -> str:
        """A cross mark (❌) becomes אין: before a word, or alone in a cell or behind a colon."""
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
        """``word`` without the list mark at its start."""
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
_NOTHING = re.compile(r"[-=*_~|:+#>`]{2,}|```\S*|[:;=]-?[()DP]|[*#>`~_]")  # rules, fences, smileys
_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")
# A URL keeps its host and a path made of words: numbers and query keys mean nothing by ear.
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
# Bullets and numbering, but neither a minus before a digit nor "12.5".
_LINE_MARK = re.compile(
    r"^[\s•▪●◦·‣,]*(?:[-+–—]+$|[-–—](?=[^\W\d_])|\(?(?P<number>[0-9]{1,2})[.)](?=[^\W\d_]|$)|\(?[א-ת]\)$)?"
)

_ITEM_NUMBER = re.compile(r"(?P<own>\()?(?P<number>[0-9]{1,2})(?P<mark>[.)])")  # inside a line
_CLAUSE_OR_SENTENCE_END = re.compile(r"[:;,.!?…][\"'”׳״)]*\s*$")


# Nearly every word: letters, figures and marks of which nothing above takes any away.
_ORDINARY = re.compile(r"[\"'(]?[0-9א-ת][0-9א-ת\"'׳״.,?!:;)-]*")


def _key_said(key: re.Match[str]) -> str:
    """The Hebrew name of a star or hash key, and the digits behind it."""
    gap = " " if key["rest"][:1].isdigit() else ""
    return f"{_KEYS[key['key']]}{gap}{key['rest']}"


def _without_markup(word: str) -> str:
    """``word`` without markdown, emojis and the technical parts of a URL."""
    if _ORDINARY.fullmatch(word):
        return word
    word = _BETWEEN_GENDERS.sub("/", _ARROW_BETWEEN_FIGURES.sub("–", _KEYCAP.sub("", word)))
    plain = "".join(map(_plain_char, word))
    if _NOTHING.fullmatch(plain):
        return ""
    plain = _URL.sub(r"\1", _LINK_TARGET.sub("", plain))
    plain = _ABOUT.sub("בערך ", plain)
    plain = _STAR_NUMBER.sub(r"כוכבית \1", plain)  # *2700 is a telephone number
    plain = _CELL.sub(", ", _MARKUP.sub("", plain)).replace("|", ",")
    if _ADDRESS.search(plain) or _LATIN_NAME.fullmatch(plain):  # underscores belong to an address
        return _EDGES.sub("", plain if "@" in plain else _QUERY.sub("", plain))
    return plain.replace("_", " ")


_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters and marks that have no visible shape


def _plain_char(char: str) -> str:
    """``char``, a blank for a pictograph, or nothing for an invisible character."""
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
