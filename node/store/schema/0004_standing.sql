-- What this node has to do with a peer: "stranger" (nobody here has answered it), "known", or "asked" (somebody here gave
-- its address to be dialled). Until now that shows in what was done with it.
ALTER TABLE peer ADD COLUMN standing TEXT NOT NULL DEFAULT 'stranger';
UPDATE peer SET standing = 'known' WHERE own_name IS NOT NULL OR id IN (SELECT peer FROM delivery);
UPDATE peer SET standing = 'asked' WHERE wanted OR dialect_from IN ('guess', 'chosen');
