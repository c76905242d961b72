from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.strangers import Strangers


def order(strangers: Strangers) -> list[str]:
    """All, as they go one after another."""
    gone = []
    while (first := next(strangers.first(), None)) is not None:
        strangers.remove(first)
        gone.append(first)
    return gone


def test_of_the_source_with_most_the_one_goes_that_was_heard_longest_ago() -> None:
    strangers = Strangers()
    for id_, source in (("a1", "a"), ("b1", "b"), ("b2", "b"), ("b3", "b"), ("c1", "c")):
        strangers.heard(id_, source)
    strangers.heard("b1", "b")
    assert list(strangers.first()) == ["b2", "b3", "b1"]
    assert (len(strangers), strangers.count("b"), strangers.count("x")) == (5, 3, 0)
    assert order(strangers) == ["b2", "b3", "a1", "c1", "b1"]
    assert (len(strangers), list(strangers.first())) == (0, [])


def test_of_sources_with_as_many_the_one_goes_that_was_heard_longest_ago() -> None:
    strangers = Strangers()
    for id_ in "abc":
        strangers.heard(id_, id_)
    strangers.heard("a", "a")
    assert order(strangers) == ["b", "c", "a"]


def test_who_fills_the_list_from_many_addresses_pushes_out_his_own() -> None:
    strangers = Strangers()
    strangers.heard("honest", "h")
    for number in range(41 * 500):
        strangers.heard(f"x{number}", f"source {number % 41}")
        if len(strangers) > 20_000:
            strangers.remove(next(strangers.first()))
    assert "honest" in strangers
    assert len(strangers) == 20_000


@settings(derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8))))
def test_whatever_comes_it_knows_who_has_most(steps: list[tuple[bool, int]]) -> None:
    strangers = Strangers()
    known: dict[str, str] = {}
    for heard, number in steps:
        id_, source = f"{number}", f"s{number % 3}"
        if heard:
            strangers.heard(id_, source)
            known.pop(id_, None)
            known[id_] = source
        else:
            strangers.remove(id_)
            known.pop(id_, None)
        assert len(strangers) == len(known)
        sizes = {one: sum(source == one for source in known.values()) for one in known.values()}
        first = list(strangers.first())
        if not known:
            assert first == []
            continue
        (source,) = {known[one] for one in first}
        assert sizes[source] == max(sizes.values())
        assert first == [one for one in known if known[one] == source]
