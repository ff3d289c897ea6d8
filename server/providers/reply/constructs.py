"""Parts of an LLM's text that are not speech: reasoning, function calls, JSON, protocol marks.

A reader gets the text from a position on and returns the construct found there with its end. It raises
``More`` when the text so far cannot decide, so that the result does not depend on how the stream was cut.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from server.providers.reply.acts import FUNCTION, function_named, read_json
from server.providers.reply.written import WrittenCall, arguments_in, calls_in, speech_in

MAX_HELD_CHARS = 8000  # of one construct; a longer one is cut there
MAX_TAG_CHARS = 400
MAX_ASIDE_CHARS = 60


TOLD = "\ue000"  # replaces a function's name inside a sentence about the call; that sentence is not spoken


class More(Exception):
    """More text is needed to decide."""


class Mark(Enum):
    FORGET = "forget"  # the text so far was reasoning, not speech
    OVER = "over"  # the rest was not written for the agent to say


@dataclass(frozen=True)
class Held:
    """The undecided text, from ``at`` on. ``final``: no more will come. ``spoken``: speech precedes it."""

    text: str
    at: int
    final: bool
    spoken: bool

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    @property
    def before(self) -> str:
        return self.text[: self.at]

    def match(self, pattern: re.Pattern[str], begun: re.Pattern[str] | None = None) -> re.Match[str] | None:
        """``pattern`` at this position. Raises More if the text matches ``begun``, its possible beginning."""
        found = pattern.match(self.text, self.at)
        if found is None and begun is not None and not self.final and begun.fullmatch(self.text, self.at):
            raise More
        return found

    def end_of(self, pattern: re.Pattern[str], start: int) -> re.Match[str] | None:
        """The next match of ``pattern``, or None. Raises More while one may still come."""
        found = pattern.search(self.text, start, self.at + MAX_HELD_CHARS)
        if found is None and not self.final and len(self.rest) < MAX_HELD_CHARS:
            raise More
        return found


@dataclass(frozen=True)
class Found:
    """A construct up to ``end``. ``said``: spoken in its place. ``until``: skip the text up to that match."""

    end: int
    said: str = " "
    calls: tuple[WrittenCall, ...] = ()
    mark: Mark | None = None
    until: re.Pattern[str] | None = None
    again: bool = False  # ``said`` is scanned again like the rest of the text


Reader = Callable[[Held], Found | None]


# ---- brackets -----------------------------------------------------------------------------------

_BRACKET = re.compile(r"\\.|[(){}\[\]\"]", re.DOTALL)
_CLOSES = {"(": ")", "{": "}", "[": "]"}


def closing(held: Held, start: int) -> int:
    """The position after the bracket that closes the one at ``start``, or the end of the text.

    Works with unpaired quotation marks too, as in עו"ד.
    """
    opens, closes = held.text[start], _CLOSES[held.text[start]]
    depth = bare_depth = 0
    quoted = False
    for mark in _BRACKET.finditer(held.text, start, held.at + MAX_HELD_CHARS):
        sign = mark.group()
        if sign == '"':
            quoted = not quoted
        elif sign in (opens, closes):
            step = 1 if sign == opens else -1
            bare_depth += step
            depth += 0 if quoted else step
            behind_a_quote = held.text[: mark.start()].rstrip(" \n}])").endswith('"')
            if sign == closes and (not (depth or quoted) or (bare_depth <= 0 and behind_a_quote)):
                return mark.end()
    if not held.final and len(held.rest) < MAX_HELD_CHARS:
        raise More
    return min(len(held.text), held.at + MAX_HELD_CHARS)


# ---- thoughts -----------------------------------------------------------------------------------

_THINKING = (
    r"(?:seed:|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratch_?pad|analysis|internal|"
)
_THINKING += r"inner_?monologue|monologue|plan(?:ning)?|chain[_-]?of[_-]?thoughts?|cot)"
_THINKING += r"(?:[_-](?:content|process|steps?|text|trace))?"
_THOUGHT = re.compile(
    rf"<{_THINKING}(?:\s[^<>]*)?>|\[(?:THINK(?:ING)?|REASONING)\]|◁think▷"
    rf"|<\|(?:(?:begin|start)_(?:of_)?)?(?:{_THINKING})(?:_(?:start|begin))?\|>"
    r"|(?<![\s\S])analysis(?=[^\s\w]|[A-Z\u05d0-\u05ea])",
    re.IGNORECASE,
)
_THOUGHT_END = re.compile(
    rf"</\s*{_THINKING}\s*>|\[/(?:THINK(?:ING)?|REASONING)\]|◁/think▷"
    rf"|<\|(?:/|end_(?:of_)?)(?:{_THINKING})\|>|<\|(?:{_THINKING})_end\|>|assistant(?:final|commentary)",
    re.IGNORECASE,
)
_EMPTY_THOUGHT = re.compile(rf"<{_THINKING}\s*/>", re.IGNORECASE)


def thought(held: Held) -> Found | None:
    """Reasoning, which is never spoken. A lone end mark makes all text before it reasoning."""
    if (empty := held.match(_EMPTY_THOUGHT)) is not None:
        return Found(empty.end())
    if (end := held.match(_THOUGHT_END)) is not None:
        return Found(end.end(), mark=Mark.FORGET)
    begin = held.match(_THOUGHT)
    return Found(begin.end(), until=_THOUGHT_END) if begin else None


# ---- marks of a protocol ------------------------------------------------------------------------

_PIPED = re.compile(
    rf"<[|｜][^|｜<>\s]{{1,60}}[|｜]?>|\[/?(?!{FUNCTION.upper()})[A-Z_]{{3,30}}\]|functools(?=\[)"
)
_HEADER = re.compile(
    r"(?:<\|start\|>[^<]{0,80})?<\|channel\|>([^<]{0,120})(?:<\|constrain\|>[^<]{0,40})?<\|message\|>"
)
_HEADER_BEGUN = re.compile(r"<\|(?:start|channel)\|>[^<]{0,120}(?:<[^<]{0,120}){0,3}")
_MESSAGE_END = re.compile(r"<\|(?:end|call|return)\|>|(?=<\|(?:start|channel)\|>)")
_RECIPIENT = re.compile(r"to=(\S+)")
_TO = re.compile(r"<\|start\|>[^<]{0,80}?to=(\S+?)(?=[<\s])")
_ROLE = re.compile(
    r"(?:<\|(?:im_start|start_header_id|start)\|>|<start_of_turn>)\s*(\w+)\s*(?:<\|end_header_id\|>|(?=\W|$))"
    r"|<\|(user|assistant|system|human|model|tool|observation)\|>"
)
_ROLE_BEGUN = re.compile(r"(?:<\|(?:im_start|start_header_id|start)\|>|<start_of_turn>)\s*\w*\s*")
_OWN_ROLES = frozenset(["assistant", "model", "agent", "ai"])
_TURN_OVER = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|return|end_of_turn)\|>|</s>|<end_of_turn>|<eos>"
)
_TOOL_BEGIN = re.compile(r"<[|｜]tool[▁_]calls?[▁_]begin[|｜]>\s*(?:function(?!\w))?")
_OWN_ROLE_AHEAD = re.compile(
    r"(?:<\|(?:im_start|start_header_id)\|>|<start_of_turn>)\s*(?:assistant|model)(?=\W)|<\|assistant\|>"
)


def protocol(held: Held) -> Found | None:
    """Channels, roles and end marks of chat templates."""
    if (header := held.match(_HEADER, _HEADER_BEGUN)) is not None:
        return _channel(held, header)
    if (over := held.match(_TURN_OVER)) is not None:
        return Found(over.end(), mark=Mark.OVER if held.spoken else None)
    if (role := held.match(_ROLE, _ROLE_BEGUN)) is not None:
        if role.end() == len(held.text) and not held.final:
            raise More
        if (role[1] or role[2]).lower() in _OWN_ROLES:
            return Found(role.end())
        ends = Mark.OVER if held.spoken else None
        return Found(role.end(), mark=ends, until=_OWN_ROLE_AHEAD)
    mark = held.match(_TOOL_BEGIN) or held.match(_PIPED)
    return Found(mark.end()) if mark else None


def _channel(held: Held, header: re.Match[str]) -> Found:
    to = _RECIPIENT.search(header[1]) or _TO.match(header.group())
    if to is None and not header[1].strip().startswith("analysis"):
        return Found(header.end())
    if to is None:
        return Found(header.end(), until=_MESSAGE_END)
    end = held.end_of(_MESSAGE_END, header.end())
    arguments = held.text[header.end() : end.start() if end else len(held.text)]
    return Found(end.end() if end else len(held.text), calls=(WrittenCall(to[1], arguments),))


# ---- JSON ---------------------------------------------------------------------------------------

_JSON = re.compile(r"\{\s*(?:[\"'“”]|\\\"|[\w-]+\s*:(?!/))|\{\s*\}|\[\s*\{\s*[\"'“”\w]")
_JSON_IN_QUOTES = re.compile(r"[\"'](?=\{)")
_TEXTS = re.compile(r"\[\s*\"")
_JSON_BEGUN = re.compile(r"(?:\{\s*[\w-]*\s*|\[\s*(?:\{\s*)?)")
_PLACEHOLDER = re.compile(
    r"(?:(?<!\w)[ובהלמשכ]{1,3}[-־]?)?(?:\$?\{\{?\s*[^{}\"':\n]{1,40}\}\}?|<(?=[א-ת])[^<>\n]{1,40}>|%[A-Za-z_]{2,30}%)"
)
_PLACEHOLDER_BEGUN = re.compile(
    r"(?:[ובהלמשכ]{1,3}[-־]?)?(?:\$?\{\{?[^{}\"':\n]{0,40}\}?|<[א-ת][^<>\n]{0,40})"
)


def json_text(held: Held) -> Found | None:
    """A JSON object or list: its calls, and its words if it is the whole reply."""
    if (quote := held.match(_JSON_IN_QUOTES)) is not None:
        return Found(quote.end(), "")
    begin = held.match(_JSON, _JSON_BEGUN) or (None if held.spoken else held.match(_TEXTS))
    if begin is None:
        return None
    end = closing(held, held.at)
    value = read_json(held.text[held.at : end])
    calls = tuple(calls_in(value))
    words = "" if held.spoken else speech_in(value)
    if not words:
        return Found(end, calls=calls)
    cut_off = held.final and end == len(held.text) and held.text[end - 1] not in "}]"
    return Found(end, words + "\n" * (not cut_off), calls, again=True)


def placeholder(held: Held) -> Found | None:
    """A template variable left unfilled, with the Hebrew prefix attached to it: ``ב{city}``."""
    found = held.match(_PLACEHOLDER, _PLACEHOLDER_BEGUN)
    if found is None:
        return None
    name = re.sub(r"[^\w.]", "", found.group())
    return Found(found.end(), calls=(WrittenCall(name),) if function_named(name) else ())


# ---- code ---------------------------------------------------------------------------------------

AGENT_CALL = re.compile(
    rf"(?<![A-Za-z0-9_@])(?<!\S/)(?:to=)?(?:[A-Za-z_]\w*\.)*({FUNCTION})(?![\w@])", re.IGNORECASE
)
_GLUE = re.compile(
    r"(?::\d+|[\s`*\"':=>,]|\.call\b|```\w*|\b(?:json|code|with|arguments|args|parameters|input)\b"
    r"|action\s+input|קלט\s+פעולה|<[|｜][^<>]{0,60}[|｜]>|\[ARGS\]|\[/?TOOL_CALLS\])*",
    re.IGNORECASE,
)
_GLUE_BEGUN = re.compile(r"(?:action|קלט)\s+\w*", re.IGNORECASE)
_TAGGED = re.compile(r"<(?:arg_key|parameter|param|arg|argument)\b", re.IGNORECASE)
_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[^,;\n\]>)"'\s][^,;\n\]>)"'=]*)"""
_PAIRS = re.compile(rf"(?:[ \t,;-]*[A-Za-z_]{{2,20}}[ \t]*[=:][ \t]*{_VALUE}(?=[\s,;\]>)])\s*)+")
_PAIR_BEGUN = re.compile(r"[ \t,;-]*(?:[A-Za-z_]{0,20}|[A-Za-z_]{2,20}[ \t]*[=:][^,;\n\]>)]*)")
_TAGS_END = re.compile(r"</(?:tool_call|function|invoke|call)\s*>|\n\s*\n", re.IGNORECASE)
_SWITCH = re.compile(r"\s*[:=]\s*(true|false|null|none|yes|no)\b", re.IGNORECASE)
_OFF = frozenset(["false", "null", "none", "no"])
_STANDS_BEFORE = re.compile(r"(?:^|[.!?…:;\"'*`\[(<>|/$#]|\n)\s*$")
_STANDS_BEHIND = re.compile(r"[ \t]*(?:$|\n|[.!?…)\]}*`\"'<>|;$])")
_TOLD_OF = re.compile(
    r"(?:(?<!\w)(?:את|של|כלי|הכלי|פונקציית|הפונקציה|calling|calls|call|use|using)|(?<!\w)[לבמה]-?)\s*$"
)


def named_call(held: Held) -> Found | None:
    """A function of the agent by its name, with the arguments that follow in any form."""
    name = held.match(AGENT_CALL)
    if name is None:
        return None
    glue = _GLUE.match(held.text, name.end())
    assert glue is not None
    place = glue.end()
    following = held.text[place:]
    if not held.final and (not re.search(r"[\s({]", following) or _GLUE_BEGUN.fullmatch(following)):
        raise More
    if following[:1] == "(" or _JSON.match(held.text, place):
        end = closing(held, place)
        inside = held.text[place:end]
        arguments = inside[1:].removesuffix(")") if inside[0] == "(" else inside
        return Found(end, calls=(WrittenCall(name[1], arguments),))
    if not held.final and _JSON_BEGUN.fullmatch(held.text, place):
        raise More
    if (pairs := _pairs(held, place)) is not None:
        return Found(pairs.end(), calls=(WrittenCall(name[1], pairs.group()),))
    if _TAGGED.match(held.text, place):
        end_tag = held.end_of(_TAGS_END, place)
        end = end_tag.start() if end_tag else len(held.text)
        return Found(end, calls=(WrittenCall(name[1], arguments_in(held.text[place:end])),))
    return _bare(held, name)


def _pairs(held: Held, place: int) -> re.Match[str] | None:
    """Names and values without brackets, on one line or several: ``name=דני, phone: 050``."""
    pairs = _PAIRS.match(held.text, place)
    if not held.final and _PAIR_BEGUN.fullmatch(held.text, pairs.end() if pairs else place):
        raise More
    return pairs


def _bare(held: Held, name: re.Match[str]) -> Found:
    """A name without arguments: a call if it stands alone, not if it is a word of a sentence."""
    switch = _SWITCH.match(held.text, name.end())
    if switch is not None:
        off = switch[1].lower() in _OFF
        return Found(switch.end(), calls=() if off else (WrittenCall(name[1]),))
    alone = _STANDS_BEFORE.search(held.before) or _STANDS_BEHIND.match(held.text, name.end())
    told_of = _TOLD_OF.search(held.before) is not None
    return Found(name.end(), TOLD if told_of else " ", (WrittenCall(name[1]),) if alone else ())


FOREIGN = re.compile(
    r"(?<![\w@/.-])(?:[A-Za-z]\w*_\w+\(|[A-Za-z_]\w*(?:\.\w+)*\((?=[)\"'{\[]|[A-Za-z_]\w*(?:\s*[=(]|\.\w)))"
)
_FENCE = re.compile(r"```+(\w*)")
_FENCE_END = re.compile(r"```")
_CODE = frozenset(
    "python py tool_code tool_call tool_calls tool function_call code js javascript typescript bash sh shell "
    "xml html yaml sql thinking thought thoughts reasoning plan".split()
)


def foreign_call(held: Held) -> Found | None:
    """A call of any other function, perhaps with calls of the agent's functions inside."""
    begin = held.match(FOREIGN)
    if begin is None:
        return None
    end = closing(held, begin.end() - 1)
    inside = held.text[begin.end() : end]
    return Found(end, calls=code_calls(inside) or (WrittenCall(begin.group().rstrip("(")),))


def fence(held: Held) -> Found | None:
    """A code fence: the backticks are not spoken, nor is code between them."""
    begin = held.match(_FENCE)
    if begin is None:
        return None
    if begin[1].lower() not in _CODE:
        return Found(begin.end(), "\n")
    end = held.end_of(_FENCE_END, begin.end())
    code = held.text[begin.end() : end.start() if end else len(held.text)]
    thinks = begin[1].lower() in ("thinking", "thought", "thoughts", "reasoning", "plan")
    return Found(end.end() if end else len(held.text), "\n", () if thinks else code_calls(code))


def code_calls(code: str) -> tuple[WrittenCall, ...]:
    """Every call of the agent's functions in code or JSON."""
    calls: list[WrittenCall] = []
    place = 0
    while (begin := _CALL_IN_CODE.search(code, place)) is not None:
        held = Held(code, begin.start(), final=True, spoken=True)
        found = named_call(held) or json_text(held)
        calls += found.calls if found else ()
        place = found.end if found else begin.end()
    return tuple(calls)


_CALL_IN_CODE = re.compile(rf"{AGENT_CALL.pattern}|{_JSON.pattern}", re.IGNORECASE)
