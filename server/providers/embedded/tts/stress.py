"""The stressed syllable of a pointed word: the last, unless a pattern moves it to the one before."""

from dataclasses import dataclass

from server.providers.embedded.tts import letters as he
from server.providers.embedded.tts.letters import Letter


@dataclass(frozen=True)
class Sound:
    """One phoneme and the index of its letter. ``furtive``: the a in luax."""

    text: str
    at: int
    vowel: bool = False
    furtive: bool = False


def stressed_sound(sounds: list[Sound], spelled: list[Letter]) -> int | None:
    """The index in ``sounds`` of the stressed vowel; None for fewer than two vowels."""
    vowels = [i for i, s in enumerate(sounds) if s.vowel]
    if len(vowels) < 2:
        return None
    full = [i for i in vowels if not sounds[i].furtive]
    if len(full) < 2:
        return full[0] if full else vowels[0]
    last, before = sounds[full[-1]], sounds[full[-2]]
    gap = full[-1] - full[-2] - 1
    word = _Word(spelled, last.at, before.at, gap, len(full))
    return full[-2] if any(rule(word) for rule in _PENULTIMATE) else full[-1]


@dataclass(frozen=True)
class _Word:
    """``last``, ``before``: letters of the last two vowels. ``gap``: the number of sounds between them."""

    letters: list[Letter]
    last: int
    before: int
    gap: int
    syllables: int

    def end(self, back: int) -> Letter:
        """The letter ``back`` places from the end (1: the last); a blank letter beyond the beginning."""
        return self.letters[-back] if back <= len(self.letters) else Letter("")


def _is_segolate(word: _Word) -> bool:
    """מֶלֶךְ, סֵפֶר, בֹּקֶר, דֶּלֶת, מָוֶת; not אַתֶּם, אֲלֵיכֶם, יָפֶה."""
    last, before = word.letters[word.last], word.letters[word.before]
    closed = word.last == len(word.letters) - 2 and word.end(1).base not in "הי"
    if last.vowel != he.SEGOL or not closed or word.gap > 1:
        return False
    if before.vowel == he.QAMATS:
        return last.base == "ו"
    spelled_ey = word.last - word.before > 1 and word.letters[word.last - 1].base == "י"
    return before.vowel in (he.SEGOL, he.TSERE, he.HOLAM) and not spelled_ey


def _is_guttural_segolate(word: _Word) -> bool:
    """נַעַר, רֶגַע, רֹחַב, לָדַעַת; not אַחַר, nor a possible prefix (הַחַג)."""
    last, before = word.letters[word.last], word.letters[word.before]
    if last.vowel != he.PATAH or word.gap > 1 or word.last != len(word.letters) - 2:
        return False
    throat = last.base in "חעהא"
    if before.vowel == he.PATAH:
        return throat and not (word.syllables == 2 and before.base in "הבלכא")
    return before.vowel in (he.SEGOL, he.HOLAM) and (throat or word.end(1).base in "חעה") and not last.dagesh


def _is_dual(word: _Word) -> bool:
    """בַּיִת, מַיִם, שְׁנָתַיִם; not חַיִּים."""
    last, before = word.letters[word.last], word.letters[word.before]
    return (
        last.base == "י"
        and last.vowel == he.HIRIQ
        and not last.dagesh
        and before.vowel in (he.PATAH, he.QAMATS)
        and word.before == word.last - 1
        and word.end(1).base not in "יה"
    )


def _is_first_person_past(word: _Word) -> bool:
    """כָּתַבְתִּי, רָצִיתִי, מָצָאתִי; not אִשְׁתִּי."""
    if word.end(1).base != "י" or word.end(2).base != "ת" or word.end(2).vowel != he.HIRIQ:
        return False
    third, fourth = word.end(3), word.end(4)
    if third.base == "א" and not third.vowel:
        return fourth.vowel in (he.QAMATS, he.TSERE)
    if word.syllables < 3:
        return False
    if third.base == "י" and third.bare:
        return fourth.vowel in (he.HIRIQ, he.TSERE, he.SEGOL) and not word.end(2).dagesh
    return third.vowel == he.SHEVA


def _is_second_person_past(word: _Word) -> bool:
    """כָּתַבְתָּ, רָצִיתָ; not אַתָּה, which ends in another letter."""
    return word.end(1).base == "ת" and word.end(1).vowel == he.QAMATS


def _is_we_or_ours(word: _Word) -> bool:
    """שֶׁלָּנוּ, דִּיבַּרְנוּ, מָצָאנוּ, אֲנַחְנוּ; not נָתְנוּ, הִתְחַתְּנוּ."""
    if not he.is_shuruk(word.end(1)) or word.end(2).base != "נ" or word.end(2).vowel:
        return False
    third = word.end(3)
    if third.vowel == he.SHEVA:
        return not third.dagesh and word.letters[word.before].vowel != he.QAMATS
    return third.vowel in (he.QAMATS, he.TSERE) or (third.base in "יא" and third.bare)


def _is_foreign_ya(word: _Word) -> bool:
    """טֶלֶוִויזְיָה, אִינְפוֹרְמַצְיָה."""
    ends = word.end(1).base == "ה" and word.end(2).base == "י" and word.end(2).vowel == he.QAMATS
    return ends and word.end(3).vowel == he.SHEVA and word.syllables > 2


def _is_causative(word: _Word) -> bool:
    """הִתְחִילָה, הִגִּיעוּ, תַּגִּידִי, יָבִיאוּ: a stressed long i before the ending."""
    first, before = word.letters[0], word.letters[word.before]
    spelled_i = before.vowel == he.HIRIQ and word.letters[word.before + 1] == Letter("י")
    if not spelled_i or word.before == 0 or word.last <= word.before + 1:
        return False
    ending = word.end(1)
    plural = he.is_shuruk(ending)
    if first.base == "ה" and first.vowel in (he.HIRIQ, he.TSERE):
        return plural or (ending.base == "ה" and word.end(2).vowel == he.QAMATS)
    future = first.base in "תי" and first.vowel in (he.PATAH, he.QAMATS)
    return future and (plural or (ending == Letter("י") and word.end(2).vowel == he.HIRIQ))


def _is_suffixed_plural(word: _Word) -> bool:
    """עָלֶיךָ, אֵלֶיהָ."""
    ending, stem = word.end(1), word.end(3)
    spelled_e = word.end(2) == Letter("י") and stem.vowel == he.SEGOL
    return spelled_e and ending.base in "כה" and ending.vowel == he.QAMATS


_PENULTIMATE = (
    _is_segolate,
    _is_guttural_segolate,
    _is_dual,
    _is_first_person_past,
    _is_second_person_past,
    _is_we_or_ours,
    _is_foreign_ya,
    _is_causative,
    _is_suffixed_plural,
)
