"""Answers that come late, or are lost, while the reader has gone on: what they have the focus on, type and press is
left alone."""

from __future__ import annotations

import threading

import msgspec
import pytest
from playwright.sync_api import Route, expect

from node.bus import envelopes as en
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.e2e.browser import Visit, bubble, room, settled, until
from tests.e2e.wire import Wire, choose, ready, wired
from tests.support.fake_node import FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_navigation_that_comes_late_takes_nothing_away(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = node.receive(bela, "read me")
    visitor = visit()
    held: list[Route] = []
    visitor.context.route("**/frame/main.js", lambda route: held.append(route))
    tab = visitor.open(f"{bela.room}&message={said.id}", early=True)
    expect(bubble(tab, "read me")).to_be_focused()
    until(lambda: tab.title() and held, "the navigation is under way")
    held[0].continue_()
    settled(tab)
    expect(bubble(tab, "read me")).to_be_focused()


def test_older_messages_that_come_late_close_no_menu(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(150):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    free = threading.Event()

    def hold_older(command: en.Command) -> None:
        if command.op == "history" and msgspec.json.decode(command.args, type=rq.HistoryArgs).before is not None:
            node.hold_back["history"] = free

    node.before = hold_older
    tab = visit().open(bela.room)
    bubble(tab, "number 149").locator(".bubble").hover()
    tab.get_by_role("button", name="More about this message").click()
    free.set()
    expect(bubble(tab, "number 060")).to_be_attached()
    tab.get_by_role("menuitem", name="Copy text").click()
    expect(tab.locator(".toast")).to_have_text("Text copied.")


def test_a_second_try_whose_answer_is_lost_says_so(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    failed = node.say(bela.room, "again", state="failed", detail="It refused the connection.")
    tab = wired(visit, words=("resend",)).open(bela.room)
    wire = Wire(tab)
    button = tab.get_by_role("button", name="Try again")
    button.click()
    wire.until_waits("resend", "words")
    # Drawn anew for what comes in before it, the button still waits for its answer.
    node.say(bela.room, "something else", state="sent", at=failed.at - 1000)
    expect(tab.locator(".log .row .text")).to_have_text(["something else", "again"])
    expect(button).to_be_disabled()
    node.before = lambda command: (_ for _ in ()).throw(CommandRefused("busy", "Busy.", True))
    wire.let("resend", way="words")
    expect(bubble(tab, "again").locator(".repair .why")).to_have_text("The node is very busy.")
    expect(button).to_be_enabled()


def test_a_second_try_that_fails_after_all_breaks_nothing(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    failed = node.say(bela.room, "again", state="failed", detail="It refused the connection.")
    tab = wired(visit, frames=("resend",)).open(bela.room)
    wire = Wire(tab)
    tab.get_by_role("button", name="Try again").click()
    wire.spoil("resend")
    expect(bubble(tab, "again").locator(".state")).to_have_text("waiting")
    wire.let("resend")
    node.set_state(failed, "failed", "It refused it once more.")
    expect(bubble(tab, "again").locator(".repair .why")).to_have_text("It refused it once more.")


def test_a_press_counts_though_the_reason_changes_under_it(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    failed = node.say(bela.room, "again", state="failed", detail="It refused the connection.")
    tab = visit().open(bela.room)
    tab.get_by_role("button", name="Try again").hover()
    tab.mouse.down()
    node.set_state(failed, "failed", "It refused it once more.")
    expect(bubble(tab, "again").locator(".repair .why")).to_have_text("It refused it once more.")
    tab.get_by_role("button", name="Try again").hover()
    tab.mouse.up()
    expect(bubble(tab, "again").locator(".state")).to_have_text("waiting")


def test_a_late_error_of_the_menu_leaves_the_reader_alone(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    node.add_peer("cian")
    tab = wired(visit, frames=("connect",)).open(bela.room)
    wire = Wire(tab)
    ready(tab, "bela")
    choose(tab, "bela", "Connect")
    wire.until_waits("connect")
    choose(tab, "bela", "Rename…")
    name = tab.get_by_role("textbox", name="Name")
    name.fill("Bela from la")
    wire.spoil("connect")
    wire.let("connect")
    expect(tab.locator(".talk .toast")).to_have_text("bela: No answer in time.")
    name.press("End")
    tab.keyboard.type("b 2")
    expect(name).to_have_value("Bela from lab 2")
    name.press("Enter")
    expect(tab.locator(".talk h2")).to_have_text("Bela from lab 2")
    # Nor does it follow to another page, or break it.
    wire.keep("disconnect")
    choose(tab, "Bela from lab 2", "Disconnect")
    wire.until_waits("disconnect")
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peers h1")).to_be_visible()
    expect(tab.locator(".talk")).to_have_count(0)
    wire.spoil("disconnect")
    wire.let("disconnect")
    assert tab.get_by_role("dialog").count() == 0


def test_who_has_the_focus_keeps_it_when_the_order_changes(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    node.receive(bela, "first", at=now() - 2000)
    node.receive(cian, "second", at=now() - 1000)
    tab = visit().open()
    expect(tab.locator(".list .room .name")).to_have_text(["cian", "bela"])
    room(tab, "bela").focus()
    node.receive(bela, "third")
    expect(tab.locator(".list .room .name")).to_have_text(["bela", "cian"])
    expect(room(tab, "bela")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(room(tab, "cian")).to_be_focused()


def test_the_next_address_is_not_lost_when_a_slow_answer_comes(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit, frames=("connect",)).open(page="peers")
    wire = Wire(tab)
    address = tab.get_by_label("Address")
    expect(tab.locator(".known .empty")).to_be_visible()
    address.fill("10.0.0.8:5000")
    address.press("Enter")
    wire.until_waits("connect")
    address.fill("10.0.0.9:5000")
    wire.let("connect")
    expect(tab.locator("#connect-note")).to_contain_text("Connecting to 10.0.0.8:5000")
    expect(address).to_have_value("10.0.0.9:5000")
    tab.reload()
    expect(address).to_have_value("10.0.0.9:5000")


def test_a_late_error_leaves_the_focus_where_it_is(node: FakeNode, visit: Visit) -> None:
    node.add_peer("bela")
    tab = wired(visit, frames=("connect",)).open(page="peers")
    wire = Wire(tab)
    expect(tab.locator(".peer")).to_have_count(1)
    tab.get_by_label("Address").fill("10.0.0.8:5000")
    tab.get_by_label("Address").press("Enter")
    wire.until_waits("connect")
    search = tab.get_by_role("searchbox")
    search.click()
    tab.keyboard.type("be")
    wire.spoil("connect")
    wire.let("connect")
    expect(tab.locator("#connect-note")).to_contain_text("No answer in time.")
    tab.keyboard.type("la")
    expect(search).to_have_value("bela")


def test_a_conversation_can_be_opened_before_the_event_about_it_comes(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit).open(page="peers")
    wire = Wire(tab)
    expect(tab.locator(".known .empty")).to_be_visible()
    wire.keep("patch")
    tab.get_by_label("Address").fill("10.0.0.8:5000")
    tab.get_by_label("Address").press("Enter")
    tab.get_by_role("button", name="Open the conversation").click()
    expect(tab.locator(".talk")).to_be_visible()
    wire.let("patch")
    ready(tab, "10.0.0.8:5000")


def test_what_is_looked_for_before_the_page_knows_its_node_is_found(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector room is free")
    tab = wired(visit, words=("hello",)).open(early=True)
    tab.get_by_role("searchbox").fill("projector")
    wire = Wire(tab)
    wire.until_waits("hello", "words")
    wire.mend()
    expect(tab.locator(".list .hit")).to_contain_text("the projector room is free")
    expect(tab.locator(".list .hint")).to_be_hidden()


def test_a_search_whose_answer_was_lost_is_asked_again(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector here")
    tab = wired(visit, frames=("search",)).open(page="search", room="&q=projector")
    wire = Wire(tab)
    wire.until_waits("search")
    wire.spoil("search")
    wire.let("search")
    expect(tab.locator(".hits .hit")).to_have_count(1)


def test_what_is_being_indexed_joins_though_an_answer_was_lost(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector here")
    node.pending = 1
    tab = wired(visit).open(page="search", room="&q=projector")
    wire = Wire(tab)
    expect(tab.locator(".results .pending")).to_be_visible()
    wire.spoil("search")
    asked = wire.asked("search")
    until(lambda: wire.asked("search") > asked, "it is asked again by itself")
    node.pending = 0
    expect(tab.locator(".results .pending")).to_be_hidden()


def test_who_leaves_while_typing_finds_what_was_typed(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector here")
    # Typing has not rested yet when the page is left.
    tab = visit().hold(220).open(page="search")
    tab.get_by_role("searchbox").fill("projector")
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peers h1")).to_be_visible()
    tab.locator(".page", has_text="Search").click()
    expect(tab.get_by_role("searchbox")).to_have_value("projector")
    expect(tab.locator(".hits .hit")).to_have_count(1)


def test_a_filter_chosen_while_the_connection_breaks_holds(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "hello anna")
    tab = wired(visit).open(page="activity")
    wire = Wire(tab)
    rows = tab.locator(".rows .row")
    expect(rows.filter(has_text="hello anna")).to_be_visible()
    wire.keep("events")
    tab.get_by_role("button", name="Peers", exact=True).click()
    wire.until_waits("events")
    wire.cut()
    wire.let("events")
    wire.mend()
    expect(rows.filter(has_text="A new peer: bela")).to_be_visible()
    expect(rows.filter(has_text="hello anna")).to_have_count(0)
    expect(tab.locator(".rows .row[data-kind=peers]")).to_have_count(1)
    expect(rows).to_have_count(1)
