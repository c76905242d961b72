"""Where the log stands when messages come late, in floods, or not at all. What is decided, and by what, is tested
without a browser, in tests/dashboard/js/scrolling.test.js and talk.test.js."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from node.bus import envelopes as en
from node.bus import nouns
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, Visitor, bubble, room, until, write
from tests.e2e.wire import Wire, read, wired
from tests.support.fake_node import PATIENCE, FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_link_to_a_message_waits_for_the_node(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(300)]
    read(node, bela)
    dashboard.stop()
    node.stop()
    dashboard.start()
    visitor = visit()
    tab = visitor.open(f"{bela.room}&message={said[20].id}", early=True)
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    node.start()
    expect(bubble(tab, "number 020")).to_be_in_viewport()
    assert f"message={said[20].id}" in tab.url


def test_older_messages_that_did_not_come_are_asked_for_again(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(300):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    read(node, bela)
    tab = wired(visit).open(bela.room)
    wire = Wire(tab)
    expect(bubble(tab, "number 299")).to_be_in_viewport()
    wire.keep("history")
    tab.locator(".log").evaluate("log => log.scrollTop = 0")
    # The page that was asked for when the conversation opened, or the one above it.
    wire.until_waits("history")
    oldest = int(tab.locator(".log .row .text").first.inner_text().removeprefix("number "))
    wire.spoil("history")
    wire.let("history")
    # Nothing else happens meanwhile.
    expect(bubble(tab, f"number {oldest - 1:03}")).to_have_count(1)


def test_what_could_not_be_loaded_is_asked_for_until_it_is_there(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "before")
    refused: list[str] = []

    def refuse(command: en.Command) -> None:
        if command.op in ("history", "search"):
            refused.append(command.op)
            raise CommandRefused("busy", "Busy.", True)

    visitor = visit()
    shown = visitor.open(bela.room)
    expect(bubble(shown, "before")).to_be_visible()
    visitor.forgiving = True
    assert dashboard.stop() == 0
    expect(shown.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    # While nobody listens. Then all is told anew, and the conversation can't be read just then.
    node.receive(bela, "unseen so far")
    node.before = refuse
    dashboard.start()
    until(lambda: refused, "the conversation was asked for", 2 * PATIENCE)
    expect(shown.locator(".strip")).to_be_hidden()
    opened = visitor.open(bela.room)
    expect(opened.locator(".broken")).to_contain_text("It is shown as soon as that is over.")
    found = visitor.open()
    found.get_by_role("searchbox").fill("unseen")
    expect(found.locator(".list .hint")).to_contain_text("The node is very busy.")
    node.before = lambda command: None
    for tab in (shown, opened):
        expect(bubble(tab, "unseen so far")).to_be_visible()
        expect(tab.locator(".broken")).to_be_hidden()
    expect(found.locator(".list .hit")).to_contain_text("unseen so far")


def test_who_has_just_left_the_end_keeps_what_they_look_at(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(50):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    read(node, bela)
    tab, witness = wired(visit).open(bela.room), visit().open(bela.room)
    wire = Wire(tab)
    for each in (tab, witness):
        expect(bubble(each, "number 049")).to_be_in_viewport()
    wire.keep("patch")
    for number in range(400):
        node.receive(bela, f"flood {number:03}")
    expect(bubble(witness, "flood 399")).to_be_attached()
    # Much comes in before the page hears of the scrolling.
    tab.locator(".log").evaluate("log => { log.scrollTop = 50; window.wire.let('frames', 'patch'); }")
    expect(bubble(tab, "flood 100")).to_be_attached()
    expect(bubble(tab, "number 005")).to_be_in_viewport()


def far_up(node: FakeNode, visitor: Visitor) -> tuple[nouns.Peer, Page]:
    """A reader near the beginning of a long conversation, whose end is not loaded."""
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(400)]
    read(node, bela)
    tab = visitor.open(f"{bela.room}&message={said[20].id}")
    expect(bubble(tab, "number 020")).to_be_in_viewport()
    return bela, tab


def test_what_is_said_far_from_the_end_without_a_connection_is_seen(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(400)]
    read(node, bela)
    tab = wired(visit).open(f"{bela.room}&message={said[20].id}")
    wire = Wire(tab)
    expect(bubble(tab, "number 020")).to_be_in_viewport()
    wire.cut()
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "written in the dark")
    expect(bubble(tab, "written in the dark").locator(".state")).to_have_text("…")
    expect(bubble(tab, "written in the dark")).to_be_in_viewport()
    wire.mend()
    expect(bubble(tab, "written in the dark").locator(".state")).to_have_text("sent")
    expect(bubble(tab, "number 399")).to_be_in_viewport()
    expect(tab.locator(".jump")).to_be_hidden()


def test_who_goes_up_by_keyboard_is_not_taken_to_the_end(node: FakeNode, visit: Visit) -> None:
    bela, tab = far_up(node, wired(visit))
    wire = Wire(tab)
    wire.cut()
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "written in the dark")
    expect(bubble(tab, "written in the dark")).to_be_in_viewport()
    tab.locator(".log").focus()
    tab.keyboard.press("Home")
    expect(bubble(tab, "number 000")).to_be_in_viewport()
    wire.keep("history")
    wire.mend()
    expect(room(tab, "bela").locator(".preview")).to_have_text(re.compile("written in the dark"))
    # What may have been missed is asked for, around the reader.
    wire.until_waits("history")
    wire.let("history")
    assert bubble(tab, "number 399").count() == 0
    expect(bubble(tab, "number 000")).to_be_in_viewport()
    assert node.messages[bela.room][-1].text == "written in the dark"


def test_what_the_node_has_taken_shows_though_the_end_can_not_be_loaded(node: FakeNode, visit: Visit) -> None:
    _, tab = far_up(node, visit())

    def refuse(command: en.Command) -> None:
        if command.op == "history":
            raise CommandRefused("busy", "Busy.", True)

    node.before = refuse
    write(tab, "my words")
    expect(bubble(tab, "my words").locator(".state")).to_have_text("sent")
    expect(bubble(tab, "my words")).to_be_in_viewport()
    node.before = lambda command: None
    expect(bubble(tab, "number 399")).to_be_in_viewport()
    expect(bubble(tab, "my words")).to_have_count(1)
