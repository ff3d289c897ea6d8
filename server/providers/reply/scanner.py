"""Splits a streamed reply into speech, function calls and marks (E5)."""

import html
import re
from collections.abc import Iterator

from server.providers.reply import constructs, tags
from server.providers.reply.constructs import Found, Held, Mark, More, Reader
from server.providers.reply.labels import Label, Labels
from server.providers.reply.written import WrittenCall

Token = str | WrittenCall | Mark

_KEPT_BEHIND = 80  # characters of decided text, for the readers' look-behind
_KEPT_OF_THOUGHT = 80  # characters; longer than any end mark of reasoning
_BLANK = re.compile(r"\s")
_OPENER = re.compile(
    rf"<|[\"'](?=\{{)|functools(?=\[)|(?<!\w)[ובלהמשכ]{{1,3}}[-־]?(?=\$?\{{|<[א-ת])|\$?\{{|◁|```|~~"
    r"|\[(?=[\[{\"]*$|[{\"]|/?[A-Z_]{3,30}\])|(?<![\w*])\*{1,3}(?=\w)|(?<!\w)_{1,2}(?=[א-ת])|\((?=[^\W\d])"
    r"|%(?=[A-Za-z_]+%)|assistant(?=final|commentary)|(?<![\s\S])analysis"
    rf"|{constructs.AGENT_CALL.pattern}|{constructs.FOREIGN.pattern}",
    re.IGNORECASE,
)
_READERS: tuple[Reader, ...] = (
    constructs.thought,
    constructs.protocol,
    constructs.named_call,
    constructs.json_text,
    constructs.placeholder,
    constructs.fence,
    constructs.foreign_call,
    tags.tag,
    tags.struck,
    tags.aside,
)
_ENTITY = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});|(?<!\\)\\(?:u(?!00[0-7])[0-9a-fA-F]{4}|n(?![a-z]))"
)
_ENTITY_BEGUN = re.compile(r"(?:&(?:#\w{0,8}|\w{0,31})|\\+(?:u[0-9a-fA-F]{0,3}|n)?)\Z")
_AT_A_BEGINNING = re.compile(r"(?:^|\n|>|[.!?…:][\"'”״)*_]*\s)\s*$")
_LINE = re.compile(r"\n")


MAX_WORD_CHARS = 2000


class Scanner:
    """Takes text in pieces of any size and yields words, blanks, calls and marks.

    The tokens do not depend on how the text was cut. ``spoke``: a word of speech was yielded.
    """

    def __init__(self, agent: str = "") -> None:
        self.spoke = False
        self._labels = Labels(agent)
        self._coming = ""  # perhaps the beginning of an HTML entity
        self._behind = ""
        self._text = ""
        self._until: re.Pattern[str] | None = None

    def feed(self, piece: str) -> Iterator[Token]:
        """The tokens that ``piece`` decides. The caller must read the iterator to its end."""
        coming = self._coming + piece
        begun = _ENTITY_BEGUN.search(coming)
        self._coming = begun.group() if begun else ""
        self._text += _unescaped(coming.removesuffix(self._coming))
        return self._tokens(final=False)

    def flush(self) -> Iterator[Token]:
        """The remaining tokens at the end of the text."""
        self._text += self._coming
        self._coming = ""
        return self._tokens(final=True)

    def _tokens(self, *, final: bool) -> Iterator[Token]:
        while self._text:
            if self._until is not None and not self._thought_over(final):
                return
            if not self._text:
                return
            try:
                found = self._next(final)
            except More:
                return
            if found is None:
                return
            yield from self._taken(found)

    def _thought_over(self, final: bool) -> bool:
        assert self._until is not None
        text = self._behind[-1:] + self._text
        end = self._until.search(text)
        if end is None:
            self._text = "" if final else self._text[-_KEPT_OF_THOUGHT:]
            return False
        self._text, self._behind, self._until = text[end.end() :], end.group() or " ", None
        return True

    def _next(self, final: bool) -> Found | None:
        """The construct at the start of the text; None while its first word is incomplete. Raises More."""
        text, at = self._behind + self._text, len(self._behind)
        if text[at].isspace():
            return Found(at + 1, text[at])
        blank = _BLANK.search(text, at)
        if (blank.start() if blank else len(text)) - at > MAX_WORD_CHARS:
            # base64 or a row of digits: no word, and the readers would take seconds over it
            return Found(at + MAX_WORD_CHARS, "")
        if blank is None and not final:
            return None
        held = Held(text, at, final, self.spoke)
        if (labelled := self._label(held)) is not None:
            return labelled
        end = blank.start() if blank else len(text)
        opener = _OPENER.search(text, at, end)
        if opener is None:
            return Found(end, text[at:end])
        if opener.start() > at:
            return Found(opener.start(), text[at : opener.start()])
        for read in _READERS:
            if (found := read(held)) is not None:
                return found
        return Found(opener.end(), opener.group())

    def _label(self, held: Held) -> Found | None:
        if not _AT_A_BEGINNING.search(held.before):
            return None
        found = self._labels.at(held.text, held.at)
        if found is None:
            if not held.final and self._labels.begun(held.text, held.at):
                raise More
            return None
        label, end = found
        if label is Label.THOUGHT:
            return Found(end, "\n", until=_LINE)
        if label is Label.OTHER:
            mark = Mark.OVER if held.spoken else None
            return Found(end, "\n", mark=mark, until=self._labels.own_line)
        return Found(end, "")

    def _taken(self, found: Found) -> Iterator[Token]:
        taken = found.end - len(self._behind)
        behind = self._behind + (self._text[:taken] if found.said and not found.again else " ")
        self._text = self._text[taken:]
        self._until = found.until
        yield from found.calls
        if found.mark is not None:
            self.spoke = self.spoke and found.mark is not Mark.FORGET
            yield found.mark
        if found.again:
            self._text = found.said + self._text
        elif found.said:
            self.spoke = self.spoke or any(map(str.isalnum, found.said))
            yield found.said
        self._behind = behind[-_KEPT_BEHIND:]


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda entity: _character(entity.group()), text)


def _character(entity: str) -> str:
    """The character of an HTML entity, or of a JSON escape outside quotes."""
    if entity.startswith("&"):
        return html.unescape(entity)
    character = "\n" if entity == "\\n" else chr(int(entity[2:], 16))
    return "" if "\ud800" <= character <= "\udfff" else character
