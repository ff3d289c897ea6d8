"""Whether a voice model has read a sentence word for word, by the transcript of what it says.

Such a voice may reword. A number, a date or a name said otherwise is to be said again; another word is
counted. The transcript grows by pieces, usually ahead of the audio. It is aligned with the sentence from left
to right, and each decision needs only a few words behind it: so it holds for every longer transcript.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from server.hebrew.understand.aloud_gaps import NEGATION, Differences, differences
from server.hebrew.understand.aloud_units import ANOTHER, SAME, Unit, UnitReader, alike, keys_of_names
from server.hebrew.understand.aloud_words import WordReader

FARTHEST = 6  # units left out, added or exchanged in a row, behind which the sentence is found again
HELD = 4  # units in which a fact left out may still be said, or one said early be missing
_CHANGED = " → "
_COMPLETE = re.compile(r".*\s", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """Differences, "given → said" each. ``facts``: numbers, dates, negations, names; ``words``: others."""

    facts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class ReadAloud:
    """One sentence and what is said of it. Not thread-safe."""

    def __init__(self, text: str, names: frozenset[str] = frozenset()) -> None:
        """``text``: what is to be said. ``names``: names that may be in it, but for common words."""
        self._names = keys_of_names(names)
        reader = _Transcript(self._names)
        self._given = [*reader.read(text), *reader.close()]
        self._transcript, self._alignment = _Transcript(self._names), _Alignment(self._given)
        self._seen, self._over = "", False

    def said(self, so_far: str, *, whole: bool = False) -> Said:
        """What is certain by the transcript up to now: all of it for the same or a longer one, too.

        ``whole``: it is over, so that what is missing was left out. The verdict is that of ``so_far`` alone,
        by whatever pieces it came.
        """
        complete = _COMPLETE.match(so_far)
        end = len(so_far) if whole else complete.end() if complete else 0
        if self._over or not so_far.startswith(self._seen):
            self._begin()
        units = self._transcript.read(so_far[len(self._seen) : end])
        self._seen, self._over = so_far[:end], whole
        if whole:
            units += self._transcript.close()
        self._alignment.go_on(units, over=whole)
        return self._alignment.verdict()

    def _begin(self) -> None:
        self._transcript = _Transcript(self._names)
        self._alignment = _Alignment(self._given)
        self._seen, self._over = "", False


class _Transcript:
    """A text in pieces that end between words, to units."""

    def __init__(self, names: frozenset[str]) -> None:
        self._words, self._units = WordReader(), UnitReader(names)

    def read(self, piece: str) -> list[Unit]:
        words = (word for token in piece.split() for word in self._words.read(token))
        return list(self._units.read(words))

    def close(self) -> list[Unit]:
        return [*self._units.read(self._words.close()), *self._units.close()]


class _Alignment:
    """The sentence beside what is said of it: ``_at`` and ``_heard`` are the indices of what comes next."""

    def __init__(self, given: list[Unit]) -> None:
        self._given, self._said = given, list[Unit]()
        self._at = self._heard = 0
        self._over = False
        self._facts: list[str] = []
        self._words: list[str] = []
        self._held: list[tuple[Unit, bool, int]] = []  # a fact, whether it is missing, until when it is held

    def go_on(self, units: Iterable[Unit], *, over: bool) -> None:
        """Takes what was said further, and decides what is certain by it."""
        self._said += units
        self._over = over
        while step := self._step():
            self._take(*step)
        if over:
            self._release(len(self._said) + HELD)

    def verdict(self) -> Said:
        return Said(tuple(self._facts), tuple(self._words))

    def _step(self) -> tuple[int, int] | None:
        """How many units of the sentence and of the transcript belong together; None: not certain, or all."""
        given, said = len(self._given) - self._at, len(self._said) - self._heard
        if not said:
            return (given, 0) if self._over and given else None
        if not given:
            return 0, 1
        if alike(self._given[self._at], self._said[self._heard]) != ANOTHER:
            return 1, 1
        return self._joined() or self._found_again(given, said)

    def _joined(self) -> tuple[int, int] | None:
        """Two words written as one: תל אביב, תלאביב."""
        one, other = self._given[self._at], self._said[self._heard]
        for taken, heard, behind in (
            (2, 1, self._given[self._at + 1 :][:1]),
            (1, 2, self._said[self._heard + 1 :][:1]),
        ):
            whole, first = (other.key, one.key) if taken == 2 else (one.key, other.key)
            if behind and not (one.fact or other.fact or behind[0].fact) and first + behind[0].key == whole:
                return taken, heard
        return None

    def _found_again(self, given: int, said: int) -> tuple[int, int] | None:
        """The shortest stretches of both, behind which two units are alike again."""
        for size in range(1, FARTHEST + 1):
            for taken, heard in _stretches(size):
                if taken > given or (self._over and heard > said):
                    continue
                agrees = self._agrees(taken, heard)
                if agrees is None:
                    return None
                if agrees:
                    return taken, heard
        return (given, said) if self._over and max(given, said) <= FARTHEST else (1, 1)

    def _agrees(self, taken: int, heard: int) -> bool | None:
        """Whether the sentence goes on behind these stretches; None if that is not yet known."""
        at, next_ = self._at + taken, self._heard + heard
        if next_ >= len(self._said):
            return at == len(self._given) if self._over else None
        if at >= len(self._given) or alike(self._given[at], self._said[next_]) == ANOTHER:
            return False
        if taken == heard == 1 and self._given[at].telling:
            return True
        if next_ + 1 >= len(self._said):
            return (at + 1 == len(self._given) or self._given[at].telling) if self._over else None
        if at + 1 >= len(self._given):
            return False
        return alike(self._given[at + 1], self._said[next_ + 1]) != ANOTHER

    def _take(self, taken: int, heard: int) -> None:
        given = self._given[self._at : self._at + taken]
        said = self._said[self._heard : self._heard + heard]
        self._at += taken
        self._heard += heard
        if taken == heard == 1 and (how := alike(given[0], said[0])) != ANOTHER:
            if how != SAME:
                self._words.append(given[0].text + _CHANGED + said[0].text)
        elif taken == heard or _letters(given) != _letters(said):
            self._note(differences(given, said))
        self._release(self._heard)

    def _note(self, found: Differences) -> None:
        self._facts += [_CHANGED.join(pair) for pair in found.exchanged]
        self._words += [_CHANGED.join(pair) for pair in found.words]
        for units, missing in ((found.missing, True), (found.extra, False)):
            for unit in units:
                self._hold(unit, missing=missing)

    def _hold(self, unit: Unit, *, missing: bool) -> None:
        """A fact at one side only may be at the other a few words away; but not a negation."""
        for place, (other, was_missing, _) in enumerate(self._held):
            if missing != was_missing and alike(unit, other) != ANOTHER:
                del self._held[place]
                return
        until = self._heard if unit.kind == NEGATION else self._heard + HELD
        self._held.append((unit, missing, until))

    def _release(self, heard: int) -> None:
        due = [held for held in self._held if held[2] <= heard]
        self._held = [held for held in self._held if held[2] > heard]
        self._facts += [
            f"{unit.text}{_CHANGED}" if missing else f"{_CHANGED}{unit.text}" for unit, missing, _ in due
        ]


def _stretches(size: int) -> list[tuple[int, int]]:
    """Stretches of the sentence and the transcript, the longer of ``size`` units."""
    return [(size, size), *((size, less) for less in range(size)), *((less, size) for less in range(size))]


def _letters(units: list[Unit]) -> str:
    return "".join(unit.key for unit in units)
