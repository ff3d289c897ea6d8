"""The wording of the fixed lines: ours (``prompts_he.txt``), and over it an office's own (``LINES_FILE``).

Both are plain text: a name and a colon, and below it a wording a line; ``#`` begins a remark.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.gender import Gender
from server.hebrew.understand.questions import is_question
from server.settings.text_file import NoText, read_text
from server.turns.prompts import Lines, Must, forms_of, spoken_by

OURS = Path(__file__).with_name("prompts_he.txt")
MAX_CHARS = 200  # about 15 seconds
WORDINGS = range(2, 5)  # of a line that has several
FORMS = {
    "{": (2, "{a|b}, what the agent says of itself: a woman's word, a man's word"),
    "[": (3, "[a|b|c], to the caller: to nobody in particular (plural), to a woman, to a man"),
}
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*:\s*(.*)")
_GROUP = re.compile(r"\{[^{}\[\]]*\}|\[[^{}\[\]]*\]")
_INNER_BLANKS = re.compile(r"(?<=[\[{|])\s+|\s+(?=[|\]}])")
# Signs that nobody sees: of word processors, pages of the Web, broken files.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_PROMISE = re.compile(
    r"\bו?ש?(?:נחזור|אחזור|יחזור|יחזרו|נתקשר|אתקשר|יתקשר|יתקשרו|(?:ניצור|ייצור|ייצרו|יצרו) (?:\S+ )?קשר)\b"
)


class LinesError(ValueError):
    """A file of lines cannot be used; ``problems``: each names the line, and what is right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class _Entry:
    """What stands below a name; wordings with the number of their line in the file."""

    at: int
    wordings: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Kind:
    """What a line may be."""

    several: bool
    musts: frozenset[Must]


@lru_cache(maxsize=8)
def lines_of(path: str, agent: Gender) -> Lines:
    """All lines as ``agent`` says them: those of the file ``path`` (empty: none), and ours for the rest.

    Read once a process. Raises LinesError with everything that is wrong.
    """
    said = _read(OURS) | (_read(Path(path)) if path else {})
    return spoken_by(Lines(**said), agent)


def _read(path: Path) -> dict[str, Any]:
    """Name to a text, or several. Raises LinesError."""
    try:
        text = read_text(path)
    except (OSError, NoText) as error:
        raise LinesError([f"cannot be read: {error}"]) from error
    wrong: list[str] = []
    entries = _entries(text, wrong)
    for name, entry in entries.items():
        wrong += (f"line {at}, {name}: {why}" for at, why in _wrong_with(name, entry))
    if wrong:
        raise LinesError(wrong)
    wordings = {name: tuple(text for _, text in entry.wordings) for name, entry in entries.items()}
    return {name: said if _kinds()[name].several else said[0] for name, said in wordings.items()}


def _entries(text: str, wrong: list[str]) -> dict[str, _Entry]:
    """The names in ``text``; what belongs to none, or stands twice, is added to ``wrong``."""
    found: dict[str, _Entry] = {}
    name = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = " ".join(_UNSEEN.sub("", raw).split())
        if not line or line.startswith("#"):
            continue
        if head := _NAME.fullmatch(line):
            name, line = head[1], head[2]
            if name in found:
                first = found[name].at
                wrong.append(f"line {number}, {name}: stands in line {first} too; all its wordings go there")
            found.setdefault(name, _Entry(number))
        elif not name:
            wrong.append(f"line {number}: stands below no name; first comes one with a colon, like goodbye:")
        if line and name:
            found[name].wordings.append((number, _INNER_BLANKS.sub("", line)))
    return found


@cache
def _kinds() -> dict[str, _Kind]:
    hints = get_type_hints(Lines, include_extras=True)
    return {
        name: _Kind(get_origin(hint) is tuple, frozenset(getattr(hint, "__metadata__", ())))
        for name, hint in hints.items()
    }


def _wrong_with(name: str, entry: _Entry) -> Iterator[tuple[int, str]]:
    """Where, and what is right instead."""
    kind = _kinds().get(name)
    if kind is None:
        near = get_close_matches(name.lower(), _kinds(), 1)
        right = f"is it {near[0]}?" if near else f"the names are in server/{OURS.parent.name}/{OURS.name}"
        yield entry.at, f"is no line of the agent's; {right}"
        return
    count = len(entry.wordings)
    if not count:
        yield entry.at, "is empty; what is said goes below it, or the name goes too"
    elif kind.several and count not in WORDINGS:
        least, most = WORDINGS[0], WORDINGS[-1]
        yield (
            entry.at,
            f"has wordings: {count}; it takes {least} to {most}, so that none is said twice in a row",
        )
    elif not kind.several and count > 1:
        yield entry.at, f"has wordings: {count}; it takes one, on one line of the file however long"
    elif len({wording for _, wording in entry.wordings}) < count:
        yield entry.at, "has the same wording twice; they are said in turn, and none twice in a row"
    for at, wording in entry.wordings:
        yield from ((at, why) for why in _wrong_in(wording, kind.musts))


def _wrong_in(wording: str, musts: frozenset[Must]) -> Iterator[str]:
    brackets = list(_wrong_brackets(wording))
    if brackets:
        yield from brackets
        return
    forms = forms_of(wording)
    if not all(any(map(str.isalnum, form)) for form in forms):
        yield "has no word in it"
    if (longest := max(len(speakable(form)) for form in forms)) > MAX_CHARS:
        yield f"is {longest} characters long when it is spoken; a caller listens to {MAX_CHARS} at most"
    if Must.PART in musts and ("?" in wording or is_question(split_sentences(wording)[-1].rstrip(" .!…"))):
        yield "must not ask: the call ends or is handed over behind it, and nobody hears the answer"
    if Must.ASK in musts and not all(form.endswith("?") for form in forms):
        yield "must end in a question mark: it is a question to answer with yes or no"
    told = " ".join(sentence for sentence in split_sentences(wording) if not sentence.endswith("?"))
    if Must.NOT_PROMISE in musts and (promise := _PROMISE.search(told)):
        yield f"must not promise a call ({promise[0]}): it is for hidden numbers, which nobody can call"


def _wrong_brackets(wording: str) -> Iterator[str]:
    rights = " and ".join(right for _, right in FORMS.values())
    if set(_GROUP.sub("", wording)) & set("{}[]|"):
        yield f"has a bracket or a | without its pair; right are {rights}"
    for group in _GROUP.findall(wording):
        count, right = FORMS[group[0]]
        forms = group[1:-1].split("|")
        if len(forms) == 1:
            yield f"{group} is no placeholder; right are {rights}"
        elif len(forms) != count:
            yield f"{group} has {len(forms)} forms and needs {count}; right is {right}"
        elif not all(forms):
            yield f"{group} has an empty form; right is {right}"
