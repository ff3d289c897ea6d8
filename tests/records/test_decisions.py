"""Reasons: each is in the table, each rule in the contract, and every one of them is given on some call."""

import re

from server.records import decisions
from server.records.decisions import DECISIONS, in_words
from server.records.decisions_he import DECISIONS_HE, in_words_he
from server.turns.actions import Decided
from tests.records.lists import witnessed
from tests.serving import ROOT
from tests.stories.story import RULES, read_stories
from tests.stories.telling import Told, tell

ENOUGH = """
Who has just interrupted is not kept waiting
Thanks behind the goodbye
A hesitation over our voice is a nod
A refused key is refused again
A cough lowers her only where it would have stopped her
An LLM that hangs
An STT that are broken
A hidden number, and the server is replaced
The LLM hears that the caller has not finished
A word that nobody listed, and the LLM hears that it is only listening
The answer was ready when the caller repeated himself
A hand-over that is asked about waits for the yes
An office with little time
A grunt is not worth a question
With energy as the only judge the drill is an utterance
An STT that never finish, but guessed
A cough over the goodbye only delays it
The LLM hears it when the turn is over
A long story is taken at its next breath
The server is replaced, and the caller does not stop
In the last moment it is no interruption
Our own voice comes back
The guess was a nod, and the words say more
The LLM fails, and no message was left
The call has lasted long enough
Nobody there
Long past the limit, and the caller does not stop
""".strip().splitlines()  # they have given every reason; all stories together take half a minute
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
    stories = sorted(read_stories(ROOT / "tests" / "stories"), key=lambda story: story.title not in ENOUGH)
    for story in stories:
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


def test_each_is_told_in_hebrew_too() -> None:
    """On a page that somebody of the office reads."""
    assert DECISIONS_HE.keys() == DECISIONS.keys()
    assert all(any("א" <= letter <= "ת" for letter in told) for told in DECISIONS_HE.values())


def test_what_was_particular_is_hebrew_where_it_is_ours() -> None:
    """A caller's words stay as they are, also those that read like ours."""
    assert "שקט של 620 אלפיות השנייה, לפחות 900" in in_words_he(
        "A3", "late", "620 ms of silence, at least 900"
    )
    assert "מודל השפה" in in_words_he("F2", "goodbye", "the LLM")
    assert in_words_he("A7", "held", "the LLM").endswith("\u2068the LLM\u2069")
    assert in_words_he("Z9", "later", "as it is") == "\u2068Z9\u2069 later: \u2068as it is\u2069"
