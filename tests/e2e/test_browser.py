"""The browser that the other tests drive."""

from __future__ import annotations

import pathlib

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import WITHOUT

pytest_plugins = ["tests.e2e.browser"]
pytestmark = pytest.mark.browser

_OPTION = "--disable-features="


def test_every_feature_that_playwright_turns_off_is_turned_off(chromium: Browser) -> None:
    """Chromium takes the last list of these, and that is ours."""
    running = chromium.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    (browser,) = (one["id"] for one in running if one["type"] == "browser")
    words = pathlib.Path(f"/proc/{browser}/cmdline").read_bytes().decode().split("\0")
    lists = [word.removeprefix(_OPTION).split(",") for word in words if word.startswith(_OPTION)]
    assert len(lists) == 2
    assert lists[-1] == list(WITHOUT)
    assert set(lists[0]) <= set(WITHOUT)


def test_no_page_of_chromium_itself_is_loaded_for_a_window_that_nobody_sees(chromium: Browser) -> None:
    context = chromium.new_context()
    context.new_page()
    targets = chromium.new_browser_cdp_session().send("Target.getTargets", {"filter": [{}]})["targetInfos"]
    assert [one["url"] for one in targets if one["url"].startswith("chrome")] == []
    context.close()
