"""Draws the link's states from its table, as PROTOCOL.md shows them: `python -m tests.node.protocol.diagram`."""

from __future__ import annotations

from node.protocol.states import TRANSITIONS, Input, State


def diagram() -> str:
    """The mermaid source: one arrow for each pair of states, labelled with all that leads from one to the other."""
    inputs: dict[tuple[State, State], list[Input]] = {}
    for (before, by), after in TRANSITIONS.items():
        inputs.setdefault((before, after), []).append(by)
    lines = ["stateDiagram-v2"]
    lines += [f"    {state.name}: {state.name} ({state.value})" for state in State]
    lines += [
        f"    [*] --> {state.name}" for state in (State.AWAITING, State.ANNOUNCING, State.OFFERING, State.DELIVERING)
    ]
    lines += [
        f"    {one.name} --> {other.name}: {', '.join(by.name for by in bys)}" for (one, other), bys in inputs.items()
    ]
    lines += [f"    {state.name} --> [*]" for state in (State.UPGRADED, State.CLOSED)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(diagram())
