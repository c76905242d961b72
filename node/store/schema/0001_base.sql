-- The base: what a node keeps. Times are milliseconds since 1970 UTC.

-- Small facts, one a row: log (id of the event log), stream (of this database), self, settings, indexed (see search).
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Somebody we talk with. A plain peer is known by its address; `gone` peers keep their row for their conversation.
CREATE TABLE peer (
    id           TEXT PRIMARY KEY,
    room         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    host         TEXT    NOT NULL,
    port         INTEGER,
    dialect      TEXT    NOT NULL,
    dialect_from TEXT    NOT NULL,
    link         TEXT    NOT NULL,
    error        TEXT,
    last_seen    INTEGER,
    wanted       INTEGER NOT NULL,
    gone         INTEGER NOT NULL
) WITHOUT ROWID;

-- A conversation. `last` is the newest text's entry; `unread` counts texts that came in and were not read.
-- `number` stands for the room in entries, so that those stay small.
CREATE TABLE room (
    number    INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE,
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    peer      TEXT,
    encrypted INTEGER NOT NULL,
    unread    INTEGER NOT NULL,
    read_upto INTEGER NOT NULL,
    last      INTEGER,
    created   INTEGER NOT NULL
);

-- Everything that was said, in order of arrival. `clock` is the hybrid logical clock and gives the order to show.
-- Plain entries are local and unsigned; those of Snicher nodes have a row in `signed` as well.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY,
    room     INTEGER NOT NULL,
    clock    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    outgoing INTEGER NOT NULL,
    author   TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    marks    TEXT
);
CREATE INDEX entry_by_room ON entry (room, clock);

-- Bodies stand apart, so that they may go (delete, retention) without breaking a chain. `raw` only where the text
-- doesn't give the bytes back.
CREATE TABLE body (
    entry INTEGER PRIMARY KEY,
    text  TEXT NOT NULL,
    raw   BLOB
);

-- What an author signed: the exact bytes, kept for ever and passed on as they are.
CREATE TABLE signed (
    entry     INTEGER PRIMARY KEY,
    room      TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    header    BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    UNIQUE (room, author, stream, n)
);

-- How far a member holds a stream of a room without a gap. Our own rows say what we hold; others' are their receipts.
CREATE TABLE vector (
    room      TEXT    NOT NULL,
    member    TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    PRIMARY KEY (room, member, author, stream)
) WITHOUT ROWID;

-- What became of our own messages, for each peer they are for.
CREATE TABLE delivery (
    entry  INTEGER NOT NULL,
    peer   TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    detail TEXT,
    PRIMARY KEY (entry, peer)
) WITHOUT ROWID;
-- The outbox: the few that are still to go.
CREATE INDEX delivery_open ON delivery (peer, state, entry) WHERE state IN ('waiting', 'sending');

-- The event log, without gaps. Events about a message hold only a reference (`entry`), so that a replay shows it as it
-- is; all others carry their data as JSON.
CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    room    TEXT,
    entry   INTEGER,
    data    TEXT,
    client  TEXT,
    request TEXT
);

-- Replies to commands with a key, so that a repetition gets the first reply again.
CREATE TABLE reply (
    key         TEXT PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    result      TEXT    NOT NULL,
    at          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reply_by_age ON reply (at);

-- Full-text search. The index reads its texts from `body`; `room` is the room's number as a word ("r12"), so that a
-- search within one room is a search for one more word.
CREATE VIEW searchable (id, text, room) AS
    SELECT entry.id, body.text, 'r' || entry.room FROM entry JOIN body ON body.entry = entry.id;
CREATE VIRTUAL TABLE search USING fts5 (
    text, room,
    content = 'searchable', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
