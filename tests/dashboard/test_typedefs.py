"""The types of the JavaScript are those of the schema."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from dashboard import typedefs


class Inner(msgspec.Struct, omit_defaults=True):
    """What lies within."""

    word: str
    note: str | None = None


class Outer(msgspec.Struct, tag_field="t", tag="outer"):
    """Two lines
    of words."""

    n: Annotated[int, msgspec.Meta(ge=0)]
    many: list[Inner | None]
    named: dict[str, bool]
    own: str = msgspec.field(name="pass", default="")


def test_the_committed_types_are_those_of_the_schema() -> None:
    told = "schema.js is stale: python -m dashboard.typedefs"
    assert typedefs.PATH.read_text("utf-8") == typedefs.text(), told


def test_the_committed_words_are_those_of_the_bus() -> None:
    assert typedefs.WORDS_PATH.read_text("utf-8") == typedefs.words_text(), "run python -m dashboard.typedefs"


def test_a_structure_becomes_a_typedef_with_all_that_it_names() -> None:
    made = typedefs.Typedefs()
    assert made.struct(Outer) == "Outer"
    assert (
        made.text()
        == """\
/**
 * What lies within.
 * @typedef {Object} Inner
 * @property {string} word
 * @property {string | null} [note]
 */

/**
 * Two lines
 * of words.
 * @typedef {Object} Outer
 * @property {"outer"} t
 * @property {number} n
 * @property {(Inner | null)[]} many
 * @property {Record<string, boolean>} named
 * @property {string} pass
 */
"""
    )


def test_what_a_page_tells_may_leave_out_what_has_a_default() -> None:
    made = typedefs.Typedefs()
    made.struct(Outer, asked=True)
    assert "@property {string} [pass]" in made.text()


def test_two_structures_of_one_name_are_refused() -> None:
    made = typedefs.Typedefs()
    made.struct(Inner)
    other = msgspec.defstruct("Inner", [("x", int)])
    with pytest.raises(ValueError, match="Two structures are called Inner"):
        made.struct(other)
