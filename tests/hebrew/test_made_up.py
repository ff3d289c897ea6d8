"""faults.md 30: subtitles that nobody spoke, and similar sentences of callers."""

import pytest

from server.hebrew.understand.made_up import is_made_up


@pytest.mark.parametrize(
    "text",
    [
        "תודה שצפיתם!",
        "תודה רבה על הצפייה.",
        "תודה על הצפייה. אל תשכחו להירשם לערוץ!",
        "תודה שצפיתם. תודה שצפיתם. תודה שצפיתם.",
        "נתראה בסרטון הבא",
        "כתוביות: אלעד שם טוב",
        "תרגום וכתוביות: דנה לוי",
        "כתוביות על ידי קהילת Amara.org",
        "תורגם על ידי דני כהן",
        "סונכרן על-ידי משה",
        "[מוזיקה]",
        "(צחוק)",
        "♪ ♪",
    ],
)
def test_what_nobody_spoke(text: str) -> None:
    assert is_made_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "תודה",
        "תודה רבה",
        "תודה רבה לכם",
        "תודה על הכול, להתראות",
        "תודה על הצפייה בדירה אתמול",
        "תודה שצפיתם בדירה, מה דעתכם?",
        "רציתי להגיד תודה על הצפייה",
        "כתוביות",
        "כתוביות אתם עושים?",
        "כתוביות על ידי מי?",
        "תרגום",
        "תרגום: כמה זה עולה?",
        "מוזיקה",
        "הירשמו לי את המספר",
        "המסמך תורגם על ידי נוטריון",
        "תורגם על ידי נוטריון אבל צריך עוד חותמת של משרד החוץ",
    ],
)
def test_what_a_caller_may_say(text: str) -> None:
    assert not is_made_up(text)
