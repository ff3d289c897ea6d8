"""Readers of tags, stage directions and struck-out text."""

import re

from server.providers.reply.acts import FUNCTION, function_named
from server.providers.reply.constructs import MAX_TAG_CHARS, Found, Held, More
from server.providers.reply.written import WrittenCall, arguments_in

_TAG = re.compile(r"<(/?)\s*([A-Za-z][\w:.-]*)((?:[\s=/][^<>]*)?)>")
_TAG_BEGUN = re.compile(rf"</?\s*(?:[A-Za-z][\w:.-]*(?:[\s=/][^<>]{{0,{MAX_TAG_CHARS}}})?)?")
_COMMENT = re.compile(r"<!--")
_COMMENT_BEGUN = re.compile(r"<!-?")
_COMMENT_END = re.compile(r"-->")
_AUTOLINK = re.compile(r"<(https?://[^<>\s]+|[\w.+-]+@[\w.-]+)>")
_AUTOLINK_BEGUN = re.compile(r"<(?:https?:[^<>\s]*|[\w.+-]+@?[\w.-]*)")
_CALLING = frozenset("function function_call tool tool_call invoke call action functioncall toolcall".split())
_CALLED = re.compile(r"(?:^=|\bname\s*=|^\s*=)\s*[\"']?([\w.:-]+)")
_SILENT = frozenset(
    "script style title tool_response tool_result tool_results tool_output function_results function_result "
    "function_response observation system instructions context del strike user human emotion mood tone style "
    "gesture sentiment metadata meta intent state language".split()
)
_BLOCKS = frozenset("p li ul ol div tr table h1 h2 h3 h4 h5 h6 section article header footer".split())
_INLINE = frozenset(
    "a b i u em strong span mark small big sub sup font code emphasis prosody say-as phoneme voice".split()
)
_STRUCK_END = re.compile(r"</s>|\n")


def tag(held: Held) -> Found | None:
    """A tag; with its content, if the content is not meant for the caller."""
    if held.match(_COMMENT, _COMMENT_BEGUN):
        return Found(held.at + 4, "", until=_COMMENT_END)
    if (link := held.match(_AUTOLINK)) is not None:
        return Found(link.end(), link[1])
    found = held.match(_TAG, _TAG_BEGUN)
    if found is None:
        held.match(_AUTOLINK, _AUTOLINK_BEGUN)
        return None
    closes, name, rest = bool(found[1]), found[2].lower(), found[3]
    called = _called(name, rest)
    if not closes and called is not None:
        return _call(held, found, called)
    if not closes and name == "s":
        return _struck(held, found)
    if not closes and name in _SILENT and not rest.endswith("/"):
        return Found(found.end(), until=re.compile(rf"</\s*{name}\s*>", re.IGNORECASE))
    return Found(found.end(), "\n" if name in _BLOCKS else "" if name in _INLINE else " ")


def _called(name: str, rest: str) -> str | None:
    """The name of the function that a tag calls, the agent's or another; None if it calls none."""
    if function_named(name) is not None:
        return name
    called = _CALLED.search(rest) if name in _CALLING else None
    return called[1] if called else None


def _call(held: Held, begin: re.Match[str], name: str) -> Found:
    attributes = begin[3]
    if attributes.endswith("/") or function_named(begin[2]) in ("end_call", "transfer_to_person"):
        return Found(begin.end(), calls=(WrittenCall(name, arguments_in("", attributes)),))
    closing = re.compile(rf"</\s*{re.escape(begin[2])}\s*>", re.IGNORECASE)
    end = held.end_of(closing, begin.end())
    if end is not None:
        inside = held.text[begin.end() : end.start()]
        return Found(end.end(), calls=(WrittenCall(name, arguments_in(inside, attributes)),))
    inside = held.text[begin.end() :]
    last = max(inside.rfind(sign) for sign in ("</parameter>", "</arg_value>", "}")) + 1
    return Found(begin.end() + last, calls=(WrittenCall(name, arguments_in(inside[:last], attributes)),))


def _struck(held: Held, begin: re.Match[str]) -> Found:
    """``<s>`` strikes out text, or is a model's begin-of-text token."""
    end = _STRUCK_END.search(held.text, begin.end())
    if end is None and not held.final and len(held.rest) < MAX_TAG_CHARS:
        raise More
    struck = end is not None and end.group() != "\n" and held.spoken
    return Found(end.end() if struck and end else begin.end())


# ---- stage directions, struck-out text -----------------------------------------------------------

_STRIKE = re.compile(r"~~(?=\S)([^~\n]{1,200})~~")
_STRIKE_BEGUN = re.compile(r"~~[^~\n]{0,200}~?")
_ASIDE = re.compile(r"(\*{1,3}|_{1,2}|\()(?=[^\W\d_])([^*_()\n]{1,60}?)(?:\1|\))")
_ASIDE_BEGUN = re.compile(r"(?:\*{1,3}|_{1,2}|\()(?:[^\W\d_][^*_()\n]{0,60})?[*_]*")
_CALLING_ASIDE = re.compile(
    rf"[(*][^()*{{}}\n]{{0,40}}?(?<![\w@])({FUNCTION})(?![\w@])[^()*{{}}\n]{{0,40}}[)*]", re.IGNORECASE
)
_CALLING_ASIDE_BEGUN = re.compile(r"[(*][^()*{}\n]{1,80}")
_NOTE = re.compile(r"\((?:הערה|note|internal|פנימי)\b[^()\n]{0,200}\)", re.IGNORECASE)
_NOTE_BEGUN = re.compile(r"\((?:הערה|note|internal|פנימי)\b[^()\n]{0,200}", re.IGNORECASE)
_MOST_WORDS = 5
_HOW = (
    "מחייך מחייכת צוחק צוחקת מצחקק מצחקקת נאנח נאנחת נושם נושמת משתעל משתעלת מהנהן מהנהנת חושב חושבת שותק "
    "שותקת ממתין ממתינה מחכה מקליד מקלידה קורץ קורצת לוחש לוחשת מגחך מגחכת מתרגש מתרגשת מתנצל מתנצלת מקשיב "
    "מקשיבה מהסס מהססת נבוך נבוכה מכחכח מכחכחת מדפדף מדפדפת רושם רושמת בודק בודקת מופתע מופתעת חיוך צחוק "
    "אנחה הפסקה שתיקה הפוגה השהיה בחיוך בצחוק באנחה בשקט בחום בחמימות בלחש בהתלהבות בהתרגשות בהיסוס בנימה "
    "בטון בקול בעדינות באדיבות ברוגע בסבלנות בשמחה בעליזות באמפתיה בהבנה במבוכה"
).split()
_HOW_IN_ENGLISH = re.compile(
    r"(?:smil|laugh|sigh|paus|nod|giggl|chuckl|whisper|wink|think|typ|breath|cough|wait|listen|cheerful|warm|soft|"
    r"grin|hesitat|gasp|excited|gentl|clears|beat$|silence$)\w*",
    re.IGNORECASE,
)


def struck(held: Held) -> Found | None:
    """``~~5,000~~ 4,500``: struck-out text is not spoken."""
    found = held.match(_STRIKE, _STRIKE_BEGUN)
    return Found(found.end()) if found else None


def aside(held: Held) -> Found | None:
    """A stage direction, ``*מחייכת*`` or ``(בחיוך)``, which is not spoken. Emphasised words are."""
    calling = held.match(_CALLING_ASIDE, _CALLING_ASIDE_BEGUN)
    if calling is not None:
        return Found(calling.end(), calls=(WrittenCall(calling[1]),))
    if (note := held.match(_NOTE, _NOTE_BEGUN)) is not None:
        return Found(note.end(), "")
    found = held.match(_ASIDE, _ASIDE_BEGUN)
    if found is None:
        return None
    words = re.findall(r"[^\W\d_]+", found[2])
    told = words and (words[0] in _HOW or _HOW_IN_ENGLISH.fullmatch(words[0]))
    if not told or len(words) > _MOST_WORDS or found[2].rstrip()[-1:] in ".!?" or "," in found[2]:
        return None
    return Found(found.end(), "")
