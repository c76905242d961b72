-- Named consumers: how far a front end has dealt with the event log, kept by the node. `position` is the last event it
-- has acknowledged, in the numbering of `log`. `used` is exact to an hour only: telling what is next isn't worth a write.
CREATE TABLE consumer (
    name     TEXT PRIMARY KEY,
    log      TEXT    NOT NULL,
    position INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    used     INTEGER NOT NULL
) WITHOUT ROWID;
