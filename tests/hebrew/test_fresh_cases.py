"""Cases by people who had not seen the code, its lists or its tests: ``tests/fresh``.

The figure of the first look is in the changelog; here they keep what was reached. The commands are
``python -m bench.ways_out`` (each a whole call), ``.replies``, ``.hebrew`` and ``.spoken``.
"""

import json
from typing import Any

import pytest

from bench import hebrew, spoken
from bench.replies import measure, wanted
from server.hebrew.understand.speech_acts import says_goodbye, wants_person
from tests.serving import ROOT

FRESH = ROOT / "tests" / "fresh"
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


# What was reached, of 240 to 360 each. The figures that count are of cases not seen: see docs/measured.md.
MOST_WRONG = {
    "end_of_turn": 5, "only_listening": 4, "yes_no": 3, "repeat": 2, "gender": 7,
    "sentences": 1, "redaction": 2, "echo": 1,
}  # fmt: skip


@pytest.mark.parametrize("kind", hebrew.JUDGES)
def test_the_hebrew_of_strangers_is_judged_as_people_would(kind: str) -> None:
    """A7 end_of_turn, D4 only_listening, D4 yes_no, E4 repeat, E6 speakable, C2 sentences, E3 echo."""
    judged = [hebrew.verdict(kind, row) for _, row in hebrew.rows(hebrew.FRESH, kind)]
    wrong = [one.row for one in judged if one.wrong]
    assert len(judged) >= 240
    assert len(wrong) <= MOST_WRONG.get(kind, 0), wrong


def test_f2_f3_no_other_words_of_a_caller_end_or_hand_over_a_call() -> None:
    """F2, F3: of more than a thousand sentences none, but for four that say just that."""
    said = set(hebrew.said_by_callers(hebrew.FRESH))
    assert len(said) > 1000
    assert {text for text in said if says_goodbye(text)} == {"תודה רבה ביי", "יאללה סבבה תודה ביי"}
    assert {text for text in said if wants_person(text)} == {
        "תעבירי אותי לנציג אנושי",
        "תעביר אותי בבקשה לבן אדם",
    }


def test_e6_no_figure_and_no_sign_of_a_reply_reaches_the_voice() -> None:
    """E6: a thousand sentences of an LLM's kind."""
    said = map(spoken.spoken, spoken.written(1000, 7))
    assert [words for words in said if spoken.left_in(words)] == []
