"""Secrets found by the noun that announces them: "הקוד לדלת הוא 4417", "4417 זה הקוד", "הסיסמה היא ארנב".

The number of digits does not distinguish a code from a price; the noun does. Behind the noun may come an
owner, a place of use and "is", then the secret in figures, words and letters. Not secrets: counted numbers
(שקל, ימים), labelled numbers (חדר 407), sums, dates and hours.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from server.hebrew.data import lines_of
from server.hebrew.speak.place import MONTHS
from server.hebrew.understand.digits import said_together
from server.hebrew.understand.number_runs import JOINS, counts_behind, says_hesitation
from server.hebrew.understand.secret_items import Item, Kind, Secret, announcing, items_of, noun_at, stems

_LINKS = frozenset(lines_of("secrets/links"))
_COPULAS = frozenset(lines_of("secrets/copulas"))
_NO_SECRETS = frozenset(lines_of("secrets/not"))
_NO_PASSWORDS = frozenset(lines_of("secrets/password_not"))
_CARDS = frozenset(lines_of("secrets/cards"))
_LABELS = frozenset(lines_of("labels")) - _LINKS
_FILLERS = frozenset(lines_of("digit_fillers")) | {"או", "לא", "סליחה"}
_LETTER_NAMES = {word: len(only) == 0 for word, *only in map(str.split, lines_of("secrets/letters_said"))}
_BANKS = announcing(Secret.BRANCH)
_OF, _FOR = "של", frozenset("לב")
_EXPIRY = "תוקף"
_COMMAS = frozenset(",-–—")
_JOINING = frozenset(",.-–—־/\n") | JOINS
_COPULA_MARKS = frozenset(":=-–—־")
_STOPS = frozenset(".?!;\n…")
_EXPIRES = re.compile(r"(?:0?[1-9]|1[0-2])[/.-](?:20)?\d\d")
_WORD = re.compile(r"\w+")
_YEARS = 100  # numbers below are years: "עשרים ושמונה" behind a numeric month
_EXPIRES_DIGITS = range(3, 7)
_MOST_BETWEEN = 10  # words from the noun to the secret
_MOST_ITEMS = 30  # including marks
_MOST_BEHIND_A_STOP = 4
_MOST_PARTS = 40
_MOST_FILLERS = 2
_MOST_WORDS = 3  # of a password
_MOST_TURNS = 3  # for which a noun awaits its secret
_VALUES = (Kind.VALUE, Kind.HIDDEN)
_MANY_DIGITS = 7  # counted for digits that are hidden already
_FAR_DIGITS = 4  # of a code separated from its noun by other words
_LEAST = {Secret.IDENTITY: 3, Secret.ACCOUNT: 5, Secret.BRANCH: 1, Secret.DEVICE: 4}  # digits
_ACCOUNT_DIGITS = 6  # of an account separated from its noun by any words
_LEAST_NEAR = 2
_PLACES = (Secret.BRANCH, Secret.DEVICE)  # the place of a secret rather than a second secret
_OPEN = (Secret.CODE, Secret.PASSWORD)  # any words may stand between noun and secret


@dataclass(frozen=True, slots=True)
class Announced:
    """``noun``: its span in the text. ``span``: of its secret; None while the secret is awaited.

    ``figures``: the secret has digits only. ``hidden``: a tag already replaces the secret.
    """

    noun: tuple[int, int]
    secret: Secret
    span: tuple[int, int] | None
    figures: bool = True
    hidden: bool = False


def announced(text: str, cards: Iterable[int] = ()) -> list[Announced]:
    """Every noun that announces a secret, with the secret. ``cards``: positions of card numbers."""
    items = items_of(text)
    reader = _Reader(text, items, min(cards, default=len(text)))
    found = [*reader.all()]
    account = any(one.secret is Secret.ACCOUNT and (one.span or one.hidden) for one in found)
    return [one for one in found if account or one.secret is not Secret.BRANCH]


def awaited(text: str, cards: Iterable[int] = (), whole: Iterable[int] = ()) -> str:
    """The end of ``text`` that announces a secret which the next words may tell or continue; else empty.

    ``whole``: the ends of numbers that are complete.
    """
    last = next(iter(announced(text, cards)[::-1]), None)
    if last is None or last.hidden or last.secret is Secret.BRANCH:
        return ""
    if last.span is None:
        turns = text.count("\n", last.noun[1])
        return text[slice(*last.noun)] + "\n" * turns if turns < _MOST_TURNS else ""
    start, end = last.span
    if start < last.noun[0] or end in whole or len(_WORD.findall(text, end)) > _MOST_FILLERS:
        return ""
    return text[last.noun[0] : end]


class _Reader:
    """Reads the items of one text, in linear time: a bounded number of items around each noun."""

    def __init__(self, text: str, items: list[Item], card_at: int) -> None:
        self._text, self._items = text, items
        named = (item.word == "[card]" or _any(item, _CARDS) for item in items)
        self._with_card = card_at < len(text) or any(named)

    def all(self) -> Iterator[Announced]:
        at = read = 0
        while at < len(self._items):
            noun = noun_at(self._items, at)
            if noun is None or self._is_none(at, *noun):
                at += 1
                continue
            found = self._of_noun(at, *noun, read)
            yield found
            read = self._behind_span(noun[0], found)
            while (another := self._another(found, read)) is not None:
                yield another
                found, read = another, self._behind_span(read, another)
            at = noun[0]

    def _behind_span(self, at: int, found: Announced) -> int:
        while found.span and at < len(self._items) and self._items[at].start < found.span[1]:
            at += 1
        return at

    def _another(self, found: Announced, at: int) -> Announced | None:
        """A further secret with the same number of digits: "לא 4417 אלא 4471", "הישן 1234 והחדש 5678"."""
        if found.secret not in _OPEN or found.span is None or found.span[0] < found.noun[1]:
            return None
        for place in range(at, min(at + _MOST_FILLERS + 1, len(self._items))):
            parts = self._value(place)
            if parts and _is_new(parts):
                same = _digits(parts) == _digits(items_of(self._text[slice(*found.span)]))
                span = (parts[0].start, parts[-1].end)
                alike = same and _digits(parts) >= _FAR_DIGITS and parts[0].prefix in ("", "ו", "ל")
                return Announced(found.noun, found.secret, span, found.figures) if alike else None
            if not _any(self._items[place], _LINKS):
                return None
        return None

    def _is_none(self, at: int, end: int, secret: Secret) -> bool:
        """Whether the noun announces nothing: קוד לבוש, or an expiry date without a card."""
        if secret is Secret.EXPIRY and self._items[at].word.lstrip("וה") != _EXPIRY:  # "בתוקף", "תקף"
            return not self._with_card
        return secret is Secret.CODE and end < len(self._items) and _any(self._items[end], _NO_SECRETS)

    def _of_noun(self, at: int, end: int, secret: Secret, read: int) -> Announced:
        """The noun with its secret. ``read``: the number of items that belong to an earlier secret."""
        place = (self._items[at].start, self._items[end - 1].end)
        parts, hidden = self._behind(end, secret)
        if not parts and not hidden and secret not in (Secret.EXPIRY, Secret.BRANCH):
            parts = self._before(at, secret, read)
        if not parts:
            return Announced(place, secret, None, hidden=hidden)
        figures = all(part.kind is not Kind.WORD and not part.mixed for part in parts)
        span = (parts[0].start, parts[-1].end)
        return Announced(place, secret, span, figures or secret is Secret.EXPIRY)

    # ---- behind the noun ------------------------------------------------------------------------

    def _behind(self, at: int, secret: Secret) -> tuple[list[Item], bool]:
        """The items of the secret behind the noun, and whether a tag already replaces it."""
        gap, first = _Gap(secret), at
        fallback: list[Item] = []
        last = min(at + _MOST_ITEMS, len(self._items))
        while at < last and gap.open:
            item = self._items[at]
            if item.kind is Kind.TAG or (item.kind is Kind.HIDDEN and len(self._value(at)) == 1):
                return fallback, not fallback
            parts = self._secret_at(at, secret, gap)
            if parts and (gap.near or not self._is_label(at - 1)):
                return parts, False
            noun = noun_at(self._items, at)
            if noun is not None and noun[1] not in _PLACES and not self._is_complement(at, first):
                break
            fallback = fallback or parts
            gap.passed(item)
            at += 1
        return fallback, False

    def _is_complement(self, at: int, first: int) -> bool:
        """Whether the noun at ``at`` complements the first one: סיסמת חשבון, הקוד לחשבון, של החשבון."""
        item = self._items[at]
        return at == first or item.word[0] in _FOR or self._items[at - 1].word == _OF

    def _secret_at(self, at: int, secret: Secret, gap: "_Gap") -> list[Item]:
        if secret is Secret.EXPIRY:
            return self._expiry(at) if gap.near else []
        parts = self._value(at)
        if not parts:
            return self._words(at, gap) if secret is Secret.PASSWORD else []
        if at and self._is_label(at - 1) and _digits(parts) < _FAR_DIGITS and not any(p.mixed for p in parts):
            return []
        return parts if gap.takes(parts) else []

    def _value(self, at: int) -> list[Item]:
        """The run of numbers and letters from ``at`` on, without a counted number at its end."""
        end, fillers = at, 0
        for place in range(at, min(at + _MOST_PARTS, len(self._items))):
            item = self._items[place]
            if place > at and item.prefix not in ("", "ו") or noun_at(self._items, place) is not None:
                break
            if self._is_part(place, at):
                end, fillers = place + 1, 0
            elif place == at or not _may_part(item):
                break
            elif item.kind is Kind.WORD and item.word not in _JOINING:
                fillers += 1
                if fillers > _MOST_FILLERS:
                    break
        while end > at and not _is_whole_part(self._items[end - 1]):
            end -= 1
        parts = self._uncounted(self._items[at:end])
        return parts if len(parts) > 1 or any(part.kind in _VALUES for part in parts) else []

    def _is_part(self, place: int, first: int) -> bool:
        item = self._items[place]
        if item.kind in _VALUES:
            return True
        return item.kind is Kind.WORD and (
            len(item.word) == 1
            or _LETTER_NAMES.get(item.word, False)
            or (place > first and item.word in _LETTER_NAMES)
        )

    def _uncounted(self, parts: list[Item]) -> list[Item]:
        """``parts`` without a counted number at the end: 4417 ועשרים ושלושה חדרים."""
        if not parts or not counts_behind(self._text, parts[-1].end, parts[-1].digits):
            return parts
        said = parts[-1].said
        parts = parts[:-1]
        while parts and said is not None and (before := parts[-1].said) is not None:
            if said_together(before, said) is None:
                break
            said, parts = before, parts[:-1]
        while parts and not _is_whole_part(parts[-1]):
            parts = parts[:-1]
        return parts

    def _words(self, at: int, gap: "_Gap") -> list[Item]:
        """The words of a password: any behind "is", otherwise a word in Latin letters."""
        first = self._items[at]
        if first.kind is not Kind.WORD or not gap.near or not _may_be_a_password(first):
            return []
        before = self._items[at - 1].word
        told = gap.told and (before in _COPULAS or before in _COPULA_MARKS or before == "\n")
        if not told and not (first.word.isascii() and before != "-"):
            return []
        end = at
        while end < min(at + _MOST_WORDS, len(self._items)):
            item = self._items[end]
            if (
                not _may_be_a_password(item)
                or (end > at and item.word[0] == "ו")
                or noun_at(self._items, end)
            ):
                break
            end += 1
        return self._items[at:end]

    def _expiry(self, at: int) -> list[Item]:
        first, second = self._items[at], self._items[at + 1 : at + 2]
        if _EXPIRES.fullmatch(self._text, first.start, first.end):
            return [first]
        if _any(first, MONTHS) and second and second[0].kind is Kind.VALUE:
            return [first, *self._value(at + 1)]
        parts = self._value(at)
        digits = _digits(parts)
        plain = not any(part.mixed or (part.said or 0) >= _YEARS for part in parts)
        return parts if digits in _EXPIRES_DIGITS and plain else []

    # ---- before it ------------------------------------------------------------------------------

    def _before(self, at: int, secret: Secret, read: int) -> list[Item]:
        """The items of a secret before its noun: "4417 זה הקוד"."""
        end, told = at, False
        while end > read and (self._items[end - 1].word in _COPULAS or self._items[end - 1].word in _COMMAS):
            end -= 1
            told |= self._items[end].word in _COPULAS
        start = end
        while start > read and end - start < _MOST_PARTS and self._is_part_before(start - 1):
            start -= 1
        while start < end and not _is_whole_part(self._items[start]):
            start += 1
        parts = self._value(start) if start < end else []
        if not parts or parts[-1] is not self._items[end - 1] or parts[0].prefix or self._is_label(start - 1):
            return []
        least = _LEAST.get(secret, _FAR_DIGITS - told)
        definite = told or self._items[at].word[0] == "ה"
        return parts if definite and _is_new(parts) and _digits(parts) >= least else []

    def _is_part_before(self, place: int) -> bool:
        item = self._items[place]
        return item.kind in _VALUES or item.word in JOINS or item.word in _COMMAS

    def _is_label(self, place: int) -> bool:
        return place >= 0 and _any(self._items[place], _LABELS)


class _Gap:
    """The words between a noun and its secret."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._left = _MOST_BETWEEN
        self._of = False
        self._known = True  # only link words so far
        self.told = False  # the last word is "is"
        self.open = True

    @property
    def near(self) -> bool:
        return self._known or self.told

    def takes(self, parts: list[Item]) -> bool:
        """Whether ``parts`` can be the secret."""
        digits, mixed = _digits(parts), any(part.mixed for part in parts)
        letters = sum(part.kind is Kind.WORD for part in parts)
        if not self.near:
            plain = parts[0].prefix in ("", "ל")
            size = max(digits + letters, *(len(part.word) for part in parts if part.mixed), 0)
            if self._secret is Secret.ACCOUNT:
                return not parts[0].prefix and digits >= _ACCOUNT_DIGITS and not _is_round(parts)
            may = self._secret in _OPEN or (self._secret is Secret.IDENTITY and mixed)
            return may and plain and size >= _FAR_DIGITS
        if parts[0].prefix not in (("", "ל", "ו", "מ") if digits >= _FAR_DIGITS else ("", "ל", "ו")):
            return False
        least = _LEAST.get(self._secret, 1 if self.told else _LEAST_NEAR)
        if self._secret is Secret.ACCOUNT and _is_round(parts):
            return False
        return digits + letters >= least or (mixed and self._secret in _OPEN)

    def passed(self, item: Item) -> None:
        word = item.word
        if item.kind is Kind.MARK:
            self.told = word in _COPULA_MARKS or (self.told and (word == "\n" or word not in _STOPS))
            if word in _STOPS:
                self._left = min(self._left, _MOST_BEHIND_A_STOP)
            return
        self._left -= 1
        is_link = _any(item, _LINKS) or says_hesitation(word) or self._is_of_an_account(item)
        copula = word in _COPULAS
        breaks = item.kind is Kind.WORD and word[0] == "ו" and not (is_link or copula)
        self._known = self._known and (is_link or copula or self._of)
        self._of = word == _OF or (self._secret is Secret.ACCOUNT and _any(item, _BANKS))
        self.told = copula or (self.told and is_link)
        self.open = self._left > 0 and not breaks and word not in ("אבל", "כי")

    def _is_of_an_account(self, item: Item) -> bool:
        """Whether the item belongs to the bank or branch of an account: בנק 12, סניף 618."""
        return self._secret is Secret.ACCOUNT and (item.kind is Kind.VALUE or _any(item, _BANKS))


def _any(item: Item, words: Iterable[str]) -> bool:
    return item.kind is Kind.WORD and any(stem in words for stem in stems(item.word))


def _digits(parts: list[Item]) -> int:
    return sum(_MANY_DIGITS if part.kind is Kind.HIDDEN else part.digits for part in parts)


def _is_new(parts: list[Item]) -> bool:
    """Whether the parts are more than a single hidden number."""
    return len(parts) > 1 or parts[0].kind is not Kind.HIDDEN


def _is_round(parts: list[Item]) -> bool:
    return len(parts) == 1 and parts[0].word.endswith("000")


def _may_part(item: Item) -> bool:
    """Whether a secret may continue behind ``item``."""
    return item.word in _JOINING or item.word in _FILLERS or says_hesitation(item.word)


def _is_whole_part(item: Item) -> bool:
    return item.kind in _VALUES or (
        item.kind is Kind.WORD and (len(item.word) == 1 or _LETTER_NAMES.get(item.word, False))
    )


def _may_be_a_password(item: Item) -> bool:
    """Whether ``item`` can be a password or part of one."""
    none = item.word in _NO_PASSWORDS or item.word in _COPULAS or item.word in _LINKS
    return item.kind is Kind.VALUE or (item.kind is Kind.WORD and not none)
