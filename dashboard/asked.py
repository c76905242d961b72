"""The requests of browser tabs, as schemas, and the bus commands that answer them.

Law of this file: the only place where a browser's requests become commands of the bus. All bounds are checked here or
by the node. Each request that changes something carries an idempotency key made by the browser, so a retry never
doubles it.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dashboard import appearance, doubts, eventlog, options, secure, telling, viewmodel
from dashboard.feed import Asker
from node.bus import bounds, nouns
from node.bus import requests as rq
from node.errors import CommandRefused, NodeAway

#: Messages on a page of history; the browser asks for 60.
MAX_PAGE = bounds.MAX_HISTORY
#: Hits of one page of a search; the Search page asks for 50.
MAX_HITS = bounds.MAX_HITS
#: Longest query, in characters; the browser cuts longer ones.
MAX_QUERY = 200
#: Most mandatory peers in a request; the node's own bound is lower and has an error sentence.
MAX_MANDATORY = 100
#: Conversations that a tab may look for at once.
MAX_STRAYS = 50

_Id = Annotated[str, Meta(max_length=bounds.MAX_ID_CHARS)]
_Key = Annotated[str, Meta(min_length=8, max_length=bounds.MAX_ID_CHARS)]
_Text = Annotated[str, Meta(max_length=2000)]
_Number = Annotated[int, Meta(ge=0, lt=2**53)]


class Hello(msgspec.Struct, tag_field="t", tag="hello"):
    """The first frame of a tab: its cursor, if it has one, the conversation it has open, and the pass of its session."""

    log: _Id = ""
    seq: _Number = 0
    room: _Id = ""
    word: Annotated[str, Meta(max_length=100)] = msgspec.field(name="pass", default="")


class History(msgspec.Struct, tag_field="t", tag="history"):
    """Ask for a page of a conversation; without a position, for the newest."""

    n: _Number
    room: _Id
    before: _Number | None = None
    after: _Number | None = None
    around: _Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 60


class Search(msgspec.Struct, tag_field="t", tag="search"):
    """Search messages with all these words, newest first, everywhere or in one room, before one message."""

    n: _Number
    query: Annotated[str, Meta(max_length=MAX_QUERY)]
    room: _Id | None = None
    before: _Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_HITS)] = 30


class Send(msgspec.Struct, tag_field="t", tag="send"):
    """Send a text. `node`: the id of the conversation's node, because two nodes number their conversations alike."""

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


class Outcome(msgspec.Struct, tag_field="t", tag="delivery"):
    """Ask what became of one of our own messages."""

    n: _Number
    message: _Number


class Secure(msgspec.Struct, tag_field="t", tag="secure"):
    """Ask how the encrypted links with a node are, with both codes."""

    n: _Number
    peer: _Id


class Doubt(msgspec.Struct, tag_field="t", tag="doubt"):
    """Ask who may be meant by a peer with a warning, with the codes to compare."""

    n: _Number
    peer: _Id


class Trust(msgspec.Struct, tag_field="t", tag="trust"):
    """Decide about a peer with a warning; `plain`: clear text may go there. `rival`: the other key that was shown."""

    n: _Number
    key: _Key
    peer: _Id
    plain: bool = False
    rival: _Id | None = None


class Read(msgspec.Struct, tag_field="t", tag="read"):
    """The conversation was read up to this message."""

    n: _Number
    room: _Id
    upto: _Number


class Typing(msgspec.Struct, tag_field="t", tag="typing"):
    """Somebody types in this conversation, or has stopped."""

    n: _Number
    room: _Id
    stopped: bool = False


class Connect(msgspec.Struct, tag_field="t", tag="connect"):
    """Add a peer, or dial a known one."""

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
    """Give a peer a local name; empty: the name it gives itself."""

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
    """Delete a conversation for good."""

    n: _Number
    key: _Key
    room: _Id


class Watch(msgspec.Struct, tag_field="t", tag="watch"):
    """Subscribe the tab to the Activity page's rows and figures, or unsubscribe it."""

    n: _Number
    on: bool


class Events(msgspec.Struct, tag_field="t", tag="events"):
    """Ask for a page of the event log, newest first; without a position, for the newest. Without kinds: all kinds."""

    n: _Number
    before: _Number | None = None
    kinds: Annotated[list[_Id], Meta(max_length=len(telling.KINDS))] = []
    text: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=eventlog.MAX_ROWS)] = 100


class RawEvent(msgspec.Struct, tag_field="t", tag="event"):
    """Ask for one event as JSON."""

    n: _Number
    seq: Annotated[int, Meta(ge=1, lt=2**53)]


class UnknownRooms(msgspec.Struct, tag_field="t", tag="unknown_rooms"):
    """Ask what became of conversations that the tab knows and the node doesn't any more."""

    n: _Number
    rooms: Annotated[list[_Id], Meta(max_length=MAX_STRAYS)]


class Options(msgspec.Struct, tag_field="t", tag="options"):
    """Ask for all options, with their values and sources."""

    n: _Number


class Change(msgspec.Struct, tag_field="t", tag="change"):
    """Change settings; one that is left out stays as it is. The node checks the values."""

    n: _Number
    key: _Key
    name: _Text | None = None
    reconnect: bool | None = None
    share_reading: bool | None = None
    keep_events: _Number | None = None
    keep_days: _Number | None = None
    mandatory: Annotated[list[_Text], Meta(max_length=MAX_MANDATORY)] | None = None
    mandatory_greeting: _Text | None = None
    mandatory_rule: _Text | None = None


class Link(msgspec.Struct, tag_field="t", tag="link"):
    """Ask for a link that opens this dashboard once, for another browser."""

    n: _Number


class ShutOut(msgspec.Struct, tag_field="t", tag="shut_out"):
    """Shut out all other browsers; they need a link again."""

    n: _Number


Question = (
    History | Search | Send | Resend | Outcome | Secure | Doubt | Trust | Read | Connect | Disconnect | Forget | Rename
    | Merge | Delete | Events | RawEvent | UnknownRooms | Options | Change
)  # fmt: skip
#: Requests that this server answers without the node, in live.py.
About = Hello | Watch | Typing | Link | ShutOut
#: What `decode` raises: invalid JSON, an unknown request, a lone surrogate, or brackets nested too deeply.
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_decoder: msgspec.json.Decoder[About | Question] = msgspec.json.Decoder(About | Question)


def decode(text: str) -> About | Question:
    """Parse a request of a tab. Raises one of UNREADABLE."""
    return _decoder.decode(text)


class Page(msgspec.Struct, frozen=True):
    """A page of a conversation, oldest first; valid at event `seq`."""

    seq: int
    messages: list[appearance.MessageView]
    more_before: bool
    more_after: bool


class Hits(msgspec.Struct, frozen=True):
    """The hits of a search, newest first. `pending` messages are not indexed yet."""

    hits: list[appearance.MessageView]
    more: bool
    pending: int


class Said(msgspec.Struct, frozen=True):
    """A message as the node has stored it."""

    message: appearance.MessageView


class Told(msgspec.Struct, frozen=True):
    """What became of a message: it was accepted at its `at`; one recipient for each peer it is for."""

    message: appearance.MessageView
    recipients: list[appearance.RecipientView]


class Meant(msgspec.Struct, frozen=True):
    """All who may be meant by a peer with a warning; and its rival, whose key is among those shown."""

    sides: list[doubts.Side]
    rival: str | None = None


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
                # A page from before this server's start hasn't heard yet that this is another node.
                raise NodeAway("That node isn't here.")
            texts = rq.SendArgs(messages=[rq.Outgoing(to=question.room, text=question.text)])
            sent: rq.SendResult = await asker.ask("send", texts, key=question.key)
            return Said(model.message(sent.messages[0]))
        case Resend():
            again: rq.ResendResult = await asker.ask(
                "resend", rq.ResendArgs(message=question.message), key=question.key
            )
            return Said(model.message(again.message))
        case Outcome():
            became: rq.DeliveryResult = await asker.ask("delivery", rq.DeliveryArgs(message=question.message))
            recipients = [
                appearance.recipient_view(one, model.peer(one.peer), shared=model.shares_name(one.peer))
                for one in became.recipients
            ]
            return Told(model.message(became.message), recipients)
        case Secure():
            return await _secure(question.peer, asker, model)
        case Doubt():
            doubted = model.peer(question.peer)
            if doubted is None or doubted.warning is None or model.state is None:
                raise CommandRefused("nothing_to_trust", "Nothing about this peer is in doubt any more.")
            everybody = model.state.peers.values()
            return Meant(doubts.sides(doubted, appearance.name_of(doubted), everybody), doubted.rival)
        case Trust():
            decided = rq.TrustArgs(peer=question.peer, plain=question.plain, rival=question.rival)
            known: rq.PeerResult = await asker.ask("trust", decided, key=question.key)
            return Met(appearance.peer_view(known.peer, None))
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
            # A room's id stands for its peer, also when the peer is off the list.
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


async def _secure(peer: str, asker: Asker, model: viewmodel.Model) -> secure.SecureView:
    standing: rq.LinksResult = await asker.ask("links", rq.PeerArgs(peer=peer))
    status: rq.StatusResult = await asker.ask("status")
    return secure.secure_view(standing.links, status.self, model.peer(peer), status.program)
