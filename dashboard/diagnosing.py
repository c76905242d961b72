"""What the node's doctor has found, ready to draw and to copy as text.

Law of this file: pure. What quotes names of peers is cleaned here, and escaped where it is drawn.
"""

from __future__ import annotations

import msgspec

from dashboard import wording
from node import program
from node.bus import diagnosis as found_by
from node.bus import nouns, words

#: The tones of the states.
_TONES = {"well": "good", "doubtful": "wait", "fails": "bad"}
#: The tones of what came of a path.
_ANSWERS = {
    "linked": "good", "open": "good", "seen": "good", "untried": "plain", "other key": "bad", "no node": "bad",
    "refused": "bad", "no answer": "bad", "no route": "bad", "not seen": "bad",
}  # fmt: skip


class CheckView(msgspec.Struct, frozen=True):
    """One thing that was looked at. `old`: it is from the examination before."""

    key: str
    title: str
    label: str
    tone: str
    said: str
    remedy: str
    command: str
    old: bool


class AddressView(msgspec.Struct, frozen=True):
    """An own address, and who has reached it."""

    address: str
    interface: str
    label: str
    tone: str


class PathView(msgspec.Struct, frozen=True):
    """A way to a peer."""

    path: str
    interface: str
    took: str
    label: str
    tone: str
    reason: str
    since: int | None


class FindingView(msgspec.Struct, frozen=True):
    """Something about a peer, such as its key."""

    name: str
    label: str
    tone: str
    said: str


class DiagnosisView(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `at`: when the examination began (ms); 0: none has begun."""

    at: int
    took: str
    running: bool
    tone: str
    verdict: str
    meaning: str
    checks: list[CheckView]
    addresses: list[AddressView]
    peer: str | None
    name: str
    paths: list[PathView]
    findings: list[FindingView]


def view(found: found_by.Diagnosis) -> DiagnosisView:
    """A diagnosis of the node."""
    known = (("Key", found.key), ("Clock", found.clock))
    return DiagnosisView(
        at=found.at,
        took=f"{found.took_ms / 1000:.1f} s",
        running=found.running,
        tone=_mark(found.state)[1],
        verdict=wording.clean_text(found.verdict),
        meaning=wording.clean_text(found.meaning),
        checks=[_check(one, found) for one in found.checks],
        addresses=[
            AddressView(one.address, one.interface, wording.clean_text(one.said), _mark(one.state)[1])
            for one in found.addresses
        ],
        peer=found.peer,
        name=wording.clean_name(found.name) if found.peer is not None else "",
        paths=[_path(one) for one in found.paths],
        findings=[
            FindingView(name, *_mark(one.state), wording.clean_text(one.said)) for name, one in known if one is not None
        ],
    )


def _mark(state: str) -> tuple[str, str]:
    known = state if state in words.EXAMINED else "untried"
    return words.EXAMINED[known].short, _TONES.get(known, "plain")


def _check(one: found_by.Check, found: found_by.Diagnosis) -> CheckView:
    label, tone = _mark(one.state)
    texts = (wording.clean_text(program.typed(text)) for text in (one.said, one.remedy, one.command))
    said, remedy, command = texts
    return CheckView(one.key, wording.clean_text(one.title), label, tone, said, remedy, command, one.at < found.at)


def _path(one: found_by.PathTried) -> PathView:
    took = "" if one.ms is None else f"{one.ms} ms" if one.ms < 1000 else f"{one.ms / 1000:.1f} s"
    label = words.of(words.ANSWER, wording.clean_text(one.answer)).short
    tone = _ANSWERS.get(one.answer, "plain")
    return PathView(one.path, one.interface, took, label, tone, wording.clean_text(one.reason), one.since)


def called(peer: nouns.Peer) -> str:
    """A peer among which one is chosen: its name, with what tells it from another of that name."""
    name, mark = wording.clean_name(peer.name), wording.clean_name(nouns.mark_of(peer), "")
    return f"{name} ({mark})" if mark and mark != name else name


def report(found: DiagnosisView, checked: str) -> str:
    """The same as text, to be passed on. `checked`: when it was, in words."""
    lines = [found.verdict or "Nothing is known yet.", *filter(None, [found.meaning]), ""]
    for check in found.checks:
        lines.append(f"{check.label:9}  {check.title}: {check.said}")
        lines += [f"{'':9}  {text}" for text in (check.remedy, check.command) if text]
    if found.addresses:
        lines += ["", "Addresses"]
        lines += [f"  {one.address}  {one.interface}  {one.label}" for one in found.addresses]
    if found.peer is not None:
        lines += ["", f"Paths to {found.name}"]
        lines += [
            f"  {one.path}  {one.interface}  {one.took}  {one.label}  {one.reason}".rstrip() for one in found.paths
        ]
        lines += [f"  {one.name}: {one.label}. {one.said}" for one in found.findings]
    return "\n".join([*lines, "", f"Checked {checked}, took {found.took}."])
