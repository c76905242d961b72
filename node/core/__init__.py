"""Every decision of the node, and no I/O: stimuli in, effects out, as plain frozen values.

    node.py       the door: one method takes a stimulus and returns its effects
    identity.py   who this node is, and what its start options say
    commands.py   what each command of a front end means
    adding.py     takes invites
    links.py      a link is a value: number, direction, kind, address, state by a table
    connections.py  the life of links: they open, are matched to a contact, are hung up, and end
    plain.py      who an old client is, and what it says
    secure.py     the life of encrypted links: which of several stays, and when a silent one is given up
    trust.py      whose key it is: pins, and whatever contradicts them
    replication.py  how entries travel: digests, receipts, what is asked for and passed on
    refusals.py   what isn't taken over a link, as DOOR says it to others and they to us
    vectors.py    what is held of each room    syncs.py  what is known of a room on one link
    feeds.py      what is on its way over a link    receipts.py  which of our own entries are on whose disk
    authoring.py  writes and signs our own entries    asking.py  what is missing is asked for, over one link at a time
    reading.py    read marks and typing, told and heard
    contacts.py   the list of peers: addresses, names, dialects, link states
    directory.py  finds peers by id, address and name
    contact.py    one peer, with its state while the node runs
    door.py       which unknown peers may come in    requests.py  what unknown nodes have said, bounded
    blocking.py   whom people here have blocked
    strangers.py  which stranger leaves the list first when room is needed
    reachable.py  which one-shot peers count as reachable, and how long
    rooms.py      conversations, unread counts, the order of messages
    queues.py     messages waiting for each peer, in memory and on disk
    outbox.py     which link takes a message to a plain peer, how much of it, and the outcome
    dialling.py   which peer to dial, at which of its addresses, and when; one budget for all
    paths.py      the addresses of a node: how each was learnt, which is tried first, which are kept
    places.py     the addresses of all peers, learnt, kept and forgotten by those rules
    racing.py     one round of tries at several addresses beside each other
    exchange.py   addresses that linked nodes tell each other
    presence.py   how present people are, told and heard
    views.py      what front ends may ask about a peer in memory
    static.py     the peers that the settings name, always to be linked
    nearby.py     who is seen on this network, and whom to link of them
    consumers.py  named cursors into the event log, kept for front ends
    greetings.py  the mandatory peers, greeted at the start
    keeping.py    how long things are kept, and what is removed next   expiry.py  which messages expire
    pace.py       how large a step of background work is, and when the next one comes
    dialback.py   whether others reach this node, asked of linked ones and tried for them
    acquaintances.py  who is known, as the doctor looks at it    facts.py  what an examination finds out
    diagnosis.py  from facts to checks in words    routes.py  each way to a peer    verdicts.py  the sum of it
    remedies.py   what to type on this machine
    ports.py      ports of other services, which are never dialled unasked
    quotas.py     how much one source may store here in a day
    limits.py     hands on what comes in, within the quotas; space.py  the free space on the disk
    retries.py    backoff, and when the next retry is due
    loaded.py     the part of the store that the core is loaded from
    clock.py      the hybrid logical clock
    stimuli.py, effects.py   the two vocabularies    queries.py  what the core asks of the disk

Time comes in with each stimulus, ids are counted, and nothing is random: the same stimuli give the same effects.
"""
