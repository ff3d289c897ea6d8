"""Text that somebody else has a say in, as one line of a log or a cell of a table may hold it."""

import unicodedata

MAX_CHARACTERS = 200  # of a line that a stranger may have a part in


def legible(text: str) -> str:
    """``text`` without what hides, turns round or overwrites other text; line breaks stay.

    Hebrew needs none of it. Half of a character, which no file takes, is a question mark.
    """
    return text if text.isprintable() else "".join(map(_legible, text))


def in_one_line(text: str, most: int | None = None) -> str:
    """``text`` legible, printable, on one line; one of more than ``most`` characters ends in "…"."""
    if most is not None and len(text) > most:
        text = f"{text[: most - 1]}…"
    words = " ".join(legible(text).split())
    return words if words.isprintable() else "".join(filter(str.isprintable, words))


def _legible(character: str) -> str:
    if character == "\n":
        return character
    match unicodedata.category(character):
        case "Cf":  # U+202E, U+200B; marks of direction, too
            return ""
        case "Cc":
            return " "
        case "Zl" | "Zp":
            return "\n"
        case "Cs":
            return "?"
    return character
