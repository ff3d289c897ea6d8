"""The grammar: where text must be read differently from its spelling, and the order of possible readings."""

import re
from collections.abc import Callable

from server.hebrew.speak import codes, dates, hours, quantities, words
from server.hebrew.speak.addresses import EMAIL, HANDLE, URL, address_said
from server.hebrew.speak.place import PREFIX_LETTERS, Place, Said
from server.hebrew.speak.plain import plain
from server.hebrew.speak.signs import AND, sign_said
from server.hebrew.speak.text import Spoken

# The readings of a number, in order: the first that recognises the number reads it.
PRECEDENCE: tuple[Callable[[Place], Said], ...] = (
    dates.always,
    dates.full_date,
    codes.telephone,
    codes.endless,
    codes.masked,
    codes.star_number,
    codes.hotel,
    codes.numbered,
    dates.days_of_a_date,
    quantities.ratio,
    hours.clock,
    hours.half_day,
    quantities.plus_one,
    codes.named_code,
    codes.example,
    hours.hour_with_a_point,
    dates.short_date,
    dates.month_and_year,
    dates.day_of_a_named_month,
    quantities.price,
    quantities.alternatives,
    codes.reference,
    codes.chain,
    hours.bare_hour,
    quantities.third,
    quantities.out_of,
    quantities.points,
    codes.engine_oil,
    quantities.quantity,
)

# Readings that need a sign behind the first digits, which most numbers lack.
_WITH_A_SIGN = frozenset((
    dates.always, dates.full_date, dates.days_of_a_date, dates.short_date, dates.month_and_year,
    hours.clock, hours.hour_with_a_point, codes.chain,
    quantities.ratio, quantities.plus_one, quantities.price, quantities.alternatives,
    quantities.third, quantities.out_of, quantities.points,
))  # fmt: skip
_SIGN_BEHIND = re.compile(r"\d+ ?[-./:+,]")

_MONEY = r"(?:US)?[₪$€£¥](?: ?(?=[\d½]))|(?:NIS|ILS|USD|EUR) ?(?=\d)|%(?=\d)"
_APART = r"(?<![א-ת])(?<![א-ת][\"'])"  # not inside a word or an abbreviation
_NUMBER = (
    rf"(?:{_APART}(?P<prefix>{PREFIX_LETTERS})(?: ?- ?)?)?(?P<open>\((?={codes.ISRAELI[3:]}))?"
    rf"(?P<minus>(?<![\w)%*'-])-(?=[₪$€£]? ?\d))?(?P<money>{_MONEY})?"
    r"(?P<key>(?<![\w*])(?:[*#]|\*{2,}[ -]?)(?=\d)|(?<!\w)\+ ?(?=\d{1,3}[ \d().-]{7}))?(?P<number>(?=\d))"
)
_MARKED = (
    rf"(?=[א-ת]++[\"'.-]){_APART}(?P<joined>[ובלהמשכ]{{1,3}}-)?(?P<marked>[א-ת]?י-ם(?!\w)"
    r"|א\. (?:בוקר|צהריים|ערב)(?!\w)"
    r"|[א-ת]+(?:[\"'.][א-ת]+)*(?:\"[א-ת]+|'|\.(?=[א-ת])|(?<=\.[א-ת])\.?))"
)
# The beginning of anything that is not read as spelled; the matched group tells its kind. No match begins
# inside a Hebrew word.
_START = re.compile(
    rf"(?!(?<=[א-ת])[א-ת])(?:(?P<address>(?=[A-Za-z0-9_.+@-])(?<![A-Za-z.])(?<![A-Za-z]-)(?:{EMAIL}|{URL}|(?<![A-Za-z0-9]){HANDLE}))"
    rf"|{_NUMBER}|{words.DAYS}|{words.BOTH}|{_MARKED}"
    rf"|{_APART}(?P<latin_prefix>[ובלהמשכ]{{1,3}}(?=-[A-Za-z])|[ובלהמשכ](?=-[א-ת]{{2}}))-"
    r"|(?<![A-Za-z0-9_])(?P<code>[A-Za-z]+[-_/]?\d[A-Za-z0-9_]*(?:(?<=\d)\.\d+(?![\d.]))?(?:[-_/][A-Za-z0-9]+)*)"
    r"|(?P<dotted>(?<![A-Za-z0-9.])[A-Za-z]+(?:\.[A-Za-z]+)+(?![A-Za-z0-9])\.?)"
    r"|(?P<hyphen>(?<=[א-ת]{2})-(?=\d)|(?<=\d)[-:](?=\d))"
    r"|(?P<times>(?<=\d) ?[xX×*] ?(?=\d)|(?<=[^ ]) [xX×] (?=\d))"
    r"|(?P<bar> *[|•·] *| +/ +(?=[^\W\d_]))"
    rf"|(?:{_APART}(?P<sign_prefix>[ובלהמשכ]{{1,3}})-?)?"
    r"(?P<sign>\*+|#+|_+|[^\w\s.,!?;:'\"()\-\u0591-\u05f4…«»]))"
)

_PREFIX_LAST = re.compile(rf" [למ]$|^ ?{AND}$")  # ends in a prefix letter: חמישה שקלים לשעה


def spoken(text: str) -> str:
    """``text``, as returned by ``plain.seen``, with all readings applied."""
    line, said, at = plain(text), Spoken(), 0
    while match := _START.search(line, at):
        reading = _read(line, match)
        if reading is None:
            at_next = match.end("first") if match["days"] else max(match.end(), at + 1)
            said.as_written(text[at:at_next])
            at = at_next
            continue
        start, words_said, end = reading
        said.as_written(text[at:start])
        said.in_words(
            words_said, joins=match["latin_prefix"] is not None or _PREFIX_LAST.search(words_said) is not None
        )
        at = end
    said.as_written(text[at:])
    return said.text()


def _read(line: str, match: re.Match[str]) -> tuple[int, str, int] | None:
    """The start, the spoken words and the end of a match; None if it is read as spelled."""
    start, end = match.span()
    if match["number"] is not None:
        return _number(line, match)
    if match["address"]:
        return start, address_said(match["address"]), end
    if match["days"]:
        said = words.days(line, match)
        return (start, said, end) if said else None
    if match["both"]:
        return start, words.both_genders(match), end
    if match["marked"]:
        return _marked(line, match)
    if match["latin_prefix"]:
        return start, match["latin_prefix"], end
    if match["code"]:
        return start, codes.latin_code(match["code"]), end
    if match["dotted"]:
        return start, *codes.dotted(line, match["dotted"], end)
    if match["times"] or match["hyphen"]:
        between_figures = line[start - 1].isdigit()
        return start, " " if match["hyphen"] else " על " if between_figures else " כפול ", end
    if match["bar"]:
        inside = line[:start].rpartition("\n")[2].strip(" -") and line[end : end + 1].strip()
        return start, ", " if inside else "", end
    said = sign_said(line, match)
    return start, said, end + (line[end : end + 1] == " " and _PREFIX_LAST.search(said) is not None)


def _number(line: str, match: re.Match[str]) -> tuple[int, str, int]:
    place = Place(
        line,
        match.start(),
        match.end(),
        match["prefix"] or "",
        match["minus"] is not None,
        _money(match["money"] or ""),
        (match["key"] or "")[:1],
    )
    signed = _SIGN_BEHIND.match(line, match.end()) is not None
    for reading in PRECEDENCE:
        if (signed or reading not in _WITH_A_SIGN) and (said := reading(place)):
            return place.start, *said
    raise LookupError(f"no reading knows the number at {match.end()} of {line!r}")


def _money(sign: str) -> str:
    return "$" if sign.startswith("US$") else sign.strip()


def _marked(line: str, match: re.Match[str]) -> tuple[int, str, int] | None:
    said = words.short_form(line, match.start("marked"), match["marked"])
    return (match.start(), (match["joined"] or "").rstrip("-") + said[0], said[1]) if said else None
