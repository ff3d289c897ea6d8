"""F2, F3: courtesies at an agreed ending."""

import pytest

from server.hebrew.understand.courtesy import is_courtesy


@pytest.mark.parametrize(
    "text, only",
    [
        *((text, True) for text in ("תודה", "אוקיי תודה רבה", "תודה רבה יום טוב", "להתראות", "בסדר ביי")),
        *((text, True) for text in ("גם לך יום טוב", "תודה לכם וגם לכם שבת שלום", "אז ביי לך")),
        *((text, False) for text in ("תודה אבל רגע", "לא תודה אני לא צריך", "תודה וכמה זה עולה", "")),
    ],
)
def test_f3_thanks_are_no_new_wish(text, only):
    """F2, F3: during a goodbye or hand-over of the agent they change nothing."""
    assert is_courtesy(text) is only
