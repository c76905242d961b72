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
INSERT INTO fact VALUES ('believed', '1795804153664');
INSERT INTO fact VALUES ('deleted', '1');
INSERT INTO fact VALUES ('greetings', '{}');
INSERT INTO fact VALUES ('index_owes', 'deleted');
INSERT INTO fact VALUES ('indexed', '10');
INSERT INTO fact VALUES ('instance', 'c460f3c1a5a32277d6fec542a06e3c15');
INSERT INTO fact VALUES ('last_message', '8');
INSERT INTO fact VALUES ('log', '802d5d03fbabb2f8');
INSERT INTO fact VALUES ('open', '0');
INSERT INTO fact VALUES ('run', 'run');
INSERT INTO fact VALUES ('saved', '{"name":"anna"}');
INSERT INTO fact VALUES ('self', '{"id":"o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa","code":"vwgg · s4s3 · xane · l4aa","name":"anna","listen":"127.0.0.12:5000","addresses":["127.0.0.12:5000"]}');
INSERT INTO fact VALUES ('settings', '{"name":"anna","reconnect":true,"keep_events":1000000,"keep_days":0,"mandatory":[],"mandatory_greeting":"Mandatory message: Hello from our peer!","mandatory_rule":"on"}');
INSERT INTO peer VALUES ('kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'bela', 'node', '127.0.0.13', 5000, 'snicher', 'seen', 'offline', 'It has another key than the one expected.', 1795804156319, 0, 0, NULL, 'asked', 'Another key answers at 127.0.0.13:5000: its code is 77kr · usy2 · u7nr · a4ga, and that of bela is shs3 · 653l · b6wf · 4sow. Nothing meant for bela goes to it. If bela has a new key, or another person is at that address now, trust the new key.', 'alz7cutfz6y3v2pbm37iqtanki5tysblxjhephlspub3ltz5fdea', 0, NULL, '', 'offline', '');
INSERT INTO peer VALUES ('plain-1', 'plain-1', '127.0.0.13:5000', 'plain', '127.0.0.13', 5000, 'unknown', 'guess', 'connecting', NULL, NULL, 0, 1, NULL, 'asked', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-2', 'plain-2', 'CARL', 'plain', '127.0.0.14', 5000, 'snicher', 'seen', 'offline', NULL, 1795804158503, 0, 1, NULL, 'known', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-3', 'plain-3', '', 'plain', '', NULL, 'unknown', 'guess', 'unknown', NULL, NULL, 0, 1, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('plain-4', 'plain-4', 'DORA', 'plain', '127.0.0.15', 5000, 'snicher', 'seen', 'unknown', NULL, 1795804163077, 0, 0, NULL, 'stranger', NULL, NULL, 0, NULL, '', '', '');
INSERT INTO peer VALUES ('t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', 'direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', 'carl', 'node', '127.0.0.14', 5000, 'snicher', 'seen', 'offline', NULL, 1795804161913, 0, 0, NULL, 'known', NULL, NULL, 0, NULL, '', 'offline', '');
INSERT INTO room VALUES (2, 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'direct', 'bela', 'kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', 1, 0, 9, 10, 1795804154373, NULL, 0, 0);
INSERT INTO room VALUES (4, 'direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', 'direct', 'carl', 't6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', 1, 2, 3, 7, 1795804159965, NULL, 0, 0);
INSERT INTO room VALUES (5, 'plain-4', 'plain', 'DORA', 'plain-4', 0, 0, 8, NULL, 1795804163077, NULL, 0, 0);
INSERT INTO entry VALUES (1, 2, 117689821061251072, 1795804154315, 1, 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', 'anna', 'text', NULL, X'ECB8DF77C86E953D05B67CCC7B9B28FDF89BC29DA10A0A2D94D2861FE9F73703');
INSERT INTO entry VALUES (10, 2, 117689821671981056, 1795804163696, 1, 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', 'anna', 'text', NULL, X'6AD62F0AED3A388236D5EBE954DF82E3276E8737CAABDEFCDE116DBCEB75309E');
INSERT INTO entry VALUES (2, 2, 117689821188521984, 1795804156319, 0, 'kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', 'bela', 'text', NULL, X'1ACF67B19D689095E61AD2EB00E7A07AAA60A5E220300CE23296AE29F933418A');
INSERT INTO entry VALUES (3, 2, 117689821221486592, 1795804156822, 1, 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', 'anna', 'text', NULL, X'D1AB8AE394AC4ACAD85D9DAC67CADA446ACF2B2308F46A9935A35A1832312956');
INSERT INTO entry VALUES (4, 4, 117689821258055680, 1795804157380, 0, 'plain-2', 'CARL', 'text', NULL, X'');
INSERT INTO entry VALUES (5, 4, 117689821297508352, 1795804157982, 1, 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', 'anna', 'text', NULL, X'');
INSERT INTO entry VALUES (6, 4, 117689821331652608, 1795804158503, 0, 'plain-2', 'CARL', 'notice', NULL, X'');
INSERT INTO entry VALUES (7, 4, 117689821555130368, 1795804161913, 0, 't6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', 'carl', 'text', NULL, X'ECA4DC78F789E152EA3F2A2CE65259F9C3D29C0CFA49B4AE501DD6ADF76E6ABC');
INSERT INTO entry VALUES (9, 5, 117689821631414272, 1795804163077, 0, 'plain-4', 'DORA', 'notice', NULL, X'');
INSERT INTO body VALUES (1, 'hello bela, encrypted from the first word', NULL);
INSERT INTO body VALUES (10, 'waiting for bela', NULL);
INSERT INTO body VALUES (2, 'hello anna', NULL);
INSERT INTO body VALUES (3, 'with a key', NULL);
INSERT INTO body VALUES (4, 'in clear', NULL);
INSERT INTO body VALUES (5, 'answer in clear', NULL);
INSERT INTO body VALUES (6, 'said good-bye (“exit”)', NULL);
INSERT INTO body VALUES (7, 'now encrypted', NULL);
INSERT INTO body VALUES (9, 'said good-bye (“exit”)', NULL);
INSERT INTO delivery VALUES (5, 't6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', 'sent', NULL);
INSERT INTO event VALUES (1, 1795804153664, 'NodeStarted', NULL, NULL, '{"self":{"id":"o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa","code":"vwgg · s4s3 · xane · l4aa","name":"anna","listen":"127.0.0.12:5000","addresses":["127.0.0.12:5000"]},"settings":{"name":"anna","reconnect":true,"keep_events":1000000,"keep_days":0,"mandatory":[],"mandatory_greeting":"Mandatory message: Hello from our peer!","mandatory_rule":"on"},"version":"0.1.0"}', NULL, NULL);
INSERT INTO event VALUES (10, 1795804154373, 'PeerChanged', NULL, NULL, '{"peer":{"id":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","name":"bela","kind":"node","host":"127.0.0.13","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","last_seen":1795804154373,"standing":"asked","addresses":["127.0.0.13:5000"],"code":"shs3 · 653l · b6wf · 4sow"}}', NULL, NULL);
INSERT INTO event VALUES (11, 1795804154377, 'MessageChanged', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 1, NULL, NULL, NULL);
INSERT INTO event VALUES (12, 1795804154380, 'ReceiptAdvanced', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', NULL, '{"room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","member":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","stream":"5ae51abef3db5b2205eaa1ab944c445d","n":1}', NULL, NULL);
INSERT INTO event VALUES (13, 1795804156321, 'MessageReceived', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 2, NULL, NULL, NULL);
INSERT INTO event VALUES (14, 1795804156822, 'MessageAccepted', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 3, NULL, 'client-430', '1b2817e79b5e42c08f9409fb56f921af');
INSERT INTO event VALUES (15, 1795804156828, 'ReceiptAdvanced', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', NULL, '{"room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","member":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","stream":"5ae51abef3db5b2205eaa1ab944c445d","n":2}', NULL, NULL);
INSERT INTO event VALUES (16, 1795804157380, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-2","room":"plain-2","name":"127.0.0.14:5000","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","addresses":["127.0.0.14:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (17, 1795804157380, 'RoomAdded', 'plain-2', NULL, '{"room":{"id":"plain-2","kind":"plain","name":"127.0.0.14:5000","peer":"plain-2","read_upto":3,"created":1795804157380,"members":["plain-2"]}}', NULL, NULL);
INSERT INTO event VALUES (18, 1795804157380, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-2","room":"plain-2","name":"127.0.0.14:5000","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","addresses":["127.0.0.14:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (19, 1795804157380, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-2","room":"plain-2","name":"CARL","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","addresses":["127.0.0.14:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (2, 1795804154315, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-1","room":"plain-1","name":"127.0.0.13:5000","host":"127.0.0.13","port":5000,"standing":"asked","addresses":["127.0.0.13:5000"]}}', 'client-430', '1521497253534f7da040b0eb0021b98e');
INSERT INTO event VALUES (20, 1795804157380, 'RoomChanged', 'plain-2', NULL, '{"room":{"id":"plain-2","kind":"plain","name":"CARL","peer":"plain-2","read_upto":3,"created":1795804157380,"members":["plain-2"]}}', NULL, NULL);
INSERT INTO event VALUES (21, 1795804157380, 'MessageReceived', 'plain-2', 4, NULL, NULL, NULL);
INSERT INTO event VALUES (22, 1795804157982, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-2","room":"plain-2","name":"CARL","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","last_seen":1795804157380,"standing":"known","addresses":["127.0.0.14:5000"]}}', 'client-430', 'f46dd82e4ca9468da5a3cc467bf930ac');
INSERT INTO event VALUES (23, 1795804157982, 'MessageAccepted', 'plain-2', 5, NULL, 'client-430', 'f46dd82e4ca9468da5a3cc467bf930ac');
INSERT INTO event VALUES (24, 1795804157982, 'MessageStateChanged', 'plain-2', NULL, '{"room":"plain-2","id":5,"state":"sending","detail":null,"marks":null}', 'client-430', 'f46dd82e4ca9468da5a3cc467bf930ac');
INSERT INTO event VALUES (25, 1795804158023, 'MessageStateChanged', 'plain-2', NULL, '{"room":"plain-2","id":5,"state":"sent","detail":null,"marks":null}', NULL, NULL);
INSERT INTO event VALUES (26, 1795804158503, 'MessageReceived', 'plain-2', 6, NULL, NULL, NULL);
INSERT INTO event VALUES (27, 1795804158503, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-2","room":"plain-2","name":"CARL","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","link":"offline","last_seen":1795804158503,"standing":"known","addresses":["127.0.0.14:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (28, 1795804159965, 'PeerAdded', NULL, NULL, '{"peer":{"id":"t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta","room":"direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683","name":"carl","kind":"node","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","standing":"known","addresses":["127.0.0.14:5000"],"code":"msdc · k64c · knbe · 37nm"}}', NULL, NULL);
INSERT INTO event VALUES (29, 1795804159965, 'RoomAdded', 'direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', NULL, '{"room":{"id":"direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683","kind":"direct","name":"carl","peer":"t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta","encrypted":true,"read_upto":6,"created":1795804159965,"members":["t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta"]}}', NULL, NULL);
INSERT INTO event VALUES (3, 1795804154315, 'RoomAdded', 'plain-1', NULL, '{"room":{"id":"plain-1","kind":"plain","name":"127.0.0.13:5000","peer":"plain-1","created":1795804154315,"members":["plain-1"]}}', 'client-430', '1521497253534f7da040b0eb0021b98e');
INSERT INTO event VALUES (30, 1795804159965, 'RoomsMerged', 'direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', NULL, '{"gone":"plain-2","room":{"id":"direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683","kind":"direct","name":"carl","peer":"t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta","encrypted":true,"unread":1,"read_upto":3,"created":1795804159965,"members":["t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta"],"aliases":["plain-2"]}}', NULL, NULL);
INSERT INTO event VALUES (31, 1795804159965, 'PeerForgotten', NULL, NULL, '{"peer":"plain-2"}', NULL, NULL);
INSERT INTO event VALUES (32, 1795804159965, 'PeerChanged', NULL, NULL, '{"peer":{"id":"t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta","room":"direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683","name":"carl","kind":"node","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","last_seen":1795804159965,"standing":"known","addresses":["127.0.0.14:5000"],"code":"msdc · k64c · knbe · 37nm"}}', NULL, NULL);
INSERT INTO event VALUES (33, 1795804161915, 'MessageReceived', 'direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', 7, NULL, NULL, NULL);
INSERT INTO event VALUES (34, 1795804162473, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-3","room":"plain-3","name":"127.0.0.15:5000","host":"127.0.0.15","port":5000,"dialect":"snicher","dialect_from":"seen","addresses":["127.0.0.15:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (35, 1795804162473, 'RoomAdded', 'plain-3', NULL, '{"room":{"id":"plain-3","kind":"plain","name":"127.0.0.15:5000","peer":"plain-3","read_upto":7,"created":1795804162473,"members":["plain-3"]}}', NULL, NULL);
INSERT INTO event VALUES (36, 1795804162473, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-3","room":"plain-3","name":"127.0.0.15:5000","host":"127.0.0.15","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","addresses":["127.0.0.15:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (37, 1795804162473, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-3","room":"plain-3","name":"DORA","host":"127.0.0.15","port":5000,"dialect":"snicher","dialect_from":"seen","link":"online","addresses":["127.0.0.15:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (38, 1795804162473, 'RoomChanged', 'plain-3', NULL, '{"room":{"id":"plain-3","kind":"plain","name":"DORA","peer":"plain-3","read_upto":7,"created":1795804162473,"members":["plain-3"]}}', NULL, NULL);
INSERT INTO event VALUES (39, 1795804162473, 'MessageReceived', 'plain-3', 8, NULL, NULL, NULL);
INSERT INTO event VALUES (4, 1795804154315, 'MessageAccepted', 'plain-1', 1, NULL, 'client-430', '1521497253534f7da040b0eb0021b98e');
INSERT INTO event VALUES (40, 1795804163074, 'PeerForgotten', NULL, NULL, '{"peer":"plain-3"}', 'client-430', '6b636aaae0fb4d868e07e3f9a2f75757');
INSERT INTO event VALUES (41, 1795804163074, 'RoomDeleted', 'plain-3', NULL, '{"room":"plain-3"}', 'client-430', '6b636aaae0fb4d868e07e3f9a2f75757');
INSERT INTO event VALUES (42, 1795804163077, 'PeerAdded', NULL, NULL, '{"peer":{"id":"plain-4","room":"plain-4","name":"DORA","host":"127.0.0.15","port":5000,"dialect":"snicher","dialect_from":"seen","addresses":["127.0.0.15:5000"]}}', NULL, NULL);
INSERT INTO event VALUES (43, 1795804163077, 'RoomAdded', 'plain-4', NULL, '{"room":{"id":"plain-4","kind":"plain","name":"DORA","peer":"plain-4","read_upto":8,"created":1795804163077,"members":["plain-4"]}}', NULL, NULL);
INSERT INTO event VALUES (44, 1795804163077, 'MessageReceived', 'plain-4', 9, NULL, NULL, NULL);
INSERT INTO event VALUES (45, 1795804163079, 'RoomRead', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', NULL, '{"room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","read_upto":9,"unread":0}', 'client-430', '53061d23c3394aafb6d2327905a7c666');
INSERT INTO event VALUES (46, 1795804163080, 'PeerChanged', NULL, NULL, '{"peer":{"id":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","name":"bela","kind":"node","host":"127.0.0.13","port":5000,"dialect":"snicher","dialect_from":"seen","link":"offline","error":"It closed the connection.","last_seen":1795804156319,"standing":"asked","addresses":["127.0.0.13:5000"],"code":"shs3 · 653l · b6wf · 4sow"}}', NULL, NULL);
INSERT INTO event VALUES (47, 1795804163696, 'MessageAccepted', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 10, NULL, 'client-430', '907be58eea62470889a5994337ade44d');
INSERT INTO event VALUES (48, 1795804163697, 'PeerChanged', NULL, NULL, '{"peer":{"id":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","name":"bela","kind":"node","host":"127.0.0.13","port":5000,"dialect":"snicher","dialect_from":"seen","link":"offline","error":"Connection refused: nothing listens there. Is the other program on, and the port right?","last_seen":1795804156319,"standing":"asked","addresses":["127.0.0.13:5000"],"code":"shs3 · 653l · b6wf · 4sow"}}', NULL, NULL);
INSERT INTO event VALUES (49, 1795804164215, 'PeerChanged', NULL, NULL, '{"peer":{"id":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","name":"bela","kind":"node","host":"127.0.0.13","port":5000,"dialect":"snicher","dialect_from":"seen","link":"offline","error":"Connection refused: nothing listens there. Is the other program on, and the port right?","last_seen":1795804156319,"standing":"asked","addresses":["127.0.0.13:5000"],"code":"shs3 · 653l · b6wf · 4sow","warning":"Another key answers at 127.0.0.13:5000: its code is 77kr · usy2 · u7nr · a4ga, and that of bela is shs3 · 653l · b6wf · 4sow. Nothing meant for bela goes to it. If bela has a new key, or another person is at that address now, trust the new key.","rival":"alz7cutfz6y3v2pbm37iqtanki5tysblxjhephlspub3ltz5fdea"}}', NULL, NULL);
INSERT INTO event VALUES (5, 1795804154315, 'PeerChanged', NULL, NULL, '{"peer":{"id":"plain-1","room":"plain-1","name":"127.0.0.13:5000","host":"127.0.0.13","port":5000,"link":"connecting","standing":"asked","addresses":["127.0.0.13:5000"]}}', 'client-430', '1521497253534f7da040b0eb0021b98e');
INSERT INTO event VALUES (50, 1795804164215, 'PeerWarned', NULL, NULL, '{"peer":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","name":"bela","warning":"Another key answers at 127.0.0.13:5000: its code is 77kr · usy2 · u7nr · a4ga, and that of bela is shs3 · 653l · b6wf · 4sow. Nothing meant for bela goes to it. If bela has a new key, or another person is at that address now, trust the new key."}', NULL, NULL);
INSERT INTO event VALUES (51, 1795804164215, 'PeerChanged', NULL, NULL, '{"peer":{"id":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","name":"bela","kind":"node","host":"127.0.0.13","port":5000,"dialect":"snicher","dialect_from":"seen","link":"offline","error":"It has another key than the one expected.","last_seen":1795804156319,"standing":"asked","addresses":["127.0.0.13:5000"],"code":"shs3 · 653l · b6wf · 4sow","warning":"Another key answers at 127.0.0.13:5000: its code is 77kr · usy2 · u7nr · a4ga, and that of bela is shs3 · 653l · b6wf · 4sow. Nothing meant for bela goes to it. If bela has a new key, or another person is at that address now, trust the new key.","rival":"alz7cutfz6y3v2pbm37iqtanki5tysblxjhephlspub3ltz5fdea"}}', NULL, NULL);
INSERT INTO event VALUES (52, 1795804167187, 'PeerChanged', NULL, NULL, '{"peer":{"id":"t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta","room":"direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683","name":"carl","kind":"node","host":"127.0.0.14","port":5000,"dialect":"snicher","dialect_from":"seen","link":"offline","last_seen":1795804161913,"standing":"known","addresses":["127.0.0.14:5000"],"code":"msdc · k64c · knbe · 37nm"}}', NULL, NULL);
INSERT INTO event VALUES (53, 1795804167239, 'NodeStopped', NULL, NULL, '{"reason":"Signal SIGTERM."}', NULL, NULL);
INSERT INTO event VALUES (6, 1795804154373, 'PeerAdded', NULL, NULL, '{"peer":{"id":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","name":"bela","kind":"node","host":"127.0.0.13","port":5000,"dialect":"snicher","dialect_from":"seen","standing":"asked","addresses":["127.0.0.13:5000"],"code":"shs3 · 653l · b6wf · 4sow"}}', NULL, NULL);
INSERT INTO event VALUES (7, 1795804154373, 'RoomAdded', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', NULL, '{"room":{"id":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","kind":"direct","name":"bela","peer":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","encrypted":true,"read_upto":1,"created":1795804154373,"members":["kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq"]}}', NULL, NULL);
INSERT INTO event VALUES (8, 1795804154373, 'RoomsMerged', 'direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', NULL, '{"gone":"plain-1","room":{"id":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","kind":"direct","name":"bela","peer":"kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq","encrypted":true,"read_upto":1,"created":1795804154373,"members":["kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq"],"aliases":["plain-1"]}}', NULL, NULL);
INSERT INTO event VALUES (9, 1795804154373, 'PeerForgotten', NULL, NULL, '{"peer":"plain-1"}', NULL, NULL);
INSERT INTO reply VALUES ('2a22572e1e834c97a479e3f4ee99cf69', X'573B3EC052344B2BEC48A60DD3079730FA364CE4C6CE035653F980383093B2DF', '{"read_upto":9,"unread":0}', 1795804163079);
INSERT INTO reply VALUES ('64af66cdc87643b49fcbab07974fc23e', X'812EBF1F5DE4E7CB01B1F70986667DB54A1AFA404AA1012F219B9BC19AB678B5', '{"messages":[{"id":1,"room":"plain-1","order":"01a21e44c9cb0000","at":1795804154315,"direction":"out","author":"o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa","name":"anna","text":"hello bela, encrypted from the first word","state":"waiting"}]}', 1795804154315);
INSERT INTO reply VALUES ('6c0220d2d9544dd79cd5c5490da1750c', X'553900387832AC90F3C272965923DEE19D6E43EBEC010F7C68FF3C2F6F3B2510', '{}', 1795804163074);
INSERT INTO reply VALUES ('c280fc8b75d6415f898ad20790eb2465', X'814528EFC78D23BF67050720F7A23B12A13F9DF069E5D78BAB80D6CB9468BF45', '{"messages":[{"id":5,"room":"plain-2","order":"01a21e44d81e0000","at":1795804157982,"direction":"out","author":"o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa","name":"anna","text":"answer in clear","state":"waiting"}]}', 1795804157982);
INSERT INTO reply VALUES ('e874a7a01e1244dcb49b9973c9f36625', X'73B6C800778984498208A5AA54A85EA55680B10638509A53458EE8DFE99E0029', '{"messages":[{"id":10,"room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","order":"01a21e44ee7000006ad62f0aed3a388236d5ebe954df82e3276e8737caabdefcde116dbceb75309e","at":1795804163696,"direction":"out","author":"o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa","name":"anna","text":"waiting for bela","state":"waiting","entry":{"stream":"5ae51abef3db5b2205eaa1ab944c445d","n":3}}]}', 1795804163696);
INSERT INTO reply VALUES ('k1', X'9B5D2FE6B92C11937781BB2F0FA53F1CE3BD3C93205FBC94CF9417B116B5AC1E', '{"messages":[{"id":3,"room":"direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0","order":"01a21e44d3960000d1ab8ae394ac4acad85d9dac67cada446acf2b2308f46a9935a35a1832312956","at":1795804156822,"direction":"out","author":"o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa","name":"anna","text":"with a key","state":"waiting","entry":{"stream":"5ae51abef3db5b2205eaa1ab944c445d","n":2}}]}', 1795804156822);
INSERT INTO signed VALUES ('direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', 't6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', X'44A6035078444AE96B8C1CBFA75FDA1F', 1, X'ECA4DC78F789E152EA3F2A2CE65259F9C3D29C0CFA49B4AE501DD6ADF76E6ABC', X'99D9476469726563743A35623263363231343731356135633534346339396463336131666430393331373434336564376133653633336666363765663834366361663761613435363833D93474366B726C6837336B6369793763616667657274793279676E7678777A7A756D6776726173727274646768323334636476377461C41044A6035078444AE96B8C1CBFA75FDA1F01C4200000000000000000000000000000000000000000000000000000000000000000CF01A21E44E7790000A474657874C4203903655E7560FFF7D501182450FD092E386002109F32DF0B348C7E9D7D3E6A7FC0', X'4819CF4F472BD74FF8F7ED9DECF5CC7A8C85D2B446687C21CE6C11B64F0FA00E50BCEC43213B7369E711227517F6FDDA788B4C59C5C0A8A0676C926FF360B50A', 7);
INSERT INTO signed VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', X'91DEC31386074A849CB5E066F03A96BE', 1, X'1ACF67B19D689095E61AD2EB00E7A07AAA60A5E220300CE23296AE29F933418A', X'99D9476469726563743A35626362656539623566393735366331643038613065623337623363396633616139396431616337663635343131663464333334336133316566303232386430D9346B6A7A7A796C75766366756C7A33726263717770353737786E7661746D6F6862326F73366F377735616E636F366832786E656971C41091DEC31386074A849CB5E066F03A96BE01C4200000000000000000000000000000000000000000000000000000000000000000CF01A21E44D19F0000A474657874C420837B5301792855F5C7886E1B7152E5E87738FC507CC5023EAE46C5027C27F363C0', X'EFCF3E9C876FBEA8A1779CB8464ACAB3891D47BD6DDBEE096FFCD0C22EF21A0B617B236203A1A7ECDC4957AE7B440FAA1D4F4A39792B8BBB504D93D65A55930B', 2);
INSERT INTO signed VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', X'5AE51ABEF3DB5B2205EAA1AB944C445D', 1, X'ECB8DF77C86E953D05B67CCC7B9B28FDF89BC29DA10A0A2D94D2861FE9F73703', X'99D9476469726563743A35626362656539623566393735366331643038613065623337623363396633616139396431616337663635343131663464333334336133316566303232386430D9346F34763435756D69686B643734766232776D6873376E6A7971367134626864776E66626D6B6A69716A73626A3572357679336F61C4105AE51ABEF3DB5B2205EAA1AB944C445D01C4200000000000000000000000000000000000000000000000000000000000000000CF01A21E44CA090000A474657874C420AD348A364D2233FFA142C87FE8B1197BC36D91C95D813ECA96985664BDEE457FC0', X'E8917B9AFCFDFB9E6D96AA212BDE624823090332DEADA65AD63207161840A142BD4988D00E9760914601BA88FD46802DB3668245C9120F5E0C666851A22A830F', 1);
INSERT INTO signed VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', X'5AE51ABEF3DB5B2205EAA1AB944C445D', 2, X'D1AB8AE394AC4ACAD85D9DAC67CADA446ACF2B2308F46A9935A35A1832312956', X'98D9476469726563743A35626362656539623566393735366331643038613065623337623363396633616139396431616337663635343131663464333334336133316566303232386430D9346F34763435756D69686B643734766232776D6873376E6A7971367134626864776E66626D6B6A69716A73626A3572357679336F61C4105AE51ABEF3DB5B2205EAA1AB944C445D02C420ECB8DF77C86E953D05B67CCC7B9B28FDF89BC29DA10A0A2D94D2861FE9F73703CF01A21E44D3960000A474657874C4202FCD34DEFFE9F729CB2BAB6240846E34DB9CEC88D1EABA4DC8E00778369A34BB', X'9EBB15C818D906C7D308DD3751EAFBE1F803471B47270D004D760EF2AD0C632752CE8686F77B5A9BC5413E5F581C41F47828B6BFB8A1B48F7DD389FF8EA6F705', 3);
INSERT INTO signed VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', X'5AE51ABEF3DB5B2205EAA1AB944C445D', 3, X'6AD62F0AED3A388236D5EBE954DF82E3276E8737CAABDEFCDE116DBCEB75309E', X'98D9476469726563743A35626362656539623566393735366331643038613065623337623363396633616139396431616337663635343131663464333334336133316566303232386430D9346F34763435756D69686B643734766232776D6873376E6A7971367134626864776E66626D6B6A69716A73626A3572357679336F61C4105AE51ABEF3DB5B2205EAA1AB944C445D03C420D1AB8AE394AC4ACAD85D9DAC67CADA446ACF2B2308F46A9935A35A1832312956CF01A21E44EE700000A474657874C420CC341E89BD40D4F709C32B46548A952F1FA28CBEFCBBB2E4CDE332F7492B7E51', X'E23187F9A9494AD3CC890077319045030FFB22CD40F64C73E8DA1E918928CBD30F8936F937668D6266A4E216D70F77A91FD523B9C4ACD1AF8B07FDD45AEEFD09', 10);
INSERT INTO vector VALUES ('direct:5b2c6214715a5c544c99dc3a1fd09317443ed7a3e633ff67ef846caf7aa45683', 't6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', X'44A6035078444AE96B8C1CBFA75FDA1F', 1, 1, X'ECA4DC78F789E152EA3F2A2CE65259F9C3D29C0CFA49B4AE501DD6ADF76E6ABC', NULL, 117689821555130368, NULL, NULL);
INSERT INTO vector VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', X'91DEC31386074A849CB5E066F03A96BE', 1, 1, X'1ACF67B19D689095E61AD2EB00E7A07AAA60A5E220300CE23296AE29F933418A', NULL, 117689821188521984, NULL, NULL);
INSERT INTO vector VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', X'5AE51ABEF3DB5B2205EAA1AB944C445D', 1, 3, X'6AD62F0AED3A388236D5EBE954DF82E3276E8737CAABDEFCDE116DBCEB75309E', NULL, 117689821671981056, NULL, NULL);
INSERT INTO receipt VALUES ('direct:5bcbee9b5f9756c1d08a0eb37b3c9f3aa99d1ac7f65411f4d3343a31ef0228d0', 'kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', 'o4v45umihkd74vb2wmhs7njyq6q4bhdwnfbmkjiqjsbj5r5vy3oa', X'5AE51ABEF3DB5B2205EAA1AB944C445D', 2, X'D1AB8AE394AC4ACAD85D9DAC67CADA446ACF2B2308F46A9935A35A1832312956', NULL, 0);
INSERT INTO member VALUES (2, 'kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq');
INSERT INTO member VALUES (4, 't6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta');
INSERT INTO member VALUES (5, 'plain-4');
INSERT INTO address VALUES ('kjzzyluvcfulz3rbcqwp577xnvatmohb2os6o7w5anco6h2xneiq', 0, '127.0.0.13', 5000, NULL, 'seen', 0);
INSERT INTO address VALUES ('plain-1', 0, '127.0.0.13', 5000, NULL, 'seen', 0);
INSERT INTO address VALUES ('plain-2', 0, '127.0.0.14', 5000, NULL, 'seen', 0);
INSERT INTO address VALUES ('plain-4', 0, '127.0.0.15', 5000, NULL, 'seen', 0);
INSERT INTO address VALUES ('t6krlh73kciy7cafgerty2ygnvxwzzumgvrasrrtdgh234cdv7ta', 0, '127.0.0.14', 5000, NULL, 'seen', 0);
INSERT INTO alias VALUES ('plain-1', 2);
INSERT INTO alias VALUES ('plain-2', 4);
DELETE FROM fact WHERE name = 'indexed_unspaced';
INSERT INTO search (rowid, text, room) SELECT id, text, room FROM searchable WHERE id IN (SELECT id FROM entry WHERE kind = 'text') AND id <= (SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'indexed');
COMMIT;
