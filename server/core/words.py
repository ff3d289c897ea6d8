"""Hebrew words compared: normal form, fingerprint, echo of our own, a wish to hear it again."""

import re
import unicodedata
import zlib

from rapidfuzz.fuzz import partial_ratio

ECHO_MIN_WORDS = 3
ECHO_MIN_RATIO = 85

_NOT_A_WORD = re.compile(r"[^\w\s]", re.UNICODE)

ASKS_TO_REPEAT = (
    "שוב",
    "עוד פעם",
    "לא שמעתי",
    "לא הבנתי",
    "לא הבנת",
    "מה אמרת",
    "תחזור",
    "תחזרי",
    "לחזור",
    "סליחה",
    "מה",
)


def normalise(text: str) -> str:
    """Words only: no niqqud, no punctuation, one blank between, lower case."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_NOT_A_WORD.sub("", bare.replace("־", " ")).lower().split())


def fingerprint(text: str) -> int:
    """CRC32 of the normal form."""
    return zlib.crc32(normalise(text).encode())


def is_echo_of(text: str, spoken: str) -> bool:
    """``text`` is, nearly word for word, part of what we have ``spoken`` (E3)."""
    heard = normalise(text)
    if len(heard.split()) < ECHO_MIN_WORDS or len(spoken) < len(heard) // 2:
        return False
    return partial_ratio(heard, normalise(spoken)) >= ECHO_MIN_RATIO


def asks_to_repeat(text: str) -> bool:
    """The caller wants to hear the last answer again."""
    padded = f" {normalise(text)} "
    return any(f" {words} " in padded for words in ASKS_TO_REPEAT)
