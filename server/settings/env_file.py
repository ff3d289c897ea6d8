"""``.env``, without silence: what python-dotenv would skip or swallow is repaired, or refused by its line.

python-dotenv reads every value. Before it does, each statement is looked at on its own, because a line that
it cannot read is a setting at its default, and a quote that is not closed takes the next settings with it:

* ``NAME="…ב"מ…"``: a quote of the same kind inside, up to the line's last one, is text (gershayim, geresh);
* a value over several lines is one while none of its lines looks like another setting;
* all else is refused. No message holds a value, for it may be a secret;
* ``${NAME}`` is text, as it is for ``docker --env-file``: a password with such signs in it would become
  another one without a word. ``remarks`` name the settings that have one.
"""

import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from server.settings.text_file import NoText, not_utf8, read_text

_SETTING = re.compile(
    r"(?P<start>\s*(?:export\s+)?(?:'(?P<quoted>[^']+)'|(?P<name>[^=#\s]+))\s*=\s*)(?P<value>.*)"
)
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
# A line inside quotes that would have been a setting, in use or commented out.
_LIKE_A_SETTING = re.compile(r"\s*#?\s*(?:export\s+)?'?(?P<name>[A-Za-z_]\w*)'?\s*(?P<sign>[=:])(?P<rest>.*)")
_BEHIND_A_VALUE = re.compile(r"\s*|\s+#.*")
_REFERENCE = re.compile(r"\$\{[^}]*\}")

NO_SETTING = "must be NAME=value; a text that should not count begins with #"
NOT_CLOSED = "its quote is not closed at the end of the line: the next settings would be taken for its text"
UNCLEAR = "where its value ends is not clear; leave out the comment behind it, or the quotes around it"
TAKEN_AS_TEXT = "the ${…} in its value is text: nothing is put in its place"


class EnvFileError(ValueError):
    """The file cannot be read as its author meant it; the message names it, the lines and the settings."""


@dataclass(frozen=True)
class EnvFile:
    """``values`` by name in upper case; ``repeated``: the lines of those that are set more than once."""

    path: Path
    known: Collection[str]
    values: Mapping[str, str]
    repeated: Mapping[str, Sequence[int]]

    def remarks(self) -> list[str]:
        """What is odd, a line each: names that are not ours (slips, or another's), ``${…}``, repeats."""
        unknown = [
            f"{self.path}: {name} is no setting of ours{self._meant(name)}"
            for name in self.values
            if name not in self.known
        ]
        return [*unknown, *self.references()] + [
            f"{self.path}: {name} is set on lines {' and '.join(map(str, lines))}: the last one counts"
            for name, lines in self.repeated.items()
        ]

    def _meant(self, name: str) -> str:
        """Which one a slip of the fingers may have been; empty: none."""
        near = get_close_matches(name, self.known, 1, 0.85)
        return f": was {near[0]} meant?" if near else ""

    def references(self) -> list[str]:
        """The settings of ours whose value may have been meant to name another one, a line each."""
        named = (name for name, value in self.values.items() if name in self.known)
        return [
            f"{self.path}: {name}: {TAKEN_AS_TEXT}" for name in named if _REFERENCE.search(self.values[name])
        ]


@dataclass(frozen=True)
class _Statement:
    """One setting: ``text`` is what python-dotenv can read, ``lines`` how many of the file's it takes."""

    name: str
    text: str
    lines: int = 1


class _Refused(Exception):
    """``name``: the setting, where it is one of ours."""

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(why)
        self.name = name


def read_env_file(path: str | Path, known: Collection[str]) -> EnvFile:
    """What the file sets; nothing where there is none. ``known``: our settings, in upper case.

    Raises EnvFileError that lists every line that cannot be right.
    """
    path = Path(path)
    statements: list[tuple[int, _Statement]] = []
    problems: list[str] = []
    lines = _text_of(path).split("\n")
    at = 0
    while at < len(lines):
        taken = 1
        try:
            if (statement := _statement(lines, at, known)) is not None:
                statements.append((at + 1, statement))
                taken = statement.lines
        except _Refused as refused:
            problems.append(_problem(at + 1, refused))
        at += taken
    if problems:
        raise EnvFileError(f"{path} cannot be read as it stands:\n" + "\n".join(problems))
    readable = io.StringIO("\n".join(statement.text for _, statement in statements))
    read = dotenv_values(stream=readable, interpolate=False)
    values = {name.upper(): value or "" for name, value in read.items()}
    return EnvFile(path, known, values, _repeated(statements))


def _problem(line: int, refused: _Refused) -> str:
    named = f" ({refused.name})" if refused.name else ""
    return f"  line {line}{named}: {refused}"


def _text_of(path: Path) -> str:
    """The file's text with plain ends of lines; empty where there is none. Raises EnvFileError."""
    if path.is_dir() and (path / "pyvenv.cfg").exists():  # some call their virtual environment so
        return ""
    try:
        text = read_text(path)
    except FileNotFoundError:
        if path.is_symlink():
            raise EnvFileError(f"{path} is a link to a file that is not there") from None
        return ""
    except OSError as error:
        raise EnvFileError(f"{path} cannot be read: {error.strerror}") from None
    except NoText as error:
        raise EnvFileError(f"{path} cannot be read: {error}") from None
    if "\0" in text:  # no environment can hold one
        why = not_utf8(text.count("\n", 0, text.index("\0")) + 1)
        raise EnvFileError(f"{path} cannot be read: {why}")
    return re.sub(r"\r\n?", "\n", text)


def _statement(lines: Sequence[str], at: int, known: Collection[str]) -> _Statement | None:
    """The setting that begins in line ``at``; None: a blank line or a comment. Raises _Refused."""
    line = lines[at]
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    found = _SETTING.fullmatch(line)
    if found is None:
        raise _Refused(NO_SETTING, _ours(re.split(r"[\s:]", line.strip(), maxsplit=1)[0], known))
    name, value = found["quoted"] or found["name"], found["value"]
    _refuse_a_slip(name, known)
    if _readable(line):
        return _Statement(name, line)
    ends = _ends(value)
    if len(ends) > 1:
        raise _Refused(UNCLEAR, _ours(name, known))
    if ends:
        return _Statement(name, found["start"] + _escaped(value[: ends[0] + 1]))
    count = _lines_of_text(lines, at, value[:1], known)
    if count is None:
        raise _Refused(NOT_CLOSED, _ours(name, known))
    return _Statement(name, "\n".join(lines[at : at + count]), count)


def _ours(name: str, known: Collection[str]) -> str:
    return name.upper() if name.upper() in known else ""


def _refuse_a_slip(name: str, known: Collection[str]) -> None:
    """A name that is one of ours but for its signs: quoted, dashed, with a colon or an invisible mark."""
    if name.upper() in known:
        return
    bare = re.sub(r"\W", "", name.partition(":")[0].replace("-", "_")).upper()
    if bare in known:
        raise _Refused(f"the setting must be written {bare}=value, without other signs", bare)
    if not _NAME.fullmatch(name):
        raise _Refused(NO_SETTING)


def _readable(text: str) -> bool:
    return not any(binding.error for binding in parse_stream(io.StringIO(text)))


def _ends(value: str) -> list[int]:
    """Where a quoted value may end: at quotes of its kind with nothing or a comment behind them."""
    quote = value[:1]
    marks = [mark.start() for mark in re.finditer(rf"\\.|{quote}", value) if mark[0] == quote]
    return [mark for mark in marks[1:] if _BEHIND_A_VALUE.fullmatch(value[mark + 1 :])]


def _escaped(value: str) -> str:
    """``"…ב"מ…"`` with its inner quotes escaped, as python-dotenv wants them."""
    quote = value[0]
    inside = re.sub(rf"(\\.)|{quote}", lambda found: found[1] or f"\\{quote}", value[1:-1])
    return f"{quote}{inside}{quote}"


def _lines_of_text(lines: Sequence[str], at: int, quote: str, known: Collection[str]) -> int | None:
    """How many lines the value takes that begins in line ``at``; None: it swallows what is not its own."""
    for last in range(at + 1, len(lines)):
        if _like_a_setting(lines[last], known):
            return None
        if quote in lines[last] and _readable("\n".join(lines[at : last + 1])):
            return last + 1 - at
    return None


def _like_a_setting(line: str, known: Collection[str]) -> bool:
    found = _LIKE_A_SETTING.match(line)
    if found is None:
        return False
    if found["name"].upper() in known:
        return True
    return found["sign"] == "=" and found["rest"].strip() not in ("", "=")  # the end of a key in base64


def _repeated(statements: Sequence[tuple[int, _Statement]]) -> dict[str, list[int]]:
    at: dict[str, list[int]] = {}
    for line, statement in statements:
        at.setdefault(statement.name.upper(), []).append(line)
    return {name: numbers for name, numbers in at.items() if len(numbers) > 1}
