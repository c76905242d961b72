"""The verb `delete`: a conversation with all that was said in it goes for good. A person at a terminal is asked first.

Law of this file: as `rm`, it asks nobody where nobody can answer: when standard input or error is no terminal.
"""

from __future__ import annotations

import argparse
import sys

from node.bus import bounds, nouns
from node.bus import requests as rq
from node.bus.client import Client
from node.printable import flat
from node.terminal.lines import called
from node.terminal.patience import patiently
from node.terminal.said import print_json, room_of

#: Up to so many messages are counted before the question; of more it says that there are more.
COUNTED = 1000
#: Answers that mean yes.
YES = ("y", "yes")
#: The exit code when the person says no: nothing was deleted.
REFUSED = 1


def delete(client: Client, options: argparse.Namespace) -> int:
    """Delete a conversation; returns the exit code."""
    if not options.yes and sys.stdin.isatty() and sys.stderr.isatty() and not _is_sure(client, options.peer):
        print("Nothing was deleted.", file=sys.stderr)
        return REFUSED
    patiently(lambda: client.delete(options.peer))
    if options.json:
        print_json(rq.Nothing())
    else:
        print("Deleted, with all that was said in it.")
    return 0


def _is_sure(client: Client, who: str) -> bool:
    state = client.snapshot().state
    room = room_of(state, who)
    peer = state.peers.get(room.peer or "")
    name = flat(room.name) if peer is None else called(peer)
    # On stderr: what is printed on stdout is for whoever asked, --json or not.
    question = f"Delete the conversation with {name} for good, with {_how_many(client, room)}? (yes/no): "
    print(question, end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip().casefold() in YES
    except KeyboardInterrupt:
        # What the shell prints next begins on its own line.
        print(file=sys.stderr)
        raise


def _how_many(client: Client, room: nouns.Room) -> str:
    """How many messages a conversation holds, in words."""
    count, before = 0, None
    while count <= COUNTED:
        page = client.history(room.id, before=before, limit=bounds.MAX_HISTORY)
        count += len(page.messages)
        if not page.more_before or not page.messages:
            return "1 message" if count == 1 else f"all {count} messages" if count else "no message in it"
        before = page.messages[0].id
    return f"more than {COUNTED} messages"
