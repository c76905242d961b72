"""The terminal: the command line and the text menu. They are clients of the bus, like any other front end.

    console.py  the verbs        arguments.py  their words, and the help        menu.py  the text menu
    sending.py  the verb that sends, and waits a moment for what comes of it        typed.py  an address without a port
    deleting.py the verb that deletes a conversation, and asks first        tail.py  the verb that follows events
    own_node.py  the node that the text menu starts, and ends again
    said.py     the verbs that show what was said, and what became of it
    chat.py     the verb that talks with a peer, live    chat_screen.py  its screen    chat_keys.py  its keys
    chat_talk.py  the conversation as it stands    chat_log.py  its messages    chat_sending.py  what is on its way
    chat_rows.py  how it looks    chat_view.py  where in it one is    chat_errands.py  its threads
    chat_lines.py  the same line by line, for pipes
    people.py   the verbs about who somebody is, who may come in, and how people find each other
    linked.py   the verb that shows how the link with a node is
    doctor.py   the verb that says what is wrong when somebody doesn't show        absent.py  the same, without a node
    config_table.py  the verb that lists all settings
    identity.py  the verb that shows, exports and imports the key    passphrases.py  asking for one
    backup.py   the verbs that put a home into a file, and make one of it
    lines.py    how things look in a line        heard.py  what the text menu tells of what happens
    roster.py   how lists look on a terminal: peers, consumers, the blocked
    columns.py  how wide a text is, and columns that fit        screen.py  a terminal or a pipe, how wide, which colours
    patience.py  commands that the node refuses for a moment only
    unanswered.py  a node that runs but doesn't answer

config_table, identity, backup and absent work on the home itself, without a node that runs.
The others see the bus only.
"""
