"""Reads the QR codes in a picture.

The page draws a picture anew before it sends it, as a JPEG of bounded size. So what comes from elsewhere is opened by
the browser, behind its walls, and here nothing but what a page drew. That is checked all the same.
"""

from __future__ import annotations

import base64
import binascii
import io

#: Largest picture, in bytes; a larger one is refused. It goes to the server in one request, which may be little larger
#: (live.py). The page draws a larger one smaller.
MAX_BYTES = 360_000
MAX_CHARS = (MAX_BYTES + 2) // 3 * 4
#: Most pixels. Of a larger picture only the head is read.
MAX_PIXELS = 2048 * 2048
#: Most codes that are read of a picture. The screen of somebody who compares shows two.
MAX_CODES = 8

NO_PICTURE = "This isn't a picture that can be opened."
TOO_LARGE = "The picture is too large. Cut it down to the code."
NO_CODE = "There is no QR code in this picture. Come closer, straight on, so that nothing of the code is cut off."


def codes(picture: str) -> list[str]:
    """The texts of the QR codes in a picture (base64), at least one. Raises ValueError with a sentence for people.

    It takes some ten milliseconds of work; not for an event loop.
    """
    # Only here: the dashboard needn't wait for it.
    import PIL.Image
    import zxingcpp

    if len(picture) > MAX_CHARS:
        raise ValueError(TOO_LARGE)
    try:
        raw = base64.b64decode(picture, validate=True)
        with PIL.Image.open(io.BytesIO(raw), formats=("JPEG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(TOO_LARGE)
            grey = image.convert("L")
    except PIL.Image.DecompressionBombError as error:
        raise ValueError(TOO_LARGE) from error
    except (binascii.Error, OSError, SyntaxError) as error:
        raise ValueError(NO_PICTURE) from error
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    texts = [one.text for one in found[:MAX_CODES]]
    if not texts:
        raise ValueError(NO_CODE)
    return texts
