"""Which addresses of a node are tried first, which are kept, and which may be dialled at all."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.bus import nouns
from node.core.paths import BY_PEOPLE, TRUSTED, Path, kept, learnt, order, plausible
from node.model import Address


def path(host: str, how: nouns.How = "seen", learnt_at: int = 0, good: int | None = None) -> Path:
    return Path(Address(host, 5000), how, learnt_at, good)


def hosts(paths: list[Path]) -> list[str]:
    return [one.address.host for one in paths]


PATHS = st.lists(
    st.builds(
        Path,
        st.builds(Address, st.sampled_from([f"10.0.0.{n}" for n in range(8)] + [f"2001:db8::{n}" for n in range(8)]),
                  st.integers(1, 3)),
        st.sampled_from(TRUSTED),
        st.integers(0, 5),
        st.none() | st.integers(1, 5),
    ),
    unique_by=lambda one: one.address,
    max_size=16,
)  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "first"),
    [
        ([path("10.0.0.1", good=5), path("10.0.0.2", good=9)], "10.0.0.2"),
        ([path("10.0.0.1", "typed", 3), path("10.0.0.2", good=9)], "10.0.0.2"),
        ([path("10.0.0.1", "typed", 10), path("10.0.0.2", good=9)], "10.0.0.1"),
        ([path("10.0.0.1", "mdns", 99), path("10.0.0.2", good=9)], "10.0.0.2"),
        ([path("10.0.0.1", "exchange", 9), path("10.0.0.2", "mdns", 1)], "10.0.0.2"),
        ([path("10.0.0.1", "exchange", 1), path("10.0.0.2", "exchange", 2)], "10.0.0.2"),
        ([path("10.0.0.1", "seen", 9), path("10.0.0.2", "invite", 1)], "10.0.0.2"),
    ],
)  # fmt: skip
def test_what_was_good_last_or_given_last_comes_first(paths: list[Path], first: str) -> None:
    assert hosts(order(paths))[0] == hosts(order(paths[::-1]))[0] == first


def test_the_two_kinds_of_addresses_take_turns() -> None:
    found = order([path(f"10.0.0.{n}", good=20 - n) for n in range(3)] + [path(f"::{n}", good=9 - n) for n in (1, 2)])
    assert hosts(found) == ["10.0.0.0", "::1", "10.0.0.1", "::2", "10.0.0.2"]


@given(PATHS)
def test_an_order_has_all_paths_once_and_begins_with_the_one_that_was_good_last(paths: list[Path]) -> None:
    found = order(paths)
    assert sorted(found, key=repr) == sorted(paths, key=repr)
    newest = max((one.good or 0 for one in paths), default=0)
    if newest and not any(one.how in BY_PEOPLE for one in paths):
        assert found[0].good == newest
    families = [":" in one.address.host for one in found]
    both = min(families.count(True), families.count(False))
    assert all(one != two for one, two in itertools.pairwise(families[: 2 * both]))


@given(PATHS, st.integers(1, 8))
def test_of_too_many_the_last_good_one_and_those_of_people_stay(paths: list[Path], most: int) -> None:
    found = kept(paths, most)
    assert len(found) == min(most, len(paths))
    assert [one for one in paths if one in found] == found
    gone = [one for one in paths if one not in found]
    goods = [one.good for one in paths if one.good is not None]
    if goods:
        assert any(one.good == max(goods) for one in found)
    for one in gone:
        for other in found:
            if other.good is None or other.good != max(goods):
                # Nobody vouches for what stays more than for what goes.
                assert (other.how in BY_PEOPLE, other.good or 0) >= (one.how in BY_PEOPLE, one.good or 0)


def test_what_a_person_said_of_an_address_stays_known() -> None:
    typed = path("10.0.0.1", "typed", 1)
    again = learnt({typed.address: typed}, typed.address, "exchange", 9)
    assert (again.how, again.learnt, again.good) == ("typed", 9, None)
    good = learnt({again.address: again}, again.address, "seen", 12, good=True)
    assert (good.how, good.good) == ("typed", 12)
    told = path("10.0.0.2", "exchange", 1)
    assert learnt({told.address: told}, told.address, "typed", 9).how == "typed"


@pytest.mark.parametrize(
    ("host", "port", "teller", "may"),
    [
        ("10.0.0.1", 5000, "10.0.0.2", True),
        ("2001:db8::1", 5000, "10.0.0.2", True),
        ("fd00::1", 5000, "fe80::1%eth0", True),
        ("127.0.0.1", 5000, "10.0.0.2", False),
        ("127.0.0.3", 5000, "127.0.0.2", True),
        ("::1", 5000, "2001:db8::2", False),
        ("::1", 5000, "::1", True),
        ("224.0.0.251", 5000, "10.0.0.2", False),
        ("ff02::fb", 5000, "10.0.0.2", False),
        ("0.0.0.0", 5000, "10.0.0.2", False),
        ("::", 5000, "10.0.0.2", False),
        ("255.255.255.255", 5000, "10.0.0.2", False),
        ("240.0.0.1", 5000, "10.0.0.2", False),
        ("fe80::1", 5000, "fe80::2%eth0", False),
        ("fe80::1%eth0", 5000, "fe80::2%eth0", False),
        ("169.254.1.1", 5000, "10.0.0.2", False),
        ("169.254.1.1", 5000, "169.254.1.2", True),
        ("::ffff:127.0.0.1", 5000, "10.0.0.2", False),
        ("10.0.0.1", 0, "10.0.0.2", False),
        ("10.0.0.1", 65536, "10.0.0.2", False),
        ("10.0.0.1", 22, "10.0.0.2", False),
        ("10.0.0.1", 6379, "10.0.0.2", False),
        ("printer.lan", 5000, "10.0.0.2", False),
    ],
)
def test_what_may_be_dialled_because_a_node_told_it(host: str, port: int, teller: str, may: bool) -> None:
    assert plausible(Address(host, port), teller) is may
