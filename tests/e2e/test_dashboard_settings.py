"""The Settings page as people use it: each setting saved by itself, told by the node, and live in other tabs."""

from __future__ import annotations

import re
import threading

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, until, until_copied
from tests.support.fake_node import FakeNode, fill, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def visit(visit: Visit) -> Visit:
    """Pages on which "Saved." and "Really?" stay until something else is said: a busy machine may look late."""
    return lambda *arguments, **options: visit(*arguments, **options).hold(5000, 6000)


def loaded(tab: Page) -> Page:
    expect(tab.get_by_label("Your name", exact=True)).to_be_enabled()
    return tab


def field(tab: Page, label: str) -> Locator:
    return tab.locator("form.field", has=tab.get_by_label(label, exact=True))


def note(tab: Page, label: str) -> Locator:
    return field(tab, label).locator(".note")


def save(tab: Page, label: str, text: str) -> None:
    tab.get_by_label(label, exact=True).fill(text)
    field(tab, label).get_by_role("button").click()


def test_a_name_is_saved_when_the_node_has_it_and_other_tabs_see_it(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    one, two = loaded(visitor.open(page="settings")), loaded(visit().open(page="settings"))
    expect(one).to_have_title("Settings · Snicher")
    button = field(one, "Your name").get_by_role("button")
    expect(button).to_be_disabled()
    free = node.hold_back["settings"] = threading.Event()
    save(one, "Your name", "Anna B")
    expect(note(one, "Your name")).to_contain_text("Saving…")
    free.set()
    expect(note(one, "Your name")).to_contain_text("Saved.")
    assert node.state.settings.name == "Anna B"
    expect(two.get_by_label("Your name", exact=True)).to_have_value("Anna B")
    expect(one.locator(".me .name")).to_have_text("Anna B")
    expect(field(two, "Your name").locator(".source")).to_have_text("Saved by this node")
    expect(button).to_be_disabled()


def test_what_the_node_refuses_stands_beside_the_field(node: FakeNode, visit: Visit) -> None:
    def refuse(command: rq.Command) -> None:
        if command.op == "settings":
            raise CommandRefused("invalid_args", "10,000 to 100,000,000 events can be kept, not 5.")

    node.before = refuse
    tab = loaded(visit().open(page="settings"))
    save(tab, "Keep in the event log", "5")
    expect(note(tab, "Keep in the event log")).to_have_text(
        re.compile(r"Not saved\. 10,000 to 100,000,000 events can be kept, not 5\.")
    )
    entry = tab.get_by_label("Keep in the event log", exact=True)
    expect(entry).to_have_attribute("aria-invalid", "true")
    expect(entry).to_have_value("5")
    expect(entry).to_be_focused()
    entry.press("Escape")
    expect(entry).to_have_value("1,000,000")
    save(tab, "Keep in the event log", "many")
    expect(note(tab, "Keep in the event log")).to_contain_text("whole number")
    node.before = lambda command: None
    save(tab, "Keep in the event log", "50,000")
    expect(note(tab, "Keep in the event log")).to_contain_text("Saved.")
    assert node.state.settings.keep_events == 50_000
    expect(entry).to_have_value("50,000")


def test_half_typed_text_survives_a_change_elsewhere(node: FakeNode, visit: Visit) -> None:
    one, two = loaded(visit().open(page="settings")), loaded(visit().open(page="settings"))
    entry = one.get_by_label("Your name", exact=True)
    entry.fill("half a na")
    save(two, "Your name", "Other")
    expect(note(one, "Your name")).to_contain_text("Changed elsewhere meanwhile, to “Other”")
    expect(entry).to_have_value("half a na")
    entry.press("Escape")
    expect(entry).to_have_value("Other")


def test_deleting_old_messages_asks_twice(node: FakeNode, visit: Visit) -> None:
    tab = loaded(visit().open(page="settings"))
    save(tab, "Keep messages for", "30")
    button = field(tab, "Keep messages for").get_by_role("button")
    expect(button).to_have_text("Really delete what is older than 30 days?")
    assert "settings" not in node.commands
    # What was saved holds from then on, however late the page is told of it.
    free = threading.Event()

    def tell_late(command: rq.Command) -> None:
        if command.op == "settings":
            node.hold_back["config"] = free

    node.before = tell_late
    button.click()
    expect(note(tab, "Keep messages for")).to_contain_text("Saved.")
    assert node.state.settings.keep_days == 30
    # Keeping more takes nothing away.
    save(tab, "Keep messages for", "60")
    free.set()
    until(lambda: node.state.settings.keep_days == 60, "saved at once")


def test_what_the_start_fixed_is_shown_and_says_by_what(node: FakeNode, visit: Visit) -> None:
    node.fixed = {"keep_days": "--keep-days", "reconnect": "SNICHER_RECONNECT"}
    tab = loaded(visit().open(page="settings"))
    expect(tab.get_by_label("Keep messages for", exact=True)).to_be_disabled()
    expect(note(tab, "Keep messages for")).to_contain_text(
        "Set by --keep-days when the node was started: change it there"
    )
    for choice in tab.locator("fieldset", has_text="When a connection breaks").get_by_role("radio").all():
        expect(choice).to_be_disabled()


def test_a_choice_is_shown_as_the_node_has_it(node: FakeNode, visit: Visit) -> None:
    one, two = loaded(visit().open(page="settings")), loaded(visit().open(page="settings"))
    stay = one.get_by_label("Stay apart until somebody connects")
    free = node.hold_back["settings"] = threading.Event()
    stay.click()
    expect(one.locator("fieldset", has_text="When a connection breaks").locator(".note")).to_contain_text("Saving…")
    assert not stay.is_checked(), "not before the node has it"
    free.set()
    expect(stay).to_be_checked()
    expect(two.get_by_label("Stay apart until somebody connects")).to_be_checked()
    assert node.state.settings.reconnect is False


def test_mandatory_peers(node: FakeNode, visit: Visit) -> None:
    greeting = nouns.Greeting(address="10.206.4.122:1255", network="10.206.0.0/16", outcome="skipped", at=now())
    node.publish("GreetingChanged", ev.GreetingChanged(greeting=greeting))
    tab = loaded(visit().open(page="settings"))
    rows = tab.locator(".mandatory li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("passed over")
    expect(rows.nth(1)).to_contain_text("not greeted yet")
    failed = nouns.Greeting(
        address="10.206.5.228:6555", outcome="failed", detail="It refused the connection.", at=now()
    )
    node.publish("GreetingChanged", ev.GreetingChanged(greeting=failed))
    expect(rows.nth(1)).to_contain_text(
        re.compile(r"could not be greeted (just now|\d+ s ago)\. It refused the connection\.")
    )
    entry = tab.get_by_label("Address of a mandatory peer")
    entry.press("Enter")
    expect(tab.locator(".group", has=entry).locator(".note").nth(1)).to_contain_text("Type an address")
    entry.fill("10.0.0.9:1255")
    entry.press("Enter")
    expect(rows).to_have_count(3)
    expect(entry).to_have_value("")
    assert node.state.settings.mandatory[-1] == "10.0.0.9:1255"
    tab.get_by_role("button", name="Remove 10.0.0.9:1255").click()
    expect(rows).to_have_count(2)
    expect(entry).to_be_focused()
    save(tab, "What they are told", "Hello from the test")
    expect(note(tab, "What they are told")).to_contain_text("Saved.")
    assert node.state.settings.mandatory_greeting == "Hello from the test"
    tab.get_by_label("From any network").click()
    expect(tab.get_by_label("From any network")).to_be_checked()
    assert node.state.settings.mandatory_rule == "off"


def test_where_it_is_and_how_much(node: FakeNode, visit: Visit) -> None:
    tab = loaded(visit(permissions=["clipboard-read", "clipboard-write"]).open(page="settings"))
    place = tab.locator(".group", has_text="Where it is")
    expect(place.locator("code")).to_have_text(str(node.home))
    place.get_by_role("button").click()
    until_copied(tab, lambda text: text == str(node.home))
    expect(place).to_contain_text("The database takes 12 MB; 38 GB are free on that disk.")
    tab.get_by_role("button", name="Copy 192.168.1.20:5000").last.click()
    until_copied(tab, lambda text: text == "192.168.1.20:5000")


def test_a_link_is_made_and_copied_and_the_others_are_shut_out(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    one, other = visit(permissions=["clipboard-read", "clipboard-write"]), visit()
    tab, elsewhere = loaded(one.open(page="settings")), loaded(other.open(page="settings"))
    access = tab.locator(".group", has_text="This dashboard")
    expect(access.locator("code")).to_be_hidden()
    access.get_by_role("button", name="Make a link").click()
    expect(access.locator(".note")).to_contain_text("It works once.")
    expect(access.locator("code")).to_contain_text(f"{dashboard.origin}/?link=")
    access.get_by_role("button", name="Copy the link").click()
    expect(access.locator(".note")).to_contain_text("The link is on the clipboard.")
    link = access.locator("code").inner_text()
    until_copied(tab, lambda text: text == link)
    other.forgiving = True
    access.get_by_role("button", name="Shut out all other browsers").click()
    access.get_by_role("button", name="Really? They need a link again").click()
    expect(access.locator(".note")).to_contain_text("All other browsers are shut out")
    expect(elsewhere.locator(".strip")).to_contain_text("This browser isn't let in any more.")
    expect(tab.locator(".strip")).to_be_hidden()
    # Neither its key nor an earlier link lets it in.
    elsewhere.goto(link)
    expect(elsewhere.locator("#wrong")).to_be_visible()
    access.get_by_role("button", name="Make a link").click()
    expect(access.locator("code")).not_to_have_text(link)
    # It is empty until the new link has come.
    expect(access.locator("code")).to_contain_text(f"{dashboard.origin}/?link=")
    elsewhere.goto(access.locator("code").inner_text())
    expect(elsewhere.locator(".me .name")).to_have_text("anna")
    # Being shut out is what was asked for.
    other.complaints = [one for one in other.complaints if "401" not in one]


def test_the_colours_are_chosen_for_all_tabs_of_this_browser(node: FakeNode, visit: Visit) -> None:
    visitor = visit(color_scheme="light")
    one, two = loaded(visitor.open(page="settings")), visitor.open(page="peers")
    expect(two.locator(".peers h1")).to_be_visible()
    expect(one.locator(".settings")).to_have_css("background-color", "rgb(251, 250, 248)")
    one.get_by_label("Dark", exact=True).click()
    for tab, name in ((one, ".settings"), (two, ".peers")):
        expect(tab.locator(name)).to_have_css("background-color", "rgb(21, 23, 27)")
    one.reload()
    loaded(one)
    expect(one.locator(".settings")).to_have_css("background-color", "rgb(21, 23, 27)")
    expect(one.get_by_label("Dark", exact=True)).to_be_checked()
    one.get_by_label("As the system is").click()
    expect(two.locator(".peers")).to_have_css("background-color", "rgb(251, 250, 248)")


def test_a_node_that_is_away_or_older(node: FakeNode, visit: Visit) -> None:
    tab = loaded(visit().open(page="settings"))
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    expect(tab.locator(".group", has_text="Where it is")).to_contain_text("Only the node can tell.")
    save(tab, "Your name", "Anna C")
    expect(note(tab, "Your name")).to_contain_text("Perhaps not saved. The node doesn't answer. Try again in a moment.")
    expect(tab.get_by_label("Your name", exact=True)).to_have_value("Anna C")

    def older(command: rq.Command) -> None:
        if command.op == "config":
            raise CommandRefused("unknown_op", "There is no such command.")

    node.before = older
    node.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(tab.locator(".group", has_text="Where it is").locator("code")).to_have_text(str(node.home))
    field(tab, "Your name").get_by_role("button").click()
    expect(note(tab, "Your name")).to_contain_text("Saved.")
    assert node.state.settings.name == "Anna C"


def test_long_names_and_lists_stay_within_the_page(node: FakeNode, visit: Visit) -> None:
    fill(node)
    addresses = [f"10.123.{number}.200:15000@10.123.0.0/16" for number in range(30)]
    node.publish(
        "SettingsChanged",
        ev.SettingsChanged(
            settings=replace(node.state.settings, name="سلمى من قسم الشبكات " * 3, mandatory=addresses), self=node.me
        ),
    )
    tab = loaded(visit().open(page="settings"))
    expect(tab.locator(".mandatory li")).to_have_count(30)
    for width in (1280, 800, 390, 320):
        tab.set_viewport_size({"width": width, "height": 700})
        assert tab.locator(".sheet").evaluate("sheet => sheet.scrollWidth <= sheet.clientWidth"), (
            f"sticks out at {width}"
        )


def test_whether_others_see_what_was_read_here_is_chosen_and_live_in_other_tabs(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    one, two = loaded(visitor.open(page="settings")), loaded(visitor.open(page="settings"))
    choice = one.get_by_role("group", name="What others see of you")
    expect(choice).to_contain_text("others see when you have read a message, and when you type")
    expect(choice.get_by_label("Tell them when I have read, and when I type")).to_be_checked()
    choice.get_by_label("Tell them neither").click()
    expect(choice.locator(".note")).to_contain_text("Saved.")
    assert node.state.settings.share_reading is False
    expect(two.get_by_label("Tell them neither")).to_be_checked()
