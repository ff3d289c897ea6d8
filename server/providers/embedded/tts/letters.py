"""A pointed Hebrew word as a list of letters, each with its points."""

import unicodedata
from dataclasses import dataclass

SHEVA = "\u05b0"
HATAF_SEGOL = "\u05b1"
HATAF_PATAH = "\u05b2"
HATAF_QAMATS = "\u05b3"
HIRIQ = "\u05b4"
TSERE = "\u05b5"
SEGOL = "\u05b6"
PATAH = "\u05b7"
QAMATS = "\u05b8"
HOLAM = "\u05b9"
HOLAM_FOR_VAV = "\u05ba"
QUBUTS = "\u05bb"
QAMATS_QATAN = "\u05c7"
DAGESH = "\u05bc"
SIN_DOT = "\u05c2"
GERESH = "\u05f3"
GERSHAYIM = "\u05f4"

VOWEL_SOUND = {
    HATAF_SEGOL: "e",
    HATAF_PATAH: "a",
    HATAF_QAMATS: "o",
    HIRIQ: "i",
    TSERE: "e",
    SEGOL: "e",
    PATAH: "a",
    QAMATS: "a",
    HOLAM: "o",
    QUBUTS: "u",
    QAMATS_QATAN: "o",
}
_FINAL_FORMS = str.maketrans("ךםןףץ", "כמנפצ")
_POINTS = "".join(chr(c) for c in range(0x0591, 0x05C8) if unicodedata.combining(chr(c)))
_WITHOUT_POINTS = {ord(c): None for c in _POINTS}


@dataclass(frozen=True)
class Letter:
    """``base``: never a final form. ``vowel``: a point, SHEVA, or empty."""

    base: str
    vowel: str = ""
    dagesh: bool = False
    sin: bool = False
    geresh: bool = False

    @property
    def bare(self) -> bool:
        return not self.vowel and not self.dagesh


def is_shuruk(letter: Letter) -> bool:
    """Whether ``letter`` is a ו with a dagesh and no vowel."""
    return letter.base == "ו" and letter.dagesh and not letter.vowel


def is_hebrew_letter(char: str) -> bool:
    return "א" <= char <= "ת"


def without_points(text: str) -> str:
    """``text`` without niqqud and cantillation."""
    return text.translate(_WITHOUT_POINTS)


def is_pointed(text: str) -> bool:
    return any(char in VOWEL_SOUND or char in (SHEVA, DAGESH) for char in text)


def _letter(base: str, marks: str) -> Letter:
    marks = marks.replace(HOLAM_FOR_VAV, HOLAM)
    vowel = next((m for m in marks if m in VOWEL_SOUND or m == SHEVA), "")
    return Letter(base, vowel, DAGESH in marks, SIN_DOT in marks, GERESH in marks)


def parse(word: str) -> list[Letter]:
    """The letters of ``word``. Points may have any order (Nakdimon's or NFC's); other signs are ignored."""
    parsed: list[Letter] = []
    base, marks = "", ""
    for char in word.translate(_FINAL_FORMS):
        if is_hebrew_letter(char):
            if base:
                parsed.append(_letter(base, marks))
            base, marks = char, ""
        else:
            marks += char
    if base:
        parsed.append(_letter(base, marks))
    return parsed
