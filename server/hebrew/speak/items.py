"""Numbered items inside a line: in "1. לבחור 2. לשלם" no sentence ends with a number."""

import re
from collections.abc import Iterator

from server.hebrew.speak.nouns import label_before
from server.hebrew.speak.numbers import cardinal

_ITEM = re.compile(r"(?P<gap>^|\n|[,;:.!?…]? +)\(?(?<![\d.,])(?P<number>\d{1,2})(?P<mark>[.)])(?= +[^\W\d_])")


def items_apart(text: str) -> str:
    """``text`` with the number of each item in words, separated by commas: אחת, לבחור, שתיים, לשלם."""
    items = [*_items(text)]
    if len(items) < 2 and not any(item["mark"] == ")" for item in items):
        return text
    parts, done = [], 0
    for item in items:
        gap = item["gap"] if not item["gap"].isspace() or item["gap"] == "\n" else ", "
        parts += [text[done : item.start()], gap, cardinal(int(item["number"])), ","]
        done = item.end()
    return "".join(parts) + text[done:]


def _items(text: str) -> Iterator[re.Match[str]]:
    """The items in consecutive order; not a number before a closing bracket, nor a labelled one."""
    expected = 1
    for match in _ITEM.finditer(text):
        number, bracket = int(match["number"]), match["mark"] == ")"
        opened = text.count("(", 0, match.start("number")) > text.count(")", 0, match.start())
        is_next = number == expected and not label_before(text, match.start())
        alone = bracket and not match.start()
        own = "(" in text[match.start() : match.start("number")]
        if (is_next or alone) and (own or not (bracket and opened)):
            expected = number + 1
            yield match
