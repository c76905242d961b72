"""What the words of the command line may be: each verb with its arguments, and the help about them.

Law of this file: it asks nobody and prints nothing.
"""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Sequence
from typing import Any, get_args

from node import program
from node.bus import nouns

#: What the program does, and how: the words behind its name, and what they are for.
FORMS = (
    ("[run] [--home DIR] [--name NAME] [--listen HOST:PORT] ...", "run a node"),
    ("start [--home DIR] [--port PORT]", "node and dashboard, until Ctrl+C"),
    ("dashboard [--home DIR] [--port PORT] [--link | --stop]", "the dashboard, for a browser"),
    ("menu [--home DIR]", "the text menu; starts a node if need be"),
    ("config [--home DIR] [--json] [flags of run]", "what can be set, and who says so"),
    ("identity [export FILE | import FILE] [--home DIR] [--json]", "who this node is; carry its key"),
    ("backup FILE [--home DIR] [--json] [--passphrase]", "everything in one file, while it runs"),
    ("restore FILE [--home DIR] [--json]", "make a home of a backup"),
    ("VERB [--home DIR] [--json] ...", "talk to a running node"),
)
#: The verbs, in the order in which people meet them.
VERBS = (
    ("send PEER TEXT", "say something; PEER is HOST:PORT, a name or an id; TEXT \"-\" reads standard input"
                       "   [--no-wait]"),
    ("peers", "who is known, and how they are"),
    ("connect HOST:PORT", "connect to a peer; where no port is typed, 5000 is taken"
                          "   [--dialect auto|snicher|std|...]"),
    ("link PEER", "how the encrypted link with a node is: since when, with which program, both codes"
                  "   [--paths: at which addresses it is tried, and what became of that]"),
    ("presence [STATE]", "what linked nodes are told of you: online, away, or nothing (invisible)   [--status TEXT]"),
    ("disconnect PEER", "say good-bye to a peer"),
    ("rename PEER NAME", 'what to call a peer; "" gives it its own name back'),
    ("verify PEER", "compare both codes, and say that they are the same   [--code CODE] [--qr]"),
    ("unverify PEER", "a node doesn't count as verified any more"),
    ("invite", "a link, and its QR code, by which others add you   [--no-qr]"),
    ("add LINK", "add somebody by their invite; only their key may answer"),
    ("requests", "who has written whom nobody here knows, and what"),
    ("accept PEER", "what they say is a conversation like others from now on"),
    ("refuse PEER", "delete what they said, and tell them"),
    ("block PEER", "take nothing from a node, or from the plain clients of an address, and hide their past"),
    ("unblock PEER", "block somebody no more"),
    ("blocked", "who is blocked"),
    ("doctor [PEER]", "what is wrong when somebody doesn't show, and what to type   [--again]"),
    ("trust PEER", "end a warning: this is who I mean   [--plain: clear text may go to its address]"),
    ("merge PEER INTO", "make the conversation with PEER part of the one with INTO"),
    ("forget PEER", "take a peer off the list; what was said stays"),
    ("delete PEER", "delete a conversation and all that was said in it, for good; on a terminal it asks first"
                    "   [--yes]"),
    ("chat PEER", "talk with a peer, live: what was said above, a prompt below; on a pipe line by line"),
    ("history PEER", "what was said   [--limit N]"),
    ("delivery MESSAGE", "what became of a message: on whose disk it is, or why not; MESSAGE is its number"),
    ("search WORDS", 'find messages; word* is a prefix, "two words" a phrase   [--limit N]'),
    ("tail", "all events as they come, until interrupted; waits for a node that is away"
             "   [--since N] [--consumer NAME]"),
    ("consumers", "who has the node keep a place in the event log for it   [--drop NAME]"),
    ("set KEY VALUE", "change a setting: name, reconnect, share_reading, accept_nodes, keep_days, mandatory ..."),
    ("set KEY --default", "undo all changes of a setting"),
    ("trust-clock", "the clock is right, though the node doubts it: what is old may go again"),
    ("status", "is the node up and well"),
    ("stop", "end the node gracefully"),
)  # fmt: skip
#: Below this width, in characters, what a verb does stands below it.
NARROW = 60


def usage(width: int | None) -> str:
    """The help of the whole program, in lines of this width (None: of any)."""
    lines, name = ["usage:"], program.typed("python -m node")
    for words, about in FORMS:
        lines += _explained(f"  {name} {words}", about, len(name) + 62, width)
    lines += ["", "verbs:"]
    for words, about in VERBS:
        lines += _explained(f"  {words}", about, 22, width)
    lines.append("")
    lines += _wrapped(
        f"`{name} run --help` and `{name} VERB --help` say more; `{name} --version` tells the version.", width
    )
    return "\n".join(lines)


def _explained(words: str, about: str, column: int, width: int | None) -> list[str]:
    """Words, and what they are for: behind them where both fit, or below."""
    if width is None:
        return [f"{words:{column}}{'' if len(words) < column else '  '}{about}"]
    if width < max(NARROW, column * 2):
        return [*_wrapped(words, width, "  ", "      "), *_wrapped(about, width, "      ")]
    return _wrapped(about, width, f"{words:{column}}", " " * column)


def _wrapped(text: str, width: int | None, first: str = "", rest: str | None = None) -> list[str]:
    rest = first if rest is None else rest
    if width is None:
        return [first + text]
    return textwrap.wrap(
        " ".join(text.split()), width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


#: Most digits of a number on the command line; the node takes none with more.
MAX_DIGITS = 15
#: Characters of a wrong word that are quoted back.
MAX_QUOTED = 64


def parser() -> argparse.ArgumentParser:
    """What takes the words of the verbs that talk to a running node."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", metavar="DIR", help="the node's home (default: SNICHER_HOME, or the usual place)")
    common.add_argument("--json", action="store_true", help="one JSON object a line")
    name = program.typed("python -m node")
    whole = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    verbs = whole.add_subparsers(dest="verb", required=True, prog=name)

    def verb(name: str, about: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=about, description=about, parents=[common], allow_abbrev=False)

    send = verb("send", "Say something. It waits on disk when the peer is away.")
    send.add_argument("peer", type=_text, help="HOST:PORT, a name or an id; where no port is typed, 5000 is taken")
    send.add_argument("--no-wait", action="store_true", help="don't wait a second for somebody who is there to have it")
    send.add_argument("text", type=_text, help='the text; "-" reads it from standard input')
    verb("peers", "Who is known, and how they are.")
    connect = verb("connect", "Connect to a peer, and keep connected.")
    connect.add_argument("peer", type=_text, metavar="HOST:PORT", help="where no port is typed, 5000 is taken")
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
    delete = verb("delete", "Delete a conversation and all that was said in it, for good. On a terminal it asks first.")
    delete.add_argument("peer", type=_text)
    delete.add_argument("--yes", action="store_true", help="don't ask")
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
    live = verb("chat", "Talk with a peer, live. On a terminal it takes the screen; on a pipe it goes line by line.")
    live.add_argument("peer", type=_text, help="HOST:PORT, a name or an id")
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
    keys = nouns.Settings.__struct_fields__
    change.add_argument("key", choices=keys, metavar="KEY", help=", ".join(keys))
    value = change.add_argument(
        "value", type=_text, metavar="VALUE", help="as the flag of that name takes it: on, off, a number, a,b,c"
    )
    change.add_argument(
        "--default",
        action=_InsteadOf,
        const=value,
        help="instead of VALUE: as if it had never been changed while a node ran",
    )
    verb("status", "Is the node up and well.")
    verb("stop", "End the node gracefully.")
    return whole


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
