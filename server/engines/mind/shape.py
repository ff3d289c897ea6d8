"""The shape of a spoken reply (E5), enforced while a mind streams it: plain words, one question.

A statement goes out as soon as it is whole. A question waits for the sentence behind it: another question is
joined to it, a statement is not said any more. Nothing is ever reordered. A reply that is only "…" says that
the caller has not finished (A7) and passes as it is.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

from server.hebrew.sentences import SentenceSplitter

MAX_SENTENCES = 4
SHORTEST_SENTENCE = 2  # characters: a letter and its end mark

# Added to a reply that is too short and asks nothing. No gender: neither the caller's nor the agent's.
CLARIFYING_QUESTIONS: tuple[str, ...] = (
    "אפשר לשמוע עוד כמה פרטים, כדי שאוכל לעזור בצורה מדויקת?",
    "מה הכי חשוב שנבדוק קודם?",
    "יש עוד משהו שכדאי לקחת בחשבון?",
    "במה כדאי להתמקד קודם?",
)
# Added to a reply that is long enough and asks nothing.
CLOSING_QUESTIONS: tuple[str, ...] = (
    "איך נוח להמשיך מכאן?",
    "זה נשמע מתאים?",
    "אפשר לעזור בעוד משהו?",
    "מה עוד חשוב לדעת?",
)


# With a prefix or two: ובאיזו, לכמה, מאיפה.
_INTERROGATIVE = re.compile(
    r"(?<!\w)[ובלמשכ]{0,3}"
    r"(?:האם|מה|מהו|מהי|איזה|איזו|אילו|כמה|מתי|איפה|היכן|למה|מדוע|מי|מיהו|מיהי|איך|לאן)(?!\w)"
)

# "זה יקר, נכון?" with more behind it.
_TAG_QUESTION = re.compile(r"(?:^|[\s,])(?:נכון|לא|לא ככה|לא כך|אה|הלא כן|אוקיי|בסדר)\?\W*$")
_ELLIPSIS = re.compile(r"…+|\.{2,}")


def shaped(
    pieces: Iterator[str],
    min_chars: int,
    max_chars: int,
    turn_number: int,
    *,
    ends: Callable[[], bool],
) -> Iterator[str]:
    """Sentences of the reply that ``pieces`` stream, each with a blank behind it, and the question E5 adds.

    Together they are at most ``max_chars`` long, blanks included. Also yields ``""`` for every piece that
    completed no sentence, and for a question that has to wait: the stream is alive, and deadlines count
    from there. A reply of nothing but an ellipsis is yielded as the mind wrote it, without a blank.

    ``ends``: the reply says goodbye or hands over, so that it needs no question. Called at most once, when
    the mind is done or has said enough; it may block and read on in the mind's stream, so nothing is pulled
    from ``pieces`` behind it, nor once the reply is whole. Not called where it would change nothing: the
    reply ends with a question or is empty, or ``min_chars`` is 0, with which nothing is added. What
    ``pieces`` and ``ends`` raise passes through.
    """
    reply, fourth, waiting = _Reply(max_chars), "", ""
    for sentence in _sentences(pieces):
        if not sentence or _ELLIPSIS.fullmatch(sentence):
            waiting = waiting or sentence
            yield ""
            continue
        if "?" in sentence:
            if not reply.hold(sentence):
                break
            yield ""
        elif not reply.takes(sentence):
            break
        elif min_chars and reply.sentences == MAX_SENTENCES - 1:
            fourth = sentence  # a question's place, but for a goodbye
            break
        else:
            if reply.held:
                yield reply.say_echo()
            yield reply.say(sentence)
        if reply.full:
            break
    if reply.empty and waiting:
        yield waiting
    yield from _ending(reply, fourth, min_chars, turn_number, ends)


class _Reply:
    """What was said so far of one reply, and the question that waits to be its last sentence."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._cut = False  # the first sentence was too long, and nothing of the mind's may follow half of it
        self.sentences = 0
        self.chars = 0  # with a blank behind every sentence
        self.held = ""

    @property
    def empty(self) -> bool:
        return not self.sentences and not self.held

    @property
    def full(self) -> bool:
        """Nothing more that the mind says could be said."""
        shortest = "א" * SHORTEST_SENTENCE
        no_room = not self.fits(_joined(self.held, shortest) if self.held else shortest)
        return self._cut or no_room

    def fits(self, *sentences: str) -> bool:
        """Whether there is room for ``sentences``, and a blank behind each."""
        chars = sum(len(sentence) + 1 for sentence in sentences)
        return self.chars + chars <= self._max_chars and self.sentences + len(sentences) <= MAX_SENTENCES

    def takes(self, statement: str) -> bool:
        """Whether ``statement`` may be said now, behind what is held if that asks nothing."""
        if self.held:
            return self._is_echo and self.fits(self.held, statement)
        return not self.sentences or self.fits(statement)

    @property
    def _is_echo(self) -> bool:
        """What is held repeats the caller ("a flat?") or wants a nod ("isn't it?"): no question to answer."""
        wants_a_nod = _TAG_QUESTION.search(self.held) is not None
        return (wants_a_nod or not self.sentences) and not _INTERROGATIVE.search(self.held)

    def hold(self, question: str) -> bool:
        """Keep ``question``, joined to those that are held; False when there is no room for it."""
        if self.held:
            question = _joined(self.held, question)
        if not self.fits(question) and (self.sentences or self.held):
            return False
        self.held = question
        return True

    def say_echo(self) -> str:
        """What is held is no question to answer: said as a statement."""
        echo, self.held = self.held.replace("?", "."), ""
        return self.say(echo)

    def say(self, sentence: str) -> str:
        """Account for ``sentence`` and return it as it goes out; the first one is cut if it must be."""
        if not self.sentences and len(sentence) >= self._max_chars:
            sentence, self._cut = _cut(sentence, self._max_chars - 1), True
        self.sentences += 1
        self.chars += len(sentence) + 1
        return sentence + " "


def _joined(question: str, another: str) -> str:
    return question.replace("?", ",") + " " + another


def _ending(
    reply: _Reply, fourth: str, min_chars: int, turn_number: int, ends: Callable[[], bool]
) -> Iterator[str]:
    """The held question; else one of ours, or a goodbye's fourth sentence."""
    if reply.held:
        yield reply.say(reply.held)
    elif reply.sentences and min_chars:
        if not ends():
            yield from _added(reply, min_chars, turn_number)
        elif fourth:
            yield reply.say(fourth)


def _added(reply: _Reply, min_chars: int, turn_number: int) -> Iterator[str]:
    """One question of ours that fits; another one in the next turn."""
    short = reply.chars <= min_chars  # the last blank does not count
    choices = CLARIFYING_QUESTIONS if short else CLOSING_QUESTIONS
    start = turn_number % len(choices)
    for choice in choices[start:] + choices[:start]:
        if reply.fits(choice):
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
    """Speakable sentences, each with an end mark; a question has one question mark, at its end.

    ``""`` for a piece that completed none.
    """
    notes, words, splitter = _Notes(), _PlainWords(), SentenceSplitter()
    for piece in pieces:
        yield from _speakable(splitter.feed(words.feed(notes.feed(piece)))) or [""]
    rest = words.feed(notes.flush()) + words.flush()
    yield from _speakable(splitter.feed(rest) + splitter.flush())


def _speakable(sentences: list[str]) -> list[str]:
    """Those with a word in them, without stage directions; an ellipsis alone stays as it is."""
    undirected = (_STAGE_DIRECTION.sub("", sentence, count=1) for sentence in sentences)
    kept = (s for s in undirected if _ELLIPSIS.fullmatch(s) or any(map(str.isalnum, s)))
    return [s if _ELLIPSIS.fullmatch(s) else _tidy(s) for s in kept]


# At a sentence's head, up to three words that tell how it is said: (בחיוך).
_STAGE_DIRECTION = re.compile(r"^[^\w(]*\([^\W\d]+(?:\s+[^\W\d]+){0,2}…?\)(?=\s+\S|\s*$)")
_TAIL = re.compile(r"[.!?…]+\W*$")
_LEAD = re.compile(r"^\W*?(?=[\"'(“״₪$€+-]?\w)")
_COMMAS = re.compile(r"[\s,]*,(?=\s|$)")
_BLANK_BEFORE_MARK = re.compile(r"\s+(?=[.!?…]+(?:\s|$))")
_QUESTION_INSIDE = re.compile(r"!*\?[?!]*(?=.*\w)")


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


class _Notes:
    """Takes out notes in square brackets, which a mind repeats from what it was told: [השיחה התחילה.].

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
        self._clause_end = False  # the last word ends a clause, or a sentence
        self._item = 0  # the number of a list's last item

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
        plain = _without_markup(word)
        if self._line_start:
            plain = self._without(_LINE_MARK.match(plain), plain)
            self._line_start = not plain.strip()
        elif self._clause_end and blank != "\n" and (number := _ITEM_NUMBER.fullmatch(plain)):
            # Only one that is next: "בקומה: 3. יש מעלית" loses no floor.
            if int(number[1]) in (1, self._item + 1):
                plain = self._without(number, plain)
        if plain.strip():
            self._clause_end = _CLAUSE_OR_SENTENCE_END.search(plain) is not None
        return plain

    def _without(self, mark: re.Match[str] | None, word: str) -> str:
        """``word`` without the mark of an item at its start."""
        if mark is None:
            return word
        self._item = int(mark[1] or self._item)
        return word[mark.end() :]


_NOTE = re.compile(r"\[[^\[\]\n]*\](?!\()")
_BEGINS_NOTE = re.compile(r"\[[^\[\]\n]*\]?$")
_KEYCAP = re.compile("[0-9*#]\ufe0f?\u20e3")
_NOTHING = re.compile(r"[-=*_~|:+#>`]{2,}|```\S*|[:;=]-?[()DP]|[*#>`~_]")  # rules, fences, smileys, strays
_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")
_URL = re.compile(r"(?:https?://(?:www\.)?|\bwww\.)([^/?#\s]+)\S*?(?=[.,;:!?…)\]\"'*_]*$)")
_STAR_NUMBER = re.compile(r"(?<![*\w])\*(\d{3,5})(?![\d*])")
_MARKUP = re.compile(r"<[^>]*>|!(?=\[)|[*`#~\[\]{}<>\\^]")
_CELL = re.compile(r"\|(?=\w)")
# Bullets and numbering. Not a minus before a digit, not "12.5".
_LINE_MARK = re.compile(
    r"^[\s•▪●◦·‣,]*(?:[-+–—]+$|[-–—](?=[^\W\d_])|\(?([0-9]{1,2})[.)](?=[^\W\d_]|$)|\(?[א-ת]\)$)?"
)

_ITEM_NUMBER = re.compile(r"([0-9]{1,2})\.")  # inside a line
_CLAUSE_OR_SENTENCE_END = re.compile(r"[:;,.!?…][\"'”׳״)]*\s*$")


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
