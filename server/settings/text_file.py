"""Text files that people write: UTF-8, with a mark at the beginning or without."""

from pathlib import Path


class NoText(ValueError):
    """It is in another encoding. Says which line, and what to do; nothing of what stands there."""


def read_text(path: str | Path) -> str:
    """Raises OSError, and NoText for what Notepad calls ANSI or Unicode, and for files that are no text."""
    data = Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoText(not_utf8(data[: error.start].count(b"\n") + 1)) from None
    if text.count("\0") * 4 > len(text):  # UTF-16 without its mark, in Latin letters
        raise NoText(not_utf8(text[: text.index("\0")].count("\n") + 1))
    return text


def why_not_read(path: str) -> str:
    """ "" for a text with anything in it."""
    try:
        return "" if read_text(path).strip() else "is empty"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except NoText as error:
        return f"cannot be read: {error}"


def not_utf8(line: int) -> str:
    return f"line {line} is not UTF-8 (UTF-16 or windows-1255?): save it as UTF-8"
