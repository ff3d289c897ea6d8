"""What an LLM writes that is no speech, known by how it begins: thoughts, calls, JSON, marks of a protocol.

Every reader is given the text from a place on, and says what stands there and where it ends. It raises
``More`` when only what follows can tell, so that nothing depends on how the stream was cut.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from server.providers.reply.acts import FUNCTION, function_named, read_json
from server.providers.reply.written import WrittenCall, arguments_in, calls_in, speech_in

MAX_HELD_CHARS = 8000  # of one construct; what is longer ends there
MAX_TAG_CHARS = 400
MAX_ASIDE_CHARS = 60


TOLD = "\ue000"  # for a name within a sentence that tells of the call: nobody is to hear it


class More(Exception):
    """What follows decides."""


class Mark(Enum):
    FORGET = "forget"  # what was written so far was thought, not said
    OVER = "over"  # the rest is not the agent's


@dataclass(frozen=True)
class Held:
    """The text that is not decided, from ``at`` on. ``spoken``: something was said before it."""

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
        """``pattern`` here. Raises More when all that there is only begins it."""
        found = pattern.match(self.text, self.at)
        if found is None and begun is not None and not self.final and begun.fullmatch(self.text, self.at):
            raise More
        return found

    def end_of(self, pattern: re.Pattern[str], start: int) -> re.Match[str] | None:
        """Where ``pattern`` comes next. Raises More while it may still; None: it never does."""
        found = pattern.search(self.text, start, self.at + MAX_HELD_CHARS)
        if found is None and not self.final and len(self.rest) < MAX_HELD_CHARS:
            raise More
        return found


@dataclass(frozen=True)
class Found:
    """What stands at a place, to ``end``. ``said``: in its place. ``until``: nor is what precedes that."""

    end: int
    said: str = " "
    calls: tuple[WrittenCall, ...] = ()
    mark: Mark | None = None
    until: re.Pattern[str] | None = None
    again: bool = False  # ``said`` is to be read like the rest


Reader = Callable[[Held], Found | None]


# ---- brackets -----------------------------------------------------------------------------------

_BRACKET = re.compile(r"\\.|[(){}\[\]\"]", re.DOTALL)
_CLOSES = {"(": ")", "{": "}", "[": "]"}


def closing(held: Held, start: int) -> int:
    """The place behind the bracket that closes the one at ``start``; the end of a text that never closes it.

    Also where quotation marks are not in pairs: עו"ד.
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
    """Reasoning: nothing of it is said, and nothing of what an end alone shows to have been reasoning."""
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
    """Channels, roles and ends of chat templates."""
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
    """An object or a list: the calls in it, and its words where it is all of the reply."""
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
    """A name that nobody filled in, with the prefix that is written to it: ``ב{city}``."""
    found = held.match(_PLACEHOLDER, _PLACEHOLDER_BEGUN)
    if found is None:
        return None
    name = re.sub(r"[^\w.]", "", found.group())
    return Found(found.end(), calls=(WrittenCall(name),) if function_named(name) else ())


# ---- code ---------------------------------------------------------------------------------------

OURS = re.compile(
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
    """A function of ours by its name, with its arguments in whatever form they follow."""
    name = held.match(OURS)
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
    """Names and values without brackets, in a line or a line each: ``name=דני, phone: 050``."""
    pairs = _PAIRS.match(held.text, place)
    if not held.final and _PAIR_BEGUN.fullmatch(held.text, pairs.end() if pairs else place):
        raise More
    return pairs


def _bare(held: Held, name: re.Match[str]) -> Found:
    """No arguments: a call where it stands by itself, and not a word within a sentence."""
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
    """Code that calls something else, with calls of ours in it perhaps."""
    begin = held.match(FOREIGN)
    if begin is None:
        return None
    end = closing(held, begin.end() - 1)
    inside = held.text[begin.end() : end]
    return Found(end, calls=code_calls(inside) or (WrittenCall(begin.group().rstrip("(")),))


def fence(held: Held) -> Found | None:
    """Three backticks: the marks are not said, and nothing of code between them."""
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
    """Every call of ours in a piece of code, or of JSON."""
    calls: list[WrittenCall] = []
    place = 0
    while (begin := _CALL_IN_CODE.search(code, place)) is not None:
        held = Held(code, begin.start(), final=True, spoken=True)
        found = named_call(held) or json_text(held)
        calls += found.calls if found else ()
        place = found.end if found else begin.end()
    return tuple(calls)


_CALL_IN_CODE = re.compile(rf"{OURS.pattern}|{_JSON.pattern}", re.IGNORECASE)
