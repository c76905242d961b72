"""The part of the Settings page about strangers: whom the node takes messages from, and who is blocked.

What others call themselves is drawn through `plain`, never as markdown.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import drafts, hatch, options, when
from dashboard.components import plain
from dashboard.components.plain import Word

#: Whom the node takes messages from, of other nodes and of plain clients.
NODES = [
    ("ask", "Ask me first: what they say waits as a request"),
    ("everybody", "Take it like anything else"),
    ("nobody", "Refuse it, and tell them so"),
]
PLAIN = [
    ("everybody", "Take what they say"),
    ("known", "Take it only from those I have dealt with"),
    ("nobody", "Take nothing from any of them"),
]


def who_may_write(choice: Callable[..., None]) -> None:
    """Two choices, drawn by `choice` as the page draws all of them."""
    choice(
        "accept_nodes", "Other nodes that nobody here knows", NODES,
        help_text="A request isn't told as read, and nothing of it is in your list until you accept it.",
    )  # fmt: skip
    choice(
        "accept_plain", "Plain clients", PLAIN,
        help_text="They can't prove who they are. What isn't taken is stored nowhere, and they are told so.",
    )  # fmt: skip


def blocked(view: options.OptionsView, now: int, zone: Any, say: Callable[[str], None]) -> None:
    """Who is blocked, with a button that ends it."""
    note: drafts.Note = st.session_state.get("unblocked", drafts.SILENT)
    plain.line("Nothing of theirs is taken, and they aren't told. Their conversations are hidden.", look="quiet")
    for one in view.blocked:
        # An id may come from elsewhere: a key of an element is made of letters that we choose.
        number = hashlib.sha256(one.id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        with st.container(horizontal=True, vertical_alignment="center", key=f"blocked-{number}", gap="small"):
            at = f"{when.ago(one.at, now, zone)}." if one.at else ""
            plain.line(Word(one.name, "strong"), Word(f"{one.what}. {at}", "quiet"))
            st.button("Unblock", key=f"unblock-{number}", type="tertiary", on_click=_unblock, args=(view, one))
    if not view.blocked:
        plain.line("Nobody is blocked.", look="note")
    if note.text and now - note.at < drafts.SAVED_MS:
        say(note.text)
        plain.line(note.text, look="note", tone=note.tone)


def _unblock(view: options.OptionsView, one: options.BlockedView) -> None:
    now = int(time.time() * 1000)
    try:
        hatch.command("unblock", peer=one.id)
    except hatch.Problem as problem:
        st.session_state["unblocked"] = drafts.Note(str(problem), "bad", now)
    except hatch.ShutOut:
        return
    else:
        # The page hears of it in a moment; until then it isn't shown as it was.
        view.blocked.remove(one)
        st.session_state["unblocked"] = drafts.Note(
            f"{one.name} is blocked no more; what was hidden is back.", "good", now
        )
