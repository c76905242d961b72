"""Snicher's node: one person's headless chat process. The map of this house, in the order chat flows through it.

    peers/      sockets: listen, dial, pump bytes                 the only importer of asyncio streams
    protocol/   bytes <-> messages, one state machine a link      pure; PROTOCOL.md is normative
    core/       every decision: stimuli in, effects out           pure
    store/      SQLite: records in, pages out                     the only importer of sqlite3
    bus/        events and commands for front ends                the only importer of zmq; BUS.md is normative
                 (bus/ownership.py: whose a home must be, for the node and for every front end)
    app.py      wires the parts, hands each act to the part that performs it, starts a new run after a bug
    course.py   one run: the parts start in order, run, and end in order        tasks.py   tasks that must not die
    announce.py  the lines on the node's terminal: where it listens, who comes and goes, how it ends
    turns.py    stimuli into the core, its records to disk, its acts out        batches.py    how much one commit holds
    condition.py  the node's health and notices for people        threads.py    the reader and writer threads of SQLite
    answers.py  commands of front ends: reads skip the core    hosts.py  resolves host names
    deciding.py  commands through the core, each once        keys.py  which idempotency keys may have been used
    examining.py  the doctor: gathers facts, has them judged, keeps what was found
    serving.py  entries for other nodes, from disk to link
    retention.py  removes what is too old, deleted or merged, in steps (core/keeping.py, pace.py)
    upkeep.py   background work on the database: extend and rebuild the search index, checkpoint the write-ahead log
    model.py    the nouns        errors.py  what can go wrong        config.py  what can be set
    printable.py  what others wrote, safe to print        names.py  what a name may be, and when two are the same
    looks.py    what a name looks like, for warnings    invites.py  the link by which people add each other
    streams.py  standard streams that never block the node   loglines.py  what the log looks like
    findable.py   the bus's sockets and bus.json, kept in place    qr.py  QR codes as text
    supervisor.py  whether the program that started this one (honcho) still runs
    program.py  what people type: `python -m node`, or `snicher` where it is installed (installed.py)
    together.py   node and dashboard with one command
    terminal/   the command line and the text menu: clients of the bus like any other

Who may import whom: installed -> __main__ -> (app | terminal | together) -> answers, serving, retention, course ->
turns -> config, loglines, announce -> streams, supervisor -> (peers | store) -> core -> (protocol | bus) ->
model, errors, tasks, program.
Nothing is imported here, so that `import node.bus` stays light for bots.
"""

__version__ = "0.1.0"
