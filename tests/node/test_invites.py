"""Invites: what a link says, however it was written, and what is no link."""

from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import invites, names
from node.model import Address, PeerId, peer_id

PEER = peer_id(bytes(range(32)))
LINK = f"snicher://{PEER}@192.168.1.20:5000,[2001:db8::7]:5001?name=Anna%20B."


def test_a_link_says_who_where_in_which_order_and_under_which_name() -> None:
    found = invites.parse(LINK)
    assert found == invites.Invite(PEER, (Address("192.168.1.20", 5000), Address("2001:db8::7", 5001)), "Anna B.")
    assert str(found) == LINK
    assert invites.is_link(LINK)


@pytest.mark.parametrize(
    "written",
    [
        LINK.partition("?")[0].upper() + "?name=Anna%20B.",
        f"  <{LINK}>\n",
        LINK.replace("snicher://", "snicher:"),
        LINK.replace("?", "/?"),
        LINK.replace("?name", "?colour=red&name") + "&name=other#top",
        LINK.replace("%20", "+"),
        LINK.replace(":5000,", ":5000,,192.168.1.20:5000,"),
    ],
    ids=["capitals", "blanks", "no slashes", "slash", "unknown", "plus", "twice"],
)
def test_it_is_the_same_however_it_is_written(written: str) -> None:
    assert invites.parse(written) == invites.parse(LINK)


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("", "is no invite"),
        ("http://192.168.1.20:5000", "is no invite"),
        (f"snicher://{PEER}", "is no invite"),
        (f"snicher://{PEER[:-1]}@10.0.0.1:5000", "is no node's id"),
        (f"snicher://{PEER[:-1]}1@10.0.0.1:5000", "is no node's id"),
        (f"snicher://{PEER}@", "names no address"),
        (f"snicher://{PEER}@10.0.0.1", "Which port?"),
        (f"snicher://{PEER}@10.0.0.1:0", "can't be used"),
        (f"snicher://{PEER}@2001:db8::7:5000", "IPv6 address goes in brackets"),
        (f"snicher://{PEER}@0.0.0.0:5000", "where nobody can be reached"),
        (f"snicher://{PEER}@[ff02::1]:5000", "where nobody can be reached"),
        (f"snicher://{PEER}@[fe80::1%25eth0]:5000", "where nobody can be reached"),
        (f"snicher://{PEER}@anna_example:5000", "neither an IP address nor a host name"),
        (f"snicher://{PEER}@" + ",".join(f"10.0.0.{n}:5000" for n in range(1, 10)), "at most 8 addresses"),
        (LINK + "x" * invites.MAX_CHARS, "at most 2,048 characters"),
    ],
)
def test_what_is_no_invite_is_refused_with_a_sentence_that_says_why(written: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"[.]") as refused:
        invites.parse(written)
    assert wrong in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("said", ["", "%E2%80%AE", "%00%1b", "%zz%ff"])
def test_a_hostile_name_is_cleaned_or_left_out(said: str) -> None:
    name = invites.parse(f"snicher://{PEER}@10.0.0.1:5000?name={said}").name
    assert name is None or names.shown(name) == name
    long = invites.parse(f"snicher://{PEER}@10.0.0.1:5000?name={'%41' * 300}").name
    assert long == "A" * 64
    turned = invites.parse(f"snicher://{PEER}@10.0.0.1:5000?name=be%E2%80%AEal").name
    assert turned == "beal"


def test_a_link_is_made_of_the_addresses_that_others_can_use_in_their_order() -> None:
    listens = ["10.0.0.7:5000", "[fe80::1%eth0]:5000", "127.0.0.1:5000", "[2001:db8::7]:5000"]
    link, note = invites.made(PEER, "anna", listens)
    assert str(link) == f"snicher://{PEER}@10.0.0.7:5000,[2001:db8::7]:5000?name=anna"
    assert note is None
    many, _ = invites.made(PEER, "anna", [f"10.0.0.{n}:5000" for n in range(1, 20)])
    assert len(many.addresses) == invites.MAX_ADDRESSES


def test_a_link_that_is_made_without_a_network_says_so() -> None:
    link, note = invites.made(PEER, "anna", ["127.0.0.1:5000"])
    assert link.addresses == (Address("127.0.0.1", 5000),)
    assert note is not None and "no network" in note
    with pytest.raises(ValueError, match="no address"):
        invites.made(PEER, "anna", ["[fe80::1%eth0]:5000"])


@given(
    st.binary(min_size=32, max_size=32),
    st.lists(st.builds(lambda n, p: f"10.0.{n % 256}.1:{p}", st.integers(0, 255), st.integers(1, 65535)), min_size=1),
    st.text(max_size=100),
)
def test_what_is_made_is_read_back(key: bytes, listens: list[str], name: str) -> None:
    link, _ = invites.made(peer_id(key), name, listens)
    assert len(str(link)) <= invites.MAX_CHARS
    assert invites.parse(str(link)) == link


@given(st.text(max_size=200), st.booleans())
def test_whatever_is_pasted_is_an_invite_or_refused_in_words(text: str, begun: bool) -> None:
    written = f"snicher://{PEER}@{text}" if begun else text
    try:
        found = invites.parse(written)
    except ValueError as error:
        assert str(error)
    else:
        assert found == invites.parse(str(found))


def test_the_longest_link_fits() -> None:
    name = "\N{DESERET CAPITAL LETTER LONG I}" * 64
    listens = [f"[2001:db8:1111:2222:3333:4444:5555:{n:04x}]:65535" for n in range(0x1000, 0x1008)]
    link, _ = invites.made(PeerId(PEER), name, listens)
    assert len(urllib.parse.quote(name)) == 64 * 12
    assert invites.parse(str(link)) == link


def test_a_host_name_in_an_invite_is_taken_and_none_is_put_into_one() -> None:
    invite = invites.parse(f"snicher://{PEER}@Anna.Example:5000,10.0.0.1:5000")
    assert list(map(str, invite.addresses)) == ["anna.example:5000", "10.0.0.1:5000"]
    made, _ = invites.made(PeerId(PEER), "anna", ["anna.example:5000", "10.0.0.1:5000"])
    assert list(map(str, made.addresses)) == ["10.0.0.1:5000"]
