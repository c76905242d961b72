"""What a browser tab may ask, as schemas, and how each question is put to the node.

Law of this file: the only place where words of a browser become commands of the bus; all bounds are checked here or by
the node. Whatever changes something carries a key made by the browser, so that asking again never doubles it.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dashboard import appearance, eventlog, options, telling, viewmodel
from dashboard.feed import Asker
from node.bus import bounds, nouns
from node.bus import requests as rq
from node.errors import NodeAway

#: Messages on a page of history; the browser asks for 60.
MAX_PAGE = bounds.MAX_HISTORY
#: Hits of one page of a search; the Search page asks for 50.
MAX_HITS = bounds.MAX_HITS
#: Characters of a query; the browser cuts there.
MAX_QUERY = 200
#: Mandatory peers that a tab may name; the node takes fewer, and says so.
MAX_MANDATORY = 100
#: Conversations that a tab may look for at once.
MAX_STRAYS = 50

_Id = Annotated[str, Meta(max_length=bounds.MAX_ID_CHARS)]
_Key = Annotated[str, Meta(min_length=8, max_length=bounds.MAX_ID_CHARS)]
_Text = Annotated[str, Meta(max_length=2000)]
_Number = Annotated[int, Meta(ge=0, lt=2**53)]


class Hello(msgspec.Struct, tag_field="t", tag="hello"):
    """The tab is there; its cursor, if it has one, and the pass of its session."""

    log: _Id = ""
    seq: _Number = 0
    word: Annotated[str, Meta(max_length=100)] = msgspec.field(name="pass", default="")


class History(msgspec.Struct, tag_field="t", tag="history"):
    """A page of a conversation; without a place, the newest."""

    n: _Number
    room: _Id
    before: _Number | None = None
    after: _Number | None = None
    around: _Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 60


class Search(msgspec.Struct, tag_field="t", tag="search"):
    """Messages that hold all these words, newest first: everywhere or in one room, from one message on downwards."""

    n: _Number
    query: Annotated[str, Meta(max_length=MAX_QUERY)]
    room: _Id | None = None
    before: _Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_HITS)] = 30


class Send(msgspec.Struct, tag_field="t", tag="send"):
    """Say something. `node`: whose conversation it is; two nodes count theirs alike."""

    n: _Number
    key: _Key
    room: _Id
    text: str
    node: _Id | None = None


class Resend(msgspec.Struct, tag_field="t", tag="resend"):
    """Try a failed or unconfirmed message again."""

    n: _Number
    key: _Key
    message: _Number


class Read(msgspec.Struct, tag_field="t", tag="read"):
    """The reader saw the conversation up to this message."""

    n: _Number
    room: _Id
    upto: _Number


class Connect(msgspec.Struct, tag_field="t", tag="connect"):
    """Get to know a peer, or dial a known one."""

    n: _Number
    key: _Key
    address: Annotated[str, Meta(max_length=300)]
    dialect: Annotated[str, Meta(max_length=20)] = "auto"


class Disconnect(msgspec.Struct, tag_field="t", tag="disconnect"):
    """Say good-bye to a peer."""

    n: _Number
    key: _Key
    peer: _Id


class Forget(msgspec.Struct, tag_field="t", tag="forget"):
    """Take a peer off the list."""

    n: _Number
    key: _Key
    peer: _Id


class Rename(msgspec.Struct, tag_field="t", tag="rename"):
    """Call a peer something else from now on; empty: as it calls itself."""

    n: _Number
    key: _Key
    peer: _Id
    name: Annotated[str, Meta(max_length=300)]


class Merge(msgspec.Struct, tag_field="t", tag="merge"):
    """Make a conversation part of another one."""

    n: _Number
    key: _Key
    room: _Id
    into: _Id


class Delete(msgspec.Struct, tag_field="t", tag="delete"):
    """Take a conversation off the disk for good."""

    n: _Number
    key: _Key
    room: _Id


class Watch(msgspec.Struct, tag_field="t", tag="watch"):
    """The tab shows the Activity page, or no longer: from now on it gets each event as a row, and the figures."""

    n: _Number
    on: bool


class Events(msgspec.Struct, tag_field="t", tag="events"):
    """A page of the event log, newest first; without a place, the newest. Without kinds, of any."""

    n: _Number
    before: _Number | None = None
    kinds: Annotated[list[_Id], Meta(max_length=len(telling.KINDS))] = []
    text: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=eventlog.MAX_ROWS)] = 100


class RawEvent(msgspec.Struct, tag_field="t", tag="event"):
    """One event as JSON."""

    n: _Number
    seq: Annotated[int, Meta(ge=1, lt=2**53)]


class UnknownRooms(msgspec.Struct, tag_field="t", tag="unknown_rooms"):
    """What became of conversations that a tab knows and the node doesn't any more."""

    n: _Number
    rooms: Annotated[list[_Id], Meta(max_length=MAX_STRAYS)]


class Options(msgspec.Struct, tag_field="t", tag="options"):
    """What can be set, what it is and who says so."""

    n: _Number


class Change(msgspec.Struct, tag_field="t", tag="change"):
    """Change settings; what is left out stays. The node says what each may be."""

    n: _Number
    key: _Key
    name: _Text | None = None
    reconnect: bool | None = None
    keep_events: _Number | None = None
    keep_days: _Number | None = None
    mandatory: Annotated[list[_Text], Meta(max_length=MAX_MANDATORY)] | None = None
    mandatory_greeting: _Text | None = None
    mandatory_rule: _Text | None = None


class Link(msgspec.Struct, tag_field="t", tag="link"):
    """A link that opens this dashboard once, for another browser."""

    n: _Number


class ShutOut(msgspec.Struct, tag_field="t", tag="shut_out"):
    """Shut out all other browsers; they need a link again."""

    n: _Number


Question = (
    History | Search | Send | Resend | Read | Connect | Disconnect | Forget | Rename | Merge | Delete
    | Events | RawEvent | UnknownRooms | Options | Change
)  # fmt: skip
#: What is between the tab and this server; live.py takes it.
About = Hello | Watch | Link | ShutOut
#: What `decode` raises: no JSON or not our words, half a surrogate pair, or brackets nested too deeply.
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_decoder: msgspec.json.Decoder[About | Question] = msgspec.json.Decoder(About | Question)


def decode(text: str) -> About | Question:
    """One word of a tab. Raises one of UNREADABLE when it isn't one of ours."""
    return _decoder.decode(text)


class Page(msgspec.Struct, frozen=True):
    """A page of a conversation, oldest first; valid at event `seq`."""

    seq: int
    messages: list[appearance.MessageView]
    more_before: bool
    more_after: bool


class Hits(msgspec.Struct, frozen=True):
    """What a search found, newest first. `pending` messages are not indexed yet."""

    hits: list[appearance.MessageView]
    more: bool
    pending: int


class Said(msgspec.Struct, frozen=True):
    """A message as the node took it."""

    message: appearance.MessageView


class Met(msgspec.Struct, frozen=True):
    """A peer as it is now."""

    peer: appearance.PeerView


async def answer(question: Question, asker: Asker, model: viewmodel.Model) -> msgspec.Struct | dict[str, Any]:
    """Put a question to the node. Raises CommandRefused, NodeAway or BusProtocolError."""
    match question:
        case History():
            args = rq.HistoryArgs(
                room=question.room,
                before=question.before,
                after=question.after,
                around=question.around,
                limit=question.limit,
            )
            page: rq.HistoryResult = await asker.ask("history", args)
            return Page(page.seq, [model.message(one) for one in page.messages], page.more_before, page.more_after)
        case Search():
            words = rq.SearchArgs(
                query=question.query, room=question.room, before=question.before, limit=question.limit
            )
            found: rq.SearchResult = await asker.ask("search", words)
            return Hits([model.message(one) for one in found.hits], found.more, found.pending)
        case Send():
            if question.node is not None and (model.state is None or model.state.self.id != question.node):
                # A page that was open before this server was: it has not heard yet that this is another node.
                raise NodeAway("That node isn't here.")
            texts = rq.SendArgs(messages=[rq.Outgoing(to=question.room, text=question.text)])
            sent: rq.SendResult = await asker.ask("send", texts, key=question.key)
            return Said(model.message(sent.messages[0]))
        case Resend():
            again: rq.ResendResult = await asker.ask(
                "resend", rq.ResendArgs(message=question.message), key=question.key
            )
            return Said(model.message(again.message))
        case Read():
            await asker.ask("mark_read", rq.MarkReadArgs(room=question.room, upto=question.upto))
            return {}
        case Connect():
            address = rq.ConnectArgs(address=question.address, dialect=question.dialect)
            met: rq.PeerResult = await asker.ask("connect", address, key=question.key)
            return Met(appearance.peer_view(met.peer, None))
        case Disconnect():
            left: rq.PeerResult = await asker.ask("disconnect", rq.PeerArgs(peer=question.peer), key=question.key)
            return Met(appearance.peer_view(left.peer, None))
        case Forget():
            await asker.ask("forget", rq.PeerArgs(peer=question.peer), key=question.key)
            return {}
        case Rename():
            called = rq.RenameArgs(peer=question.peer, name=question.name)
            named: rq.PeerResult = await asker.ask("rename", called, key=question.key)
            return Met(appearance.peer_view(named.peer, None))
        case Merge():
            both = rq.MergeArgs(peer=question.room, into=question.into)
            united: rq.PeerResult = await asker.ask("merge", both, key=question.key)
            return Met(appearance.peer_view(united.peer, None))
        case Delete():
            # A room's id will do for a peer, and still does when the peer is off the list.
            await asker.ask("delete", rq.PeerArgs(peer=question.room), key=question.key)
            return {}
        case Events():
            kinds = frozenset(question.kinds)
            return await eventlog.page(asker, model, question.before, kinds, question.text, question.limit)
        case RawEvent():
            return await eventlog.raw(asker, model.log, question.seq)
        case UnknownRooms():
            return await eventlog.unknown_rooms(asker, model, question.rooms)
        case Options():
            return await options.view(asker, model)
        case Change():
            given = {name: getattr(question, name) for name in nouns.Settings.__struct_fields__}
            changes = {name: value for name, value in given.items() if value is not None}
            return await options.change(asker, changes, question.key)
