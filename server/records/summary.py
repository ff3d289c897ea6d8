"""A call in a sentence or two, in Hebrew, by rules: who, what they wanted, what they left, how it ended."""

from collections.abc import Mapping, Sequence

from server.hebrew.understand.courtesy import is_courtesy
from server.hebrew.words import words_of
from server.records.facts import CallFacts, TurnFacts

MOST_WORDS = 14  # of what somebody wanted
ENDED = {
    "caller": "ניתקו",
    "agent": "השיחה הסתיימה בפרידה",
    "transfer": "הועברו לנציג",
    "drained": "השרת נסגר והשיחה הסתיימה בפרידה",
    "cut": "השיחה נקטעה בסגירת השרת",
    "stalled": "הקו השתתק והשיחה נותקה",
    "lost": "הקו נותק",
    "failed": "השיחה נקטעה בתקלה שלנו",
}
SAID_NOTHING = "לא נאמר דבר"
GOES_ON = "השיחה נמשכת או נקטעה"


def summary_of(call: CallFacts, lead: Mapping[str, str], turns: Sequence[TurnFacts]) -> str:
    """Pure; of what may be kept only."""
    who = lead.get("name") or call.caller or "מספר חסוי"
    wanted = _wanted(lead, turns)
    first = f"{who}: {wanted}" if wanted else f"{who}: {SAID_NOTHING}"
    left = [f"{lead['phone']}"] if lead.get("phone") else []
    left += [f"הודעה: {lead['message']}"] if lead.get("message") and lead["message"] != wanted else []
    told = [f"השאירו {', '.join(left)}"] if left else []
    how = ENDED.get(call.ended, call.ended) or GOES_ON
    return f"{first}. {'; '.join([*told, how])}."


def _wanted(lead: Mapping[str, str], turns: Sequence[TurnFacts]) -> str:
    """As the lead has it, else the caller's first words that are more than a greeting."""
    if wanted := lead.get("intent") or lead.get("message"):
        return _cut(wanted)
    said = [turn.caller for turn in turns if turn.caller and not is_courtesy(turn.caller)]
    telling = [words for words in said if len(words_of(words)) > 1]
    return _cut((telling or said or [""])[0])


def _cut(text: str) -> str:
    words = text.rstrip(".").split()
    return " ".join(words[:MOST_WORDS]) + ("…" if len(words) > MOST_WORDS else "")
