-- How far a member has read a stream of ours, as it told; 0: nothing, or it doesn't share that. Only a column is added, so
-- it takes no longer for a million messages.
ALTER TABLE receipt ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
