"""Normal form, spelling variants and fingerprint of Hebrew words."""

import re
import unicodedata
import zlib

_NOT_A_WORD = re.compile(r"[^\w\s]", re.UNICODE)
_IN_A_NUMBER = re.compile(r"(?<=\d)[^\w\s](?=\d)")
_BETWEEN_WORDS = re.compile(r"(?<!\d)[-־–—…,.;:!?/]+|[-־–—…,.;:!?/]+(?!\d)")
_SINGLE = re.compile("(?<=ו)י(?=[^\\Wוי])")
_DOUBLED = re.compile(r"([וי])\1")
_SHORTER = {
    "הכול": "הכל",
    "מאוד": "מאד",
    "תיכף": "תכף",
    "הייתה": "היתה",
    "איתך": "אתך",
    "אימא": "אמא",
}
# Not shortened: that would be another word ("with me" and "him", the letter B, "or", "allowed", "flat of").
_ONLY_IN_FULL = frozenset(
    ("אייתי", "אייתו", "ביי", "אוו", "מוותר", "מוותרת", "מוותרים", "מוותרות", "דייר", "דיירת")
)
PREFIX_LETTERS = frozenset("והבלשכמ")  # written together with the next word
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")


def normalise(text: str) -> str:
    """The words of ``text`` without niqqud and punctuation, in lower case, with single blanks."""
    bare = unicodedata.normalize("NFKD", text)
    if any(map(unicodedata.combining, bare)):
        bare = "".join(c for c in bare if not unicodedata.combining(c))
    return " ".join(_NOT_A_WORD.sub("", bare.replace("־", " ")).lower().split())


def fingerprint(text: str) -> int:
    """CRC32 of the normal form. Signs inside a number count: 2.5 is not 25."""
    return zlib.crc32(normalise(_IN_A_NUMBER.sub("x", text)).encode())


def words_of(text: str) -> list[str]:
    """The words of the normal form. Dashes and dots separate words; "אההה" and the like are shortened."""
    return _STRETCHED.sub(r"\1", normalise(_BETWEEN_WORDS.sub(" ", text))).split()


def without_prefixes(word: str, most: int) -> list[str]:
    """``word`` with up to ``most`` prefix letters removed, one result per number of letters; never empty."""
    cuts = range(min(most, len(word) - 1) + 1)
    return [word[cut:] for cut in cuts if PREFIX_LETTERS.issuperset(word[:cut])]


def spellings(word: str) -> list[str]:
    """``word``, given in full spelling, and its variants: with fewer vowel letters, or like "מצויין"."""
    if word in _ONLY_IN_FULL:
        return [word]
    others = (_SHORTER.get(word, _DOUBLED.sub(r"\1", word)), _SINGLE.sub("יי", word))
    return list(dict.fromkeys([word, *others]))
