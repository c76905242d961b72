"""Very many conversations: the list draws only what is in view, and behaves as a short one does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard import lists
from tests.e2e.browser import Visit, field, room, until
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = pytest.mark.browser

#: More than two pages of the lists.
COUNT = lists.FIRST + 2 * lists.PAGE + 50


@pytest.fixture
def peers(node: FakeNode) -> list[str]:
    """The conversations of many peers, who all have said something, in the order of the list."""
    made = [node.add_peer(f"peer {number:04}") for number in range(COUNT)]
    for one in made:
        node.receive(one, f"a text of {one.name}")
    return [one.room for one in reversed(made)]


def in_view(tab: Page) -> list[str]:
    """The names before the reader's eyes, from the top."""
    names: list[str] = tab.locator(".list .scroll").evaluate(
        """(list) => {
          const { top, bottom } = list.getBoundingClientRect();
          const isIn = (box) => box.top >= top - 1 && box.bottom <= bottom + 1;
          return [...list.querySelectorAll(".room")].filter((one) => isIn(one.getBoundingClientRect()))
            .map((one) => one.querySelector(".name").textContent);
        }"""
    )
    return names


def scroll(tab: Page, rows: int) -> None:
    """Scroll the list by so many rows."""
    tab.locator(".list .scroll").evaluate("(list, px) => (list.scrollTop += px)", 61 * rows)


def heading(tab: Page) -> Locator:
    """Whose conversation is open."""
    return tab.locator(".talk h2").first


def whole(tab: Page) -> None:
    """Wait until all conversations have come."""
    expect(tab.locator(f".list [aria-setsize='{COUNT}']").first).to_be_attached()


def test_few_rows_are_drawn_and_all_can_be_scrolled_to(node: FakeNode, peers: list[str], visit: Visit) -> None:
    tab = visit().open()
    whole(tab)
    assert tab.locator(".list .room").count() < 40
    expect(tab).to_have_title(f"({COUNT}) Chats · Snicher")
    assert in_view(tab)[0] == f"peer {COUNT - 1:04}"
    scroll(tab, COUNT)
    until(lambda: in_view(tab)[-1:] == ["peer 0000"], "the oldest one")
    row = tab.locator(".list [role=listitem]", has_text="peer 0000")
    expect(row).to_have_attribute("aria-posinset", str(COUNT))
    assert tab.locator(".list .room").count() < 40


def test_nothing_jumps_under_the_reader_when_the_order_changes(node: FakeNode, peers: list[str], visit: Visit) -> None:
    tab = visit().open()
    whole(tab)
    scroll(tab, 100)
    until(lambda: in_view(tab)[:1] == [f"peer {COUNT - 101:04}"], "the hundred and first")
    before = in_view(tab)
    # One from further down, one of those before the reader, one from further up; and one that is new.
    by_name = {one.name: one for one in node.state.peers.values()}
    for name in ("peer 0003", before[4], f"peer {COUNT - 3:04}"):
        node.receive(by_name[name], f"something new from {name}")
    node.receive(node.add_peer("a new one"), "hello")
    expect(tab.locator(".frame .count").first).to_have_text(str(COUNT + 4))
    expected = [name for name in before if name != before[4]]
    until(lambda: in_view(tab)[: len(expected)] == expected, f"{expected} stay where they were")
    tab.locator(".list .scroll").evaluate("(list) => (list.scrollTop = 0)")
    until(lambda: in_view(tab)[:2] == ["a new one", f"peer {COUNT - 3:04}"], "the newest on top")


def test_keys_lead_through_the_whole_list(node: FakeNode, peers: list[str], visit: Visit) -> None:
    tab = visit().open()
    whole(tab)
    tab.keyboard.press("Control+k")
    for _ in range(40):
        tab.keyboard.press("ArrowDown")
    fortieth = room(tab, f"peer {COUNT - 40:04}")
    expect(fortieth).to_be_focused()
    expect(fortieth).to_be_in_viewport(ratio=1)
    # Whoever has the focus keeps it, however far they scroll.
    scroll(tab, 500)
    until(lambda: f"peer {COUNT - 535:04}" in in_view(tab), "five hundred further down")
    expect(fortieth).to_be_focused()
    tab.keyboard.press("ArrowUp")
    expect(room(tab, f"peer {COUNT - 39:04}")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(heading(tab)).to_have_text(f"peer {COUNT - 39:04}")
    for _ in range(30):
        tab.keyboard.press("Alt+ArrowDown")
    expect(heading(tab)).to_have_text(f"peer {COUNT - 69:04}")
    expect(room(tab, f"peer {COUNT - 69:04}")).to_be_in_viewport(ratio=1)


def test_somebody_far_down_is_found_and_the_list_is_where_it_was(
    node: FakeNode, peers: list[str], visit: Visit
) -> None:
    tab = visit().open()
    whole(tab)
    scroll(tab, 300)
    until(lambda: in_view(tab)[:1] == [f"peer {COUNT - 301:04}"], "the three hundred and first")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("peer 0007")
    expect(tab.locator(".list .room .name")).to_have_text(["peer 0007"])
    tab.keyboard.press("Escape")
    until(lambda: in_view(tab)[:1] == [f"peer {COUNT - 301:04}"], "as before")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("peer 0007")
    tab.keyboard.press("Enter")
    expect(heading(tab)).to_have_text("peer 0007")
    expect(field(tab)).to_be_focused()


def test_a_link_to_a_conversation_of_a_late_page_opens_it(node: FakeNode, peers: list[str], visit: Visit) -> None:
    visitor = visit()
    tab = visitor.open(peers[-1])
    expect(tab.locator(".log .row")).to_contain_text("a text of peer 0000")
    expect(heading(tab)).to_have_text("peer 0000")
    nowhere = visitor.open("nowhere")
    expect(heading(nowhere)).to_have_text("This conversation isn't here")


def test_the_table_of_peers_draws_those_that_are_near(node: FakeNode, peers: list[str], visit: Visit) -> None:
    tab = visit().open(page="peers")
    expect(tab.locator(".known .sum")).to_have_text(f"{COUNT} known, {COUNT} reachable now")
    rows = tab.locator(".peers .peer")
    expect(rows.first).to_contain_text("peer 0000")
    assert rows.count() < 150
    for _ in range(3):
        before = rows.count()
        tab.locator(".sheet").evaluate("(sheet) => (sheet.scrollTop = sheet.scrollHeight)")
        until(lambda: rows.count() > before, "more of them")  # noqa: B023
    tab.get_by_role("searchbox", name="Filter peers").fill(f"peer {COUNT - 1:04}")
    expect(rows).to_have_count(1)
