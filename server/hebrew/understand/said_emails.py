"""Spoken e-mail addresses: "דנה לוי שבעים ושבע שטרודל ג'ימייל נקודה קום", "dan at walla co il"."""

import re
from collections.abc import Iterator

from server.hebrew.data import lines_of, pattern_of
from server.hebrew.understand.digits import VALUES

_ENGLISH = [word for line in lines_of("secrets/digits_english") for word in line.split()[1:]]
_NUMBER = rf"(?:ו?(?:{'|'.join(sorted(VALUES, key=len, reverse=True))})|{'|'.join(_ENGLISH)})(?!\w)"
_LETTER = "|".join(word for word, *also in map(str.split, lines_of("secrets/letters_said")) if not also)
_DOT = r"(?:\s{0,3}\.|\s{1,3}(?:נקודה|דוט|פוינט|dot)\s{1,3})"
_DASH = (
    r"(?:\s{0,3}[+-]\s{0,3}"
    r"|\s{1,3}(?:קו\s(?:תחתון|תחתי|מפריד|אמצעי)|מקף|מינוס|אנדר\s?סקור|underscore|under\sscore|dash)\s{1,3})"
)
_PART = r"[\w'׳]{1,64}+"
# Spelled letters and numbers need no separator before them: "דנה שבע שבע", "די ג'י 85".
_SPELLED = rf"(?:{_NUMBER}|[0-9]{{1,20}}+|(?:{_LETTER}|[^\W\d_])(?![\w'׳]))"
_JOINED = rf"(?:(?:{_DOT}|{_DASH}){_PART}|\s{{1,3}}{_SPELLED}|(?<=[0-9])\s(?![0-9]){_PART})"
_NO_NAME = (
    r"(?!(?:הוא|היא|זה|זאת|זו|שלי|שלו|שלה|שלנו|[ובהל]?(?:מייל|אימייל|ג'?ימייל|דואל)|is|mail|email)(?!\w))"
)
_AT = r"(?:\s{1,3}(?:סימן\s)?(?:ש?טרודל|סטרודל|כרוכית|אט(?:\sסיין)?|at|@)\s{1,3}|@\s{1,3}|\s{1,3}@)"
_PROVIDERS = pattern_of("secrets/email_providers")
_TLD = (
    r"(?:קום|קומ|com|קו|co|איל|il|איי?\sאל|i\sl|סי\sאו|נט|net|אורג|org|גוב|gov|אקדמי|ac|ישראל|מוני|muni)"
    r"(?!\w)"
)
# A spoken "at" must be followed by an address: "dan at gmail dot com", not "at home. See". No part can match
# in two ways, otherwise the time would grow with the number of combinations.
_EMAIL = re.compile(
    rf"(?<![\w'׳]){_NO_NAME}{_PART}{_JOINED}{{0,12}}{_AT}"
    rf"(?:(?:{_PROVIDERS})(?![\w\[])(?:(?:{_DOT}|\s{{1,3}}){_TLD}){{0,3}}"
    rf"|[\w-]{{1,63}}+(?:(?:\s{{1,3}}|{_DASH})[\w-]{{1,63}}+){{0,2}}?{_DOT}{_TLD}(?:(?:{_DOT}|\s{{1,3}}){_TLD}){{0,3}}"
    rf"|[\w-]{{1,63}}+(?:{_DOT}[^\W\d_]{{2,63}}+){{1,4}})",
    re.IGNORECASE,
)
# "המייל שלי הוא דני לוי שטרודל": behind the announcing noun, a name of two words belongs to the address.
_ANNOUNCED = re.compile(
    r"(?:מייל|אימייל|ג'ימייל|דוא[\"״]?ל|mail)(?:\s(?:שלי|שלו|שלה|שלנו|הוא|זה|is))*(?:[\s:,])+"
    r"(?P<name>(?:(?!(?:שלי|שלו|שלה|שלנו|הוא|זה|is)\s)[^\W\d_]{1,30}\s){1,2})$",
    re.IGNORECASE,
)
_FAR = 100  # characters from the noun to the address
_HAS_AT = re.compile(_AT, re.IGNORECASE)


def said_emails(text: str) -> Iterator[tuple[int, int]]:
    """The span of each spoken address, in the order of ``text``."""
    if _HAS_AT.search(text):
        for match in _EMAIL.finditer(text):
            name = _ANNOUNCED.search(text[max(0, match.start() - _FAR) : match.start()])
            yield match.start() - (len(name["name"]) if name else 0), match.end()
