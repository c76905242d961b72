"""Streamlit's options and colours, the same wherever the dashboard is started: from its folder, or installed.

Streamlit reads a `.streamlit/config.toml` in the working folder, in the user's home and beside the script. None of them
is read here: one that a person made for another program could change how this one looks, open it to other sites, or
keep it from starting. Streamlit 1.67 has no option for that, so the function that lists these files is replaced; a test
fails when Streamlit asks another one. The looks are in theme.toml, in Streamlit's own form.
"""

from __future__ import annotations

import pathlib

from streamlit import config
from streamlit.web import bootstrap

#: The looks of Streamlit's own elements.
THEME = pathlib.Path(__file__).with_name("theme.toml")
#: How Streamlit behaves here; safety depends on some of it.
OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showSidebarNavigation": False,
    # Settings may be changed elsewhere, so their fields have a default and are set as well (views/settings.py).
    "global.disableWidgetStateDuplicationWarning": True,
    # Hot reload leaks the old feed's thread.
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.maxUploadSize": 1,
    "server.showEmailPrompt": False,
}


def files(file_name: str) -> list[str]:
    """The files that Streamlit reads: for config.toml ours, for secrets.toml none."""
    return [str(THEME)] if file_name == "config.toml" else []


def fix(port: int, address: str) -> None:
    """Settle all options of this process."""
    config.get_config_files = files
    bootstrap.load_config_options({**OPTIONS, "server.port": port, "server.address": address})
