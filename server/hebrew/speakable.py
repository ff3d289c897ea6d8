"""Written Hebrew as it is spoken (E6): no figures, no signs, no short forms, for a voice to read right.

Numbers agree with what they count; dates, hours and telephones sound as people say them. A text that has
none of these stays as it is, to the letter, and so do the ends of sentences.
"""

import re
import unicodedata

from server.hebrew.abbreviations import expanded, plain_marks, written
from server.hebrew.dates import spoken_dates, spoken_hours, spoken_weekdays
from server.hebrew.dictation import dictated_numbers
from server.hebrew.nouns import UNITS_ALONE
from server.hebrew.quantities import spoken_quantities

_SIGNS = {
    "&": "וגם", "+": "פלוס", "=": "שווה", "@": "שטרודל", "×": "כפול", "÷": "חלקי", "*": "כוכבית",
    "#": "סולמית",
    **{sign: words for sign, words in UNITS_ALONE.items() if len(sign) == 1},
}  # fmt: skip
_POWERS = {"²": "בריבוע", "³": "בשלישית"}
_ALL_SIGNS = re.escape("".join(_SIGNS))
_NO_KEYS = re.escape("".join(sign for sign in _SIGNS if sign not in "*#"))
_UNITS_IN_LETTERS = [unit for unit in UNITS_ALONE if unit not in _SIGNS]

_FOREIGN = re.compile(r"[^\x00-\x7f\u05d0-\u05ea\u05f3\u05f4]")
_SQUARE_METRE = re.compile(r"(?<![^\W\d])([ובלהמשכ]{0,3}?)(?:מטר|[מm])²(?![\w\"״])")
_TOUCHING = re.compile(r"(?<=\d)(?=[\"'״׳]*[א-ת])")
_DIRECTION_MARKS = dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_FIGURE_OR_SIGN = re.compile(rf"[0-9{_ALL_SIGNS}]")
_SHORT_FORM = re.compile(r"[א-ת](?:['\"׳״’‘´`“”„]|\.[א-ת])|י-ם")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_EMAIL_SIGNS = {".": " נקודה ", "-": " מקף ", "_": " קו תחתון ", "@": " שטרודל ", "+": " פלוס "}
_KEY = re.compile(r"(?<![\w*#])[*#](?=\d)|(?<=\d)[*#](?![\w*#])")
_UNIT_ALONE = re.compile(
    rf"(?<!\w)(?P<prefix>[ובלהמשכ]{{1,3}}[-־]?)??(?P<unit>{written(_UNITS_IN_LETTERS)})(?![\w\"״])"
)
# A star or a hash that touches a word is markup, not a key of the telephone.
_SIGN = re.compile(
    rf"(?P<prefix>(?<!\w)[ובלהמשכ]{{1,3}}[-־]?)?(?:(?P<sign>[{_NO_KEYS}])"
    rf"|(?P<key>(?<![^\s(\"'{_NO_KEYS}])[*#](?![^\s)\"'.,?!:;{_NO_KEYS}])))"
)


def speakable(text: str) -> str:
    """``text`` in words. Any text; what is spoken already stays: speaking it twice changes nothing."""
    if not (_FOREIGN.search(text) or _FIGURE_OR_SIGN.search(text) or _SHORT_FORM.search(text)):
        return text
    text = _FOREIGN.sub(_plain, _SQUARE_METRE.sub(r'\1מ"ר', text))
    text = spoken_weekdays(expanded(_TOUCHING.sub(" ", text)))
    if _FIGURE_OR_SIGN.search(text):
        text = _without_figures(text)
    text = _UNIT_ALONE.sub(
        lambda m: (m["prefix"] or "").rstrip("-־") + UNITS_ALONE[plain_marks(m["unit"])], text
    )
    return _SIGN.sub(_sign, text)


def _without_figures(text: str) -> str:
    """Longer readings before shorter ones: a date is three numbers, a telephone is many digits."""
    text = _EMAIL.sub(_email, text.translate(_DIRECTION_MARKS))
    text = dictated_numbers(spoken_dates(text))
    text = _KEY.sub(_key, spoken_hours(text))
    return spoken_quantities(text)


def _plain(match: re.Match[str]) -> str:
    """A figure or a sign of another alphabet or form, as ours; any other character as it is."""
    char, text = match[0], match.string
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    if char in _POWERS:
        return " " * before.isalnum() + _POWERS[char] + " " * after.isalnum()
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    plain = unicodedata.normalize("NFKC", char).replace("\u2044", "/").replace("\u066a", "%")
    if char.isdigit() and not plain.isascii():
        plain = str(unicodedata.digit(char))
    if not _FIGURE_OR_SIGN.search(plain):
        return char
    return " " * before.isalnum() + plain + " " * after.isalnum()


def _email(match: re.Match[str]) -> str:
    return "".join(_EMAIL_SIGNS.get(char, char) for char in match[0])


def _key(match: re.Match[str]) -> str:
    """A star or a hash that is pressed with figures."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    return (" " if before.isalnum() else "") + _SIGNS[match[0]] + (" " if after.isalnum() else "")


def _sign(match: re.Match[str]) -> str:
    text, prefix = match.string, (match["prefix"] or "").rstrip("-־")
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    apart = (
        " " if before.isalnum() and not prefix else "",
        " " if after.isalnum() or after in _SIGNS else "",
    )
    return apart[0] + prefix + _SIGNS[match["sign"] or match["key"]] + apart[1]
