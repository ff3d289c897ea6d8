"""Speaker labels at the start of a line: ``סוכן: שלום``, ``User: …``, ``Thought: …``."""

import re
from enum import Enum

_OWN = "סוכן|סוכנת|סוכנת שירות|נציג|נציגה|נציג שירות|נציגת שירות|מזכיר|מזכירה|פקיד|פקידה|עוזר|עוזרת|בוט"
_OWN += "|assistant|agent|ai|bot|receptionist|model|voice agent|ai agent|ai assistant|voice assistant"
_ANSWER = "תשובה|מענה|תגובה|answer|final answer|response|final response|reply|output"
_OTHER = "לקוח|לקוחה|מתקשר|מתקשרת|פונה|משתמש|משתמשת|קונה|צד שני|הצד השני"
_OTHER += "|user|human|customer|caller|client|lead|system"
_THOUGHT = "מחשבה|מחשבות|חשיבה|ניתוח|הערה פנימית|הערה למערכת|thought|thoughts|thinking|reasoning|analysis"
_THOUGHT += "|observation|plan|internal note|system note"
_ACTION = "פעולה|קלט פעולה|action|action input|function|function call|function_call|tool|tool call|tool_call"
_ACTION += "|tool code|tool_code|arguments"
_LEAD = r"(?:#{1,6}[ \t]+)?[*_#>\[\"']*"
_ROLE_LINE = re.compile(
    rf"(?:(?<![\s\S])(?:assistant|model|agent|bot|ai)|#{{1,6}}[ \t]*[*_]*ה?(?:{_ANSWER})[*_]*)[ \t]*\n",
    re.IGNORECASE,
)


class Label(Enum):
    OWN = "own"  # the agent's line: only the label is removed
    OTHER = "other"  # a line of the other side
    THOUGHT = "thought"  # reasoning: the line is not spoken
    ACTION = "action"  # a function's name or arguments follow


class Labels:
    """``agent``: the agent's name and role ("נועה, נציגת המשרד"); its first word counts as a label."""

    def __init__(self, agent: str = "") -> None:
        name = re.match(r"\w+", agent)
        own = f"{_OWN}|{_ANSWER}" + (f"|{re.escape(name.group())}" if name else "")
        kinds = {"own": own, "other": _OTHER, "thought": _THOUGHT, "action": _ACTION}
        words = "|".join(f"(?P<{kind}>ה?(?:{names}))" for kind, names in kinds.items())
        end = r"(?!\w)[*_\]]*(?::[*_]*(?!\S*//)| [-–—](?= ))"
        self._label = re.compile(rf"{_LEAD}(?:{words}){end}", re.IGNORECASE)
        every = "|".join(kinds.values())
        self._begun = re.compile(
            rf"#{{1,6}}[ \t]*\S*|{_LEAD}ה?(?:{every}|{_first_words(every)})[*_\]]*(?:\s+\S*)?", re.IGNORECASE
        )
        self.own_line = re.compile(rf"(?:(?<=\n)|(?<=[.!?…])\s+){_LEAD}ה?(?:{own}){end}", re.IGNORECASE)

    def at(self, text: str, at: int) -> tuple[Label, int] | None:
        """The label at ``at``, the beginning of a line or sentence, and the position after it."""
        found = _ROLE_LINE.match(text, at)
        if found is not None:
            return Label.OWN, found.end()
        found = self._label.match(text, at)
        if found is None or found.lastgroup is None:
            return None
        return Label(found.lastgroup), found.end()

    def begun(self, text: str, at: int) -> bool:
        """Whether the text from ``at`` on may become a label when more text comes."""
        return self._begun.fullmatch(text, at) is not None


def _first_words(names: str) -> str:
    return "|".join(sorted({name.split()[0] for name in names.split("|") if " " in name}))
