"""Latin words inside Hebrew, names and abbreviations, roughly as a Hebrew speaker says them."""

import re

_LETTER_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "ey bi si di i ef ji eych ay jey key el em en o pi kyu ar es ti yu vi d'abelyu eks way zed".split(),
        strict=True,
    )
)
_LONGEST_ABBREVIATION = 4  # letters; a longer word in capitals is read as a word
_LONGEST_CODE = 8  # letters of a word without a vowel that is spelled out
_SOUNDS = {
    "sh": "sh", "ch": "ch", "th": "t", "ph": "f", "ck": "k", "oo": "u", "ee": "i", "ou": "u", "qu": "kw",
    "c": "k", "q": "k", "x": "ks", "y": "i", "j": "j", "w": "w",
}  # fmt: skip
_GRAPHEME = re.compile(r"sh|ch|th|ph|ck|oo|ee|ou|qu|([b-df-hj-np-tv-z])\1|[a-z]")


def read_latin(word: str) -> str:
    """Phonemes of an ASCII word. Abbreviations and words without a vowel are spelled out."""
    lower = word.lower()
    sayable = re.search("[aeiouy]", lower)
    if len(word) <= (_LONGEST_CODE if not sayable else _LONGEST_ABBREVIATION if word.isupper() else 0):
        return " ".join(_LETTER_NAMES[letter] for letter in lower)
    out = ""
    for match in _GRAPHEME.finditer(lower):
        grapheme = match.group()
        single = grapheme[0] if match.group(1) else grapheme
        out += _SOUNDS.get(grapheme, _SOUNDS.get(single, single))
    return out
