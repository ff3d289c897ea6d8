"""Echo: the agent's own words returning over the line (E3), however spelled, cut or misheard.

A caller who changes the agent's words is no echo: one more word, another number or place, a yes or a no, one
of the things offered.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz import fuzz

from server.hebrew.data import Phrases, lines_of
from server.hebrew.speak.numbers import cardinal
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.digits import number_in, value_of
from server.hebrew.words import PREFIX_LETTERS, without_prefixes, words_of

ECHO_MIN_WORDS = 3
INTERRUPTING_MIN_WORDS = 5  # a shorter text with an interrupting word is as likely the caller's
ECHO_MIN_SHARE = 0.8  # of the text's words are the agent's; the rest was misheard
ALIKE_RATIO = 75  # nearly the same letters; below it may be another place, day or wish
ALIKE_MIN_CHARS = 3  # "לי" for "לך" is no recogniser's mistake
MAX_PREFIX_CHARS = 2  # "מהגג"
MIN_STEM = 2  # letters of a noun before its plural ending
MAX_LOST = 2  # words of the agent missing in a row

_HESITATION = Phrases.read("hesitation")
_EXACT = frozenset(lines_of("echo_exact"))
_OR = "או"
_OFFERING = frozenset({_OR, "אפשר", "לא", "אין", "בלי"})
_FINALS = str.maketrans("ךםןףץ", "כמנפצ")
_FIGURES = re.compile(r"(?<![\w.,:/-])[1-9]\d{1,6}(?![\w:/-]|[.,]\d)", re.ASCII)
_CLOCK = re.compile(r"(?<![\d.,:/-])([12]?\d):([0-5][1-9]|[1-5]0)(?![\d:])")
_SOUNDS = str.maketrans("אטקס", "עתכש")  # letters with the same sound
_VOWEL_LETTERS = re.compile("[וי]+")
_JOINTS = ((1, 1), (1, 2), (2, 1))  # heard words matched with words of the agent

Slips = tuple[int, int]  # number of misheard words, and of lost words of the agent


def is_echo_of(text: str, spoken: str, share: float = ECHO_MIN_SHARE) -> bool:
    """Whether ``text`` is part of the agent's words: a ``share`` (0 to 1) of it at least is in ``spoken``."""
    spoken_words = _tokens(spoken)
    return any(_ends(heard, spoken_words, share, starts=len(spoken_words)) for heard in _readings(text))


def is_tail_of(text: str, spoken: str) -> bool:
    """Whether ``text`` is the end of ``spoken``, up to one or two final words that were lost.

    Not if it is only the last thing offered ("…או דירה עם גינה?"): that is the caller's answer.
    """
    spoken_words = _tokens(spoken)
    last = _tokens(split_sentences(spoken)[-1]) if spoken.strip() else []
    offered = last[::-1].index(_OR) + 1 if _OR in last else 0
    starts = len(spoken_words) - offered
    ends = (
        end for heard in _readings(text) for end in _ends(heard, spoken_words, ECHO_MIN_SHARE, starts=starts)
    )
    return any(_may_be_lost(spoken_words[end:]) for end in ends)


def is_whole_echo_of(text: str, spoken: str) -> bool:
    """Whether ``text`` is all of ``spoken`` or of one of its sentences, word for word.

    A differing word may be the caller's correction: four rooms, not three.
    """
    length = len(_tokens(text))
    whole = (spoken, *split_sentences(spoken))
    return any(
        length >= ECHO_MIN_SHARE * len(_tokens(part)) and is_echo_of(text, part, 1.0) for part in whole
    )


def says_again(span: list[str], spoken: str) -> bool:
    """Whether ``span`` of the caller's words repeats part of the agent's last sentence, word for word.

    Never where the agent has offered or denied something: there the caller may choose or contradict.
    """
    sentence = split_sentences(spoken)[-1] if spoken.strip() else ""
    if not _OFFERING.isdisjoint(words_of(sentence)):
        return False
    spoken_words = _tokens(sentence)
    return bool(_ends(_tokens(" ".join(span)), spoken_words, 1.0, starts=len(spoken_words), least=1))


def may_be_of(spoken: str, words: list[str]) -> list[bool]:
    """For each word, whether the agent may have said it: numbers, and words of ``spoken`` up to prefixes."""
    spoken_words = {bare for word in words_of(spoken) for bare in without_prefixes(word, MAX_PREFIX_CHARS)}
    return [
        not spoken_words.isdisjoint(without_prefixes(word, MAX_PREFIX_CHARS)) or number_in(word) is not None
        for word in words
    ]


def repeats_a_choice(text: str) -> bool:
    """Whether ``text`` has words on both sides of an "or". A caller who chooses names only one side."""
    return _OR in _tokens(text)[1:-1]


def _readings(text: str) -> Iterator[list[str]]:
    """The words without hesitation; with figures as amounts and hours, and digit by digit: 3042, 17:20."""
    clocks = _CLOCK.sub(lambda hour: f"{cardinal(int(hour[1]))} ו{cardinal(int(hour[2]))}", text)
    amounts = _FIGURES.sub(lambda figures: cardinal(int(figures[0])), clocks)
    for reading in dict.fromkeys((text, amounts)):
        yield [word for word in _tokens(reading) if not _HESITATION.make_up([word])]


def _tokens(text: str) -> list[str]:
    """The words; a number becomes its value, so that spelling and gender make no difference."""
    return list(_known_tokens(text))


@lru_cache(maxsize=256)  # the agent's words of late are compared with every word of the caller's
def _known_tokens(text: str) -> tuple[str, ...]:
    values = ((word, value_of(word)) for word in _with_prefixes(words_of(speakable(text))))
    return tuple(word if value is None else str(value) for word, value in values)


def _with_prefixes(words: list[str]) -> list[str]:
    """``words`` with prefix letters joined to numbers: recognisers write "ב 15" for בחמש עשרה."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in PREFIX_LETTERS and value_of(word) is not None:
            word = joined.pop() + word
        joined.append(word)
    return joined


def _ends(
    heard: list[str], spoken_words: list[str], share: float, *, starts: int, least: int = ECHO_MIN_WORDS
) -> set[int]:
    """The indices in ``spoken_words`` at which ``heard`` can end; it begins in the first ``starts`` words."""
    if len(heard) < least:
        return set()
    allowed: Slips = (int((1 - share) * len(heard) + 1e-9), max(1, len(heard) // 3))
    steps = _Steps(heard, spoken_words)
    reached: list[dict[int, Slips]] = [{} for _ in range(len(heard) + 2)]
    reached[0] = {start: (0, 0) for start in range(starts)}
    for place in range(len(heard)):
        for at, (misheard, lost) in reached[place].items():
            for taken, end, (more_misheard, more_lost) in steps.of(place, at):
                slips = (misheard + more_misheard, lost + more_lost)
                if slips[0] <= allowed[0] and slips[1] <= allowed[1]:
                    ends = reached[place + taken]
                    ends[end] = min(ends.get(end, slips), slips)
    return set(reached[len(heard)])


class _Steps:
    """The possible matches of heard words with the agent's; each pair is compared only once."""

    def __init__(self, heard: list[str], spoken_words: list[str]) -> None:
        self._heard, self._spoken = heard, spoken_words
        self._compared: dict[tuple[str, ...], int | None] = {}

    def of(self, place: int, at: int) -> Iterator[tuple[int, int, Slips]]:
        """Matches of words heard at ``place`` and spoken at ``at``: words taken, index behind, slips."""
        for lost in range(MAX_LOST + 1 if place else 1):
            start = at + lost
            if not _may_be_lost(self._spoken[at:start]):
                break
            for taken, given in _JOINTS:
                if place + taken <= len(self._heard) and start + given <= len(self._spoken):
                    misheard = self._misheard(place, taken, start, given)
                    if misheard is not None:
                        yield taken, start + given, (misheard, lost)

    def _misheard(self, place: int, taken: int, start: int, given: int) -> int | None:
        heard, spoken_words = self._heard[place : place + taken], self._spoken[start : start + given]
        pair = (*heard, "", *spoken_words)
        if pair not in self._compared:
            self._compared[pair] = _misheard(heard, spoken_words)
        return self._compared[pair]


def _may_be_lost(spoken_words: list[str]) -> bool:
    """Whether an STT may have dropped ``spoken_words``; a missing number, "or" or "not" is a choice."""
    return len(spoken_words) <= MAX_LOST and all(_exact(word) is None for word in spoken_words)


def _misheard(heard: list[str], spoken_words: list[str]) -> int | None:
    """0: the same words in another spelling; 1: they sound alike; None: they differ."""
    one, other = "".join(heard).translate(_FINALS), "".join(spoken_words).translate(_FINALS)
    if one == other:
        return 0
    exact = [_exact(word) for word in (*heard, *spoken_words)]
    if exact.count(None) < len(exact):
        return 0 if len(exact) == 2 and exact[0] == exact[1] else None
    alike = fuzz.ratio(one, other) >= ALIKE_RATIO and min(len(one), len(other)) >= ALIKE_MIN_CHARS
    if alike and _stem(one) == _stem(other):
        return 0
    if len(exact) > 2:  # words joined or split must match exactly
        return None
    if _but_for_prefix(one, other) or _but_for_plural(one, other):
        return 0
    return 1 if alike or _sounds_alike(one, other) else None


def _sounds_alike(one: str, other: str) -> bool:
    """Whether the words differ only in letters of the same sound, and perhaps a prefix: אור for העור."""
    one, other = one.translate(_SOUNDS), other.translate(_SOUNDS)
    return min(len(one), len(other)) >= ALIKE_MIN_CHARS and (one == other or _but_for_prefix(one, other))


@lru_cache(maxsize=2048)  # each word is compared with many
def _exact(word: str) -> str | None:
    """The number or listed word that ``word`` is, behind prefix letters; None for other words."""
    number = number_in(word)
    if number is not None:
        return str(number)
    return next((rest for rest in without_prefixes(word, MAX_PREFIX_CHARS) if rest in _EXACT), None)


def _but_for_prefix(one: str, other: str) -> bool:
    """Whether the words differ only in prefix letters."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) <= 1 or not long.endswith(short):
        return False
    prefix = long[: len(long) - len(short)]
    return len(prefix) <= MAX_PREFIX_CHARS and PREFIX_LETTERS.issuperset(prefix)


def _but_for_plural(one: str, other: str) -> bool:
    """Whether the words are singular and plural: a recogniser writes שקל for שקלים, and חלק for החלקים."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    stem = long[:-2] if long.endswith(("ימ", "ות")) else ""
    return len(stem) >= MIN_STEM and (_but_for_prefix(short, stem) or _but_for_prefix(short, f"{stem}ה"))


def _stem(word: str) -> str:
    """``word`` without its optional vowel letters."""
    return word[:1] + _VOWEL_LETTERS.sub("", word[1:])
