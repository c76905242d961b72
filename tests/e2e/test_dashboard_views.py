"""Every page in every state (views.py): axe-core finds nothing serious, nothing sticks out, and there are pictures to
look at, in tests/e2e/screenshots."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import SCREENSHOTS, Visit, settled
from tests.e2e.views import VIEWS, View
from tests.support import packages
from tests.support.fake_node import FakeNode, fill, fill_nodes, fill_requests, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: Width and height in px. Pictures are made at the first three, of dark pages at those that are checked: how wide
#: something is doesn't depend on colours.
SIZES = [(1280, 760), (800, 700), (390, 760), (360, 640)]
CHECKED = (1280, 390)
#: The curve in a metric is Streamlit's, and has no name; the same is told in words beside it.
AXE = """(rules) => axe.run(
  {exclude: [["[data-testid='stMetricChart']"]]},
  {resultTypes: ['violations'], elementRef: false, ...(rules && {runOnly: rules})},
)"""
#: The rules for a page in another theme: all else about it is as before.
OF_COLOURS = ["color-contrast"]
#: The ground of a page, by theme: it tells when another theme is there.
GROUNDS = {"light": "rgb(251, 250, 248)", "dark": "rgb(21, 23, 27)"}
#: Streamlit's elements fade from one colour to another, also where less motion is asked for.
FINISH = """new Promise(requestAnimationFrame).then(() => {
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
})"""
#: What must not be found. Lesser ones are printed.
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def checker() -> str:
    """axe-core's script."""
    return (packages.need("axe-core") / "axe.min.js").read_text("utf-8")


def found(tab: Page, checker: str, rules: list[str] | None = None) -> list[dict[str, Any]]:
    """What axe-core has to say about a page as it is now. `rules`: by these only."""
    if not tab.evaluate("'axe' in window"):
        # By the browser's debugger: the page's policy lets no script of ours in, and shall not.
        tab.evaluate(checker)
    results: dict[str, Any] = tab.evaluate(AXE, rules)
    violations: list[dict[str, Any]] = results["violations"]
    return violations


def told(violation: dict[str, Any]) -> str:
    nodes = "; ".join(f"{node['target']} {node['failureSummary']!r}" for node in violation["nodes"][:3])
    return f"{violation['impact']}: {violation['id']} ({len(violation['nodes'])}x): {violation['help']}: {nodes}"


@pytest.mark.parametrize("home", ["empty", "full", "nodes", "requests", "away", "unnamed", "quiet"])
def test_every_view(node: FakeNode, visit: Visit, checker: str, home: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    if home == "nodes":
        fill_nodes(node)
    elif home == "requests":
        fill_requests(node)
    elif home == "unnamed":
        node.saved.discard("name")
    elif home == "quiet":
        _fill_quiet(node)
    elif home != "empty":
        fill(node)
    # No colour is looked at half-way to another one.
    visitor = visit(color_scheme="light", reduced_motion="reduce")
    tab = visitor.open()
    if home == "away":
        expect(tab.locator(".list .room").first).to_be_visible()
        node.stop()
    wrong: list[str] = []
    for view in (view for view in VIEWS if view.home == home):
        for width, height in SIZES:
            if width == SIZES[0][0] or view.again:
                show(tab, visitor.dashboard.origin, view)
            tab.set_viewport_size({"width": width, "height": height})
            if view.again:
                view.act(tab)
            if tab.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append(f"{view.name} at {width}: something sticks out")
            for scheme in GROUNDS if width in CHECKED else ("light",):
                if scheme != "light":
                    wear(tab, scheme)
                if width != SIZES[-1][0]:
                    tab.screenshot(path=SCREENSHOTS / f"{view.name}-{scheme}-{width}.png")
                if width in CHECKED:
                    rules = None if scheme == "light" else OF_COLOURS
                    wrong += grave(tab, checker, f"{view.name}-{scheme} at {width}", rules)
            if width in CHECKED:
                wear(tab, "light")
    assert not wrong, "\n".join(wrong)
    assert not visitor.dashboard.has_loaded("pandas"), "it doubles the memory and delays the first page"


def wear(tab: Page, scheme: str) -> None:
    """Have the system of a page be light or dark, and wait until the page is."""
    tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    expect(tab.get_by_test_id("stApp")).to_have_css("background-color", GROUNDS[scheme])
    tab.evaluate(FINISH)


def grave(tab: Page, checker: str, where: str, rules: list[str] | None) -> list[str]:
    """What axe-core finds and must not. Everything is printed."""
    wrong = []
    for violation in found(tab, checker, rules):
        said = f"{where}: {told(violation)}"
        print(said)
        if violation["impact"] in GRAVE:
            wrong.append(said)
    return wrong


def _fill_quiet(node: FakeNode) -> None:
    """One who wrote 16 minutes ago, one of whom nothing is known, one who took something and never wrote."""
    node.add_peer("cian", link="unknown", dialect="std", dialect_from="guess", last_seen=now() - 16 * 60_000)
    node.add_peer("dora", link="unknown", dialect="unknown", dialect_from="guess")
    node.add_peer("erik", link="reachable", dialect="std")


def show(tab: Page, origin: str, view: View) -> None:
    tab.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    tab.goto(f"{origin}/{view.path}")
    settled(tab)
    expect(tab.locator(view.ready).first).to_be_visible()
    # Streamlit loads what draws an element when the first one comes.
    expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
    if not view.again:
        view.act(tab)


def test_the_checker_finds_what_is_wrong(node: FakeNode, visit: Visit, checker: str) -> None:
    """Also within our components' shadow roots: else all of the above would say nothing."""
    node.add_peer("bela")
    tab = visit().open()
    expect(tab.locator(".list .room")).to_be_visible()
    tab.locator(".list").evaluate("list => list.append(document.createElement('button'))")
    tab.locator(".list .room .name").evaluate("name => (name.style.color = '#eeeeee')")
    assert {"button-name", *OF_COLOURS} <= {violation["id"] for violation in found(tab, checker)}
    assert {violation["id"] for violation in found(tab, checker, OF_COLOURS)} == set(OF_COLOURS)
