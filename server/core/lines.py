"""The agent's fixed lines: said by itself, not by the mind, so that there is never silence."""

UNCLEAR = ("אפשר לנסח שוב במשפט קצר?", "לא שמעתי טוב. אפשר לחזור על זה?")
OFFER_CALL_BACK = "אני מתקשה לשמוע. תרצו שנציג יחזור אליכם?"
OFFER_AFTER = 3  # unclear turns in a row

MIND_FAILED = "בסדר, איך אוכל לסייע?"
MIND_FAILED_AGAIN = "משהו השתבש אצלי לרגע. אפשר לומר את זה שוב?"

ALREADY_SAID = ("הבנתי. תרצה שאפרט או להתקדם?", "אמרתי את זה קודם. נמשיך הלאה?")

APOLOGY = "מצטערים, יש לנו תקלה. נחזור אליכם בהקדם. תודה."
BUSY = "כל הנציגים עסוקים כרגע. אנא התקשרו שוב בעוד כמה דקות."


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
    """Said when every sentence of a reply was heard a moment ago (E4)."""
    return ALREADY_SAID[turn_number % len(ALREADY_SAID)]


def all_lines(greeting: str, hint: str) -> tuple[str, ...]:
    """Every line worth making before the first call, without the empty ones."""
    failed = (MIND_FAILED, MIND_FAILED_AGAIN)
    lines = (greeting, hint, *UNCLEAR, OFFER_CALL_BACK, *failed, *ALREADY_SAID, APOLOGY, BUSY)
    return tuple(line for line in lines if line.strip())
