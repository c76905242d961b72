"""The Activity page as people use it: live figures and log, filters, older events, and what goes wrong."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard import registry
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import nouns
from node.errors import CommandRefused
from tests.e2e.browser import Visit, standing, until, until_copied
from tests.support.fake_node import FakeNode, fill, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: In ms. What is some minutes ahead stays so, however slow this machine is.
MINUTE = 60_000


def row(tab: Page, text: str) -> Locator:
    return tab.locator(".rows .row", has_text=text)


def figure(tab: Page, name: str) -> Locator:
    return tab.locator(f".st-key-card-{name}")


def value(tab: Page, name: str) -> Locator:
    return figure(tab, name).get_by_test_id("stMetricValue")


def sign(tab: Page, name: str) -> Locator:
    return tab.locator(f".st-key-sign-{name}")


def main(tab: Page) -> Locator:
    """What scrolls."""
    return tab.get_by_test_id("stMain")


def fresh(tab: Page) -> Locator:
    return tab.locator(".fresh")


def loaded(tab: Page) -> Page:
    expect(tab.locator(".rows .row").first).to_be_visible()
    # The figures above are there as well: nothing grows any more.
    expect(value(tab, "stored")).to_have_text("12 MB")
    return tab


def all_heard(tab: Page, newest: str) -> Page:
    """The activity page, opened once the server has heard this: what it still has to hear comes live on top."""
    expect(tab.locator(".list .room .preview").first).to_have_text(newest)
    tab.locator(".page", has_text="Activity").click()
    return loaded(tab)


def test_events_come_live_in_plain_words(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = loaded(visit().open(page="activity"))
    expect(tab).to_have_title("Activity · Snicher")
    expect(row(tab, "A new peer: bela")).to_be_visible()
    node.receive(bela, "hello anna")
    newest = tab.locator(".rows .row").first
    expect(newest).to_contain_text("bela said: “hello anna”")
    expect(newest.locator("time")).to_have_text(re.compile(r"just now|\d+ s ago"))
    node.retry(bela, in_ms=50 * MINUTE)
    retry = row(tab, "bela can't be reached: It refused the connection.")
    expect(retry).to_have_text(re.compile(r"next try in \d\d min"))
    expect(retry.locator(".passing")).to_have_text("not kept")
    node.whisper("ConnectionNoticed", ev.ConnectionNoticed(address="10.0.0.66", what="Refused: garbage."))
    expect(row(tab, "10.0.0.66: Refused: garbage.")).to_be_visible()


def test_an_event_is_there_in_full_behind_its_row(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "x" * 5000)
    tab = loaded(visit(permissions=["clipboard-read", "clipboard-write"]).open(page="activity"))
    said = row(tab, "bela said")
    head = said.locator(".rowhead")
    expect(head).to_have_attribute("aria-expanded", "false")
    head.focus()
    head.press("Enter")
    expect(head).to_have_attribute("aria-expanded", "true")
    raw = said.locator(".raw")
    expect(raw).to_contain_text('"type": "MessageReceived"')
    event = json.loads(raw.text_content() or "")
    assert event["seq"] == len(node.events) and len(event["data"]["message"]["text"]) < 300
    expect(said.locator(".facts")).to_contain_text(f"Event {len(node.events)}")
    said.locator(".copybutton").click()
    until_copied(tab, lambda text: text and json.loads(text) == event)
    # Arrows go from row to row; the list is one stop for Tab.
    head.focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.locator(".rowhead").nth(1)).to_be_focused()
    tab.keyboard.press("End")
    expect(tab.locator(".rowhead").last).to_be_focused()
    said.get_by_role("button", name="Open the conversation").click()
    expect(tab.locator(".talk").get_by_role("heading", name="bela")).to_be_visible()


def test_nothing_moves_under_a_reader(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(150):
        node.receive(bela, f"line {number}")
    tab = all_heard(visit().open(), "line 149")
    place = row(tab, "“line 100”")
    place.scroll_into_view_if_needed()
    main(tab).evaluate("sheet => sheet.scrollTop += 400")
    at = standing(place)
    for number in range(3):
        node.receive(bela, f"new one {number}")
    expect(fresh(tab)).to_have_text("3 new events")
    expect(row(tab, "new one")).to_have_count(0)
    assert standing(place) == at
    fresh(tab).click()
    expect(row(tab, "new one 2")).to_be_in_viewport()
    expect(fresh(tab)).to_be_hidden()
    node.receive(bela, "live again")
    expect(row(tab, "live again")).to_be_in_viewport()
    # Somebody who reads one event is left alone, too.
    row(tab, "live again").locator(".rowhead").click()
    node.receive(bela, "while reading")
    expect(fresh(tab)).to_have_text("1 new event")
    row(tab, "live again").locator(".rowhead").click()
    expect(row(tab, "while reading")).to_be_visible()
    expect(fresh(tab)).to_be_hidden()


def test_it_can_be_paused(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = loaded(visit().open(page="activity"))
    pause = tab.get_by_role("button", name="Pause")
    pause.click()
    expect(tab.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
    node.receive(bela, "unseen for now")
    expect(fresh(tab)).to_have_text("1 new event")
    tab.get_by_role("button", name="Go on").click()
    expect(row(tab, "unseen for now")).to_be_visible()


def test_filters_look_through_the_whole_log(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(260):
        node.receive(bela, f"line {number}")
    tab = all_heard(visit().open(), "line 259")
    expect(tab.locator(".rows .row")).to_have_count(100)
    expect(row(tab, "A new peer")).to_have_count(0)
    tab.get_by_role("button", name="Show older").click()
    expect(tab.locator(".rows .row")).to_have_count(200)
    tab.get_by_role("button", name="Peers", exact=True).click()
    expect(tab.locator(".rows .row")).to_have_count(1)
    expect(row(tab, "A new peer: bela")).to_be_visible()
    expect(tab.locator(".after .end")).to_have_text("That is all that is kept.")
    node.receive(bela, "not a peer's event")
    node.change_peer(bela, link="offline", error="Refused.")
    expect(tab.locator(".rows .row").first).to_contain_text("bela can't be reached: Refused.")
    expect(row(tab, "not a peer's event")).to_have_count(0)
    tab.get_by_role("button", name="Everything").click()
    tab.get_by_label("Filter the event log by words").fill("LINE 25")
    expect(tab.locator(".rows .row")).to_have_count(11)
    tab.get_by_label("Filter the event log by words").fill("no such words")
    expect(tab.locator(".after .end")).to_have_text("Nothing like that in the log. Try other filters.")


def test_a_burst_is_counted_and_the_rest_can_be_read(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = loaded(visit().open(page="activity"))
    node.on_loop(lambda: [node.receive_now(bela, f"burst {number}") for number in range(400)])
    expect(row(tab, "burst 399")).to_be_visible()
    gap = tab.locator(".row.gap").first
    expect(gap).to_contain_text("came too quickly to be listed here")
    gap.get_by_role("button").click()
    expect(tab.locator(".row.gap")).to_have_count(0)
    expect(row(tab, "burst 300")).to_be_attached()


def test_figures_and_health(node: FakeNode, visit: Visit) -> None:
    cian = node.add_peer("cian", link="offline", error="It refused the connection.", wanted=True)
    node.say(cian.room, "are you there?")
    node.retry(cian, in_ms=50 * MINUTE)
    node.subscribers = [nouns.Subscriber(client="console menu", seq=1, lag=12, at=now())]
    node.consumers = [
        nouns.Consumer(name="backup-bot", position=1, lag=0, created=1, used=now()),
        nouns.Consumer(name="old-bot", position=1, lag=0, created=1, used=1, lapsed=True),
    ]
    tab = loaded(visit().open(page="activity"))
    expect(value(tab, "outbox")).to_have_text("1")
    expect(figure(tab, "outbox")).to_contain_text(re.compile(r"1 for cian\s+· offline, next try in \d\d min"))
    expect(value(tab, "stored")).to_have_text("12 MB")
    expect(figure(tab, "stored")).to_contain_text("38 GB free")
    expect(figure(tab, "rate").get_by_test_id("stMetricChart").locator("svg")).to_be_visible()
    for name, word in (("node", "running"), ("disk", "well"), ("bus", "in touch")):
        expect(sign(tab, name)).to_contain_text(word)
    listeners = tab.locator(".listeners > div")
    expect(listeners).to_have_count(3)
    expect(listeners.filter(has_text="console menu")).to_contain_text("12 events behind")
    expect(listeners.filter(has_text="old-bot")).to_contain_text("lapsed")
    expect(listeners.filter(has_text="backup-bot")).to_contain_text("up to date")
    node.set_health(nouns.Health(store=False, problem="The disk is full."))
    expect(sign(tab, "disk")).to_contain_text("can't be written")
    expect(row(tab, "The disk has a problem: The disk is full.")).to_be_visible()
    figure(tab, "outbox").get_by_role("button").click()
    expect(tab.locator(".talk").get_by_role("heading", name="cian")).to_be_visible()


def test_only_tabs_that_show_the_page_cost_anything(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    tab = loaded(visitor.open(page="activity"))
    until(lambda: node.commands.count("stats") >= 2, "the node is asked while the page is shown")
    frames: list[str] = []
    other = visitor.context.new_page()
    other.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    other.goto(f"{visitor.dashboard.origin}/peers")
    expect(other.locator(".peers h1")).to_be_visible()
    node.receive(node.add_peer("bela"), "hello")
    expect(row(tab, "hello")).to_be_visible()
    expect(other.locator(".peer")).to_have_count(1)
    assert not [frame for frame in frames if '"t":"rows"' in frame or '"t":"figures"' in frame]
    tab.locator(".page", has_text="Chats").click()
    expect(tab.locator(".chats")).to_be_visible()

    def beats() -> int:
        other.wait_for_timeout(50)
        return sum('"t":"beat"' in frame for frame in frames)

    def nobody_asks() -> bool:
        asked, before = node.commands.count("stats"), beats()
        until(lambda: beats() >= before + 2, "two beats of the server")
        return node.commands.count("stats") == asked

    # Between two beats the figures would be asked for several times.
    until(nobody_asks, "nobody asks for figures any more")
    tab.locator(".page", has_text="Activity").click()
    loaded(tab)
    expect(value(tab, "stored")).to_have_text("12 MB")


def test_a_node_that_goes_away_and_comes_back(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "before")
    tab = loaded(visit().open(page="activity"))
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    expect(sign(tab, "node")).to_contain_text("away")
    expect(value(tab, "outbox")).to_have_text("\N{EN DASH}")
    expect(row(tab, "“before”")).to_be_visible()
    node.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(sign(tab, "node")).to_contain_text("running")
    node.receive(bela, "after")
    expect(row(tab, "“after”")).to_be_visible()
    expect(row(tab, "The node started")).to_have_count(2)


def test_a_log_that_can_not_be_read_says_so(node: FakeNode, visit: Visit) -> None:
    def refuse(command: en.Command) -> None:
        if command.op == "events":
            raise CommandRefused("busy", "Busy.", True)

    node.add_peer("bela")
    node.before = refuse
    visitor = visit()
    tab = visitor.open(page="activity")
    held = visitor.hold(2000).open(page="activity")
    for one in (tab, held):
        expect(one.locator(".after .end")).to_contain_text("The log can't be read right now. The node is very busy.")
    node.before = lambda command: None
    # By itself after a while, or as soon as somebody says so.
    expect(row(tab, "A new peer: bela")).to_be_visible()
    expect(tab.get_by_role("button", name="Try again")).to_be_hidden()
    held.get_by_role("button", name="Try again").click()
    expect(row(held, "A new peer: bela")).to_be_visible()


def test_a_tab_that_lost_the_server_goes_on(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(150):
        node.receive(bela, f"line {number}")
    visitor = visit()
    tab, reading = all_heard(visitor.open(), "line 149"), all_heard(visitor.open(), "line 149")
    place = row(reading, "“line 70”")
    place.scroll_into_view_if_needed()
    at = standing(place)
    visitor.forgiving = True
    visitor.dashboard.stop()
    for one in (tab, reading):
        expect(one.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    node.receive(bela, "meanwhile")
    visitor.dashboard.start()
    for one in (tab, reading):
        expect(one.locator(".strip")).to_be_hidden()
    expect(row(tab, "“meanwhile”")).to_be_visible()
    node.receive(bela, "and live")
    expect(row(tab, "“and live”")).to_be_visible()
    expect(value(tab, "stored")).to_have_text("12 MB")
    # Who reads is left where they are.
    expect(fresh(reading)).to_have_text("2 new events")
    assert standing(place) == at


def test_what_the_tab_keeps_has_a_bound(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.on_loop(lambda: [node.receive_now(bela, f"line {number}") for number in range(1300)])
    tab = all_heard(visit().open(), "line 1299")
    older = tab.get_by_role("button", name="Show older")
    for number in range(2, 11):
        older.click()
        expect(tab.locator(".rows .row")).to_have_count(100 * number)
    expect(older).to_be_hidden()
    expect(tab.locator(".after .end")).to_contain_text("This page keeps 1,000 rows.")
    main(tab).evaluate("sheet => sheet.scrollTop = 0")
    node.receive(bela, "one more")
    expect(row(tab, "one more")).to_be_attached()
    expect(tab.locator(".rows .row")).to_have_count(1000)


def test_what_peers_write_never_becomes_markup(node: FakeNode, visit: Visit) -> None:
    people = fill(node)
    node.receive(people["salma"], "مرحبا <img src=x onerror=alert(1)>")
    tab = loaded(visit().open(page="activity"))
    said = tab.locator(".rows .row").first
    assert said.locator("bdi").all_inner_texts() == [people["salma"].name, "مرحبا <img src=x onerror=alert(1)>"]
    assert tab.locator(".activity img").count() == 0


@pytest.mark.parametrize("width", [320, 360, 390, 800])
def test_every_entry_of_the_navigation_fits(node: FakeNode, visit: Visit, width: int) -> None:
    fill(node)
    tab = loaded(visit(viewport={"width": width, "height": 700}).open(page="activity"))
    entries = tab.locator(".page").all()
    assert len(entries) == len(registry.pages())
    # What is unread wants to be seen; how many peers there are doesn't.
    unread, known = (entry.locator(".count") for entry in entries[:2])
    for count in (unread, known):
        expect(count).not_to_be_empty()
    colours = [one.evaluate("count => getComputedStyle(count).backgroundColor") for one in (unread, known)]
    assert colours[0] != colours[1] and entries[0].get_attribute("aria-current") is None
    for entry in entries:
        box = entry.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 700
        assert box["width"] >= 44 and box["height"] >= 40, "large enough for a thumb"
        assert entry.locator(".title").evaluate("title => title.scrollWidth <= title.clientWidth"), "a word is cut"
    assert main(tab).evaluate("sheet => sheet.scrollWidth <= sheet.clientWidth"), "something sticks out"
