"""Who shares a name, whatever comes and goes: always as if it were counted anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.namesakes import Namesakes
from node import names

NAMES = st.sampled_from(["bela", "BELA", "cian", None])
STEPS = st.lists(st.tuples(st.sampled_from("abcd"), NAMES))


@given(STEPS)
def test_who_shares_a_name_is_known_and_who_must_be_drawn_again_is_told(steps: list[tuple[str, str | None]]) -> None:
    kept, called = Namesakes(), dict[str, str]()

    def sharing() -> dict[str, bool]:
        keys = [names.key(name) for name in called.values()]
        return {one: keys.count(names.key(name)) > 1 for one, name in called.items()}

    for one, name in steps:
        before = sharing()
        again = kept.put(one, name)
        called.pop(one, None)
        if name is not None:
            called[one] = name
        after = sharing()
        assert {who: kept.shares(who) for who in called} == after
        others = {who for who in before.keys() & after.keys() if who != one}
        assert {who for who in others if before[who] != after[who]} <= again
    for one in "abcd":
        kept.put(one, None)
    assert not kept._ids and not kept._names, "nothing stays of what is gone"
