"""Holds back the first sentences of a reply while they may be unmarked reasoning (E5)."""

import re

# Words of a model that instructs itself. A real reply speaks to the caller, not about the caller.
_THOUGHT_IN_ENGLISH = re.compile(
    r"\b(?:the|user|caller|customer|client|i|i'll|we|they|he|she|should|need|wants?|let|let's|ask|must|so|okay)\b",
    re.IGNORECASE,
)
_OF_THE_CALLER = re.compile(r"\W*(?:(?:אוקיי|טוב|אז),?\s)?ה(?:משתמש|לקוח|מתקשר|פונה)ת?ה?(?!\w)")
_A_SENTENCE = 4  # words; fewer may be a name or an acknowledgement
_HEBREW, _LATIN = re.compile(r"[א-ת]"), re.compile(r"[A-Za-z]")


class Doubt:
    """Holds opening sentences that look like reasoning until later text decides.

    Speech that follows proves the held sentences to be reasoning: they are dropped. So does the end mark of a
    thought (``forget``). If the reply ends first, they are spoken (``flush``). An ``authored`` reply is never
    held.
    """

    def __init__(self, authored: bool) -> None:
        self._over = authored  # a sentence was given out: the rest of the reply is not doubted
        self._held: list[str] = []

    def forget(self) -> None:
        self._held, self._over = [], False

    def cleared(self, sentences: list[str]) -> list[str]:
        """The sentences that may be spoken now. Doubtful ones wait."""
        said: list[str] = []
        for sentence in sentences:
            if self._over:
                said.append(sentence)
            elif self._is_doubtful(sentence):
                self._held.append(sentence)
            else:
                self._over, self._held = True, []
                said.append(sentence)
        return said

    def flush(self) -> list[str]:
        held, self._held = self._held, []
        return held

    def _is_doubtful(self, sentence: str) -> bool:
        if _OF_THE_CALLER.match(sentence) or any(map(_OF_THE_CALLER.match, self._held)):
            return True
        if len(_LATIN.findall(sentence)) <= len(_HEBREW.findall(sentence)):
            return False
        told = len(_THOUGHT_IN_ENGLISH.findall(sentence))
        return bool(self._held) or told > 1 or len(sentence.split()) >= _A_SENTENCE
