"""SQLite: writing records and reading pages. Only this package imports sqlite3.

schema/       numbered SQL files; each is applied in one transaction, together with its number
database.py   opening the database, and migrations
genuine.py    whether a database has exactly the schema of our migrations
history.py    whether the database is the newest one of this home, or was set back to a backup
home.py       locking the home
place.py      whether the open database is still the file at its path
facts.py      small named values: numbers and JSON
writer.py     the one writer: each batch of records is one transaction
records.py    turning records into rows
signed.py     the rows of signed entries: what was signed, what is held, what other members hold
chunks.py     inserting many rows with few statements
beside.py     the members and aliases of rooms and the addresses of peers, in tables of their own
delivery.py   the delivery state of a message for each recipient, and which one is shown
removal.py    merging and deleting conversations in steps, deleting expired messages
leaving.py    what is on its way out meanwhile, for whoever reads
outbox.py     what waits for plain peers, or is being sent to them
reader.py     pages for commands and answers for the core, on a connection of its own
vector.py     reading what is held of each stream, and what other members hold
serving.py    entries as other nodes get them: runs of one stream
recipients.py what became of a message, for each of those it is for
expired.py    finding messages that have expired
pages.py      paged snapshots, each in a read transaction of its own
snapshot.py   the whole state, computed from SQL alone
index.py      the full-text index: adding and removing words, rebuilding
keeper.py     the steps of its upkeep, each in a transaction of its own
shards.py     the tables of that index, and which of them holds which message
search.py     what people type, as expressions for the index
unspaced.py   how the index handles scripts without spaces between words
identity.py   the node's key
sealed.py     a key as people carry it: a text, encrypted with a passphrase
importing.py  giving such a key to a home in which no node has run
backup.py     making a backup of a home, also while a node runs on it
archive.py    the file that a backup is
restoring.py  making a home of a backup
files.py      files outside of a home: they appear whole or not at all
"""
