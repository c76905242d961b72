"""Every page and state that is looked at: one line each. test_dashboard_views.py walks them in both themes, checks each
with axe-core, and makes the screenshots.

A new page, or a new state of one, is one more `View` here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page, expect

from node.model import short_code
from tests.dashboard.pictured import image
from tests.support.fake_node import node_id


class View(NamedTuple):
    """What to open, and what must be there before it is looked at."""

    #: Of its screenshots.
    name: str
    #: What the node holds: "empty"; "full" (fake_node.fill); "nodes" (fake_node.fill_nodes);
    #: "requests" (fake_node.fill_requests); "away" (full, and then the node went); "unnamed" (empty, and nobody has
    #: chosen a name); "quiet" (peers who aren't linked, each in another way).
    home: str
    #: Below the dashboard's address.
    path: str
    #: A CSS selector of what must be visible (at 1280 px).
    ready: str
    #: What to do then.
    act: Callable[[Page], None] = lambda tab: None
    #: Open it afresh for each width, because what was done doesn't outlast another width.
    again: bool = False


def press(role: str, name: str) -> Callable[[Page], None]:
    """Press the button (or whatever it is) of this name."""
    return lambda tab: tab.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]


def then(*steps: Callable[[Page], None]) -> Callable[[Page], None]:
    """One after the other."""

    def act(tab: Page) -> None:
        for step in steps:
            step(tab)

    return act


def _message_menu(tab: Page) -> None:
    tab.locator(".row .bubble").last.hover()
    tab.get_by_role("button", name="More about this message").click()
    expect(tab.get_by_role("menuitem", name="Copy text")).to_be_visible()


def _typed(words: str, shown: str) -> Callable[[Page], None]:
    def act(tab: Page) -> None:
        tab.get_by_role("searchbox").first.fill(words)
        expect(tab.locator(shown).first).to_be_visible()

    return act


def _named(name: str) -> Callable[[Page], None]:
    def act(tab: Page) -> None:
        tab.locator(".naming input").fill(name)
        tab.locator(".naming input").press("Enter")
        expect(tab.locator(".naming [data-tone=bad]")).to_be_visible()

    return act


def _presences(tab: Page) -> None:
    """Nobody who was heard is "not tried yet", and nobody who is there was "never" seen."""
    for name, presence, seen in (
        ("cian", "^quiet since ", "min ago"), ("dora", "^not tried yet$", "never"), ("erik", "^reachable$", "not yet"),
    ):  # fmt: skip
        row = tab.locator(".peer", has_text=name)
        expect(row.locator(".presence")).to_have_text(re.compile(presence))
        expect(row.locator(".why")).not_to_be_empty()
        expect(row.locator(".seen time")).to_contain_text(seen)


def _linked(tab: Page) -> None:
    field = tab.locator(".composer textarea")
    field.fill("It is at https://site.example:9/a/page?b=c#d (and http://site.example:9/), see there.")
    field.press("Enter")
    expect(tab.locator(".row.mine .text a").last).to_be_visible()


def _first_event(tab: Page) -> None:
    tab.locator(".rowhead").first.click()
    expect(tab.locator(".raw").first).to_contain_text("{")


#: The event log and the figures are there.
_TOLD = "[data-testid='stMain']:has(.st-key-sign-bus) .rows .row"


def _delivery(tab: Page) -> None:
    tab.locator(".row.mine .state").last.click()
    expect(tab.locator(".details .outcome").first).to_be_visible()


def _connection(tab: Page) -> None:
    tab.locator(".talk .badge").click()
    expect(tab.locator(".secure .codes")).to_be_visible()


def _codes(tab: Page) -> None:
    expect(tab.locator(".verify .qr")).to_have_count(2)


def _typed_code(number: int) -> Callable[[Page], None]:
    """Type the code of this one of fill_requests()."""

    def act(tab: Page) -> None:
        _codes(tab)
        tab.locator(".typed").fill(short_code(node_id(number)))
        tab.locator(".typed").press("Enter")
        expect(tab.locator(".verify .verdict")).to_be_visible()

    return act


def _picture(tab: Page) -> None:
    _codes(tab)
    file = io.BytesIO()
    image("https://site.example/").save(file, "PNG")
    tab.locator(".verify input[type=file]").set_input_files(
        {"name": "picture.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(tab.locator(".scan .problem")).to_be_visible()


def _half_a_code(tab: Page) -> None:
    _codes(tab)
    tab.locator(".typed").fill("k7f2 9q")
    tab.locator(".typed").press("Enter")
    expect(tab.locator(".scan .problem")).to_be_visible()


def _decide(act: str) -> Callable[[Page], None]:
    def press_it(tab: Page) -> None:
        tab.get_by_role("button", name=f"{act}…").click()
        expect(tab.locator(".ask .person").first).to_be_visible()

    return press_it


#: What a tab keeps of alarms, so that they outlast a reload: here as if two had just come.
_ALARMS = """sessionStorage.setItem("snicher/alarms", JSON.stringify([
  {key: "peer a", peer: "nobody", room: "direct:5", name: "dora", seen: false,
   text: "Another key than dora's answers at 192.168.1.25:5000."},
  {key: "identity", peer: null, room: null, name: null, seen: true,
   text: "Another machine, met at 10.0.0.7:5000, uses this node's identity: a copied home. Both go on working."}]))"""


def _alarmed(tab: Page) -> None:
    tab.evaluate(_ALARMS)
    tab.reload()
    expect(tab.locator(".alarm")).to_have_count(2)


#: fill() makes peers in this order: bela, cian, TEAM ALPHA, salma, the long name, the hostile one.
VIEWS = [
    View("chats-empty", "empty", "", ".nothing .alone h2"),
    View("chats-name", "unnamed", "", ".naming .primary"),
    View("chats-name-refused", "unnamed", "", ".naming .primary", _named(""), again=True),
    View("chats-list", "full", "", ".list .room"),
    View("chats-full", "full", "?room=room-1", ".row"),
    View("chats-waiting", "full", "?room=room-2", ".waits"),
    View("chats-plain", "full", "?room=room-3", ".row"),
    View("chats-rtl", "full", "?room=room-4", ".row"),
    View("chats-long", "full", "?room=room-5", ".row"),
    View("chats-hostile", "full", "?room=room-6", ".row"),
    View("chats-menu", "full", "?room=room-1", ".row", press("button", "More about bela"), again=True),
    View("chats-message", "full", "?room=room-1", ".row", _message_menu, again=True),
    View("chats-merge", "full", "?room=room-1", ".row",
         then(press("button", "More about bela"), press("menuitem", "Merge")), again=True),
    View("chats-delete", "full", "?room=room-5", ".row",
         then(press("button", "More about Max"), press("menuitem", "Delete")), again=True),
    View("chats-found", "full", "", ".list .room", _typed("message", ".list .hit")),
    View("chats-nobody", "full", "", ".list .room", _typed("nobodyatall", ".list .hint")),
    View("chats-links", "full", "?room=room-3", ".row", _linked),
    View("chats-unknown", "full", "?room=nowhere", ".broken"),
    View("chats-away", "away", "?room=room-2", ".strip"),
    # fill_nodes() makes them in this order: bela, cian, another bela, bela in clear, dora, TEAM ALPHA.
    View("nodes-list", "nodes", "", ".list .room"),
    View("nodes-direct", "nodes", "?room=direct:1", ".row"),
    View("nodes-delivered", "nodes", "?room=direct:1", ".row", _delivery, again=True),
    View("nodes-secure", "nodes", "?room=direct:1", ".row", _connection, again=True),
    View("nodes-away", "nodes", "?room=direct:2", ".row", _connection, again=True),
    View("nodes-menu", "nodes", "?room=direct:1", ".row", press("button", "More about bela"), again=True),
    View("nodes-waiting", "nodes", "?room=direct:2", ".waits", _delivery, again=True),
    View("nodes-twin", "nodes", "?room=direct:3", ".doubt"),
    View("nodes-clear", "nodes", "?room=room-4", ".doubt", _decide("Allow clear text"), again=True),
    View("nodes-rival", "nodes", "?room=direct:5", ".doubt"),
    View("nodes-trust", "nodes", "?room=direct:5", ".doubt", _decide("Trust the new key"), again=True),
    View("nodes-peers", "nodes", "peers", ".peer"),
    View("nodes-search", "nodes", "search?q=is", ".searchpage .hit"),
    View("nodes-activity", "nodes", "activity", _TOLD),
    View("nodes-doctor", "nodes", f"doctor?peer={node_id(5)}", ".st-key-card-paths table"),
    View("nodes-alarm", "nodes", "?room=direct:2", ".row", _alarmed),
    # fill_requests() makes them in this order: bela, erik, one who looks like bela, mira, one in clear who is blocked.
    View("requests-list", "requests", "", ".list .room.asks"),
    View("requests-cards", "requests", "?room=requests", ".asker .firstline"),
    View("requests-alike", "requests", "?room=direct:3", ".asker .firstline"),
    View("requests-block", "requests", "?room=requests", ".asker .firstline",
         then(press("button", "Block"), lambda tab: expect(tab.locator(".requests .ask")).to_be_visible()), again=True),
    View("requests-refused", "requests", "?room=direct:2", ".waits"),
    View("requests-verified", "requests", "?room=direct:1", ".row"),
    View("requests-verify", "requests", "?room=direct:2", ".row",
         then(press("button", "Not verified"), _codes), again=True),
    View("requests-unverify", "requests", "?room=direct:1", ".row",
         then(press("button", "Verified"), _codes), again=True),
    View("requests-matched", "requests", "?room=direct:2", ".row",
         then(press("button", "Not verified"), _typed_code(2)), again=True),
    View("requests-mismatch", "requests", "?room=direct:2", ".row",
         then(press("button", "Not verified"), _typed_code(1)), again=True),
    View("requests-unread", "requests", "?room=direct:2", ".row",
         then(press("button", "Not verified"), _half_a_code), again=True),
    View("requests-picture", "requests", "?room=direct:2", ".row",
         then(press("button", "Not verified"), _picture), again=True),
    View("requests-compare", "requests", "?room=requests", ".asker .firstline",
         then(press("button", "Compare codes first"), _codes), again=True),
    View("requests-differ", "requests", "?room=direct:2", ".row",
         then(press("button", "Not verified"), press("button", "They don't match")), again=True),
    View("requests-peers", "requests", "peers", ".peer .verified"),
    View("requests-settings", "requests", "settings", ".st-key-card-blocked button"),
    View("requests-invite", "requests", "peers", ".peer",
         then(press("button", "Invite somebody"), lambda tab: expect(tab.locator(".qr")).to_be_visible()), again=True),
    View("quiet-list", "quiet", "?room=room-1", ".talk .presence"),
    View("quiet-peers", "quiet", "peers", ".peer", _presences),
    View("peers-more", "quiet", "peers", ".peer",
         then(lambda tab: tab.locator(".more summary").click(),
              lambda tab: expect(tab.locator(".more .means")).to_be_visible()), again=True),
    View("peers-empty", "empty", "peers", ".known .empty h2"),
    View("peers-full", "full", "peers", ".peer"),
    View("peers-refused", "full", "peers", ".peer", press("button", "Connect")),
    View("peers-none", "full", "peers", ".peer", _typed("nobodyatall", ".known .empty h2")),
    View("peers-away", "away", "peers", ".strip"),
    View("search-empty", "empty", "search", ".results .state h2"),
    View("search-full", "full", "search?q=message", ".searchpage .hit"),
    View("search-mixed", "full", "search?q=a", ".searchpage .hit"),
    View("search-none", "full", "search?q=nobodyatall&room=room-5", ".results .state h2"),
    View("search-away", "away", "search?q=message", ".strip"),
    View("activity-empty", "empty", "activity", _TOLD),
    View("activity-full", "full", "activity", _TOLD),
    View("activity-open", "full", "activity", _TOLD, _first_event, again=True),
    View("activity-none", "full", "activity", _TOLD, _typed("nobodyatall", ".after .end")),
    View("activity-paused", "full", "activity", _TOLD, press("button", "Pause")),
    View("activity-away", "away", "activity", ".st-key-sign-bus"),
    View("doctor-empty", "empty", "doctor", ".st-key-card-verdict-plain"),
    View("doctor-away", "away", "doctor", ".strip"),
    View("settings-empty", "empty", "settings", ".st-key-columns h2"),
    View("settings-full", "full", "settings", ".st-key-columns h2"),
    View("settings-wrong", "full", "settings", ".st-key-columns h2", press("button", "Add")),
    View("settings-away", "away", "settings", ".st-key-field-name input"),
]  # fmt: skip
