"""Runs of adjacent numbers in a text, written or spoken, as callers dictate them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from server.hebrew.data import lines_of
from server.hebrew.speak.nouns import UNITS, counted_at, counted_in_the_singular
from server.hebrew.understand.digits import number_in, said_together, value_of

JOINS = frozenset(lines_of("digit_joins"))
_HESITATION = re.compile("א+[המ]*|[המ]+|u+[hm]+|e+[hmr]+")
_NOUNS = [[form.strip() for form in line.split(",")[:2]] for line in lines_of("nouns")]
_NO_THINGS = frozenset(lines_of("digit_fillers"))
_MEASURES = {form for unit in UNITS.values() for form in (unit.one, unit.few, unit.many)}
_THINGS = {*_MEASURES, *lines_of("labels"), *(form for noun in _NOUNS for form in noun)} - _NO_THINGS
_TIMES = frozenset("בבוקר בצהריים בצהרים בערב בלילה".split())  # behind an hour
_NAMED = _THINGS | frozenset("אחרי לפני עד".split())  # before the number of a thing, or before an hour
_LISTED = {*lines_of("secrets/quantities_before"), *(plural for _, plural in _NOUNS)} - _NO_THINGS
_TAGS = frozenset(("id", "card", "phone", "digits", "email", "secret"))
_PREFIXES = re.compile("[ובלהמשכ]{0,2}(?=..)")
_ENGLISH = {
    word: int(value) for value, *words in map(str.split, lines_of("secrets/digits_english")) for word in words
}
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
PART = re.compile(
    rf"(?P<email>[\w.+%-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}})"
    rf"|(?P<date>(?<![0-9])(?<![0-9][./-])(?:{_DAY}(?P<mark>[./-]){_MONTH}(?P=mark)(?:19|20)?[0-9]{{2}}"
    rf"|(?:19|20)[0-9]{{2}}-{_MONTH}-{_DAY})(?![./-]?[0-9]))"
    r"|(?P<hour>(?<![0-9:])(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?!:?[0-9]))"
    r"|(?P<thousands>(?<![0-9])(?<![0-9][.,])[1-9][0-9]{0,2}(?P<comma>[.,])[0-9]{3}"
    r"(?:(?P=comma)[0-9]{3}){0,3}(?![.,]?[0-9]{3}))(?P<cents>(?<!\.[0-9]{3})\.[0-9]{1,2})?(?![.,]?[0-9])"
    rf"|(?P<part>(?<![0-9])(?<![0-9][./])(?:(?:0|[1-9][0-9]{{0,2}})[./][0-9]{{1,2}}|{_DAY}[./]{_MONTH})"
    r"(?![./]?[0-9]))"
    r"|(?P<number>[0-9]+)"
    r"|(?P<word>[^\W\d_]+)",
    re.IGNORECASE,
)
_GAP = re.compile(r"[-\s‐‑‒–—―−־.,;:/()\[\]_'\"׳״…·•|\\?!]{0,6}")
_SIGN = re.compile(r"(?:(?P<plus>\+|פלוס)|\*|כוכבית)[\s(]{0,2}$")
_LONGEST_SIGN = 8  # characters, with the blanks behind it
_MONEY = re.compile(r"\s?(?:[₪$€£]|ש[\"״”']{0,2}ח(?!\w)|שקל|דולר|אירו)")
_SIGN_OR_WORD = re.compile(r"\s*([₪$€£%]|[^\W\d_]+)")
_MONEY_SIGN = re.compile(r"[₪$€£]\s?$")
_PRICE_DIGITS = 8  # at most, of a price without its currency; a longer number identifies somebody
COUNTED_DIGITS = 7  # from here on a number is no quantity but identifies somebody, perhaps misheard
_QUANTITY_DIGITS = 6
_IN_THE_SINGULAR = range(2, 4)  # "15 שנה"
_GUESSED_DIGITS = 3  # at most, before a noun recognised only by its plural ending
_THOUSAND = 1000
_HUNDRED = 100
_MOST_FILLERS = 2  # words between groups of dictated digits
_MOST_REMEMBERED = 20  # numbers of an unfinished dictation


@dataclass(frozen=True, slots=True)
class Token:
    """One number, as written or (with a ``value``) as spoken: its span and its digits."""

    start: int
    end: int
    digits: str
    value: int | None = None
    quantity: bool = False  # a price, a decimal, hundreds: counts only as part of a known kind of number
    sign: str = ""  # "+" or "*" before it
    begins: bool = False  # never continues the number before it
    apart: bool = False  # words or a line end separate it from the number before it
    listed: bool = False  # a counted noun stands beside its list
    counts: bool = False  # a counted noun follows
    labelled: bool = False  # the word before it is a label for numbers

    @property
    def dictated(self) -> bool:
        return self.value is not None or len(self.digits) == 1

    @property
    def after_zero(self) -> bool:
        return len(self.digits) > 1 and self.digits[0] == "0" and not self.quantity


@lru_cache(maxsize=16)  # one text is asked for its private numbers, and for those that go on
def runs(text: str) -> tuple[list[Token], ...]:
    """Runs of numbers with only blanks, marks, joining words and a few fillers between them."""
    return tuple(_runs(text))


def _runs(text: str) -> Iterator[list[Token]]:
    run: list[Token] = []
    at = fillers = 0
    apart, listed, labelled = False, False, False
    for match in PART.finditer(text):
        joined = _GAP.fullmatch(text, at, match.start()) is not None
        apart |= "\n" in text[at : match.start()]
        at = match.end()
        if joined and _says_nothing(match):
            continue
        token = _token(match)
        if joined and fillers < _MOST_FILLERS and _is_filler(match, token) and _may_go_on(run):
            fillers += 1
            continue
        if run and (token is None or token.begins or not joined or (fillers and not _goes_on(run, token))):
            yield _closed(run, text, match["word"] if joined and not fillers else None)
            run, fillers = [], 0
        if token is not None:
            parted = bool(run) and (apart or fillers > 0)
            if parted or (joined and (listed or labelled)):
                token = replace(token, apart=parted, listed=joined and listed, labelled=joined and labelled)
            _add(run, token)
            fillers, apart = 0, False
        before = _bare(match["word"])
        listed, labelled = before & _LISTED != set(), before & _NAMED != set()
    yield _closed(run, text, None)


def tells_a_telephone(text: str) -> bool:
    """Whether ``text`` has a telephone number, written or spoken: more digits in a row than any quantity."""
    return any(sum(len(token.digits) for token in run) >= COUNTED_DIGITS for run in runs(text))


def dictated_at_end(text: str) -> str:
    """The end of ``text`` with the digits being dictated, including a few words behind; or empty.

    A single digit other than zero is an answer, not a dictation.
    """
    run = next((run for run in reversed(runs(text)) if run), [])[-_MOST_REMEMBERED:]
    if not run or len(PART.findall(text, run[-1].end)) > _MOST_FILLERS:
        return ""
    dictated = len(run) > 1 and all(map(_is_dictated, run))
    return text[run[0].start :] if dictated or _after_zero(run) else ""


def without_numbers(text: str, instead: str = "…") -> str:
    """``text`` with ``instead`` in the place of every figure, and of every word that may be a number."""
    return PART.sub(lambda match: instead if _may_be_a_number(match) else match[0], text)


def _may_be_a_number(match: re.Match[str]) -> bool:
    word = match["word"]
    return word is None or value_in_any_tongue(word) is not None or number_in(word) is not None


def _says_nothing(match: re.Match[str]) -> bool:
    word = match["word"]
    return word is not None and (word in JOINS or says_hesitation(word))


def says_hesitation(word: str) -> bool:
    return _HESITATION.fullmatch(word.casefold()) is not None


def _is_filler(match: re.Match[str], token: Token | None) -> bool:
    word = match["word"]
    if token is not None or word is None or word in _TAGS or _is_scale(word):
        return False
    return (
        word not in _TIMES and not _bare(word) & _THINGS and _MONEY.match(match.string, match.start()) is None
    )


def _bare(word: str | None) -> set[str]:
    """``word`` with and without its possible prefix letters."""
    prefixes = _PREFIXES.match(word) if word else None
    return {word[cut:] for cut in range(prefixes.end() + 1)} if word and prefixes else {word or ""}


def _may_go_on(run: list[Token]) -> bool:
    """Whether the run is being dictated, so that a filler word does not end it."""
    return bool(run) and (
        _after_zero(run) or (len(run) > 1 and all(_is_dictated(token) for token in run[-2:]))
    )


def _goes_on(run: list[Token], token: Token) -> bool:
    return not token.quantity and (_after_zero(run) or _is_dictated(token))


def _after_zero(run: list[Token]) -> bool:
    return run[0].digits[0] == "0" and not run[0].quantity


def _is_dictated(token: Token) -> bool:
    return token.dictated and not token.quantity


def _closed(run: list[Token], text: str, word: str | None) -> list[Token]:
    """``run`` with what follows it considered: a ``word`` or unit makes it a quantity or a list of areas."""
    if not run:
        return run
    if _is_scale(word) and len(run[-1].digits) <= _QUANTITY_DIGITS:
        return run[:-1]
    counts = counts_behind(text, run[-1].end, len(run[-1].digits))
    listed = run[-1].listed or counts or bool(_bare(word) & _THINGS)
    return [*run[:-1], replace(run[-1], listed=listed, counts=counts)] if listed or counts else run


def counts_behind(text: str, end: int, digits: int) -> bool:
    """Whether a number of ``digits`` digits ending at ``end`` counts the next noun, or is an hour."""
    behind = _SIGN_OR_WORD.match(text, end)
    found = counted_at(text, end) if behind and behind[1][0] != "ו" else None
    if found is not None:
        guessed = found.counted.one is None and digits > _GUESSED_DIGITS  # "31845520 טסים"
        plural = not found.singular or counted_in_the_singular(found.counted) or digits in _IN_THE_SINGULAR
        return found.unit or (plural and not guessed)
    return behind is not None and (behind[1] in _TIMES or not behind[1].isalpha())


def _is_scale(word: str | None) -> bool:
    return word is not None and (value_in_any_tongue(word) or 0) >= _THOUSAND


def value_in_any_tongue(word: str) -> int | None:
    """The value of a number word in Hebrew or English; None for other words."""
    return _ENGLISH.get(word.casefold(), value_of(word))


def _add(run: list[Token], token: Token) -> None:
    """Appends a number, or joins it to the last: fifty and two are one."""
    before = run[-1].value if run and not token.apart else None
    together = None if token.value is None else said_together(before, token.value)
    if together is None:
        run.append(token)
    else:
        run[-1] = replace(run[-1], end=token.end, **_said(together))


def _said(value: int) -> dict[str, Any]:
    return {"value": value, "digits": str(value), "quantity": value >= _HUNDRED}


def _token(match: re.Match[str]) -> Token | None:
    """The number in a match; None for words, dates and hours."""
    if match["word"]:
        return _of_word(match)
    if match["thousands"]:
        return _of_thousands(match)
    figures = match["part"] or match["number"]
    if not figures:
        return None
    token = _signed(match, Token(*match.span(), re.sub(r"\D", "", figures), quantity=bool(match["part"])))
    return replace(token, quantity=True) if _is_price(match) else token


def _of_word(match: re.Match[str]) -> Token | None:
    value = value_in_any_tongue(match["word"])
    bare = number_in(match["word"]) if value is None else value
    if bare is None or bare >= _THOUSAND:
        return None
    token = _signed(match, Token(*match.span(), **_said(bare)))
    return replace(token, begins=True) if value is None else token


def _of_thousands(match: re.Match[str]) -> Token | None:
    """Figures with thousands separators as a number; None for a price, which ends the run."""
    figures = match["thousands"].replace(match["comma"], "")
    if figures.endswith("000") or match["cents"] or _has_money(match):
        return None
    return _signed(match, Token(*match.span(), figures, quantity=len(figures) < _PRICE_DIGITS))


def _signed(match: re.Match[str], token: Token) -> Token:
    text = match.string
    sign = _SIGN.search(text, max(0, token.start - _LONGEST_SIGN), token.start)
    starred = text[token.end : token.end + 1] == "*" and not text[token.end + 1 : token.end + 2].isdigit()
    if sign is None:
        return replace(token, sign="*") if starred else token
    return replace(token, sign="+" if sign["plus"] else "*", begins=True)


def _is_price(match: re.Match[str]) -> bool:
    """Whether the number is a price: 2500000, or 2345678 with its currency."""
    figures = match["number"] or ""
    if not COUNTED_DIGITS <= len(figures) <= _PRICE_DIGITS or figures[0] == "0":
        return False
    return figures.endswith("000") or _has_money(match)


def _has_money(match: re.Match[str]) -> bool:
    before = _MONEY_SIGN.search(match.string, max(0, match.start() - 2), match.start())
    return before is not None or _MONEY.match(match.string, match.end()) is not None
