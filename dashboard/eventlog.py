"""Pages of the event log for the Activity page: in words, filtered, newest first, from any event backwards.

Law of this file: it asks the node and keeps nothing. However rare the matches are, a page examines at most MAX_LOOKED
events. It says how far back it looked, and the next page goes on there.
"""

from __future__ import annotations

from dashboard import operations, schema, telling, viewmodel
from dashboard.feed import Asker
from node import names
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused

#: Events asked for at once; the node answers that within a few ms.
STEP = 500
#: Most events examined for one page; a page with too few matches by then ends early and says how far it came.
MAX_LOOKED = 5_000
#: Most events examined for conversations that are gone: about 100 commands.
MAX_SEARCHED = 50_000


async def page(
    asker: Asker, model: viewmodel.Model, before: int | None, kinds: frozenset[str], text: str, limit: int
) -> schema.EventPage:
    """The newest rows below event `before` (None: all that this server has seen) that are of these kinds (none: any)
    and hold `text`. Raises CommandRefused, NodeAway or BusProtocolError."""
    top = model.seq if before is None else before - 1
    rows: list[telling.EventRow] = []
    wanted = names.key(text)
    looked, oldest = 0, 1
    while top > 0 and len(rows) < limit and looked < MAX_LOOKED:
        events, oldest = await _between(asker, model.log, max(0, top - STEP), top)
        found = [
            one for one in reversed(_told(events, model)) if (not kinds or one.kind in kinds) and one.holds(wanted)
        ]
        looked += STEP
        if len(rows) + len(found) > limit:
            found = found[: limit - len(rows)]
            rows += found
            top = (found[-1].seq or top) - 1
            break
        rows += found
        top = max(oldest - 1, top - STEP)
        if top < oldest:
            break
    return schema.EventPage(rows, top + 1, top >= oldest, oldest)


async def unknown_rooms(asker: Asker, model: viewmodel.Model, rooms: list[str]) -> schema.Gone:
    """Find the fate of conversations that are gone: merged into a present one, or deleted.

    Looks back over at most MAX_SEARCHED events. Raises CommandRefused, NodeAway or BusProtocolError."""
    wanted = {room for room in rooms if not model.has_room(room)}
    top, last = model.seq, max(0, model.seq - MAX_SEARCHED)
    became: dict[str, tuple[int, str | None]] = {}
    while top > last and not wanted <= became.keys():
        since = max(last, top - STEP)
        events, oldest = await _between(asker, model.log, since, top)
        for event in reversed(events):
            if isinstance(event.data, ev.RoomsMerged):
                became.setdefault(event.data.gone, (event.seq or 0, event.data.room.id))
            elif isinstance(event.data, ev.RoomDeleted):
                became.setdefault(event.data.room, (event.seq or 0, None))
        if oldest > since + 1:
            break
        top = since
    gone = []
    for room in sorted(wanted & became.keys()):
        seq, into = became[room]
        # The conversation it was merged into may itself have been merged since.
        while into in became:
            seq, into = became[into]
        gone.append(operations.RoomGone(seq, room, into, model.name_of(room)))
    return schema.Gone(gone)


async def raw(asker: Asker, log: str, seq: int) -> schema.Raw:
    """One event as the bus tells it. Raises CommandRefused, NodeAway or BusProtocolError."""
    events, _ = await _between(asker, log, seq - 1, seq)
    if not events:
        raise CommandRefused("cursor_too_old", "This event is no longer kept.")
    return schema.Raw(telling.raw(events[0]))


async def _between(asker: Asker, log: str, since: int, upto: int) -> tuple[list[ev.Event], int]:
    """The events after `since` up to `upto` that are still kept, and the oldest one there is."""
    events: list[ev.Event] = []
    while since < upto:
        try:
            args = rq.EventsArgs(since=since, limit=upto - since, log=log)
            answer: rq.EventsResult = await asker.ask("events", args)
        except CommandRefused as error:
            oldest = error.details.get("oldest")
            if error.code != "cursor_too_old" or not isinstance(oldest, int) or oldest <= since + 1:
                raise
            if oldest > upto:
                return events, oldest
            since = oldest - 1
            continue
        # A page of long texts may end early.
        events += [one for one in answer.events if one.seq is not None and one.seq <= upto]
        if not answer.events:
            return events, answer.oldest
        since = answer.events[-1].seq or upto
        oldest_kept = answer.oldest
        if since >= upto:
            return events, oldest_kept
    return events, 1


def _told(events: list[ev.Event], model: viewmodel.Model) -> list[telling.EventRow]:
    """Rows in the events' order. A peer's change is found by comparison with its previous event on this page."""
    seen: dict[str, nouns.Peer] = {}
    rows = []
    for event in events:
        data = event.data
        before = None
        if isinstance(data, ev.PeerChanged | ev.PeerAdded):
            before = seen.get(data.peer.id)
            seen[data.peer.id] = data.peer
        rows.append(telling.row(event, model, f"s{event.seq}", before))
    return rows
