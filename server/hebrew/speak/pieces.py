"""A sentence that is too long for a synthesizer, in pieces that are said one behind the other."""

import re

_CLAUSE_END = re.compile(r"[-,;:.!?…–—][\"'”’״)]*(?=\s)")
_BLANK = re.compile(r"\s")
_EDGE = 0.1  # of the text: a cut so near to an end leaves a piece that is no clause


def pieces_of(text: str, max_bytes: int) -> list[str]:
    """``text`` in pieces of at most ``max_bytes`` of UTF-8, none of them empty; a longer word stays whole.

    Cut at the clause mark that is nearest to the middle, else between two words. Joined with blanks the
    pieces are the words of ``text``, each with its marks.
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
