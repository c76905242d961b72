"""The way between a page and the server, on which a test decides what goes on and when; and what else tests of an
unlucky order have in common. Nothing is left to chance: frames wait until the test lets them go.

What is about logic alone is tested without a browser, in tests/dashboard/js. A browser shows focus, layout, scrolling,
what several tabs have in common, and Streamlit's own connection.
"""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, WebSocketRoute, expect

from node.bus import nouns
from node.bus import requests as rq
from tests.e2e.browser import Visit, Visitor, until
from tests.support.fake_node import FakeNode

#: Stands in the WebSocket's way. Words of the page and frames of the server wait by their kind (that of an answer is
#: that of its question); an answer may be spoilt, once; the connection may be cut.
WIRE = """
(() => {
  const kept = %s, waiting = { words: [], frames: [] }, asked = new Map(), counts = {}, spoilt = new Map();
  const ours = (socket) => socket.url.endsWith("/live");
  const send = WebSocket.prototype.send;
  let live = null;
  const pass = (way, kind, go) => (kept[way].includes(kind) ? waiting[way].push({ kind, go }) : go());
  WebSocket.prototype.send = function (text) {
    if (!ours(this)) return send.call(this, text);
    live = this;
    const { t, op, n } = JSON.parse(text);
    const kind = op ?? t;
    asked.set(n, kind);
    counts[kind] = (counts[kind] ?? 0) + 1;
    pass("words", kind, () => send.call(this, text));
  };
  const { get, set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  const takeover = (take) => ({ data }) => {
    const frame = JSON.parse(data);
    const answer = frame.t === "reply";
    const kind = answer ? asked.get(frame.n) : frame.t;
    pass("frames", kind, () => {
      const problem = answer && spoilt.get(kind);
      if (problem) spoilt.delete(kind);
      take({ data: problem ? JSON.stringify({ t: "reply", n: frame.n, problem }) : data });
    });
  };
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    get, set(take) { set.call(this, ours(this) ? takeover(take) : take); },
  });
  window.wire = {
    keep: (way, kind) => kept[way].push(kind),
    let(way, kind, on) {
      if (!on) kept[way] = kept[way].filter((one) => one !== kind);
      const now = waiting[way].filter((one) => one.kind === kind);
      waiting[way] = waiting[way].filter((one) => one.kind !== kind);
      for (const { go } of now) go();
    },
    waits: (way, kind) => waiting[way].filter((one) => one.kind === kind).length,
    asked: (kind) => counts[kind] ?? 0,
    spoil: (kind, problem) => spoilt.set(kind, problem),
    cut: () => live.close(),
  };
})();
"""
LOST = {"code": "lost", "message": "No answer in time.", "retryable": True}


class Wire:
    """The way between a page and the server, as the test wants it."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab

    def _do(self, what: str, *given: object) -> object:
        return self.tab.evaluate("([what, given]) => window.wire[what](...given)", [what, list(given)])

    def keep(self, *kinds: str, way: str = "frames") -> None:
        """From now on these wait."""
        for kind in kinds:
            self._do("keep", way, kind)

    def let(self, *kinds: str, way: str = "frames") -> None:
        """What waited goes on, and waits no more."""
        for kind in kinds:
            self._do("let", way, kind)

    def let_one(self, kind: str) -> None:
        """What waited goes on; what comes next waits again."""
        self._do("let", "frames", kind, True)

    def until_waits(self, kind: str, way: str = "frames") -> None:
        until(lambda: self._do("waits", way, kind), f"{kind} waits")

    def asked(self, kind: str) -> int:
        return int(str(self._do("asked", kind)))

    def spoil(self, kind: str, problem: dict[str, object] = LOST) -> None:
        """The next answer to such a question is this problem."""
        self._do("spoil", kind, problem)

    def cut(self) -> None:
        """The connection breaks; the page may speak with the server again when `mend` says so."""
        self.keep("hello", way="words")
        self._do("cut")
        self.until_waits("hello", "words")

    def mend(self) -> None:
        self.let("hello", way="words")


def wired(visit: Visit, frames: tuple[str, ...] = (), words: tuple[str, ...] = (), **options: object) -> Visitor:
    """A visitor whose pages have a Wire; these wait from the beginning."""
    return rewire(visit(**options), frames, words)


def rewire(visitor: Visitor, frames: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> Visitor:
    """The same for pages that are opened from now on."""
    visitor.context.add_init_script(WIRE % json.dumps({"frames": list(frames), "words": list(words)}))
    return visitor


class Stream:
    """Streamlit's own connection, which may be shut while ours is open."""

    def __init__(self, visitor: Visitor) -> None:
        self.shut = False
        #: What was said to Streamlit.
        self.said: list[bytes] = []
        visitor.context.route_web_socket(re.compile("/_stcore/stream"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.shut:
            socket.close()
            return
        server = socket.connect_to_server()

        def say(message: str | bytes) -> None:
            self.said.append(message if isinstance(message, bytes) else message.encode())
            server.send(message)

        socket.on_message(say)


def merge(node: FakeNode, gone: nouns.Peer, into: nouns.Peer) -> None:
    """Somebody else merges two conversations."""
    node.on_loop(lambda: node._do_merge(rq.MergeArgs(peer=gone.room, into=into.room)))


def delete(node: FakeNode, peer: nouns.Peer) -> None:
    node.on_loop(lambda: node._do_delete(rq.PeerArgs(peer=peer.room)))


def read(node: FakeNode, peer: nouns.Peer) -> None:
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=peer.room)))


def choose(tab: Page, name: str, item: str) -> None:
    tab.get_by_role("button", name=f"More about {name}").click()
    tab.get_by_role("menuitem", name=item).click()


def ready(tab: Page, name: str) -> None:
    """The conversation is open and loaded."""
    expect(tab.locator(".talk h2")).to_have_text(name)
    expect(tab.locator(".rows.opening")).to_have_count(0)
