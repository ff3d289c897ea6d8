"""The agent's fixed lines: said by itself, not by the mind, so that there is never silence.

In a line ``{a|b}`` is what the agent says of itself, feminine and masculine; ``[a|b|c]`` is how it speaks to
the caller: without a gender, which in Hebrew is the plural, until the caller's own words have shown one;
then feminine, masculine.
"""

import re
from itertools import product

from server.hebrew.gender import Gender

UNCLEAR = ("אפשר לנסח שוב במשפט קצר?", "לא שמעתי טוב. אפשר לחזור על זה?")
OFFER_CALL_BACK = "אני מתקשה לשמוע. [תרצו|תרצי|תרצה] שנציג יחזור [אליכם|אלייך|אליך]?"
OFFER_PERSON = "אני מתקשה לשמוע. להעביר [אתכם|אותך|אותך] לנציג?"
OFFER_AFTER = 3  # unclear turns in a row
DEAF_AFTER = 2  # turns that the STT has failed
ACT_AFTER = 6  # such turns: then nothing is asked any more (E1)
GIVING_UP = "לצערי זה לא עובד כרגע, אז נסיים כאן. נחזור [אליכם|אלייך|אליך] בהקדם. להתראות!"
GIVING_UP_HIDDEN = "לצערי זה לא עובד כרגע, אז נסיים כאן. אפשר להתקשר שוב מתי שנוח. להתראות!"

# The STT has failed: asking again would not help, keys do.
DEAF_HAND_OVER = "יש לנו תקלה, ואני לא {שומעת|שומע}. אני {מעבירה|מעביר} [אתכם|אותך|אותך] עכשיו לנציג."
DEAF_KEYS = (
    "יש לנו תקלה, ואני לא {שומעת|שומע}. כדי שנחזור למספר הזה אפשר להקיש אחת. "
    "למספר אחר, אפשר להקיש אותו ובסופו סולמית."
)
DEAF_KEYS_HIDDEN = "יש לנו תקלה, ואני לא {שומעת|שומע}. כדי שנחזור, אפשר להקיש מספר טלפון ובסופו סולמית."
NOTED_GOODBYE = "תודה, רשמתי, ונחזור [אליכם|אלייך|אליך] בהקדם. להתראות!"

MIND_FAILED = "בסדר, איך אוכל לסייע?"
MIND_FAILED_AGAIN = "משהו השתבש אצלי לרגע. אפשר לומר את זה שוב?"

ALREADY_SAID = ("הבנתי. [תרצו|תרצי|תרצה] שאפרט או להתקדם?", "להרחיב על זה, או שנמשיך?")

STILL_THERE = ("אנחנו עדיין על הקו?", "אני {שומעת|שומע}. במה אפשר לעזור?")
NOBODY_THERE = "לא שמעתי תשובה, אז נסיים כאן. אפשר להתקשר שוב בכל זמן. להתראות!"
GOODBYE = "תודה על השיחה, ולהתראות!"
CLOSING_HAND_OVER = (
    "{מצטערת|מצטער}, אני {חייבת|חייב} לסיים כאן. אני {מעבירה|מעביר} [אתכם|אותך|אותך] עכשיו לנציג."
)
CLOSING_HIDDEN = "{מצטערת|מצטער}, אני {חייבת|חייב} לסיים כאן. אפשר להתקשר שוב בעוד כמה דקות."
CLOSING_CALL_BACK = "{מצטערת|מצטער}, אני {חייבת|חייב} לסיים כאן. נחזור [אליכם|אלייך|אליך] בהקדם."
TIME_IS_UP = "הגענו לסוף הזמן של השיחה. תודה רבה, ואפשר תמיד להתקשר שוב. להתראות!"

HANDING_OVER = "רגע אחד, אני {מעבירה|מעביר} את השיחה לנציג."
NO_PERSON = "כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור [אליכם|אלייך|אליך]."
GO_AHEAD = "בבקשה, אני {מקשיבה|מקשיב}."
MESSAGE_TAKEN = "תודה, רשמתי, ונחזור [אליכם|אלייך|אליך] בהקדם. אפשר לעזור בעוד משהו?"
WHICH_NUMBER = "בשמחה. לאיזה מספר לחזור?"  # theirs is hidden
MESSAGE_NUMBER = "תודה, רשמתי. לאיזה מספר לחזור?"
MESSAGE_KEPT = "תודה, רשמתי. אפשר לעזור בעוד משהו?"  # and there is no number to call back
NO_MESSAGE = "בסדר. במה עוד אפשר לעזור?"

APOLOGY_TRANSFER = "מצטערים, יש לנו תקלה. מעבירים אתכם לנציג."
APOLOGY = "מצטערים, יש לנו תקלה. נחזור אליכם בהקדם. תודה."
BUSY = "כל הנציגים עסוקים כרגע. אנא התקשרו שוב בעוד כמה דקות."
APOLOGY_HIDDEN = "מצטערים, יש לנו תקלה. אפשר להתקשר שוב בעוד כמה דקות. תודה."
NO_ANSWER = "כרגע אין מענה. נחזור אליכם בהקדם. תודה ולהתראות."
NO_ANSWER_HIDDEN = "כרגע אין מענה. אפשר להתקשר שוב בעוד כמה דקות. תודה ולהתראות."

_OF_THE_AGENT = re.compile(r"\{([^|}]*)\|([^}]*)\}")
_TO_THE_CALLER = re.compile(r"\[([^|\]]*)\|([^|\]]*)\|([^\]]*)\]")


def unclear(times_in_a_row: int) -> str:
    """The clarifying question for the n-th unclear turn in a row, from 1 (E1)."""
    if times_in_a_row % OFFER_AFTER == 0:
        return OFFER_CALL_BACK
    return UNCLEAR[(times_in_a_row - 1) % len(UNCLEAR)]


def mind_failed(times_in_a_row: int) -> str:
    """Said in the place of the n-th answer in a row that did not come, from 1 (G2)."""
    if times_in_a_row % OFFER_AFTER == 0:
        return OFFER_CALL_BACK
    return MIND_FAILED if times_in_a_row % OFFER_AFTER == 1 else MIND_FAILED_AGAIN


def already_said(turn_number: int) -> str:
    """Said when every sentence of a reply was heard a moment ago, once (E4)."""
    return ALREADY_SAID[turn_number % len(ALREADY_SAID)]


def still_there(prompts_before: int) -> str:
    """The question to a caller who says nothing (F1)."""
    return STILL_THERE[prompts_before % len(STILL_THERE)]


def in_gender(line: str, agent: Gender, caller: Gender | None) -> str:
    """``line`` as this agent says it to this caller."""
    line = _OF_THE_AGENT.sub(r"\1" if agent is Gender.FEMININE else r"\2", line)
    return _TO_THE_CALLER.sub({None: r"\1", Gender.FEMININE: r"\2", Gender.MASCULINE: r"\3"}[caller], line)


def forms_of(line: str) -> frozenset[str]:
    """``line`` as any agent says it to any caller."""
    return frozenset(in_gender(line, agent, caller) for agent, caller in product(Gender, (None, *Gender)))


def all_lines(greeting: str, hint: str, agent: Gender) -> tuple[str, ...]:
    """Every line worth making before the first call, in every form this agent may use, without empty ones."""
    ours = (
        *(*UNCLEAR, OFFER_CALL_BACK, OFFER_PERSON, MIND_FAILED, MIND_FAILED_AGAIN, *ALREADY_SAID),
        *(GIVING_UP, GIVING_UP_HIDDEN, DEAF_HAND_OVER, DEAF_KEYS, DEAF_KEYS_HIDDEN, NOTED_GOODBYE),
        *(*STILL_THERE, NOBODY_THERE, GOODBYE, TIME_IS_UP),
        *(CLOSING_HAND_OVER, CLOSING_CALL_BACK, CLOSING_HIDDEN),
        *(HANDING_OVER, NO_PERSON, GO_AHEAD, MESSAGE_TAKEN, NO_MESSAGE),
        *(WHICH_NUMBER, MESSAGE_NUMBER, MESSAGE_KEPT),
        *(APOLOGY, APOLOGY_TRANSFER, APOLOGY_HIDDEN, BUSY, NO_ANSWER, NO_ANSWER_HIDDEN),
    )
    callers = (None, *Gender)
    forms = (in_gender(line, agent, caller) for line, caller in product(ours, callers))
    return tuple(dict.fromkeys(line for line in (greeting, hint, *forms) if line.strip()))
