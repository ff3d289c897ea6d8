"""Plain answers, yes and no: particles, constructions, and the question's own verb repeated (D4, E1, F3).

An answer is divided into pieces, each a yes, a no, or a neutral word. Every word must belong to a piece, and
all yes and no pieces must agree. A condition, another wish, doubt or content is no plain answer. Lists are
data.
"""

from collections.abc import Iterable, Iterator
from math import inf

from server.hebrew.data import Phrases
from server.hebrew.understand.said_back import Question, question_in
from server.hebrew.words import words_of

_YES, _YES_OF_FACT, _YES_UNASKED = map(
    Phrases.read, ("answers/yes", "answers/yes_of_fact", "answers/yes_unasked")
)
_NO, _NO_MORE = Phrases.read("answers/no"), Phrases.read("answers/no_more")
_WILLING, _UNWILLING = Phrases.read("answers/willing"), Phrases.read("answers/unwilling")
_NOT = Phrases.read("answers/not")
_AROUND = Phrases.read("answers/around", "courtesy")
_BEHIND_NO = Phrases.read("answers/no_behind")
_OBJECTS = Phrases.read("answers/said_back_around")
_COMMAND_NOT = Phrases.read("answers/command_not")
_ASKING = Phrases.read("question_words", prefixes=("ו",))
_DOUBT = Phrases.read("answers/doubt")
_NEGATIONS = frozenset(["לא", "אל", "אין", "טרם", "מעולם", "אינני", "איני"])
_NOT_ANY = frozenset(["שום", "כלום"])  # negative even without "not"; no double negation with it
_YES_WORD, _DO_NOT, _NOR, _MORE, _AND = "כן", "אל", "ולא", "עוד", "ו"
_LONGEST = 14  # words; a longer turn is more than a yes or no


def is_yes(text: str, question: str = "") -> bool:
    """Whether all of ``text`` is a yes, however polite. ``question``: the agent's last words, if known."""
    return _answer(text, question) is True


def is_no(text: str, question: str = "") -> bool:
    """Whether all of ``text`` is a no, however polite. ``question``: the agent's last words, if known."""
    return _answer(text, question) is False


def is_answer(text: str, question: str = "") -> bool:
    """Whether ``text`` is a plain yes or a plain no to ``question``."""
    return _answer(text, question) is not None


def _answer(text: str, question: str) -> bool | None:
    words = words_of(text)
    if not 0 < len(words) <= _LONGEST or _DOUBT.within(words):
        return None
    if text.rstrip().endswith("?") and not _ASKING.within(words):  # "כן?" asks; "למה לא?" does not
        return None
    pieces = _Pieces(words, question_in(question), unasked=not question)
    yes, no = pieces.fewest(saying=True), pieces.fewest(saying=False)
    return None if yes == no else yes < no


class _Pieces:
    """The words of one answer, and the meaning of each span of them."""

    def __init__(self, words: list[str], asked: Question, *, unasked: bool) -> None:
        self._words = words
        self._asked = asked
        self._polar = asked.polar and not _ASKING.at(words, 0)  # a question in return is no answer
        of_fact = asked.polar and not asked.offered
        self._yes = [
            _YES,
            _WILLING,
            *([_YES_OF_FACT] if of_fact else []),
            *([_YES_UNASKED] if unasked else []),
        ]
        self._no = [_NO, _UNWILLING, *([_NO_MORE] if asked.names(_MORE) else [])]
        self._runs: dict[int, list[tuple[int, bool]]] = {}

    def fewest(self, *, saying: bool) -> float:
        """The least number of pieces that read the words as ``saying`` (yes or no); inf if they cannot.

        The question's own words cost nothing, so that they are preferred to the lists.
        """
        count = len(self._words)
        found = {(0, False): 0}
        for start in range(count):
            for said in (False, True):
                if (start, said) in found:
                    ways = [(end, True, 1) for end in self._in_lists(start, saying)]
                    ways += [(end, True, 0) for end, yes in self._run(start) if yes is saying]
                    ways += [(end, said, 1) for end in self._around(start, saying)]
                    for end, says_it, cost in ways:
                        total = found[start, said] + cost
                        found[end, says_it] = min(total, found.get((end, says_it), total))
        return found.get((count, True), inf)

    def _in_lists(self, start: int, saying: bool) -> Iterator[int]:
        for phrases in self._yes if saying else self._no:
            yield from phrases.ends(self._words, start)
        for behind in _NOT.ends(self._words, start):
            yield from (_UNWILLING if saying else _WILLING).ends(self._words, behind)
        if not saying:
            yield from self._refused(start)

    def _around(self, start: int, saying: bool) -> Iterable[int]:
        """The ends of neutral spans. In a no, the topic of the question is neutral too: "מחר לא מתאים"."""
        ends = _AROUND.ends(self._words, start)
        if saying:
            return ends
        topic = [start + 1] if self._asked.names(self._words[start]) else []
        return ends + _BEHIND_NO.ends(self._words, start) + topic

    def _refused(self, start: int) -> Iterator[int]:
        """ "אל" with an order refuses the offer, whatever the verb. "אל תדאגי" does not."""
        behind = self._words[start + 1 : start + 2]
        if self._words[start] != _DO_NOT or not behind or not behind[0].startswith("ת"):
            return
        if _COMMAND_NOT.make_up(behind):
            return
        reached = _OBJECTS.reach(self._words[start + 2 :])
        yield from (start + 2 + end for end in reached)

    def _run(self, start: int) -> list[tuple[int, bool]]:
        """The ends of runs of the question's own words from ``start`` on, each with True for a yes."""
        if start not in self._runs:
            self._runs[start] = list(self._said_back(start)) if self._polar else []
        return self._runs[start]

    def _said_back(self, start: int) -> Iterator[tuple[int, bool]]:
        counts, negations = False, 0
        for end, word in enumerate(self._words[start:], start + 1):
            if word in _NEGATIONS:
                negations += 1
            elif word == _YES_WORD and negations:  # "לא, כן, תעבירי"
                return
            elif word in _NOT_ANY:
                negations = max(negations, 1)
            elif counts and word == _AND + self._words[end - 2]:
                pass  # "יש ויש"
            elif not _OBJECTS.make_up([word]) and not (word == _NOR and negations):
                if not self._asked.has(word):
                    return
                counts = True
            if counts and negations < 2:
                yield end, not negations
