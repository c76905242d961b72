"""Links that open the dashboard once: their codes, kept as hashes in the memory of the running server.

Law of this file: no I/O; time comes in as an argument (seconds of a clock that only moves forward).
"""

from __future__ import annotations

import hashlib
import secrets

#: The name of a code in a link's query.
PARAMETER = "link"
#: Bytes of randomness in a code: too many to guess, so failed tries need not be counted.
CODE_BYTES = 24
#: Lifetime of an unused link, in seconds. A day is long enough to start the dashboard in the evening and open it the
#: next morning, and short enough that a line in an old log opens nothing.
LIFETIME_S = 24 * 3600.0
#: Most unused links. A person needs one for each browser; at the bound the oldest one stops working.
MAX_LINKS = 32


class Links:
    """The links that haven't been used yet."""

    def __init__(self) -> None:
        #: Hash of a code -> when it was made, oldest first.
        self._made: dict[bytes, float] = {}

    def make(self, now: float) -> str:
        """A new code."""
        code = secrets.token_urlsafe(CODE_BYTES)
        self._drop_old(now)
        while len(self._made) >= MAX_LINKS:
            del self._made[next(iter(self._made))]
        self._made[_hash(code)] = now
        return code

    def works(self, code: str, now: float) -> bool:
        """Whether a code is valid, without using it up."""
        self._drop_old(now)
        # The table holds hashes, so the time of a look-up reveals nothing about a code.
        return _hash(code) in self._made

    def use(self, code: str, now: float) -> bool:
        """Use a code up; returns whether it worked."""
        self._drop_old(now)
        return self._made.pop(_hash(code), None) is not None

    def clear(self) -> None:
        """Invalidate all links."""
        self._made.clear()

    def _drop_old(self, now: float) -> None:
        for code in [code for code, made in self._made.items() if now - made > LIFETIME_S]:
            del self._made[code]


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
