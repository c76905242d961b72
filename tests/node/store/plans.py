"""Random lives of a node, for properties: a plan is a list of small numbers, which `live` turns into decisions."""

from __future__ import annotations

from hypothesis import strategies as st

from node.core.contact import Contact
from tests.node.store.story import Story

Step = tuple[int, int, int]
Plan = list[Step]

plans = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 5), st.integers(0, 60)), max_size=40)

STATES = ("sending", "sent", "waiting", "failed", "unconfirmed")
WORDS = ("red", "green", "blue", "上海", "Äpfel")


def live(story: Story, plan: Plan, ours: list[tuple[Contact, int]] | None = None) -> None:
    """Let a story happen. Every kind of record occurs; merges and deletions too. `ours` is kept over several calls."""
    ours = [] if ours is None else ours
    for what, who, detail in plan:
        known = list(story.contacts.by_id.values())
        if what == 0 or not known:
            # Half of them are known by name only, and may be merged when they say their port.
            port = None if detail % 2 else 5000 + who % 2
            if port is None or story.contacts.at(f"10.0.0.{who % 3}", port) is None:
                story.meet(f"10.0.0.{who % 3}", port, f"name {who}")
            continue
        contact = known[who % len(known)]
        if what in (1, 2):
            story.hear(contact, *(f"{WORDS[(detail + n) % 5]} {WORDS[who % 5]}" for n in range(1 + detail % 3)))
        elif what == 3:
            ours.append((contact, story.say(contact, f"{WORDS[detail % 5]} mine")))
        elif what == 4 and ours:
            contact, message = ours[detail % len(ours)]
            room = next((c.peer.room for c in known if c is contact), None)
            if room is not None:
                marks = ["parts"] if detail % 4 == 0 else None
                story.rooms.state(room, message, contact.id, STATES[detail % 5], "why" if detail % 3 else None, marks)  # type: ignore[arg-type]
        elif what == 5:
            room_now = story.rooms.by_id[contact.peer.room]
            newest = story.ledger.last_message
            if newest > room_now.read_upto:
                story.rooms.read(room_now.id, newest, 0)
        elif what == 6:
            story.notice(contact, "said hello")
        elif what == 7 and contact.peer.port is None:
            merged = story.claim(contact, 5000 + detail % 2)
            ours[:] = [(merged if c is contact else c, message) for c, message in ours]
        elif what == 8:
            story.contacts.change(contact, link=("online", "offline")[detail % 2], name=f"name {detail}")
        elif what == 9:
            if contact.gone:
                story.contacts.revive(contact)
            else:
                story.contacts.forget(contact)
        elif what == 10:
            story.contacts.rename(contact, ("", "mine", "yours")[detail % 3])
        elif what == 11:
            other = known[detail % len(known)]
            if other is not contact:
                story.unite(contact, other)
                ours[:] = [(other if c is contact else c, message) for c, message in ours]
        elif what == 12:
            story.contacts.delete(contact)
            ours[:] = [(c, message) for c, message in ours if c is not contact]
        elif what == 13:
            story.say_to(known[who % len(known) :][: 1 + detail % 3], f"{WORDS[detail % 5]} to all")
        elif what == 14 and story.sent_to:
            message = list(story.sent_to)[detail % len(story.sent_to)]
            peer = list(story.sent_to[message])[who % len(story.sent_to[message])]
            why = (None, "why", "because")[(detail + who) % 3]
            story.become(message, peer, STATES[detail % 5], why, ["parts"] if detail % 4 == 0 else None)
