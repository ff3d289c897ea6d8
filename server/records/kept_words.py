"""What was said, as it may be kept: as the call's log shows it, and the caller's words once."""

from server.hebrew.words import normalise
from server.logs.call_log import Dictation
from server.logs.redaction import PrivateText
from server.records.decisions import WITH_WORDS


class KeptWords:
    """Of one call. Not thread-safe."""

    def __init__(self, private: PrivateText) -> None:
        self._private = private
        self._dictation = Dictation()
        self._last = ""  # words of the caller, as they were
        self._nod = ""  # likewise, of a turn that went for a nod
        self._again = ""  # with these the next words may begin: a turn has them already

    def of_caller(self, words: str) -> str:
        """The words that a turn answers, without those that an earlier one has."""
        again, self._again = self._again, ""
        self._last = words
        begun = self._dictation.before(words)
        new = _behind(again, words)
        return self._private.words(new, begun) if new else ""

    def of_agent(self, words: str) -> str:
        """What was heard of the agent."""
        self._dictation.agent_said(words)
        return self._unsaid(words)

    def unheard(self, words: str) -> str:
        """What was not heard of it."""
        return self._unsaid(words)

    def why(self, rule: str, what: str, why: str) -> str:
        return self._unsaid(why) if (rule, what) in WITH_WORDS else why

    def cause(self, cause: str) -> str:
        return self._private.cause(cause)

    def number(self, caller: str) -> str:
        return self._private.number(caller)

    def _unsaid(self, words: str) -> str:
        return self._private.words(words) if words else ""

    # ---- words that come again ----

    def went_for_nod(self) -> None:
        """The last words did; there may be more of them."""
        self._nod = self._last

    def nod_comes_again(self) -> None:
        """The turn that went for a nod is over, and keeps its words."""
        self._again = self._nod

    def come_again(self) -> None:
        """The last words do; the turn that answers them keeps them."""
        self._again = self._last


def _behind(begun: str, words: str) -> str:
    """``words`` without ``begun``, if that is how they begin."""
    count = len(begun.split())
    split = words.split()
    same = normalise(" ".join(split[:count])) == normalise(begun)
    return " ".join(split[count:]) if begun and same else words
