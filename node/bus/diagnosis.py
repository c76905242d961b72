"""What the doctor finds: checks of this node and its network, own addresses, and each way to one peer.

Law of this file: pure data, as nouns.py. BUS.md is normative.
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: How something is. "untried": it could not be tried, or not yet.
Mark = Literal["well", "doubtful", "fails", "untried"]
#: What is looked at, in this order.
Key = Literal["port", "multicast", "firewall", "neighbours", "network", "clock", "node"]
#: What came of a way to a peer. "linked": a link stands on it. "open": whoever it must be answered, and proved the key
#: (of a plain client: something takes connections). "seen": by mDNS, in the last minutes.
Answer = Literal[
    "linked", "open", "seen", "refused", "no answer", "no route", "not seen", "other key", "no node", "untried",
]  # fmt: skip


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was looked at."""

    #: One of Key. (Without a node, the command line has others.)
    key: str
    title: str
    state: str
    #: What was found, in one sentence or two. May quote names of peers: untrusted text.
    said: str
    #: What to do about it; empty: nothing.
    remedy: str = ""
    #: What to type for that on this machine; empty: nothing.
    command: str = ""
    #: When this was found (ms); 0: not yet in this run of the node. Older than the diagnosis: from the one before.
    at: int = 0


class OwnAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address at which others can reach this node, if the network lets them."""

    #: HOST:PORT.
    address: str
    #: The interface that has it; empty: unknown.
    interface: str = ""
    #: "well": another machine's node has reached it. "untried": nobody was there to try it.
    state: str
    said: str = ""
    #: The name of the node that reached it; untrusted text.
    reached_by: str = ""


class PathTried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to a peer, and what came of it."""

    #: HOST:PORT, or "by mDNS".
    path: str
    #: The interface that leads there; empty: none of them is in its network.
    interface: str = ""
    #: How long the answer took. None: there was nothing to wait for.
    ms: int | None = None
    answer: str
    reason: str = ""
    #: Since when a link stands on it (ms). None: none does.
    since: int | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about a peer: its key, or its clock."""

    state: str
    said: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor has found so far."""

    #: When the examination began (ms), and how long it took, so far. 0: none has begun.
    at: int = 0
    took_ms: int = 0
    #: It goes on: rows are filled one by one, and those of the one before stay until then.
    running: bool = False
    #: How it is altogether, and in at most two sentences what works and what doesn't.
    state: str = "untried"
    verdict: str = ""
    #: What that means, in a sentence or two.
    meaning: str = ""
    checks: list[Check] = []
    addresses: list[OwnAddress] = []
    #: Whose paths these are: an id, and the name (untrusted text). None: nobody's.
    peer: str | None = None
    name: str = ""
    paths: list[PathTried] = []
    key: Finding | None = None
    clock: Finding | None = None


class DoctorArgs(msgspec.Struct, kw_only=True):
    """Whose paths are examined too: an id, a name or HOST:PORT. `again`: also when the last examination is fresh."""

    peer: str | None = None
    again: bool = False


class DoctorResult(msgspec.Struct, kw_only=True):
    """What the doctor has found so far."""

    diagnosis: Diagnosis
