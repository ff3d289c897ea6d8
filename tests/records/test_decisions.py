"""Reasons: each is in the table, each rule in the contract, and every one of them is given on some call."""

import re

from server.records import decisions
from server.records.decisions import DECISIONS, in_words
from server.turns.actions import Decided
from tests.records.lists import witnessed
from tests.serving import ROOT
from tests.stories.story import RULES, read_stories
from tests.stories.telling import Told, tell

BY_THE_RECORD = {("D3", "unheard")}  # the machine knows nothing of what was not heard


def test_every_rule_is_one_of_the_contract():
    assert {rule for rule, _ in DECISIONS} <= set(RULES)


def test_the_page_has_the_table():
    """``python -m server.records.decisions`` writes it."""
    page = (ROOT / "docs" / "calls.md").read_text("utf-8")
    assert decisions.table() in page


def test_every_reason_in_the_code_is_in_the_table():
    """As far as it is written down there as it is."""
    given = re.compile(r'Decided\(\s*"([A-G]\d)",\s*"([^"]+)"')
    written = set()
    for path in (ROOT / "server" / "turns").glob("*.py"):
        written |= set(given.findall(path.read_text("utf-8")))
    assert len(written) > 30
    assert written <= DECISIONS.keys()


def test_every_reason_is_given_in_some_story(monkeypatch):
    """Told with early starts, idle prompts and without, until none is missing."""
    missing = DECISIONS.keys() - BY_THE_RECORD
    unknown = set()
    for story in read_stories(ROOT / "tests" / "stories"):
        for knobs in ({}, {"speculative_turns": True, "idle_prompt_sec": 8}):
            if not missing:
                break
            given = reasons_of(story, knobs, monkeypatch)
            unknown |= given - DECISIONS.keys()
            missing -= given
    assert (missing, unknown) == (set(), set())


def test_no_reason_holds_a_word_where_none_may_be_kept(monkeypatch):
    """LOG_TRANSCRIPTS=off: in no story of those rules that could; nothing of ours is in Hebrew there."""
    for story in read_stories(ROOT / "tests" / "stories" / "d_dipping.story"):
        lists, _ = told(story, {"speculative_turns": True}, monkeypatch, mode="off")
        whys = {
            (one.rule, one.why) for turns in lists.turns.values() for turn in turns for one in turn.decisions
        }
        assert not {one for one in whys if re.search("[א-ת]", one[1])}


def reasons_of(story, knobs, monkeypatch):
    _, witness = told(story, knobs, monkeypatch)
    return {(one.rule, one.what) for one in witness.actions if isinstance(one, Decided)}


def told(story, knobs, monkeypatch, mode="full"):
    """The lists that keep it, and who has seen it."""
    seen = []

    def leaves_to(office):
        seen.append(witnessed(office.call, mode))
        host = {"leads": office, "close_call": office.close_call}
        return {**host, "observers": office.call.host["observers"]}

    monkeypatch.setattr("tests.stories.telling.leaves_to", leaves_to)
    assert isinstance(tell(story, **knobs), Told)
    return seen[0]


def test_what_a_later_version_has_written_stays_as_it_is():
    assert in_words("A7", "held", "של").startswith("A7 the end of the turn is held")
    assert in_words("A7", "held", "של").endswith(": של")
    assert in_words("Z9", "unheard of") == "Z9 unheard of"
