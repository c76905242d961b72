"""The Search page and links, as people use them: by mouse, by keyboard, with back and forward, and when all fails."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from node.bus import envelopes as en
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.e2e.browser import Visit, bubble, until, until_copied
from tests.support.fake_node import FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DAY = 24 * 3600_000


def field(tab: Page) -> Locator:
    return tab.get_by_role("searchbox", name="Search messages")


def hits(tab: Page) -> Locator:
    return tab.locator(".searchpage .hit")


def talked(node: FakeNode) -> tuple[nouns.Peer, nouns.Peer]:
    """Two people, and a needle here and there in a lot of hay."""
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    for number in range(200):
        text = f"needle {number} in the hay" if number % 2 else f"only hay {number}"
        node.receive(bela, text, at=now() - 2 * DAY + number * 60_000)
    node.say(cian.room, "A Needle of mine", state="sent", at=now() - 60_000)
    node.receive(cian, "nothing of the kind", at=now() - 30_000)
    return bela, cian


def read_all(node: FakeNode, peer: nouns.Peer) -> None:
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=peer.room)))


def test_hits_lead_into_the_conversation_and_back_to_where_one_was(node: FakeNode, visit: Visit) -> None:
    talked(node)
    visitor = visit().hold(2500)
    tab = visitor.open(page="search")
    expect(field(tab)).to_be_focused()
    expect(tab.locator(".results .state h2")).to_have_text("Find what was said")
    # At one go: whoever pauses in typing is shown what was found so far.
    tab.keyboard.insert_text("needl")
    expect(hits(tab)).to_have_count(50)
    expect(hits(tab).first).to_contain_text("You: A Needle of mine")
    expect(hits(tab).first.locator("mark")).to_have_text("Needle")
    expect(tab.locator(".group h2").first).to_have_text("Today")
    expect(tab.locator(".sum")).to_have_text("The newest 50 messages")
    tab.get_by_role("button", name="Show more").click()
    expect(hits(tab)).to_have_count(100)
    tab.get_by_role("button", name="Show more").click()
    expect(hits(tab)).to_have_count(101)
    expect(tab.locator(".sum")).to_have_text("101 messages")
    expect(tab.get_by_role("button", name="Show more")).to_be_hidden()
    one = hits(tab).filter(has_text="needle 51 in the hay")
    one.scroll_into_view_if_needed()
    down = tab.locator(".sheet").evaluate("sheet => sheet.scrollTop")
    assert down > 500
    one.click()
    found = bubble(tab, "needle 51 in the hay")
    expect(found).to_be_in_viewport()
    expect(found).to_have_class(re.compile("flash"))
    expect(found).to_be_focused()
    expect(bubble(tab, "only hay 50")).to_be_visible()
    expect(bubble(tab, "only hay 52")).to_be_visible()
    visitor.let_go(tab)
    expect(found).not_to_have_class(re.compile("flash"))
    expect(tab).to_have_url(re.compile(r"\?(?!.*\bq=).*\bmessage="))
    tab.get_by_role("button", name="Back to what was found for “needl”").click()
    expect(one).to_be_focused()
    expect(hits(tab)).to_have_count(101)
    until(lambda: abs(tab.locator(".sheet").evaluate("sheet => sheet.scrollTop") - down) <= 2, "where one was")
    expect(tab).to_have_url(re.compile("q=needl"))
    # The browser's own way back leads to the same place.
    one.click()
    expect(found).to_be_in_viewport()
    tab.go_back()
    expect(one).to_be_focused()
    expect(hits(tab)).to_have_count(101)
    tab.go_forward()
    expect(found).to_be_in_viewport()


def test_the_address_keeps_what_is_looked_for(node: FakeNode, visit: Visit) -> None:
    bela, cian = talked(node)
    tab = visit().open(page="search")
    expect(tab.get_by_role("combobox", name="In")).to_contain_text("cian")
    field(tab).fill("needle")
    expect(hits(tab)).to_have_count(50)
    tab.get_by_role("combobox", name="In").select_option(cian.room)
    expect(hits(tab)).to_have_count(1)
    expect(tab).to_have_url(re.compile(f"room={cian.room}"))
    field(tab).fill("kind")
    expect(hits(tab)).to_contain_text(["nothing of the kind"])
    tab.go_back()
    expect(field(tab)).to_have_value("needle")
    expect(hits(tab)).to_contain_text(["A Needle of mine"])
    tab.go_back()
    expect(hits(tab)).to_have_count(50)
    expect(tab.get_by_role("combobox", name="In")).to_have_value("")
    tab.go_forward()
    expect(hits(tab)).to_have_count(1)
    tab.reload()
    expect(field(tab)).to_have_value("needle")
    expect(hits(tab)).to_have_count(1)
    fresh = visit().open(page="search", room=bela.room)
    expect(fresh.get_by_role("combobox", name="In")).to_have_value(bela.room)
    expect(field(fresh)).to_be_focused()


def test_an_id_finds_no_peer_with_that_name(node: FakeNode, visit: Visit) -> None:
    fraud = node.add_peer("plain-15")
    tab = visit().open()
    box = tab.get_by_role("searchbox", name="Search people and messages")
    # A part of it is no id, and finds him as any name does; so does where he is.
    for words in ("plain-", f"{fraud.host}:{fraud.port}"):
        box.fill(words)
        expect(tab.locator(".list .room")).to_have_count(1)
    box.fill("plain-15")
    expect(tab.locator(".list .room")).to_have_count(0)


def test_by_keyboard_from_the_box_to_the_page_and_into_a_message(node: FakeNode, visit: Visit) -> None:
    talked(node)
    tab = visit().open(page="peers")
    expect(tab.locator(".peers h1")).to_be_visible()
    tab.keyboard.press("Control+k")
    box = tab.get_by_role("searchbox", name="Search people and messages")
    expect(box).to_be_focused()
    tab.keyboard.type("needle")
    expect(tab.locator(".list .hit")).to_have_count(20)
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowDown")
    expect(tab.locator(".list .hit").first).to_be_focused()
    for _ in range(20):
        tab.keyboard.press("ArrowDown")
    every = tab.get_by_role("link", name="Show all hits")
    expect(every).to_be_focused()
    tab.keyboard.press("Enter")
    expect(hits(tab)).to_have_count(50)
    expect(field(tab)).to_have_value("needle")
    expect(field(tab)).to_be_focused()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    expect(hits(tab).nth(1)).to_be_focused()
    tab.keyboard.press("ArrowUp")
    expect(hits(tab).nth(0)).to_be_focused()
    tab.keyboard.press("Enter")
    expect(bubble(tab, "A Needle of mine")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(hits(tab).nth(0)).to_be_focused()
    tab.keyboard.press("Escape")
    expect(field(tab)).to_be_focused()
    tab.keyboard.press("Escape")
    expect(field(tab)).to_have_value("")
    expect(tab.locator(".results .state h2")).to_have_text("Find what was said")


def test_every_state_says_what_is_the_matter(node: FakeNode, visit: Visit) -> None:
    _, cian = talked(node)
    tab = visit().open(page="search")
    field(tab).fill("nobodysaidthis")
    expect(tab.locator(".results .state h2")).to_have_text("Nothing found")
    field(tab).fill("hay")
    expect(hits(tab)).to_have_count(50)
    tab.get_by_role("combobox", name="In").select_option(cian.room)
    expect(tab.locator(".results .state h2")).to_have_text("Nothing found with cian")
    tab.get_by_role("button", name="Look in all conversations").click()
    expect(hits(tab)).to_have_count(50)
    field(tab).fill("?!")
    expect(tab.locator(".results .state h2")).to_have_text("Type a word")

    def refuse(command: en.Command) -> None:
        if command.op == "search":
            raise CommandRefused("internal", "A bug.")

    node.before = refuse
    field(tab).fill("hay")
    expect(tab.locator(".results .state")).to_contain_text("The node met a bug")
    node.before = lambda command: None
    tab.get_by_role("button", name="Try again").click()
    expect(hits(tab)).to_have_count(50)
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    expect(hits(tab)).to_have_count(50)
    field(tab).fill("needle")
    expect(tab.locator(".results .state h2")).to_have_text("The node is away")
    node.start()
    expect(hits(tab)).to_have_count(50)
    expect(hits(tab).first).to_contain_text("A Needle of mine")


def test_what_is_not_indexed_yet_is_told_and_joins(node: FakeNode, visit: Visit) -> None:
    bela, _ = talked(node)
    node.pending = 1200
    tab = visit().open(page="search")
    field(tab).fill("straw")
    told = "The newest 1,200 messages are still being indexed; they join by themselves."
    expect(tab.locator(".pending")).to_have_text(told)
    node.receive(bela, "a straw at last")
    expect(hits(tab)).to_have_count(1)
    node.pending = 0
    expect(tab.locator(".pending")).to_be_hidden()
    # And what is said while one looks at the results joins them.
    node.receive(bela, "one straw more")
    expect(hits(tab)).to_have_count(2)
    expect(hits(tab).first).to_contain_text("one straw more")


def test_a_link_to_a_conversation_and_to_a_message(node: FakeNode, visit: Visit) -> None:
    bela, _ = talked(node)
    here = visit().hold(3500)
    here.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = here.open(bela.room)
    expect(bubble(tab, "needle 199")).to_be_visible()
    tab.get_by_role("button", name="More about bela").click()
    tab.get_by_role("menuitem", name="Copy link").click()
    expect(tab.locator(".toast")).to_contain_text("Link copied.")
    link = until_copied(tab, lambda text: text.endswith(f"/?room={bela.room}"))
    assert "token" not in link
    fresh = here.context.new_page()
    here.watch(fresh)
    fresh.goto(link)
    expect(fresh.locator(".talk h2")).to_have_text("bela")
    # A message: by its button, which comes with the pointer.
    tab.bring_to_front()

    def came() -> bool:
        tab.locator(".log").evaluate("log => log.scrollTop = 0")
        return bubble(tab, "needle 41 ").count() == 1

    until(came, "older messages")
    bubble(tab, "needle 41 ").locator(".bubble").hover()
    tab.get_by_role("button", name="More about this message").click()
    tab.get_by_role("menuitem", name="Copy link to this message").click()
    link = until_copied(tab, lambda text: f"room={bela.room}&message=" in text)
    fresh.goto(link)
    expect(bubble(fresh, "needle 41 ")).to_be_in_viewport()
    expect(bubble(fresh, "needle 41 ")).to_be_focused()
    expect(bubble(fresh, "needle 199")).to_have_count(0)
    # Once one goes on to the newest, the address no longer leads back.
    fresh.locator(".jump").click()
    expect(bubble(fresh, "needle 199")).to_be_in_viewport()
    expect(fresh).not_to_have_url(re.compile("message="))
    # By keyboard: up into the messages, to the button, copy the text.
    tab.locator(".log").evaluate("log => log.scrollTop = log.scrollHeight")
    tab.mouse.move(5, 5)
    tab.locator(".log").focus()
    tab.keyboard.press("ArrowUp")
    expect(bubble(tab, "needle 199")).to_be_focused()
    tab.keyboard.press("ArrowUp")
    expect(bubble(tab, "only hay 198")).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Enter")
    until_copied(tab, lambda text: text == "only hay 198")


@pytest.mark.parametrize("nowhere", ["room-of-somebody-else", "x" * 500], ids=["another", "impossible"])
def test_links_to_what_is_not_here_say_so(node: FakeNode, visit: Visit, nowhere: str) -> None:
    bela, _ = talked(node)
    read_all(node, bela)
    tab = visit().open(nowhere)
    expect(tab.locator(".talk h2")).to_have_text("This conversation isn't here")
    expect(tab.locator(".broken")).to_contain_text("deleted or merged")
    expect(tab.locator(".composer")).to_be_hidden()
    tab.get_by_role("button", name="All conversations").click()
    expect(tab.locator(".nothing h2").first).to_have_text("Choose a conversation")
    tab = visit().hold(3500).open(f"{bela.room}&message=987654")
    expect(tab.locator(".toast")).to_have_text("That message isn't here any more.")
    expect(bubble(tab, "needle 199")).to_be_in_viewport()
    tab = visit().open(nowhere, page="search")
    field(tab).fill("needle")
    expect(tab.locator(".results .state h2")).to_have_text("That conversation isn't here")
    tab.get_by_role("button", name="Look in all conversations").click()
    expect(hits(tab)).to_have_count(50)


def test_words_are_marked_as_the_node_finds_them(node: FakeNode, visit: Visit) -> None:
    """query.js on its own: what is typed, what is asked, and what is marked of a text."""
    tab = visit().open(page="search")
    expect(field(tab)).to_be_visible()
    code = """([typed, text]) => import('/ui/any/shared/query.js').then(({ asQuery, termsOf, snippet }) => {
      const nodes = snippet(text, termsOf(asQuery(typed)), 60, 15);
      return [asQuery(typed), nodes.map((node) => (node.tagName ? `[${node.textContent}]` : node)).join('')];
    })"""
    for typed, asked, text, marked in [
        ("needl", "needl*", "Needles, needle; noneedle", "[Needles], [needle]; noneedle"),
        ("hay needle", "hay needle*", "a needle in hay, haystack", "a [needle] in [hay], haystack"),
        ("need ", "need", "need needle", "[need] needle"),
        ("wor* end ", "wor* end", "word worn end ends", "[word] [worn] [end] ends"),
        ('"two words"', '"two words"', "two words, words two", "[two words], words two"),
        ('"not closed', '"not closed', "not closed closed", "[not closed] closed"),
        ("creme", "creme*", "Cr\u00e8me br\u00fbl\u00e9e", "[Cr\u00e8me] br\u00fbl\u00e9e"),
        (
            "\u0645\u0644\u0641",
            "\u0645\u0644\u0641*",
            "\u0647\u0644 \u0645\u0644\u0641\u061f",
            "\u0647\u0644 [\u0645\u0644\u0641]\u061f",
        ),
        (
            "x",
            "x*",
            "so much hay before it, so much hay, so much, then x and so much hay after it, and more and more",
            None,
        ),
        # In scripts without spaces the very characters, and in the middle of a run.
        (
            "\u4e0a\u6d77",
            "\u4e0a\u6d77*",
            "\u6211\u5bb6\u5728\u4e0a\u6d77\u4e1c\u8fb9\u3002\u4e0a\u3001\u6d77",
            "\u6211\u5bb6\u5728[\u4e0a\u6d77]\u4e1c\u8fb9\u3002\u4e0a\u3001\u6d77",
        ),
        ("\u6d77", "\u6d77*", "\u4e0a\u6d77\u6d77", "\u4e0a[\u6d77][\u6d77]"),
        (
            "pyth \u5199 ",
            "pyth \u5199",
            "\u7528Python\u5199 pyth\u5199",
            "\u7528Python[\u5199] [pyth][\u5199]",
        ),
        (
            "\u30bf\u30ef\u30fc",
            "\u30bf\u30ef\u30fc*",
            "\u6771\u4eac\uff80\uff9c\uff70\u3067",
            "\u6771\u4eac[\uff80\uff9c\uff70]\u3067",
        ),
        (
            "\u30c7\u30fc",
            "\u30c7\u30fc*",
            "\uff83\uff9e\uff70\uff80 \u30c6\u30fc",
            "[\uff83\uff9e\uff70]\uff80 \u30c6\u30fc",
        ),
        (
            "\u1102\u1161\u11ab\u1100",
            "\ub09c\u1100*",
            "\u1102\u1161\u11ab\u1100 \u1102\u1161",
            "[\u1102\u1161\u11ab\u1100] \u1102\u1161",
        ),
        ("\uc11c\uc6b8", "\uc11c\uc6b8*", "\u110c\uc11c\uc6b8\uc5d0\uc11c", "\u110c[\uc11c\uc6b8]\uc5d0\uc11c"),
        (
            "\u0e17\u0e35\u0e48",
            "\u0e17\u0e35\u0e48*",
            "\u0e2d\u0e22\u0e39\u0e48\u0e17\u0e35\u0e48\u0e01\u0e23\u0e38\u0e07",
            "\u0e2d\u0e22\u0e39\u0e48[\u0e17\u0e35\u0e48]\u0e01\u0e23\u0e38\u0e07",
        ),
        ('"at 3\u70b9"', '"at 3\u70b9"', "it at 3\u70b9\u534a, 3\u70b9", "it [at 3\u70b9]\u534a, 3\u70b9"),
        ('"\u4e0a \u6d77"', '"\u4e0a \u6d77"', "\u4e0a\u6d77, \u4e0a \u6d77", "\u4e0a\u6d77, [\u4e0a \u6d77]"),
        ("\u845b\u57ce", "\u845b\u57ce*", "\u5927\u845b\U000e0100\u57ce", "\u5927[\u845b\U000e0100\u57ce]"),
        ("aaa", "aaa*", "a" * 80 + " b", "[" + "a" * 60 + "]\u2026"),
        ("y", "y*", "\U0001f389" * 100 + " y", None),
    ]:
        query, shown = tab.evaluate(code, [typed, text])
        assert query == asked
        if marked is None:
            word = typed.upper() if typed.upper() in text else typed
            assert shown.startswith("\u2026") and f"[{word}]" in shown and len(shown) < 80
            assert "\ufffd" not in shown and shown.encode("utf-8")
        else:
            assert shown == marked
    # However long the address is, what is asked stays within what the server takes.
    tab.goto(tab.url.split("?")[0] + "?q=" + "long" * 200)
    expect(tab.locator(".results .state h2")).to_have_text("Nothing found")
    assert len(field(tab).input_value()) == 199
