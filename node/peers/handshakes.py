"""The bounds on handshakes that others begin: each costs this node two signatures before it knows who is there.

Those that this node begins don't count. How long one may take, the link says (protocol/secure).
"""

from __future__ import annotations

import collections
import logging
import time
from collections.abc import Callable

log = logging.getLogger("snicher.peers")

#: Most handshakes at once, in all and with one source. Further connections that want one are answered and closed.
MAX_HANDSHAKES, MAX_OF_SOURCE = 64, 8
#: Shortest time between two log lines about that, in seconds.
SAID = 60.0


class Handshakes:
    """The handshakes that others began and that aren't over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: The source of each, by the connection's number.
        self._sources: dict[int, str] = {}
        self._of_source: collections.Counter[str] = collections.Counter()
        #: Number of connections that were refused one since the start.
        self.refused = 0
        self._say_at = 0.0

    def __len__(self) -> int:
        return len(self._sources)

    def begin(self, number: int, source: str) -> bool:
        """Whether a connection may begin one; if so, it counts until `over`."""
        if len(self._sources) >= MAX_HANDSHAKES or self._of_source[source] >= MAX_OF_SOURCE:
            self._refuse(source)
            return False
        self._sources[number] = source
        self._of_source[source] += 1
        return True

    def over(self, number: int) -> None:
        """The handshake of a connection is over, if it had begun one: it is complete, or the connection ends."""
        source = self._sources.pop(number, None)
        if source is not None:
            self._of_source[source] -= 1
            if not self._of_source[source]:
                del self._of_source[source]

    def _refuse(self, source: str) -> None:
        self.refused += 1
        if not self._of_source[source]:
            del self._of_source[source]
        now = self._clock()
        if now >= self._say_at:
            self._say_at = now + SAID
            log.warning("%s wants an encrypted link while too many others begin one; it is refused", source)
