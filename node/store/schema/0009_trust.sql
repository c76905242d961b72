-- Whom people here have verified, by comparing codes. Only rows of peers and rooms change, so it takes no longer for a
-- million messages.
ALTER TABLE peer ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;

-- Why a peer's node takes no messages from here, in words; none: it takes them.
ALTER TABLE peer ADD COLUMN refusal TEXT;

-- Whether a conversation is a request: with a node that nobody here has dealt with. Until now there was no such thing:
-- where something was said already, it stays an ordinary conversation.
ALTER TABLE room ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
UPDATE room SET request = 1
    WHERE kind = 'direct' AND last IS NULL AND peer IN (SELECT id FROM peer WHERE standing = 'stranger');
-- A new fact: refused (nodes that people here have refused, and until when).

-- Who is blocked: nodes by PeerId, plain peers by their source address. Their conversations are hidden.
CREATE TABLE blocked (
    id   TEXT PRIMARY KEY,
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE room ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
