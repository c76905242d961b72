"""Who is nearby: found on this network by mDNS, and how the looking goes. Law of this file: pure."""

from __future__ import annotations

import msgspec

from dashboard import wording
from node.bus import nouns, words


class Neighbour(msgspec.Struct, frozen=True):
    """Somebody whose key has answered on this network: since when it is seen (ms), and whether people here deal with
    it. What else is shown of it stands in the list of peers."""

    peer: str
    since: int
    known: bool


class NearbyView(msgspec.Struct, frozen=True):
    """How looking for others goes, in a tone, a word and a sentence, and who was found, the longest seen first.

    `unknown`: so many others are seen whose key hasn't answered.
    """

    state: str
    tone: str
    word: str
    text: str
    people: list[Neighbour]
    unknown: int


#: The tones of the states of the node's `nearby`.
_TONES = {"deaf": "bad", "failing": "bad", "local": "", "off": ""}


def nearby_view(nearby: nouns.Nearby, peers: dict[str, nouns.Peer], blocked: dict[str, nouns.Blocked]) -> NearbyView:
    """Ready to draw. A state that this version doesn't know is shown as it is told."""
    said = words.of(words.NEARBY, wording.clean_name(nearby.state, "?"))
    tone, word, text = _TONES.get(nearby.state, "wait"), said.short, wording.clean_text(nearby.detail or said.sentence)
    since: dict[str, int] = {}
    for service in nearby.services:
        # Somebody may be seen twice: after a start, under a new name beside the old one.
        if service.peer in peers and service.peer not in blocked:
            since[service.peer] = min(service.since, since.get(service.peer, service.since))
    people = [Neighbour(peer, at, peers[peer].standing != "stranger") for peer, at in since.items()]
    people.sort(key=lambda one: (one.since, one.peer))
    unknown = sum(1 for service in nearby.services if service.peer is None)
    if people and nearby.state == "on":
        tone, word = "good", "found"
        text = f"{len(people)} {'person' if len(people) == 1 else 'people'} on this network"
    return NearbyView(nearby.state, tone, word, text, people, unknown)
