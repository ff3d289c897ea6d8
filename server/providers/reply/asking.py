"""Tests on the agent's sentences: does a question repeat the caller, does a reply need a question added?"""

import re

from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.courtesy import is_courtesy
from server.hebrew.understand.digits import value_of
from server.hebrew.understand.questions import is_question
from server.hebrew.words import words_of

_PREFIXES = re.compile(r"^[ובהלמשכ]{1,2}(?=\w{2})")
_SHORTEST_STEM = 3
# Words that frame the caller's words, or swap first and second person; a question may add them to an echo.
_AROUND = frozenset(
    "אז אה כן אוקיי בסדר הבנתי טוב רק רגע אני אתה את אתם אתן אנחנו לי לך לכם לנו שלי שלך שלכם שלנו אותי אותך "
    "אתכם זה זאת זו של על עם אמרת אמרתם כלומר".split()
)
# A tag question with more text behind it: "זה יקר, נכון?".
_WANTS_A_NOD = re.compile(r"(?:^|[\s,])(?:נכון|לא|לא ככה|לא כך|אה|הלא כן|אוקיי|בסדר)\?\W*$")
_REFERS_BACK = re.compile(r"\W*ו?(?:אם|כי|או|אחרת|שאם|במקרה כזה|במידה ו|רק אז)(?!\w)")


def repeats(question: str, heard: str) -> bool:
    """Whether ``question`` only repeats the caller: each of its words is among those just ``heard``."""
    said = _stems(heard)
    words = [word for word in _stems(question) if word not in _AROUND]
    return bool(words) and all(any(_same(word, other) for other in said) for word in words)


def _stems(text: str) -> list[str]:
    """The words; a number becomes its value, so that spelling and gender make no difference."""
    values = ((word, value_of(word)) for word in words_of(speakable(text)))
    return [word if value is None else str(value) for word, value in values]


def _same(word: str, other: str) -> bool:
    """Whether two words are equal up to prefixes and up to endings of number, gender and person."""
    bare, others = _PREFIXES.sub("", word), _PREFIXES.sub("", other)
    short, long = sorted((bare, others), key=len)
    begins = len(short) >= _SHORTEST_STEM and long.startswith(short)
    return word == other or bare == others or begins


def wants_a_nod(question: str) -> bool:
    """Whether the sentence ends in a tag question, which needs no answer: "זה יקר, נכון?"."""
    return _WANTS_A_NOD.search(question) is not None


def refers_back(statement: str) -> bool:
    """Whether the statement continues the question before it: "אם לא, נשלח גרר"."""
    return _REFERS_BACK.match(statement) is not None


# ---- replies that need no added question ---------------------------------------------------------

_REQUEST = re.compile(
    r"(?<!\w)[וש]?(?:(?<!אי )אפשר(?!\w)|ניתן ל|נא |אנא|בבקשה|אשמח|נשמח|רוצה ל|מבקש|חסר|דרוש|נחוץ|נדרש"
    r"|צרי(?:ך|כ(?:ה|ים|ות)) (?:ממ\w+ )?(?:ל|את|עוד|רק|פרטים)|חשוב (?:לי |לנו )?ל|יש לה(?=\w{3})"
    r"|נשאר(?:ו|ה)? (?:רק|ל)|בתנאי ש|עדיף ש|כדאי ש)"
    r"|(?<!\w)[ובלמשכ]{0,3}(?:מה|מי|איפה|היכן|מתי|איך|כמה|למה|האם|לאן|איזה|איזו|אילו)(?!\w)"
)
_FUTURE = (  # second person, for what the caller is to do: תגידו, תשלחי, תוכל
    "גיד ספר אמר שלח כתב כתוב קיש תקשר בחר חזר חזור חכה חכו מתינ משיכ משיך שאיר ענ ראה ראו בדוק בדק וכל רצ "
    "עדכנ עדכן וודא זכור זכר שים שימ פנה פנ צור צר בוא גיע נסה נס"
)
_IMPERATIVE = "הגיד ספר אמר שלח כתב הקיש התקשר בחר חכ המתינ השאיר ענ בדק לחצ פנ שימ חזר בוא נס"
_IMPERATIVE_OF_ONE = "אמור כתוב שלח חכה המתן הקש בחר ענה לחץ פנה חזור בוא"
_TO_THE_CALLER = re.compile(
    rf"(?<!\w)[וש]?(?:ת(?:{'|'.join(_FUTURE.split())})\w*|(?:{'|'.join(_IMPERATIVE.split())})[וי]"
    rf"|(?:{'|'.join(_IMPERATIVE_OF_ONE.split())})"
    rf"|(?:ת(?:ן|ני|נו)|^\w{{2,}}[וי]) (?:לי|לנו|אותי|אותנו))(?!\w)"
)
_WAIT = re.compile(
    r"(?<!\w)(?:רגע|שנייה|שניה|דקה|דקות ספורות|מיד|תכף|בודק\w*|ממתינ\w*|מחכ\w+|על הקו|בהמתנה|מעביר\w*"
    r"|עובר\w* עכשיו)(?!\w)"
)
_LEAVE = re.compile(
    r"(?<!\w)(?:ו?ל?התראות|ביי|נתראה|נשתמע|נדבר|יום (?:טוב|נעים|נפלא|מקסים|יפה)|ערב (?:טוב|נעים)|לילה טוב"
    r"|שבת שלום|שבוע טוב|חג שמח|שנה טובה|סופ\S* (?:נעים|טוב)|בהצלחה|רפואה שלמה|החלמה מהירה|רק בריאות"
    r"|תרגיש\w* טוב|היה (?:לי |לנו )?(?:נעים|כיף)|תודה (?:רבה )?(?:על|ו|ש)"
    r"|המשך \w+|כל טוב|שמר[וי])"
)
_CHOICE = re.compile(r"(?<!\w)או(?!\w)")


def needs_nothing(reply: list[str]) -> bool:
    """Whether an added question would be one too many behind these sentences.

    True when one of them asks, requests something, makes the caller wait or says goodbye, and when all of
    them are courtesy.
    """
    says = (_REQUEST, _TO_THE_CALLER, _WAIT, _LEAVE, _CHOICE)
    return is_courtesy(" ".join(reply)) or any(
        "?" in sentence or is_question(sentence) or any(pattern.search(sentence) for pattern in says)
        for sentence in reply
    )
