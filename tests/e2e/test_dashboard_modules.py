"""Modules of the dashboard that draw nothing and import nothing: asked in a browser, without a server."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from node import names

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SHARED = pathlib.Path(__file__).parents[2] / "dashboard" / "components" / "shared"
#: Calls a function of a module, given as source, for each value.
CALL = """async ([source, name, values]) => {
    const module = await import("data:text/javascript;charset=utf-8," + encodeURIComponent(source));
    return values.map((value) => (typeof module[name] === "function" ? module[name](value) : module[name]));
}"""

Ask = Callable[[str, str, list[str]], list[Any]]


@pytest.fixture(scope="module")
def ask(chromium: Browser) -> Iterator[Ask]:
    """What a function of a module answers to each value."""
    page = chromium.new_page()
    yield lambda module, name, values: page.evaluate(CALL, [(SHARED / module).read_text("utf-8"), name, values])
    page.close()


NAMES = [
    "bob", "Jos\u00e9", "JOSE\u0301", "jose\u0301", "Jose", "STRASSE", "stra\u00dfe", "\uac00", "\u1100\u1161",
    "\u03a3\u03a3", "\u03c3\u03c2", "\u1e69", "s\u0307\u0323", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u4e0a\u6d77",
    "\u0419\u043e\u0434", "\u0418\u0306\u043e\u0434", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "",
]  # fmt: skip


def test_names_are_the_same_in_the_browser_where_they_are_for_the_node(ask: Ask) -> None:
    assert ask("names.js", "nameKey", NAMES) == [names.key(name) for name in NAMES]
    assert ask("names.js", "MAX_NAME", [""]) == [names.MAX_CHARS]
