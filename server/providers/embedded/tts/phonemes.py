"""Pointed Hebrew to phonemes, by rule, and phonemes to espeak's mnemonics.

The notation, also used in ``lexicon.tsv``: vowels ``a e i o u``; consonants as in English, with ``x`` for ח
and soft כ, ``sh``, ``ts``, ``ch`` (צ׳), ``j`` (ג׳), ``zh`` (ז׳), ``w``; ``'`` before the stressed vowel;
``-`` between two letters that are not one sound (``s-h`` is not ``sh``). Modern Hebrew: no length, no
doubling, א and ע silent.
"""

import re

from server.providers.embedded.tts import letters as he
from server.providers.embedded.tts.letters import Letter
from server.providers.embedded.tts.stress import Sound, stressed_sound

_CONSONANT = {
    "א": "", "ב": "v", "ג": "g", "ד": "d", "ה": "h", "ו": "v", "ז": "z", "ח": "x", "ט": "t",
    "י": "y", "כ": "x", "ל": "l", "מ": "m", "נ": "n", "ס": "s", "ע": "", "פ": "f", "צ": "ts",
    "ק": "k", "ר": "r", "ש": "sh", "ת": "t",
}  # fmt: skip
_WITH_DAGESH = {"ב": "b", "כ": "k", "פ": "p"}
_WITH_GERESH = {"ג": "j", "ז": "zh", "צ": "ch", "ו": "w"}

_SOUND = re.compile("ts(?!h)|sh|ch|zh|[a-z']")  # t and sh, rather than ts and h
_TO_ESPEAK = {"sh": "S", "ch": "tS", "zh": "Z", "j": "dZ", "x": "X", "y": "j", "r": "R"}
# Short words that attach to the next one; any other monosyllable is stressed.
_UNSTRESSED = frozenset("et shel al im o ki el ad min ve be le ha she me ke".split())
_VOWELS = "aeiou"


def read_word(pointed: str) -> str:
    """Phonemes of one pointed word; empty when it has no Hebrew letter."""
    spelled = he.parse(pointed)
    if not spelled:
        return ""
    return _joined(_sounds(spelled), spelled)


def read_prefix(prefix: list[Letter]) -> str:
    """Phonemes of the prefix letters before a known word: ``שֶׁבְּ`` is ``shebe``."""
    out = ""
    for i, letter in enumerate(prefix):
        if he.is_shuruk(letter):
            out += "u"
            continue
        # Grammar says viyafe and birxov; speakers say veyafe and berexov.
        eased = letter.base in "ובכל" and letter.vowel == he.HIRIQ
        vowel = "e" if eased else he.VOWEL_SOUND.get(letter.vowel, "e")
        # The first letter is hard, whatever the pointing model says: בבית is be-, ובבית is uve-.
        consonant = _consonant(letter) if i else _WITH_DAGESH.get(letter.base, _consonant(letter))
        out += consonant + vowel
    return out


def read_abbreviation(word: str) -> str:
    """Phonemes of an abbreviation with gershayim that is not in the lexicon: ממ״ד is mamad."""
    out = ""
    spelled = he.parse(word)
    for i, letter in enumerate(spelled):
        last = i == len(spelled) - 1
        if 0 < i and letter.base in "וי":
            vowel = "i" if letter.base == "י" else "u" if last else "o"
            out = out.removesuffix("a") + vowel
            continue
        consonant = _consonant(letter) if last else _WITH_DAGESH.get(letter.base, _consonant(letter))
        out += consonant + ("" if last else "a")
    return with_stress(out)


def with_stress(phonemes: str) -> str:
    """One word's ``phonemes``, stressed on the last syllable if they mark no stress."""
    if "'" in phonemes or sum(phonemes.count(v) for v in _VOWELS) < 2:
        return phonemes
    last = max(phonemes.rfind(v) for v in _VOWELS)
    return f"{phonemes[:last]}'{phonemes[last:]}"


def behind_prefix(prefix: list[Letter], phonemes: str) -> str:
    """The phonemes of prefix letters and of the known words behind them, joined."""
    word, space, rest = phonemes.partition(" ")
    if "'" not in word:
        # A monosyllable has no stress mark and would lose its stress to the prefix.
        vowel = next((i for i, sound in enumerate(word) if sound in _VOWELS), 0)
        word = f"{word[:vowel]}'{word[vowel:]}"
    return read_prefix(prefix) + word + space + rest


def to_espeak(phonemes: str) -> str:
    """Phonemes in the notation above → espeak mnemonics, without brackets. Unknown signs are dropped."""
    return " ".join(_word_to_espeak(word) for word in phonemes.split())


def _word_to_espeak(word: str) -> str:
    sounds: list[str] = _SOUND.findall(word)
    if "'" not in sounds and word not in _UNSTRESSED:
        first_vowel = next((i for i, s in enumerate(sounds) if s in _VOWELS), 0)
        sounds.insert(first_vowel, "'")
    return "".join(_TO_ESPEAK.get(sound, sound) for sound in sounds)


def _joined(sounds: list[Sound], spelled: list[Letter]) -> str:
    stressed = stressed_sound(sounds, spelled)
    out = ""
    for i, sound in enumerate(sounds):
        if i == stressed:
            out += "'"
        elif out[-1:] in ("s", "z") and sound.text == "h":
            out += "-"
        out += sound.text
    return out


def _sounds(spelled: list[Letter]) -> list[Sound]:
    starts = _stem_starts(spelled)
    sounds: list[Sound] = []
    for i in range(len(spelled)):
        consonant, vowel = _letter_sounds(spelled, i, starts)
        furtive = _is_furtive(spelled, i, sounds)
        if furtive:
            sounds.append(Sound("a", i, True, furtive=True))
        if consonant:
            sounds.append(Sound(consonant, i))
        if vowel and not furtive:
            sounds.append(Sound(vowel, i, True))
    return sounds


def _is_furtive(spelled: list[Letter], i: int, before: list[Sound]) -> bool:
    """Whether letter ``i`` is a final ח, ע or הּ with a patah spoken before it (לוּחַ is luax)."""
    letter = spelled[i]
    if i != len(spelled) - 1 or letter.vowel != he.PATAH or letter.base not in "חעה":
        return False
    return bool(before) and before[-1].vowel


def _letter_sounds(spelled: list[Letter], i: int, starts: set[int]) -> tuple[str, str]:
    letter = spelled[i]
    if letter.base == "ו" and not letter.geresh:
        return _vav(spelled, i)
    if letter.base == "י":
        return _yod(spelled, i)
    last = i == len(spelled) - 1
    if letter.base == "ה" and not letter.vowel:
        heard = not last and (i == 0 or _is_vowel_vav(spelled, i + 1))
        return ("h" if heard else ""), ""  # a final ה is silent, with or without mappiq
    if letter.base == "ה" and last and letter.vowel in (he.SHEVA, he.PATAH):
        return "", he.VOWEL_SOUND.get(letter.vowel, "")
    consonant = _consonant(letter)
    if letter.vowel == he.SHEVA:
        return consonant, "e" if _sheva_is_heard(spelled, i, starts) else ""
    return consonant, _qamats_or_vowel(spelled, i)


def _qamats_or_vowel(spelled: list[Letter], i: int) -> str:
    """The vowel of letter ``i``. Qamats before hataf qamats is o (צָהֳרַיִם)."""
    vowel = spelled[i].vowel
    after = spelled[i + 1].vowel if i + 1 < len(spelled) else ""
    if vowel == he.QAMATS and after == he.HATAF_QAMATS:
        return "o"
    return he.VOWEL_SOUND.get(vowel, "")


def _consonant(letter: Letter) -> str:
    if letter.geresh and letter.base in _WITH_GERESH:
        return _WITH_GERESH[letter.base]
    if letter.sin:
        return "s"
    if letter.dagesh and letter.base in _WITH_DAGESH:
        return _WITH_DAGESH[letter.base]
    return _CONSONANT[letter.base]


def _is_vowel_vav(spelled: list[Letter], i: int) -> bool:
    """Whether letter ``i`` is a ו spoken as o or u: the ו has the point, the letter before it none."""
    if not 0 < i < len(spelled) or spelled[i].base != "ו":
        return False
    vav, before = spelled[i], spelled[i - 1]
    if not he.is_shuruk(vav) and vav.vowel != he.HOLAM:
        return False
    return not before.vowel and not _is_vowel_vav(spelled, i - 1)


def _is_vu(spelled: list[Letter], i: int) -> bool:
    """Whether the ו at ``i`` and the next one spell v and u: שִׁיוּוק is shivuk."""
    doubled = i + 1 < len(spelled) and spelled[i + 1] == Letter("ו")
    return doubled and he.is_shuruk(spelled[i]) and spelled[i - 1] == Letter("י")


def _vav(spelled: list[Letter], i: int) -> tuple[str, str]:
    vav = spelled[i]
    shuruk = he.is_shuruk(vav)
    if i == 0:
        return ("", "u") if shuruk else ("v", he.VOWEL_SOUND.get(vav.vowel, "e"))
    if _is_vowel_vav(spelled, i):
        return "v" if _is_vu(spelled, i) else "", "u" if shuruk else "o"
    before = spelled[i - 1]
    if shuruk and before.vowel == he.SHEVA:
        return "", "u"  # the model adds a needless sheva before a vowel ו
    if shuruk:
        return "" if before.vowel == he.QUBUTS else "v", ""
    if vav.vowel:
        return "v", he.VOWEL_SOUND.get(vav.vowel, "")
    return _bare_vav(spelled, i), ""


def _bare_vav(spelled: list[Letter], i: int) -> str:
    """A ו without points: silent behind the vowel that it spells, otherwise v."""
    before = spelled[i - 1]
    if before.vowel in (he.HOLAM, he.QUBUTS, he.QAMATS_QATAN):
        return ""
    if before.base == "ו" and (before.vowel or before.dagesh):
        return ""
    doubled = i + 1 < len(spelled) and spelled[i + 1].base == "ו" and not _is_vowel_vav(spelled, i + 1)
    return "" if doubled else "v"


def _yod(spelled: list[Letter], i: int) -> tuple[str, str]:
    yod = spelled[i]
    before = _vowel_before(spelled, i)
    if yod.vowel and yod.vowel != he.SHEVA:
        return "y", he.VOWEL_SOUND[yod.vowel]
    if i == 0:
        return "y", "e" if yod.vowel == he.SHEVA else ""
    vowel_follows = _is_vowel_vav(spelled, i + 1) and not _is_vu(spelled, i + 1)
    if yod.vowel or yod.dagesh or vowel_follows:
        return ("" if before == he.HIRIQ and yod.vowel else "y"), ""
    if spelled[i - 1].base == "י":
        return "", ""  # a doubled י is spoken once
    return _bare_yod(spelled, i, before)


def _vowel_before(spelled: list[Letter], i: int) -> str:
    """The vowel before letter ``i``. In a doubled ו the first has it (טלוויזיה); a silent א is skipped."""
    if i > 1 and spelled[i - 1] == Letter("ו") and spelled[i - 2].base == "ו":
        return spelled[i - 2].vowel
    if i > 1 and spelled[i - 1] == Letter("א"):
        return spelled[i - 2].vowel  # כְּדַאי is kday
    return spelled[i - 1].vowel if i else ""


def _bare_yod(spelled: list[Letter], i: int, before: str) -> tuple[str, str]:
    """A י without points behind the point ``before``: a silent spelling of i or e, or y."""
    last = i == len(spelled) - 1
    if before == he.TSERE:
        return ("" if not last and _tsere_stays_e(spelled[i + 1 :]) else "y"), ""
    if before in (he.HIRIQ, he.SEGOL, he.HATAF_SEGOL):
        return "", ""
    if before in (he.PATAH, he.QAMATS, he.HATAF_PATAH):
        ends_in_av = i == len(spelled) - 2 and spelled[i + 1] == Letter("ו")
        return ("" if ends_in_av else "y"), ""
    if before or _is_vowel_vav(spelled, i - 1):
        return ("", "i") if before == he.SHEVA else ("y", "")
    return "", "i"


def _tsere_stays_e(after: list[Letter]) -> bool:
    """Whether tsere with י before these letters is e (תֵּיאוּר, רֵיחַ, עָלֵינוּ), not ey (בֵּין)."""
    furtive = len(after) == 1 and after[0].vowel == he.PATAH
    suffixed = len(after) == 2 and after[0].base == "נ" and he.is_shuruk(after[1])
    return after[0].base == "א" or furtive or suffixed


def _stem_starts(spelled: list[Letter]) -> set[int]:
    """The indices at which the stem may begin: 0, and behind each prefix shown by its point or a dagesh."""
    starts = {0}
    for i in range(min(3, len(spelled) - 2)):
        if i not in starts:
            break
        letter, after = spelled[i], spelled[i + 1]
        joined = after.dagesh or after.base in "אהחער"
        article = letter.base in "הבלכ" and letter.vowel in (he.PATAH, he.QAMATS) and joined
        that = letter.base == "ש" and letter.vowel == he.SEGOL and joined
        of = letter.base == "מ" and letter.vowel == he.HIRIQ and after.dagesh
        if letter.base == "ו" or article or that or of:
            starts.add(i + 1)
    return starts


def _sheva_is_heard(spelled: list[Letter], i: int, starts: set[int]) -> bool:
    """Whether the sheva of letter ``i`` is spoken as e; the grammarians' mobile sheva is often silent."""
    if i == len(spelled) - 1:
        return False
    letter, after = spelled[i], spelled[i + 1]
    if i in starts:
        return _first_sheva_is_heard(spelled, i)
    if _consonant(letter) and _consonant(letter) == _consonant(after) and not _is_vowel_vav(spelled, i + 1):
        return True
    before = spelled[i - 1]
    return before.vowel == he.SHEVA and before.base not in "אע" and i - 1 not in starts


def _first_sheva_is_heard(spelled: list[Letter], i: int) -> bool:
    letter, after = spelled[i], spelled[i + 1]
    # ב is nearly always the prefix "in"; words that begin with a bare b- are in the lexicon.
    prefix_in = letter.base == "ב" and (i == 0 or spelled[i - 1].base in "וש")
    if letter.base in "ילמנר" or prefix_in or after.base in "אעה":
        return True
    if {_consonant(letter), _consonant(after)} <= {"t", "d"} or _consonant(letter) == _consonant(after):
        return True
    # Future of intensive verbs: תְּדַבֵּר is tedaber, but תְּמוּנָה is tmuna.
    third = spelled[i + 2] if i + 2 < len(spelled) else None
    return letter.base == "ת" and after.vowel == he.PATAH and third is not None and third.dagesh
