-- A person's name for a peer stands in `name`; what the peer calls itself is kept beside it.
ALTER TABLE peer ADD COLUMN own_name TEXT;
-- Two more facts: last_message (the highest id given out, once messages were deleted) and deleted (how many were).
-- And one of each run: greetings (what became of the mandatory peers). And shut_out (sources that have met
-- their quota, and until when).
