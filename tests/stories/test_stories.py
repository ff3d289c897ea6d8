"""Every story goes as it is told, keeps the promises of every call, and together they show every rule."""

from pathlib import Path

import pytest

from tests.stories.promises import broken_promises
from tests.stories.story import RULES, read_stories
from tests.stories.telling import as_told, differences, tell, typed_knobs

STORIES = read_stories(Path(__file__).parent)
NOT_TOLD_HERE = {"A8", "A9", "F8"}  # of the wire, the machine and a second socket: no one call shows them
SOONER_S = 0.7  # at most, with an early start: the closing silence


@pytest.mark.parametrize("story", STORIES, ids=[story.title for story in STORIES])
def test_story(story):
    """As told, and no promise broken."""
    told = tell(story)
    problems = differences(told) + broken_promises(told)
    assert problems == [], "\n".join(["", *problems, "", "What happened:", as_told(told)])


@pytest.mark.parametrize(
    "story",
    [story for story in STORIES if "speculative_turns" not in story.knobs],
    ids=lambda story: story.title,
)
def test_an_early_start_changes_when_and_not_what(story):
    """B3, F1: stories are told without early starts and idle prompts; with them nothing else is heard."""
    told = tell(story, **{"speculative_turns": True, "idle_prompt_sec": 8} | typed_knobs(story))
    problems = broken_promises(told)
    wanted, heard = story.lanes["agent"], told.lane("agent")
    assert [moment.what for moment in heard] == [moment.what for moment in wanted], as_told(told)
    for one, other in zip(wanted, heard, strict=True):
        if one.at_s is not None:
            assert one.at_s - SOONER_S <= other.at_s <= one.at_s + one.within_s, as_told(told)
    assert problems == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in NOT_TOLD_HERE])
def test_every_rule_has_a_story_of_each_kind(rule):
    """One where it acts, and one where it must not."""
    assert [story.title for story in STORIES if rule in story.acts], f"{rule} acts in no story"
    assert [story.title for story in STORIES if rule in story.spares], f"{rule} is spared in no story"


def test_titles_differ():
    """A story is found by its title."""
    assert len({story.title for story in STORIES}) == len(STORIES)
