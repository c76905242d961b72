"""The page with what happens: figures, how the node is, who listens, and the event log.

The event log is a component of its own, live over its own connection; what stands above it are Streamlit's elements,
drawn again when new figures come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import streamlit as st

from dashboard import activity as figures_of
from dashboard import appearance, hatch, registry, when
from dashboard.components import activity, head, plain
from dashboard.components.plain import Word

_ICON = "M3 12h4l3-7 4 14 3-7h4"
_UNKNOWN = "\N{EN DASH}"
_ONLY_THE_NODE = "Only the node can tell."
#: Markdown colours of our own words, by tone; with a shape, so that none is told by colour alone.
_MARKS = {"good": ":green[●", "wait": ":orange[◐", "bad": ":red[▲", "plain": ":gray[○"}


class _Waiting(NamedTuple):
    """A conversation in which messages wait."""

    room: str
    name: str
    many: str
    why: str


class _Seen(NamedTuple):
    """What the page shows."""

    figures: figures_of.Figures | None
    away: appearance.AwayView | None
    peers: int
    here: int
    waiting: list[_Waiting]


def _look(sight: hatch.Sight) -> _Seen:
    figures, model = sight.figures, sight.model
    links = [peer.link for peer in model.state.peers.values()] if model.state else []
    here = sum(link in ("online", "reachable") for link in links)
    waiting = []
    for one in figures.waiting if figures else []:
        room = model.room(one.room)
        many = f"{one.count:,}{'+' if one.more else ''}"
        if room is None:
            waiting.append(_Waiting(one.room, "somebody", many, ""))
            continue
        # The name stands there already.
        why = room.wait.replace(f"{room.name} is ", "").replace(f"{room.name} ", "")
        if room.next_at:
            why += f", next try {when.until(room.next_at, figures.now if figures else 0)}"
        name = f"{room.name} ({room.mark})" if room.mark else room.name
        waiting.append(_Waiting(one.room, name, many, why))
    return _Seen(figures, model.absent, len(links), here, waiting)


@head.part("activity", hears=("figures",))
def _figures(told: head.Head) -> None:
    if room := st.session_state.pop("open room", None):
        registry.go("chats", room=str(room))
    try:
        seen = hatch.read(_look)
    except hatch.Problem:
        # The strip says that the server is away.
        seen = _Seen(None, None, 0, 0, [])
    figures = seen.figures
    known = figures is not None and figures.outbox is not None and seen.away is None
    unknown = _ONLY_THE_NODE if figures or seen.away else "Asking…"
    with st.container(key="figures"):
        rate, outbox, links, stored = st.columns(4, gap="small")
        with rate:
            _rate(figures)
        with outbox:
            _outbox(seen if known else None, unknown)
        with links:
            reachable = f"{seen.here:,} of {_many(seen.peers, 'peer')} reachable"
            _figure(
                "links", "Connections", figures.links if figures and known else None, reachable if known else unknown
            )
        with stored:
            _figure("stored", "Stored", figures.database if figures and known else None,
                    _stored(figures) if figures and known else unknown)  # fmt: skip
    with st.container(key="halves"):
        health, listeners = st.columns(2, gap="small")
        with health, st.container(border=True, key="card-health", gap="small", height="stretch"):
            st.header("Health", anchor=False)
            _health(seen, told)
        with listeners, st.container(border=True, key="card-listeners", gap="small", height="stretch"):
            st.header("Who listens", anchor=False)
            _listeners(seen, told)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _figure(key: str, title: str, value: int | str | None, caption: str) -> None:
    """One figure. Title, value and caption are markdown: our own words and numbers only."""
    shown = f"{value:,}" if isinstance(value, int) else value
    with st.container(border=True, key=f"card-{key}", gap=None, height="stretch"):
        st.metric(title, shown or _UNKNOWN)
        if caption:
            plain.line(caption, look="quiet")


def _rate(figures: figures_of.Figures | None) -> None:
    with st.container(border=True, key="card-rate", gap=None, height="stretch"):
        if figures is None:
            st.metric("Messages a second", _UNKNOWN)
            plain.line("Asking…", look="quiet")
            return
        now, highest = figures_of.speed(figures.rate, figures.now)
        st.metric(
            "Messages a second",
            _rounded(now),
            f"at most {_rounded(highest)} in 5 min" if highest else "none in 5 min",
            delta_color="primary",
            delta_arrow="off",
            chart_data=figures.rate.counts,
            chart_type="area",
        )


def _rounded(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _outbox(seen: _Seen | None, unknown: str) -> None:
    count = seen.figures.outbox or 0 if seen and seen.figures else None
    with st.container(border=True, key="card-outbox", gap=None, height="stretch"):
        st.metric("Waiting to be sent", _UNKNOWN if count is None else f"{count:,}")
        if seen is None or count is None:
            plain.line(unknown, look="quiet")
            return
        if not count:
            plain.line("Everything you wrote has gone out.", look="quiet")
            return
        for at, one in enumerate(seen.waiting):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"waits-{at}"):
                plain.line(f"{one.many} for", Word(one.name, "strong"), f"· {one.why}" if one.why else "", look="quiet")
                st.button("Open", key=f"open-{at}", type="tertiary", on_click=_open, args=(one.room,))
        rest = count - sum(one.count for one in seen.figures.waiting) if seen.figures else 0
        if rest > 0:
            plain.line(
                f"and {rest:,} more" if seen.waiting else "They go out as soon as their turn comes.", look="quiet"
            )


def _open(room: str) -> None:
    st.session_state["open room"] = room


def _stored(figures: figures_of.Figures) -> str:
    messages = _many(figures.messages or 0, "message")
    events = "" if figures.kept_events is None else f" and {_many(figures.kept_events, 'event')}"
    return f"{messages}{events}; {figures.free} free on the disk"


def _health(seen: _Seen, told: head.Head) -> None:
    """How node, disk and bus are, each in a word."""
    figures = seen.figures
    signs = figures_of.away_signs(seen.away) if seen.away else figures.signs if figures else []
    if not signs:
        signs = [figures_of.Sign("Node", "asking…", "plain", "")]
    now = figures.now if figures else 0
    for sign in signs:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"sign-{sign.name.lower()}"):
            st.metric(sign.name, f"{_MARKS.get(sign.tone, _MARKS['plain'])} {sign.label}]", width="content")
            moment = Word("")
            if sign.moment:
                since = sign.moment_word == "Since"
                words = when.moment(sign.moment, now, told.zone) if since else when.ago(sign.moment, now, told.zone)
                moment = Word(f"{sign.moment_word} {words}.", tip=when.full(sign.moment, told.zone))
            plain.line(sign.text, moment, look="quiet")
    shut = [] if seen.away or figures is None else figures.shut_out
    for one in shut:
        until = when.moment(one.until, now, told.zone)
        plain.line(f"{one.host} sent too much within a day and is shut out until {until}.", look="note", tone="wait")


def _listeners(seen: _Seen, told: head.Head) -> None:
    """Front ends that follow, and cursors that the node keeps."""
    figures = seen.figures
    if seen.away:
        plain.line("Nobody hears anything while the node is away. Whoever comes back goes on where it stopped.",
                   look="quiet")  # fmt: skip
        return
    if figures is None:
        plain.line("Asking…", look="quiet")
        return
    if figures.subscribers is None and figures.consumers is None:
        plain.line("This node doesn't tell who listens.", look="quiet")
        return
    rows = [*_following(figures.subscribers or []), *_consuming(figures.consumers or [], figures.now, told)]
    if rows:
        plain.pairs(rows, look="listeners")
    else:
        plain.line("Nobody has said lately how far they are.", look="quiet")


_Row = tuple[tuple[Word, ...], tuple[Word, ...]]


def _following(subscribers: Iterable[figures_of.SubscriberView]) -> Iterable[_Row]:
    for one in subscribers:
        kind = "this dashboard" if one.own else "follows live"
        yield (Word(one.name, "strong"), Word(kind, "quiet")), (_behind(one.lag),)


def _consuming(consumers: Iterable[figures_of.ConsumerView], now: int, told: head.Head) -> Iterable[_Row]:
    for one in consumers:
        name = (Word(one.name, "strong"), Word("named consumer", "quiet"))
        if one.lapsed:
            why = "Events it had not read are no longer kept. It has to start anew (consumer_create with restart)."
            yield (*name, Word(why, "quiet why")), (Word("lapsed", "mark", "bad"),)
            continue
        used = f"read {when.ago(one.used, now, told.zone)}" if one.used else "never read"
        tip = when.full(one.used, told.zone) if one.used else ""
        yield (*name, Word(used, "quiet why", tip=tip)), (_behind(one.lag),)


def _behind(lag: int) -> Word:
    return Word(f"{_many(lag, 'event')} behind" if lag else "up to date", "mark", "wait" if lag else "good")


def page() -> None:
    """Draw the page."""
    st.title("Activity", anchor=False)
    _figures()
    activity.draw()


PAGE = registry.Page(name="activity", title="Activity", place=40, icon=_ICON, draw=page)
