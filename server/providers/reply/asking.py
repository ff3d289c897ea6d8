"""What a sentence of the agent's wants of the caller: nothing if it repeats them, or something already."""

import re

from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.courtesy import is_courtesy
from server.hebrew.understand.digits import value_of
from server.hebrew.understand.questions import is_question
from server.hebrew.words import words_of

_PREFIXES = re.compile(r"^[ובהלמשכ]{1,2}(?=\w{2})")
_SHORTEST_STEM = 3
# Said around the caller's words, or turned from their side to ours: no words of the question's own.
_AROUND = frozenset(
    "אז אה כן אוקיי בסדר הבנתי טוב רק רגע אני אתה את אתם אתן אנחנו לי לך לכם לנו שלי שלך שלכם שלנו אותי אותך "
    "אתכם זה זאת זו של על עם אמרת אמרתם כלומר".split()
)
# "זה יקר, נכון?" with more behind it.
_WANTS_A_NOD = re.compile(r"(?:^|[\s,])(?:נכון|לא|לא ככה|לא כך|אה|הלא כן|אוקיי|בסדר)\?\W*$")
_REFERS_BACK = re.compile(r"\W*ו?(?:אם|כי|או|אחרת|שאם|במקרה כזה|במידה ו|רק אז)(?!\w)")


def repeats(question: str, heard: str) -> bool:
    """``question`` is an echo: every word of it is one that the caller has just said, ``heard``."""
    said = _stems(heard)
    words = [word for word in _stems(question) if word not in _AROUND]
    return bool(words) and all(any(_same(word, other) for other in said) for word in words)


def _stems(text: str) -> list[str]:
    """Words; a number is the same however it is written, and whatever its gender."""
    values = ((word, value_of(word)) for word in words_of(speakable(text)))
    return [word if value is None else str(value) for word, value in values]


def _same(word: str, other: str) -> bool:
    """The same word, but for prefixes, and for what its end says of number, gender and person."""
    bare, others = _PREFIXES.sub("", word), _PREFIXES.sub("", other)
    short, long = sorted((bare, others), key=len)
    begins = len(short) >= _SHORTEST_STEM and long.startswith(short)
    return word == other or bare == others or begins


def wants_a_nod(question: str) -> bool:
    """It is no question to answer while more follows: "זה יקר, נכון?"."""
    return _WANTS_A_NOD.search(question) is not None


def refers_back(statement: str) -> bool:
    """It goes on from the question before it: "אם לא, נשלח גרר"."""
    return _REFERS_BACK.match(statement) is not None


# ---- what needs no question of ours -------------------------------------------------------------

_REQUEST = re.compile(
    r"(?<!\w)[וש]?(?:(?<!אי )אפשר(?!\w)|ניתן ל|נא |אנא|בבקשה|אשמח|נשמח|רוצה ל|מבקש|חסר|דרוש|נחוץ|נדרש"
    r"|צרי(?:ך|כ(?:ה|ים|ות)) (?:ממ\w+ )?(?:ל|את|עוד|רק|פרטים)|חשוב (?:לי |לנו )?ל|יש לה(?=\w{3})"
    r"|נשאר(?:ו|ה)? (?:רק|ל)|בתנאי ש|עדיף ש|כדאי ש)"
    r"|(?<!\w)[ובלמשכ]{0,3}(?:מה|מי|איפה|היכן|מתי|איך|כמה|למה|האם|לאן|איזה|איזו|אילו)(?!\w)"
)
_FUTURE = (  # of what the caller is to do: תגידו, תשלחי, תוכל
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
    """A question of ours behind these sentences would be one too many.

    One of them asks, wants something, has the caller wait or takes leave; or all of it is courtesy.
    """
    says = (_REQUEST, _TO_THE_CALLER, _WAIT, _LEAVE, _CHOICE)
    return is_courtesy(" ".join(reply)) or any(
        "?" in sentence or is_question(sentence) or any(pattern.search(sentence) for pattern in says)
        for sentence in reply
    )
