"""State diagrams of a turn (Mermaid), made of the table of phases.

python -m server.turns.diagram > docs/turn_phases.md
"""

from itertools import groupby

from server.turns.phases import TRANSITIONS, Phase, State, TurnEvent

INTRODUCTION = """\
# The phases of a turn

Made of the table in `server/turns/phases.py` by `python -m server.turns.diagram`; a test compares them. An
event that has no arrow out of a phase changes nothing there. Between turns the agent is LISTENING."""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [INTRODUCTION, _states(), *(_diagram(state) for state in State), _events()]
    return "\n\n".join(parts) + "\n"


def _states() -> str:
    rows = [f"| {phase.name} | {phase.state.value} | {phase.meaning} |" for phase in Phase]
    return "\n".join(["| phase | state in the log | meaning |", "|---|---|---|", *rows])


def _diagram(state: State) -> str:
    """The phases of one state, and where they lead to; what leads back to itself is left out."""
    arrows = [
        (before.name, after.name, event.name)
        for (before, event), after in TRANSITIONS.items()
        if before.state is state and before is not after
    ]
    arrows.sort(key=lambda arrow: arrow[:2])
    lines = [
        f"    {before} --> {after}: {', '.join(event for _, _, event in same)}"
        for (before, after), same in groupby(arrows, key=lambda arrow: arrow[:2])
    ]
    return "\n".join([f"## {state.value}", "", "```mermaid", "stateDiagram-v2", *lines, "```"])


def _events() -> str:
    rows = [f"| {event.name} | {event.value} | {_accepting(event)} |" for event in TurnEvent]
    head = ["## Events", "", "| event | meaning | changes something in |", "|---|---|---|"]
    return "\n".join([*head, *rows])


def _accepting(event: TurnEvent) -> str:
    return ", ".join(phase.name for phase in Phase if (phase, event) in TRANSITIONS)


if __name__ == "__main__":
    print(page(), end="")
