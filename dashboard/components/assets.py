"""Where components find their .js and .css: read once, served by our own route, under a version that is their hash.

Law of this file: only files that lie in this folder at the start, by exact name; nothing is looked up on disk later.
Streamlit gives a component one string of JavaScript. Ours is a small loader that imports the real modules from
`/ui/<version>/...`, so that they stay files of one concern each, and are shared by all components of a page.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import pathlib
import posixpath
import re

from starlette.requests import Request
from starlette.responses import Response

from node import program

_FOLDER = pathlib.Path(__file__).parent
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png"}
#: The version is in the address, so a browser may keep what it has (a year, the longest that is customary).
_FOR_EVER = "private, max-age=31536000, immutable"


def _read(path: pathlib.Path) -> bytes:
    """A file's content. A script names commands as they are typed here."""
    content = path.read_bytes()
    return program.typed(content.decode()).encode() if path.suffix == ".js" else content


_FILES: dict[str, bytes] = {
    path.relative_to(_FOLDER).as_posix(): _read(path) for path in sorted(_FOLDER.rglob("*")) if path.suffix in _TYPES
}
_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*["'](\.[^"']+)["'];""", re.MULTILINE)
#: Changes when any file does, and only then: a tab that is open must not load the same module twice.
_CONTENT = hashlib.sha256(b"".join(name.encode() + body for name, body in _FILES.items())).digest()
VERSION = _CONTENT.hex()[:16]


def conceal(secret: bytes) -> None:
    """Make the version one that nobody can tell beforehand without `secret`, which stays the same.

    Else, whoever serves on this port while the dashboard is down could put scripts of their own into the browser's
    cache under the addresses of ours.
    """
    global VERSION
    VERSION = hmac.digest(secret, _CONTENT, "sha256").hex()[:16]


async def serve(request: Request) -> Response:
    """The route `/ui/{version}/{path}`."""
    name = request.path_params["path"]
    body = _FILES.get(name)
    if body is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    # A page that is older than this server still gets today's file, but must not keep it under the old name.
    keep = _FOR_EVER if request.path_params["version"] == VERSION else "no-store"
    return Response(body, headers={"content-type": _TYPES[pathlib.PurePosixPath(name).suffix], "cache-control": keep})


async def favicon(request: Request) -> Response:
    """The icon of the page before the frame has drawn its own."""
    return Response(_FILES["frame/favicon.png"], media_type="image/png", headers={"cache-control": "max-age=86400"})


def address(name: str) -> str:
    """Where a file is served."""
    return f"/ui/{VERSION}/{name}"


@functools.cache
def imports(*modules: str) -> list[str]:
    """Those of these modules that there are, and all that they import, in the order in which a browser meets them."""
    found = [name for name in modules if name in _FILES]
    for name in found:
        for path in _IMPORT.findall(_FILES[name].decode()):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if other in _FILES and other not in found:
                found.append(other)
    return found


def stylesheet(*names: str) -> str:
    """These files' content, one after the other."""
    return "\n".join(_FILES[name].decode() for name in names)


def loader(module: str) -> str:
    """JavaScript for a component: imports `module` and calls its `mount(component)`, which returns how to clean up.

    Streamlit runs the default export again when data changes; `mount` must then find what it made before.
    """
    return f"""
const loading = import(new URL("{address(module)}", window.location.origin));
export default function (component) {{
  let gone = false;
  let cleanUp = null;
  loading.then((module) => {{ if (!gone) cleanUp = module.mount(component); }});
  return () => {{ gone = true; if (cleanUp) cleanUp(); }};
}}
"""
