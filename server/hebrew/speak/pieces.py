"""Splits a sentence that is too long for a TTS into pieces."""

import re

_CLAUSE_END = re.compile(r"[-,;:.!?…–—][\"'”’״)]*(?=\s)")
_BLANK = re.compile(r"\s")
_EDGE = 0.1  # of the text; a cut nearer to an end leaves no real clause


def pieces_of(text: str, max_bytes: int) -> list[str]:
    """``text`` in non-empty pieces of at most ``max_bytes`` of UTF-8; a longer word stays whole.

    Cuts are at the clause mark nearest to the middle, else between words. Joined with blanks, the pieces have
    the words of ``text``, with their marks.
    """
    text = text.strip()
    if len(text.encode()) <= max_bytes:
        return [text] if text else []
    cuts = [mark.end() for mark in _CLAUSE_END.finditer(text)]
    inner = [cut for cut in cuts if _EDGE * len(text) < cut < (1 - _EDGE) * len(text)]
    cuts = inner or [blank.start() for blank in _BLANK.finditer(text)]
    if not cuts:
        return [text]
    cut = min(cuts, key=lambda place: abs(2 * place - len(text)))
    return pieces_of(text[:cut], max_bytes) + pieces_of(text[cut:], max_bytes)
