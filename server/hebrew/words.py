"""Hebrew words compared: normal form, fingerprint, echo of our own, a wish to hear it again."""

import re
import unicodedata
import zlib

from rapidfuzz import fuzz, process
from rapidfuzz.distance import LCSseq

from server.hebrew.sentences import split_sentences

ECHO_MIN_WORDS = 3
ECHO_MIN_SHARE = 0.8  # of its words are ours, in our order
SAME_WORD_RATIO = 75  # as a recogniser spells it

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
)
ASKS_TO_REPEAT_ALONE = ("מה", "סליחה", "מה מה")


def normalise(text: str) -> str:
    """Words only: no niqqud, no punctuation, one blank between, lower case."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_NOT_A_WORD.sub("", bare.replace("־", " ")).lower().split())


def fingerprint(text: str) -> int:
    """CRC32 of the normal form."""
    return zlib.crc32(normalise(text).encode())


def is_echo_of(text: str, spoken: str, share: float = ECHO_MIN_SHARE) -> bool:
    """``text`` is, nearly word for word, part of what we have ``spoken`` (E3)."""
    heard, ours = normalise(text).split(), normalise(spoken).split()
    if len(heard) < ECHO_MIN_WORDS or len(heard) > len(ours):
        return False
    nearest = [
        process.extractOne(word, ours, scorer=fuzz.ratio, score_cutoff=SAME_WORD_RATIO) for word in heard
    ]
    as_spelled = [found[0] if found else word for found, word in zip(nearest, heard, strict=True)]
    return LCSseq.similarity(as_spelled, ours) / len(heard) >= share


def is_whole_echo_of(text: str, spoken: str) -> bool:
    """``text`` is all of what we have ``spoken``, or of one sentence of it, and every word of it is ours.

    A word that differs may be the very thing the caller corrects: four rooms, not three.
    """
    length = len(normalise(text).split())
    whole = (spoken, *split_sentences(spoken))
    return any(
        length >= ECHO_MIN_SHARE * len(normalise(part).split()) and is_echo_of(text, part, 1.0)
        for part in whole
    )


def asks_to_repeat(text: str) -> bool:
    """The caller wants to hear the last answer again."""
    words_said = normalise(text)
    padded = f" {words_said} "
    return words_said in ASKS_TO_REPEAT_ALONE or any(f" {words} " in padded for words in ASKS_TO_REPEAT)
