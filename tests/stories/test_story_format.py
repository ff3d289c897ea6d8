"""A story that cannot be read says where and why; one that goes otherwise is seen to."""

import pytest

from tests.stories.story import StoryError, parse_stories
from tests.stories.telling import differences, tell

TOLD = """\
# A question
acts D1
  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              knows   שלום! איך אפשר לעזור?
              remembers 1
              replies יש שלושה.
              keeps   name=דנה
  5.34        agent   יש שלושה.
  5.34        lead    name=דנה
              log     tts_done
              log     tts_done
              no log  ECHO
  9.00        caller  hangs up
"""


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("acts H1", "one.story:3: no such rule: H1"),
        ("acts A10", "one.story:3: no such rule: A10"),
        ("caller's number is unknown", 'one.story:3: "caller\'s" is not known here'),
        (" 3.00 an LLM listens", "one.story:3: 'an' is not known here"),
        ("knob NOTHING 5", "one.story:3: no such knob: NOTHING"),
        ("llm takes long", "one.story:3: 'takes long' does not read like"),
        (" 3.00 cough", "one.story:3: from when to when? '3.0-4.5 cough'"),
        (" 3.00-4.00 caller", "one.story:3: 'caller' needs words"),
        (" 3.00-4.00 cough שלום", "one.story:3: 'cough' has no words"),
        ("caller presses 5", "one.story:3: when? '3.0 caller presses 5'"),
        ("server closes down", "one.story:3: when? '3.0 server closes down'"),
        (" 3.0 caller presses A", "one.story:3: no key: 'A'"),
        ("stt hear nothing", "one.story:3: the STT of what?"),
        ("replies שלום", "one.story:3: 'replies' belongs below an 'asked' line"),
        (" 3.0 caler שלום", "one.story:3: 'caler' is not known here"),
        ("שלום", "one.story:3: not a line of a story: 'שלום'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line, complaint):
    """File, line, and what was expected there."""
    with pytest.raises(StoryError) as error:
        parse_stories(f"# One\nacts D1\n{line}\n9.0 caller hangs up\n", "one.story")
    assert str(error.value).startswith(complaint)


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("acts D1\n", "one.story:1: a story begins with '# '"),
        ("# One\nacts D1\n", "one.story:1: the story has no end"),
        ("# One\n9.0 caller hangs up\n", "one.story:1: it does not say which rules act in it"),
        ("# One\nacts D1\n3.0 caller hangs up\n5.0-6.0 caller כן\n", "one.story:4: the call is over by then"),
        (
            "# One\nacts D1\n3.0-5.0 caller כן\n4.0-6.0 echo כן\n9.0 caller hangs up\n",
            "one.story:1: two voices at once at 4.0 s",
        ),
    ],
)
def test_a_story_that_is_none_is_refused(text, complaint):
    """What only the whole story tells."""
    with pytest.raises(StoryError) as error:
        parse_stories(text, "one.story")
    assert str(error.value).startswith(complaint)


def went_otherwise(text):
    (story,) = parse_stories(text, "one.story")
    return differences(tell(story))


def test_a_story_that_goes_as_told_has_no_differences():
    assert went_otherwise(TOLD) == []


@pytest.mark.parametrize(
    "told, otherwise, complaint",
    [
        (
            "agent   יש שלושה.",
            "agent   יש ארבעה.",
            "one.story:10: agent: 'יש ארבעה.' expected, at 5.32 s came",
        ),
        (
            "5.34        agent",
            "5.94        agent",
            "one.story:10: agent 'יש שלושה.' begins at 5.32 s, not 5.94",
        ),
        ("agent   יש שלושה.\n", "agent   יש שלושה.\n agent מה עוד?\n", "one.story:11: agent: never came"),
        (
            "  5.34        agent   יש שלושה.\n",
            "",
            "one.story:1: agent: not in the story: 'יש שלושה.' at 5.32",
        ),
        ("5.17        asked", "6.17        asked", "one.story:5: asked 'כמה חדרים יש' begins at 5.15 s"),
        ("knows   שלום! איך אפשר לעזור?", "knows   שלום!…", "one.story:5: the LLM knows"),
        ("remembers 1", "remembers 2", "one.story:5: the LLM remembers 1 lines, not 2"),
        ("lead    name=דנה", "lead    name=רון", "one.story:11: lead: 'name=רון' expected"),
        ("              log     tts_done\n", "", "one.story:1: log 'tts_done': not in the story"),
        ("no log  ECHO", "no log  tts_done", "one.story:14: logged: tts_done"),
        ("caller  hangs up", "agent   hangs up", "one.story:15: ending: never came: 'agent hangs up'"),
        (
            "  3.00-4.50   caller",
            "state THINKING\n 3.00-4.50 caller",
            "one.story:4: state: 'THINKING' expected",
        ),
    ],
)
def test_what_goes_otherwise_is_named(told, otherwise, complaint):
    """Every kind of expectation can fail, and names its line."""
    assert told in TOLD
    text = TOLD.replace(told, otherwise, 1)
    found = went_otherwise(text)
    assert any(problem.startswith(complaint) for problem in found), found
