"""Normalises figures, dashes, blanks and marks to the forms that the grammar knows."""

import re
import unicodedata

from server.hebrew.speak.items import items_apart

# Each maps to one character, so that indices stay valid and other words keep their spelling.
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u05be\ufe58\ufe63\uff0d"
_BLANKS = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t"
_SAME = {
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_BLANKS, " "),
    **dict.fromkeys("׳’‘´`", "'"),
    **dict.fromkeys("״“”„″", '"'),
    **dict.fromkeys("∗⁎★", "*"),
    **dict.fromkeys("º˚", "°"),
    **dict.fromkeys("⁄∕\\", "/"),
    **dict.fromkeys("∼〜", "~"),
    **dict.fromkeys("→⟶", ">"),
}
_PLAIN = str.maketrans(_SAME)
_UNSEEN = dict.fromkeys([
    0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF,
])  # fmt: skip
_POWER_OF_METRES = re.compile(
    r"(?<![^\W\d])(?P<prefix>[ובלהמשכ]{0,3}?)(?:מטר|[מm])(?P<power>[²³])(?![\w\"״])"
)
_SHORT_METRES = {"²": 'מ"ר', "³": 'מ"ק'}
_POWERS = {"²": "בריבוע", "³": "בשלישית"}
_FOREIGN = re.compile(r"[^\x00-\x7f\u0591-\u05f4]")
_ARROW_OR_WAVE = re.compile(r"(?<=\d)( ?)[>~]( ?)(?=\d)")
_CODE = re.compile(r"`([^`\n]*)`")
_INCHES = re.compile(r"(?<=\d) ?[\"″](?![\w\"])")
_QUOTES = re.compile(r"(?<![א-ת])\"|\"(?![א-ת])")
_MAY_BE_ITEM = re.compile(r"\d[.)] ")
_FAR = 200  # characters between an opening mark and the closing one
# A quotation between marks of any kind; abbreviations with gershayim may be inside.
_INSIDE_A_WORD = r"(?<=[א-ת])[“”\"״](?=[א-ת])"
_QUOTATION = re.compile(
    r"(?:(?<![א-ת])(?P<prefix>[ובלהמשכ]{1,3}-?)(?=.(?:[א-ת]{3}|[A-Za-z]))|(?<![א-ת]))"
    rf"(?:[“”„‟«\"](?P<double>(?:[^“”„‟«»\"״\n]|{_INSIDE_A_WORD}){{1,80}})[“”»\"]"
    rf"|[‘‚‹](?P<single>(?:[^‘’‚‹›\n]|(?<=[א-ת])’(?=[א-ת])){{1,80}})[‘’›])(?![א-ת])"
)
_BULLETS_FOR_DIGITS = re.compile(r"[•●∙·]{2,}")  # of a card: •••• 8842
_MINUS_OF_SHARE = re.compile(r"(?: \u2212 ?|(?<=פריים) ?[-–] ?)(?=\d[\d.]* ?(?:%|אחוז))")
_FOLDED = str.maketrans(
    {**dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‘‚‹›", "'"), **dict.fromkeys("\u2212\u05be", "-")}
)
_MARKS = re.compile('["“”„‟«»‘‚‹›\u2212\u05be]|פריים ?[-–]')
_TWO_APOSTROPHES = re.compile(r"['׳’]{2}(?!['׳’])")
_KEPT = frozenset("".join(_SAME)) - frozenset("∗⁎★º˚⁄∕\\∼〜→⟶") | frozenset("…₪€£¥‰±≈≥≤×÷№•·«»")


def seen(text: str) -> str:
    """``text`` without invisible marks, with ASCII figures and plain quotation marks and dashes."""
    if _FOREIGN.search(text):
        text = _POWER_OF_METRES.sub(
            lambda m: m["prefix"] + _SHORT_METRES[m["power"]], text.translate(_UNSEEN)
        )
        text = _FOREIGN.sub(_to_ascii, text)
    text = _BULLETS_FOR_DIGITS.sub("**", text)
    text = _TWO_APOSTROPHES.sub('"', text)
    marks = _MARKS.search(text) is not None
    if marks:
        text = _MINUS_OF_SHARE.sub(" -", _QUOTATION.sub(_quoted, text))
    if _MAY_BE_ITEM.search(text):
        text = items_apart(text)
    text = _INCHES.sub(_inches, text)
    if marks:
        text = text.translate(_FOLDED)
    return _CODE.sub(r"\1", text)


def plain(text: str) -> str:
    """``text``, as returned by ``seen``, with one sign of each kind. The length does not change."""
    return _ARROW_OR_WAVE.sub(r"\1-\2", text.translate(_PLAIN))


def _quoted(match: re.Match[str]) -> str:
    """The quotation in plain marks; without marks behind prefix letters, where they look like gershayim."""
    inside = match["double"] or match["single"]
    return match["prefix"].rstrip("-") + inside if match["prefix"] else f'"{inside}"'


def _inches(match: re.Match[str]) -> str:
    """Inches, 55", unless the mark closes a quotation."""
    before = match.string[max(0, match.start() - _FAR) : match.start()]
    opened = False
    for mark in _QUOTES.finditer(before):
        opened = not opened and not before[: mark.start()][-1:].isdigit()
    return match[0] if opened else " אינץ'"


def _to_ascii(match: re.Match[str]) -> str:
    """A figure or sign of another script or form, in ASCII; other characters unchanged."""
    char, text = match[0], match.string
    if char in _KEPT:
        return char
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    if char in _POWERS:
        return " " * before.isalnum() + _POWERS[char] + " " * after.isalnum()
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    form = unicodedata.normalize("NFKC", char).replace("\u2044", "/").replace("\u066a", "%")
    if char.isdigit() and not form.isascii():
        form = str(unicodedata.digit(char))
    if form == char or not re.search(r"[0-9!-/:-@\[-`{-~°]", form):
        return char
    return " " * before.isalnum() + form + " " * after.isalnum()
