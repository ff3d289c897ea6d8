"""The first sentences of a reply that may be a thought: they wait for what tells (E5)."""

import re

# Words with which a model tells itself what to do. A caller is not spoken of, but to.
_THOUGHT_IN_ENGLISH = re.compile(
    r"\b(?:the|user|caller|customer|client|i|i'll|we|they|he|she|should|need|wants?|let|let's|ask|must|so|okay)\b",
    re.IGNORECASE,
)
_OF_THE_CALLER = re.compile(r"\W*(?:(?:אוקיי|טוב|אז),?\s)?ה(?:משתמש|לקוח|מתקשר|פונה)ת?ה?(?!\w)")
_A_SENTENCE = 4  # words: fewer may be a name or a nod
_HEBREW, _LATIN = re.compile(r"[א-ת]"), re.compile(r"[A-Za-z]")


class Doubt:
    """Holds the sentences that open a reply as a thought does, until it is known whether they are one.

    Those in English are no part of a reply that goes on in Hebrew. The end mark of a thought makes all of
    them one (``forget``); without it they are said at the end of the reply (``flush``). An ``authored`` reply
    has none.
    """

    def __init__(self, authored: bool) -> None:
        self._over = authored  # no doubt any more: something was given out
        self._held: list[str] = []

    def forget(self) -> None:
        self._held, self._over = [], False

    def cleared(self, sentences: list[str]) -> list[str]:
        """Those of ``sentences``, behind the ones before them, that may be said."""
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
