"""The pages: one file each in views/, found by themselves, in the order of the navigation.

Law of this file: it names no page. A file of views/ is a page when it has a `PAGE`; everything that anybody needs to
know of it is told there: the script (main.py), the frame's navigation, and the tests that walk all pages.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import NamedTuple

import streamlit as st


class Page(NamedTuple):
    """One page."""

    #: Its name in the address; the first page's address is "/" as well.
    name: str
    title: str
    #: Its place in the navigation, the lowest first.
    place: int
    #: A line drawing for the navigation: the path of an SVG of 24 by 24 units (shared/dom.js has more).
    icon: str
    #: Draws it.
    draw: Callable[[], None]


@functools.cache
def pages() -> tuple[Page, ...]:
    """All pages, in the order of the navigation; the first is the one that opens."""
    views = importlib.import_module("dashboard.views")
    modules = (importlib.import_module(f"{views.__name__}.{one.name}") for one in pkgutil.iter_modules(views.__path__))
    found = [module.PAGE for module in modules if hasattr(module, "PAGE")]
    return tuple(sorted(found, key=lambda page: (page.place, page.name)))


def streamlit_page(page: Page) -> st.Page:
    """The same for st.navigation and st.switch_page."""
    return st.Page(page.draw, title=page.title, url_path=page.name, default=page is pages()[0])


def go(name: str, **query: str) -> None:
    """Show another page, with this query in its address. For callbacks of native parts, and for main.py."""
    for page in pages():
        if page.name == name:
            st.switch_page(streamlit_page(page), query_params=query)
