"""The words that people read for the values of the bus: a short one for a table or a chip, and a sentence that explains
it. The dashboard and the terminal take them from here, BUS.md section 9 lists them, and a test compares the two.

Law of this file: pure data and choosing among it. Plain English, no name of anybody, nothing that a peer wrote. A short
word stands beside its subject; a sentence stands alone. Each table has a word for every value that the schemas name; a
value that this version doesn't know is shown as it is (`of`).
"""

from __future__ import annotations

import msgspec

from node.bus import nouns


class Word(msgspec.Struct, frozen=True):
    """A value as people read it: a few letters, and a whole sentence."""

    short: str
    sentence: str


#: How somebody's connection is: the values of a peer's `link`, and what `presence_of` makes of it.
LINK = {
    "online": Word("online", "A connection with them stands."),
    "away": Word("away", "A connection with them stands, and they say that they are away."),
    "connecting": Word("connecting", "Your node is trying to reach them right now."),
    "reachable": Word("reachable", "They take one message at a time, and the last one got through."),
    "quiet": Word("quiet", "They were here, but have neither been heard nor tried since."),
    "offline": Word("offline", "They have left, or the last try to reach them failed."),
    "unknown": Word("not tried yet", "Nobody here has tried to reach them yet, and nothing was heard from them."),
    "gone": Word("not on your list", "Somebody here took them off the list of peers; the conversation stays."),
}

#: Whether others on the network can read along.
PRIVACY = {
    "encrypted": Word("encrypted", "Encrypted: only your node and theirs can read what is said from now on."),
    "plain": Word(
        "plain",
        "Not encrypted: they use a plain client, so others on the network can read along. Keep secrets out of it.",
    ),
    "clear": Word(
        "said in clear", "Said in clear: others on the network could read it. What is said now is encrypted."
    ),
}

#: Whether it is certain who somebody is.
TRUST = {
    "verified": Word("verified", "Verified: somebody here has compared their code."),
    "unverified": Word("not verified", "Not verified: nobody here has compared their code yet."),
    "doubt": Word("in doubt", "It is in doubt who this is; the warning says why, and what you can decide."),
}

#: Who somebody is to the people here: the values of a peer's `standing`.
STANDING = {
    "stranger": Word("a stranger", "They have spoken, and nobody here has answered yet."),
    "known": Word("known", "Somebody here has written to them, named them, or dealt with them in another way."),
    "asked": Word("asked for", "Somebody here gave their very address to be dialled."),
}

#: What somebody's program is: the values of a peer's `kind`.
KIND = {
    "node": Word("a node", "They run Snicher: everything said is encrypted, and delivery is confirmed."),
    "plain": Word("a plain client", "They use an older program that can't encrypt, and can't confirm what arrived."),
}

#: What becomes of an own message: the values of its `state`.
DELIVERY = {
    "waiting": Word("waiting", "It is on this machine's disk, and goes out as soon as they can be reached."),
    "sending": Word("sending", "It is being handed over right now."),
    "sent": Word("sent", "It was handed over. A plain client can't confirm that it arrived."),
    "delivered": Word("delivered", "It is on their node's disk."),
    "read": Word("read", "They have read it."),
    "failed": Word("failed", "It could not be sent, and isn't tried again by itself."),
    "unconfirmed": Word("unconfirmed", "The connection broke while it was being sent. They may have it, or not."),
}

#: What a line of a conversation is: the values of a message's `kind`.
MESSAGE = {
    "text": Word("a message", "Somebody wrote this."),
    "notice": Word("a notice", "A hello, a good-bye or the like; it never counts as unread."),
    "deleted": Word("deleted", "It was deleted since."),
    "unknown": Word("can't be shown", "It was sent in a form that this version of Snicher can't show."),
}

#: What else is true of a message: its `marks`.
MARK = {
    "altered": Word(
        "altered", "It was changed a little before sending, so that the other client doesn't take it for a command."
    ),
    "not-utf8": Word("odd bytes", "Parts of it were not text, and are shown as \N{REPLACEMENT CHARACTER}."),
    "parts": Word("in parts", "It was too long for a plain client in one piece, and was sent in numbered parts."),
}

#: What a peer speaks: the values of its `dialect`.
DIALECT = {
    "snicher": Word("snicher", "What Snicher and plain clients that stay connected speak."),
    "std": Word("std", "The usual plain form: one message for each connection."),
    "angle@": Word("angle@", "Address and name in angle brackets with an @ between, and a mark at the end."),
    "angle-ts": Word("angle-ts", "Address, time and name in brackets."),
    "angle1": Word("angle1", "Address in angle brackets, all on one line."),
    "labelled": Word("labelled", "Fields with labels, as LISTENING_PORT:6000."),
    "portline": Word("portline", "Its port on a line of its own, then a line for each message."),
    "json": Word("json", "Messages as JSON objects."),
    "unknown": Word("not known yet", "Nobody knows yet which form they speak; it is found out with the first message."),
}

#: How a peer's dialect is known: the values of its `dialect_from`.
DIALECT_FROM = {
    "guess": Word("a guess", "That is a guess so far; the first message from them settles it."),
    "seen": Word("spoken", "They have spoken it."),
    "chosen": Word("chosen", "Somebody here chose it."),
}

#: How an address was learnt: the values of a path's `how`.
HOW = {
    "typed": Word("typed", "Somebody here gave it."),
    "invite": Word("from an invite", "It stood in an invite."),
    "name": Word("looked up", "A host name leads there."),
    "mdns": Word("announced", "It was announced on this network."),
    "exchange": Word("told by a node", "Another node told it."),
    "seen": Word("called from there", "They called from there."),
}

#: How looking for others goes: the values of `state` of `nearby`.
NEARBY = {
    "on": Word("looking", "Your node looks for others on this network, and is found by them."),
    "deaf": Word("not heard", "This network doesn't pass on the question who is there, so nobody is found on it."),
    "failing": Word("can't look", "Your node can't look for others on this network now; it tries again."),
    "no_network": Word("no network", "This machine is on no network now; looking goes on when it is."),
    "local": Word("not looking", "Your node listens where only this machine reaches it, so nobody else finds it."),
    "off": Word("not looking", "Finding others is switched off in the settings."),
}

#: What came of greeting a mandatory peer: the values of a greeting's `outcome`.
GREETING = {
    "skipped": Word("passed over", "This machine isn't in that peer's network."),
    "calling": Word("being called", "It is greeted as soon as it answers."),
    "greeted": Word("greeted", "The greeting was handed over."),
    "failed": Word("could not be greeted", "It didn't take the greeting; it is tried once at each start."),
}

#: How something that the doctor looked at is: the values of `state` of a diagnosis and all in it.
EXAMINED = {
    "well": Word("well", "It works."),
    "doubtful": Word("doubtful", "It may be in the way."),
    "fails": Word("fails", "It doesn't work."),
    "untried": Word("not tried", "It could not be found out, or not yet."),
}

#: What came of trying a path: the values of `answer` of a triedpath.
ANSWER = {
    "linked": Word("linked", "A connection stands there now."),
    "open": Word("open", "They answered there."),
    "seen": Word("seen", "They announce themselves on this network."),
    "refused": Word("refused", "The machine is there, but no program listens on that port."),
    "no answer": Word(
        "no answer", "Nothing came back: the machine is off, the address is wrong, or a firewall drops it."
    ),
    "no route": Word("no route", "This machine knows no way to that address."),
    "not seen": Word("not seen", "Nobody announces them on this network."),
    "other key": Word("other key", "Somebody with another key answers there."),
    "no node": Word("no node", "Something answers there that is no node."),
    "untried": Word("not tried", "It was not tried, or not yet."),
}

#: All tables, by the name that BUS.md gives them.
TABLES: dict[str, dict[str, Word]] = {
    "link": LINK,
    "privacy": PRIVACY,
    "trust": TRUST,
    "standing": STANDING,
    "kind of a peer": KIND,
    "state of a message": DELIVERY,
    "kind of a message": MESSAGE,
    "marks": MARK,
    "dialect": DIALECT,
    "dialect_from": DIALECT_FROM,
    "how": HOW,
    "nearby": NEARBY,
    "outcome": GREETING,
    "diagnosis": EXAMINED,
    "answer": ANSWER,
}


def of(table: dict[str, Word], value: str) -> Word:
    """The word for a value; for one that this version doesn't know, the value itself, which others may have written."""
    return table.get(value) or Word(value, f"This version of Snicher doesn't know what “{value}” means.")


def link_key(link: str, said: str = "", *, heard: bool = False) -> str:
    """Which word of LINK tells how somebody is. `said`: a node's `presence`; `heard`: whether `last_seen` is known."""
    if link == "online" and said == "away":
        return "away"
    # A one-shot peer that was not heard of for long is no more "not tried yet" than one that was never heard of.
    return "quiet" if link == "unknown" and heard else link


def link_of(peer: nouns.Peer) -> Word:
    """How somebody is."""
    return of(LINK, link_key(peer.link, peer.presence, heard=peer.last_seen is not None))


def privacy(encrypted: bool) -> Word:
    """Whether others on the network can read along."""
    return PRIVACY["encrypted" if encrypted else "plain"]


def trust_of(peer: nouns.Peer) -> Word | None:
    """Whether it is certain who somebody is; None: it can't be known of a plain client, and nothing is in doubt."""
    if peer.warning is not None:
        return TRUST["doubt"]
    if peer.kind != "node":
        return None
    return TRUST["verified" if peer.verified else "unverified"]


def dialect_of(peer: nouns.Peer) -> Word:
    """What a peer speaks and how that is known: the short word says when it is only a guess."""
    if peer.kind == "node":
        # Nothing about it is a guess: its key has answered.
        return Word(DIALECT["snicher"].short, KIND["node"].sentence)
    spoken = of(DIALECT, peer.dialect)
    if peer.dialect == "unknown":
        return spoken
    how = of(DIALECT_FROM, peer.dialect_from)
    short = f"{spoken.short} ({how.short})" if peer.dialect_from == "guess" else spoken.short
    return Word(short, f"{spoken.sentence} {how.sentence}")
