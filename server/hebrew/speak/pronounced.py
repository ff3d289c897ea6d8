"""An office's own pronunciations: written words are put as they are to be said, before any voice (E6).

Whole words, with prefixes in front of them (ו, ה, ב, ל, מ, ש, כ). The longest that fits wins, and what was
put is not looked at again. In time linear in the text, however long the list.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_WORDS = 12  # of one entry; blanks and hyphens part them
MAX_PREFIXES = 4  # וכשב
MIN_BEHIND_PREFIX = 2  # letters: one letter behind a prefix is another word
_PREFIXES = frozenset("והבלמשכ")
_MARKS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
_IN_A_WORD = rf"[\w{_MARKS}]+"
# A word with what stands inside it (תמ"א, ז'בוטינסקי, 12.5), or a sign; blanks and hyphens are neither.
_TOKEN = re.compile(
    rf"{_IN_A_WORD}(?:(?:['\"׳״’‘´`”“„]|(?<=\d)[.,:/](?=\d)){_IN_A_WORD})*"
    r"|[^\s\-\u05be\u2010-\u2015\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# One character each, so that places in a word stay what they are.
_SAME = str.maketrans(
    {
        **{chr(upper): chr(upper + 32) for upper in range(ord("A"), ord("Z") + 1)},
        **dict.fromkeys("׳’‘´`", "'"),
        **dict.fromkeys("״“”„", '"'),
    }
)


@dataclass(frozen=True)
class _Match:
    start: int  # in the text
    end: int
    tokens: int
    spoken: str


class Pronunciations:
    """Written to spoken, as the office has written both. Immutable: any thread."""

    def __init__(self, spoken: Mapping[str, str]) -> None:
        """Of two that are written alike (``words_of``) the later one holds."""
        self._spoken = {words: said for written, said in spoken.items() if (words := words_of(written))}
        # How many words the entries have that begin with a word: few, and the most first.
        lengths: dict[str, set[int]] = {}
        for words in self._spoken:
            lengths.setdefault(words[0], set()).add(len(words))
        self._lengths = {first: sorted(counts, reverse=True) for first, counts in lengths.items()}

    def __call__(self, text: str) -> str:
        """``text`` with what is written in the list as it is said."""
        if not self._spoken:
            return text
        found = list(_TOKEN.finditer(text))
        words = tuple(token[0].translate(_SAME) for token in found)
        said, done, place = [], 0, 0
        while place < len(found):
            match = self._longest(found, words, place)
            if match is None:
                place += 1
                continue
            said += [text[done : match.start], match.spoken]
            done, place = match.end, place + match.tokens
        return "".join([*said, text[done:]])

    def _longest(self, found: list[re.Match[str]], words: tuple[str, ...], place: int) -> _Match | None:
        """The entry that covers most of the text from this word on; with the fewest prefixes, if two do."""
        best: _Match | None = None
        first = words[place]
        for prefixes in range(_prefixes_of(first) + 1):
            at = prefixes + (first[prefixes] == '"')  # ב"מגדלי הים"
            behind = first[at:]
            for count in self._lengths.get(behind, ()):
                covered = (behind, *words[place + 1 : place + count])
                said = self._spoken.get(covered) if len(covered) == count else None  # the text may end
                if said is None:
                    continue
                start, end = found[place].start() + at, found[place + count - 1].end()
                if best is None or end - start > best.end - best.start:
                    best = _Match(start, end, count, said)
                break
        return best


def words_of(written: str) -> tuple[str, ...]:
    """What an entry is found by: its words and signs, whatever quotation marks and hyphens it has."""
    return tuple(token.translate(_SAME) for token in _TOKEN.findall(written))


def _prefixes_of(word: str) -> int:
    """How many letters at its beginning may be prefixes, while a word is left behind them."""
    most = min(MAX_PREFIXES, len(word) - MIN_BEHIND_PREFIX)
    return next((place for place in range(most) if word[place] not in _PREFIXES), max(most, 0))
