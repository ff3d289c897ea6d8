"""The same words again: of the caller while a turn is joined (E2), of the agent in its next reply (E4)."""

from collections.abc import Iterable

from server.hebrew.words import fingerprint


def joined(parts: Iterable[tuple[str, int]], window_frames: int) -> tuple[str, bool]:
    """The words of all parts, and whether one was dropped because it said the same again (E2).

    ``parts``: words, and the frame at which they ended.
    """
    kept: list[str] = []
    repeated = False
    last_at = 0
    for words, ended_at in parts:
        if not words:
            continue
        same = fingerprint(words) in {fingerprint(" ".join(kept)), fingerprint((kept or [""])[-1])}
        if kept and same and ended_at - last_at <= window_frames:
            repeated = True
            continue
        kept.append(words)
        last_at = ended_at
    return " ".join(kept), repeated


class ReplyDedup:
    """The sentences of the last reply that were heard in full."""

    def __init__(self, window_frames: int) -> None:
        self._window = window_frames
        self._sentences: frozenset[int] = frozenset()  # fingerprints
        self._at = 0  # frame clock

    def reply_heard(self, clock: int, sentences_in_full: Iterable[str]) -> None:
        """A reply was heard; these of its sentences to their end."""
        self._sentences = frozenset(fingerprint(sentence) for sentence in sentences_in_full)
        self._at = clock

    def just_said(self, clock: int, sentence: str) -> bool:
        """The caller has heard this very sentence in the last reply, not long ago."""
        return clock - self._at <= self._window and fingerprint(sentence) in self._sentences

    def may_say_it_again(self) -> None:
        """A reply of which nothing was left is skipped once; a caller who asks again hears it."""
        self._sentences = frozenset()
