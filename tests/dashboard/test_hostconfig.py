from __future__ import annotations

import re

import pytest
from starlette.types import Message
from streamlit import config

from dashboard import hostconfig
from tests.dashboard.conftest import Served


def test_the_page_is_told_to_show_no_dialogs_of_its_own(served: Served) -> None:
    answer = served.client.get(hostconfig.PATH, headers={**served.cookie, "accept-encoding": "gzip"})
    assert answer.status_code == 200
    told = answer.json()
    assert told["blockErrorDialogs"] is True
    # The rest is Streamlit's own.
    assert told["useExternalAuthToken"] is False and "allowedOrigins" in told
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_it_stands_behind_the_guard(served: Served) -> None:
    assert served.client.get(hostconfig.PATH).status_code == 401


def test_an_answer_that_is_something_else_stays_as_it_is() -> None:
    start = {"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"9")]}
    for body in (b"Not Found", b"[1,2,3,4]", b""):
        answer: list[Message] = [start, {"type": "http.response.body", "body": body}]
        assert hostconfig.quieter(answer) == answer


def test_streamlit_has_no_option_for_it_yet(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """When this fails, see whether hostconfig.py is still needed: Streamlit's dialogs may be an option of it by now."""
    monkeypatch.setattr(hostconfig, "quieter", lambda answer: answer)
    assert served.client.get(hostconfig.PATH, headers=served.cookie).json()["blockErrorDialogs"] is False
    assert not [name for name in config.get_config_options() if re.search("dialog|hostConfig", name, re.IGNORECASE)]
