"""Messages that were kept long enough disappear from an open conversation, and nothing else does."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Visit
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_what_expired_goes_from_the_screen_and_what_waits_stays(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "long ago")
    node.say(bela.room, "sent long ago", state="sent")
    waits = node.say(bela.room, "waits since long ago")
    last_old = node.receive(bela, "not so long ago")
    node.receive(bela, "just now")
    tab = visit().open(bela.room)
    texts = tab.locator(".log .row .text")
    expect(texts).to_have_count(5)
    node.expire(bela.room, last_old.id)
    expect(texts).to_have_text([waits.text, "just now"])
    node.receive(bela, "it goes on")
    expect(texts).to_have_text([waits.text, "just now", "it goes on"])
