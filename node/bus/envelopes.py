"""What goes round a command and its result on the bus: the frames of both, and every error code. BUS.md is normative.

Law of this file: pure data. A test fails when BUS.md lacks an error code.
"""

from __future__ import annotations

from typing import Any

import msgspec

#: Every error code of a reply, what it means, and whether the same command may work later.
ERROR_CODES: dict[str, tuple[str, bool]] = {
    "malformed": ("The frame is not a command as BUS.md describes it.", False),
    "too_large": ("The command is longer than MAX_COMMAND_BYTES.", False),
    "unsupported_version": ("`v` is none of the versions that `hello` lists.", False),
    "unknown_op": ("There is no such command in this version.", False),
    "invalid_args": ("An argument is missing, of the wrong type or out of its bounds; `message` says which.", False),
    "key_reused": ("The same key was used before with another command or other arguments.", False),
    "not_found": ("There is no such room, peer, message or consumer.", False),
    "ambiguous": ("Several peers go by that name; use an id or HOST:PORT (`details.candidates`).", False),
    "text_empty": ("A text has nothing in it that could be shown.", False),
    "text_too_long": ("A text is longer than MAX_TEXT_BYTES.", False),
    "lookup_pending": ("The host name is being looked up in the background; ask again.", True),
    "no_address": ("The peer never said on which port it listens, and isn't connected.", False),
    "service_port": (
        "The peer says that it listens on a port of another kind of service, where nobody is dialled unasked, and isn't"
        " connected; `connect` to its HOST:PORT allows it.",
        False,
    ),
    "nothing_to_trust": ("Nothing about this peer is in doubt.", False),
    "code_differs": (
        "The code isn't that of this peer's key: compare again, and if it still differs, somebody else is there.",
        False,
    ),
    "not_a_node": ("The peer is a plain client, which has no key; what it says can't be verified.", False),
    "not_a_request": ("The conversation with this peer is no request, so there is nothing to decide.", False),
    "blocked": ("The peer is blocked, so nothing goes to it; `unblock` ends that.", False),
    "invalid_invite": ("It isn't an invite, or a part of it can't be used; `message` says which.", False),
    "not_blocked": ("Nobody who is meant by that is blocked.", False),
    "too_many_blocked": ("There are as many blocked as there may be; unblock one.", False),
    "clear_text_refused": (
        "A Snicher node was known at this address, so nothing goes to it in clear; `trust` with `plain` allows it.",
        False,
    ),
    "own_address": ("That is this node's own address.", False),
    "not_resendable": ("Only a message in state failed or unconfirmed can be sent again.", False),
    "setting_fixed": (
        "A flag, the environment or config.toml fixes this setting (`details.key`, `details.source`, `details.where`).",
        False,
    ),
    "log_changed": ("Numbering has started anew; take a new snapshot.", False),
    "cursor_too_old": ("Events after `since` are no longer kept (`details.oldest`); take a new snapshot.", False),
    "snapshot_gone": ("The snapshot of that page was given up; begin a new one, without `page`.", True),
    "cursor_ahead": (
        "`since`, or the `seq` acknowledged, is beyond the head (`details.head`); take a new snapshot.",
        False,
    ),
    "consumer_lapsed": (
        "Events after the consumer's position are no longer kept (`details.position`, `details.oldest`);"
        " create it with `restart`, or drop it.",
        False,
    ),
    "too_many_consumers": ("There are as many consumers as there may be; drop one.", False),
    "store_unavailable": (
        "The disk can't be written right now; nothing was done, unless `message` says that this isn't known.",
        True,
    ),
    "busy": ("Too much is waiting to be written; nothing was done.", True),
    "stopping": ("The node is going down; nothing was done.", True),
    "internal": ("A bug in the node; its log says more. Nothing was done.", False),
}


class Command(msgspec.Struct, kw_only=True):
    """A request frame."""

    v: int
    id: str
    op: str
    client: str = ""
    args: msgspec.Raw = msgspec.Raw(b"{}")
    key: str | None = None


class ErrorBody(msgspec.Struct, kw_only=True):
    """Why a command was refused."""

    code: str
    message: str
    retryable: bool = False
    details: dict[str, Any] = {}


class Reply(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A reply frame. Events of the command's own write are at or before `head`, so a client can wait for them."""

    v: int
    id: str
    ok: bool
    #: JSON; null in an error.
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorBody | None = None
    head: int | None = None
