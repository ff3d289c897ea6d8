"""Words not spoken as spelled: abbreviations, letters for days, two genders in one word."""

import re

from server.hebrew.data import lines_of, pattern_of
from server.hebrew.speak.abbreviations import BEFORE_NUMBER, CONSTRUCTS, SHORT_FORMS
from server.hebrew.speak.nouns import UNITS_ALONE, pair_of_unit
from server.hebrew.speak.place import PREFIXED

_DAYS = dict(zip("אבגדהוש", "ראשון שני שלישי רביעי חמישי שישי שבת".split(), strict=True))
_PREFIX = re.compile(r"[ובלהמשכ]{0,3}")
_FINAL = dict(zip("ןםךףץ", "נמכפצ", strict=True))

# את/ה, מעוניין/ת, אתם.ן, מעוניינ(ת), תרצה/י; also two whole words: צריך/צריכה
_SUFFIXES = "ה|תה|ת|ות|ית|ן|י|ם|אה|תי|ים|ין"
BOTH = (
    rf"(?=[א-ת]++[/.(])(?<![א-ת])(?<![א-ת][\"'])(?P<both>[א-ת]{{2,}}|ו(?=/או))(?:[/.](?P<suffix>{_SUFFIXES})(?![א-ת\"']|[./][א-ת])|\((?P<within>ה|ת|ות|ית|י)\)"
    rf"|/(?P<other>[א-ת]{{2,}}(?:/[א-ת]{{2,}})*)(?![א-ת\"']))"
)
_IMPERATIVE = re.compile(r"ה[^תי][^י]{1,2}")
# Suffixes of the other gender, the endings they replace, and the number of letters replaced.
_INSTEAD = (
    (("ות", "ים", "ין"), ("ים", "ות"), 2),
    (("ן", "ם"), ("ם", "ן"), 1),
    (("ות", "ים"), ("ה",), 1),
    (("י", "ית", "ת", "תה"), ("ה",), 1),
    (("ה",), ("ו", "ה", "י"), 1),
    (("אה",), ("וי",), 1),
)
_IRREGULAR = {
    ("את", "ה"): ("אתה", "את"), ("אחד", "ת"): ("אחד", "אחת"), ("בן", "ת"): ("בן", "בת"),
}  # fmt: skip

# Days: א'-ה', א-ה, א', ג' ו-ה'. Letters without a geresh only behind a word for days, or before hours.
_LETTER = r"[א-וש]"
_DAY_JOINT = r"(?: ?- ?| עד (?:יום )?|, ?(?:ו-?)?| (?:ו-?|או |ל-?))"
_DAY_WORD = re.compile(
    r"(?<![א-ת])[ובלהמשכ]{0,3}(?:יום|ימי|ימים)(?: +בין)?:? +(?:[א-וש]'?(?:, ?| ?- ?| ו-?| או ))*$"
)
_NO_DAYS = re.compile(rf"{PREFIXED}(?:{pattern_of('spoken/letters_before')})[ :]+$")
_NEXT_DAY = re.compile(rf"'?(?P<joint>{_DAY_JOINT})(?P<day>{_LETTER})")
_UNTIL = " עד "
_FAR = 30  # characters back in which evidence for days is searched
_HOUR_BEHIND = re.compile(r":? +(?:(?:בין|ב|מ) ?-?)? ?\d{1,2}[:.]\d\d")
_HOURS_BEHIND = re.compile(r",?:? +(?:(?:בין|ב|מ|בשעות|משעה|מהשעה) ?-?)? ?\d{1,2}(?:[:.]\d\d)?(?![\d/])")
DAYS = (
    rf"(?<![א-ת])(?<![א-ת][\"'])(?!ו/)(?P<days>(?P<day_prefix>[ובלמש]{{1,2}}-(?={_LETTER}'))?(?P<first>{_LETTER})'?"
    rf"(?:{_DAY_JOINT}{_LETTER}'?(?![^\W_]|[\"'])){{0,6}})(?![^\W_]|[\"'-]|\. (?:בוקר|צה|ערב))"
)

_NUMBER_BEHIND = re.compile(r" *-?\d")
_NOUN_BEHIND = re.compile(r" +[א-הח-ינ-רת]")  # with no prefix letter other than the article
_FEMININE, _MEN = frozenset(lines_of("spoken/women")), frozenset(lines_of("spoken/men_in_he"))
_SHE_IS = "|".join(f"{word[:-1]}{_FINAL.get(word[-1], word[-1])}ה" for word in lines_of("adjectives"))
_HER = re.compile(
    rf"(?: +[א-ת'-]+){{0,3}}? +(?:{_SHE_IS}|[מת][א-ת]{{2,}}[^ו]ת|היא|שלה|אמרה|ביקשה|תחזור|תוכל|תשמח)(?![א-ת])"
)
_FIRST_NAME = re.compile(r" +(?P<name>[א-ת]+)")
_OF_WOMEN = {"עורך דין": "עורכת דין", "רואה חשבון": "רואת חשבון", "חבר כנסת": "חברת כנסת"}


def short_form(text: str, start: int, word: str) -> tuple[str, int] | None:
    """The words of an abbreviation at ``start``, and the index behind it; None for other words."""
    bare = word.rstrip(".") if word not in SHORT_FORMS else word
    for cut in range(_cut(word) + 1):
        rest = word[cut:]
        for form in dict.fromkeys((rest, f"{rest}.", bare[cut:])):
            if form in SHORT_FORMS:
                end = _end_of(text, start + cut, form)
                long = CONSTRUCTS.get(form) if _NOUN_BEHIND.match(text, end) else None
                return word[:cut] + (long or SHORT_FORMS[form]), end
            if form in BEFORE_NUMBER and _NUMBER_BEHIND.match(text, start + cut + len(form)):
                return word[:cut] + BEFORE_NUMBER[form], start + cut + len(form)
            if form in UNITS_ALONE:
                return _unit_alone(text, word[:cut], form, start + cut + len(form))
    return None


def _end_of(text: str, start: int, form: str) -> int:
    """The end of an abbreviation. At the end of the text the last point of ת.ז. ends the sentence too."""
    end = start + len(form)
    if form.endswith(".") and (text[end - 1 : end] != "." or not text[end:].strip()):
        return end - 1
    return end


def _cut(word: str) -> int:
    """The number of letters that may be prefixes of an abbreviation."""
    prefix = _PREFIX.match(word)
    return min(prefix.end() if prefix else 0, len(word) - 2)


def _unit_alone(text: str, prefix: str, unit: str, end: int) -> tuple[str, int]:
    if pair := pair_of_unit(text, unit, end):
        return prefix + pair[0], pair[1]
    words = UNITS_ALONE[unit]
    return prefix + (_OF_WOMEN[words] if words in _OF_WOMEN and _is_a_woman(text, end) else words), end


def _is_a_woman(text: str, end: int) -> bool:
    """Whether a title ending at ``end`` is a woman's, by her name or a verb behind it."""
    name = _FIRST_NAME.match(text, end)
    if name is None:
        return False
    ending = name["name"].endswith(("ה", "ית")) and name["name"] not in _MEN
    return ending or name["name"] in _FEMININE or _HER.match(text, end) is not None


def both_genders(match: re.Match[str]) -> str:
    """Both forms of a word like את/ה: אתה או את."""
    base, other = match["both"], match["other"]
    if other:
        words = [base, *other.split("/")]
        return "או" if words == ["ו", "או"] else f"{', '.join(words[:-1])} או {words[-1]}"
    masculine, feminine = _forms(base, match["suffix"] or match["within"])
    return masculine if masculine == feminine else f"{masculine} או {feminine}"


def _forms(base: str, suffix: str) -> tuple[str, str]:
    """The word without the ending of the other gender, and with it."""
    for cut in range(_cut(base) + 1):
        if pair := _IRREGULAR.get((base[cut:], suffix)):
            return base[:cut] + pair[0], base[:cut] + pair[1]
    masculine = base[:-1] + {v: k for k, v in _FINAL.items()}.get(base[-1], base[-1])
    stem = base[:-1] + _FINAL.get(base[-1], base[-1])
    for suffixes, endings, cut in _INSTEAD:
        if suffix in suffixes and base.endswith(endings):
            return base, base[:-cut] + suffix
    if suffix == "י" and _IMPERATIVE.fullmatch(base):
        return base, f"{base[:-1]}י{stem[-1]}י"
    return masculine, stem + suffix


def days(text: str, match: re.Match[str]) -> str | None:
    """Letters for days of the week, in words; None if the letters are no days."""
    start, end = match.span("days")
    before = text[max(0, start - _FAR) : start]
    said, joints = _days_said(match)
    marked = match["days"].count("'") > len(joints)  # every letter has a geresh
    is_range = any(joint == _UNTIL for joint in joints)
    opens = _HOURS_BEHIND.match(text, end) if is_range else _HOUR_BEHIND.match(text, end) if marked else None
    if _NO_DAYS.search(before) or not (_DAY_WORD.search(before) or (is_range and marked) or opens):
        return None
    return said


def _days_said(match: re.Match[str]) -> tuple[str, list[str]]:
    """The words for the days, and the words between them."""
    text, end = match["days"], match.end("days") - match.start("days")
    said, joints = [(match["day_prefix"] or "").rstrip("-"), _DAYS[match["first"]]], []
    at = match.end("first") - match.start("days")
    while next_day := _NEXT_DAY.match(text, at, end):
        joint = next_day["joint"]
        joints.append(_UNTIL if joint.strip() in ("-", "עד", "עד יום") else joint.rstrip("-"))
        said += [joints[-1], _DAYS[next_day["day"]]]
        at = next_day.end()
    return "".join(said), joints
