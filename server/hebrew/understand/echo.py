"""Our own words come back over the line (E3): recognised however they are spelled, cut up or misheard.

What the caller makes of our words is the caller's: a word more, another number or place, a yes or a no,
one of the things offered.
"""

import re
from collections.abc import Iterator

from rapidfuzz import fuzz

from server.hebrew.data import Phrases, lines_of
from server.hebrew.speak.numbers import cardinal
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.digits import number_in, value_of
from server.hebrew.words import PREFIX_LETTERS, without_prefixes, words_of

ECHO_MIN_WORDS = 3
INTERRUPTING_MIN_WORDS = 5  # fewer, with a word that stops us, are as likely the caller's
ECHO_MIN_SHARE = 0.8  # of its words are ours; the others were misheard
ALIKE_RATIO = 75  # nearly the same letters: another word is another place, day or wish
ALIKE_MIN_CHARS = 3  # "לי" for "לך" is no mistake of a recogniser
MAX_PREFIX_CHARS = 2  # "מהגג"
MIN_STEM = 2  # letters of a noun before the ending of its plural
MAX_LOST = 2  # words of ours in a row

_HESITATION = Phrases.read("hesitation")
_EXACT = frozenset(lines_of("echo_exact"))
_OR = "או"
_OFFERING = frozenset({_OR, "אפשר", "לא", "אין", "בלי"})
_FINALS = str.maketrans("ךםןףץ", "כמנפצ")
_FIGURES = re.compile(r"(?<![\w.,:/-])[1-9]\d{1,6}(?![\w:/-]|[.,]\d)", re.ASCII)
_CLOCK = re.compile(r"(?<![\d.,:/-])([12]?\d):([0-5][1-9]|[1-5]0)(?![\d:])")
_SOUNDS = str.maketrans("אטקס", "עתכש")  # letters that sound as others do
_VOWEL_LETTERS = re.compile("[וי]+")
_JOINTS = ((1, 1), (1, 2), (2, 1))  # words heard for words of ours

Slips = tuple[int, int]  # words misheard, words of ours that were lost


def is_echo_of(text: str, spoken: str, share: float = ECHO_MIN_SHARE) -> bool:
    """``text`` is part of what we have ``spoken``: a ``share`` (0-1) of its words at least."""
    ours = _tokens(spoken)
    return any(_ends(heard, ours, share, starts=len(ours)) for heard in _readings(text))


def is_tail_of(text: str, spoken: str) -> bool:
    """``text`` is the end of what we have ``spoken``, but for a word or two that were lost behind it.

    No more than the last thing offered ("…או דירה עם גינה?") is the caller's answer.
    """
    ours = _tokens(spoken)
    last = _tokens(split_sentences(spoken)[-1]) if spoken.strip() else []
    offered = last[::-1].index(_OR) + 1 if _OR in last else 0
    starts = len(ours) - offered
    ends = (end for heard in _readings(text) for end in _ends(heard, ours, ECHO_MIN_SHARE, starts=starts))
    return any(_may_be_lost(ours[end:]) for end in ends)


def is_whole_echo_of(text: str, spoken: str) -> bool:
    """``text`` is all of what we have ``spoken``, or of one sentence of it, and every word of it is ours.

    A word that differs may be the very thing the caller corrects: four rooms, not three.
    """
    length = len(_tokens(text))
    whole = (spoken, *split_sentences(spoken))
    return any(
        length >= ECHO_MIN_SHARE * len(_tokens(part)) and is_echo_of(text, part, 1.0) for part in whole
    )


def says_again(span: list[str], spoken: str) -> bool:
    """``span`` of the caller's words is, word for word, what we have just ``spoken``: they note it.

    Not where we have offered something, or denied it: there they may have chosen, or contradicted us.
    """
    sentence = split_sentences(spoken)[-1] if spoken.strip() else ""
    if not _OFFERING.isdisjoint(words_of(sentence)):
        return False
    ours = _tokens(sentence)
    return bool(_ends(_tokens(" ".join(span)), ours, 1.0, starts=len(ours), least=1))


def may_be_of(spoken: str, words: list[str]) -> list[bool]:
    """Which of ``words`` are ours at a glance: a number, or a word of ours but for its prefix."""
    ours = {bare for word in words_of(spoken) for bare in without_prefixes(word, MAX_PREFIX_CHARS)}
    return [
        not ours.isdisjoint(without_prefixes(word, MAX_PREFIX_CHARS)) or number_in(word) is not None
        for word in words
    ]


def repeats_a_choice(text: str) -> bool:
    """``text`` has something on both sides of an "or": who chooses says one of them."""
    return _OR in _tokens(text)[1:-1]


def _readings(text: str) -> Iterator[list[str]]:
    """The words heard without hesitation; figures as they are read out, and one by one: 3042, 17:20."""
    clocks = _CLOCK.sub(lambda hour: f"{cardinal(int(hour[1]))} ו{cardinal(int(hour[2]))}", text)
    amounts = _FIGURES.sub(lambda figures: cardinal(int(figures[0])), clocks)
    for reading in dict.fromkeys((text, amounts)):
        yield [word for word in _tokens(reading) if not _HESITATION.make_up([word])]


def _tokens(text: str) -> list[str]:
    """Words; a number is the same however it is written, and whatever its gender."""
    values = ((word, value_of(word)) for word in _with_prefixes(words_of(speakable(text))))
    return [word if value is None else str(value) for word, value in values]


def _with_prefixes(words: list[str]) -> list[str]:
    """A recogniser writes a prefix letter apart before figures: "ב 15" is בחמש עשרה."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in PREFIX_LETTERS and value_of(word) is not None:
            word = joined.pop() + word
        joined.append(word)
    return joined


def _ends(
    heard: list[str], ours: list[str], share: float, *, starts: int, least: int = ECHO_MIN_WORDS
) -> set[int]:
    """Where ``heard`` ends if it runs along ``ours`` from one of its first ``starts`` words: none for few."""
    if len(heard) < least:
        return set()
    allowed: Slips = (int((1 - share) * len(heard) + 1e-9), max(1, len(heard) // 3))
    steps = _Steps(heard, ours)
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
    """How words heard may be ours; the same words are compared but once."""

    def __init__(self, heard: list[str], ours: list[str]) -> None:
        self._heard, self._ours = heard, ours
        self._compared: dict[tuple[str, ...], int | None] = {}

    def of(self, place: int, at: int) -> Iterator[tuple[int, int, Slips]]:
        """From ``place`` in what was heard and ``at`` in ours: words taken, place behind ours, slips."""
        for lost in range(MAX_LOST + 1 if place else 1):
            start = at + lost
            if not _may_be_lost(self._ours[at:start]):
                break
            for taken, given in _JOINTS:
                if place + taken <= len(self._heard) and start + given <= len(self._ours):
                    misheard = self._misheard(place, taken, start, given)
                    if misheard is not None:
                        yield taken, start + given, (misheard, lost)

    def _misheard(self, place: int, taken: int, start: int, given: int) -> int | None:
        heard, ours = self._heard[place : place + taken], self._ours[start : start + given]
        pair = (*heard, "", *ours)
        if pair not in self._compared:
            self._compared[pair] = _misheard(heard, ours)
        return self._compared[pair]


def _may_be_lost(ours: list[str]) -> bool:
    """A recogniser drops a word or two; who leaves out a number, an "or" or a "not" has chosen."""
    return len(ours) <= MAX_LOST and all(_exact(word) is None for word in ours)


def _misheard(heard: list[str], ours: list[str]) -> int | None:
    """0: the same words, as a recogniser spells them; 1: they sound like them; None: they are others."""
    one, other = "".join(heard).translate(_FINALS), "".join(ours).translate(_FINALS)
    if one == other:
        return 0
    exact = [_exact(word) for word in (*heard, *ours)]
    if any(word is not None for word in exact):
        return 0 if len(exact) == 2 and exact[0] == exact[1] else None
    alike = fuzz.ratio(one, other) >= ALIKE_RATIO and min(len(one), len(other)) >= ALIKE_MIN_CHARS
    if alike and _stem(one) == _stem(other):
        return 0
    if len(exact) > 2:  # joined or split, but word for word
        return None
    if _but_for_prefix(one, other) or _but_for_plural(one, other):
        return 0
    return 1 if alike or _sounds_alike(one, other) else None


def _sounds_alike(one: str, other: str) -> bool:
    """Whether other letters of the same sound are all the difference, and a prefix: אור for העור."""
    one, other = one.translate(_SOUNDS), other.translate(_SOUNDS)
    return min(len(one), len(other)) >= ALIKE_MIN_CHARS and (one == other or _but_for_prefix(one, other))


def _exact(word: str) -> str | None:
    """The number, or the word of the list, in ``word`` behind prefix letters; None without one."""
    number = number_in(word)
    if number is not None:
        return str(number)
    return next((rest for rest in without_prefixes(word, MAX_PREFIX_CHARS) if rest in _EXACT), None)


def _but_for_prefix(one: str, other: str) -> bool:
    """Whether prefix letters are all that one of the words has more than the other."""
    short, long = sorted((one, other), key=len)
    prefix = long[: len(long) - len(short)]
    few = len(short) > 1 and len(prefix) <= MAX_PREFIX_CHARS and set(prefix) <= PREFIX_LETTERS
    return few and long == prefix + short


def _but_for_plural(one: str, other: str) -> bool:
    """One thing and many: a recogniser writes שקל for שקלים, and חלק for החלקים."""
    short, long = sorted((one, other), key=len)
    singulars = {long.removesuffix(ending) for ending in ("ימ", "ות")} - {long}
    return any(
        len(stem) >= MIN_STEM and (_but_for_prefix(short, stem) or _but_for_prefix(short, f"{stem}ה"))
        for stem in singulars
    )


def _stem(word: str) -> str:
    """``word`` without the vowel letters that some write and some do not."""
    return word[:1] + _VOWEL_LETTERS.sub("", word[1:])
