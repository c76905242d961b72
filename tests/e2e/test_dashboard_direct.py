"""Conversations with other nodes, as people see them: encrypted or plain, delivered or why not, and who is who."""

from __future__ import annotations

import re
import urllib.parse

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from node.bus import events as ev
from node.bus import nouns
from node.errors import CommandRefused
from node.model import short_code
from tests.e2e.browser import Dashboard, Visit, bubble, field, room, until, write
from tests.support.fake_node import FakeNode, node_id, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RIVAL = node_id(99)
DOUBT = "Another key than bela's answers at 192.168.1.21:5000."


def state(tab: Page, text: str) -> Locator:
    return bubble(tab, text).locator(".state")


def test_a_conversation_says_by_word_and_shape_whether_it_is_encrypted(node: FakeNode, visit: Visit) -> None:
    bela, alpha = node.add_node("bela"), node.add_peer("alpha")
    node.receive(alpha, "hello")
    # Wide enough for the word in the list, too.
    tab = visit(viewport={"width": 1400, "height": 760}).open(bela.room)
    for badge, word, lock in (
        (tab.locator(".talk .badge"), "encrypted", "V10M6"),
        (room(tab, "bela").locator(".tag"), "encrypted", "V10M6"),
        (room(tab, "alpha").locator(".tag"), "plain", "1.7M6"),
    ):
        expect(badge).to_have_text(word)
        expect(badge.locator("path")).to_have_attribute("d", re.compile(lock))
    expect(tab.locator(".talk header .code")).to_have_text(" ".join(re.findall("[a-z0-9]+", bela.code)))
    room(tab, "alpha").click()
    expect(tab.locator(".talk .badge")).to_have_text("plain")
    expect(tab.locator(".talk header .code")).to_be_hidden()


def test_what_was_said_in_clear_is_marked_and_what_can_t_be_shown_is_said(node: FakeNode, visit: Visit) -> None:
    bela = node.add_node("bela")
    node.receive(bela, "said before", entry=None)
    node.say(bela.room, "mine before", state="sent", entry=None)
    node.receive(bela, "said since")
    node.receive(bela, "", kind="unknown")
    tab = visit().open(bela.room)
    for text, marked in (("said before", 1), ("mine before", 1), ("said since", 0)):
        expect(bubble(tab, text).locator(".mark.plain")).to_have_count(marked)
    expect(tab.locator(".seal")).to_have_text(["Not encrypted: said before encryption began", "Encrypted from here on"])
    expect(tab.locator(".notice")).to_contain_text("bela sent something that this version of Snicher can't show.")
    assert node.unread(bela.room) <= 2, "what can't be shown is never unread"
    tab.goto(f"{urllib.parse.urljoin(tab.url, '/search')}?q=said")
    expect(tab.locator(".hit .privacy")).to_have_text(["encrypted", "plain"])


def test_delivered_shows_live_in_all_tabs_after_a_reload_and_after_a_break(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela = node.add_node("bela", link="offline")
    here = visit()
    tab, other = here.open(bela.room), here.open(bela.room)
    for text in ("one", "two", "three"):
        write(tab, text)
        expect(state(tab, text)).to_have_text("waiting")
    one, two, three = node.messages[bela.room]
    node.store_there(two)
    for each in (tab, other):
        expect(each.locator(".row .state")).to_have_text(["delivered", "delivered", "waiting"])
    tab.reload()
    expect(tab.locator(".row .state")).to_have_text(["delivered", "delivered", "waiting"])
    here.forgiving = True
    dashboard.leave(tab)
    node.store_there(three)
    dashboard.start()
    for each in (tab, other):
        expect(each.locator(".row .state")).to_have_text(["delivered"] * 3)
    expect(room(tab, "bela").locator(".count")).to_have_text("")
    assert one.entry is not None


def test_read_shows_live_in_all_tabs_after_a_reload_and_after_a_break(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela = node.add_node("bela")
    here = visit()
    tab, other = here.open(bela.room), here.open(bela.room)
    for text in ("one", "two", "three"):
        write(tab, text)
        expect(state(tab, text)).to_have_text("delivered")
    one, two, three = node.messages[bela.room]
    node.read_there(two)
    for each in (tab, other):
        expect(each.locator(".row .state")).to_have_text(["read", "read", "delivered"])
    # A receipt that comes late takes nothing back.
    node.store_there(three)
    node.receive(bela, "and so on")
    expect(bubble(other, "and so on")).to_be_visible()
    expect(other.locator(".row.mine .state")).to_have_text(["read", "read", "delivered"])
    # By a shape as well, not by the word alone.
    shapes = [
        state(tab, text).evaluate("state => getComputedStyle(state, '::before').content") for text in ("one", "three")
    ]
    assert shapes == ['"✓✓ "', '"✓ "']
    here.forgiving = True
    dashboard.leave(tab)
    node.read_there(three)
    dashboard.start()
    for each in (tab, other):
        expect(each.locator(".row.mine .state")).to_have_text(["read"] * 3)
    tab.reload()
    expect(tab.locator(".row.mine .state")).to_have_text(["read"] * 3)
    state(tab, "one").click()
    details = tab.get_by_role("dialog", name="Delivery")
    expect(details.locator(".outcome")).to_have_text("read")
    expect(details.locator(".why")).to_have_text(re.compile(r"On their disk since \d\d:\d\d, read at \d\d:\d\d\."))
    node.read_at.clear()
    tab.keyboard.press("Escape")
    state(tab, "one").click()
    expect(details.locator(".why")).to_have_text(re.compile(r"On their disk since \d\d:\d\d, and read\."))
    assert one.entry is not None


def test_who_types_is_seen_in_every_tab_while_it_lasts_and_moves_nothing(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_node("bela"), node.add_node("cian")
    node.receive(bela, "hello")
    here = visit()
    tab, other = here.open(bela.room), here.open(cian.room)
    line, preview = tab.locator(".talk .typing"), room(other, "bela").locator(".preview")
    before = bubble(tab, "hello").bounding_box()
    # What a browser calls long passes by itself; a test that goes well never waits for it.
    node.types(bela, for_ms=600_000)
    expect(line).to_have_text("bela is typing…")
    expect(preview).to_have_text("is typing…")
    expect(other.locator(".talk .typing")).to_have_text("")
    assert bubble(tab, "hello").bounding_box() == before, "nothing moves"
    later = here.open(bela.room)
    expect(later.locator(".talk .typing")).to_have_text("bela is typing…")
    node.types(bela, for_ms=0)
    expect(line).to_have_text("")
    expect(preview).to_have_text("hello")
    node.types(bela, for_ms=600_000)
    expect(line).to_have_text("bela is typing…")
    node.receive(bela, "this is it")
    expect(line).to_have_text("")
    expect(preview).to_have_text("this is it")
    # It ends by itself, too.
    node.types(bela, for_ms=1500)
    expect(line).to_have_text("bela is typing…")
    expect(line).to_have_text("")
    expect(preview).to_have_text("this is it")
    node.types(bela, for_ms=600_000)
    expect(line).to_have_text("bela is typing…")
    node.stop(politely=False)
    expect(line).to_have_text("")


def test_the_other_side_is_told_who_types_here_until_it_is_over(node: FakeNode, visit: Visit) -> None:
    bela, alpha = node.add_node("bela"), node.add_peer("alpha")
    here = visit()
    tab, other = here.open(bela.room), here.open(bela.room)

    def told(*stopped: bool) -> None:
        until(lambda: node.typed == [(bela.room, one) for one in stopped], f"told: {stopped}, not {node.typed}")

    field(tab).press_sequentially("hello", delay=50)
    told(False)
    field(tab).fill("")
    told(False, True)
    # What is sent is typed no more, and what a closed tab held neither.
    field(tab).press_sequentially("one")
    told(False, True, False)
    field(tab).press("Enter")
    told(False, True, False, True)
    field(other).press_sequentially("two")
    told(False, True, False, True, False)
    other.close()
    told(False, True, False, True, False, True)
    # Another conversation, and one in clear, where nobody is told anything.
    field(tab).press_sequentially("three")
    told(*[False, True] * 3, False)
    room(tab, "alpha").click()
    told(*[False, True] * 4)
    write(tab, "in clear")
    expect(state(tab, "in clear")).to_have_text("sent")
    # Another page.
    room(tab, "bela").click()
    field(tab).press_sequentially("four")
    told(*[False, True] * 4, False)
    tab.get_by_role("link", name="Peers").click()
    told(*[False, True] * 5)
    tab.get_by_role("link", name="Chats").click()
    node.publish(
        "SettingsChanged", ev.SettingsChanged(settings=nouns.Settings(name="anna", share_reading=False), self=node.me)
    )
    room(tab, "bela").click()
    write(tab, "and more")
    expect(state(tab, "and more")).to_have_text("delivered")
    assert len(node.typed) == 10 and node.state.rooms[alpha.room].kind == "plain"


def test_what_became_of_a_message_is_told_and_kept_true(node: FakeNode, visit: Visit) -> None:
    bela = node.add_node("bela", link="offline")
    message = node.say(bela.room, "the keys are at the desk")
    node.retry(bela, in_ms=400_000)
    tab = visit().open(bela.room)
    state(tab, "the keys").click()
    details = tab.get_by_role("dialog", name="Delivery")
    expect(details).to_contain_text("it is on this computer's disk")
    expect(details.locator("li")).to_contain_text("bela")
    expect(details.locator(".outcome")).to_have_text("waiting")
    expect(details.locator(".why")).to_have_text(re.compile(r"bela is offline\. Next try in \d min\."))
    node.change_peer(bela, link="connecting")
    expect(details.locator(".why")).to_contain_text("onnecting to bela")
    node.store_there(message)
    expect(details.locator(".outcome")).to_have_text("delivered")
    expect(details.locator(".why")).to_have_text(re.compile(r"On their disk since \d\d:\d\d\."))
    node.stored_at.clear()
    tab.keyboard.press("Escape")
    expect(details).to_be_hidden()
    expect(state(tab, "the keys")).to_be_focused()
    expect(tab.locator(".talk")).to_be_visible()
    # The same by keyboard, from the message's menu; the log no longer tells since when.
    bubble(tab, "the keys").hover()
    tab.get_by_role("button", name="More about this message").press("Enter")
    tab.get_by_role("menuitem", name="Delivery…").press("Enter")
    expect(details.locator(".why")).to_have_text("On their disk.")
    tab.get_by_role("button", name="Close").click()
    expect(details).to_be_hidden()


def test_details_of_a_message_say_when_the_node_refuses(node: FakeNode, visit: Visit) -> None:
    bela = node.add_node("bela", link="offline")
    node.say(bela.room, "one")
    tab = visit().open(bela.room)

    def refuse(command: object) -> None:
        if getattr(command, "op", "") == "delivery":
            raise CommandRefused("not_found", "There is no such message.")

    node.before = refuse
    state(tab, "one").click()
    expect(tab.get_by_role("dialog", name="Delivery").get_by_role("alert")).to_have_text("There is no such message.")
    # What lies around it closes it.
    tab.mouse.click(5, 300)
    expect(tab.get_by_role("dialog", name="Delivery")).to_be_hidden()


def test_how_the_connection_is_is_told_and_kept_true(node: FakeNode, visit: Visit) -> None:
    bela, alpha = node.add_node("bela", link="offline"), node.add_peer("alpha")
    node.retry(bela, in_ms=400_000)
    tab = visit().open(bela.room)
    tab.locator(".talk .badge").click()
    dialog = tab.get_by_role("dialog", name="Connection with bela")
    expect(dialog.locator(".linkstate")).to_have_text(
        re.compile(r"There is no connection now: bela is offline\. Next try in \d min\.")
    )
    codes = [re.findall("[a-z0-9]+", code) for code in (node.me.code, bela.code)]
    for nth, code in enumerate(codes):
        expect(dialog.locator(".groups").nth(nth).locator("span")).to_have_text(code)
    here = nouns.Link(
        direction="out", address="10.0.0.9:5000", since=now() - 3_600_000, version=1, program="snicher/0.2.0",
        clock=-7 * 60_000, instance="1" * 32,
    )  # fmt: skip
    node.link(bela, here)
    expect(dialog.locator(".linkstate")).to_have_text(re.compile(r"^Encrypted since .*\d\d:\d\d\.$"))
    expect(dialog.locator("dl")).to_contain_text("10.0.0.9:5000, you connected")
    expect(dialog.locator("dl")).to_contain_text("yours snicher/0.1.0, theirs snicher/0.2.0, protocol 1")
    expect(dialog.locator("dl")).to_contain_text("theirs is 7 min behind yours")
    # Another machine of the same person; nothing else about the peer is another.
    node.link(bela, here, replace(here, direction="in", instance="2" * 32, clock=0))
    expect(dialog.locator("dl")).to_have_count(2)
    expect(dialog.locator("dl").first).to_contain_text("1 of 2")
    expect(dialog.locator("dl").first).to_contain_text("they connected")
    expect(dialog.locator("dl").first.get_by_text("Clock")).to_be_hidden()
    expect(dialog.locator(".linkstate")).to_contain_text("with 2 of their machines")
    node.link(bela)
    expect(dialog.locator(".linkstate")).to_contain_text("There is no connection now")
    expect(dialog.locator("dl")).to_have_count(0)
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tab.locator(".talk .badge")).to_be_focused()
    # The same by keyboard, from the menu; a plain client has no such connection.
    tab.get_by_role("button", name="More about bela").press("Enter")
    tab.get_by_role("menuitem", name="Connection details…").press("Enter")
    expect(dialog).to_be_visible()
    tab.get_by_role("button", name="Close").click()
    room(tab, "alpha").click()
    tab.get_by_role("button", name="More about alpha").click()
    expect(tab.get_by_role("menuitem", name="Rename…")).to_be_visible()
    expect(tab.get_by_role("menuitem", name="Connection details…")).to_be_hidden()
    tab.keyboard.press("Escape")
    tab.locator(".talk .badge").click()
    expect(tab.locator("dialog[open]")).to_have_count(0)
    assert alpha.kind == "plain"


def test_a_plain_peer_becomes_a_node_while_somebody_writes_to_it(node: FakeNode, visit: Visit) -> None:
    old = node.add_peer("bela", link="offline")
    tab = visit().open(old.room)
    write(tab, "does this wait?")
    expect(state(tab, "does this wait?")).to_have_text("waiting")
    waiting = node.messages[old.room][0]
    field(tab).fill("half a thought")
    bela = node.becomes_node(old)
    expect(tab.locator(".talk .badge")).to_have_text("encrypted")
    expect(field(tab)).to_have_value("half a thought")
    expect(field(tab)).to_be_focused()
    expect(bubble(tab, "does this wait?")).to_have_count(1)
    expect(bubble(tab, "does this wait?").locator(".mark.plain")).to_have_count(0)
    until(lambda: urllib.parse.quote(bela.room, safe="") in tab.url, "the address names the conversation as it is now")
    node.store_there(node.messages[bela.room][0])
    expect(state(tab, "does this wait?")).to_have_text("delivered")
    field(tab).press("Enter")
    expect(state(tab, "half a thought")).to_have_text("delivered")
    # Links with the old id lead on: to the conversation, and to the message.
    tab.goto(f"{urllib.parse.urljoin(tab.url, '/')}?room={old.room}&message={waiting.id}")
    expect(tab.locator(".talk h2")).to_have_text("bela")
    # The flash of the row that was asked for is over soon; that it is in sight stays.
    expect(bubble(tab, "does this wait?")).to_be_in_viewport()
    until(lambda: urllib.parse.quote(bela.room, safe="") in tab.url, "the address is the present one")


def test_an_address_that_is_asked_for_turns_out_to_be_a_node(node: FakeNode, visit: Visit) -> None:
    tab = visit().open(page="peers")
    tab.get_by_role("textbox", name="Address").fill("10.0.0.9:5000")
    tab.get_by_role("button", name="Connect").click()
    expect(tab.locator("#connect-note")).to_contain_text("Connecting to 10.0.0.9:5000…")
    (old,) = node.state.peers.values()
    bela = node.becomes_node(old)
    node.change_peer(bela, name="bela")
    expect(tab.locator("#connect-note")).to_contain_text("bela is online. Encrypted:")
    tab.get_by_role("button", name="Open the conversation").click()
    expect(tab.locator(".talk .badge")).to_have_text("encrypted")


def test_what_was_typed_before_the_merge_is_there_after_it_though_no_page_was_open(
    node: FakeNode, visit: Visit
) -> None:
    old = node.add_peer("bela")
    here = visit()
    tab = here.open(old.room)
    field(tab).fill("half a thought")
    tab.close()
    bela = node.becomes_node(old)
    # The log doesn't know any more what became of the old one.
    node.forgotten_before = len(node.events)
    tab = here.open(old.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    expect(field(tab)).to_have_value("half a thought")
    field(tab).press("Enter")
    expect(state(tab, "half a thought")).to_have_text("delivered")
    assert node.messages[bela.room][-1].text == "half a thought"


def test_another_key_is_loud_and_decided_with_both_codes(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_node("bela", link="offline"), node.add_node("cian")
    node.say(bela.room, "only for bela")
    here = visit()
    tab, other, peers = here.open(bela.room), here.open(cian.room), here.open(page="peers")
    node.warn(bela, DOUBT, rival=RIVAL)
    banner = tab.locator(".doubt")
    expect(banner).to_contain_text(DOUBT)
    expect(tab.locator(".alarm")).to_have_count(0)
    for each in (other, peers):
        expect(each.locator(".alarm")).to_contain_text(f"Is this really bela? {DOUBT}")
    expect(room(other, "bela").locator(".doubtmark")).to_be_visible()
    expect(peers.locator(".peer .doubtline:visible")).to_have_text(DOUBT)
    other.reload()
    expect(other.locator(".alarm")).to_contain_text(DOUBT)
    banner.get_by_role("button", name="Trust the new key").click()
    sheet = tab.get_by_role("dialog", name="Is the new key bela's?")
    expect(sheet.locator(".groups")).to_have_count(2)
    for nth, code in enumerate((bela.code, short_code(RIVAL))):
        expect(sheet.locator(".groups").nth(nth).locator("span")).to_have_text(re.findall("[a-z0-9]+", code))
    # A hasty Enter trusts nobody.
    expect(sheet.get_by_role("button", name="Cancel")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(sheet).to_be_hidden()
    assert "trust" not in node.commands
    banner.get_by_role("button", name="Trust the new key").click()
    sheet.get_by_role("button", name="Trust the new key").click()
    expect(sheet).to_be_hidden()
    expect(banner).to_be_hidden()
    for each in (other, peers):
        expect(each.locator(".alarm")).to_have_count(0)
    expect(tab.locator(".talk header .code")).to_have_text(" ".join(re.findall("[a-z0-9]+", short_code(RIVAL))))
    # It is another conversation: what waits for the old key stays there.
    expect(tab.locator(".row")).to_have_count(0)
    expect(tab.locator(".list .room")).to_have_count(3)
    expect(tab.locator(".list .doubtmark:visible")).to_have_count(0)
    tab.locator(".list .room", has_text="only for bela").click()
    expect(state(tab, "only for bela")).to_have_text("waiting")
    expect(tab.locator(".waits")).to_contain_text("no address is known any more")


def test_an_alarm_leads_to_its_conversation_or_is_closed(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_node("bela"), node.add_node("cian")
    here = visit()
    tab = here.open(cian.room)
    node.warn(bela, DOUBT, rival=RIVAL)
    node.publish("IdentityShared", ev.IdentityShared(address="10.0.0.7:5000"))
    alarms = tab.locator(".alarm")
    expect(alarms).to_have_count(2)
    expect(alarms.nth(1)).to_contain_text("Another machine, met at 10.0.0.7:5000, uses this node's identity")
    alarms.nth(0).get_by_role("button", name="Open the conversation").click()
    expect(tab.locator(".talk h2")).to_have_text("bela")
    expect(tab.locator(".doubt")).to_contain_text(DOUBT)
    expect(alarms).to_have_count(1)
    later = here.open(bela.room)
    expect(later.locator(".alarm")).to_contain_text("Another machine, met at 10.0.0.7:5000")
    alarms.get_by_role("button", name="Close").click()
    expect(alarms).to_have_count(0)
    # Who has read it isn't told again, in no tab.
    later.close()
    for each in (tab, here.open(bela.room)):
        each.reload()
        expect(each.locator(".doubt")).to_contain_text(DOUBT)
        expect(each.locator(".alarm")).to_have_count(0)


def test_clear_text_from_the_address_of_a_node_goes_nowhere_until_it_is_allowed(node: FakeNode, visit: Visit) -> None:
    bela = node.add_node("bela")
    clear = node.add_peer("bela", host=bela.host, port=5001, dialect="std")
    node.warn(clear, "This came in clear.")
    asked: list[object] = []
    node.before = lambda command: asked.append(bytes(command.args)) if command.op == "trust" else None
    tab = visit().open(clear.room)
    tab.get_by_role("button", name="Allow clear text").click()
    sheet = tab.get_by_role("dialog", name="May clear text go to bela?")
    expect(sheet).to_contain_text("2. bela, the node known there")
    sheet.get_by_role("button", name="Allow clear text").click()
    expect(tab.locator(".doubt")).to_be_hidden()
    assert len(asked) == 1 and b'"plain":true' in asked[0]  # type: ignore[operator]


def test_two_of_one_name_are_told_apart_wherever_the_name_stands(node: FakeNode, visit: Visit) -> None:
    bela, twin = node.add_node("bela"), node.add_peer("Bela")
    node.receive(bela, "from the node")
    node.receive(twin, "from the other")
    tab = visit().open(bela.room)
    marks = {nouns.mark_of(bela), nouns.mark_of(twin)}
    expect(tab.locator(".list .namemark:not(:empty)")).to_have_count(2)
    assert {one.inner_text().removesuffix(" ·") for one in tab.locator(".list .namemark").all()} == marks
    expect(field(tab)).to_have_attribute("placeholder", f"Message bela ({nouns.mark_of(bela)})")
    tab.get_by_role("button", name="More about bela").click()
    tab.get_by_role("menuitem", name="Merge into…").click()
    expect(tab.get_by_role("combobox", name="Into")).to_contain_text(f"Bela · {nouns.mark_of(twin)}")
    tab.keyboard.press("Escape")
    tab.get_by_role("searchbox").fill("from the")
    expect(tab.locator(".list .hit .name")).to_have_text(
        [f"Bela ({nouns.mark_of(twin)})", f"bela ({nouns.mark_of(bela)})"]
    )
    node.publish("PeerChanged", ev.PeerChanged(peer=replace(node.state.peers[twin.id], name="cian")))
    node.publish("RoomChanged", ev.RoomChanged(room=replace(node.state.rooms[twin.room], name="cian", last=None)))
    expect(tab.locator(".list .hit .name")).to_have_text(["cian", "bela"])
