"""Which numbers somebody can call back (F11)."""

import pytest

from server.telephony.caller_number import HIDDEN, leaves_number, number_to_call

NO_NUMBERS = [
    *sorted(HIDDEN),
    *(number.removeprefix("+") for number in sorted(HIDDEN)),
    *(f"00{number.removeprefix('+')}" for number in sorted(HIDDEN)),
    "",
    " ",
    "anonymous",
    "Anonymous",
    "Restricted",
    "RESTRICTED",
    "unavailable",
    "unknown",
    "+",
    "+0000000000",
    "9" * 40,
    "sip:anonymous@192.168.1.20",
    "sip:dani@example.com",
    "client:agent007",
]


@pytest.mark.parametrize("caller", NO_NUMBERS)
def test_f11_who_cannot_be_called_back(caller: str) -> None:
    assert number_to_call(caller) == ""


@pytest.mark.parametrize(
    "caller", ["+972501234567", "0501234567", "972501234567", "+14155550123", "+97239999999"]
)
def test_f11_who_can(caller: str) -> None:
    assert number_to_call(caller) == caller


def test_f11_a_caller_over_sip_has_a_number_where_the_address_is_one() -> None:
    assert number_to_call("sip:+972501234567@example.com;user=phone") == "+972501234567"


@pytest.mark.parametrize(
    "told, number",
    [
        ("050-1234567", True),
        ("אפשר באפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע", True),
        ("+44 20 7946 0958", True),
        ("אין לי", False),
        ("דירה בשני מיליון", False),
    ],
)
def test_f11_a_number_that_was_left(told: str, number: bool) -> None:
    assert leaves_number((("name", "דנה"), ("message", told))) is number
