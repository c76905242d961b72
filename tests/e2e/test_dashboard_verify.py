"""Comparing codes in other ways than by eye: from a picture of the other's screen, or typed."""

from __future__ import annotations

import base64
import io
import pathlib

import PIL.Image
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from node.model import short_code
from tests.dashboard.pictured import image
from tests.e2e.browser import Visit, room, until
from tests.support.fake_node import FakeNode, fill_requests, node_id

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def compare(tab: Page) -> Locator:
    """The sheet, with both QR codes drawn."""
    tab.locator(".talk header .trust").click()
    sheet = tab.locator(".verify")
    expect(sheet.locator(".qr")).to_have_count(2)
    return sheet


def as_file(picture: PIL.Image.Image, form: str = "PNG") -> FilePayload:
    file = io.BytesIO()
    picture.save(file, form)
    return {"name": f"picture.{form.lower()}", "mimeType": f"image/{form.lower()}", "buffer": file.getvalue()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_the_others_screen_shows_is_read_from_a_picture_and_matches(
    node: FakeNode, visit: Visit, tmp_path: pathlib.Path, scheme: str
) -> None:
    erik = node.add_node("erik")
    tab = visit(color_scheme=scheme).open(erik.room)
    sheet = compare(tab)
    for code in sheet.locator(".qr").all():
        box = code.bounding_box()
        assert box is not None and box["width"] >= 152
    # Both screens show the same two codes, so the other's looks like this one.
    tab.screenshot(path=tmp_path / "screen.png")
    sheet.locator("input[type=file]").set_input_files(tmp_path / "screen.png")
    expect(sheet.get_by_role("heading", name="The codes match")).to_be_focused()
    tab.keyboard.press("Enter")
    assert "verify" not in node.commands, "a match alone verifies nobody"
    sheet.get_by_role("button", name="Mark as verified").click()
    expect(tab.locator(".talk header .trust")).to_have_text("verified")
    sheet = compare(tab)
    sheet.get_by_role("button", name="Unverify").click()
    expect(tab.locator(".talk header .trust")).to_have_text("not verified")
    expect(tab.locator(".toast")).to_have_text("erik isn't marked as verified any more.")
    until(lambda: not node.state.peers[erik.id].verified, "the node has heard of it")


def test_another_nodes_code_in_a_picture_is_loud_and_takes_verified_away(node: FakeNode, visit: Visit) -> None:
    erik, dora = node.add_node("erik", verified=True), node.add_node("dora")
    tab = visit().open(erik.room)
    sheet = compare(tab)
    sheet.locator("input[type=file]").set_input_files(as_file(image(dora.id)))
    expect(sheet.get_by_role("heading", name="The codes don't match")).to_be_focused()
    expect(sheet.locator(".verdict")).to_contain_text("erik isn't marked as verified any more.")
    expect(sheet.locator(".person h4").last).to_have_text("In the picture: this is dora")
    expect(sheet.locator(".person .groups").last.locator("span")).to_have_text(dora.code.split(" · "))
    expect(room(tab, "erik").locator(".verified")).to_be_hidden()
    assert not node.state.peers[erik.id].verified
    sheet.get_by_role("button", name="Compare again").click()
    expect(sheet.get_by_role("heading", name="Is this really erik?")).to_be_focused()


def test_pictures_and_words_that_are_no_code_of_theirs_are_said_in_words(node: FakeNode, visit: Visit) -> None:
    erik = node.add_node("erik")
    tab = visit().open(erik.room)
    sheet = compare(tab)
    problem = sheet.locator(".scan .problem")
    for given, said in (
        (as_file(PIL.Image.new("RGB", (400, 300), "#777777")), "There is no QR code in this picture"),
        (as_file(image("https://site.example/")), "isn't one of Snicher"),
        (as_file(image(node.me.id)), "This is your own code"),
        ({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}, "isn't a picture that can be opened"),
        # A drawing may hold addresses and scripts: none of it is opened.
        ({"name": "a.svg", "mimeType": "image/svg+xml",
          "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://10.0.0.66/x.png'/></svg>"},
         "isn't a picture that can be opened"),
    ):  # fmt: skip
        sheet.locator("input[type=file]").set_input_files(given)  # type: ignore[arg-type]
        expect(problem).to_contain_text(said)
    typed = sheet.get_by_role("textbox")
    typed.fill("q3zb 4y5i")
    typed.press("Enter")
    expect(problem).to_contain_text("A code has 16 letters and digits; this one has 8.")
    typed.fill(short_code(node_id(77)))
    typed.press("Enter")
    expect(sheet.get_by_role("heading", name="The codes don't match")).to_be_focused()
    sheet.get_by_role("button", name="Compare again").click()
    sheet.get_by_role("textbox").fill(erik.code.upper().replace(" · ", ""))
    sheet.get_by_role("button", name="Compare", exact=True).click()
    expect(sheet.get_by_role("heading", name="The codes match")).to_be_focused()
    assert "verify" not in node.commands


def test_a_large_photo_is_drawn_smaller_and_a_picture_is_pasted_or_dropped_too(node: FakeNode, visit: Visit) -> None:
    erik = node.add_node("erik")
    tab = visit().open(erik.room)
    sheet = compare(tab)
    # Noise, as of a camera: as PNG it has many times what a request may hold.
    photo = PIL.Image.effect_noise((3000, 2000), 90).convert("RGB")
    photo.paste(image(erik.id, scale=24), (200, 200))
    sheet.locator("input[type=file]").set_input_files(as_file(photo))
    expect(sheet.get_by_role("heading", name="The codes match")).to_be_focused()
    for kind in ("paste", "drop"):
        sheet.get_by_role("button", name="Close").click()
        expect(sheet).to_be_hidden()
        sheet = compare(tab)
        sheet.evaluate(
            """(sheet, [kind, picture]) => {
              const data = new DataTransfer();
              const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
              data.items.add(new File([bytes], "a.png", { type: "image/png" }));
              const how = { clipboardData: data, dataTransfer: data, bubbles: true, cancelable: true };
              sheet.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, how) : new DragEvent(kind, how));
            }""",
            [kind, base64.b64encode(as_file(image(erik.id))["buffer"]).decode()],
        )
        expect(sheet.get_by_role("heading", name="The codes match")).to_be_focused()


def test_codes_are_compared_before_somebody_is_accepted(node: FakeNode, visit: Visit) -> None:
    people = fill_requests(node)
    tab = visit().open("requests")
    sheet = tab.locator(".requests .verify")
    tab.get_by_role("button", name="Compare codes first").first.click()
    expect(sheet.get_by_role("heading", name="Is this really mira?")).to_be_focused()
    expect(sheet).to_contain_text("accepts their request, too")
    tab.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert node.state.rooms[people["mira"].room].request
    tab.get_by_role("button", name="Compare codes first").first.click()
    sheet.get_by_role("button", name="They match").click()
    expect(tab.locator(".talk h2")).to_have_text("mira")
    expect(tab.locator(".talk header .trust")).to_have_text("verified")


def test_arrows_go_through_the_row_of_requests_and_its_cards(node: FakeNode, visit: Visit) -> None:
    fill_requests(node)
    tab = visit().open()
    tab.keyboard.press("Control+k")
    tab.keyboard.press("ArrowDown")
    expect(tab.locator(".list .room.asks")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(tab.locator(".list .rooms .room").first).to_be_focused()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Enter")
    heads = tab.locator(".askerhead")
    expect(heads).to_have_count(2)
    heads.first.focus()
    tab.keyboard.press("ArrowDown")
    expect(heads.last).to_be_focused()
    tab.keyboard.press("Enter")
    expect(heads.last).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("ArrowUp")
    expect(heads.first).to_be_focused()
    # From conversation to conversation, and above all of them the requests.
    tab.keyboard.press("Alt+ArrowDown")
    expect(tab.locator(".list .rooms .room").first).to_have_attribute("aria-current", "true")
    tab.keyboard.press("Alt+ArrowUp")
    expect(tab.locator(".list .room.asks")).to_have_attribute("aria-current", "true")


def test_on_a_phone_the_sheet_opens_at_half_and_its_targets_are_large(node: FakeNode, visit: Visit) -> None:
    erik = node.add_node("erik")
    tab = visit(viewport={"width": 390, "height": 760}).open(erik.room)
    sheet = compare(tab)
    box = sheet.bounding_box()
    assert box is not None and box["height"] <= 382 and box["y"] + box["height"] == 760
    for target in sheet.get_by_role("button").all() + sheet.get_by_role("textbox").all():
        size = target.bounding_box()
        assert size is not None and size["height"] >= 44, target
    sheet.get_by_role("button", name="Show all of it").click()
    taller = sheet.bounding_box()
    assert taller is not None and taller["height"] > 600
    # What lies around it closes it.
    tab.mouse.click(195, 6)
    expect(sheet).to_be_hidden()
