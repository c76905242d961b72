"""The dashboard as people use it: a real browser, a real server process, a node that speaks the whole bus."""

from __future__ import annotations

import os
import re
import threading

import pytest
from playwright.sync_api import expect

from node.bus import envelopes as en
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.e2e.browser import ROOT, SCREENSHOTS, Dashboard, Visit, bubble, field, room, standing, until, write
from tests.support.fake_node import FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: In ms. What is some minutes ahead stays so, however slow this machine is.
MINUTE = 60_000


def test_says_and_hears(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open()
    room(tab, "bela").click()
    write(tab, "hello bela")
    expect(bubble(tab, "hello bela").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("")
    assert [one.text for one in node.messages[bela.room]] == ["hello bela"]
    node.receive(bela, "hello anna")
    expect(bubble(tab, "hello anna")).to_be_visible()
    expect(room(tab, "bela").locator(".preview")).to_have_text("hello anna")
    expect(tab.locator(".log .row")).to_have_count(2)


def test_states_are_told_with_their_reason(node: FakeNode, visit: Visit) -> None:
    cian = node.add_peer("cian", link="offline", wanted=True)
    node.retry(cian, in_ms=400_000)
    tab = visit().open(cian.room)
    write(tab, "are you there?")
    state = bubble(tab, "are you there?").locator(".state")
    expect(state).to_have_text("waiting")
    node.retry(cian, in_ms=50 * MINUTE)
    expect(tab.locator(".waits")).to_have_text(re.compile(r"1 message waits: cian is offline, next try in \d\d min\."))
    state.hover()
    expect(tab.locator(".talk .tip")).to_have_text(re.compile(r"waiting · cian is offline, next try in \d\d min"))
    tab.mouse.move(5, 5)
    expect(tab.locator(".talk .tip")).to_be_hidden()
    state.focus()
    expect(tab.locator(".talk .tip")).to_be_visible()
    message = node.messages[cian.room][0]
    node.set_state(message, "failed", "It refused the connection.")
    row = bubble(tab, "are you there?")
    expect(row.locator(".repair .why")).to_have_text("It refused the connection.")
    row.get_by_role("button", name="Try again").click()
    expect(state).to_have_text("waiting")
    assert "resend" in node.commands
    node.set_state(message, "unconfirmed")
    expect(row.get_by_role("button", name="Send again")).to_be_visible()
    node.set_state(message, "sent", marks=["altered"])
    expect(row.locator(".mark")).to_have_text("altered")
    expect(row.locator(".repair").get_by_role("button")).to_have_count(0)


def test_unread_agrees_between_two_browsers(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    one, two = visit().open(), visit().open(cian.room)
    expect(room(one, "bela")).to_be_visible()
    expect(room(two, "bela")).to_be_visible()
    node.receive(bela, "first")
    node.receive(bela, "second")
    for tab in (one, two):
        expect(room(tab, "bela").locator(".count")).to_have_text("2")
        expect(tab.locator(".page[aria-current] .count")).to_have_text("2")
        expect(tab).to_have_title("(2) Chats · Snicher")
    room(one, "bela").click()
    for tab in (one, two):
        expect(room(tab, "bela").locator(".count")).to_have_text("")
        expect(tab).to_have_title("Chats · Snicher")
    until(lambda: node.unread(bela.room) == 0, "read at the node")
    # Somebody who has the conversation open but looks elsewhere in it has not read what comes at its end.
    for number in range(60):
        node.receive(bela, f"line {number}")
    expect(bubble(one, "line 59")).to_be_visible()
    until(lambda: node.unread(bela.room) == 0, "read while following the end")
    one.locator(".log").evaluate("log => log.scrollTop = 0")
    expect(one.locator(".jump")).to_be_visible()
    node.receive(bela, "below the fold")
    expect(room(two, "bela").locator(".count")).to_have_text("1")
    expect(one.locator(".jump .count")).to_have_text("1")
    assert node.unread(bela.room) == 1
    one.locator(".jump").click()
    expect(room(two, "bela").locator(".count")).to_have_text("")


def test_what_comes_before_the_readers_eyes_never_shows_as_unread(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    node.receive(bela, "first")
    expect(bubble(tab, "first")).to_be_visible()
    until(lambda: node.unread(bela.room) == 0, "read")
    expect(tab).to_have_title("Chats · Snicher")
    tab.evaluate(
        """() => {
            window.shown = new Set();
            const look = () => {
                const roots = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
                const find = what => roots.map(root => root.querySelector(what)).find(Boolean);
                window.shown.add(find('.page[aria-current] .count').textContent);
                window.shown.add(find('.room .count').textContent);
                window.shown.add(document.title);
            };
            const all = {childList: true, subtree: true, characterData: true, attributes: true};
            const shadows = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
            for (const root of [document, ...shadows]) new MutationObserver(look).observe(root, all);
        }"""
    )
    for number in range(5):
        node.receive(bela, f"number {number}")
        expect(bubble(tab, f"number {number}")).to_be_visible()
        until(lambda: node.unread(bela.room) == 0, "read at the node")
    assert tab.evaluate("[...window.shown].sort()") == ["", "Chats · Snicher"]


def test_who_leaves_at_once_has_read_what_stood_before_them(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    tab = visit().open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    # Leaves in the very turn in which the text is drawn.
    leave = """([text, what]) => {
        const roots = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
        const find = what => roots.map(root => root.querySelector(what)).find(Boolean);
        new MutationObserver((_, observer) => {
            if (!find('.rows').textContent.includes(text)) return;
            observer.disconnect();
            find(what).click();
        }).observe(find('.rows'), {childList: true, subtree: true});
    }"""
    tab.evaluate(leave, ["to the other", f".room[href*='{cian.room}']"])
    node.receive(bela, "to the other")
    expect(tab.locator(".talk h2")).to_have_text("cian")
    until(lambda: node.unread(bela.room) == 0, "read though another conversation was opened")
    room(tab, "bela").click()
    expect(bubble(tab, "to the other")).to_be_visible()
    tab.evaluate(leave, ["to the peers", ".page[href='/peers']"])
    node.receive(bela, "to the peers")
    expect(tab.get_by_role("heading", name="Peers")).to_be_visible()
    until(lambda: node.unread(bela.room) == 0, "read though another page was opened")


def test_a_hidden_tab_reads_nothing(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    hide = "value => Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => value})"
    tab.evaluate(hide, "hidden")
    node.receive(bela, "while away")
    expect(bubble(tab, "while away")).to_be_attached()
    expect(tab.locator(".newline")).to_be_attached()
    expect(room(tab, "bela").locator(".count")).to_have_text("1")
    assert node.unread(bela.room) == 1
    tab.evaluate(hide, "visible")
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(room(tab, "bela").locator(".count")).to_have_text("")


def test_drafts_survive_switching_reload_and_the_node(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    tab = visit().open(bela.room)
    field(tab).fill("half a thought for bela")
    room(tab, "cian").click()
    expect(field(tab)).to_have_value("")
    field(tab).fill("and one\nfor cian")
    room(tab, "bela").click()
    expect(field(tab)).to_have_value("half a thought for bela")
    tab.reload()
    expect(tab.locator(".talk h2")).to_have_text("bela")
    expect(field(tab)).to_have_value("half a thought for bela")
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peers h1")).to_have_text("Peers")
    tab.locator(".page", has_text="Chats").click()
    expect(field(tab)).to_have_value("half a thought for bela")
    node.stop(politely=False)
    expect(tab.locator(".strip")).to_contain_text("The node is away since")
    field(tab).press("End")
    field(tab).type(", continued")
    node.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(field(tab)).to_have_value("half a thought for bela, continued")
    room(tab, "cian").click()
    expect(field(tab)).to_have_value("and one\nfor cian")
    assert not node.messages.get(bela.room) and not node.messages.get(cian.room)


def test_what_is_sent_while_the_node_is_away_goes_out_once(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    expect(tab.locator(".strip")).to_contain_text("python -m node run")
    write(tab, "kept for later")
    write(tab, "and this after it")
    expect(bubble(tab, "kept for later").locator(".state")).to_have_text("not yet taken")
    tab.reload()
    node.start()
    expect(bubble(tab, "and this after it").locator(".state")).to_have_text("sent")
    assert [one.text for one in node.messages[bela.room]] == ["kept for later", "and this after it"]
    expect(tab.locator(".log .row")).to_have_count(2)


#: Counts in `sends` how often the page asked for a text to be sent.
COUNT_SENDS = """
(() => {
  const send = WebSocket.prototype.send;
  window.sends = 0;
  WebSocket.prototype.send = function (word) {
    if (String(word).includes('"t":"send"')) window.sends++;
    return send.call(this, word);
  };
})();
"""
#: Watches how often a text stands in the log: `most` is how often it did at most.
COUNT_ROWS = """
(log, text) => {
  window.most = 0;
  const count = () => {
    const rows = [...log.querySelectorAll(".row .text")].filter((one) => one.textContent === text);
    window.most = Math.max(window.most, rows.length);
  };
  new MutationObserver(count).observe(log, { childList: true, subtree: true, characterData: true });
}
"""


def test_a_lost_reply_never_doubles(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    visitor.context.add_init_script(COUNT_SENDS)
    tab = visitor.open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    expect(tab.locator(".rows.empty")).to_have_count(1)
    tab.locator(".log").evaluate(COUNT_ROWS, "only once")
    # The message is there, and its reply is lost until the dashboard's server gives up and the page asks again.
    free = node.hold_every["send"] = threading.Event()
    write(tab, "only once")
    until(lambda: tab.evaluate("window.sends") > 1, "the page asks again")
    expect(bubble(tab, "only once").locator(".state")).to_have_text("sent")
    free.set()
    # The next one has to wait until the first one is answered.
    write(tab, "another one")
    expect(bubble(tab, "another one").locator(".state")).to_have_text("sent")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    expect(bubble(tab, "only once")).to_have_count(1)
    assert tab.evaluate("window.most") == 1
    assert [one.text for one in node.messages[bela.room]] == ["only once", "another one"]


def test_a_refused_text_is_kept_and_says_why(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")

    def refuse(command: en.Command) -> None:
        if command.op == "send":
            raise CommandRefused("no_address", "No address.")

    node.before = refuse
    tab = visit().open(bela.room)
    write(tab, "precious words")
    row = bubble(tab, "precious words")
    expect(row.locator(".state")).to_have_text("not sent")
    expect(row.locator(".repair .why")).to_contain_text("has to connect to you first")
    tab.reload()
    expect(row.locator(".state")).to_have_text("not sent")
    row.get_by_role("button", name="Edit").click()
    expect(field(tab)).to_have_value("precious words")
    expect(row).to_have_count(0)
    node.before = lambda command: None
    field(tab).press("Enter")
    expect(row.locator(".state")).to_have_text("sent")


def test_a_full_disk_is_told_and_heals(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    node.set_health(nouns.Health(store=False, problem="No space left on the device."))
    expect(tab.locator(".strip")).to_contain_text("No space left on the device.")
    write(tab, "patience")
    expect(bubble(tab, "patience").locator(".state")).to_have_text("not yet taken")
    node.set_health(nouns.Health())
    expect(bubble(tab, "patience").locator(".state")).to_have_text("sent")
    expect(tab.locator(".strip")).to_be_hidden()


def test_the_server_may_be_started_again(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    write(tab, "before")
    expect(bubble(tab, "before").locator(".state")).to_have_text("sent")
    visitor.forgiving = True
    assert dashboard.stop() == 0
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "meanwhile")
    node.receive(bela, "unseen so far")
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(bubble(tab, "unseen so far")).to_be_visible()
    expect(bubble(tab, "meanwhile").locator(".state")).to_have_text("sent")


def test_a_server_that_stays_away_leaves_the_page_to_the_reader(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    """Streamlit would lay a dialog over it that asks for the internet."""
    bela = node.add_peer("bela")
    node.receive(bela, "read me")
    visitor = visit()
    tab = visitor.open(bela.room)
    expect(bubble(tab, "read me")).to_be_visible()
    visitor.forgiving = True
    with tab.expect_console_message(lambda line: "not responding" in line.text, timeout=90_000):
        assert dashboard.stop() == 0
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    field(tab).click()
    tab.keyboard.type("still here")
    expect(field(tab)).to_have_value("still here")
    assert tab.get_by_role("dialog").count() == 0


def test_nothing_moves_when_the_server_was_started_again(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(400)]
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    visitor = visit()
    tab = visitor.open(f"{bela.room}&message={said[150].id}")
    row = bubble(tab, "number 150")
    expect(row).to_be_in_viewport()
    # More than one page is loaded, and the reader is not in the middle of it.
    until(lambda: tab.locator(".log .row").count() > 120, "pages around it")
    at = standing(row)
    visitor.forgiving = True
    assert dashboard.stop() == 0
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    node.receive(bela, "said meanwhile")
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(tab.locator(".jump .count")).to_have_text("1")
    until(lambda: node.commands.count("history") > 3, "the window was asked for again")
    # The strip took some room from above while it was there; the message is where it was.
    expect(row).to_be_in_viewport()
    until(lambda: abs((row.bounding_box() or {"y": 0})["y"] - at) <= 2, "it stands where it stood")


HOSTILE = [
    "![x](http://10.99.0.1/pixel.png)",
    "<img src=http://10.99.0.1/x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "\u202egnp.exe\u202c and \u0007 bell",
    "[link](javascript:alert(1)) :material/home: $x^2$",
]


def test_hostile_text_stays_text(node: FakeNode, visit: Visit) -> None:
    evil = node.add_peer("![n](http://10.99.0.1/name.png)<img src=x onerror=alert(1)>\u202eevil")
    for text in HOSTILE:
        node.receive(evil, text)
        node.receive(evil, text, kind="notice")
    tab = visit().open(evil.room)
    for text in HOSTILE[:3]:
        expect(bubble(tab, text)).to_be_visible()
    assert tab.locator(".chats img, .chats script, .frame img").count() == 0
    page_text = tab.locator(".chats").inner_text()
    assert "\u202e" not in page_text and "\u0007" not in page_text and "␇ bell" in page_text
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peer .name")).to_contain_text("![n](http://10.99.0.1/name.png)")
    assert tab.locator(".peers img").count() == 0
    assert "owned" not in tab.title()
    # That nothing was requested from 10.99.0.1 is checked by the fixture, for this and every test.


def test_keyboard(node: FakeNode, visit: Visit) -> None:
    bela, cian, dora = (node.add_peer(name) for name in ("bela", "cian", "dora"))
    for peer in (dora, cian, bela):
        node.receive(peer, f"from {peer.name}", at=now() - 1000 * (3 - int(peer.room[-1])))
    tab = visit().open()
    expect(room(tab, "bela")).to_be_visible()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("cia")
    expect(tab.locator(".list .room")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab.locator(".talk h2")).to_have_text("cian")
    expect(field(tab)).to_be_focused()
    tab.keyboard.type("one")
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.type("two")
    expect(field(tab)).to_have_value("one\ntwo")
    tab.keyboard.press("Enter")
    expect(bubble(tab, "two").locator(".state")).to_have_text("sent")
    assert node.messages[cian.room][-1].text == "one\ntwo"
    expect(tab.locator(".list .room").first).to_contain_text("cian")
    # Now cian leads the list: down goes to the next one, and up comes back.
    tab.keyboard.press("Alt+ArrowDown")
    expect(tab.locator(".talk h2")).not_to_have_text("cian")
    tab.keyboard.press("Alt+ArrowUp")
    expect(tab.locator(".talk h2")).to_have_text("cian")
    tab.keyboard.press("Control+k")
    tab.keyboard.press("ArrowDown")
    expect(room(tab, "cian")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.locator(".talk h2")).not_to_have_text("cian")
    # Esc leaves the composer for the messages; whoever types there means the composer.
    tab.keyboard.press("Escape")
    expect(tab.locator(".log")).to_be_focused()
    tab.keyboard.type("typed over the log")
    expect(field(tab)).to_have_value("typed over the log")
    field(tab).fill("")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("nobody at all")
    expect(tab.locator(".list .hint")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator(".list .room")).to_have_count(3)
    expect(field(tab)).to_be_focused()


def test_what_happens_is_said_to_screen_readers_on_every_page(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    message = node.say(bela.room, "are you there?")
    visitor = visit().hold(1500)
    tab = visitor.open(page="peers")
    expect(tab.locator(".peer .name")).to_have_text("bela")
    said = tab.locator(".frame [aria-live=polite]")
    node.receive(bela, "hello anna")
    expect(said).to_have_text("bela: hello anna")
    visitor.let_go(tab)
    expect(said).to_have_text("")
    # The same again is said again.
    node.receive(bela, "hello anna")
    expect(said).to_have_text("bela: hello anna")
    visitor.let_go(tab)
    expect(said).to_have_text("")
    node.set_state(message, "failed", "It refused the connection.")
    expect(said).to_have_text("A message to bela failed: It refused the connection.")
    # A flood meanwhile is summed up.
    for number in range(50):
        node.receive(bela, f"flood {number}")
    expect(tab.locator(".page", has_text="Chats").locator(".count")).to_have_text("52")
    visitor.let_go(tab)
    expect(said).to_have_text("50 new messages, the last: bela: flood 49")


def test_older_messages_come_as_one_scrolls_and_nothing_jumps(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    start = now() - 10_000_000
    for number in range(500):
        node.receive(bela, f"number {number:03}", at=start + number * 1000)
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    tab = visit().open(bela.room)
    expect(bubble(tab, "number 499")).to_be_visible()
    log = tab.locator(".log")
    seen_first: str | None = None
    while seen_first != "number 000":
        log.evaluate("log => log.scrollTop = 0")
        before = seen_first
        expect(tab.locator(".log .row .text").first).not_to_have_text(before or "number 499")
        tab.wait_for_function(
            """(before) => {
                const log = document.querySelector('[data-testid=stMain]') && [...document.querySelectorAll('*')]
                    .map(e => e.shadowRoot?.querySelector('.log')).find(Boolean);
                const first = log.querySelector('.row .text').textContent;
                return first === 'number 000' || (first !== before && log.scrollTop > 100);
            }""",
            arg=before,
        )
        seen_first = tab.locator(".log .row .text").first.text_content()
        assert tab.locator(".log .row").count() <= 300
    expect(tab.locator(".log .top")).to_contain_text("This is where it begins.")
    # The reader is far up: what comes in at the end moves nothing.
    log.evaluate("log => log.scrollTop = 900")
    where = "log => [...log.querySelectorAll('.row')].find(r => r.getBoundingClientRect().top > 100).textContent"
    at = log.evaluate(where)
    node.receive(bela, "number 500, just now")
    expect(tab.locator(".jump .count")).to_have_text("1")
    assert log.evaluate(where) == at
    tab.locator(".jump").click()
    expect(bubble(tab, "number 500")).to_be_visible()
    expect(tab.locator(".jump")).to_be_hidden()
    until(lambda: node.unread(bela.room) == 0, "read at the end")


def test_the_jump_to_the_newest_arrives_however_late_the_page_comes(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 500_000 + number * 1000) for number in range(400)]
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    tab = visit().open()
    expect(room(tab, "bela")).to_be_visible()
    tab.keyboard.press("Control+k")
    tab.keyboard.insert_text('"number 040"')
    tab.locator(".hit").click()
    expect(bubble(tab, "number 040")).to_be_in_viewport()
    free = node.hold_back["history"] = threading.Event()
    tab.locator(".jump").click()
    # What is said while the page is under way is in it at the end.
    until(lambda: "history" not in node.hold_back, "the page was asked for")
    # The scrolling that was going on when the button was pressed is told of late.
    tab.locator(".log").evaluate("log => log.dispatchEvent(new Event('scroll'))")
    node.receive(bela, "said meanwhile")
    free.set()
    expect(bubble(tab, "said meanwhile")).to_be_in_viewport()
    expect(tab.locator(".jump")).to_be_hidden()
    texts = tab.locator(".log .row .text").all_text_contents()
    assert texts == [one.text for one in said[-len(texts) + 1 :]] + ["said meanwhile"]


def test_a_search_hit_opens_in_its_context(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(300):
        text = {40: "the needle is here", 41: "\u6d77\u8fb9"}.get(number, f"hay {number}")
        node.receive(bela, text, at=now() - 1_000_000 + number * 1000)
    tab = visit().open()
    expect(room(tab, "bela")).to_be_visible()
    tab.keyboard.press("Control+k")
    hit = tab.locator(".hit")
    # A script without spaces: one character may be a word.
    tab.keyboard.insert_text("\u6d77")
    expect(hit.locator("mark")).to_have_text("\u6d77")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("needl")
    expect(hit).to_contain_text("needle")
    hit.click()
    expect(bubble(tab, "the needle is here")).to_be_in_viewport()
    expect(bubble(tab, "hay 39")).to_be_visible()
    assert node.unread(bela.room) == 300, "looking at an old message reads nothing"


def test_the_new_line_stands_where_reading_stopped(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(10):
        node.receive(bela, f"old {number}", at=now() - 100_000 + number)
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    for number in range(60):
        node.receive(bela, f"new {number:02}", at=now() - 50_000 + number)
    tab = visit().open(bela.room)
    line = tab.locator(".newline")
    expect(line).to_be_in_viewport()
    expect(bubble(tab, "old 9")).to_be_in_viewport()
    assert line.evaluate("line => line.nextSibling.textContent").count("new 00")
    assert node.unread(bela.room) == 60, "the end was not seen yet"
    tab.locator(".jump").click()
    until(lambda: node.unread(bela.room) == 0, "read once the end was seen")


def test_the_new_line_waits_until_its_place_is_loaded(node: FakeNode, visit: Visit) -> None:
    """Of a conversation that nobody ever read, or where much of one's own was said since, the newest come first."""
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    for number in range(230):
        node.receive(bela, f"never read {number:03}", at=now() - 100_000 + number)
    node.receive(cian, "read", at=now() - 100_000)
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=cian.room)))
    node.receive(cian, "not read", at=now() - 99_999)
    for number in range(150):
        node.say(cian.room, f"from a bot {number:03}", state="sent", at=now() - 90_000 + number)
    tab = visit().open(bela.room)
    line = tab.locator(".newline")
    expect(tab.locator(".jump .count")).to_have_text("230")
    tab.locator(".log").focus()
    expect(bubble(tab, "never read 000")).to_be_attached()
    expect(line).to_have_count(1)
    assert line.evaluate("line => line.nextSibling.textContent").count("never read 000")
    room(tab, "cian").click()
    expect(line).to_be_in_viewport()
    assert line.evaluate("line => line.nextSibling.textContent").count("not read")


def test_peers_page(node: FakeNode, visit: Visit) -> None:
    node.add_peer("bela", last_seen=now())
    # What asks "Really?" does so until it is answered.
    tab = visit().hold(4000).open(page="peers")
    expect(tab.locator(".peer .name")).to_have_text("bela")
    address = tab.get_by_label("Address")
    address.fill("not an address")
    tab.get_by_role("button", name="Connect", exact=True).click()
    note = tab.locator("#connect-note")
    expect(note).to_contain_text("is not HOST:PORT")
    expect(address).to_have_value("not an address")
    address.fill("127.0.0.9:5050")
    address.press("Enter")
    expect(note).to_contain_text("Connecting to 127.0.0.9:5050")
    expect(address).to_have_value("")
    row = tab.locator(".peer", has_text="127.0.0.9:5050")
    expect(row.locator(".presence")).to_have_text("connecting")
    new = next(peer for peer in node.state.peers.values() if peer.host == "127.0.0.9")
    new = node.change_peer(new, link="offline", error="Nobody listens there (connection refused).")
    node.retry(new, in_ms=50 * MINUTE, reason="Nobody listens there (connection refused).")
    expect(row.locator(".why")).to_have_text(re.compile(r"Nobody listens there .*\. Next try in \d\d min\."))
    expect(note).to_contain_text("can't be reached")
    new = node.change_peer(new, link="online", error=None, name="eve", dialect="std", dialect_from="seen")
    row = tab.locator(".peer", has_text="eve")
    expect(row.locator(".presence")).to_have_text("online")
    expect(note).to_contain_text("eve is online. Not encrypted:")
    row.get_by_role("button", name="Disconnect").click()
    expect(row.locator(".presence")).to_have_text("offline")
    expect(tab.locator(".page", has_text="Peers").locator(".count")).to_have_text("2")
    row.get_by_role("button", name="Forget").click()
    row.get_by_role("button", name="Forget").click()
    expect(row).to_have_count(0)
    tab.locator(".peer").get_by_role("button", name="Chat", exact=True).click()
    expect(tab.locator(".talk h2")).to_have_text("bela")
    expect(tab).to_have_url(re.compile("room="))


def test_a_peer_that_is_tried_again_keeps_its_place_and_its_reason(node: FakeNode, visit: Visit) -> None:
    refused = {"link": "offline", "wanted": True, "error": "It refused the connection."}
    node.add_peer("zora")
    node.add_peer("anton", **refused)
    bert = node.add_peer("bert", **refused)
    node.retry(bert, in_ms=50 * MINUTE)
    tab = visit().open(page="peers")
    row = tab.locator(".peer", has_text="bert")
    expect(row.locator(".why")).to_have_text(re.compile(r"It refused the connection\. Next try in \d\d min\."))
    expect(tab.locator(".peer .name")).to_have_text(["zora", "anton", "bert"])
    node.change_peer(bert, link="connecting")
    expect(row.locator(".why")).to_have_text("It refused the connection. Trying now.")
    expect(tab.locator(".peer .name")).to_have_text(["zora", "anton", "bert"])


def test_deep_link_and_back_on_a_small_screen(node: FakeNode, visit: Visit) -> None:
    bela, _ = node.add_peer("bela"), node.add_peer("cian")
    node.receive(bela, "hi there")
    tab = visit(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True).open()
    expect(room(tab, "bela")).to_be_visible()
    room(tab, "bela").tap()
    expect(tab.locator(".talk h2")).to_be_visible()
    expect(room(tab, "bela")).to_be_hidden()
    assert f"room={bela.room}" in tab.url
    tab.reload()
    expect(tab.locator(".talk h2")).to_have_text("bela")
    write(tab, "from a phone")
    expect(bubble(tab, "from a phone")).to_be_visible()
    tab.locator(".back").tap()
    expect(room(tab, "cian")).to_be_visible()
    room(tab, "cian").tap()
    expect(tab.locator(".talk h2")).to_have_text("cian")
    tab.go_back()
    expect(room(tab, "cian")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_no_chrome_of_streamlit_shows(node: FakeNode, visit: Visit) -> None:
    node.add_peer("bela")
    tab = visit().open()
    expect(room(tab, "bela")).to_be_visible()
    for part in ("stHeader", "stToolbar", "stSidebar", "stStatusWidget", "stDecoration"):
        expect(tab.get_by_test_id(part).locator("visible=true")).to_have_count(0)
    tab.keyboard.press("Tab")
    expect(tab.locator(".page").first).to_be_focused()
    expect(tab.locator("link[rel~='icon']")).to_have_attribute("href", re.compile("^data:image/png"))


def test_rapid_messages_show_one_by_one_in_order(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    node.receive(bela, "warm up")
    expect(bubble(tab, "warm up")).to_be_visible()
    # The page notes each text when it appears: how soon is measured by tests/bench/pixels.py.
    tab.evaluate(
        """() => {
            const roots = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
            const rows = roots.map(root => root.querySelector('.rows')).find(Boolean);
            window.seen = [];
            new MutationObserver(changes => {
                for (const node of changes.flatMap(change => [...change.addedNodes])) {
                    const texts = node.nodeType === Node.ELEMENT_NODE ? node.querySelectorAll('.text') : [];
                    window.seen.push(...[...texts].map(text => text.textContent));
                }
            }).observe(rows, {childList: true, subtree: true});
        }"""
    )
    texts = [f"rapid {number}" for number in range(40)]
    for text in texts:
        node.receive(bela, text)
    expect(bubble(tab, texts[-1])).to_be_visible()
    assert tab.evaluate("window.seen") == texts


def test_a_flood_keeps_the_page_small_and_loses_nothing(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    # Whoever opens it only now, in the middle of the flood, begins where reading stopped: before all of it.
    node.receive(bela, "warm up")
    expect(bubble(tab, "warm up")).to_be_visible()
    until(lambda: node.unread(bela.room) == 0, "read")
    for number in range(3000):
        node.receive(bela, f"flood {number}")
    expect(bubble(tab, "flood 2999")).to_be_in_viewport()
    assert tab.locator(".log .row").count() <= 400
    until(lambda: node.unread(bela.room) == 0, "read at the end")
    # Reports of what was read are paced: a flood of messages is no flood of commands.
    assert node.commands.count("mark_read") < 300
    shown = tab.locator(".log .row .text").all_text_contents()
    assert shown == [f"flood {number}" for number in range(3000 - len(shown), 3000)]


def test_the_picture_in_the_readme_is_a_picture_of_this(node: FakeNode, visit: Visit) -> None:
    """The picture of README.md. With README_PICTURE set, it is put where README.md shows it."""
    bela, cian = node.add_node("bela", last_seen=now()), node.add_node("cian", link="offline")
    alpha, dora = node.add_peer("ALPHA", dialect="std", link="reachable"), node.add_node("dora")
    node.store_there(node.say(dora.room, "Fine, nine o'clock.", at=now() - 90 * MINUTE))
    node.receive(alpha, "got it, thanks", at=now() - 70 * MINUTE)
    node.say(cian.room, "Can you take the night shift?", at=now() - 40 * MINUTE)
    node.receive(bela, "Morning. Is the build machine in lab 2 back?", at=now() - 30 * MINUTE)
    node.say(bela.room, "Yes, since eight. I put its address on the board.", at=now() - 29 * MINUTE)
    node.receive(bela, "Great, thanks!", at=now() - 28 * MINUTE)
    node.receive(bela, "Can anybody else on the network read this?", at=now() - 12 * MINUTE)
    read = node.say(bela.room, "No, it's encrypted. Compare our codes if you like.", at=now() - 11 * MINUTE)
    node.store_there(read)
    node.read_there(read)
    node.receive(bela, "The projector room is free now 🎉", at=now() - 3 * MINUTE)
    node.store_there(node.say(bela.room, "On my way.", at=now() - 1 * MINUTE))
    tab = visit(color_scheme="light").open()
    tab.set_viewport_size({"width": 1180, "height": 660})
    room(tab, "bela").click()
    expect(bubble(tab, "The projector room is free now")).to_be_in_viewport()
    # Only now: a page shows nobody typing for longer than 15 s, and a busy machine takes its time to open one.
    node.types(bela, for_ms=3_600_000)
    expect(tab.locator(".talk .typing")).to_have_text("bela is typing…")
    SCREENSHOTS.mkdir(exist_ok=True)
    picture = tab.screenshot(path=SCREENSHOTS / "readme.png")
    if os.environ.get("README_PICTURE"):
        (ROOT / "dashboard" / "screenshot.png").write_bytes(picture)
