"""Removes personal data: identity numbers, cards, telephones, addresses, announced secrets.

In any form: "052-1234567", "0 5 2. 1 2 3", "אפס חמישים ושתיים", "zero five two", "דן שטרודל גמייל נקודה קום",
and with a word or two between digits. Everyday numbers stay: prices, rooms, areas, years, dates, hours.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from server.hebrew.understand.announced import announced, awaited
from server.hebrew.understand.number_runs import (
    COUNTED_DIGITS,
    PART,
    Token,
    dictated_at_end,
    runs,
    without_numbers,
)
from server.hebrew.understand.said_emails import said_emails
from server.hebrew.understand.secret_items import NAMED, UNNAMED

_UNSEEN = frozenset(("Cf", "Cc", "Mn", "Me"))  # direction marks, zero widths, points
_ORDINARY = re.compile(r"[\n -~א-ת׳״]*")  # no invisible characters and no digits of other scripts
_PHONE = re.compile(
    r"0[57]\d{8}|0[23489]\d{7}|1[5-9]\d{8}|(?:00)?9720?[2-57-9]\d{7,8}|00(?!972)[1-9]\d{7,13}"
)
_ROUND = re.compile(r"[1-9]\d{0,4}0")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ID_DIGITS = 9
_CARD_DIGITS = range(13, 20)
_ABROAD_DIGITS = range(7, 16)
_STAR_DIGITS = range(3, 7)
_MOST_DIGITS = 20  # of a number of a known kind
_DICTATED_DIGITS = 5  # spoken one by one, or behind a zero
_BESIDE_DIGITS = 4  # beside a recognised number, perhaps a part of it
_MOST_PASSES = 3  # the second pass finds something in one text of thousands
_LOOKED_BACK = 4  # tokens; a number may begin a little later than a first candidate


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    tag: str


_told_again = lru_cache(maxsize=128)  # the log, the record and the line of a lead tell the same words


@_told_again
def redacted(text: str, before: str = "") -> str:
    """``text`` with personal data replaced by tags: [id] [card] [phone] [digits] [email] [secret].

    ``[id]`` and ``[card]`` have the right check digit. ``[digits]`` are seven digits in a row that are no
    plain price, for a misheard number still identifies somebody; five are enough if dictated one by one or
    behind a zero, unless words or a line end separate them. A secret announced by its noun is ``[digits]``,
    with letters ``[secret]``, however short. ``before``: the ``unfinished`` end of the same speaker's words,
    or ``asked_for``, which ``text`` may continue. Never raises; linear in the length of ``text``.
    """
    kept = _with_tags(text, before)
    for _ in range(_MOST_PASSES):
        if kept == text:
            break
        # A tag may split a number or uncover the noun of the next secret: look again.
        text, kept = kept, _with_tags(kept)
    return kept


def _with_tags(text: str, before: str = "") -> str:
    ordinary = _ORDINARY.fullmatch(text) is not None
    places = range(len(text)) if ordinary else [place for place, char in enumerate(text) if not _unseen(char)]
    seen = f"{before}\n" if before else ""
    offset = len(seen)
    seen += text if ordinary else "".join(_figure(text[place]) for place in places)
    parts, done = [], 0
    for found in _all_found(seen):
        if found.end > offset:
            parts += [text[done : places[max(0, found.start - offset)]], f"[{found.tag}]"]
            done = places[found.end - offset - 1] + 1
    return "".join(parts) + text[done:]


def redacted_so_far(text: str, before: str = "") -> str:
    """``redacted`` of words that are still being said: every number in them is "…".

    It may become one that the whole words hide, of which nobody knows yet.
    """
    seen = "".join(_figure(char) for char in text if not _unseen(char))
    return without_numbers(redacted(seen, before))


@_told_again
def unfinished(text: str, before: str = "") -> str:
    """The end of ``before`` and ``text`` that the next words may continue; else empty.

    These are digits being dictated, as spoken, or a noun that announces a secret, with the part told so far.
    A number that is complete is left out.
    """
    seen = "".join(_figure(char) for char in f"{before}\n{text}" if not _unseen(char))
    dictated = dictated_at_end(seen)
    named = [found for found in _numbers(seen) if found.tag != "digits"]
    secret = awaited(seen, _cards(named), [found.end for found in named])
    if secret and (not dictated or dictated in secret):
        return secret
    whole = [found.end for found in _numbers(dictated) if found.tag != "digits"]
    return dictated_at_end(dictated[whole[-1] :]) if whole else dictated


@_told_again
def asked_for(text: str) -> str:
    """The secret that the agent's ``text`` asks for ("מה הקוד?"), as ``before`` of the answer; or empty."""
    asked = awaited("".join(_figure(char) for char in text if not _unseen(char))).strip()
    return f"{asked}:" if asked else ""


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN and not char.isspace()


def _figure(char: str) -> str:
    """A digit of any script as ASCII, a full-width sign as the narrow one."""
    if char.isascii():
        return char
    digit = unicodedata.digit(char, None)
    plain = unicodedata.normalize("NFKC", char) if digit is None else str(digit)
    return plain if len(plain) == 1 else char


def _all_found(text: str) -> list[_Found]:
    """The personal data, in the order of the text, without overlaps."""
    written = [match.span() for match in PART.finditer(text) if match["email"]]
    emails = [_Found(*span, "email") for span in (*written, *said_emails(text))]
    text = _without(text, emails)
    numbers = _numbers(text)
    text = _without(text, numbers)
    secrets = [
        _Found(*one.span, "digits" if one.figures else "secret")
        for one in announced(text, _cards(numbers))
        if one.span
    ]
    together: list[_Found] = []
    for found in sorted([*emails, *numbers, *secrets], key=lambda f: f.start):
        if together and found.start < together[-1].end:
            together[-1] = _union(together[-1], found)
        else:
            together.append(found)
    return together


def _without(text: str, places: list[_Found]) -> str:
    """``text`` with these places blanked, so that nothing is found twice."""
    chars = list(text)
    for found in places:
        chars[found.start : found.end] = (UNNAMED if found.tag == "digits" else NAMED) * (
            found.end - found.start
        )
    return "".join(chars)


def _union(one: _Found, other: _Found) -> _Found:
    tag = next((found.tag for found in (one, other) if found.tag not in ("digits", "secret")), one.tag)
    return _Found(min(one.start, other.start), max(one.end, other.end), tag)


def _cards(numbers: list[_Found]) -> list[int]:
    return [found.start for found in numbers if found.tag == "card"]


def _numbers(text: str) -> list[_Found]:
    """The numbers recognised by their digits alone."""
    return [_with_signs(text, found) for run in runs(text) for found in _in_run(run)]


def _with_signs(text: str, found: _Found) -> _Found:
    """The span with the plus, star or bracket that belongs to the number."""
    start, end = found.start, found.end
    if ")" in text[start:end] and text[start - 1 : start] == "(":
        start -= 1
    while start and text[start - 1] in "+*":
        start -= 1
    return replace(found, start=start, end=end + (text[end : end + 1] == "*"))


# ---- kinds of numbers ---------------------------------------------------------------------------


def _in_run(run: list[Token]) -> Iterator[_Found]:
    done = at = 0
    while at < len(run):
        start, end, tag = _best(run, at)
        if tag:
            start, end = _with_tails(run, done, start, end)
            yield from _rest(run[done:start], beside=True)
            yield _Found(run[start].start, run[end - 1].end, tag)
            done = at = end
        else:
            at += 1
    yield from _rest(run[done:], beside=done > 0)


def _with_tails(run: list[Token], done: int, start: int, end: int) -> tuple[int, int]:
    """The span of a number, extended by superfluous dictated digits before and behind it.

    A repeated or misheard group, left visible, would reveal part of the number.
    """
    before = run[max(done, start - _BESIDE_DIGITS) : start][::-1]
    behind = run[end : end + _BESIDE_DIGITS]
    joined = not (run[start].apart or run[start].begins)
    first = [*takewhile(lambda token: _is_left_over(token) and not token.labelled, before)] if joined else []
    last = [*takewhile(lambda token: not (token.apart or token.begins or token.listed), behind)]
    last = [*takewhile(_is_left_over, last)]
    return (
        start - len(first) * (_digits(first) < _BESIDE_DIGITS),
        end + len(last) * (_digits(last) < _BESIDE_DIGITS),
    )


def _is_left_over(token: Token) -> bool:
    return token.dictated and not token.quantity


def _rest(tokens: list[Token], *, beside: bool) -> Iterator[_Found]:
    """Digits of no known kind. Separate groups may be one number. ``beside``: next to a known kind."""
    parted = [place for place, token in enumerate(tokens) if token.apart and place]
    beside = beside and not (tokens and tokens[0].apart)
    if not parted:
        yield from _unnamed(tokens, _BESIDE_DIGITS if beside else _least(tokens))
    elif whole := [*_unnamed(tokens, COUNTED_DIGITS)]:
        yield from whole
    else:
        for start, end in zip([0, *parted], [*parted, len(tokens)], strict=True):
            group = tokens[start:end]
            yield from _unnamed(group, _BESIDE_DIGITS if beside and not start else _least(group))


def _best(run: list[Token], at: int) -> tuple[int, int, str]:
    """The number that begins at ``at``, or a longer one that begins inside it; no tag for none."""
    best = (at, *_longest(run, at))
    for start in range(at + 1, min(at + _LOOKED_BACK, best[1] if best[2] else at)):
        end, tag = _longest(run, start)
        longer = _digits(run[start:end]) > _digits(run[best[0] : best[1]])
        if tag and longer and not any(_longest(run[at:start], k)[1] for k in range(start - at)):
            best = (start, end, tag)
    return best


def _longest(run: list[Token], first: int) -> tuple[int, str]:
    digits, best = "", (first, "")
    for last in range(first, len(run)):
        if first < last and run[last].counts and run[last].dictated:
            break
        digits += run[last].digits if len(run[last].digits) <= _MOST_DIGITS else "0" * _MOST_DIGITS
        if len(digits) > _MOST_DIGITS:
            break
        tag = _tag(digits, run[first])
        if tag and not (tag == "id" and first < last and _are_quantities(run[first : last + 1])):
            best = last + 1, tag
    return best


def _tag(digits: str, first: Token) -> str:
    """The kind of number by its digits; empty for an unknown kind."""
    count = len(digits)
    if first.sign == "*" and count in _STAR_DIGITS:
        return "phone"
    if first.sign == "+" and count in _ABROAD_DIGITS and not digits.startswith("972"):
        return "phone"
    checks = (count == _ID_DIGITS or count in _CARD_DIGITS) and _checks(digits)
    if checks and count == _ID_DIGITS and len(first.digits) != 2:  # 03-… is a telephone
        return "id"
    if _PHONE.fullmatch(digits):
        return "phone"
    if checks:
        return "id" if count == _ID_DIGITS else "card" if digits[0] != "0" else ""
    return ""


def _checks(digits: str) -> bool:
    """The Luhn check, used for cards and Israeli identity numbers."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def _least(tokens: list[Token]) -> int:
    """The number of digits that are too many for a quantity."""
    after_zero = any(token.after_zero for token in tokens)
    dictated = all(token.dictated for token in tokens if not token.quantity)
    return _DICTATED_DIGITS if dictated or after_zero else COUNTED_DIGITS


def _unnamed(tokens: list[Token], least: int) -> Iterator[_Found]:
    """``tokens`` as one number if they have at least ``least`` digits."""
    after_zero = any(token.after_zero for token in tokens)
    counted = tokens if after_zero else [token for token in tokens if not token.quantity]
    if _digits(counted) < least or _are_quantities(counted) or _is_list(tokens):
        return
    if len(tokens) > 1 and tokens[-1].counts and tokens[-1].dictated:
        tokens = tokens[:-1]
    digits = "".join(token.digits for token in tokens)
    short_id = len(digits) == _ID_DIGITS - 1 and _checks(digits)
    yield _Found(tokens[0].start, tokens[-1].end, "id" if short_id else "digits")


def _is_list(tokens: list[Token]) -> bool:
    """Whether these are plain numbers beside a counted noun: 85, 90, 95 מטר; never seven single digits."""
    if any(token.digits[0] == "0" for token in tokens) or not (tokens[0].listed or tokens[-1].listed):
        return False
    return len(tokens) < COUNTED_DIGITS or any(len(token.digits) > 1 for token in tokens)


def _are_quantities(tokens: list[Token]) -> bool:
    """Whether these are ranges or lists: 1500-2000, 100-120-140, 2024/2026."""
    if _is_parted_price(tokens):
        return True
    years = all(_YEAR.fullmatch(token.digits) for token in tokens)
    return years or all(token.value is None and _ROUND.fullmatch(token.digits) for token in tokens)


def _digits(tokens: list[Token]) -> int:
    return sum(len(token.digits) for token in tokens)


def _is_parted_price(tokens: list[Token]) -> bool:
    """Whether blanks separate the thousands of a price: 1 850 000."""
    first, *others = [token.digits for token in tokens]
    thousands = bool(others) and others[-1] == "000" and all(len(group) == 3 for group in others)
    return thousands and len(first) <= 2 and first[0] != "0" and len(others) == 2
