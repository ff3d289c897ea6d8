"""Lines that begin with whose they are: ``סוכן: שלום``, ``User: …``, ``Thought: …``."""

import re
from enum import Enum

_OWN = "סוכן|סוכנת|סוכנת שירות|נציג|נציגה|נציג שירות|נציגת שירות|מזכיר|מזכירה|פקיד|פקידה|עוזר|עוזרת|בוט"
_OWN += "|assistant|agent|ai|bot|receptionist|model|voice agent|ai agent|ai assistant|voice assistant"
_ANSWER = "תשובה|מענה|תגובה|answer|final answer|response|final response|reply|output"
_OTHER = "לקוח|לקוחה|מתקשר|מתקשרת|פונה|משתמש|משתמשת|קונה|צד שני|הצד השני"
_OTHER += "|user|human|customer|caller|client|lead|system"
_THOUGHT = (
    "מחשבה|מחשבות|חשיבה|ניתוח|הערה פנימית|thought|thoughts|thinking|reasoning|analysis|observation|plan"
)
_THOUGHT += "|internal note"
_ACTION = "פעולה|קלט פעולה|action|action input|function call|tool call|function|tool|tool code"


class Label(Enum):
    OWN = "own"  # the agent's line: the label is not said
    OTHER = "other"  # the other side's line
    THOUGHT = "thought"  # nobody is to hear this line
    ACTION = "action"  # a function's name or arguments follow


class Labels:
    """``agent``: who the agent is ("נועה, נציגת המשרד"); its first word may be a label too."""

    def __init__(self, agent: str = "") -> None:
        name = re.match(r"\w+", agent)
        own = f"{_OWN}|{_ANSWER}" + (f"|{re.escape(name.group())}" if name else "")
        kinds = {"own": own, "other": _OTHER, "thought": _THOUGHT, "action": _ACTION}
        words = "|".join(f"(?P<{kind}>ה?(?:{names}))" for kind, names in kinds.items())
        self._label = re.compile(rf"[*_#>\s\"']*(?:{words})(?!\w)[*_]*:[*_]*(?!\S*//)", re.IGNORECASE)
        of_two = "|".join(
            sorted({n.split()[0] for names in kinds.values() for n in names.split("|") if " " in n})
        )
        self._begun = re.compile(rf"[*_#>\"']*ה?(?:{of_two})\s+\S*", re.IGNORECASE)
        self.own_line = re.compile(
            rf"(?:(?<=\n)|(?<=[.!?…])\s+)[*_#>\s\"']*ה?(?:{own})(?!\w)[*_]*:[*_]*", re.IGNORECASE
        )

    def at(self, text: str, at: int) -> tuple[Label, int] | None:
        """The label at a line's or a sentence's beginning and the place behind it."""
        found = self._label.match(text, at)
        if found is None or found.lastgroup is None:
            return None
        return Label(found.lastgroup), found.end()

    def begun(self, text: str, at: int) -> bool:
        """Whether the second word of a label may still come."""
        return self._begun.fullmatch(text, at) is not None
