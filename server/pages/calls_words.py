"""What the pages of calls say, in Hebrew and in English. Pure."""

from server.office.lead import Missed
from server.records.search import RUNNING
from server.records.shown_he import ENDS, GAP_PARTS, LEAD, SAID_BY, TURN_ENDS, trouble_he
from server.records.trouble import Kind, Trouble

ENDS_EN = {
    "caller": "the caller hung up",
    "agent": "ended with a goodbye",
    "transfer": "put through to a person",
    "drained": "ended with a goodbye: the server was closing",
    "cut": "cut: the server closed",
    "stalled": "the line went quiet",
    "lost": "the line was lost",
    "failed": "broken off by our failure",
    RUNNING: "goes on, or was broken off without an end",
}
BAD = {
    "any": ("כל מה שכדאי לבדוק", "anything bad"),
    "gap": ("המתנה ארוכה", "a long wait"),
    "asked": ("שאלה שחזרה", "a question repeated"),
    "hung_up": ("ניתקו לנו", "hung up on us"),
    "failed": ("תקלה", "a failure"),
    "missed": ("לא נמסרו פרטים", "a caller missed"),
}
WHEN = {
    "": ("כל הזמן", "any time"),
    "today": ("היום", "today"),
    "yesterday": ("אתמול", "yesterday"),
    "week": ("שבעת הימים האחרונים", "the last seven days"),
}
MISSED_EN = {
    Missed.BUSY: "not taken: all lines were busy",
    Missed.RATE: "not taken: too many calls from this number",
    Missed.NO_WORD: "nothing was said",
    Missed.NOT_HEARD: "speech recognition failed",
    Missed.NO_PERSON: "asked for a person, and there was none",
    Missed.NO_DETAILS: "left no details",
    Missed.FAILED: "broken off by our failure",
    Missed.NO_ANSWER: "the person did not answer",
    Missed.HUNG_UP: "hung up before a person answered",
}
WORDS = {
    "calls": ("שיחות", "Calls"),
    "call with": ("שיחה עם", "Call with"),
    "since": ("מ-{}, כבר {}", "since {}, for {}"),
    "now": ("שיחות עכשיו", "Calls now"),
    "nobody now": ("אין שיחות כרגע.", "No calls now."),
    "one now": ("שיחה אחת עכשיו.", "One call now."),
    "many now": ("{} שיחות עכשיו.", "{} calls now."),
    "connecting": ("ועוד {} בחיבור או בלי רישום.", "And {} connecting, or not recorded."),
    "scope none": (
        "רק של התהליך הזה: STATE_FILE ו-REDIS_URL ריקים.",
        "Of this process only: no STATE_FILE or REDIS_URL.",
    ),
    "scope alone": (
        "רק של התהליך הזה: המאגר המשותף אינו עונה.",
        "Of this process only: the shared store does not answer.",
    ),
    "scope host": ("של כל התהליכים בשרת הזה.", "Of all workers of this host."),
    "scope all": ("של כל השרתים.", "Of all hosts."),
    "search": ("חיפוש שיחות", "Search calls"),
    "text": ("מספר, שם או מילים", "Number, name or words"),
    "when": ("מתי", "When"),
    "from": ("מיום", "From"),
    "to": ("עד יום", "To"),
    "ended": ("איך הסתיימה", "How it ended"),
    "bad": ("מה לבדוק", "What was bad"),
    "any end": ("כל סיום", "any end"),
    "all": ("כל השיחות", "all calls"),
    "find": ("חיפוש", "Search"),
    "clear": ("ניקוי", "Clear"),
    "past": ("שיחות קודמות", "Past calls"),
    "none": ("לא נמצאו שיחות.", "No calls found."),
    "none yet": ("עוד לא נרשמו שיחות.", "No calls have been recorded yet."),
    "older": ("לשיחות הקודמות", "Older calls"),
    "newest": ("לשיחות האחרונות", "Latest calls"),
    "given up": ("החיפוש הגיע עד {}. אפשר להמשיך ממנו.", "Searched back to {}. You can go on from there."),
    "go on": ("להמשיך בחיפוש", "Go on searching"),
    "who": ("מי", "Who"),
    "what": ("במה מדובר", "What it was"),
    "long": ("משך", "Length"),
    "turns": ("תשובות", "Answers"),
    "gap": ("ההמתנה הארוכה", "Longest wait"),
    "hidden": ("מספר חסוי", "hidden"),
    "part": ("המשך של שיחה שנותקה", "taken up again"),
    "no records": (
        "שיחות לא נשמרות כאן: DATABASE_URL ו-RECORDS_FILE ריקים.",
        "Calls are not kept here: DATABASE_URL and RECORDS_FILE are empty.",
    ),
    "cannot read": (
        "אי אפשר לקרוא כרגע את רישום השיחות. הסיבה ביומן השרת.",
        "The records cannot be read now. Why is in the log.",
    ),
    "no such call": ("אין שיחה כזאת, או שכבר נמחקה.", "There is no such call, or it was deleted."),
    "summary": ("בקצרה", "In short"),
    "facts": ("פרטי השיחה", "Facts"),
    "lead": ("מה נמסר למשרד", "What was left for the office"),
    "look": ("כדאי לבדוק", "Look at it"),
    "conversation": ("השיחה", "The conversation"),
    "no turns": ("לא נרשמו דברים בשיחה הזאת.", "Nothing was recorded of this call."),
    "caller": ("המתקשר", "Caller"),
    "agent": ("הסוכן", "Agent"),
    "unheard": ("לא נשמע:", "not heard:"),
    "wait": ("המתנה", "Wait"),
    "by wall": ("לפי השעון {}", "{} by the wall"),
    "why": ("למה", "Why"),
    "failed": ("תקלה", "failed"),
    "false": ("המשיך אחרי רעש או הנהון", "went on behind a noise or a nod"),
    "barge": ("כניסות לדברים", "Interruptions"),
    "false of": ("מהן לשווא: {}", "of these for nothing: {}"),
    "dropped": ("התחלה מוקדמת שנזרקה", "an early start dropped"),
    "more turns": ("המשך השיחה", "More of the conversation"),
    "first turns": ("לתחילת השיחה", "To its beginning"),
    "knobs": ("הגדרות שונות מברירת המחדל", "Settings other than the defaults"),
    "host": ("שרת", "Host"),
    "sid": ("מזהה שיחה", "Call SID"),
    "at": ("התחילה", "Began"),
    "recording": ("הקלטה", "Recording"),
    "two sides": ("המתקשר משמאל, מה ששמע מימין.", "The caller on the left, what they heard on the right."),
    "files": ("לבדיקה ולשחזור", "Replay and test"),
    "download": ("הורדת יומן האירועים", "Download the event log"),
    "replay": ("לשחזר את ההחלטות", "Replay its decisions"),
    "pin": ("להפוך את השיחה לבדיקה", "Pin it as a test"),
    "run there": ("בשורת הפקודה של השרת:", "On the server's command line:"),
    "copy": ("העתקה", "Copy"),
    "copied": ("הועתק", "Copied"),
    "timeline": ("ציר הזמן", "Timeline"),
    "forget": ("מחיקת כל מה ששמור על המתקשר", "Delete all that is kept of this caller"),
    "forget of": ("למחוק כל מה ששמור על {}?", "Delete all that is kept of {}?"),
    "will go": ("יימחקו לתמיד:", "These are deleted for good:"),
    "n calls": ("שיחות", "calls"),
    "n turns": ("תורות בשיחות האלה", "turns in them"),
    "n leads": ("שורות של פניות", "lines of leads"),
    "n files": ("קובצי אירועים והקלטות", "event logs and recordings"),
    "yes delete": ("כן, למחוק", "Yes, delete"),
    "keep": ("לא, חזרה לשיחה", "No, back to the call"),
    "gone": ("נמחק.", "Deleted."),
    "not done": (
        "המחיקה לא הושלמה. הסיבה ביומן השרת; אפשר לנסות שוב.",
        "Not done, or not all of it. Why is in the log; try again.",
    ),
    "still": (
        "שרת שעדיין רץ מחזיק עוד רשומות של המתקשר עד שמסד הנתונים יענה. כדאי למחוק שוב אחר כך.",
        "A running server keeps more of this caller until its database answers. Delete again then.",
    ),
    "alike": (
        "שיחות שנשמרו בהן רק הספרות האחרונות של המספר, והן אותן ספרות: {}. אין לדעת של מי הן, והן לא נמחקו.",
        "Calls with no more than the last digits of a number, these: {}. Nobody knows whose: they stay.",
    ),
    "no number": (
        "המספר המלא לא נשמר עם השיחה, ולכן אין לדעת מה עוד שייך למתקשר. מי שיודע אותו מוחק בשורת הפקודה:",
        "The whole number is not kept with the call, so what else is theirs is not known. Who knows it runs:",
    ),
    "back": ("לכל השיחות", "All calls"),
}


class Words:
    """Of one language: ``lang`` is "he" or "en". Called with a name in WORDS it gives the text."""

    def __init__(self, lang: str) -> None:
        self.he = lang != "en"

    def __call__(self, name: str, *told: object) -> str:
        return self._of(WORDS[name]).format(*told)

    def _of(self, pair: tuple[str, str]) -> str:
        return pair[0 if self.he else 1]

    def ended(self, ended: str) -> str:
        return (ENDS if self.he else ENDS_EN).get(ended or RUNNING, ended)

    def ends(self) -> dict[str, str]:
        return dict(ENDS if self.he else ENDS_EN)

    def bad(self) -> dict[str, str]:
        return {name: self._of(pair) for name, pair in BAD.items()}

    def whens(self) -> dict[str, str]:
        return {name: self._of(pair) for name, pair in WHEN.items()}

    def turn_ended(self, ended: str) -> str:
        return self._of(TURN_ENDS[ended]) if ended in TURN_ENDS else ""

    def said_by(self, by: str) -> str:
        return self._of(SAID_BY[by]) if by in SAID_BY else ""

    def gap_part(self, name: str) -> str:
        return self._of(GAP_PARTS[name])

    def lead(self, name: str) -> str:
        return LEAD.get(name, name) if self.he else name

    def seconds(self, ms: int) -> str:
        return f"{ms / 1000:.1f} שנ׳" if self.he else f"{ms / 1000:.1f} s"

    def trouble(self, one: Trouble) -> str:
        """A badge."""
        if not self.he:
            return MISSED_EN[Missed(one.of)] if one.kind is Kind.MISSED else one.text
        return trouble_he(one)
