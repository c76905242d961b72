-- The search index in shards: store/shards.py says which of them holds which message. Shard 0 consists of the tables
-- `search` and `unspaced`. The tables of other shards are made when messages come to them. Messages that are indexed
-- already stay in shard 0: the fact `index_whole` is the last of them.
INSERT OR REPLACE INTO fact SELECT 'index_whole', value FROM fact WHERE name = 'indexed';
