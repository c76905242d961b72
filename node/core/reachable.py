"""Which one-shot peers count as reachable, and how long: most of them leave without a good-bye. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from node.core.contact import Contact

#: How long a one-shot client counts as reachable after it was heard or reached. A quarter of an hour outlasts a short
#: break, and the pauses between any client's signs of life.
REACHABLE_MS = 15 * 60_000
#: Most peers that stop counting as reachable in one step: after a night, thousands may be due at the same moment.
MAX_AGED = 500


class Reachable:
    """Peers that count as reachable, each with the end of that (ms), soonest first."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[Contact, int]] = {}

    def shown(self, contact: Contact, now: int) -> None:
        """It was heard or reached: its time begins anew."""
        self.over(contact)
        self._until[contact.id] = contact, now + REACHABLE_MS

    def over(self, contact: Contact) -> None:
        """It counts as reachable no longer."""
        self._until.pop(contact.id, None)

    def all(self) -> list[Contact]:
        """Those that may be dialled, the most recently heard or reached one last."""
        return [contact for contact, _ in self._until.values() if contact.targets and not contact.gone]

    def next_deadline(self) -> int | None:
        """When the next one's time is over (ms)."""
        return next(iter(self._until.values()))[1] if self._until else None

    def aged(self, now: int) -> Iterator[Contact]:
        """Take those whose time is over, at most MAX_AGED of them."""
        for _ in range(MAX_AGED):
            at = self.next_deadline()
            if at is None or at > now:
                return
            yield self._until.pop(next(iter(self._until)))[0]

    def shift(self, by: int) -> None:
        """The wall clock was set by `by` ms: move all deadlines along."""
        self._until = {id_: (contact, at + by) for id_, (contact, at) in self._until.items()}
