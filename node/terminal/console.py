"""The command line: small verbs, each a client of the bus like any other front end.

Exit codes: 0 done; 1 refused by the node, or `doctor` has found that something fails; 2 wrong usage; 69 no node there;
74 the output can't be written; 130 interrupted before it was done. An error is one line on stderr. For `tail` an
interruption is the normal end (0), unless it was waiting for the node at that moment (130).
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from typing import Any, get_args

import msgspec

from node import program
from node.bus import bounds, nouns
from node.bus import requests as rq
from node.bus.client import Client
from node.errors import BusProtocolError, CommandRefused, NodeAway
from node.printable import flat, plain
from node.terminal import people, unanswered
from node.terminal.doctor import doctor
from node.terminal.lines import (
    CONSUMERS_HEADER,
    PEERS_HEADER,
    address,
    called,
    consumer_line,
    nearby_line,
    peer_line,
    refusal,
    sighting_line,
    trusted,
)
from node.terminal.linked import link
from node.terminal.patience import patiently
from node.terminal.said import delivery, history, print_json, search
from node.terminal.tail import tail

USAGE = """usage: python -m node [run] [--home DIR] [--name NAME] [--listen HOST:PORT] ...   run a node
       python -m node start [--home DIR] [--port PORT]                           node and dashboard, until Ctrl+C
       python -m node dashboard [--home DIR] [--port PORT] [--link | --stop]     the dashboard, for a browser
       python -m node menu [--home DIR]                                          the text menu; starts a node if need be
       python -m node config [--home DIR] [--json] [flags of run]                what can be set, and who says so
       python -m node identity [export FILE | import FILE] [--home DIR] [--json] who this node is; carry its key
       python -m node backup FILE [--home DIR] [--json] [--passphrase]           everything in one file, while it runs
       python -m node restore FILE [--home DIR] [--json]                         make a home of a backup
       python -m node VERB [--home DIR] [--json] ...                              talk to a running node

verbs:
  send PEER TEXT              say something; PEER is HOST:PORT, a name or an id; TEXT "-" reads standard input
  peers                       who is known, and how they are
  connect HOST:PORT           connect to a peer   [--dialect auto|snicher|std|...]
  link PEER                   how the encrypted link with a node is: since when, with which program, both codes
                                                  [--paths: at which addresses it is tried, and what became of that]
  presence [STATE]            what linked nodes are told of you: online, away, or nothing (invisible)   [--status TEXT]
  disconnect PEER             say good-bye to a peer
  rename PEER NAME            what to call a peer; "" gives it its own name back
  verify PEER                 compare both codes, and say that they are the same   [--code CODE] [--qr]
  unverify PEER               a node doesn't count as verified any more
  invite                      a link, and its QR code, by which others add you   [--no-qr]
  add LINK                    add somebody by their invite; only their key may answer
  requests                    who has written whom nobody here knows, and what
  accept PEER                 what they say is a conversation like others from now on
  refuse PEER                 delete what they said, and tell them
  block PEER                  take nothing from a node, or from the plain clients of an address, and hide their past
  unblock PEER                block somebody no more
  blocked                     who is blocked
  doctor [PEER]               what is wrong when somebody doesn't show, and what to type   [--again]
  trust PEER                  end a warning: this is who I mean   [--plain: clear text may go to its address]
  merge PEER INTO             make the conversation with PEER part of the one with INTO
  forget PEER                 take a peer off the list; what was said stays
  delete PEER                 delete a conversation and all that was said in it, for good
  history PEER                what was said       [--limit N]
  delivery MESSAGE            what became of a message: on whose disk it is, or why not; MESSAGE is its number
  search WORDS                find messages; word* is a prefix, "two words" a phrase
  tail                        all events as they come, until interrupted; waits for a node that is away
                                                  [--since N] [--consumer NAME]
  consumers                   who has the node keep a place in the event log for it   [--drop NAME]
  set KEY VALUE               change a setting: name, reconnect, share_reading, accept_nodes, keep_days, mandatory ...
  trust-clock                 the clock is right, though the node doubts it: what is old may go again
  set KEY --default           undo all changes of a setting
  status                      is the node up and well
  stop                        end the node gracefully

`python -m node run --help` and `python -m node VERB --help` say more; `python -m node --version` tells the version."""

#: The exit code when Ctrl+C came before a verb was done: 128 and the signal's number, as shells have it.
INTERRUPTED = 130
#: Most digits of a number on the command line; the node takes none with more.
MAX_DIGITS = 15
#: Characters of a wrong word that are quoted back.
MAX_QUOTED = 64


def main(argv: Sequence[str]) -> int:
    """Run one verb; returns the exit code. Raises SnicherError."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.verb == "set" and options.default and options.value is not None:
        parser.error("set takes VALUE or --default, not both")
    if options.verb == "tail" and options.restart and options.consumer is None:
        parser.error("tail: --restart is for a --consumer NAME")
    with Client(options.home, name=f"console {options.verb}") as client:
        try:
            verb: Callable[[Client, argparse.Namespace], int | None] = VERBS[options.verb]
            code = verb(client, options)
        except CommandRefused as refused:
            raise CommandRefused(refused.code, refusal(refused), refused.retryable, refused.details) from refused
        except NodeAway as error:
            # `stop` has its own answer to a silent node, and so has `doctor` (absent.py).
            raise error if options.verb == "stop" else unanswered.explained(client.home, error) from error
        except KeyboardInterrupt:
            return INTERRUPTED
    return code or 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", metavar="DIR", help="the node's home (default: SNICHER_HOME, or the usual place)")
    common.add_argument("--json", action="store_true", help="one JSON object a line")
    called_by = program.typed("python -m node")
    parser = argparse.ArgumentParser(prog=called_by, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, prog=called_by)

    def verb(name: str, about: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=about, description=about, parents=[common], allow_abbrev=False)

    send = verb("send", "Say something. It waits on disk when the peer is away.")
    send.add_argument("peer", type=_text, help="HOST:PORT, a name or an id")
    send.add_argument("text", type=_text, help='the text; "-" reads it from standard input')
    verb("peers", "Who is known, and how they are.")
    connect = verb("connect", "Connect to a peer, and keep connected.")
    connect.add_argument("peer", type=_text, metavar="HOST:PORT")
    connect.add_argument(
        "--dialect",
        type=_text,
        default="auto",
        help="what it speaks, if you know it: auto, snicher, std, angle@, angle-ts, angle1, labelled, portline, json",
    )
    linked = verb("link", "How the encrypted link with a node is, and both codes.")
    linked.add_argument("peer", type=_text)
    linked.add_argument("--paths", action="store_true", help="at which addresses it is tried, and what became of that")
    present = verb("presence", "What linked nodes are told of you: whether you are away, and in which words.")
    present.add_argument("presence", nargs="?", choices=get_args(nouns.OwnPresence))
    present.add_argument("--status", type=_text, metavar="TEXT", help='a line about you; "" takes it back')
    verb("disconnect", "Say good-bye to a peer.").add_argument("peer", type=_text)
    rename = verb("rename", "What to call a peer, whatever it calls itself.")
    rename.add_argument("peer", type=_text)
    rename.add_argument("name", type=_text, help='"" gives it its own name back')
    merge = verb("merge", "Make one conversation part of another.")
    merge.add_argument("peer", type=_text, help="whose conversation moves")
    merge.add_argument("into", type=_text, help="whose conversation takes it in")
    verb("forget", "Take a peer off the list; what was said stays.").add_argument("peer", type=_text)
    verb("delete", "Delete a conversation and all that was said in it, for good.").add_argument("peer", type=_text)
    check = verb("verify", "Compare both codes with a person, and say that they are the same.")
    check.add_argument("peer", type=_text)
    check.add_argument("--code", type=_text, help="the code of this peer that was compared; nothing is asked then")
    check.add_argument("--qr", action="store_true", help="show both ids as a QR code, too, the same at both sides")
    verb("unverify", "A node doesn't count as verified any more.").add_argument("peer", type=_text)
    invite = verb("invite", "A link by which others add this node, and its QR code.")
    invite.add_argument("--no-qr", action="store_true", help="only the link")
    verb("add", "Add somebody by their invite; only their key may answer.").add_argument(
        "link", type=_text, metavar="LINK", help="snicher://..., in quotes"
    )
    verb("requests", "Who has written whom nobody here knows, and what.")
    verb("accept", "Accept a request: it is a conversation like others from now on.").add_argument("peer", type=_text)
    verb("refuse", "Refuse a request: delete what was said, and tell its node.").add_argument("peer", type=_text)
    block = verb("block", "Take nothing from a node, or from the plain clients of an address, and hide their past.")
    block.add_argument("peer", type=_text, help="a name, an id, HOST:PORT, or an IP address")
    verb("unblock", "Block somebody no more.").add_argument("peer", type=_text)
    verb("blocked", "Who is blocked.")
    looked = verb("doctor", "How this node and its network are, and each way to a peer; what to do about what fails.")
    looked.add_argument("peer", type=_text, nargs="?", help="somebody who doesn't show: a name, an id or HOST:PORT")
    looked.add_argument("--again", action="store_true", help="look again, also when it was looked at just now")
    trust = verb("trust", "End a peer's warning: its new key, or its name beside another's of that name, is right.")
    trust.add_argument("peer", type=_text)
    trust.add_argument("--plain", action="store_true", help="clear text may go to the address of this peer")
    verb("trust-clock", "This machine's clock is right, though the node doubts it: what is old may go again.")
    history = verb("history", "What was said with a peer.")
    history.add_argument("peer", type=_text)
    history.add_argument("--limit", type=_count, default=50, help="how many of the newest messages (default 50)")
    outcome = verb("delivery", "What became of a message that was sent from here.")
    outcome.add_argument("message", type=_message, help="its number, as `send` and `tail` tell it: 12 or #12")
    search = verb("search", "Find messages, newest first.")
    search.add_argument("words", type=_text, nargs="+")
    search.add_argument("--limit", type=_count, default=20, help="how many (default 20)")
    tail = verb("tail", "All events as they come, until interrupted. Waits for a node that is away, and says so.")
    tail.add_argument("--since", type=_number, metavar="N", help="begin after event N (0: from the oldest kept)")
    tail.add_argument(
        "--consumer",
        type=_text,
        metavar="NAME",
        help="go on after the last event that was shown for NAME, which the node keeps (without those that have no"
        " number); a new NAME begins now, or after --since",
    )
    tail.add_argument(
        "--restart", action="store_true", help="go on from now when what NAME has not seen is kept no more, and say so"
    )
    consumers = verb("consumers", "Who has the node keep a place in the event log for it: `tail --consumer`, bots.")
    consumers.add_argument("--drop", type=_text, metavar="NAME", help="let go of the place kept for NAME")
    about = program.typed("Change a setting of a running node; it is kept. `python -m node config` shows them all.")
    change = verb("set", about)
    change.add_argument("key", choices=nouns.Settings.__struct_fields__)
    value = change.add_argument("value", type=_text, help="as the flag of that name takes it: on, off, a number, a,b,c")
    change.add_argument(
        "--default",
        action=_InsteadOf,
        const=value,
        help="instead of VALUE: as if it had never been changed while a node ran",
    )
    verb("status", "Is the node up and well.")
    verb("stop", "End the node gracefully.")
    return parser


class _InsteadOf(argparse.Action):
    """A flag that replaces the positional argument in `const`: one of the two must be given."""

    def __init__(self, option_strings: Sequence[str], dest: str, const: argparse.Action, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, const=const, default=False, **more)

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        setattr(namespace, self.dest, True)
        self.const.required = False


def _text(word: str) -> str:
    """A word of the command line as text. Bytes that are not valid text become replacement characters."""
    return os.fsencode(word).decode("utf-8", "replace")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text[:MAX_QUOTED]!r} is not a whole number")
    if len(text) > MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"more than {MAX_DIGITS} digits")
    return int(text)


def _message(text: str) -> int:
    return _number(text.removeprefix("#"))


def _count(text: str) -> int:
    number = _number(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


# -- the verbs


def _send(client: Client, options: argparse.Namespace) -> None:
    text = options.text
    if text == "-":
        # Read no more than the node would take. Read bytes, so that no encoding error can occur.
        try:
            read = sys.stdin.buffer.read(bounds.MAX_TEXT_BYTES + 2)
        except OSError as error:
            raise CommandRefused("invalid_args", f"Standard input can't be read: {error.strerror}.") from error
        text = read.decode("utf-8", "replace").rstrip("\r\n")
    # All tries share one idempotency key, so the text is sent once.
    key = uuid.uuid4().hex
    message = patiently(lambda: client.send(options.peer, text, key=key))
    if options.json:
        print_json(message)
    else:
        kept = ", encrypted" if message.entry is not None else ""
        print(f"#{message.id} is on disk and {message.state} to be sent{kept}.")


def _peers(client: Client, options: argparse.Namespace) -> None:
    result = client.peers()
    tries = {one.peer: one for one in result.next_tries}
    if result.peers and not options.json:
        print(PEERS_HEADER)
    for peer in result.peers:
        if options.json:
            print_json(peer)
        else:
            print(peer_line(peer, tries.get(peer.id)))
    if options.json:
        return
    nearby = client.nearby()
    known = {peer.id: peer for peer in result.peers}
    if not result.peers:
        print("Nobody yet. Three ways to add somebody:")
        print(program.typed("  python -m node invite               a link and a QR code by which others add you"))
        print(program.typed("  python -m node add LINK             with the link of somebody else"))
        print(program.typed("  python -m node connect HOST:PORT    with their address"))
    print(nearby_line(nearby))
    for one in nearby.services:
        print(sighting_line(one, known.get(one.peer or "")))


def _changes_peer(
    command: Callable[[Client, argparse.Namespace], nouns.Peer], says: Callable[[nouns.Peer, argparse.Namespace], str]
) -> Callable[[Client, argparse.Namespace], None]:
    """A verb that runs a command on one peer and prints a sentence about the result."""

    def verb(client: Client, options: argparse.Namespace) -> None:
        peer = patiently(lambda: command(client, options))
        if options.json:
            print_json(peer)
        else:
            print(says(peer, options))

    return verb


def _renamed(peer: nouns.Peer, options: argparse.Namespace) -> str:
    said = peer.own_name if peer.own_name not in (None, peer.host, address(peer)) else None
    own = f" (it calls itself {flat(said)})" if said else ""
    return f"{address(peer)} is now {flat(peer.name)}{own}."


def _met(peer: nouns.Peer, _: argparse.Namespace) -> str:
    if peer.link in ("online", "reachable"):
        return f"{called(peer)} is {peer.link}."
    return f"Calling {called(peer)}; `peers` shows what comes of it."


_connect = _changes_peer(lambda client, options: client.connect(options.peer, options.dialect), _met)
_disconnect = _changes_peer(
    lambda client, options: client.disconnect(options.peer), lambda peer, _: f"Said good-bye to {called(peer)}."
)
_rename = _changes_peer(lambda client, options: client.rename(options.peer, options.name), _renamed)
_merge = _changes_peer(
    lambda client, options: client.merge(options.peer, options.into),
    lambda peer, options: (
        f"What was said with {flat(options.peer)} is now part of the conversation with {called(peer)}."
    ),
)


_trust = _changes_peer(
    lambda client, options: client.trust(options.peer, plain=options.plain), lambda peer, _: trusted(peer)
)


def _takes_away(command: Callable[[Client, str], None], says: str) -> Callable[[Client, argparse.Namespace], None]:
    """A verb that removes something and prints the sentence `says`."""

    def verb(client: Client, options: argparse.Namespace) -> None:
        patiently(lambda: command(client, options.peer))
        if options.json:
            print_json(rq.Nothing())
        else:
            print(says)

    return verb


_forget = _takes_away(lambda client, peer: client.forget(peer), "Off the list; what was said stays.")
_delete = _takes_away(lambda client, peer: client.delete(peer), "Deleted, with all that was said in it.")


def _trust_clock(client: Client, options: argparse.Namespace) -> None:
    patiently(client.trust_clock)
    if options.json:
        print_json(rq.Nothing())
    else:
        print("The clock is believed.")


def setting_of(key: str, value: str) -> Any:
    """A setting's value from a word of the command line. Raises CommandRefused when the word doesn't fit its type."""
    kind = {field.name: field.type for field in msgspec.structs.fields(nouns.Settings)}[key]
    if kind is bool and value in ("on", "off"):
        return value == "on"
    if kind is int and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        return int(value)
    if kind in (bool, int):
        raise CommandRefused("invalid_args", f"{key} is {'on or off' if kind is bool else 'a whole number'}.")
    return [one for one in value.split(",") if one.strip()] if kind == list[str] else value


def _consumers(client: Client, options: argparse.Namespace) -> None:
    if options.drop is not None:
        patiently(lambda: client.consumer_drop(options.drop))
        if options.json:
            print_json(rq.Nothing())
        else:
            print(f"No place is kept for {flat(options.drop)} any more.")
        return
    found = client.consumers()
    if options.json:
        for one in found:
            print_json(one)
    elif found:
        print(CONSUMERS_HEADER)
        for one in found:
            print(consumer_line(one))
    else:
        print(program.typed("Nobody yet. A shell script begins with: python -m node tail --consumer NAME"))


def _set(client: Client, options: argparse.Namespace) -> None:
    key = options.key
    change: dict[str, Any] = {"reset": [key]} if options.default else {key: setting_of(key, options.value)}
    settings = patiently(lambda: client.settings(**change))
    if options.json:
        print_json(settings)
        return
    (told,) = (one for one in client.config() if one.key == key)
    by = ""
    if options.default:
        if told.source == "saved":
            raise CommandRefused("unknown_op", f"This node is too old to undo a change; {key} is still {told.value}.")
        by = ", its default" if told.source == "default" else f", as {told.where} says"
    print(
        f"{key} is now {flat(told.value) or 'empty'}{plain(by)}."
        + (" It counts from the next start on." if told.restart else "")
    )
    if told.where.startswith("until"):
        print(plain(f"It is so {told.where}."))


def _status(client: Client, options: argparse.Namespace) -> None:
    status = client.status()
    if options.json:
        print_json(status)
        return
    ready = "ready" if status.ready else "not ready"
    print(f"{flat(status.self.name)} is {ready} (pid {status.pid}, {plain(status.home)})")
    print(f"listens on   {status.self.listen}")
    print(f"reachable at {', '.join(status.self.addresses) or 'nowhere'}")
    print(f"code         {status.self.code}")
    print(f"event log    {status.log}, head {status.head}")
    print(f"disk         {flat(status.health.problem or 'well')}")
    if status.health.index:
        print(f"search       {flat(status.health.index)}")
    for notice in status.health.notices:
        print(f"notice       {flat(program.typed(notice))}")
    for one in status.greetings:
        print(f"mandatory    {one.address} {one.outcome}{': ' + flat(one.detail) if one.detail else ''}")


def _stop(client: Client, options: argparse.Namespace) -> None:
    ended = 0
    try:
        client.stop()
    except (NodeAway, BusProtocolError) as error:
        ended = unanswered.stop(client.home, error)
    if options.json:
        print_json(rq.Nothing())
    elif not ended:
        print("The node is going down.")
    if ended:
        said = f"The bus didn't answer; the node (pid {ended}) was ended by a signal (SIGTERM)."
        print(said, file=sys.stderr if options.json else sys.stdout)


VERBS: dict[str, Callable[[Client, argparse.Namespace], int | None]] = {
    "send": _send,
    "peers": _peers,
    "connect": _connect,
    "link": link,
    "disconnect": _disconnect,
    "rename": _rename,
    "merge": _merge,
    "trust": _trust,
    "verify": people.verify,
    "unverify": people.unverify,
    "presence": people.presence,
    "doctor": doctor,
    "invite": people.invite,
    "add": people.add,
    "requests": people.requests,
    "accept": people.accept,
    "refuse": people.refuse,
    "block": people.block,
    "unblock": people.unblock,
    "blocked": people.blocked,
    "trust-clock": _trust_clock,
    "forget": _forget,
    "delete": _delete,
    "history": history,
    "delivery": delivery,
    "search": search,
    "tail": tail,
    "consumers": _consumers,
    "set": _set,
    "status": _status,
    "stop": _stop,
}
