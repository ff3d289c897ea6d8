"""A call and its turns as lines in Hebrew, as ``shown`` prints them in English: for the browser. Pure.

What others have said is isolated, so that nothing around it is moved.
"""

from collections.abc import Sequence
from datetime import tzinfo

from server.office.lead import Missed
from server.office.leads import TOLD, WHAT_HAPPENED
from server.records.decisions_he import in_words_he, isolated
from server.records.facts import CallFacts, Gap, TurnFacts
from server.records.search import RUNNING
from server.records.shown import PARTS, minutes, tenths, unheard_of
from server.records.trouble import Kind, Trouble, troubles_of

ENDS = {
    "caller": "המתקשר ניתק",
    "agent": "הסתיימה בפרידה",
    "transfer": "הועברה לנציג",
    "drained": "נסגרה בפרידה, השרת נסגר",
    "cut": "נקטעה בסגירת השרת",
    "stalled": "הקו השתתק",
    "lost": "הקו נותק",
    "failed": "נקטעה בתקלה שלנו",
    RUNNING: "נמשכת, או נקטעה בלי סיום",
}
TURN_ENDS = {
    "interrupted": ("המתקשר נכנס לדברי הסוכן", "interrupted by the caller"),
    "dropped": ("לא הושמע דבר", "nothing of it was heard"),
    "cut": ("השיחה נגמרה באמצע", "the call ended in it"),
}
SAID_BY = {
    "line": ("משפט קבוע", "a fixed line"),
    "rest": ("המשך המשפט שנקטע", "the rest of what was interrupted"),
}
GAP_PARTS = {
    "closing_silence_ms": ("שקט בסוף הדיבור", "silence"),
    "stt_ms": ("זיהוי", "STT"),
    "llm_ms": ("ניסוח", "LLM"),
    "tts_ms": ("קול", "TTS"),
    "breath_ms": ("נשימה", "breath"),
}
PROVIDERS = {"STT": "זיהוי הדיבור", "LLM": "ניסוח התשובה", "TTS": "הקול"}
LEAD = {**TOLD, "phone": "טלפון", "email": "דואר אלקטרוני"}
HIDDEN = "מספר חסוי"


def count_he(number: int, one: str, many: str, none: str) -> str:
    """ "פעם אחת", "3 פעמים"; ``one`` and ``none`` are whole texts."""
    return {0: none, 1: one}.get(number, f"{number} {many}")


def call_head_he(call: CallFacts, turns: Sequence[TurnFacts], zone: tzinfo) -> list[str]:
    """What stands above its turns."""
    slowest = f", הארוכה אחרי {_seconds(call.worst_gap_ms)}" if call.turns else ""
    answers = count_he(call.turns, "תשובה אחת", "תשובות", "בלי תשובות")
    at = f"{call.at.astimezone(zone):%d/%m/%Y %H:%M:%S}"
    how = ENDS.get(call.ended or RUNNING, call.ended)
    lines = [
        "  ".join(map(isolated, (call.sid, at, call.caller or HIDDEN))),
        f"{minutes(call.duration_ms)}, {isolated(how)}, {answers}{slowest}",
    ]
    lines += [isolated(call.summary)] if call.summary else []
    lines += [f"נמסר: {isolated(LEAD.get(name, name))}: {isolated(text)}" for name, text in call.lead]
    lines += [f"כדאי לבדוק: {isolated(trouble_he(one))}" for one in troubles_of(call, turns)]
    lines += [f"הגדרה: {isolated(f'{name}={value}')}" for name, value in call.knobs]
    return lines + ([f"יומן האירועים: {isolated(call.event_log)}"] if call.event_log else [])


def turn_lines_he(turn: TurnFacts) -> list[str]:
    """A line for each of ``shown.turn_lines``."""
    flags = [TURN_ENDS[turn.ended][0] if turn.ended in TURN_ENDS else turn.ended] * (turn.ended != "heard")
    if turn.barge_ins:
        flags.append(count_he(turn.barge_ins, "כניסה אחת לדברים", "כניסות לדברים", ""))
    flags += ["המשיך אחריה"] * bool(turn.false_barge_ins)
    if turn.speculative_dropped:
        many = "התחלות מוקדמות שנזרקו"
        flags.append(count_he(turn.speculative_dropped, "התחלה מוקדמת שנזרקה", many, ""))
    span = isolated(f"{tenths(turn.began_ms)}–{tenths(turn.ended_ms)}")
    lines = [f"{turn.number}  {span}  {', '.join(flags)}".rstrip()]
    if turn.caller:
        lines.append(f"המתקשר: {isolated(turn.caller)}")
    if turn.agent:
        by = f" ({SAID_BY[turn.said_by][0]})" if turn.said_by in SAID_BY else ""
        lines.append(f"הסוכן: {isolated(turn.agent)}{by}")
    lines += [f"לא נשמע: {isolated(one)}" for one in unheard_of(turn)]
    if turn.gap is not None:
        lines.append(f"המתנה: {gap_in_words_he(turn.gap)}")
    lines += [f"תקלה: {isolated(error)}" for error in turn.errors]
    told = [one for one in turn.decisions if one.what != "unheard"]
    return lines + [f"{tenths(one.at_ms)}  {in_words_he(one.rule, one.what, one.why)}" for one in told]


def gap_in_words_he(gap: Gap) -> str:
    parts = ((GAP_PARTS[field][0], getattr(gap, field)) for field in PARTS)
    told = " + ".join(f"{name} {ms / 1000:.2f}" for name, ms in parts if ms)
    wall = f" (לפי השעון {gap.wall_ms / 1000:.2f})" if gap.wall_ms is not None else ""
    return f"{_seconds(gap.total_ms)} = {told}{wall}"


def trouble_he(one: Trouble) -> str:
    """Why somebody should look at the call."""
    match one.kind:
        case Kind.WAITED:
            return f"המתינו {one.of} שנ׳"
        case Kind.FAILED:
            return f"תקלה: {PROVIDERS[one.of]}"
        case Kind.OVERDUE:
            return "לא הייתה תשובה בזמן"
        case Kind.ASKED_TWICE:
            return f"נשאל פעמיים: {one.of}"
        case Kind.HUNG_UP:
            return "ניתקו מיד" if one.of == "at once" else "ניתקו בזמן ההמתנה"
        case Kind.BROKEN:
            return ENDS[one.of]
        case Kind.MISSED:
            return WHAT_HAPPENED[Missed(one.of)]


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.2f} שנ׳"
