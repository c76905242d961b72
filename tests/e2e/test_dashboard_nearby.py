"""Who is found on the network: below the conversations, with a code, and one message away."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Visit, bubble, room, write
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_somebody_nearby_appears_by_themselves_and_the_first_message_makes_a_conversation(
    node: FakeNode, visit: Visit
) -> None:
    tab = visit().open()
    alone = tab.locator(".nothing .alone")
    expect(alone.locator("h2")).to_have_text("Nobody to talk with yet")
    expect(alone.locator(".now").first).to_contain_text("looking")
    mira, cian = node.add_node("mira", request=True), node.add_node("cian", request=True)
    node.see(mira, cian, unknown=1)
    expect(alone.locator("h2")).to_have_text("2 people are nearby")
    expect(alone.locator(".now").first).to_contain_text("1 more that are seen here who they are")
    near = tab.locator(".near .room")
    expect(near.locator(".name")).to_have_text(["mira", "cian"])
    expect(near.first.locator(".preview")).to_have_text(" · ".join(mira.code.split("-")))
    near.first.click()
    expect(tab.locator(".talk header")).to_contain_text("mira")
    expect(tab.locator(".list .rooms .room")).to_have_count(0)
    node.see(mira, cian)
    write(tab, "hello, neighbour")
    expect(room(tab, "hello, neighbour")).to_be_visible()
    expect(bubble(tab, "hello, neighbour")).to_be_visible()
    # It is a conversation like others now, and cian is still a neighbour only.
    expect(near.locator(".name")).to_have_text(["cian"])
    # What is typed finds neighbours as well.
    tab.keyboard.press("Control+k")
    tab.keyboard.type("cian")
    expect(near.locator(".name")).to_have_text(["cian"])
    tab.keyboard.press("Enter")
    expect(tab.locator(".talk header")).to_contain_text("cian")


def test_whoever_types_an_address_goes_on_when_somebody_appears(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    field = tab.locator(".nothing .alone input")
    field.fill("10.0.0.")
    node.receive(node.add_peer("bela"), "hello?")
    expect(room(tab, "bela")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("")
    field.blur()
    expect(tab.locator(".nothing")).to_contain_text("Choose a conversation")


def test_the_way_to_the_doctor_says_that_others_may_not_see_this_node(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    doctor = tab.locator(".page", has_text="Doctor")
    expect(doctor.locator(".wrong")).to_be_hidden()
    node.see(state="deaf")
    expect(doctor.locator(".wrong")).to_be_visible()
    expect(doctor).to_contain_text("others may not see you")
    node.see(state="on")
    expect(doctor.locator(".wrong")).to_be_hidden()
