-- Deleting and merging conversations in steps. Only two empty tables are made, so it takes no longer for a million
-- messages.

-- Conversations that are no more, whose messages are still to be deleted or moved. `room` is the number that the
-- conversation had, and still stands in `entry`; no other room gets it meanwhile. `into_room` is the number of the
-- conversation that it became part of; none: it was deleted. `peer` is the peer whose messages go to `into_peer` from
-- now on; in `delivery` they do so up to the entry `handed`.
CREATE TABLE leaving (
    room      INTEGER PRIMARY KEY,
    into_room INTEGER,
    peer      TEXT,
    into_peer TEXT,
    handed    INTEGER NOT NULL DEFAULT 0
);

-- What authors signed in deleted conversations: of each stream the headers up to `upto` are still to be deleted. A new
-- conversation with the same node has the same id, and goes on above that.
CREATE TABLE leaving_stream (
    room   TEXT    NOT NULL,
    author TEXT    NOT NULL,
    stream BLOB    NOT NULL,
    upto   INTEGER NOT NULL,
    PRIMARY KEY (room, author, stream)
) WITHOUT ROWID;
-- A new fact: blanking (the key of the last kept reply that was looked at; while it is there, texts of deleted messages
-- are still to be blanked in the replies after that).
