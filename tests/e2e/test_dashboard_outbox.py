"""Texts that wait to be sent, and drafts, as the page shows them and several tabs have them in common. Their logic is
tested without a browser, in tests/dashboard/js/outbox.test.js."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from dashboard import place
from node.bus import envelopes as en
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, bubble, field, room, until, write
from tests.e2e.wire import Wire, merge, ready, rewire, wired
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_what_is_merged_into_the_open_conversation_shows_there(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    node.receive(twice, "said at home")
    node.receive(bela, "said here")
    tab = visit().open(twice.room)
    ready(tab, "twice")
    field(tab).fill("half a thought")
    room(tab, "bela").click()
    ready(tab, "bela")
    field(tab).fill("another half")
    merge(node, twice, bela)
    expect(tab.locator(".log .row .text")).to_have_text(["said at home", "said here"])
    # What was half written stays as it is under the hands, and the other half is not lost.
    expect(field(tab)).to_have_value("another half\nhalf a thought")
    field(tab).press("ControlOrMeta+Home")
    field(tab).type("yet ")
    tab.reload()
    expect(field(tab)).to_have_value("yet another half\nhalf a thought")


def test_what_was_written_follows_a_merge_that_nobody_heard_of(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela, cian, dana = node.add_peer("bela"), node.add_peer("cian"), node.add_peer("dana")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = True
    # The dashboard's server is down while conversations are merged: no tab, and no server, ever hears of it.
    dashboard.leave(tab)
    write(tab, "precious words")
    field(tab).fill("half a thought")
    merge(node, bela, cian)
    merge(node, cian, dana)
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    ready(tab, "dana")
    expect(bubble(tab, "precious words").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("half a thought")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    assert [one.text for one in node.messages[dana.room]] == ["precious words"]
    # An old link leads there as well.
    late = visitor.open(bela.room)
    ready(late, "dana")
    expect(bubble(late, "precious words")).to_be_visible()


def test_a_text_sent_by_one_tab_waits_in_no_other(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")

    def refuse(command: en.Command) -> None:
        if command.op == "send":
            raise CommandRefused("no_address", "No address.")

    node.before = refuse
    visitor = visit()
    one = visitor.open(bela.room)
    write(one, "precious words")
    expect(bubble(one, "precious words").locator(".state")).to_have_text("not sent")
    two = visitor.open(bela.room)
    expect(bubble(two, "precious words").locator(".state")).to_have_text("not sent")
    node.before = lambda command: None
    one.get_by_role("button", name="Try again").click()
    expect(bubble(one, "precious words").locator(".state")).to_have_text("sent")
    expect(two.locator(".row[data-pending]")).to_have_count(0)
    expect(bubble(two, "precious words").locator(".state")).to_have_text("sent")


def test_what_was_taken_before_a_reload_stands_there_once(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = wired(visit, frames=("send",)).open(bela.room)
    wire = Wire(tab)
    ready(tab, "bela")
    write(tab, "only once")
    until(lambda: node.messages.get(bela.room), "the node has it")
    tab.reload()
    until(lambda: wire.asked("send") == 1, "the page asks again")
    expect(tab.locator(".log .row").first).to_be_visible()
    expect(tab.locator(".log .row")).to_have_count(1)
    expect(bubble(tab, "only once").locator(".state")).to_have_text("sent")
    wire.until_waits("send")
    wire.let("send")
    expect(tab.locator(".log .row")).to_have_count(1)
    # The same words once more are another message.
    write(tab, "only once")
    expect(tab.locator(".log .row")).to_have_count(2)
    until(lambda: len(node.messages[bela.room]) == 2, "the node has both")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)


def test_a_text_for_one_node_is_never_sent_by_another(
    node: FakeNode, dashboard: Dashboard, visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = True
    dashboard.leave(tab)
    write(tab, "for bela only")
    field(tab).fill("half a thought")
    home = tmp_path_factory.mktemp("other")
    # The same place, so that the tab takes it for its dashboard.
    (kept,) = place.places(node.home)
    shutil.copy(kept.path, home)
    other = FakeNode(home, "zoe")
    other.me = replace(other.me, id="z" * 52)
    with other:
        zoran = other.add_peer("zoran")
        assert zoran.room == bela.room, "both count from one"
        server = Dashboard(home, dashboard.port).start()
        try:
            expect(tab.locator(".frame .me .name")).to_have_text("zoe")
            expect(tab.locator(".talk h2")).to_have_text("zoran")
            expect(tab.locator(".row[data-pending]")).to_have_count(0)
            expect(field(tab)).to_have_value("")
            write(tab, "hello zoran")
            expect(bubble(tab, "hello zoran").locator(".state")).to_have_text("sent")
            assert [one.text for one in other.messages[zoran.room]] == ["hello zoran"]
        finally:
            server.stop()
    dashboard.start()
    expect(bubble(tab, "for bela only").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("half a thought")
    assert [one.text for one in node.messages[bela.room]] == ["for bela only"]


def test_what_is_written_before_the_page_knows_the_node_is_kept(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    field(tab).fill("begun yesterday")
    tab.close()
    tab = rewire(visitor, words=("hello",)).open(bela.room, early=True)
    write(tab, "said early")
    field(tab).fill("begun today")
    Wire(tab).mend()
    expect(bubble(tab, "said early").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("begun yesterday\nbegun today")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    expect(tab.locator(".log .row")).to_have_count(1)
    assert [one.text for one in node.messages[bela.room]] == ["said early"]
