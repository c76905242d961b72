"""The Streamlit script: the pages, and the frame around them. Runs again for every click on the navigation.

Law of this file: it draws nothing itself and knows no node. Live data comes over the components' own WebSocket.
"""

from __future__ import annotations

import streamlit as st

from dashboard.components import frame
from dashboard.views import activity, chats, peers, search, settings

st.set_page_config(page_title="Snicher", page_icon=None, layout="wide")
pages = {
    "chats": st.Page(chats.page, title="Chats", url_path="chats", default=True),
    "peers": st.Page(peers.page, title="Peers", url_path="peers"),
    "search": st.Page(search.page, title="Search", url_path="search"),
    "activity": st.Page(activity.page, title="Activity", url_path="activity"),
    "settings": st.Page(settings.page, title="Settings", url_path="settings"),
}
page = st.navigation(list(pages.values()), position="hidden")
current = next((name for name, one in pages.items() if one is page or one.url_path == page.url_path), "chats")
chosen = frame.draw(current)
if chosen in pages and chosen != current:
    st.switch_page(pages[chosen])
page.run()
