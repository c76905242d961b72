-- How each address of a node was learnt, and when (ms); `at` is when the node was last linked there, or called from there.
-- Of the addresses that were known before, it isn't known.
ALTER TABLE address ADD COLUMN how TEXT NOT NULL DEFAULT 'seen';
ALTER TABLE address ADD COLUMN learnt INTEGER NOT NULL DEFAULT 0;

-- Host names that people gave for a peer, as HOST:PORT with blanks between; how present a node is; and what its person
-- says of themselves. Only rows of peers change, so it takes no longer for a million messages.
ALTER TABLE peer ADD COLUMN hostnames TEXT NOT NULL DEFAULT '';
ALTER TABLE peer ADD COLUMN presence TEXT NOT NULL DEFAULT '';
ALTER TABLE peer ADD COLUMN status TEXT NOT NULL DEFAULT '';
UPDATE peer SET presence = CASE WHEN link = 'online' THEN 'online' ELSE 'offline' END WHERE kind = 'node';
