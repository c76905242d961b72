"""The Streamlit script: the pages, and the frame around them. Runs again for every click on the navigation.

Law of this file: it draws nothing itself and knows no node. Live data comes over the components' own WebSocket, and to
native parts through the hatch.
"""

from __future__ import annotations

import streamlit as st

from dashboard import registry
from dashboard.components import frame

st.set_page_config(page_title="Snicher", page_icon=None, layout="wide")
pages = [registry.streamlit_page(page) for page in registry.pages()]
page = st.navigation(pages, position="hidden")
names = [one.name for one in registry.pages()]
current = page.url_path if page.url_path in names else names[0]
chosen = frame.draw(current, registry.pages())
if chosen in names and chosen != current:
    st.switch_page(pages[names.index(chosen)])
page.run()
