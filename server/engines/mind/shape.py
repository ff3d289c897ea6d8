"""The shape of a spoken reply (E5), enforced while a mind streams it: plain words, one question.

A statement goes out as soon as it is whole. Only a question may wait: it is the last sentence, and what
is the last is not known before the mind has said enough.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

from server.core.sentences import SentenceSplitter

MAX_SENTENCES = 4
SHORTEST_SENTENCE = 2  # characters: a letter and its end mark

# Added to a reply that is too short and asks nothing. No gender: neither the caller's nor the agent's.
CLARIFYING_QUESTIONS: tuple[str, ...] = (
    "אפשר לשמוע עוד כמה פרטים, כדי שאוכל לעזור בצורה מדויקת?",
    "מה הכי חשוב שנבדוק קודם?",
    "יש עוד משהו שכדאי לקחת בחשבון?",
    "במה כדאי להתמקד קודם?",
)
# Added before the question of a reply that is too short.
CLARIFYING_STATEMENTS: tuple[str, ...] = (
    "כל פרט נוסף יעזור לי לדייק.",
    "נתקדם צעד אחר צעד, אפשר לקחת את הזמן.",
    "ככה יהיה לי קל יותר לעזור.",
)
# Added to a reply that is long enough and asks nothing.
CLOSING_QUESTIONS = ("איך נוח להמשיך מכאן?", "זה נשמע מתאים?", "אפשר לעזור בעוד משהו?", "מה עוד חשוב לדעת?")


def shaped(
    pieces: Iterator[str],
    min_chars: int,
    max_chars: int,
    turn_number: int,
    *,
    ends: Callable[[], bool],
) -> Iterator[str]:
    """Sentences of the reply that ``pieces`` stream, each with a blank behind it, and what E5 adds to them.

    Together they are at most ``max_chars`` long, blanks included. ``ends``: the reply says goodbye or hands
    over, so that it needs no question; asked when the mind is done or has said enough. Returns without
    pulling another piece once the reply is whole. ``min_chars`` 0: nothing is added. Pure; what ``pieces``
    raises passes through.
    """
    reply = _Reply(max_chars)
    for sentence in _sentences(pieces):
        if "?" not in sentence:
            if not reply.takes(sentence, last=min_chars == 0 or ends()):
                break
            yield reply.say(sentence)
        elif reply.ends_with(sentence, min_chars):
            yield reply.say(sentence)
            return
        elif not reply.hold(sentence):
            break
        if reply.full:
            break
    yield from _ending(reply, min_chars, turn_number, over=ends())


class _Reply:
    """What was said so far of one reply, and the question that waits to be its last sentence."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._cut = False  # the first sentence was too long, and nothing of the mind's may follow half of it
        self.sentences = 0
        self.chars = 0  # with a blank behind every sentence
        self.held = ""

    @property
    def full(self) -> bool:
        """Nothing more that the mind says could be said."""
        no_room = self.chars + SHORTEST_SENTENCE + 1 > self._max_chars
        return self._cut or no_room or self.sentences + bool(self.held) >= MAX_SENTENCES

    def fits(self, *sentences: str) -> bool:
        """Whether there is room for ``sentences``, of which empty ones need none."""
        chars = sum(len(sentence) + 1 for sentence in sentences if sentence)
        count = sum(map(bool, sentences))
        return self.chars + chars <= self._max_chars and self.sentences + count <= MAX_SENTENCES

    def takes(self, statement: str, *, last: bool) -> bool:
        """Whether ``statement`` may be said now. The fourth sentence is a question's, unless ``last``."""
        if not self.sentences and not self.held:
            return True
        if self.sentences == MAX_SENTENCES - 1 and not last:
            return False
        return self.fits(statement, self.held)

    def ends_with(self, question: str, min_chars: int) -> bool:
        """Whether ``question`` is the end: what was said and itself are long enough."""
        if not self.sentences and len(question) >= self._max_chars:
            return True
        return self.fits(question) and self.chars + len(question) >= min_chars

    def hold(self, question: str) -> bool:
        """Keep ``question`` for the end instead of the one before; False when there is no room for it."""
        if not self.fits(question):
            return False
        self.held = question
        return True

    def say(self, sentence: str) -> str:
        """Account for ``sentence`` and return it as it goes out; the first one is cut if it must be."""
        if not self.sentences and len(sentence) >= self._max_chars:
            sentence, self._cut = _cut(sentence, self._max_chars - 1), True
        self.sentences += 1
        self.chars += len(sentence) + 1
        return sentence + " "


def _ending(reply: _Reply, min_chars: int, turn_number: int, *, over: bool) -> Iterator[str]:
    """The held question, and what is added when the reply is too short or asks nothing."""
    if not reply.sentences and (over or not reply.held):
        # Nothing but a question before a goodbye: it is all there is to say.
        yield from [reply.say(reply.held)] if reply.held else []
        return
    if over:
        return  # nobody asks something and hangs up
    if min_chars:
        yield from _added(reply, min_chars, turn_number)
    if reply.held:
        yield reply.say(reply.held)


def _added(reply: _Reply, min_chars: int, turn_number: int) -> Iterator[str]:
    """One sentence of ours that fits, if one is called for; another one in the next turn."""
    if not reply.held:
        short = reply.chars <= min_chars  # the last blank does not count
        choices = CLARIFYING_QUESTIONS if short else CLOSING_QUESTIONS
    elif reply.chars + len(reply.held) < min_chars:
        choices = CLARIFYING_STATEMENTS
    else:
        return
    start = turn_number % len(choices)
    for choice in choices[start:] + choices[:start]:
        if reply.fits(choice, reply.held):
            yield reply.say(choice)
            return


_CLAUSE_END = re.compile(r"[,;:–—](?=\s)|\s[-–—](?=\s)")


def _cut(sentence: str, max_chars: int) -> str:
    """``sentence`` cut before the end of a clause, else of a word, else anywhere, with its end mark."""
    room = max_chars - 1
    clauses = [match.start() for match in _CLAUSE_END.finditer(sentence, 0, room + 2)]
    # A clause of less than half of what may be said would be a stump.
    ends = [end for end in clauses if room // 2 <= end <= room] or [sentence.rfind(" ", 1, room + 1)]
    start = sentence[: ends[-1] if ends[-1] > 0 else room]
    return start.rstrip(" ,;:-–—(\"'.!?…)") + ("?" if "?" in sentence else ".")


# ---- from a stream of markdown to sentences -----------------------------------------------------


def _sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Speakable sentences, each with an end mark; a question has one question mark, at its end."""
    words, splitter = _PlainWords(), SentenceSplitter()
    for piece in pieces:
        yield from _speakable(splitter.feed(words.feed(piece)))
    yield from _speakable(splitter.feed(words.flush()) + splitter.flush())


def _speakable(sentences: list[str]) -> Iterator[str]:
    for sentence in sentences:
        if any(char.isalnum() for char in sentence):
            yield _tidy(sentence)


_TAIL = re.compile(r"[.!?…]+\W*$")
_LEAD = re.compile(r"^\W*?(?=[\"'(“״₪$€+-]?\w)")
_COMMAS = re.compile(r"[\s,]*,(?=\s|$)")
_BLANK_BEFORE_MARK = re.compile(r"\s+(?=[.!?…]+(?:\s|$))")
_QUESTION_INSIDE = re.compile(r"\?+(?=.*\w)")


def _tidy(sentence: str) -> str:
    """One line with one end; what was a cell or an item of a list ends like a sentence."""
    sentence = " ".join(_COMMAS.sub(",", sentence).split())
    sentence = _LEAD.sub("", _BLANK_BEFORE_MARK.sub("", sentence), count=1).rstrip(" ,;-–—")
    sentence = _QUESTION_INSIDE.sub(",", sentence)  # it would be two questions
    tail = _TAIL.search(sentence)
    if tail is None:
        return sentence if sentence.endswith(":") else sentence + "."
    if "?" not in tail.group():
        return sentence
    return sentence[: tail.start()] + "?" + re.sub(r"[.!?…\s]", "", tail.group())


class _PlainWords:
    """Takes the markup out of a text, word by word. What comes out does not depend on how it was cut.

    Waiting for the end of a word costs nothing: a sentence is known to be whole by the white space behind it.
    """

    def __init__(self) -> None:
        self._word = ""
        self._line_start = True  # nothing of this line was given out

    def feed(self, piece: str) -> str:
        self._word += piece
        *parts, self._word = re.split(r"(\s)", self._word)
        return "".join(self._blank(part) if part.isspace() else self._plain(part) for part in parts if part)

    def flush(self) -> str:
        word, self._word = self._word, ""
        return self._plain(word)

    def _blank(self, blank: str) -> str:
        self._line_start = self._line_start or blank == "\n"
        return "\n" if blank == "\n" else " "

    def _plain(self, word: str) -> str:
        plain = _without_markup(word)
        if self._line_start:
            plain = _LINE_MARK.sub("", plain)
            self._line_start = not plain.strip()
        return plain


_KEYCAP = re.compile("[0-9*#]\ufe0f?\u20e3")
_NOTHING = re.compile(r"[-=*_~|:+#>`]{2,}|```\S*|[:;=]-?[()DP]|[*#>`~_]")  # rules, fences, smileys, strays
_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")
_URL = re.compile(r"(?:https?://(?:www\.)?|\bwww\.)([^/?#\s]+)\S*?(?=[.,;:!?…)\]\"'*_]*$)")
_STAR_NUMBER = re.compile(r"(?<![*\w])\*(\d{3,5})(?![\d*])")
_MARKUP = re.compile(r"<[^>]*>|!(?=\[)|[*`#~\[\]{}<>\\^]")
_CELL = re.compile(r"\|(?=\w)")
# Bullets and numbering. Not a minus before a digit, not "12.5".
_LINE_MARK = re.compile(
    r"^[\s•▪●◦·‣,]*(?:[-+–—]+$|[-–—](?=[^\W\d_])|\(?\d{1,2}[.)](?=[^\W\d_]|$)|\(?[א-ת]\)$)?"
)


def _without_markup(word: str) -> str:
    """``word`` without markdown, emojis and the noise of an address; the words stay."""
    plain = "".join(map(_plain_char, _KEYCAP.sub("", word)))
    if _NOTHING.fullmatch(plain):
        return ""
    plain = _URL.sub(r"\1", _LINK_TARGET.sub("", plain))
    plain = _STAR_NUMBER.sub(r"כוכבית \1", plain)  # *2700 is a telephone number
    return _CELL.sub(", ", _MARKUP.sub("", plain)).replace("|", ",").replace("_", " ")


def _plain_char(char: str) -> str:
    """``char``, a blank for a picture, or nothing for what has no sound or shape of its own."""
    if char < "\u2000":
        return char if char.isprintable() or char in "\xa0" else ""
    category = unicodedata.category(char)
    if category in ("So", "Sk", "Cn", "Co") or "\u2190" <= char <= "\u21ff":
        return " "
    if category in ("Cf", "Cc", "Cs", "Me") or "\ufe00" <= char <= "\ufe0f":
        return ""
    return char
