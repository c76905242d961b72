// What the server and a page tell each other, as types. `python -m dashboard.typedefs` makes this file from
// dashboard/schema.py; no browser loads it.

/**
 * An invite, as it was pasted.
 * @typedef {Object} AddArgs
 * @property {string} link
 */

/**
 * Who was added by an invite. `note`: what of it wasn't taken; empty: all of it was.
 * @typedef {Object} Added
 * @property {PeerView} peer
 * @property {string} note
 */

/**
 * An own address, and who has reached it.
 * @typedef {Object} AddressView
 * @property {string} address
 * @property {string} interface
 * @property {string} label
 * @property {string} tone
 */

/**
 * Somebody known whose name looks like that of a request: name, code as groups, and whether it was compared.
 * @typedef {Object} Alike
 * @property {string} name
 * @property {string[]} code
 * @property {boolean} verified
 */

/**
 * The first page of all lists; `left` more pages come. `missed`: the operations since the tab's cursor; null:
 * unknown, so the tab loads its history again.
 * @typedef {Object} AllFrame
 * @property {"all"} t
 * @property {number} now
 * @property {Everything} everything
 * @property {(MessageOp | ChangedOp | StateOp | ReceiptOp | ExpiredOp | RoomGone | HiddenOp | WarnedOp | IdentitySharedOp)[] | null} missed
 * @property {number} left
 */

/**
 * The node went away, or (null) is back.
 * @typedef {Object} AwayOp
 * @property {"away"} op
 * @property {AwayView | null} away
 */

/**
 * The node doesn't answer: since when (ms; None: never seen), why, and the command that starts it.
 * @typedef {Object} AwayView
 * @property {number | null} since
 * @property {string} reason
 * @property {string} start
 * @property {boolean} stopped
 */

/**
 * The server lives.
 * @typedef {Object} BeatFrame
 * @property {"beat"} t
 * @property {number} now
 */

/**
 * The QR codes of this node's PeerId and of the other's.
 * @typedef {Object} BothCodes
 * @property {QrCode} mine
 * @property {QrCode} theirs
 */

/**
 * Change settings; one that is left out stays as it is. The node checks the values.
 * @typedef {Object} Change
 * @property {"change"} t
 * @property {number} n
 * @property {string} key
 * @property {string | null} [name]
 * @property {boolean | null} [reconnect]
 * @property {boolean | null} [share_reading]
 * @property {string | null} [accept_nodes]
 * @property {string | null} [accept_plain]
 * @property {string | null} [discovery]
 * @property {string[] | null} [static_peers]
 * @property {string | null} [presence]
 * @property {string | null} [status]
 * @property {number | null} [keep_events]
 * @property {number | null} [keep_days]
 * @property {string[] | null} [mandatory]
 * @property {string | null} [mandatory_greeting]
 * @property {string | null} [mandatory_rule]
 */

/**
 * A message is another than before, and its place may be another; its id is the same.
 * @typedef {Object} ChangedOp
 * @property {"changed"} op
 * @property {number} seq
 * @property {MessageView} message
 */

/**
 * One thing that was looked at. `old`: it is from the examination before.
 * @typedef {Object} CheckView
 * @property {string} key
 * @property {string} title
 * @property {string} label
 * @property {string} tone
 * @property {string} said
 * @property {string} remedy
 * @property {string} command
 * @property {boolean} old
 */

/**
 * The code of a link that opens this dashboard once.
 * @typedef {Object} Code
 * @property {string} code
 */

/**
 * Ask for the QR codes of this node's key and of a peer's.
 * @typedef {Object} Codes
 * @property {"codes"} t
 * @property {number} n
 * @property {string} peer
 */

/**
 * The commands of the bus that a page may give, with their arguments and answers.
 * @typedef {Object} Commands
 * @property {{args: HistoryArgs, answer: Page}} history
 * @property {{args: SearchArgs, answer: Hits}} search
 * @property {{args: DeliveryArgs, answer: Told}} delivery
 * @property {{args: MarkReadArgs, answer: Done}} mark_read
 * @property {{args: ResendArgs, answer: Said}} resend
 * @property {{args: ConnectArgs, answer: Met}} connect
 * @property {{args: PeerArgs, answer: Met}} disconnect
 * @property {{args: PeerArgs, answer: Done}} forget
 * @property {{args: RenameArgs, answer: Met}} rename
 * @property {{args: MergeArgs, answer: Met}} merge
 * @property {{args: PeerArgs, answer: Done}} delete
 * @property {{args: TrustArgs, answer: Met}} trust
 * @property {{args: VerifyArgs, answer: Met}} verify
 * @property {{args: PeerArgs, answer: Met}} unverify
 * @property {{args: PeerArgs, answer: Met}} accept
 * @property {{args: PeerArgs, answer: Done}} refuse
 * @property {{args: PeerArgs, answer: Done}} block
 * @property {{args: PeerArgs, answer: Done}} unblock
 * @property {{args: Nothing, answer: Invite}} invite
 * @property {{args: AddArgs, answer: Added}} add
 * @property {{args: DoctorArgs, answer: Diagnosed}} doctor
 */

/**
 * Ask whether a code is that of a peer: one that was typed, or else the one in a picture (JPEG, base64).
 * @typedef {Object} Compare
 * @property {"compare"} t
 * @property {number} n
 * @property {string} peer
 * @property {string} [typed]
 * @property {string} [picture]
 */

/**
 * What came out: whether it matches; the code that was found, as groups; and who is known by it (empty: nobody).
 * @typedef {Object} Compared
 * @property {boolean} matches
 * @property {string[]} found
 * @property {string} known
 */

/**
 * HOST:PORT, or a known peer by id or name. `dialect` ("auto", or as in Peer) overrides the guessed one.
 * @typedef {Object} ConnectArgs
 * @property {string} address
 * @property {string} [dialect]
 */

/**
 * The state of one of our own messages. `wait`: the conversation tells its reason and next try.
 * @typedef {Object} Delivery
 * @property {string} label
 * @property {string} tone
 * @property {string} [why]
 * @property {string | null} [repair]
 * @property {boolean} [wait]
 */

/**
 * One of our own messages.
 * @typedef {Object} DeliveryArgs
 * @property {number} message
 */

/**
 * What the doctor has found so far.
 * @typedef {Object} Diagnosed
 * @property {DiagnosisView} diagnosis
 */

/**
 * All of it. `at`: when the examination began (ms); 0: none has begun.
 * @typedef {Object} DiagnosisView
 * @property {number} at
 * @property {string} took
 * @property {boolean} running
 * @property {string} tone
 * @property {string} verdict
 * @property {string} meaning
 * @property {CheckView[]} checks
 * @property {AddressView[]} addresses
 * @property {string | null} peer
 * @property {string} name
 * @property {PathView[]} paths
 * @property {FindingView[]} findings
 */

/**
 * Whose paths are examined too: an id, a name or HOST:PORT. `again`: also when the last examination is fresh.
 * @typedef {Object} DoctorArgs
 * @property {string | null} [peer]
 * @property {boolean} [again]
 */

/**
 * It is done, and there is nothing to tell.
 * @typedef {Object} Done
 */

/**
 * Ask who may be meant by a peer with a warning, with the codes to compare.
 * @typedef {Object} Doubt
 * @property {"doubt"} t
 * @property {number} n
 * @property {string} peer
 */

/**
 * A doubt: the node's sentence, what to do, the button that ends it, and what is asked before that is done.
 * @typedef {Object} DoubtView
 * @property {string} text
 * @property {string} advice
 * @property {string} act
 * @property {string} question
 * @property {string} meaning
 * @property {boolean} plain
 */

/**
 * Rows, newest first. All events from number `down_to` on were examined; `more`: there are older ones.
 * @typedef {Object} EventPage
 * @property {EventRow[]} rows
 * @property {number} down_to
 * @property {boolean} more
 * @property {number} oldest
 */

/**
 * One event. `parts`: our words and text of others in turn, beginning with ours (which may be empty).
 * @typedef {Object} EventRow
 * @property {string} key
 * @property {number} at
 * @property {string} kind
 * @property {string} type
 * @property {string[]} parts
 * @property {string} [tone]
 * @property {number | null} [seq]
 * @property {number | null} [moment]
 * @property {string} [moment_word]
 * @property {string} [by]
 * @property {string} [room]
 * @property {string} [raw]
 */

/**
 * Ask for a page of the event log, newest first; without a position, for the newest. Without kinds: all kinds.
 * @typedef {Object} Events
 * @property {"events"} t
 * @property {number} n
 * @property {number | null} [before]
 * @property {string[]} [kinds]
 * @property {string} [text]
 * @property {number} [limit]
 */

/**
 * All lists, as they are now. `me` is null until the node has been seen.
 * @typedef {Object} Everything
 * @property {string} log
 * @property {number} seq
 * @property {SelfView | null} me
 * @property {RoomView[]} rooms
 * @property {PeerView[]} peers
 * @property {AwayView | null} away
 * @property {HealthView | null} health
 * @property {IdentitySharedOp | null} shared
 * @property {Totals} totals
 * @property {RequestView[]} requests
 * @property {NearbyView} nearby
 */

/**
 * A conversation's messages up to `upto` have expired, except our own that still wait.
 * @typedef {Object} ExpiredOp
 * @property {"expired"} op
 * @property {number} seq
 * @property {string} room
 * @property {number} upto
 */

/**
 * There are new figures of the node; native parts read them through the hatch. For tabs that watch.
 * @typedef {Object} FiguresFrame
 * @property {"figures"} t
 */

/**
 * Something about a peer, such as its key.
 * @typedef {Object} FindingView
 * @property {string} name
 * @property {string} label
 * @property {string} tone
 * @property {string} said
 */

/**
 * @typedef {AllFrame | BeatFrame | FiguresFrame | MoreFrame | PatchFrame | ReplyFrame | RowsFrame} Frame
 */

/**
 * What became of conversations, according to the log; those it doesn't mention are left out.
 * @typedef {Object} Gone
 * @property {RoomGone[]} gone
 */

/**
 * The node's disk has a problem, or (null) works again.
 * @typedef {Object} HealthOp
 * @property {"health"} op
 * @property {HealthView | null} health
 */

/**
 * Something is wrong with the node's disk.
 * @typedef {Object} HealthView
 * @property {string} problem
 */

/**
 * The first frame of a tab: its cursor, if it has one, the open conversation, and the pass of its session.
 * @typedef {Object} Hello
 * @property {"hello"} t
 * @property {string} [log]
 * @property {number} [seq]
 * @property {string} [room]
 * @property {string} [pass]
 */

/**
 * A conversation isn't shown any more, because its peer is blocked. It may come back. `name`: the name it has.
 * @typedef {Object} HiddenOp
 * @property {"hidden"} op
 * @property {number} seq
 * @property {string} id
 * @property {string} name
 */

/**
 * A page of a room: at most one of `before`, `after`, `around` (message ids); none means the newest.
 * @typedef {Object} HistoryArgs
 * @property {string} room
 * @property {number | null} [before]
 * @property {number | null} [after]
 * @property {number | null} [around]
 * @property {number} [limit]
 */

/**
 * The hits of a search, newest first. `pending` messages are not indexed yet.
 * @typedef {Object} Hits
 * @property {MessageView[]} hits
 * @property {boolean} more
 * @property {number} pending
 */

/**
 * Another machine uses this node's identity: to be shown at once.
 * @typedef {Object} IdentitySharedOp
 * @property {"shared"} op
 * @property {number} seq
 * @property {string} text
 */

/**
 * A link by which others add this node, and its QR code. `note`: what is wrong with the link; empty: nothing.
 * @typedef {Object} Invite
 * @property {string} link
 * @property {string} note
 * @property {QrCode} qr
 */

/**
 * The newest text of a conversation, on one line.
 * @typedef {Object} LastView
 * @property {number} id
 * @property {number} at
 * @property {boolean} mine
 * @property {string} text
 * @property {Delivery | null} delivery
 */

/**
 * @typedef {ChangedOp | ExpiredOp | HiddenOp | IdentitySharedOp | MessageOp | ReceiptOp | RoomGone | StateOp | WarnedOp} Lasting
 */

/**
 * Ask for a link that opens this dashboard once, for another browser.
 * @typedef {Object} Link
 * @property {"link"} t
 * @property {number} n
 */

/**
 * One link that stands.
 * @typedef {Object} LinkView
 * @property {number} since
 * @property {string} address
 * @property {string} way
 * @property {string} program
 * @property {number} version
 * @property {string} clock
 * @property {number} machine
 */

/**
 * Something about a node changed: who shows how the links with it are asks again.
 * @typedef {Object} LinksOp
 * @property {"links"} op
 * @property {string} peer
 */

/**
 * A mark on a message, and its explanation.
 * @typedef {Object} Mark
 * @property {string} label
 * @property {string} title
 */

/**
 * Messages up to id `upto` count as read; None: up to the newest.
 * @typedef {Object} MarkReadArgs
 * @property {string} room
 * @property {number | null} [upto]
 */

/**
 * All who may be meant by a peer with a warning; and its rival, whose key is among those shown.
 * @typedef {Object} Meant
 * @property {Side[]} sides
 * @property {string | null} rival
 */

/**
 * Two peers; the conversation with the first becomes part of the one with the second.
 * @typedef {Object} MergeArgs
 * @property {string} peer
 * @property {string} into
 */

/**
 * A new message. `seq` is the event's number: a page of history may already hold it, or a newer state of it.
 * @typedef {Object} MessageOp
 * @property {"message"} op
 * @property {number} seq
 * @property {MessageView} message
 */

/**
 * One message, ready to draw. The browser adds grouping and day breaks, because they depend on the neighbours.
 * @typedef {Object} MessageView
 * @property {number} id
 * @property {string} room
 * @property {string} order
 * @property {number} at
 * @property {boolean} mine
 * @property {string} author
 * @property {string} name
 * @property {number} hue
 * @property {string} text
 * @property {boolean} [notice]
 * @property {boolean} [plain]
 * @property {Place | null} [entry]
 * @property {Delivery | null} [delivery]
 * @property {Mark[]} [marks]
 */

/**
 * A peer as it is now.
 * @typedef {Object} Met
 * @property {PeerView} peer
 */

/**
 * A further page of all lists, as they were at the `seq` of `all`; `left` more pages come. What a `patch` has said
 * since counts more.
 * @typedef {Object} MoreFrame
 * @property {"more"} t
 * @property {RoomView[]} rooms
 * @property {PeerView[]} peers
 * @property {number} left
 */

/**
 * Choose this node's name, be it the one that it has. The node checks it.
 * @typedef {Object} Name
 * @property {"name"} t
 * @property {number} n
 * @property {string} key
 * @property {string} name
 */

/**
 * This node's name. `chosen`: by a person, at its start or since; else it is the user's name on this machine.
 * @typedef {Object} Named
 * @property {string} name
 * @property {boolean} chosen
 */

/**
 * Ask for this node's name, and whether anybody has ever chosen it.
 * @typedef {Object} Naming
 * @property {"naming"} t
 * @property {number} n
 */

/**
 * Who is nearby, or how looking for them goes, changed.
 * @typedef {Object} NearbyOp
 * @property {"nearby"} op
 * @property {NearbyView} nearby
 */

/**
 * How looking for others goes, in a tone, a word and a sentence, and who was found, the longest seen first.
 *
 * `unknown`: so many others are seen whose key hasn't answered.
 * @typedef {Object} NearbyView
 * @property {string} state
 * @property {string} tone
 * @property {string} word
 * @property {string} text
 * @property {Neighbour[]} people
 * @property {number} unknown
 */

/**
 * Somebody whose key has answered on this network: since when it is seen (ms), and whether people here deal with
 * it. What else is shown of it stands in the list of peers.
 * @typedef {Object} Neighbour
 * @property {string} peer
 * @property {number} since
 * @property {boolean} known
 */

/**
 * No arguments, or an empty result.
 * @typedef {Object} Nothing
 */

/**
 * @typedef {AwayOp | ChangedOp | ExpiredOp | HealthOp | HiddenOp | IdentitySharedOp | LinksOp | MessageOp | NearbyOp | OptionsOp | PeerGone | PeerOp | ReceiptOp | RequestGone | RequestOp | RoomGone | RoomOp | SelfOp | StateOp | TotalsOp | WarnedOp} Op
 */

/**
 * Ask for all options, with their values and sources.
 * @typedef {Object} Options
 * @property {"options"} t
 * @property {number} n
 */

/**
 * The settings, the outcome of a greeting, or who is blocked changed: pages that show them ask again.
 * @typedef {Object} OptionsOp
 * @property {"options"} op
 */

/**
 * A page of a conversation, oldest first; valid at event `seq`.
 * @typedef {Object} Page
 * @property {number} seq
 * @property {MessageView[]} messages
 * @property {boolean} more_before
 * @property {boolean} more_after
 */

/**
 * Changes; the tab's cursor is `seq` after them.
 * @typedef {Object} PatchFrame
 * @property {"patch"} t
 * @property {number} seq
 * @property {(MessageOp | ChangedOp | StateOp | ReceiptOp | ExpiredOp | RoomGone | HiddenOp | WarnedOp | IdentitySharedOp | RoomOp | RequestOp | RequestGone | PeerOp | PeerGone | SelfOp | AwayOp | HealthOp | NearbyOp | OptionsOp | LinksOp | TotalsOp)[]} ops
 */

/**
 * A way to a peer.
 * @typedef {Object} PathView
 * @property {string} path
 * @property {string} interface
 * @property {string} took
 * @property {string} label
 * @property {string} tone
 * @property {string} reason
 * @property {number | null} since
 */

/**
 * A peer by id, name (if only one has it) or HOST:PORT.
 * @typedef {Object} PeerArgs
 * @property {string} peer
 */

/**
 * A peer was taken off the list.
 * @typedef {Object} PeerGone
 * @property {"peer_gone"} op
 * @property {string} id
 */

/**
 * A peer is new or changed.
 * @typedef {Object} PeerOp
 * @property {"peer"} op
 * @property {PeerView} peer
 */

/**
 * One row of the table of peers.
 * @typedef {Object} PeerView
 * @property {string} id
 * @property {string} room
 * @property {string} name
 * @property {string} mark
 * @property {string} initials
 * @property {number} hue
 * @property {boolean} encrypted
 * @property {string} privacy_title
 * @property {string[]} code
 * @property {boolean} verified
 * @property {boolean} asks
 * @property {boolean} waits
 * @property {string} doubt
 * @property {string} address
 * @property {boolean} dialable
 * @property {string} link
 * @property {string} presence
 * @property {string} presence_tone
 * @property {string} presence_title
 * @property {string} status
 * @property {string} dialect
 * @property {string} dialect_title
 * @property {boolean} wanted
 * @property {number | null} last_seen
 * @property {string} error
 * @property {number | null} next_at
 * @property {number} attempt
 */

/**
 * The place of an entry among those of its author.
 * @typedef {Object} Place
 * @property {string} stream
 * @property {number} n
 */

/**
 * Why a request was refused. `retryable`: the same request, with its key, may work later.
 * @typedef {Object} Problem
 * @property {string} code
 * @property {string} message
 * @property {boolean} retryable
 */

/**
 * A QR code: the path of what is dark in a square of `side` modules, with the light around it.
 * @typedef {Object} QrCode
 * @property {string} path
 * @property {number} side
 */

/**
 * One event as JSON, with long texts cut.
 * @typedef {Object} Raw
 * @property {string} raw
 */

/**
 * Ask for one event as JSON.
 * @typedef {Object} RawEvent
 * @property {"event"} t
 * @property {number} n
 * @property {number} seq
 */

/**
 * Our entries of this stream up to number `n`, in this conversation, are delivered, or even `read`.
 * @typedef {Object} ReceiptOp
 * @property {"receipt"} op
 * @property {number} seq
 * @property {string} room
 * @property {string} stream
 * @property {number} n
 * @property {boolean} read
 * @property {Delivery} delivery
 */

/**
 * What became of a message for one of those it is for.
 * @typedef {Object} RecipientView
 * @property {string} name
 * @property {string} mark
 * @property {string} initials
 * @property {number} hue
 * @property {string} label
 * @property {string} tone
 * @property {number | null} at
 * @property {number | null} read_at
 * @property {string} why
 * @property {number | null} next_at
 */

/**
 * A peer, and its new local name; empty: the name it gives itself.
 * @typedef {Object} RenameArgs
 * @property {string} peer
 * @property {string} name
 */

/**
 * The answer to request number `n`, or why there is none.
 * @typedef {Object} ReplyFrame
 * @property {"reply"} t
 * @property {number} n
 * @property {unknown | null} [result]
 * @property {Problem | null} [problem]
 */

/**
 * It is no request any more: decided, here or elsewhere. `id`: its conversation's.
 * @typedef {Object} RequestGone
 * @property {"request_gone"} op
 * @property {string} id
 */

/**
 * Somebody asks to write, or something about that changed.
 * @typedef {Object} RequestOp
 * @property {"request"} op
 * @property {RequestView} request
 */

/**
 * Somebody who asks to write: the conversation as it would be, since when (ms), and who it may be taken for.
 * @typedef {Object} RequestView
 * @property {RoomView} room
 * @property {number} since
 * @property {Alike | null} alike
 */

/**
 * Each request with its answer, by its kind.
 * @typedef {Object} Requests
 * @property {{request: Send, answer: Said}} send
 * @property {{request: Secure, answer: SecureView}} secure
 * @property {{request: Doubt, answer: Meant}} doubt
 * @property {{request: Codes, answer: BothCodes}} codes
 * @property {{request: Compare, answer: Compared}} compare
 * @property {{request: Typing, answer: Done}} typing
 * @property {{request: Watch, answer: Done}} watch
 * @property {{request: Events, answer: EventPage}} events
 * @property {{request: RawEvent, answer: Raw}} event
 * @property {{request: UnknownRooms, answer: Gone}} unknown_rooms
 * @property {{request: Options, answer: unknown}} options
 * @property {{request: Change, answer: unknown}} change
 * @property {{request: Naming, answer: Named}} naming
 * @property {{request: Name, answer: Named}} name
 * @property {{request: Link, answer: Code}} link
 * @property {{request: ShutOutOthers, answer: Done}} shut_out
 */

/**
 * A message in state failed or unconfirmed, to be tried again.
 * @typedef {Object} ResendArgs
 * @property {number} message
 */

/**
 * A conversation is gone: merged into `into`, or (null) deleted. `name`: the name it had.
 * @typedef {Object} RoomGone
 * @property {"room_gone"} op
 * @property {number} seq
 * @property {string} id
 * @property {string | null} into
 * @property {string} name
 */

/**
 * A conversation is new or changed.
 * @typedef {Object} RoomOp
 * @property {"room"} op
 * @property {RoomView} room
 */

/**
 * One row of the conversation list, and the head of its conversation.
 * @typedef {Object} RoomView
 * @property {string} id
 * @property {string} name
 * @property {string} mark
 * @property {string} initials
 * @property {number} hue
 * @property {boolean} encrypted
 * @property {string} privacy
 * @property {string} privacy_title
 * @property {string[]} code
 * @property {boolean} verified
 * @property {DoubtView | null} doubt
 * @property {string[]} aliases
 * @property {number} unread
 * @property {number} read_upto
 * @property {number} place
 * @property {LastView | null} last
 * @property {string | null} peer
 * @property {string} address
 * @property {string} link
 * @property {string} presence
 * @property {string} presence_tone
 * @property {string} presence_title
 * @property {number | null} last_seen
 * @property {string} wait
 * @property {boolean} refused
 * @property {number | null} next_at
 * @property {number} typing
 * @property {string} status
 * @property {boolean} silent
 */

/**
 * New events in words, oldest first, after `skipped` others that came too quickly. For tabs that watch.
 * @typedef {Object} RowsFrame
 * @property {"rows"} t
 * @property {EventRow[]} rows
 * @property {number} skipped
 */

/**
 * A message as the node has stored it.
 * @typedef {Object} Said
 * @property {MessageView} message
 */

/**
 * Messages with all the words, newest first. `word*` is a prefix, "quoted words" a phrase. In scripts that put no
 * space between words, a part of a run is found, too. `before` asks for the next page.
 * @typedef {Object} SearchArgs
 * @property {string} query
 * @property {string | null} [room]
 * @property {number | null} [before]
 * @property {number} [limit]
 */

/**
 * Ask how the encrypted links with a node are, with both codes.
 * @typedef {Object} Secure
 * @property {"secure"} t
 * @property {number} n
 * @property {string} peer
 */

/**
 * All links with a node, the one in use first, and both codes as groups.
 * @typedef {Object} SecureView
 * @property {LinkView[]} links
 * @property {number} machines
 * @property {string} program
 * @property {string[]} mine
 * @property {string[]} theirs
 */

/**
 * This node's name or addresses changed.
 * @typedef {Object} SelfOp
 * @property {"self"} op
 * @property {SelfView} me
 */

/**
 * This node, for the frame.
 * @typedef {Object} SelfView
 * @property {string} id
 * @property {string} code
 * @property {string} name
 * @property {string} listen
 * @property {string[]} addresses
 */

/**
 * Send a text. `node`: the id of the conversation's node, because two nodes number their conversations alike.
 * @typedef {Object} Send
 * @property {"send"} t
 * @property {number} n
 * @property {string} key
 * @property {string} room
 * @property {string} text
 * @property {string | null} [node]
 */

/**
 * Shut out all other browsers; they need a link again.
 * @typedef {Object} ShutOutOthers
 * @property {"shut_out"} t
 * @property {number} n
 */

/**
 * One of those who may be meant: a title, its code as groups (of a plain peer: none), and where it is.
 * @typedef {Object} Side
 * @property {string} title
 * @property {string[]} code
 * @property {string} where
 */

/**
 * The state of one of our own messages changed. `marks` null: unchanged.
 * @typedef {Object} StateOp
 * @property {"state"} op
 * @property {number} seq
 * @property {string} room
 * @property {number} id
 * @property {Delivery} delivery
 * @property {Mark[] | null} marks
 */

/**
 * What became of a message: it was accepted at its `at`; one recipient for each peer it is for.
 * @typedef {Object} Told
 * @property {MessageView} message
 * @property {RecipientView[]} recipients
 */

/**
 * How many there are of all: a tab knows it before all pages of the lists have come.
 * @typedef {Object} Totals
 * @property {number} rooms
 * @property {number} peers
 * @property {number} unread
 * @property {number} requests
 */

/**
 * There are more or fewer of them.
 * @typedef {Object} TotalsOp
 * @property {"totals"} op
 * @property {Totals} totals
 */

/**
 * A peer with a warning. What a person decides by it: the address is that of the other key from now on, which has a
 * conversation of its own; a node that shares its name with another is what it says. `plain`: whoever is at this
 * address may be talked to in clear. `rival`: the other key whose code the person was shown; None: whichever answered
 * last.
 * @typedef {Object} TrustArgs
 * @property {string} peer
 * @property {boolean} [plain]
 * @property {string | null} [rival]
 */

/**
 * Somebody types in this conversation, or has stopped.
 * @typedef {Object} Typing
 * @property {"typing"} t
 * @property {number} n
 * @property {string} room
 * @property {boolean} [stopped]
 */

/**
 * Ask what became of conversations that the tab knows and the node doesn't any more.
 * @typedef {Object} UnknownRooms
 * @property {"unknown_rooms"} t
 * @property {number} n
 * @property {string[]} rooms
 */

/**
 * A node, and what a person compared with it: its code (in any spelling of the groups) or its PeerId.
 * @typedef {Object} VerifyArgs
 * @property {string} peer
 * @property {string} code
 */

/**
 * It has become doubtful who a peer is: to be shown at once, wherever the reader is. `room` null: it is gone.
 * @typedef {Object} WarnedOp
 * @property {"warned"} op
 * @property {number} seq
 * @property {string} peer
 * @property {string | null} room
 * @property {string} name
 * @property {string} text
 */

/**
 * Subscribe the tab to the Activity page's rows and figures, or unsubscribe it.
 * @typedef {Object} Watch
 * @property {"watch"} t
 * @property {number} n
 * @property {boolean} on
 */

export {};
