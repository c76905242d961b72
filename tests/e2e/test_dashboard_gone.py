"""Conversations that go while somebody looks at them, and what the reader is shown then."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Dashboard, Visit, bubble, field, room, until, write
from tests.e2e.wire import Wire, delete, merge, ready, wired
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_conversation_deleted_while_the_tab_was_cut_off_is_left(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "a secret")
    visitor = wired(visit)
    tab, witness = visitor.open(bela.room), visitor.open()
    wire = Wire(tab)
    expect(bubble(tab, "a secret")).to_be_visible()
    expect(room(witness, "bela")).to_be_visible()
    wire.cut()
    delete(node, bela)
    expect(room(witness, "bela")).to_have_count(0)
    wire.mend()
    expect(tab.locator(".calmline")).to_have_text("The conversation with bela was deleted.")
    expect(tab.locator(".talk")).to_be_hidden()


def test_a_conversation_merged_while_the_tab_was_cut_off_goes_on_in_the_other(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    node.receive(twice, "said at home")
    node.receive(bela, "said here")
    visitor = wired(visit)
    tab, other, witness = visitor.open(twice.room), visitor.open(bela.room), visitor.open()
    wires = Wire(tab), Wire(other)
    ready(tab, "twice")
    ready(other, "bela")
    field(tab).fill("half a thought")
    for wire in wires:
        wire.cut()
    write(tab, "written in the dark")
    field(tab).fill("half a thought")
    merge(node, twice, bela)
    expect(room(witness, "bela")).to_be_visible()
    expect(room(witness, "twice")).to_have_count(0)
    for wire in wires:
        wire.mend()
    for each in (tab, other):
        ready(each, "bela")
        expect(each.locator(".log .row .text")).to_have_text(["said at home", "said here", "written in the dark"])
    expect(field(tab)).to_have_value("half a thought")
    expect(bubble(tab, "written in the dark").locator(".state")).to_have_text("sent")


def test_what_is_gone_does_not_stay_on_the_screen(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    """Also where nobody can tell any more what became of it, and without asking for it again and again."""
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    node.receive(bela, "a secret")
    visitor = wired(visit)
    tab = visitor.open(bela.room)
    wire = Wire(tab)
    expect(bubble(tab, "a secret")).to_be_visible()
    visitor.forgiving = True
    dashboard.leave(tab)
    delete(node, bela)
    node.forgotten_before = len(node.events)
    dashboard.start()
    expect(tab.locator(".broken h3")).to_have_text("This conversation isn't here")
    expect(tab.locator(".broken")).to_be_visible()
    expect(bubble(tab, "a secret")).to_have_count(0)
    back = tab.get_by_role("button", name="All conversations")
    back.focus()
    until(lambda: wire.asked("unknown_rooms") == 1, "it is asked what became of it")
    asked = wire.asked("history")
    for number in range(5):
        node.receive(cian, f"line {number}")
        expect(room(tab, "cian").locator(".preview")).to_have_text(f"line {number}")
    assert (wire.asked("history"), wire.asked("unknown_rooms")) == (asked, 1)
    expect(back).to_be_focused()


def test_hits_follow_a_conversation_that_is_merged(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    said = node.receive(twice, "the projector at home")
    node.receive(bela, "the projector here")
    visitor = visit()
    tab, page = visitor.open(), visitor.open(page="search", room=f"{twice.room}&q=projector")
    tab.get_by_role("searchbox").fill("projector")
    expect(tab.locator(".list .hit")).to_have_count(2)
    expect(page.locator(".hits .hit")).to_have_count(1)
    merge(node, twice, bela)
    expect(page.locator(".hits .hit")).to_have_count(2)
    expect(page.get_by_label("In")).to_have_value(bela.room)
    hit = tab.locator(".list .hit", has_text="at home")
    expect(hit).to_have_attribute("href", f"/?room={bela.room}&message={said.id}")
    hit.click()
    ready(tab, "bela")
    expect(bubble(tab, "at home")).to_be_in_viewport()
