"""Entries as other nodes get them: runs of consecutive ones, from disk to a link.

Law of this file: SQL only. It only reads, and looks at no more rows than it returns, but for one.
"""

from __future__ import annotations

import contextlib
import sqlite3

from node.protocol.entries import text_body
from node.protocol.secure.frames import MAX_RUN, MAX_RUN_BYTES, Run
from node.store import leaving

#: A run has about this many bytes of headers and bodies, so that what is said meanwhile needn't wait long for the link.
#: Only where no header within them has a signature it is longer, up to MAX_RUN_BYTES.
RUN_BYTES = 64 * 1024


def run_after(db: sqlite3.Connection, room: str, author: str, stream: bytes, after: int) -> tuple[Run | None, int]:
    """The entries of a stream from number `after` + 1 on, and the number that they reach.

    None and `after`: entry `after` + 1 isn't held, or no signature covers it yet.
    """
    headers: list[bytes] = []
    bodies: list[bytes | None] = []
    size = covered = 0
    signature = b""
    rows = db.execute(
        "SELECT signed.n, signed.header, signed.signature, body.text, body.raw"  # noqa: S608
        " FROM signed LEFT JOIN body ON body.entry = signed.entry"
        " WHERE signed.room = ? AND signed.author = ? AND signed.stream = ? AND signed.n > ?"
        f" AND NOT {leaving.DELETED_SIGNED} ORDER BY signed.n LIMIT ?",
        (room, author, stream, after, MAX_RUN),
    )
    # An open cursor would hold a read transaction.
    with contextlib.closing(rows):
        for n, header, signed, text, raw in rows:
            if n != after + 1 + len(headers):
                break
            body: bytes | None = raw if raw is not None or text is None else text_body(text)
            size += len(header) + len(body or b"")
            if size > (RUN_BYTES if covered else MAX_RUN_BYTES):
                break
            headers.append(header)
            bodies.append(body)
            if signed is not None:
                covered, signature = len(headers), signed
    if not covered:
        return None, after
    return Run(room, headers[:covered], bodies[:covered], signature), after + covered
