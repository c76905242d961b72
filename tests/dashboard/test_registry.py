"""Every page that is registered: it is on the navigation, it draws, and it shows nothing before the pass is proved."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import app, hatch, registry
from tests.dashboard.counters import Counter

#: Pages that there were from the beginning, in their order.
FIRST = ["chats", "peers", "search", "activity", "settings"]
NAMES = [page.name for page in registry.pages()]


def one_page(name: str) -> None:
    from dashboard import registry

    next(page for page in registry.pages() if page.name == name).draw()


def walked(name: str, counter: Counter) -> AppTest:
    with hatch.open_to(counter):
        test = AppTest.from_function(one_page, default_timeout=100, args=(name,)).run()
        assert not test.exception and not test.error
        # And again: no component may be registered or keyed twice.
        test.run()
    assert not test.exception and not test.error
    return test


def components(test: AppTest) -> list[str]:
    return [element.proto.component_name for element in test.main if element.type == "bidi_component"]


def test_pages_are_found_in_their_order_and_none_goes_by_the_name_of_another() -> None:
    assert [name for name in NAMES if name in FIRST] == FIRST and NAMES[0] == "chats"
    assert len({page.place for page in registry.pages()}) == len(NAMES)
    for page in registry.pages():
        assert page.name.isidentifier() and page.title and page.icon.startswith("M")


def test_the_script_draws_the_frame_and_the_first_page() -> None:
    test = AppTest.from_file(str(app.SCRIPT), default_timeout=100).run()
    assert not test.exception and components(test) == ["snicher_frame", "snicher_chats"]
    test.run()
    assert not test.exception and components(test) == ["snicher_frame", "snicher_chats"]


@pytest.mark.parametrize("name", NAMES)
def test_every_page_draws_something(name: str) -> None:
    test = walked(name, Counter())
    assert components(test) or test.metric or test.text_input


@pytest.mark.parametrize("name", NAMES)
def test_no_page_shows_anything_of_the_node_without_the_pass(name: str) -> None:
    counter = Counter(admitted=False)
    test = walked(name, counter)
    assert counter.asked == []
    assert not (test.text_input or test.metric or test.button or test.radio or test.code or test.dataframe)
    shown = " ".join(element.proto.body for element in test.main if element.type == "html")
    assert shown == ""
