"""Cases by people who had not seen the code, its lists or its tests: ``tests/fresh``.

The figure of the first look is in the changelog; here they keep what was reached. The commands are
``python -m tests.bench.ways_out`` (each a whole call) and ``python -m tests.bench.replies``.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from server.hebrew.speech_acts import says_goodbye, wants_person
from tests.bench.replies import measure, wanted

FRESH = Path(__file__).with_name("fresh")
# Leads that a limit has cut: their writers would drop them; what can be read is kept (F2).
CUT_LEADS = ('save_lead(name="אלון ביטון", pho', '{"name": "אבי", "pho')


def rows(pattern: str) -> list[dict[str, Any]]:
    files = sorted(FRESH.glob(pattern))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", rows("callers_*.jsonl"), ids=lambda row: row["said"])
def test_f2_f3_a_rule_ends_or_hands_over_nothing_that_is_to_go_on(row: dict[str, Any]) -> None:
    """F2, F3: what a rule does not know is the LLM's to judge."""
    ends = not row["first"] and says_goodbye(row["said"])
    by_rule = "person" if wants_person(row["said"]) else "end" if ends else "neither"
    assert by_rule in (row["right"], "neither")


def test_e5_what_small_models_write_is_spoken_and_done() -> None:
    """E5, F2: in pieces of 1, 3 and 7 characters."""
    wrong = [
        row["raw"] for row, outcomes in measure(rows("replies_*.jsonl")) if set(outcomes) != {wanted(row)}
    ]
    assert [raw for raw in wrong if not raw.endswith(CUT_LEADS)] == []
