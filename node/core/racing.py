"""One round of tries at the addresses of a node, as RFC 8305 (happy eyeballs) has it. Pure.

The next address is tried STAGGER_MS after the last try began, or at once when that one failed. The first link that is
open with the right key wins; dialling.py hangs up the others. A node that has been looked up meanwhile gets its new
addresses in the same round.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable

from node.model import Address

#: How long one address has for itself before the next is tried beside it (ms). RFC 8305, section 5, recommends this.
STAGGER_MS = 250
#: Most tries under way at one node. With so many, the next waits until one of them has ended.
MAX_AT_ONCE = 4


class Race:
    """The round of one node. It is over when it has no address left, no try under way, and no look-up."""

    def __init__(self, addresses: Iterable[Address], *, looking_up: int = 0) -> None:
        self._left = collections.deque(dict.fromkeys(addresses))
        self._known = set(self._left)
        #: The tries under way: link -> address.
        self.links: dict[int, Address] = {}
        #: Look-ups of host names that haven't ended.
        self.looking_up = looking_up
        #: When the next address may be tried (ms); None: at once.
        self._next_at: int | None = None
        self._failed: list[tuple[Address, str]] = []

    @property
    def over(self) -> bool:
        """Whether nothing is left to hope for."""
        return not (self._left or self.links or self.looking_up)

    def next_at(self) -> int | None:
        """When `take` gives an address (ms); 0: now. None: not before a try ends, or never."""
        if not self._left or len(self.links) >= MAX_AT_ONCE:
            return None
        return self._next_at or 0

    def take(self, now: int) -> Address | None:
        """The address to try now, which is taken off the list. None: there is none now."""
        at = self.next_at()
        if at is None or at > now:
            return None
        return self._left.popleft()

    def began(self, link: int, address: Address, now: int) -> None:
        """A try at this address has begun."""
        self.links[link] = address
        self._next_at = now + STAGGER_MS

    def wait(self, address: Address, now: int) -> None:
        """The try can't begin now, because too many are under way elsewhere: the address is tried a little later."""
        self._left.appendleft(address)
        self._next_at = now + STAGGER_MS

    def failed(self, link: int, reason: str) -> None:
        """A try has ended without success: the next may begin at once."""
        address = self.links.pop(link)
        self._failed.append((address, reason))
        self._next_at = None

    def add(self, addresses: Iterable[Address]) -> None:
        """Further addresses became known; those that were tried in this round aren't tried again."""
        new = [one for one in dict.fromkeys(addresses) if one not in self._known]
        self._left.extend(new)
        self._known.update(new)

    def stop(self) -> None:
        """Begin no further try."""
        self._left.clear()
        self.looking_up = 0

    def shift(self, by: int) -> None:
        """The wall clock was set by `by` ms."""
        if self._next_at is not None:
            self._next_at += by

    def reason(self) -> str | None:
        """Why the round failed, as a sentence. None: nothing was tried."""
        if not self._failed:
            return None
        first = self._failed[0][1]
        if len(self._failed) == 1:
            return first
        return f"None of its {len(self._failed)} addresses works. At {self._failed[0][0]}: {first}"
