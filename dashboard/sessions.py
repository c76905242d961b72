"""The sessions of browsers that are let in. A session lives in the memory of this server only, and ends with it.

Law of this file: no I/O. Everything runs on the server's event loop, so there is no lock.

A session has two secrets. The browser sends the *cookie* with every request to our host. Cookies aren't bound to a
port, so a server on another port of the host may see it. The *pass* is kept in the storage of our origin, which is
bound to the port; the page sends it over the live connection. Messages go over that connection only, so a cookie alone
can't read chats.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable

#: Bytes of randomness in a cookie and in a pass.
SECRET_BYTES = 24
#: Most sessions: a browser needs one, and makes another when it returns. At the bound the least recently used one ends;
#: its browser returns by its key.
MAX_SESSIONS = 256


class Session:
    """One browser that is let in. `host`: the only Host its cookie is valid for. `browser`: the id of its key."""

    def __init__(self, host: str, browser: str | None) -> None:
        self.host = host
        self.browser = browser
        self.ended = False
        #: Callables, each of which closes one stream (WebSocket) of this session.
        self._streams: set[Callable[[], None]] = set()

    def add(self, close: Callable[[], None]) -> None:
        """Have `close` called when the session ends."""
        self._streams.add(close)

    def discard(self, close: Callable[[], None]) -> None:
        """A stream has ended by itself: forget its `close`."""
        self._streams.discard(close)

    def end(self) -> None:
        """Close all streams of the session."""
        self.ended = True
        for close in list(self._streams):
            close()
        self._streams.clear()


class Sessions:
    """All sessions of this server; `cookie` is the cookie's name."""

    def __init__(self, cookie: str) -> None:
        self.cookie = cookie
        #: Hash of the cookie -> session and hash of its pass, the least recently used one first.
        self._known: dict[bytes, tuple[Session, bytes]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def begin(self, host: str, browser: str | None = None) -> tuple[str, str]:
        """Let a browser in; returns the cookie's value and the pass."""
        while len(self._known) >= MAX_SESSIONS:
            session, _ = self._known.pop(next(iter(self._known)))
            session.end()
        cookie, word = secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        self._known[_hash(cookie)] = (Session(host, browser), _hash(word))
        return cookie, word

    def find(self, host: str, cookies: Iterable[bytes]) -> Session | None:
        """The session of a request with this Host and these Cookie headers."""
        for line in cookies:
            for pair in line.decode("latin-1").split(";"):
                name, _, value = pair.strip().partition("=")
                if name != self.cookie:
                    continue
                key = _hash(value)
                found = self._known.get(key)
                if found and found[0].host == host:
                    # The most recently used one goes to the end.
                    self._known[key] = self._known.pop(key)
                    return found[0]
        return None

    def passes(self, word: str, host: str) -> bool:
        """Whether `word` is the pass of a session of this host.

        The pass of any such session is accepted. Tabs of one browser that return at the same time each begin a session,
        and the storage that they share may end up with the pass of one and the cookie of another.
        """
        return self.whose(word, host) is not None

    def whose(self, word: str, host: str) -> Session | None:
        """The session of this host that has this pass."""
        offered = _hash(word)
        for session, own in self._known.values():
            if session.host == host and hmac.compare_digest(offered, own):
                return session
        return None

    def end_others(self, but: Session | None) -> None:
        """End all sessions but those of one browser: this session, and others with the same key."""
        for key, (session, _) in list(self._known.items()):
            same_key = but and but.browser and (session.host, session.browser) == (but.host, but.browser)
            if session is not but and not same_key:
                del self._known[key]
                session.end()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
