"""Draws the states of links from their tables, as PROTOCOL.md shows them: `python -m tests.node.protocol.diagram`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

from node.protocol import states as plain
from node.protocol.secure import states as secure

AnyState = TypeVar("AnyState", bound=enum.Enum)
AnyInput = TypeVar("AnyInput", bound=enum.Enum)


def drawn(
    table: Mapping[tuple[AnyState, AnyInput], AnyState], states: type[AnyState], beginnings: tuple[AnyState, ...]
) -> str:
    """The mermaid source: one arrow for each pair of states, labelled with all that leads from one to the other."""
    inputs: dict[tuple[AnyState, AnyState], list[AnyInput]] = {}
    for (before, by), after in table.items():
        inputs.setdefault((before, after), []).append(by)
    lines = ["stateDiagram-v2"]
    lines += [f"    {state.name}: {state.name} ({state.value})" for state in states]
    lines += [f"    [*] --> {state.name}" for state in beginnings]
    lines += [
        f"    {one.name} --> {other.name}: {', '.join(by.name for by in bys)}" for (one, other), bys in inputs.items()
    ]
    ends = [state for state in states if not any(before is state for before, _ in table)]
    lines += [f"    {state.name} --> [*]" for state in ends]
    return "\n".join(lines)


def diagrams() -> list[str]:
    """The plain link's states, and the encrypted one's."""
    begun = (plain.State.AWAITING, plain.State.ANNOUNCING, plain.State.OFFERING, plain.State.DELIVERING)
    return [
        drawn(plain.TRANSITIONS, plain.State, begun),
        drawn(secure.TRANSITIONS, secure.State, (secure.State.SHAKING,)),
    ]


if __name__ == "__main__":
    print("\n\n".join(diagrams()))
