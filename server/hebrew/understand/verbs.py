"""Hebrew verbs common in callers' turns: every form, generated from four (``data/verbs``)."""

from dataclasses import dataclass

from server.hebrew.data import lines_of

_INSIDE = str.maketrans("ךםןףץ", "כמנפצ")
_PREFIXES = ("כש", "וש", "וכש", "לכש", "ש", "ו")
_NONE, _ALSO = "-", "also"


@dataclass(frozen=True)
class Verb:
    """A form of a verb, behind ``prefix`` letters.

    ``waits``: needs an object, a clause or a second verb. ``gives``: with "to me", needs the thing given.
    """

    waits: bool
    finite: bool
    gives: bool
    prefix: str = ""


def verb_in(word: str) -> Verb | None:
    """The verb that ``word`` is, with or without "and", "that" or "when"; None for an unlisted word."""
    verb = _VERBS.get(word)
    if verb is not None:
        return verb
    for prefix in _PREFIXES:
        verb = _VERBS.get(word[len(prefix) :]) if word.startswith(prefix) else None
        if verb is not None:
            return Verb(verb.waits, verb.finite, verb.gives, prefix)
    return None


def _read() -> dict[str, Verb]:
    verbs: dict[str, Verb] = {}
    for line in lines_of("verbs"):
        for form, verb in _forms(line).items():
            verbs.setdefault(form, verb)
    return verbs


def _forms(line: str) -> dict[str, Verb]:
    kind, past, participle, future, infinitive, *also = line.split()
    finite = _past(past) | participles(participle) | _future(future) | set(also) - {_ALSO}
    forms = dict.fromkeys(finite, Verb("+" in kind, True, "d" in kind))
    forms[infinitive] = Verb("-" not in kind, False, "d" in kind)
    forms.pop(_NONE, None)
    return forms


def _past(he: str) -> set[str]:
    """קנה, קניתי, קנתה; הזמין, הזמנתי, הזמינה; מצא, מצאתי, מצאה."""
    if he == _NONE:
        return set()
    if he.endswith("ה"):
        base = he[:-1]
        return {he, base + "ו", base + "תה"} | {base + "י" + end for end in ("תי", "ת", "נו", "תם", "תן")}
    base = he.translate(_INSIDE)
    short = base[:-2] + base[-1] if base.startswith("ה") and base[-2] == "י" else base
    return {he, base + "ה", base + "ו"} | {short + end for end in ("תי", "ת", "נו", "תם", "תן")}


def participles(he: str) -> set[str]:
    """קונה, קונים; מחפש, מחפשת; גר, גרה: both feminine forms are made, whichever exists."""
    if he == _NONE:
        return set()
    base = he[:-1] if he.endswith("ה") else he.translate(_INSIDE)
    she = set() if he.endswith("ה") else {base + "ת", base + "ה"}
    return {he, base + "ים", base + "ות"} | she


def _future(he: str) -> set[str]:
    """יקנה, תקנה, תקני; יחפש, אחפש, תחפשו; יבדוק, תבדקי."""
    if he == _NONE:
        return set()
    stem = he[1:]
    base = stem[:-1] if stem.endswith("ה") else stem.translate(_INSIDE)
    if len(base) > 3 and base[-2] == "ו":
        base = base[:-2] + base[-1]
    return {letter + stem for letter in "יתאנ"} | {f"ת{base}י", f"ת{base}ו", f"י{base}ו"}


_VERBS = _read()
