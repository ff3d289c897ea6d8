"""A text as items for the grammar of announced secrets: words, values, marks, and announcing nouns."""

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from server.hebrew.data import lines_of
from server.hebrew.understand.number_runs import value_in_any_tongue
from server.hebrew.words import without_prefixes

# Replace numbers that were recognised by their digits: of a known kind, and of an unknown kind.
NAMED, UNNAMED = "\0", "\1"
_ITEM = re.compile(
    r"(?P<tag>\[(?:id|card|phone|email|secret)\]|\x00+)"
    r"|(?P<hidden>\[digits\]|\x01+)"
    r"|(?P<prefix>(?<!\w)[ובלהמשכ]{1,2}(?:[-־–]?(?=[0-9\x01]|\[digits\])|[-־–](?=[A-Za-z])))"
    r"|(?P<amount>\d{1,2}:\d\d(?::\d\d)?(?![\d:]))"
    r"|(?P<glued>(?:[א-ת]{2,30}[0-9]\w{0,30}+|[0-9]{1,30}+[א-ת]\w{0,30}+)(?![:./]\d))"
    r"|(?P<hebrew>[א-ת](?:\.[א-ת])+\.?|[א-ת]+(?:[\"'״׳’”][א-ת]+)*['׳’]?)"
    r"|(?P<chunk>[^\W_א-ת](?:[^\s\u0590-\u05ff\x00\x01\[\]:=?]{0,62}[^\W_א-ת])?)"
    r"|(?P<mark>[^\w\s]|_|\n)"
)
_NO_LETTERS = re.compile(r"[^\w]|_")
_LETTERS = re.compile(r"[א-ת]+")
# A sum, a decimal or a date is no code.
_AMOUNT = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d{1,3}\.\d{1,2}|\d{1,2}([./])\d{1,2}(?:\1\d{2,4})?")
_FOUND = 7  # the least number of digits of a number recognised by its digits
_SPACED_PREFIXES = frozenset("בלמ")  # "ל 16"
_MOST_PREFIXES = 3


class Kind(Enum):
    WORD = "word"
    VALUE = "value"  # a number, or letters mixed with digits
    MARK = "mark"
    TAG = "tag"  # a hidden number of a known kind
    HIDDEN = "hidden"  # hidden digits of unknown kind, perhaps part of a secret
    AMOUNT = "amount"  # a sum, a date, an hour


class Secret(Enum):
    """The kind of secret that a noun announces."""

    CODE = "code"
    PASSWORD = "password"
    IDENTITY = "identity"
    ACCOUNT = "account"
    BRANCH = "branch"
    EXPIRY = "expiry"
    COUNT = "count"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Item:
    """``word``: normal form, without marks. ``digits``: their number. ``said``: the value of a number word.

    ``prefix``: letters before figures, as in ב-407. ``mixed``: letters and digits.
    """

    start: int
    end: int
    kind: Kind
    word: str
    digits: int = 0
    said: int | None = None
    prefix: str = ""
    mixed: bool = False

    @property
    def dictated(self) -> bool:
        return self.said is not None or self.digits == 1


@lru_cache(maxsize=4096)  # each word of a text is looked up in several lists
def stems(word: str) -> tuple[str, ...]:
    """``word`` with up to three prefix letters removed."""
    return tuple(without_prefixes(word, _MOST_PREFIXES))


def _bare(word: str) -> str:
    return _NO_LETTERS.sub("", word).casefold()


def _read_nouns() -> dict[str, list[tuple[tuple[str, ...], Secret]]]:
    nouns: dict[str, list[tuple[tuple[str, ...], Secret]]] = {}
    for line in lines_of("secrets/secrets"):
        kind, _, words = line.partition(":")
        first, *rest = map(_bare, words.split())
        nouns.setdefault(first, []).append((tuple(rest), Secret(kind.strip())))
    for forms in nouns.values():
        forms.sort(key=lambda form: -len(form[0]))
    return nouns


_NOUNS = _read_nouns()


def announcing(secret: Secret) -> frozenset[str]:
    """The first words of the nouns that announce ``secret``."""
    return frozenset(first for first, forms in _NOUNS.items() if any(kind is secret for _, kind in forms))


def noun_at(items: list[Item], at: int) -> tuple[int, Secret] | None:
    """The end of the noun that begins at ``at``, and the secret it announces; None without a noun."""
    item = items[at]
    if item.kind is Kind.VALUE and not item.mixed:  # "שלוש הספרות"
        counted = _listed(items, at + 1)
        return (counted[0], Secret.COUNT) if counted and counted[1] is Secret.COUNT else None
    return _listed(items, at)


def _listed(items: list[Item], at: int) -> tuple[int, Secret] | None:
    if at >= len(items) or items[at].kind is not Kind.WORD:
        return None
    for stem in stems(items[at].word):
        for rest, secret in _NOUNS.get(stem, ()):
            end = at + 1 + len(rest)
            pairs = [*zip(rest, items[at + 1 : end], strict=False)]
            if len(pairs) == len(rest) and all(word in stems(item.word) for word, item in pairs):
                return end, secret
    return None


def items_of(text: str) -> list[Item]:
    """The items of ``text`` in order, with only blanks between them."""
    items: list[Item] = []
    prefix = ""
    for match in _ITEM.finditer(text):
        if match["prefix"]:
            prefix = match["prefix"].rstrip("-־–")
            continue
        read = _read(match, prefix)
        prefix = ""
        if (
            read[0].kind is Kind.HIDDEN
            and items
            and items[-1].end == read[0].start
            and items[-1].word.isascii()
        ):
            if items[-1].kind is Kind.WORD:  # "M8841205", whose digits were hidden before
                read[0] = replace(
                    read[0], kind=Kind.VALUE, start=items.pop().start, digits=_FOUND, mixed=True
                )
        if (
            read[0].kind is Kind.VALUE
            and read[0].said is None
            and items
            and items[-1].word in _SPACED_PREFIXES
        ):
            read[0] = replace(read[0], prefix=items.pop().word)
        items += read
    return items


def _read(match: re.Match[str], prefix: str) -> list[Item]:
    start, end = match.span()
    word = _bare(match[0])
    if match["glued"]:
        return _of_glued(match, word)
    if match["hebrew"]:
        value = value_in_any_tongue(word)
        if value is None:
            return [Item(start, end, Kind.WORD, word)]
        return [Item(start, end, Kind.VALUE, word, len(str(value)), value)]
    if match["chunk"]:
        return [_of_chunk(match, word, prefix)]
    kinds = {"tag": Kind.TAG, "hidden": Kind.HIDDEN, "amount": Kind.AMOUNT, "mark": Kind.MARK}
    return [Item(start, end, kinds[match.lastgroup or "mark"], match[0], prefix=prefix)]


def _of_glued(match: re.Match[str], word: str) -> list[Item]:
    """The items of glued letters and digits: ארנב17 is a password, הקוד4417 is a noun with its secret."""
    start, end = match.span()
    noun = _LETTERS.search(match[0])
    if noun is None or not any(stem in _NOUNS for stem in stems(noun[0])):
        return [Item(start, end, Kind.VALUE, word, _digits_of(word), mixed=True)]
    split = (start, start + noun.start(), start + noun.end(), end)
    before, behind = match[0][: noun.start()], match[0][noun.end() :]
    items = [
        Item(split[0], split[1], Kind.VALUE, before, _digits_of(before)),
        Item(split[1], split[2], Kind.WORD, noun[0]),
        Item(split[2], split[3], Kind.VALUE, behind, _digits_of(behind)),
    ]
    return [item for item in items if item.word]


def _digits_of(word: str) -> int:
    return sum(char.isdecimal() for char in word)


def _of_chunk(match: re.Match[str], word: str, prefix: str) -> Item:
    start, end = match.span()
    value = value_in_any_tongue(word)
    if value is not None:
        return Item(start, end, Kind.VALUE, word, len(str(value)), value)
    digits = _digits_of(word)
    if not digits or "@" in match[0]:
        return Item(start, end, Kind.WORD, word)
    kind = Kind.AMOUNT if _AMOUNT.fullmatch(match[0]) else Kind.VALUE
    return Item(start, end, kind, match[0], digits, prefix=prefix, mixed=digits < len(word))
