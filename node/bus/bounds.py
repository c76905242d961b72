"""The bounds of the bus, and its version: how large and how many anything may be, and what happens beyond. Pure data.

BUS.md section 7 documents them; change both together.
"""

from __future__ import annotations

from node import names

VERSION = 1
#: A larger command is answered with `too_large` and not parsed.
MAX_COMMAND_BYTES = 4 * 1024 * 1024
#: Messages in one `send`; more are refused with `invalid_args`.
MAX_SEND = 500
#: Bytes (UTF-8) of one text; a longer one is refused with `text_too_long`.
MAX_TEXT_BYTES = 64 * 1024
#: Events in one `events` reply; a larger limit is lowered to this.
MAX_EVENTS = 1000
#: Messages in one `history` reply; a larger limit is lowered to this.
MAX_HISTORY = 200
#: Hits in one `search` reply; a larger limit is lowered to this.
MAX_HITS = 100
#: Rooms and peers in one page of a `snapshot`, and peers in one `peers` reply; a larger limit is lowered to this.
MAX_SNAPSHOT = 1000
#: Characters of a room's last message in a snapshot; the rest is cut, without a mark.
PREVIEW_CHARS = 160
#: Characters of a name; longer is refused with `invalid_args`, and cut when a peer says it.
MAX_NAME_CHARS = names.MAX_CHARS
#: Characters of a client name, request id or key; longer is refused with `malformed`.
MAX_ID_CHARS = 128
#: How long a `key` is remembered.
KEY_LIFETIME_MS = 24 * 3600 * 1000
#: A heartbeat is published at least this often while nothing else is.
HEARTBEAT_MS = 1000
#: Named consumers of one node; one more is refused with `too_many_consumers`.
MAX_CONSUMERS = 100
#: A consumer that was not used for so long is dropped.
CONSUMER_LIFETIME_MS = 30 * 24 * 3600 * 1000
#: How often a follower reports its position.
REPORT_MS = 5_000
#: A front end that has not reported for so long is forgotten.
REPORT_LIFETIME_MS = 3 * REPORT_MS
#: Most reports kept, one for each front end; one more replaces the oldest.
MAX_REPORTS = 256
