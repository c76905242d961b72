"""QR codes in pictures: read whole, and refused in words where there is none."""

from __future__ import annotations

import base64
import io

import PIL.Image
import pytest

from dashboard import pictures
from tests.dashboard.pictured import image, picture
from tests.support.fake_node import node_id


def test_all_codes_in_a_picture_are_read_also_askew() -> None:
    assert sorted(pictures.codes(picture(node_id(1), node_id(2)))) == sorted([node_id(1), node_id(2)])
    file = io.BytesIO()
    image(node_id(1)).rotate(20, expand=True, fillcolor="#999999").save(file, "JPEG", quality=60)
    assert pictures.codes(base64.b64encode(file.getvalue()).decode()) == [node_id(1)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (picture(), pictures.NO_CODE),
        ("", pictures.NO_PICTURE),
        ("no base64!", pictures.NO_PICTURE),
        (base64.b64encode(b"GIF89a no picture").decode(), pictures.NO_PICTURE),
        (picture(node_id(1))[:-400], pictures.NO_PICTURE),
        # Only what our page draws is opened: each further form would be one more reader to attack.
        (picture(node_id(1), form="PNG"), pictures.NO_PICTURE),
        ("A" * (pictures.MAX_CHARS + 4), pictures.TOO_LARGE),
    ],
    ids=["no code", "nothing", "no base64", "no picture", "cut off", "another form", "too large"],
)
def test_what_cannot_be_read_is_said_in_words(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pictures.codes(given)


@pytest.mark.parametrize("side", [2049, 65_000])
def test_a_picture_of_too_many_pixels_is_not_opened(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    PIL.Image.new("L", (8, 8)).save(file, "JPEG")
    head = bytearray(file.getvalue())
    # The frame's header says how large it is.
    at = head.index(b"\xff\xc0") + 5
    head[at : at + 4] = side.to_bytes(2, "big") * 2
    opened: list[object] = []
    monkeypatch.setattr(PIL.Image.Image, "convert", lambda *_: opened.append(1))
    with pytest.raises(ValueError, match=pictures.TOO_LARGE):
        pictures.codes(base64.b64encode(head).decode())
    assert not opened
