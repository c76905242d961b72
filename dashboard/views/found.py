"""The part of the Settings page about being found, and about what linked nodes are told of this person."""

from __future__ import annotations

from collections.abc import Callable

#: Whether nodes on the same network find each other.
DISCOVERY = [
    ("on", "Find others on this network, and be found"),
    ("ask", "See and be seen, but connect only to those I have dealt with"),
    ("off", "Neither look nor be found"),
]
PRESENCE = [
    ("online", "Online"),
    ("away", "Away"),
    ("invisible", "Invisible: tell nobody, and announce nothing on this network"),
]


def network(choice: Callable[..., None]) -> None:
    """Whether others find this node by themselves; drawn by `choice` as the page draws all of them."""
    choice(
        "discovery", "On this network", DISCOVERY,
        help_text="Others nearby see neither your name nor your key until they are connected to you, encrypted.",
    )  # fmt: skip


def presence(choice: Callable[..., None], field: Callable[..., None], status: object) -> None:
    """Whether this person is there, and what they say of themselves."""
    choice(
        "presence",
        "You are",
        PRESENCE,
        help_text="Only nodes that you are connected to, and have dealt with, are told.",
    )
    field(
        "status", "Status", "Save status", value=status, placeholder="Back at three",
        help_text="A line beside your name, of at most 100 characters. Nobody sees it while you are invisible.",
    )  # fmt: skip
