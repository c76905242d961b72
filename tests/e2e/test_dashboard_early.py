"""What is done before a page is ready, and what arrives in another order than usual, held back until it is let go."""

from __future__ import annotations

import threading

import msgspec
import pytest
from playwright.sync_api import Route, expect

from node.bus import requests as rq
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, bubble, field, settled, until, write
from tests.support.fake_node import PATIENCE, FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: The page says hello to the server, and hears of the node, when `letIn` is called.
HOLD_HELLO = """
(() => {
  const send = WebSocket.prototype.send;
  let open = false, held = null;
  WebSocket.prototype.send = function (word) {
    if (open || !String(word).includes('"t":"hello"')) return send.call(this, word);
    held = () => send.call(this, word);
  };
  window.letIn = () => { open = true; held?.(); };
})();
"""
#: From `holdNews` to `letNews`, what was said is told by pages of history only: no events, and no answers to sending.
HOLD_NEWS = """
(() => {
  const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  let holding = false, held = [];
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    set(work) {
      set.call(this, (event) => {
        if (holding && /"t":"patch"|"result":{"message":/.test(event.data)) held.push(() => work(event));
        else work(event);
      });
    },
  });
  window.holdNews = () => (holding = true);
  window.letNews = () => { holding = false; for (const go of held.splice(0)) go(); };
})();
"""


def test_what_is_written_before_the_page_knows_the_node_is_kept(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    field(tab).fill("begun yesterday")
    tab.close()
    visitor.context.add_init_script(HOLD_HELLO)
    # Closed before it heard of the node.
    tab = visitor.open(bela.room, early=True)
    write(tab, "said first")
    field(tab).fill("begun today")
    tab.close()
    tab = visitor.open(bela.room, early=True)
    expect(field(tab)).to_have_value("begun today")
    tab.evaluate("window.letIn()")
    expect(bubble(tab, "said first").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("begun yesterday\nbegun today")
    # Still open when it heard of the node.
    tab.reload()
    write(tab, "said second")
    tab.evaluate("window.letIn()")
    expect(bubble(tab, "said second").locator(".state")).to_have_text("sent")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    expect(tab.locator(".log .row")).to_have_count(2)
    expect(field(tab)).to_have_value("begun yesterday\nbegun today")
    assert [one.text for one in node.messages[bela.room]] == ["said first", "said second"]


def test_what_is_asked_before_the_server_is_reached_waits_for_it(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    visitor.context.add_init_script(HOLD_HELLO)
    tab = visitor.open(page="peers", early=True)
    tab.get_by_label("Address").fill("127.0.0.9:5050")
    tab.get_by_label("Address").press("Enter")
    note = tab.locator("#connect-note")
    expect(note).to_contain_text("Asking your node…")
    tab.evaluate("window.letIn()")
    expect(note).to_contain_text("Connecting to 127.0.0.9:5050")
    expect(tab.locator(".peer .name")).to_have_text("127.0.0.9:5050")


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


def test_a_page_of_history_that_is_faster_than_the_answer_doubles_nothing(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    node.say(bela.room, "said twice", state="sent")
    visitor = visit()
    visitor.context.add_init_script(HOLD_NEWS)
    tab = visitor.open(bela.room)
    expect(tab.locator(".log .row")).to_have_count(1)
    tab.evaluate("window.holdNews()")
    write(tab, "said twice")
    expect(tab.locator(".row[data-pending]")).to_have_count(1)
    until(lambda: len(node.messages[bela.room]) == 2, "the node has it")
    # The conversation is loaded anew: what is on its way is in it already.
    tab.locator(f".room[href*='{cian.room}']").click()
    expect(tab.locator(".talk h2")).to_have_text("cian")
    tab.locator(f".room[href*='{bela.room}']").click()
    expect(tab.locator(".log .row")).to_have_count(2)
    tab.evaluate("window.letNews()")
    expect(tab.locator(".row .state")).to_have_text(["sent", "sent"])
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    assert len(node.messages[bela.room]) == 2


def test_older_messages_that_come_late_close_no_menu(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(150):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    free = threading.Event()

    def hold_older(command: rq.Command) -> None:
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


def test_what_could_not_be_loaded_is_asked_for_until_it_is_there(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "before")
    refused: list[str] = []

    def refuse(command: rq.Command) -> None:
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
