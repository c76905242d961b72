"""Facts in the database: read as what they should be, or a sentence that says which one isn't."""

from __future__ import annotations

import contextlib
import pathlib
from typing import Any

import pytest

from node.bus import nouns
from node.errors import StoreCorrupt
from node.store import database, facts
from node.store.reader import Reader
from tests.node.store.story import Story, commit, new_writer
from tests.support import hostile_json


@pytest.mark.parametrize("text", ["0", "17", "-3", str(2**63 - 1), str(-(2**63))])
def test_a_number_is_read(text: str) -> None:
    assert facts.number("clock", text) == int(text)


@pytest.mark.parametrize(
    "value", ["", "x", "1.5", "NaN", "9" * 5_000, "\ud800", None, 5, b"x"], ids=lambda v: repr(v)[:9]
)
def test_what_is_no_number_is_told_by_its_name(value: Any) -> None:
    with pytest.raises(StoreCorrupt, match="holds as 'clock' can't be read"):
        facts.number("clock", value)


@pytest.mark.parametrize("value", [*hostile_json.VALUES.values(), None, 5, "[]", b"\xff"], ids=lambda v: repr(v)[:12])
def test_what_is_no_such_structure_is_told_by_its_name(value: Any) -> None:
    with pytest.raises(StoreCorrupt, match="holds as 'settings' can't be read"):
        facts.structure("settings", value, nouns.Settings)


@pytest.mark.parametrize("name", ["settings", "saved", "greetings", "shut_out", "clock", "last_plain", "trimmed",
                                  "last_message"])  # fmt: skip
@pytest.mark.parametrize("value", ["[" * 5_000, "9" * 5_000, ""], ids=["nested", "digits", "empty"])
def test_a_database_with_a_fact_that_cannot_be_read_ends_the_start_with_a_sentence(
    tmp_path: pathlib.Path, name: str, value: str
) -> None:
    writer = new_writer(tmp_path)
    commit(writer, Story())
    writer.close()
    with contextlib.closing(database.connect(tmp_path)) as db:
        db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))
    reader = Reader(tmp_path)
    try:
        if value or name not in ("clock", "last_plain", "shut_out"):
            with pytest.raises(StoreCorrupt, match=f"'{name}'"):
                reader.load()
        else:
            # An empty one counts as none.
            reader.load()
    finally:
        reader.close()
