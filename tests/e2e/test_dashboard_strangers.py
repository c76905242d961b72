"""Strangers and inviters whose names, texts and links attack: nothing becomes an element, a request or an entry."""

from __future__ import annotations

import urllib.parse

import pytest
from playwright.sync_api import Page, expect

from node import looks
from tests.e2e.browser import Visit, bubble, write
from tests.support.fake_node import FakeNode, node_id

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NAMES = [
    "<img src=//10.99.0.1/a onerror=alert(1)>",
    "![n](http://10.99.0.1/n.png)",
    "javascript:alert(document.domain)",
    "\u202eanna\u202c evil",
    "</span><script>alert(1)</script>",
    "W" * 64,
    "\u0628" * 64,
    "a\u0301\u0323" * 32,
    "{{7*7}}${7*7}",
]
#: All of these look like bela.
ALIKE = ["b\u0435la", "BELA", "be la", "be\u200bla", "\uff42\uff45\uff4c\uff41", "\u0299\u1d07\u029f\u1d00"]
TEXTS = [
    "<img src=x onerror=alert(1)><svg onload=alert(1)>",
    "[click](javascript:alert(1)) ![p](http://10.99.0.1/p.png)",
    "javascript:alert(1) https://10.99.0.1/a snicher://" + node_id(66) + "@10.99.0.1:5000?name=bela",
    "\u202e" + "evil" * 200,
    "x" * 3000,
]
#: What must not be in a page: elements that are none of ours, addresses of theirs, and what runs.
FOREIGN = """() => {
  const found = [];
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) look(one.shadowRoot);
      for (const { name, value } of one.attributes) {
        if (/^on/i.test(name) || (/^(src|href|srcset|action)$/i.test(name) && /10\\.99|javascript:/i.test(value))) {
          found.push(`${one.tagName} ${name}=${value}`);
        }
      }
      const ours = one.closest(".asker, .verify, .peer, .room, .connectnote");
      if (ours && /^(IMG|SCRIPT|IFRAME|OBJECT|EMBED)$/.test(one.tagName)) found.push(one.tagName);
    }
  };
  look(document);
  return found;
}"""


def check(tab: Page) -> None:
    """Nothing foreign is in the page, at each width, and nothing sticks out."""
    for width in (1280, 390):
        tab.set_viewport_size({"width": width, "height": 760})
        assert tab.evaluate(FOREIGN) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        outside = tab.evaluate(
            """() => [...document.querySelectorAll("*")].flatMap((one) => one.shadowRoot
              ? [...one.shadowRoot.querySelectorAll(".asker, .asker *, .verify[open] *, .peer, .peer *")] : [])
              .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1).map((one) => one.className)"""
        )
        assert outside == []
    tab.set_viewport_size({"width": 1280, "height": 760})


def test_requests_that_attack_stay_text(node: FakeNode, visit: Visit) -> None:
    bela = node.add_node("bela", verified=True)
    strangers = [node.add_node(name, request=True) for name in [*NAMES, *ALIKE]]
    for stranger in strangers:
        for text in TEXTS:
            node.receive(stranger, text)
    visitor = visit()
    tab = visitor.open("requests")
    cards = tab.locator(".asker")
    expect(cards).to_have_count(len(strangers))
    for card in cards.all():
        card.locator(".askerhead").click()
        expect(card.locator(".firstline")).to_have_count(len(TEXTS))
        expect(card.locator(".firstline a")).to_have_count(0)
    check(tab)
    # Whoever looks like somebody known is told apart by words, by both codes, and by colour.
    hue = tab.locator(".list .rooms .avatar").first.get_attribute("data-hue")
    for name in ALIKE:
        assert looks.alike(name, "bela")
    alike = cards.filter(has=tab.locator(".alike:not([hidden])"))
    expect(alike).to_have_count(len(ALIKE))
    for card in alike.all():
        expect(card.locator(".alike")).to_contain_text("Looks like bela, but isn't: another key.")
        expect(card.locator(".alike")).to_contain_text(bela.code)
    assert any(card.locator(".avatar").get_attribute("data-hue") != hue for card in alike.all())
    # The sheets that name them.
    attacker = cards.filter(has_text=NAMES[0])
    expect(attacker.locator(".askerhead")).to_have_attribute("aria-expanded", "true")
    attacker.get_by_role("button", name="Compare codes first").click()
    expect(tab.locator(".requests .verify .qr")).to_have_count(2)
    check(tab)
    tab.keyboard.press("Escape")
    attacker.get_by_role("button", name="Block").click()
    expect(tab.locator(".requests .ask")).to_contain_text(NAMES[0])
    check(tab)
    tab.keyboard.press("Escape")
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peer")).to_have_count(len(strangers) + 1)
    expect(tab.locator(".sum")).to_have_text("1 known, 1 reachable now")
    check(tab)
    assert not {"accept", "verify", "refuse", "block", "send", "add", "connect", "mark_read"} & set(node.commands)


def test_invites_that_attack_stay_text(node: FakeNode, visit: Visit) -> None:
    tab = visit().open(page="peers")
    field = tab.get_by_role("textbox", name="Address")
    note = tab.locator("#connect-note")
    for number, name in enumerate(NAMES):
        field.fill(f"snicher://{node_id(100 + number)}@10.0.0.9:{6000 + number}?name={urllib.parse.quote(name)}")
        field.press("Enter")
        expect(tab.locator(".peer")).to_have_count(number + 1)
        expect(note).to_contain_text("Connecting to")
    check(tab)
    for wrong in ("snicher://x@<img src=//10.99.0.1/a>:1", "snicher://javascript:alert(1)", "snicher://" + "@" * 3000):
        field.fill(wrong)
        field.press("Enter")
        expect(note).to_contain_text("This is no invite.")
        check(tab)
    assert len(node.state.peers) == len(NAMES)


def test_a_stranger_who_has_said_nothing_is_written_to_from_the_peers_page(node: FakeNode, visit: Visit) -> None:
    nora = node.add_node("nora", request=True)
    tab = visit().open(page="peers")
    expect(tab.locator(".sum")).to_have_text("")
    row = tab.locator(".peer", has_text="nora")
    expect(row).to_contain_text("has written nothing")
    row.get_by_role("button", name="Chat", exact=True).click()
    expect(tab.locator(".talk h2")).to_have_text("nora")
    # Looking decides nothing; the first message does.
    assert node.state.rooms[nora.room].request
    write(tab, "hello, Nora")
    expect(bubble(tab, "hello, Nora")).to_be_visible()
    assert not node.state.rooms[nora.room].request
