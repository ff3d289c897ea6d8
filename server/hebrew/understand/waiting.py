"""Requests to wait by the caller, and the agent's promises to wait (F7). Lists are data."""

from server.hebrew.data import Phrases
from server.hebrew.understand.backchannel import NODS
from server.hebrew.understand.questions import is_question
from server.hebrew.words import words_of

_ASKS = Phrases.read("waiting/asked", prefixes=("ו",))
_REPORTED = Phrases.read("gender/reported", "waiting/reported")
_NOT = "אל"  # "אל תחכו לי"
_MOMENT = Phrases.read("waiting/moment", prefixes=("ו",))
_ALL_OF_IT = NODS | Phrases.read("waiting/moment", "waiting/around", "courtesy")
_BUSY = Phrases.read("waiting/busy", prefixes=("ו",))
_I = Phrases(["אני", "ואני", "רק", "כבר", "תכף", "תיכף"])
_AWAY = Phrases.read("waiting/away", prefixes=("ו", "כי"))
_WAITS = Phrases.read("waiting/promised", prefixes=("ו",))
_NOT_NOW = Phrases.read("waiting/not")


def asks_to_wait(text: str) -> bool:
    """Whether the caller will be away a while: "תמתיני רגע", "רגע אחד, אני מביא את התעודה", "שנייה"."""
    return words_ask_to_wait(words_of(text))


def words_ask_to_wait(words: list[str]) -> bool:
    """Like ``asks_to_wait``, for a list of words."""
    if any(_asks(words, start) for start in range(len(words))):
        return True
    return _MOMENT.within(words) and (_ALL_OF_IT.make_up(words) or _will_be_busy(words))


def _asks(words: list[str], start: int) -> bool:
    """Whether the request is made now: not reported, not denied, not beside a question to the agent."""
    length = _ASKS.at(words, start)
    if not length:
        return False
    before, behind = words[:start], words[start + length :]
    if before[-1:] == [_NOT] or _REPORTED.within(before):
        return False
    return not is_question(" ".join(before + behind))


def _will_be_busy(words: list[str]) -> bool:
    """Whether the caller will be busy ("אני בודקת", or "בודקת" behind the request) or is called away."""
    return _AWAY.within(words) or any(
        _BUSY.at(words, start) and (_I.at_end(words[:start]) or _MOMENT.at_end(words[:start]))
        for start in range(1, len(words))
    )


def says_to_wait(text: str) -> bool:
    """Whether the agent promises to wait: "אין בעיה, אני מחכה"; not for an answer, nor until a later day."""
    words = words_of(text)
    return _WAITS.within(words) and not _NOT_NOW.within(words) and not text.rstrip().endswith("?")
