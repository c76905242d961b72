"""The Doctor page as people use it: rows that fill, paths to somebody, running again, and names that steer nothing."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from node.bus import diagnosis
from tests.e2e.browser import Visit, until, until_copied
from tests.support.diagnoses import HOSTILE, some
from tests.support.fake_node import FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_it_fills_shows_paths_runs_again_and_draws_no_name_as_markup(node: FakeNode, visit: Visit) -> None:
    dora = node.add_node(HOSTILE, link="offline")
    done = some(now())
    under_way = replace(
        done, running=True, verdict="", meaning="", state="untried",
        checks=[done.checks[0], *(replace(one, state="untried", said="Not looked at yet.") for one in done.checks[1:])],
    )  # fmt: skip
    node.diagnoses = [under_way, under_way, done]
    tab = visit(permissions=["clipboard-read", "clipboard-write"]).open(page="doctor")
    expect(tab.locator(".st-key-check-port")).to_contain_text("bela's node connected back to it in 3 ms")
    # It goes on by itself until the node is done.
    expect(tab.locator(".st-key-card-verdict-wait")).to_contain_text("Multicast doesn't come back")
    order = [one.get_attribute("class") or "" for one in tab.locator("[class*='st-key-check-']").all()]
    titles = [f"st-key-check-{one.key}" for one in done.checks]
    assert [any(title in one.split() for one in order) for title in titles] == [True] * 7
    expect(tab.locator(".st-key-check-neighbours")).to_contain_text(HOSTILE)
    expect(tab.locator(".st-key-check-multicast code")).to_have_text("sudo ufw allow 5353/udp")

    tab.get_by_role("combobox").click()
    option = tab.get_by_role("option", name="dora")
    expect(option).to_contain_text(HOSTILE)
    option.click()
    expect(tab.locator("table.paths tbody tr")).to_have_count(4)
    expect(tab.locator("table.paths")).to_contain_text("probably dora's firewall")
    until(lambda: diagnosis.DoctorArgs(peer=dora.id) in node.doctored, "the node is asked for the paths")
    assert tab.locator("img[src*='a.example']").count() == 0

    tab.get_by_role("button", name="Run again").click()
    until(lambda: diagnosis.DoctorArgs(peer=dora.id, again=True) in node.doctored, "the node is asked to look again")
    expect(tab.locator(".st-key-card-verdict-wait")).to_be_visible()
    tab.get_by_role("button", name="Copy report").click()
    expect(tab.get_by_test_id("stPopoverBody").locator("code")).to_contain_text("sudo ufw allow 5353/udp")
    tab.get_by_test_id("stPopoverBody").get_by_role("button").first.click()
    until_copied(tab, lambda text: "Paths to" in text and json.dumps(HOSTILE)[1:-1] in text)
