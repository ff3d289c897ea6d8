"""Text without what tells who somebody is: identity numbers, cards, telephones, e-mail addresses.

However they are written or said: "052-1234567", "0 5 2. 1 2 3", "אפס חמישים ושתיים". What people talk about
all day stays: prices, rooms, areas, years, dates, hours.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from server.hebrew.data import lines_of
from server.hebrew.digits import number_in, said_together, value_of

_UNSEEN = frozenset(("Cf", "Cc", "Mn", "Me"))  # direction marks, zero widths, points: nobody hears them
_JOINS = frozenset(lines_of("digit_joins"))
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_PART = re.compile(
    r"(?P<email>[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})"
    rf"|(?P<date>(?<![0-9])(?<![0-9][./-])(?:{_DAY}(?P<mark>[./-]){_MONTH}(?P=mark)(?:19|20)?[0-9]{{2}}"
    rf"|(?:19|20)[0-9]{{2}}-{_MONTH}-{_DAY})(?![./-]?[0-9]))"
    r"|(?P<hour>(?<![0-9:])(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?!:?[0-9]))"
    r"|(?P<thousands>(?<![0-9])(?<![0-9][.,])[1-9][0-9]{0,2}(?P<comma>[.,])[0-9]{3}"
    r"(?:(?P=comma)[0-9]{3}){0,3}(?![.,]?[0-9]{3}))(?P<cents>(?<!\.[0-9]{3})\.[0-9]{1,2})?(?![.,]?[0-9])"
    rf"|(?P<part>(?<![0-9])(?<![0-9][./])(?:(?:0|[1-9][0-9]{{0,2}})[./][0-9]{{1,2}}|{_DAY}[./]{_MONTH})"
    r"(?![./]?[0-9]))"
    r"|(?P<number>[0-9]+)"
    r"|(?P<word>[^\W\d_]+)"
)
_GAP = re.compile(r"[-\s‐‑‒–—―−־.,;:/()\[\]_'\"׳״…·•|\\?!]{0,6}")
_SIGN = re.compile(r"(?:(?P<plus>\+|פלוס)|\*|כוכבית)[\s(]{0,2}$")
_LONGEST_SIGN = 8  # characters, with the blanks behind it
_MONEY = re.compile(r"\s?(?:[₪$€£]|ש[\"״”']{0,2}ח(?!\w)|שקל|דולר|אירו)")
_MONEY_SIGN = re.compile(r"[₪$€£]\s?$")
_PHONE = re.compile(
    r"0[57]\d{8}|0[23489]\d{7}|1[5-9]\d{8}|(?:00)?9720?[2-57-9]\d{7,8}|00(?!972)[1-9]\d{7,13}"
)
_ROUND = re.compile(r"[1-9]\d{0,4}0")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ID_DIGITS = 9
_CARD_DIGITS = range(13, 20)
_ABROAD_DIGITS = range(7, 16)
_STAR_DIGITS = range(3, 7)
_MOST_DIGITS = 20  # of a number that has a name
_PRICE_DIGITS = 8  # of a bare one; a longer one is a number of somebody's
_QUANTITY_DIGITS = 6
_COUNTED_DIGITS = 7  # from here on nobody counts: it is somebody's number, perhaps misheard
_DICTATED_DIGITS = 5  # said one by one, or behind a zero
_BESIDE_DIGITS = 4  # the rest of a number that was told apart from it
_THOUSAND = 1000
_HUNDRED = 100
_LOOKED_BACK = 4  # tokens: a number may begin a little behind what looks like one


@dataclass(frozen=True, slots=True)
class _Token:
    """One number as written, or as said (``value``): its place and its digits."""

    start: int
    end: int
    digits: str
    value: int | None = None
    quantity: bool = False  # a price, a decimal, hundreds: counts only as part of a number that is known
    sign: str = ""  # "+" or "*" before it
    begins: bool = False  # it is never the continuation of what is before it

    @property
    def dictated(self) -> bool:
        return self.value is not None or len(self.digits) == 1

    @property
    def after_zero(self) -> bool:
        return len(self.digits) > 1 and self.digits[0] == "0" and not self.quantity


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    tag: str


def redacted(text: str) -> str:
    """``text`` with a tag for each number that tells who somebody is: [id] [card] [phone] [digits] [email].

    ``[id]`` and ``[card]`` have the right check digit. Seven digits in a row that are no plain price are
    ``[digits]`` without one, for a misheard number is still somebody's; so are five that are dictated one
    by one or begin with a zero. Never raises; time grows with the length of ``text`` and no faster.
    """
    if text.isascii() and not any(char.isdigit() or char == "@" for char in text):
        return text
    places = [place for place, char in enumerate(text) if not _unseen(char)]
    seen = "".join(_figure(text[place]) for place in places)
    parts, done = [], 0
    for found in _all_found(seen):
        parts += [text[done : places[found.start]], f"[{found.tag}]"]
        done = places[found.end - 1] + 1
    return "".join(parts) + text[done:]


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN and not char.isspace()


def _figure(char: str) -> str:
    """A digit of any script as ours, a wide sign as the narrow one."""
    if char.isascii():
        return char
    digit = unicodedata.digit(char, None)
    plain = unicodedata.normalize("NFKC", char) if digit is None else str(digit)
    return plain if len(plain) == 1 else char


def _all_found(text: str) -> Iterator[_Found]:
    """In the order of the text; none overlaps another."""
    emails = [_Found(*match.span(), "email") for match in _PART.finditer(text) if match["email"]]
    numbers = [found for run in _runs(text) for found in _in_run(run)]
    return iter(sorted([*emails, *(_with_signs(text, found) for found in numbers)], key=lambda f: f.start))


def _with_signs(text: str, found: _Found) -> _Found:
    """The plus, the star and the bracket that belong to a number go with it."""
    start, end = found.start, found.end
    if ")" in text[start:end] and text[start - 1 : start] == "(":
        start -= 1
    while start and text[start - 1] in "+*":
        start -= 1
    return replace(found, start=start, end=end + (text[end : end + 1] == "*"))


# ---- numbers that are one behind the other ------------------------------------------------------


def _runs(text: str) -> Iterator[list[_Token]]:
    """Stretches of numbers with nothing but blanks, marks and joining words between."""
    run: list[_Token] = []
    at = 0
    for match in _PART.finditer(text):
        joined = _GAP.fullmatch(text, at, match.start()) is not None
        at = match.end()
        if joined and match["word"] in _JOINS:
            continue
        token = _token(match)
        if run and (token is None or token.begins or not joined):
            if _is_scale(match["word"]) and len(run[-1].digits) <= _QUANTITY_DIGITS:
                run.pop()  # so many thousands
            yield run
            run = []
        if token is not None:
            _add(run, token)
    yield run


def _is_scale(word: str | None) -> bool:
    return word is not None and (value_of(word) or 0) >= _THOUSAND


def _add(run: list[_Token], token: _Token) -> None:
    """Fifty and two are one number."""
    before = run[-1].value if run else None
    together = None if token.value is None else said_together(before, token.value)
    if together is None:
        run.append(token)
    else:
        run[-1] = replace(run[-1], end=token.end, **_said(together))


def _said(value: int) -> dict[str, Any]:
    return {"value": value, "digits": str(value), "quantity": value >= _HUNDRED}


def _token(match: re.Match[str]) -> _Token | None:
    """The number that a part of the text is; None for what is none, and for dates and hours."""
    if match["word"]:
        return _of_word(match)
    if match["thousands"]:
        return _of_thousands(match)
    figures = match["part"] or match["number"]
    if not figures:
        return None
    token = _signed(match, _Token(*match.span(), re.sub(r"\D", "", figures), quantity=bool(match["part"])))
    return replace(token, quantity=token.quantity or _is_price(match))


def _of_word(match: re.Match[str]) -> _Token | None:
    value, bare = value_of(match["word"]), number_in(match["word"])
    if bare is None or bare >= _THOUSAND:
        return None
    token = _signed(match, _Token(*match.span(), **_said(bare)))
    return replace(token, begins=token.begins or value is None)


def _of_thousands(match: re.Match[str]) -> _Token | None:
    """A round price, or one with its money, ends what is before it; any other may be dictated so."""
    figures = match["thousands"].replace(match["comma"], "")
    if figures.endswith("000") or match["cents"] or _has_money(match):
        return None
    return _signed(match, _Token(*match.span(), figures, quantity=len(figures) < _PRICE_DIGITS))


def _signed(match: re.Match[str], token: _Token) -> _Token:
    text = match.string
    sign = _SIGN.search(text, max(0, token.start - _LONGEST_SIGN), token.start)
    starred = text[token.end : token.end + 1] == "*" and not text[token.end + 1 : token.end + 2].isdigit()
    if sign is None:
        return replace(token, sign="*" if starred else "")
    return replace(token, sign="+" if sign["plus"] else "*", begins=True)


def _is_price(match: re.Match[str]) -> bool:
    """2500000, or 2345678 with its money."""
    figures = match["number"] or ""
    if not _COUNTED_DIGITS <= len(figures) <= _PRICE_DIGITS or figures[0] == "0":
        return False
    return figures.endswith("000") or _has_money(match)


def _has_money(match: re.Match[str]) -> bool:
    before = _MONEY_SIGN.search(match.string, max(0, match.start() - 2), match.start())
    return before is not None or _MONEY.match(match.string, match.end()) is not None


# ---- whose they are -----------------------------------------------------------------------------


def _in_run(run: list[_Token]) -> Iterator[_Found]:
    done = at = 0
    while at < len(run):
        start, end, tag = _best(run, at)
        if tag:
            yield from _rest(run[done:start], beside=True)
            yield _Found(run[start].start, run[end - 1].end, tag)
            done = at = end
        else:
            at += 1
    yield from _rest(run[done:], beside=done > 0)


def _best(run: list[_Token], at: int) -> tuple[int, int, str]:
    """The number that begins at ``at``, or the longer one that begins inside it; no tag for none."""
    best = (at, *_longest(run, at))
    for start in range(at + 1, min(at + _LOOKED_BACK, best[1] if best[2] else at)):
        end, tag = _longest(run, start)
        longer = _digits(run[start:end]) > _digits(run[best[0] : best[1]])
        if tag and longer and not any(_longest(run[at:start], k)[1] for k in range(start - at)):
            best = (start, end, tag)
    return best


def _longest(run: list[_Token], first: int) -> tuple[int, str]:
    digits, best = "", (first, "")
    for last in range(first, len(run)):
        digits += run[last].digits if len(run[last].digits) <= _MOST_DIGITS else "0" * _MOST_DIGITS
        if len(digits) > _MOST_DIGITS:
            break
        tag = _tag(digits, run[first])
        if tag and not (tag == "id" and first < last and _are_quantities(run[first : last + 1])):
            best = last + 1, tag
    return best


def _tag(digits: str, first: _Token) -> str:
    """What ``digits`` are by themselves; empty: nothing that is known."""
    count = len(digits)
    if first.sign == "*" and count in _STAR_DIGITS:
        return "phone"
    if first.sign == "+" and count in _ABROAD_DIGITS and not digits.startswith("972"):
        return "phone"
    checks = (count == _ID_DIGITS or count in _CARD_DIGITS) and _checks(digits)
    if checks and count == _ID_DIGITS and len(first.digits) != 2:  # 03-… is a telephone all the same
        return "id"
    if _PHONE.fullmatch(digits):
        return "phone"
    if checks:
        return "id" if count == _ID_DIGITS else "card" if digits[0] != "0" else ""
    return ""


def _checks(digits: str) -> bool:
    """Luhn's sum, which is also that of an identity number."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def _rest(tokens: list[_Token], *, beside: bool) -> Iterator[_Found]:
    """What has no name, but too many digits for a quantity; ``beside``: of one that has a name."""
    after_zero = any(token.after_zero for token in tokens)
    counted = tokens if after_zero else [token for token in tokens if not token.quantity]
    dictated = all(token.dictated for token in counted)
    least = _COUNTED_DIGITS
    if dictated or after_zero:
        least = _DICTATED_DIGITS
    if beside:
        least = _BESIDE_DIGITS
    if _digits(counted) < least or _are_quantities(counted):
        return
    digits = "".join(token.digits for token in tokens)
    short_id = len(digits) == _ID_DIGITS - 1 and _checks(digits)
    yield _Found(tokens[0].start, tokens[-1].end, "id" if short_id else "digits")


def _are_quantities(tokens: list[_Token]) -> bool:
    """Ranges and lists: 1500-2000, 100-120-140, 2024/2026."""
    years = all(_YEAR.fullmatch(token.digits) for token in tokens)
    return years or all(token.value is None and _ROUND.fullmatch(token.digits) for token in tokens)


def _digits(tokens: list[_Token]) -> int:
    return sum(len(token.digits) for token in tokens)
