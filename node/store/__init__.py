"""SQLite: records in, pages out. The only importer of sqlite3.

schema/       numbered SQL files, each applied in one transaction with its own record
database.py   opening, locking the home, migrations
writer.py     the one writer: a batch of records is one transaction
records.py    records as rows
delivery.py   a message's state for each recipient, and which of them shows
removal.py    what goes: merged, deleted and expired
reader.py     pages for commands and for the core, on a connection of its own
snapshot.py   the state of everything, computed from SQL alone
index.py      the full-text index: words in, words out, built anew when it is broken
keeper.py     the steps of its upkeep, each a transaction of its own
search.py     what people type, as expressions for the index
unspaced.py   what the index holds of scripts that put no space between words
identity.py   the node's key
"""
