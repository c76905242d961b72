-- Room for signed entries, conversations of several, and peers with several addresses. It takes about two seconds for a
-- million messages, once: the index behind the order to show is built anew.

-- The order to show is (clock, tie, id). `tie` is the hash of the header, where an author signed one, so that it is the
-- same at every node; empty for plain entries, which their id keeps apart.
ALTER TABLE entry ADD COLUMN tie BLOB NOT NULL DEFAULT x'';
DROP INDEX entry_by_room;
CREATE INDEX entry_by_room ON entry (room, clock, tie);

-- `body.raw` is what came, where the text doesn't give it back: of an entry the exact bytes that its author signed (a
-- MessagePack map, whose text stands in `text` as well, for showing and searching; '' where it has none).

-- What an author signed, by its number in the author's stream: the exact bytes of the header and their hash. `signature`
-- where one was checked: of a run of headers that is only the last. `entry` is what is shown of it; none where the body
-- never came, was deleted or has expired.
CREATE TEMP TABLE signed_before AS SELECT * FROM signed;
DROP TABLE signed;
CREATE TABLE signed (
    room      TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    header    BLOB    NOT NULL,
    signature BLOB,
    entry     INTEGER,
    PRIMARY KEY (room, author, stream, n)
) WITHOUT ROWID;
CREATE INDEX signed_by_entry ON signed (entry) WHERE entry IS NOT NULL;
INSERT INTO signed
    SELECT room, author, stream, n, hash, header, signature, (SELECT id FROM entry WHERE id = signed_before.entry)
    FROM signed_before;
UPDATE entry SET tie = (SELECT hash FROM signed WHERE signed.entry = entry.id)
    WHERE id IN (SELECT entry FROM signed WHERE entry IS NOT NULL);
DROP TABLE signed_before;

-- What this node holds of a stream without a gap: from `first` (one above `n` when all of it was deleted) to `n`, whose
-- header has this hash. `signature` is this node's own under that, once it had to tell it by way of others.
-- What other members hold, as they said: `signature` is theirs; none where it came over their own link, which vouches
-- for it.
CREATE TEMP TABLE vector_before AS SELECT * FROM vector;
DROP TABLE vector;
CREATE TABLE vector (
    room      TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    first     INTEGER NOT NULL DEFAULT 1,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    signature BLOB,
    PRIMARY KEY (room, author, stream)
) WITHOUT ROWID;
CREATE TABLE receipt (
    room      TEXT    NOT NULL,
    member    TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    signature BLOB,
    PRIMARY KEY (room, member, author, stream)
) WITHOUT ROWID;
INSERT INTO vector (room, author, stream, n, hash)
    SELECT room, author, stream, n, hash FROM vector_before
    WHERE member IN (SELECT json_extract(value, '$.id') FROM fact WHERE name = 'self');
INSERT INTO receipt
    SELECT room, member, author, stream, n, hash, NULL FROM vector_before
    WHERE member NOT IN (SELECT json_extract(value, '$.id') FROM fact WHERE name = 'self');
DROP TABLE vector_before;

-- How many of the earlier messages whoever joins a room gets; none: all of them.
ALTER TABLE room ADD COLUMN depth INTEGER;

-- The other members of a room, by its number. `room.peer` stays the one peer of a plain room.
CREATE TABLE member (
    room INTEGER NOT NULL,
    peer TEXT    NOT NULL,
    PRIMARY KEY (room, peer)
) WITHOUT ROWID;
INSERT INTO member SELECT number, peer FROM room WHERE peer IS NOT NULL;

-- Where a peer can be dialled; the lowest rank is the best. `at` is when it was heard or reached there last, where that
-- is known.
CREATE TABLE address (
    peer TEXT    NOT NULL,
    rank INTEGER NOT NULL,
    host TEXT    NOT NULL,
    port INTEGER NOT NULL,
    at   INTEGER,
    PRIMARY KEY (peer, rank)
) WITHOUT ROWID;
INSERT INTO address SELECT id, 0, host, port, last_seen FROM peer WHERE port IS NOT NULL;
