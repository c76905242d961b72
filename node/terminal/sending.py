"""The verb `send`. For somebody who is there, or is being tried, it waits a moment, to say what became of the message.

Law of this file: a client of the bus. It waits for events, and asks only after one. For somebody who is known to be
away it never waits.
"""

from __future__ import annotations

import argparse
import sys
import time

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import Client, Cursor, Resync
from node.bus.commands import new_id
from node.errors import BusError, CommandRefused
from node.printable import flat
from node.terminal.lines import until
from node.terminal.patience import patiently
from node.terminal.said import print_json
from node.terminal.typed import reached

#: How long `send` waits to be able to say "sent" or "delivered", in seconds. Then it says what is known.
OUTCOME_S = 1.0
#: How somebody is who is there: a message goes out at once.
_THERE = ("online", "reachable")
#: How somebody is of whom it shows in a moment whether they are there: a first contact, say.
_TRIED = "connecting"
#: States of a message that is still to go out, or to be confirmed.
_UNDER_WAY = ("waiting", "sending")


def send(client: Client, options: argparse.Namespace) -> None:
    """Send a text, and print what is known of it."""
    text = _standard_input() if options.text == "-" else options.text

    def sent(to: str) -> nouns.Message:
        # All tries share one idempotency key, so the text is sent once.
        key = new_id()
        message: nouns.Message = patiently(lambda: client.send(to, text, key=key))
        return message

    message: nouns.Message = reached(sent, options.peer)
    found = None if options.no_wait else outcome(client, message)
    if options.json:
        print_json(message if found is None else found.message)
    else:
        print(outcome_line(message, found))


def _standard_input() -> str:
    # Read no more than the node would take. Read bytes, so that no encoding error can occur.
    try:
        read = sys.stdin.buffer.read(bounds.MAX_TEXT_BYTES + 2)
    except OSError as error:
        raise CommandRefused("invalid_args", f"Standard input can't be read: {error.strerror}.") from error
    return read.decode("utf-8", "replace").rstrip("\r\n")


def outcome(client: Client, message: nouns.Message) -> rq.DeliveryResult | None:
    """What became of a message that was just accepted; None: the node doesn't say.

    It waits up to OUTCOME_S while all whom the message is for are there, or being tried, and it isn't settled.
    """
    end = time.monotonic() + OUTCOME_S
    # What came up to here is in the answer to the next question; what comes later, the follower gives.
    head = client.head
    found = None
    try:
        found = client.delivery(message.id)
        if not _is_coming(found):
            return found
        follower = client.follow(Cursor("", head))
        try:
            while _is_coming(found) and (left := end - time.monotonic()) > 0:
                if _concerns(follower.next(timeout=left), found):
                    found = client.delivery(message.id)
        finally:
            follower.close()
    except BusError:
        # It is on disk all the same: that is what was asked for, so this is no failure.
        pass
    return found


def _is_coming(found: rq.DeliveryResult) -> bool:
    """Whether the message isn't settled yet, and nothing is known that keeps it."""
    under_way = [one for one in found.recipients if one.state in _UNDER_WAY]
    return bool(under_way) and all(
        one.link in (*_THERE, _TRIED) and one.next_try is None and one.detail is None for one in under_way
    )


def _concerns(item: object, found: rq.DeliveryResult) -> bool:
    """Whether this may have changed what became of the message."""
    if isinstance(item, Resync):
        return True
    data = item.data if isinstance(item, ev.Event) else None
    if isinstance(data, ev.MessageStateChanged):
        return data.id == found.message.id
    if isinstance(data, ev.MessageChanged):
        return data.message.id == found.message.id
    if isinstance(data, ev.ReceiptAdvanced | ev.ReadAdvanced):
        return data.room == found.message.room
    if isinstance(data, ev.RoomsMerged):
        return data.gone == found.message.room
    peers = {one.peer for one in found.recipients}
    if isinstance(data, ev.PeerChanged):
        return data.peer.id in peers
    return isinstance(data, ev.RetryScheduled) and data.next_try.peer in peers


def outcome_line(message: nouns.Message, found: rq.DeliveryResult | None) -> str:
    """What is known of a message of ours, in a line."""
    now = int(time.time() * 1000)
    if found is not None:
        message = found.message
    kept = ", encrypted" if message.entry is not None else ""
    one = found.recipients[0] if found is not None and len(found.recipients) == 1 else None
    state, detail = (message.state, message.detail) if one is None else (one.state, one.detail)
    why = f" {flat(detail)}" if detail else ""
    if state in ("delivered", "read"):
        return f"#{message.id} is {state}{kept}: it is on their disk."
    if state not in _UNDER_WAY:
        return f"#{message.id} is {flat(state or 'on disk')}{kept}.{why}"
    if one is not None and one.link in _THERE and not why:
        return f"#{message.id} is on disk{kept}. They are there, and haven't confirmed it yet."
    again = "" if one is None or one.next_try is None else f" Next try {until(one.next_try.at, now)}."
    return f"#{message.id} is on disk and {state} to be sent{kept}.{why}{again}"
