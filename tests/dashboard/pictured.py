"""Pictures of QR codes, as a page sends them."""

from __future__ import annotations

import base64
import io

import PIL.Image

from node import qr


def image(*texts: str, scale: int = 4) -> PIL.Image.Image:
    """QR codes beside each other on grey, as somebody takes them from a screen."""
    found = [qr.modules(text) for text in texts]
    side = max(map(len, found), default=40) * scale
    whole = PIL.Image.new("RGB", (max(1, len(found)) * (side + 20) + 20, side + 40), "#888888")
    for number, modules in enumerate(found):
        one = PIL.Image.new("L", (len(modules), len(modules)), 255)
        one.putdata([0 if dark else 255 for row in modules for dark in row])
        whole.paste(
            one.resize((len(modules) * scale,) * 2, PIL.Image.Resampling.NEAREST), (20 + number * (side + 20), 20)
        )
    return whole


def picture(*texts: str, scale: int = 4, form: str = "JPEG") -> str:
    """The same as base64."""
    file = io.BytesIO()
    image(*texts, scale=scale).save(file, form)
    return base64.b64encode(file.getvalue()).decode()
