"""Modules of the dashboard that draw nothing: asked in a browser, without a server."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from node import names
from node.store import unspaced

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SHARED = pathlib.Path(__file__).parents[2] / "dashboard" / "components" / "shared"
ORIGIN = "http://modules.example"
#: Calls a function of a module for each value, or tells a constant of it.
CALL = """async ([module, name, values]) => {
    const found = (await import(`/${module}`))[name];
    const answer = (value) => (typeof found === "function" ? found(value) : found);
    // What comes one by one: the addresses in a text.
    return values.map(answer).map((one) => (one?.next ? [...one].map(({ address }) => address) : one));
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


#: Texts, and the web addresses in them.
SHAPES = [
    # Signs that are part of an address at its end.
    ("https://example.org/wow!", ["https://example.org/wow!"]),
    ("https://example.org/wow! Look.", ["https://example.org/wow!"]),
    ("https://example.org/a_ https://example.org/a~", ["https://example.org/a_", "https://example.org/a~"]),
    ("https://example.org/?q=YQ==", ["https://example.org/?q=YQ=="]),
    ("https://example.org/a- https://example.org/a/ https://example.org/a#",
     ["https://example.org/a-", "https://example.org/a/", "https://example.org/a#"]),
    ("https://example.org/?a=1&amp;b=2", ["https://example.org/?a=1&amp;b=2"]),
    ("https://example.org/caf\u00e9 https://example.org/\u4e0a\u6d77",
     ["https://example.org/caf\u00e9", "https://example.org/\u4e0a\u6d77"]),
    # Signs of the sentence.
    ("At https://example.org/a. Or https://example.org/b, https://example.org/c; https://example.org/d: yes?",
     ["https://example.org/a", "https://example.org/b", "https://example.org/c", "https://example.org/d"]),
    ("https://example.org/a? https://example.org/a... https://example.org/a\u2026", ["https://example.org/a"] * 3),
    ("https://example.org/a.b,c;d:e?f='g' end", ["https://example.org/a.b,c;d:e?f='g"]),
    ("https://example.org/it's", ["https://example.org/it's"]),
    ("https://example.org/\u0627\u061f \u0646\u0639\u0645", ["https://example.org/\u0627"]),
    # After a host alone nothing of the kind is part of it.
    ("https://example.org! https://example.org_ https://example.org~ https://example.org- https://example.org",
     ["https://example.org"] * 5),
    ("https://example.org:81! http://[::1]! http://[::1]:9.",
     ["https://example.org:81", "http://[::1]", "http://[::1]:9"]),
    ("https://example.org?! https://example.org?", ["https://example.org"] * 2),
    # Quotation marks.
    ("\"https://example.org/a\" 'https://example.org/b' \u201chttps://example.org/c\u201d "
     "\u201ehttps://example.org/d\u201c \u00abhttps://example.org/e\u00bb",
     [f"https://example.org/{x}" for x in "abcde"]),
    ("`https://example.org/a` | https://example.org/b|c", ["https://example.org/a", "https://example.org/b"]),
    ("<https://example.org/a> &lt;https://example.org/b&gt; &quot;https://example.org/c&quot;, "
     "https://example.org/d&gt;",
     [f"https://example.org/{x}" for x in "abcd"]),
    ("https://example.org/a&amp; https://example.org/a&;", ["https://example.org/a", "https://example.org/a&"]),
    # Brackets.
    ("https://en.wikipedia.org/wiki/Ship_(disambiguation)", ["https://en.wikipedia.org/wiki/Ship_(disambiguation)"]),
    ("(https://en.wikipedia.org/wiki/Ship_(disambiguation))", ["https://en.wikipedia.org/wiki/Ship_(disambiguation)"]),
    ("((https://example.org/a_(b_(c)_d)).)!", ["https://example.org/a_(b_(c)_d)"]),
    ("(see https://example.org/a)! [https://example.org/b], (https://example.org/c.)",
     ["https://example.org/a", "https://example.org/b", "https://example.org/c"]),
    ("(https://example.org/wow!)", ["https://example.org/wow!"]),
    ("https://example.org/a]( https://example.org/a(", ["https://example.org/a"] * 2),
    ("https://example.org/?a[]=1&b[2]=3]", ["https://example.org/?a[]=1&b[2]=3"]),
    ("[https://example.org/a](https://example.org/b)", ["https://example.org/a", "https://example.org/b"]),
    ("https://example.org/a)))))", ["https://example.org/a"]),
    # Emphasis as in Markdown.
    ("_https://example.org/a_ ~~https://example.org/b~~ **https://example.org/c** *https://example.org*",
     ["https://example.org/a", "https://example.org/b", "https://example.org/c", "https://example.org"]),
    ("**https://example.org/a_b_**", ["https://example.org/a_b_"]),
    # East Asian sentences have no blanks.
    ("\u770bhttps://example.org/a\uff0c\u7136\u540e\u3002", ["https://example.org/a"]),
    ("\uff08https://example.org/a\uff09\u300chttps://example.org/b\u300d",
     ["https://example.org/a", "https://example.org/b"]),
    # No address at all.
    ("xhttps://example.org/a 1http://example.org", []),
    ("http", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "addresses"), SHAPES)
def test_what_of_a_text_is_a_web_address(ask: Ask, text: str, addresses: list[str]) -> None:
    assert ask("addresses.js", "addressesIn", [text]) == [addresses]


def test_a_text_full_of_signs_is_looked_through_in_one_go(ask: Ask) -> None:
    signs = [")" * 60_000, "/" + ".!" * 30_000, "&a;" * 20_000, "/" + "." * 60_000 + "x", "/" + "(" * 60_000]
    many = ["http://a)" * 7_000, *(f"http://a{end}" for end in signs), "_http://a/" + "_." * 30_000, "http://" * 9_000]
    found = ask("addresses.js", "addressesIn", many)
    assert [len(one) for one in found] == [7_000, *[1] * 7]
    assert found[6] == ["http://a/"]


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


def test_scripts_without_spaces_are_the_same_in_the_browser_as_for_the_node(ask: Ask) -> None:
    assert ask("unspaced.js", "CHARACTERS", [""]) == [unspaced.CHARACTERS]
    assert ask("unspaced.js", "INVISIBLE", [""]) == [unspaced.INVISIBLE]
    texts = ["\u4e0a", "a\u0e35", "abc \u00e9\u3002", ""]
    assert (
        ask("unspaced.js", "hasRun", texts) == [unspaced.has_run(text) for text in texts] == [True, True, False, False]
    )
