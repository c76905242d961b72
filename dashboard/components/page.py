"""What the pages have in common: each is one component, drawn by its own script over the same WebSocket."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.components import assets


def component(name: str, *styles: str, look: str) -> Callable[[], None]:
    """The component of the page `name`, whose script is `<name>/main.js`; returns how to draw it.

    `styles` are files beside those that all pages have; `look` is the class of its outermost element. Nothing comes
    back to Python: it talks with live.py.
    """
    made = st.components.v2.component(
        f"snicher_{name}",
        html=f'<div class="{look}"></div>',
        css=assets.stylesheet("shared/tokens.css", "shared/parts.css", *styles),
        js=assets.loader(f"{name}/main.js"),
    )

    def draw() -> None:
        made(key=name)

    return draw
