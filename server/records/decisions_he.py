"""The reasons of ``server.records.decisions`` in Hebrew, for who reads a call in the browser. Pure."""

import re

from server.logs.one_line import in_one_line
from server.records.decisions import WITH_WORDS
from server.records.table import END, FIRST_STRONG

DECISIONS_HE: dict[tuple[str, str], str] = {
    ("A3", "ended"): "המתקשר סיים לדבר: עבר השקט הרגיל",
    ("A3", "late"): "סיום אחרי שקט ארוך יותר: המתקשר הזה עוצר באמצע, או שהיה רעש",
    ("A3", "held"): "סיום אחרי שקט ארוך יותר: המילים לא יכלו להסתיים שם",
    ("A3", "released"): "סיום אחרי חצי השקט: המילים היו שלמות",
    ("A3", "nod"): "סיום מיידי: המילים הראו רק הקשבה",
    ("A3", "brief"): "סיום מיידי: חצי שנייה מעל הקול של הסוכן",
    ("A4", "ended"): "סיום בהפסקה הראשונה, או בלעדיה: הדיבור נמשך יותר מדי",
    ("A5", "noise"): "צליל שלא היה קול",
    ("A6", "goes on"): "המתקשר המשיך לפני שהתשובה התחילה: עונים על הכול יחד",
    ("A7", "held"): "ממתינים: המילים עד כאן לא יכולות להסתיים כך. האחרונות",
    ("A7", "released"): "לא ממתינים עוד: המילים עד כאן שלמות. האחרונות",
    ("A7", "the LLM waits"): "מודל השפה מצא שהמתקשר לא סיים",
    ("A7", "asked again"): "חיכו למתקשר, ומודל השפה נשאל שוב",
    ("B3", "started"): "מודל השפה נשאל מוקדם, בתוך הפסקה",
    ("B3", "dropped"): "מה שהתחיל מוקדם נזרק",
    ("B3", "kept"): "מה שהתחיל מוקדם הוא התשובה",
    ("B4", "breath"): "ההפסקה הקצרה לפני התשובה",
    ("B5", "hint"): "נאמר משפט המתנה, אם הקול שלו מוכן",
    ("B6", "greets"): "הפתיחה",
    ("C5", "opened"): "קול מיד אחרי הסוכן נחשב לקולו של המתקשר",
    ("D1", "candidate"): "צליל מעל הקול של הסוכן נבדק",
    ("D1", "stopped early"): "הסוכן השתתק בזמן הבדיקה",
    ("D1", "lower"): "הסוכן המשיך בשקט יותר בזמן שנבדק מה נאמר מעליו",
    ("D2", "interrupted"): "קול, או מקש, קטע את הסוכן",
    ("D2", "nearly over"): "קול, או מקש, עצר את הסוכן ב-300 אלפיות השנייה האחרונות: לא קטיעה",
    ("D3", "unheard"): "מה שהמתקשר לא שמע מהתשובה",
    ("D4", "went on"): "הצליל לא היה קול: הסוכן המשיך בדיוק מאותו מקום",
    ("D4", "full level"): "מה שנאמר מעל הסוכן לא ביקש דבר: העוצמה חזרה",
    ("D4", "nod"): "המילים עד כאן הראו רק הקשבה: לא חיכו לאחרונה",
    ("D4", "no nod"): "זו בכל זאת הייתה יותר מהקשבה",
    ("D4", "only listens"): "המילים הראו רק הקשבה",
    ("D4", "listens, says the LLM"): "מודל השפה מצא שהמתקשר רק הקשיב",
    ("D4", "from its word"): "התשובה המשיכה מהמילה שבה נקטעה",
    ("D4", "from its sentence"): "התשובה המשיכה מתחילת המשפט שנקטע",
    ("E1", "nothing"): "בסוף לא נאמר דבר",
    ("E1", "unclear"): "המילים היו ריקות או מסופקות: שאלו שוב, או הציעו עזרה",
    ("E2", "same words"): "אותן מילים שוב: דילגו עליהן",
    ("E2", "answer ready"): "אותן מילים שוב: התשובה הייתה מוכנה",
    ("E3", "echo"): "אלה היו המילים של הסוכן עצמו",
    ("E4", "skipped"): "דילגו על משפט: המתקשר שמע אותו זה עתה",
    ("E4", "nothing left"): "כל התשובה נשמעה זה עתה: נאמר משפט אחר",
    ("F1", "asks"): "שקט: שאלו אם יש מישהו על הקו",
    ("F1", "gives up"): "שקט: נפרדו",
    ("F2", "goodbye"): "השיחה מסתיימת אחרי המילים האלה. מי החליט",
    ("F2", "keeps on"): "מודל השפה רצה לסיים, אבל שאל שאלה",
    ("F3", "hand over"): "המתקשר מועבר לנציג אנושי. מי החליט",
    ("F3", "no person"): "ביקשו נציג אנושי ואין. מי ביקש",
    ("F3", "message"): "משפט קבוע ענה על מה ששאל משפט קבוע",
    ("F4", "time is up"): "השיחה נמשכה די זמן",
    ("F4", "cut"): "השיחה הסתיימה: איש לא עצר לשמוע פרידה",
    ("F4", "closes"): "השרת נסגר",
    ("F4", "farewell"): "השרת נסגר: נפרדו",
    ("F4", "insists"): "השרת נסגר ואיש לא עצר: נפרדו מעל הדיבור",
    ("F5", "key"): "נלחץ מקש",
    ("F7", "waits"): "מישהו ממתין: לזמן מה לא שואלים על שקט",
    ("G1", "words so far"): "הזיהוי נכשל או איחר: נחשבו המילים שהיו עד אז",
    ("G2", "stt failed"): "הזיהוי נכשל ולא נשמע דבר",
    ("G2", "not heard"): "נאמר שלא שומעים",
    ("G2", "llm failed"): "מודל השפה נכשל",
    ("G2", "answered instead"): "משפט קבוע נאמר במקום תשובה",
    ("G3", "overdue"): "לא הייתה תשובה בזמן",
}

WHYS_HE = {
    "the LLM": "מודל השפה",
    "a rule": "כלל",
    "the words are others": "המילים אחרות",
    "a voice, or a key": "קול, או מקש",
    "the call is over": "השיחה נגמרה",
    "the caller goes on, or has said something else": "המתקשר המשיך, או אמר משהו אחר",
    "there was nothing to answer, or nothing is left to be said": "לא היה על מה לענות, או לא נשאר מה לומר",
    "the LLM finds that the caller has not finished": "מודל השפה מצא שהמתקשר לא סיים",
    "the caller goes on": "המתקשר המשיך",
    "the LLM finds that the caller only listens": "מודל השפה מצא שהמתקשר רק מקשיב",
    "the LLM has failed": "מודל השפה נכשל",
    "it was none": "זה לא היה קול",
    "the server will be gone in seconds": "השרת נסגר בעוד שניות",
    "nobody has paused in time": "איש לא עצר בזמן",
    "words": "מילים",
    "unclear": "לא ברור",
    "nothing": "לא נאמר דבר",
    "goodbye": "פרידה",
    "person": "ביקשו נציג",
    "go ahead": "ישאירו הודעה",
    "message": "הודעה",
    "call back": "ביקשו שיחזרו אליהם",
    "declined": "סירבו להצעה",
    "too late": "השיחה ארוכה מדי",
}
_TIME = re.compile(r"(\d+) ms(?P<silence> of silence)?(?:, at least (?P<least>\d+))?")


def why_he(rule: str, what: str, why: str) -> str:
    """What was particular to a decision; the caller's words, and what is not known here, as they are."""
    if (rule, what) in WITH_WORDS or what == "unheard":
        return why
    if time := _TIME.fullmatch(why):
        least = f", לפחות {time['least']}" if time["least"] else ""
        return f"{'שקט של ' if time['silence'] else ''}{time[1]} אלפיות השנייה{least}"
    return WHYS_HE.get(why, why)


def in_words_he(rule: str, what: str, why: str = "") -> str:
    """One decision as a sentence; what a later version has written stays as it is."""
    meaning = DECISIONS_HE.get((rule, what), what)
    return f"{isolated(rule)} {meaning}" + (f": {isolated(why_he(rule, what, why))}" if why else "")


def isolated(text: str) -> str:
    """In one line, and so that neither moves the other, ``text`` and what is around it."""
    return f"{FIRST_STRONG}{in_one_line(text)}{END}"
