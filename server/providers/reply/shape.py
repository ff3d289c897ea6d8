"""Shapes a spoken reply while an LLM streams it (E5): few sentences, one question, at the end.

A statement goes out as soon as it is whole. A question waits for the next sentence. Another question is
joined to it. If a statement follows, there are three cases: a question that opened the reply moves to the
end; one that only repeats the caller loses its question mark; any other question ends the reply. Nothing
else is reordered.
"""

import re
from collections.abc import Callable, Iterator

from server.providers.reply.asking import needs_nothing, refers_back, repeats, wants_a_nod
from server.providers.reply.constructs import Mark
from server.providers.reply.plain_words import ELLIPSIS

MAX_SENTENCES = 4
SHORTEST_SENTENCE = 2  # characters: a letter and its end mark


def shaped(
    sentences: Iterator[str | Mark],
    min_chars: int,
    max_chars: int,
    *,
    heard: str,
    question: str,
    ends: Callable[[], bool],
) -> Iterator[str]:
    """The sentences to speak, and the question that E5 adds. Raises what ``sentences`` and ``ends`` raise.

    ``heard``: the caller's words. ``question``: added to plain statements shorter than ``min_chars``. The
    result has at most ``max_chars`` characters, counting a blank behind each sentence. Every item that
    completes no sentence yields ``""``: the stream is alive, and deadlines count from there. ``Mark.FORGET``
    drops the waiting sentences and begins the reply again. A lone ellipsis is not spoken.

    ``ends``: whether the reply says goodbye or transfers, and so needs no question. Called at most once,
    after the LLM is done or has said enough, and only if the answer matters. It may block and read on in the
    LLM's stream, so nothing is pulled from ``sentences`` after it, nor once the reply is whole.
    """
    reply = _Reply(max_chars, heard)
    for sentence in sentences:
        if isinstance(sentence, Mark):
            reply = _Reply(max_chars, heard)
            yield ""
        elif not sentence or ELLIPSIS.fullmatch(sentence):
            yield ""
        else:
            yield from reply.take(sentence) or [""]
            if reply.full:
                break
    yield from reply.waiting()
    if min_chars and reply.wants(question, min_chars) and not ends():
        yield question


class _Reply:
    """The sentences of one reply so far, and the sentence that waits to be its last."""

    def __init__(self, max_chars: int, heard: str) -> None:
        self._max_chars = max_chars
        self._heard = heard
        self._done = False
        self._said: list[str] = []
        self._held = ""  # a question
        self._comes_last = False  # the held question opened the reply; statements were spoken since
        self._asked = False  # a question was spoken in its own place
        self._fourth = ""  # a statement in the last place, which a question would take from it

    @property
    def full(self) -> bool:
        """Whether no further sentence of the LLM can be spoken."""
        shortest = "א" * SHORTEST_SENTENCE
        room = self._fourth or self._fits(_joined(self._held, shortest) if self._held else shortest)
        return self._done or not room

    def take(self, sentence: str) -> list[str]:
        """The sentences that can be spoken after ``sentence`` has come."""
        return self._take_question(sentence) if "?" in sentence else self._take_statement(sentence)

    def waiting(self) -> list[str]:
        """The waiting sentence, which is spoken last."""
        last, self._held, self._fourth = self._held or self._fourth, "", ""
        return [self._say(last)] if last else []

    def wants(self, question: str, min_chars: int) -> bool:
        """Whether the reply is too short, has only plain statements, and leaves room for ``question``."""
        short = bool(self._said) and self._chars <= min_chars  # the blank at the end does not count
        return short and self._fits(question) and not needs_nothing(self._said)

    def _take_question(self, question: str) -> list[str]:
        if self._asked:
            self._done = True
            return []
        self._fourth = "" if self._fits(question) else self._fourth
        joined = _joined(self._held, question) if self._held else question
        if self._fourth or (not self._fits(joined) and (self._said or self._held)):
            self._done = True
        else:
            self._held, self._comes_last = joined, False
        return []

    def _take_statement(self, statement: str) -> list[str]:
        if self._fourth:
            self._done = True
            return []
        said: list[str] = []
        if self._held and not self._comes_last:
            said = self._behind_a_question(statement)
            if self._done:
                return []
        behind = (self._held,) if self._held else ()
        if self._said and not self._fits(statement, *behind):
            self._done = True
        elif len(self._said) == MAX_SENTENCES - 1:
            self._fourth = statement
        else:
            said.append(self._say(statement))
        return said

    def _behind_a_question(self, statement: str) -> list[str]:
        """Decides about the held question when ``statement`` follows it."""
        question = self._held
        if repeats(question, self._heard):
            question = question.replace("?", ".")
        elif wants_a_nod(question):
            pass
        elif not self._said and refers_back(statement):
            self._asked = True
        else:
            self._comes_last = not self._said and self._fits(question, statement)
            self._done = not self._comes_last
            return []
        if not self._fits(question, statement):
            self._done = True
            return []
        self._held = ""
        return [self._say(question)]

    @property
    def _chars(self) -> int:
        return sum(len(sentence) + 1 for sentence in self._said)

    def _fits(self, *sentences: str) -> bool:
        """Whether ``sentences`` fit, with a blank behind each."""
        chars = sum(len(sentence) + 1 for sentence in sentences)
        return self._chars + chars <= self._max_chars and len(self._said) + len(sentences) <= MAX_SENTENCES

    def _say(self, sentence: str) -> str:
        """Records ``sentence`` and returns it; a first sentence that is too long is cut."""
        if not self._said and len(sentence) >= self._max_chars:
            # No sentence may follow half a sentence.
            sentence, self._done = _cut(sentence, self._max_chars - 1), True
        self._said.append(sentence)
        return sentence


def _joined(question: str, another: str) -> str:
    return question.replace("?", ",") + " " + another


_CLAUSE_END = re.compile(r"[,;:–—](?=\s)|\s[-–—](?=\s)")


def _cut(sentence: str, max_chars: int) -> str:
    """``sentence`` cut at the end of a clause, else of a word, else anywhere; its end mark is added."""
    room = max_chars - 1
    clauses = [match.start() for match in _CLAUSE_END.finditer(sentence, 0, room + 2)]
    # A clause shorter than half the room would be a stump.
    ends = [end for end in clauses if room // 2 <= end <= room] or [sentence.rfind(" ", 1, room + 1)]
    start = sentence[: ends[-1] if ends[-1] > 0 else room]
    return start.rstrip(" ,;:-–—(\"'.!?…)") + ("?" if "?" in sentence else ".")
