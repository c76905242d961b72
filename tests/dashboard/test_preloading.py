from __future__ import annotations

import pathlib
import re

import pytest
from streamlit import file_util

from dashboard import preloading
from dashboard.components import assets
from tests.dashboard.conftest import Served

STATIC = pathlib.Path(file_util.get_static_dir())
COMPONENTS = pathlib.Path(assets.__file__).parent


def told(served: Served, path: str) -> list[str]:
    """The scripts that the browser is told of with a page, without the version."""
    answer = served.client.get(path, headers={**served.cookie, "accept": "text/html"})
    assert answer.status_code == 200
    links = re.findall(r"<([^>]+)>; rel=modulepreload", answer.headers.get("link", ""))
    assert all(served.client.get(link, headers=served.cookie).status_code == 200 for link in links)
    return [link.removeprefix(assets.address("")) for link in links if not link.startswith("/static/")]


@pytest.mark.parametrize(
    ("path", "page"), [("/", "chats"), ("/chats", "chats"), ("/peers", "peers"), ("/search", "search")]
)
def test_a_page_names_all_scripts_that_it_needs_and_no_others(served: Served, path: str, page: str) -> None:
    names = told(served, path)
    assert names[:2] == ["frame/main.js", f"{page}/main.js"] and len(set(names)) == len(names)
    assert {"shared/store.js", "shared/dom.js", "door/browser.js"} <= set(names)
    folders = {name.split("/")[0] for name in names}
    assert folders == {"frame", "shared", "door", page}
    # Whatever one of them imports is one of them.
    for name in names:
        source = (COMPONENTS / name).read_text("utf-8")
        for imported in re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', source):
            path_to = (COMPONENTS / name).parent / imported
            assert path_to.resolve().relative_to(COMPONENTS.resolve()).as_posix() in names or "/** @" in source


def test_a_page_of_no_component_names_those_of_the_frame(served: Served) -> None:
    names = told(served, "/nowhere")
    assert names[0] == "frame/main.js" and not any(name.startswith("chats/") for name in names)


def test_streamlit_still_draws_components_with_these_scripts() -> None:
    names = [address.removeprefix("/static/js/").split(".")[0] for address in preloading.of_streamlit(STATIC)]
    assert names[:2] == ["BidiComponent", "Html"] and len(names) < 12, "else its page names them, or draws otherwise"


def test_nobody_else_is_told_of_scripts(served: Served) -> None:
    assert "link" not in served.client.get("/").headers, "who isn't let in"
    assert "link" not in served.client.get("/_stcore/health", headers=served.cookie).headers
    assert "link" not in served.client.get(assets.address("frame/main.js"), headers=served.cookie).headers
