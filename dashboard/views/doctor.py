"""The page of the doctor: what works, what doesn't, and what to type.

The verdict first; then the checks, always in one order; then this node's addresses, and each way to one peer. While an
examination goes on, rows are filled one by one, and what was found before stays. What quotes names of peers is drawn
through `plain`, or as code.
"""

from __future__ import annotations

import heapq
import time
from typing import NamedTuple

import streamlit as st

from dashboard import diagnosing, hatch, registry, schema, when
from dashboard.components import head, plain
from dashboard.components.plain import Word
from node import program

_ICON = "M6 3H4v6a5 5 0 0 0 10 0V3h-2M9 14v2a5 5 0 0 0 10 0v-3M19 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4z"
#: Most peers that can be chosen, by name.
_MAX_CHOICE = 500
_NOBODY = ""
_AWAY = program.typed("The node is away, so nothing can be looked at. On its machine, python -m node doctor says more.")


class _Choice(NamedTuple):
    """A peer whose paths can be looked at."""

    id: str
    name: str


def _people(sight: hatch.Sight) -> list[_Choice]:
    state = sight.model.state
    chosen = heapq.nsmallest(
        _MAX_CHOICE,
        [] if state is None else state.peers.values(),
        key=lambda one: (one.name.casefold(), one.id),
    )
    return [_Choice(one.id, diagnosing.called(one)) for one in chosen]


@head.part("doctor", hears=("peers",))
def _doctor(told: head.Head) -> None:
    people = _read_people()
    peer = _chosen(people)
    away = _ask(peer)
    found: diagnosing.DiagnosisView | None = st.session_state.get("doctor")
    now = int(time.time() * 1000)
    _top(found, now, told, away)
    if found is None:
        plain.line(_AWAY, look="note")
        return
    if away:
        plain.line(_AWAY, look="note", tone="wait")
    told.again = found.running and not away
    _verdict(found)
    with st.container(border=True, key="card-checks", gap=None):
        for check in found.checks:
            _check(check)
    with st.container(key="halves"):
        own, theirs = st.columns([2, 3], gap="small")
        with own, st.container(border=True, key="card-addresses", gap="xsmall", height="stretch"):
            st.header("Your addresses", anchor=False)
            _addresses(found)
        with theirs, st.container(border=True, key="card-paths", gap="xsmall", height="stretch"):
            _paths(found, people, now, told)


def _ask(peer: str) -> bool:
    """Ask the node's doctor, if there is a reason to; returns whether the node is away.

    It would begin another examination when the last one isn't fresh. A page that stands open asks for none.
    """
    last: diagnosing.DiagnosisView | None = st.session_state.get("doctor")
    again = bool(st.session_state.pop("doctor again", False))
    opened = bool(st.session_state.pop("doctor opened", False))
    settled = last is not None and not last.running and (last.peer or _NOBODY) == peer
    if settled and not again and not opened and not st.session_state.get("doctor away"):
        return False
    try:
        answer: schema.Diagnosed = hatch.command("doctor", peer=peer or None, again=again)
    except hatch.Problem:
        st.session_state["doctor away"] = True
        return True
    st.session_state["doctor"], st.session_state["doctor away"] = answer.diagnosis, False
    return False


def _read_people() -> list[_Choice]:
    try:
        return hatch.read(_people)
    except hatch.Problem:
        return []


def _chosen(people: list[_Choice]) -> str:
    """Whose paths are looked at: as chosen, or as the page's address says."""
    if "doctor peer" not in st.session_state:
        st.session_state["doctor peer"] = str(st.query_params.get("peer", _NOBODY))
    peer = str(st.session_state["doctor peer"] or _NOBODY)
    # Whoever is off the list, or not heard of yet, has no paths.
    return peer if peer in (one.id for one in people) else _NOBODY


def _choose() -> None:
    st.session_state["doctor peer"] = st.session_state["doctor choice"]


def _again() -> None:
    st.session_state["doctor again"] = True


def _top(found: diagnosing.DiagnosisView | None, now: int, told: head.Head, away: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="doctor-top"):
        st.title("Doctor", anchor=False, width="content")
        if found is None:
            plain.line("Not checked yet", look="quiet", width="content")
        elif found.running:
            plain.line(f"Looking around, for {found.took} so far…", look="quiet", width="content")
        else:
            ago = when.ago(found.at, now, told.zone)
            plain.line(f"Checked {ago}, took {found.took}", look="quiet", width="content")
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="doctor-acts"):
            if found is not None:
                with st.popover("Copy report"):
                    st.code(diagnosing.report(found, when.full(found.at, told.zone)), language=None, wrap_lines=True)
            busy = away or (found is not None and found.running)
            st.button("Run again", key="doctor-run", type="primary", disabled=busy, on_click=_again)


def _verdict(found: diagnosing.DiagnosisView) -> None:
    with st.container(border=True, key=f"card-verdict-{found.tone}", gap="xxsmall"):
        if not found.verdict:
            plain.line(Word("Looking around…", "strong"))
            return
        plain.line(Word(found.verdict, "mark verdict", found.tone))
        plain.line(found.meaning, look="quiet")


def _check(check: diagnosing.CheckView) -> None:
    with st.container(key=f"check-{check.key}", gap=None):
        left, right = st.columns([13, 7], gap="small")
        with left:
            look = "check old" if check.old else "check"
            plain.line(Word(check.label, "mark", check.tone), Word(check.title, "strong"), Word(check.said), look=look)
        with right:
            if check.remedy:
                plain.line(check.remedy, look="quiet")
            if check.command:
                st.code(check.command, language=None, wrap_lines=True)


def _addresses(found: diagnosing.DiagnosisView) -> None:
    for at, one in enumerate(found.addresses):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"own-{at}"):
            st.code(one.address, language=None, width="content")
            plain.line(Word(one.interface, "quiet"), Word(one.label, "mark", one.tone), width="content")
    if found.addresses:
        plain.line("Link-local and loopback addresses aren't passed on.", look="quiet")
    else:
        plain.line("This machine has none that others could use.", look="note")


def _paths(found: diagnosing.DiagnosisView, people: list[_Choice], now: int, told: head.Head) -> None:
    names = {one.id: one.name for one in people}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="paths-head"):
        st.header("Paths to somebody", anchor=False)
        # The choice is kept by ourselves: where the list changes, Streamlit would begin with its first entry.
        ids = [_NOBODY, *names]
        st.selectbox(
            "Whose paths", ids, ids.index(found.peer) if found.peer in names else 0, key="doctor choice",
            label_visibility="collapsed", width=220, format_func=lambda one: names.get(one, "Choose somebody"),
            on_change=_choose,
        )  # fmt: skip
    if found.peer is None:
        plain.line("Choose somebody who doesn't show: each way to them is tried.", look="quiet")
        return
    rows = [
        [
            Word(one.path, "strong"), Word(one.interface, "quiet"), Word(one.took),
            Word(one.label, "mark", one.tone), Word(_why(one, now, told), "quiet"),
        ]
        for one in found.paths
    ]  # fmt: skip
    if rows:
        plain.table(("Path", "From", "Time", "Answer", "Reason"), rows, look="paths")
    else:
        plain.line("No address of theirs is known.", look="note")
    for finding in found.findings:
        plain.line(
            Word(finding.name, "quiet"), Word(finding.label, "mark", finding.tone), Word(finding.said), look="finding"
        )


def _why(one: diagnosing.PathView, now: int, told: head.Head) -> str:
    since = "" if one.since is None else f" Since {when.moment(one.since, now, told.zone)}."
    return f"{one.reason}{since}".strip()


def page() -> None:
    """Draw the page."""
    st.session_state["doctor opened"] = True
    _doctor()


PAGE = registry.Page(name="doctor", title="Doctor", place=45, icon=_ICON, draw=page)
