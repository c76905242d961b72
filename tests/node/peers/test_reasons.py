"""Errors of connections as sentences that people can act upon."""

from __future__ import annotations

import errno
import os

import pytest

from node.peers.reasons import in_words


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "nothing listens there"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "reset the connection"),
        (BrokenPipeError(errno.EPIPE, "x"), "reset the connection"),
        (OSError(errno.EHOSTUNREACH, "x"), "No route to that address"),
        (OSError(errno.ENETUNREACH, "x"), "No route to that network"),
        (OSError(errno.EMFILE, "x"), "Too many connections"),
        (TimeoutError(), "No answer"),
        (OSError(errno.ETIMEDOUT, "x"), "No answer"),
        (OSError(errno.EBADMSG, os.strerror(errno.EBADMSG)), os.strerror(errno.EBADMSG)),
        (ValueError("odd"), "odd"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_an_error_is_a_sentence(error: Exception, says: str) -> None:
    words = in_words(error)
    assert says in words
    assert words[0].isupper()
    assert words.endswith((".", "?"))
    assert "Errno" not in words
