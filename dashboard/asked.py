"""Answers to the requests of browser tabs: most are commands of the bus, and what the node answers is drawn.

Law of this file: the only place where a browser's requests become commands of the bus. schema.py declares the requests
and says which commands a tab may give; all bounds are checked there or by the node. Each request that changes something
carries an idempotency key made by the browser, so a retry never doubles it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import msgspec

from dashboard import (
    appearance,
    comparing,
    diagnosing,
    doubts,
    eventlog,
    options,
    pictures,
    schema,
    secure,
    viewmodel,
    wording,
)
from dashboard.feed import Asker
from node import qr
from node.bus import diagnosis, nouns
from node.bus import requests as rq
from node.errors import BusProtocolError, CommandRefused, NodeAway

log = logging.getLogger("snicher.dashboard")


async def answer(request: schema.Request, asker: Asker, model: viewmodel.Model) -> msgspec.Struct:
    """The answer to a request, as schema.py names it. Raises CommandRefused, NodeAway or BusProtocolError."""
    match request:
        case schema.Command():
            return await _command(request, asker, model)
        case schema.Send():
            if request.node is not None and (model.state is None or model.state.self.id != request.node):
                # A page from before this server's start hasn't heard yet that this is another node.
                raise NodeAway("That node isn't here.")
            texts = rq.SendArgs(messages=[rq.Outgoing(to=request.room, text=request.text)])
            sent: rq.SendResult = await asker.ask("send", texts, key=request.key)
            return schema.Said(model.message(sent.messages[0]))
        case schema.Secure():
            return await _secure(request.peer, asker, model)
        case schema.Doubt():
            return _meant(request.peer, model)
        case schema.Codes():
            peer, me, _ = _both(request.peer, model)
            return schema.BothCodes(_qr(me.id), _qr(peer.id))
        case schema.Compare():
            return await _compare(request, model)
        case schema.Events():
            kinds = frozenset(request.kinds)
            return await eventlog.page(asker, model, request.before, kinds, request.text, request.limit)
        case schema.RawEvent():
            return await eventlog.raw(asker, model.log, request.seq)
        case schema.UnknownRooms():
            return await eventlog.unknown_rooms(asker, model, request.rooms)
        case schema.Options():
            return await options.view(asker, model)
        case schema.Change():
            given = {name: getattr(request, name) for name in nouns.Settings.__struct_fields__}
            changes = {name: value for name, value in given.items() if value is not None}
            return await options.change(asker, changes, request.key)
        case schema.Naming():
            return await options.named(asker)
        case schema.Name():
            answer = await options.change(asker, {"name": request.name}, request.key)
            return schema.Named(answer.settings["name"], chosen=True)
        case _:
            raise CommandRefused("unknown_op", f"The dashboard has no answer to {type(request).__name__}.")


async def reply(request: schema.Request, asker: Asker, model: viewmodel.Model) -> msgspec.Struct:
    """The same; or a schema.Problem that says why there is none, in words for people."""
    try:
        return await answer(request, asker, model)
    except CommandRefused as error:
        return schema.Problem(error.code, wording.problem(error.code, error.message), error.retryable)
    except NodeAway:
        return schema.Problem("away", wording.problem("away", ""), True)
    except BusProtocolError as error:
        return schema.Problem("protocol", str(error))
    except Exception:
        log.exception("a bug in answering a page")
        return schema.Problem("internal", "The dashboard met a bug; its log says more.")


async def _command(request: schema.Command, asker: Asker, model: viewmodel.Model) -> msgspec.Struct:
    allowed = schema.COMMANDS.get(request.op)
    if allowed is None:
        raise CommandRefused("unknown_op", "A page may not give the node this command.")
    if allowed.keyed and request.key is None:
        raise CommandRefused("invalid_args", "This command needs a key.")
    try:
        args = msgspec.json.decode(request.args, type=rq.COMMANDS[request.op][0])
    except schema.UNREADABLE as error:
        raise CommandRefused("invalid_args", str(error)) from error
    return drawn(await asker.ask(request.op, args, key=request.key), model)


def drawn(result: msgspec.Struct, model: viewmodel.Model) -> msgspec.Struct:
    """What the node answered, ready to draw; what has nothing to draw is just done."""
    match result:
        case rq.HistoryResult():
            messages = [model.message(one) for one in result.messages]
            return schema.Page(result.seq, messages, result.more_before, result.more_after)
        case rq.SearchResult():
            return schema.Hits([model.message(one) for one in result.hits], result.more, result.pending)
        case rq.ResendResult():
            return schema.Said(model.message(result.message))
        case rq.DeliveryResult():
            recipients = [
                appearance.recipient_view(one, model.peer(one.peer), shared=model.shares_name(one.peer))
                for one in result.recipients
            ]
            return schema.Told(model.message(result.message), recipients)
        case diagnosis.DoctorResult():
            return schema.Diagnosed(diagnosing.view(result.diagnosis))
        case rq.InviteResult():
            return _invite(result)
        case rq.AddResult():
            return schema.Added(appearance.peer_view(result.peer, None), wording.clean_text(result.note or ""))
        case rq.PeerResult():
            return schema.Met(appearance.peer_view(result.peer, None))
        case _:
            return schema.Done()


def _invite(made: rq.InviteResult) -> schema.Invite:
    return schema.Invite(made.link, wording.clean_text(made.note or ""), _qr(made.link))


def _qr(text: str) -> schema.QrCode:
    modules = qr.modules(text)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(modules) for x, is_dark in enumerate(row) if is_dark)
    return schema.QrCode(dark, len(modules))


def _both(peer: str, model: viewmodel.Model) -> tuple[nouns.Peer, nouns.Self, Iterable[nouns.Peer]]:
    """Both whose codes are compared, and everybody else who is known."""
    found = model.peer(peer)
    if model.state is None or found is None:
        raise CommandRefused("not_found", "This peer isn't on the list any more.")
    if found.kind != "node":
        raise CommandRefused(
            "not_a_node", f"{appearance.name_of(found)} is a plain client, which has no key to verify."
        )
    return found, model.state.self, model.state.peers.values()


async def _compare(request: schema.Compare, model: viewmodel.Model) -> comparing.Compared:
    try:
        if request.typed:
            return comparing.typed(request.typed, *_both(request.peer, model))
        texts = await asyncio.to_thread(pictures.codes, request.picture)
        return comparing.read(texts, *_both(request.peer, model))
    except ValueError as error:
        raise CommandRefused("not_compared", str(error)) from error


def _meant(peer: str, model: viewmodel.Model) -> schema.Meant:
    doubted = model.peer(peer)
    if doubted is None or doubted.warning is None or model.state is None:
        raise CommandRefused("nothing_to_trust", "Nothing about this peer is in doubt any more.")
    everybody = model.state.peers.values()
    return schema.Meant(doubts.sides(doubted, appearance.name_of(doubted), everybody), doubted.rival)


async def _secure(peer: str, asker: Asker, model: viewmodel.Model) -> secure.SecureView:
    standing: rq.LinksResult = await asker.ask("links", rq.PeerArgs(peer=peer))
    status: rq.StatusResult = await asker.ask("status")
    return secure.secure_view(standing.links, status.self, model.peer(peer), status.program)
