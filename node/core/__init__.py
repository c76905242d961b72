"""Every decision of the node, and no I/O: stimuli in, effects out, as plain frozen values.

    node.py       the door: one method takes a stimulus and returns its effects
    commands.py   what each command of a front end means
    links.py      a link is a value: number, direction, kind, address, state by a table
    connections.py  what becomes of links: they open, turn out to be somebody's, are left, and end
    plain.py      who an old client is, and what it says
    contacts.py   the list of peers: addresses, names, dialects, link states
    contact.py    one of them, and what is remembered of it while the node runs
    strangers.py  who goes off the list first when room is needed
    rooms.py      conversations, unread counts, the order of messages
    queues.py     what waits for whom, in memory and on disk
    outbox.py     which link takes a message, how much of it, and what became of that
    dialling.py   whom to dial, at which of its addresses, and when; one budget for all
    consumers.py  named cursors into the event log, kept for front ends
    greetings.py  the mandatory peers: who is greeted at the start
    keeping.py    what is kept how long, and what goes next   expiry.py  which messages go, and what that changes
    ports.py      on which ports nobody is dialled unasked
    quotas.py     how much one source may store here in a day
    retries.py    back-off, and when anything is due
    loaded.py     what the core is loaded from
    clock.py      the hybrid logical clock
    stimuli.py, effects.py   the two vocabularies

Time comes in with each stimulus, ids are counted, dice aren't thrown: the same stimuli give the same effects.
"""
