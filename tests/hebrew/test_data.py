"""Lists that Hebrew speakers extend, and the constructions in them."""

import pytest

from server.hebrew.data import spelled_out


@pytest.mark.parametrize(
    "construction, phrases",
    [
        ("כן", ["כן"]),
        (
            "תמשיך[י|ו] (כאן|שם)",
            ["תמשיכי כאן", "תמשיכי שם", "תמשיכו כאן", "תמשיכו שם", "תמשיך כאן", "תמשיך שם"],
        ),
        ("[אני] מאשר(|ת)", ["אני מאשר", "אני מאשרת", "מאשר", "מאשרת"]),
        ("מעוניי(ן|נת|נים)", ["מעוניין", "מעוניינת", "מעוניינים"]),
    ],
)
def test_e1_a_construction_is_every_phrase_it_stands_for(construction, phrases):
    """E1, D4: one of a slot, or nothing where it may be empty; a final letter is one only at the end."""
    assert spelled_out(construction) == phrases
