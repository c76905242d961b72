"""The system's errors in plain words: what happened, and what people can do about it."""

from __future__ import annotations

import asyncio
import errno

_WORDS = {
    errno.ECONNREFUSED: "Connection refused: nothing listens there. Is the other program on, and the port right?",
    errno.EHOSTUNREACH: "No route to that address. Is the other machine on, and on this network?",
    errno.ENETUNREACH: "No route to that network from this machine.",
    errno.ECONNRESET: "The other side reset the connection.",
    errno.EPIPE: "The other side reset the connection.",
    errno.ECONNABORTED: "The connection was aborted.",
    errno.EADDRNOTAVAIL: "That address can't be used from here.",
    errno.EACCES: "This machine doesn't allow that connection (a firewall here?).",
    errno.EPERM: "This machine doesn't allow that connection (a firewall here?).",
    errno.EMFILE: "Too many connections are open on this machine.",
    errno.ENFILE: "Too many connections are open on this machine.",
}
_TIMED_OUT = "No answer. The address may be wrong, the machine off, or a firewall in between."


def in_words(error: BaseException) -> str:
    """An error of a connection as a sentence."""
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return _TIMED_OUT
    if isinstance(error, OSError):
        if error.errno == errno.ETIMEDOUT:
            return _TIMED_OUT
        if error.errno in _WORDS:
            return _WORDS[error.errno]
        return f"The connection failed: {error.strerror or error}."
    return f"The connection failed: {str(error) or type(error).__name__}."
