"""The hatch between the scripts of native pages and the server: the only way from a thread of Streamlit to the node.

Law of this file: it decides nothing and asks nobody itself. A script's thread hands a question through, and waits for
the answer; whoever stands behind (native.py) runs on the server's event loop.

Streamlit's own WebSocket has only the cookie, and a cookie alone allows neither reading nor writing (sessions.py says
why). So each question goes with the *pass*, which the page's head (components/native) gets from the browser's storage.
It is checked for every question: a session that was shut out is refused from the next one on.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import streamlit as st

from dashboard import activity, schema, viewmodel

_T = TypeVar("_T")

#: Where the script's session keeps the pass.
_WORD = "snicher pass"


class Visitor(NamedTuple):
    """Who asks: the host and the cookies of the tab's WebSocket, and the pass that the page has sent."""

    host: str
    cookies: tuple[str, ...]
    word: str


class Sight(NamedTuple):
    """What the server knows without asking the node. `figures`: the last ones, while a tab shows the Activity page."""

    model: viewmodel.Model
    figures: activity.Figures | None


class Problem(Exception):
    """Why a question got no answer, in words. `retryable`: the same question, with its key, may work later."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ShutOut(Exception):
    """The tab hasn't proved its pass (yet), or its session has ended."""


class Counter(Protocol):
    """Whoever stands behind the hatch. Each method may be called from any thread, and raises ShutOut."""

    def admits(self, visitor: Visitor) -> bool:
        """Whether the visitor has proved its pass."""

    def ask(self, visitor: Visitor, question: Any) -> Any:
        """Answer a request as a tab may send it. Raises Problem."""

    def read(self, visitor: Visitor, look: Callable[[Sight], _T]) -> _T:
        """What `look` finds in what the server knows without asking the node. Raises Problem."""


_counter: Counter | None = None


@contextlib.contextmanager
def open_to(counter: Counter) -> Iterator[None]:
    """Native pages are answered by `counter` while inside."""
    global _counter
    before, _counter = _counter, counter
    try:
        yield
    finally:
        _counter = before


def show_pass(word: str) -> None:
    """The page's head has sent its pass: keep it for this script's session."""
    st.session_state[_WORD] = word


def admitted() -> bool:
    """Whether this script's session may show anything of the node."""
    return _counter is not None and _counter.admits(_visitor())


def ask(question: Any) -> Any:
    """Put a question (of schema.py) to the server or the node; returns its answer. Raises Problem or ShutOut."""
    return _behind().ask(_visitor(), question)


def command(op: str, *, key: str | None = None, **args: Any) -> Any:
    """Give the node a command of the bus that schema.COMMANDS allows; returns its answer. Raises Problem or ShutOut.

    `key`: the idempotency key of one that changes something, if it is tried again; without it, it gets a new one.
    """
    return ask(schema.Command(0, op, msgspec.Raw(msgspec.json.encode(args)), key or new_id()))


def new_id() -> str:
    """An idempotency key."""
    return secrets.token_hex(16)


def read(look: Callable[[Sight], _T]) -> _T:
    """What `look` finds in what the server knows by itself. Raises Problem or ShutOut.

    `look` runs on the server's loop: it must be quick, and give back nothing that the server goes on changing.
    """
    return _behind().read(_visitor(), look)


def _behind() -> Counter:
    if _counter is None:
        raise Problem("The dashboard's server is just starting or stopping.", retryable=True)
    return _counter


def _visitor() -> Visitor:
    headers = st.context.headers
    word = st.session_state.get(_WORD)
    return Visitor(
        (headers.get("Host") or "").strip().lower(),
        tuple(headers.get_all("Cookie")),
        word if isinstance(word, str) else "",
    )
