"""README.md's example of a page is a page: a file with it is found, draws, and does what README.md says."""

from __future__ import annotations

import pathlib
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import appearance, hatch, registry, schema
from tests.dashboard import nouns
from tests.dashboard.counters import Counter

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text("utf-8")


class Answering(Counter):
    """Connects."""

    def ask(self, visitor: hatch.Visitor, question: Any) -> Any:
        self.asked.append(question)
        return schema.Met(appearance.peer_view(nouns.peer("bela"), None))


@pytest.fixture
def example() -> Iterator[types.ModuleType]:
    found = re.search(r"<!-- the example page -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found
    module = types.ModuleType("example_page")
    sys.modules["example_page"] = module
    exec(compile(found[1], "example_page.py", "exec"), module.__dict__)
    yield module
    del sys.modules["example_page"]


def page() -> None:
    import sys

    sys.modules["example_page"].PAGE.draw()


def test_the_example_is_a_page(example: types.ModuleType) -> None:
    assert isinstance(example.PAGE, registry.Page)
    counter = Answering()
    with hatch.open_to(counter):
        test = AppTest.from_function(page, default_timeout=100).run()
        assert not test.exception and test.metric[0].value == "1"
        test.text_input[0].set_value("10.0.0.9:5000")
        test.button[0].click().run()
        assert not test.exception
        [question] = counter.asked
        assert (question.op, bytes(question.args)) == ("connect", b'{"address":"10.0.0.9:5000"}')
        counter.admitted = False
        test.run()
        assert not test.metric and not test.text_input
