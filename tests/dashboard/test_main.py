from __future__ import annotations

from streamlit.testing.v1 import AppTest

from dashboard import app


def peers_page() -> None:
    from dashboard.views import peers

    peers.page()


def search_page() -> None:
    from dashboard.views import search

    search.page()


def activity_page() -> None:
    from dashboard.views import activity

    activity.page()


def settings_page() -> None:
    from dashboard.views import settings

    settings.page()


def components(test: AppTest) -> list[str]:
    return [element.proto.component_name for element in test.main if element.type == "bidi_component"]


def test_the_script_draws_the_frame_and_the_chats() -> None:
    test = AppTest.from_file(str(app.SCRIPT), default_timeout=100).run()
    assert not test.exception and not test.error
    assert components(test) == ["snicher_frame", "snicher_chats"]
    # And again: no component may be registered or keyed twice.
    test.run()
    assert not test.exception and components(test) == ["snicher_frame", "snicher_chats"]


def test_the_peers_page_draws_its_component() -> None:
    test = AppTest.from_function(peers_page, default_timeout=100).run()
    assert not test.exception and components(test) == ["snicher_peers"]


def test_the_search_page_draws_its_component() -> None:
    test = AppTest.from_function(search_page, default_timeout=100).run()
    assert not test.exception and components(test) == ["snicher_search"]


def test_the_activity_and_settings_pages_draw_their_components() -> None:
    for page, name in ((activity_page, "snicher_activity"), (settings_page, "snicher_settings")):
        test = AppTest.from_function(page, default_timeout=100).run()
        assert not test.exception and components(test) == [name]
