PRAGMA application_id = 1399743336;
PRAGMA user_version = 11;
BEGIN;
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
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
, own_name TEXT, standing TEXT NOT NULL DEFAULT 'stranger', warning TEXT, rival TEXT, verified INTEGER NOT NULL DEFAULT 0, refusal TEXT, hostnames TEXT NOT NULL DEFAULT '', presence TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
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
, depth INTEGER, request INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0);
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
, tie BLOB NOT NULL DEFAULT x'');
CREATE TABLE body (
    entry INTEGER PRIMARY KEY,
    text  TEXT NOT NULL,
    raw   BLOB
);
CREATE TABLE delivery (
    entry  INTEGER NOT NULL,
    peer   TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    detail TEXT,
    PRIMARY KEY (entry, peer)
) WITHOUT ROWID;
CREATE INDEX delivery_open ON delivery (peer, state, entry) WHERE state IN ('waiting', 'sending');
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
CREATE TABLE reply (
    key         TEXT PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    result      TEXT    NOT NULL,
    at          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reply_by_age ON reply (at);
CREATE VIEW searchable (id, text, room) AS
    SELECT entry.id, body.text, 'r' || entry.room FROM entry JOIN body ON body.entry = entry.id;
CREATE VIRTUAL TABLE search USING fts5 (
    text, room,
    content = 'searchable', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
CREATE TABLE consumer (
    name     TEXT PRIMARY KEY,
    log      TEXT    NOT NULL,
    position INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    used     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX entry_by_room ON entry (room, clock, tie);
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
CREATE TABLE vector (
    room      TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    first     INTEGER NOT NULL DEFAULT 1,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    signature BLOB, clock INTEGER NOT NULL DEFAULT -1, before_stream BLOB, before_n INTEGER,
    PRIMARY KEY (room, author, stream)
) WITHOUT ROWID;
CREATE TABLE receipt (
    room      TEXT    NOT NULL,
    member    TEXT    NOT NULL,
    author    TEXT    NOT NULL,
    stream    BLOB    NOT NULL,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    signature BLOB, read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room, member, author, stream)
) WITHOUT ROWID;
CREATE TABLE member (
    room INTEGER NOT NULL,
    peer TEXT    NOT NULL,
    PRIMARY KEY (room, peer)
) WITHOUT ROWID;
CREATE TABLE address (
    peer TEXT    NOT NULL,
    rank INTEGER NOT NULL,
    host TEXT    NOT NULL,
    port INTEGER NOT NULL,
    at   INTEGER, how TEXT NOT NULL DEFAULT 'seen', learnt INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (peer, rank)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE unspaced USING fts5 (
    text, room,
    content = '',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'", prefix = '1'
);
CREATE TABLE alias (
    id   TEXT PRIMARY KEY,
    room INTEGER NOT NULL
);
CREATE INDEX alias_by_room ON alias (room);
CREATE TABLE blocked (
    id   TEXT PRIMARY KEY,
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE leaving (
    room      INTEGER PRIMARY KEY,
    into_room INTEGER,
    peer      TEXT,
    into_peer TEXT,
    handed    INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE leaving_stream (
    room   TEXT    NOT NULL,
    author TEXT    NOT NULL,
    stream BLOB    NOT NULL,
    upto   INTEGER NOT NULL,
    PRIMARY KEY (room, author, stream)
) WITHOUT ROWID;
INSERT INTO fact VALUES ('deleted', '2');
INSERT INTO fact VALUES ('index_owes', 'deleted');
INSERT INTO fact VALUES ('indexed', '13');
INSERT INTO fact VALUES ('instance', '2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b');
INSERT INTO fact VALUES ('last_message', '12');
INSERT INTO fact VALUES ('log', 'log-1');
INSERT INTO fact VALUES ('open', '0');
INSERT INTO fact VALUES ('run', 'run');
INSERT INTO fact VALUES ('saved', '{}');
INSERT INTO fact VALUES ('self', '{"id":"memememememememememememememememememememememememememe","code":"aaaa","name":"anna","listen":"127.0.0.1:5000","addresses":["127.0.0.1:5000"]}');
INSERT INTO fact VALUES ('settings', '{"name":"anna","reconnect":true,"keep_events":1000000,"keep_days":0,"mandatory":["10.206.4.122:1255@10.206.0.0/16","10.206.5.228:6555@10.206.0.0/16"],"mandatory_greeting":"Mandatory message: Hello from our peer!","mandatory_rule":"on"}');
INSERT INTO peer VALUES ('plain-1', 'plain-1', 'Anna from work', 'plain', '10.0.0.1', 5000, 'std', 'seen', 'unknown', NULL, 1700000000001, 0, 0, 'anna', 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-2', 'plain-2', 'bela', 'plain', '10.0.0.2', NULL, 'std', 'seen', 'unknown', NULL, 1700000000002, 0, 1, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-3', 'plain-3', '[2001:db8::7]:6000', 'plain', '2001:db8::7', 6000, 'std', 'seen', 'unknown', NULL, NULL, 0, 0, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-4', 'plain-4', 'dora', 'plain', '10.0.0.4', 5000, 'std', 'seen', 'offline', NULL, 1700000000010, 0, 1, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-5', 'plain-5', '', 'plain', '', NULL, 'unknown', 'guess', 'unknown', NULL, NULL, 0, 1, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-6', 'plain-6', 'bela', 'plain', '10.0.0.2', 5001, 'std', 'seen', 'unknown', NULL, 1700000000011, 0, 0, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO room VALUES (1, 'plain-1', 'plain', 'Anna from work', 'plain-1', 0, 0, 12, 8, 1700000000000, NULL, 0, 0);
INSERT INTO room VALUES (4, 'plain-3', 'plain', '[2001:db8::7]:6000', 'plain-3', 0, 0, 0, 10, 1700000000000, NULL, 0, 0);
INSERT INTO room VALUES (5, 'plain-4', 'plain', 'dora', 'plain-4', 0, 0, 0, NULL, 1700000000000, NULL, 0, 0);
INSERT INTO room VALUES (6, 'plain-6', 'plain', 'bela', 'plain-6', 0, 2, 3, 13, 1700000000010, NULL, 0, 0);
INSERT INTO entry VALUES (1, 1, 111411200000065536, 1700000000001, 0, 'plain-1', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (10, 4, 111411200000524288, 1700000000008, 1, 'memememememememememememememememememememememememememe', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (11, 6, 111411200000589824, 1700000000009, 1, 'memememememememememememememememememememememememememe', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (12, 5, 111411200000655360, 1700000000010, 0, 'plain-4', 'dora', 'notice', NULL, X'');
INSERT INTO entry VALUES (13, 6, 111411200000720896, 1700000000011, 0, 'plain-6', 'bela', 'text', NULL, X'');
INSERT INTO entry VALUES (2, 1, 111411200000065537, 1700000000001, 0, 'plain-1', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (3, 1, 111411200000065538, 1700000000001, 0, 'plain-1', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (4, 6, 111411200000131072, 1700000000002, 0, 'plain-2', 'bela', 'text', NULL, X'');
INSERT INTO entry VALUES (7, 1, 111411200000327680, 1700000000005, 1, 'memememememememememememememememememememememememememe', 'anna', 'text', 'parts', X'');
INSERT INTO entry VALUES (8, 1, 111411200000393216, 1700000000006, 1, 'memememememememememememememememememememememememememe', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (9, 4, 111411200000458752, 1700000000007, 1, 'memememememememememememememememememememememememememe', 'anna', 'text', NULL, X'');
INSERT INTO body VALUES (1, 'good morning', NULL);
INSERT INTO body VALUES (10, 'under way', NULL);
INSERT INTO body VALUES (11, 'to a merged one', NULL);
INSERT INTO body VALUES (12, 'said hello', NULL);
INSERT INTO body VALUES (13, 'after the merge, not indexed', NULL);
INSERT INTO body VALUES (2, 'Äpfel & "quotes"', NULL);
INSERT INTO body VALUES (3, 'two
lines', NULL);
INSERT INTO body VALUES (4, 'before the port is known', NULL);
INSERT INTO body VALUES (7, 'sent', NULL);
INSERT INTO body VALUES (8, 'failed', NULL);
INSERT INTO body VALUES (9, 'waits', NULL);
INSERT INTO delivery VALUES (10, 'plain-3', 'sending', NULL);
INSERT INTO delivery VALUES (11, 'plain-6', 'unconfirmed', 'The node ended.');
INSERT INTO delivery VALUES (7, 'plain-1', 'sent', NULL);
INSERT INTO delivery VALUES (8, 'plain-1', 'failed', 'no route to host');
INSERT INTO delivery VALUES (9, 'plain-3', 'waiting', NULL);
INSERT INTO event VALUES (1, 1700000000000, 'NodeStarted', NULL, NULL, '{"self":{"id":"memememememememememememememememememememememememememe","code":"aaaa","name":"anna","listen":"127.0.0.1:5000","addresses":["127.0.0.1:5000"]},"settings":{"name":"anna","reconnect":true,"keep_events":1000000,"keep_days":0,"mandatory":["10.206.4.122:1255@10.206.0.0/16","10.206.5.228:6555@10.206.0.0/16"],"mandatory_greeting":"Mandatory message: Hello from our peer!","mandatory_rule":"on"},"version":"0"}', NULL, NULL);
INSERT INTO event VALUES (10, 1700000000000, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-5","room":"plain-5","name":"eve","host":"10.0.0.5","port":5000,"dialect":"std","dialect_from":"seen"}}', NULL, NULL);
INSERT INTO event VALUES (11, 1700000000000, 'RoomAdded', 'plain-5', NULL, '{"room":{"id":"plain-5","kind":"plain","name":"eve","peer":"plain-5","created":1700000000000}}', NULL, NULL);
INSERT INTO event VALUES (12, 1700000000001, 'MessageReceived', 'plain-1', 1, NULL, NULL, NULL);
INSERT INTO event VALUES (13, 1700000000001, 'MessageReceived', 'plain-1', 2, NULL, NULL, NULL);
INSERT INTO event VALUES (14, 1700000000001, 'MessageReceived', 'plain-1', 3, NULL, NULL, NULL);
INSERT INTO event VALUES (15, 1700000000002, 'MessageReceived', 'plain-2', 4, NULL, NULL, NULL);
INSERT INTO event VALUES (16, 1700000000003, 'MessageReceived', 'plain-5', 5, NULL, NULL, NULL);
INSERT INTO event VALUES (17, 1700000000004, 'MessageAccepted', 'plain-5', 6, NULL, NULL, NULL);
INSERT INTO event VALUES (18, 1700000000005, 'MessageAccepted', 'plain-1', 7, NULL, NULL, NULL);
INSERT INTO event VALUES (19, 1700000000006, 'MessageAccepted', 'plain-1', 8, NULL, NULL, NULL);
INSERT INTO event VALUES (2, 1700000000000, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-1","room":"plain-1","name":"anna","host":"10.0.0.1","port":5000,"dialect":"std","dialect_from":"seen"}}', NULL, NULL);
INSERT INTO event VALUES (20, 1700000000007, 'MessageAccepted', 'plain-3', 9, NULL, NULL, NULL);
INSERT INTO event VALUES (21, 1700000000008, 'MessageAccepted', 'plain-3', 10, NULL, NULL, NULL);
INSERT INTO event VALUES (22, 1700000000009, 'MessageAccepted', 'plain-2', 11, NULL, NULL, NULL);
INSERT INTO event VALUES (23, 1700000000009, 'MessageStateChanged', 'plain-1', NULL, '{"room":"plain-1","id":7,"state":"sending","detail":null,"marks":null}', NULL, NULL);
INSERT INTO event VALUES (24, 1700000000009, 'MessageStateChanged', 'plain-1', NULL, '{"room":"plain-1","id":7,"state":"sent","detail":null,"marks":["parts"]}', NULL, NULL);
INSERT INTO event VALUES (25, 1700000000009, 'MessageStateChanged', 'plain-1', NULL, '{"room":"plain-1","id":8,"state":"failed","detail":"no route to host","marks":null}', NULL, NULL);
INSERT INTO event VALUES (26, 1700000000009, 'MessageStateChanged', 'plain-3', NULL, '{"room":"plain-3","id":10,"state":"sending","detail":null,"marks":null}', NULL, NULL);
INSERT INTO event VALUES (27, 1700000000009, 'MessageStateChanged', 'plain-2', NULL, '{"room":"plain-2","id":11,"state":"unconfirmed","detail":"The node ended.","marks":null}', NULL, NULL);
INSERT INTO event VALUES (28, 1700000000010, 'MessageReceived', 'plain-4', 12, NULL, NULL, NULL);
INSERT INTO event VALUES (29, 1700000000010, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-6","room":"plain-6","name":"bela","host":"10.0.0.2","port":5001,"dialect":"std","dialect_from":"seen"}}', NULL, NULL);
INSERT INTO event VALUES (3, 1700000000000, 'RoomAdded', 'plain-1', NULL, '{"room":{"id":"plain-1","kind":"plain","name":"anna","peer":"plain-1","created":1700000000000}}', NULL, NULL);
INSERT INTO event VALUES (30, 1700000000010, 'RoomAdded', 'plain-6', NULL, '{"room":{"id":"plain-6","kind":"plain","name":"bela","peer":"plain-6","read_upto":12,"created":1700000000010}}', NULL, NULL);
INSERT INTO event VALUES (31, 1700000000010, 'RoomsMerged', 'plain-6', NULL, '{"gone":"plain-2","room":{"id":"plain-6","kind":"plain","name":"bela","peer":"plain-6","unread":1,"read_upto":3,"created":1700000000010}}', NULL, NULL);
INSERT INTO event VALUES (32, 1700000000010, 'PeerForgotten', NULL, NULL, '{"peer":"plain-2"}', NULL, NULL);
INSERT INTO event VALUES (33, 1700000000010, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-1","room":"plain-1","name":"Anna from work","host":"10.0.0.1","port":5000,"dialect":"std","dialect_from":"seen","last_seen":1700000000001,"own_name":"anna"}}', NULL, NULL);
INSERT INTO event VALUES (34, 1700000000010, 'RoomChanged', 'plain-1', NULL, '{"room":{"id":"plain-1","kind":"plain","name":"Anna from work","peer":"plain-1","unread":3,"created":1700000000000}}', NULL, NULL);
INSERT INTO event VALUES (35, 1700000000010, 'PeerForgotten', NULL, NULL, '{"peer":"plain-4"}', NULL, NULL);
INSERT INTO event VALUES (36, 1700000000010, 'PeerForgotten', NULL, NULL, '{"peer":"plain-5"}', NULL, NULL);
INSERT INTO event VALUES (37, 1700000000010, 'RoomDeleted', 'plain-5', NULL, '{"room":"plain-5"}', NULL, NULL);
INSERT INTO event VALUES (38, 1700000000010, 'RoomRead', 'plain-1', NULL, '{"room":"plain-1","read_upto":12,"unread":0}', NULL, NULL);
INSERT INTO event VALUES (39, 1700000000011, 'MessageReceived', 'plain-6', 13, NULL, NULL, NULL);
INSERT INTO event VALUES (4, 1700000000000, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-2","room":"plain-2","name":"bela","host":"10.0.0.2","dialect":"std","dialect_from":"seen"}}', NULL, NULL);
INSERT INTO event VALUES (5, 1700000000000, 'RoomAdded', 'plain-2', NULL, '{"room":{"id":"plain-2","kind":"plain","name":"bela","peer":"plain-2","created":1700000000000}}', NULL, NULL);
INSERT INTO event VALUES (6, 1700000000000, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-3","room":"plain-3","name":"[2001:db8::7]:6000","host":"2001:db8::7","port":6000,"dialect":"std","dialect_from":"seen"}}', NULL, NULL);
INSERT INTO event VALUES (7, 1700000000000, 'RoomAdded', 'plain-3', NULL, '{"room":{"id":"plain-3","kind":"plain","name":"[2001:db8::7]:6000","peer":"plain-3","created":1700000000000}}', NULL, NULL);
INSERT INTO event VALUES (8, 1700000000000, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-4","room":"plain-4","name":"dora","host":"10.0.0.4","port":5000,"dialect":"std","dialect_from":"seen"}}', NULL, NULL);
INSERT INTO event VALUES (9, 1700000000000, 'RoomAdded', 'plain-4', NULL, '{"room":{"id":"plain-4","kind":"plain","name":"dora","peer":"plain-4","created":1700000000000}}', NULL, NULL);
INSERT INTO reply VALUES ('key 1', X'66696E6765727072696E74', '{"messages":[]}', 1700000000011);
INSERT INTO consumer VALUES ('bot', 'log-1', 3, 1, 2);
INSERT INTO member VALUES (1, 'plain-1');
INSERT INTO member VALUES (4, 'plain-3');
INSERT INTO member VALUES (5, 'plain-4');
INSERT INTO member VALUES (6, 'plain-6');
INSERT INTO address VALUES ('plain-1', 0, '10.0.0.1', 5000, 1700000000001, 'seen', 0);
INSERT INTO address VALUES ('plain-3', 0, '2001:db8::7', 6000, NULL, 'seen', 0);
INSERT INTO address VALUES ('plain-4', 0, '10.0.0.4', 5000, 1700000000010, 'seen', 0);
INSERT INTO address VALUES ('plain-6', 0, '10.0.0.2', 5001, 1700000000011, 'seen', 0);
DELETE FROM fact WHERE name = 'indexed_unspaced';
INSERT INTO search (rowid, text, room) SELECT id, text, room FROM searchable WHERE id IN (SELECT id FROM entry WHERE kind = 'text') AND id <= (SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'indexed');
COMMIT;
