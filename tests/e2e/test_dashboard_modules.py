"""Modules of the dashboard that draw nothing: asked in a browser, without a server."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from node import names

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SHARED = pathlib.Path(__file__).parents[2] / "dashboard" / "components" / "shared"
ORIGIN = "http://modules.example"
#: Calls a function of a module for each value, or tells a constant of it.
CALL = """async ([module, name, values]) => {
    const found = (await import(`/${module}`))[name];
    return values.map((value) => (typeof found === "function" ? found(value) : found));
}"""

Ask = Callable[[str, str, list[str]], list[Any]]


@pytest.fixture(scope="module")
def ask(chromium: Browser) -> Iterator[Ask]:
    """What a function of a module answers to each value."""
    page = chromium.new_page()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        kind = "text/javascript" if name else "text/html"
        route.fulfill(status=200, content_type=kind, body=(SHARED / name).read_text("utf-8") if name else "")

    page.route("**", answer)
    page.goto(f"{ORIGIN}/")
    yield lambda module, name, values: page.evaluate(CALL, [module, name, values])
    page.close()


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("jos", "jos*"),
        ("jose\u0301", "jos\u00e9*"),
        ("\u0939\u093f", "\u0939\u093f*"),
        ('"jos', '"jos'),
        ("jos ", "jos"),
        ("jos.", "jos."),
    ],
)
def test_the_last_word_that_is_typed_may_be_a_beginning(ask: Ask, typed: str, asked: str) -> None:
    assert ask("query.js", "asQuery", [typed]) == [asked]


NAMES = [
    "bob", "Jos\u00e9", "JOSE\u0301", "jose\u0301", "Jose", "STRASSE", "stra\u00dfe", "\uac00", "\u1100\u1161",
    "\u03a3\u03a3", "\u03c3\u03c2", "\u1e69", "s\u0307\u0323", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u4e0a\u6d77",
    "\u0419\u043e\u0434", "\u0418\u0306\u043e\u0434", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "",
]  # fmt: skip


def test_names_are_the_same_in_the_browser_where_they_are_for_the_node(ask: Ask) -> None:
    assert ask("names.js", "nameKey", NAMES) == [names.key(name) for name in NAMES]
    assert ask("names.js", "MAX_NAME", [""]) == [names.MAX_CHARS]
