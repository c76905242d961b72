-- What encrypted links and direct rooms add. Only rows of rooms and peers change, so it takes no longer for a million
-- messages.

-- The clock of the header at `n`; -1: it isn't known. And the ninth element of header 1: stream and number of the
-- author's last header before this stream; none: there was none, or header 1 isn't known.
ALTER TABLE vector ADD COLUMN clock INTEGER NOT NULL DEFAULT -1;
ALTER TABLE vector ADD COLUMN before_stream BLOB;
ALTER TABLE vector ADD COLUMN before_n INTEGER;

-- Why it is in doubt who a peer is, as a sentence; none: it isn't. `rival` is the PeerId of another key that answered at
-- its address.
ALTER TABLE peer ADD COLUMN warning TEXT;
ALTER TABLE peer ADD COLUMN rival TEXT;

-- Ids of conversations that became part of another one. `room` is that one's number. The order of the rows is the order
-- in which they are shown.
CREATE TABLE alias (
    id   TEXT PRIMARY KEY,
    room INTEGER NOT NULL
);
CREATE INDEX alias_by_room ON alias (room);

-- The random id of this database is called what the protocol calls it (HELLO). It is drawn when the database is made,
-- and when its history was set back.
UPDATE fact SET name = 'instance' WHERE name = 'stream';
