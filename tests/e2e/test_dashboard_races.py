"""What meets in an unlucky order: slow, lost and late answers, a connection that breaks at a bad moment, a conversation
that goes while somebody looks at it, two tabs. Nothing here is left to chance: frames wait until the test lets them go.
"""

from __future__ import annotations

import json
import re

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from node.bus import messages as m
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, Visitor, standing, until
from tests.support.fake_node import FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

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
    const { t, n } = JSON.parse(text);
    asked.set(n, t);
    counts[t] = (counts[t] ?? 0) + 1;
    pass("words", t, () => send.call(this, text));
  };
  const { get, set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  const takeover = (socket, take) => (event) => {
    let frame = JSON.parse(event.data);
    const kind = frame.t === "reply" ? asked.get(frame.n) : frame.t;
    if (frame.t === "reply" && spoilt.has(kind)) {
      frame = { t: "reply", n: frame.n, problem: spoilt.get(kind) };
      spoilt.delete(kind);
    }
    pass("frames", kind, () => take({ data: JSON.stringify(frame) }));
  };
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    get, set(take) { set.call(this, ours(this) ? takeover(this, take) : take); },
  });
  window.wire = {
    keep: (way, kind) => kept[way].push(kind),
    let(way, kind) {
      kept[way] = kept[way].filter((one) => one !== kind);
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
    visitor = visit(**options)
    visitor.context.add_init_script(WIRE % json.dumps({"frames": list(frames), "words": list(words)}))
    return visitor


def room(tab: Page, name: str) -> Locator:
    return tab.locator(".list .room", has_text=name)


def bubble(tab: Page, text: str) -> Locator:
    return tab.locator(".log .row", has=tab.locator(".text", has_text=text))


def field(tab: Page) -> Locator:
    return tab.locator(".composer textarea")


def write(tab: Page, text: str) -> None:
    field(tab).fill(text)
    field(tab).press("Enter")


def choose(tab: Page, name: str, item: str) -> None:
    tab.get_by_role("button", name=f"More about {name}").click()
    tab.get_by_role("menuitem", name=item).click()


def merge(node: FakeNode, gone: m.Peer, into: m.Peer) -> None:
    """Somebody else merges two conversations."""
    node.on_loop(lambda: node._do_merge(m.MergeArgs(peer=gone.room, into=into.room)))


def delete(node: FakeNode, peer: m.Peer) -> None:
    node.on_loop(lambda: node._do_delete(m.PeerArgs(peer=peer.room)))


def read(node: FakeNode, peer: m.Peer) -> None:
    node.on_loop(lambda: node._do_mark_read(m.MarkReadArgs(room=peer.room)))


def ready(tab: Page, name: str) -> None:
    """The conversation is open and loaded."""
    expect(tab.locator(".talk h2")).to_have_text(name)
    expect(tab.locator(".rows.opening")).to_have_count(0)


# -- what was written


def test_an_old_text_can_be_sent_after_all(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    ready(tab, "bela")
    old = {"key": "a" * 32, "room": bela.room, "text": "from the day before", "at": now() - 48 * 3600_000}
    tab.evaluate("([name, text]) => localStorage.setItem(name, text)",
                 [f"snicher/{node.me.id}/out/{old['key']}", json.dumps(old)])  # fmt: skip
    tab.reload()
    expect(bubble(tab, "from the day before").locator(".state")).to_have_text("not sent")
    tab.get_by_role("button", name="Try again").click()
    expect(bubble(tab, "from the day before").locator(".state")).to_have_text("sent")
    assert [one.text for one in node.messages[bela.room]] == ["from the day before"]


def test_both_drafts_survive_a_merge(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    node.receive(twice, "said at home")
    tab = visit().open(twice.room)
    ready(tab, "twice")
    field(tab).fill("half a thought")
    room(tab, "bela").click()
    ready(tab, "bela")
    field(tab).fill("another half")
    room(tab, "twice").click()
    expect(field(tab)).to_have_value("half a thought")
    merge(node, twice, bela)
    ready(tab, "bela")
    expect(field(tab)).to_have_value(re.compile("half a thought"))
    expect(field(tab)).to_have_value(re.compile("another half"))


def test_what_is_merged_into_the_open_conversation_shows_there(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    node.receive(twice, "said at home")
    node.receive(bela, "said here")
    tab = visit().open(twice.room)
    ready(tab, "twice")
    field(tab).fill("half a thought")
    room(tab, "bela").click()
    ready(tab, "bela")
    field(tab).fill("another half")
    merge(node, twice, bela)
    expect(tab.locator(".log .row .text")).to_have_text(["said at home", "said here"])
    # What was half written stays as it is under the hands, and the other half is not lost.
    expect(field(tab)).to_have_value("another half\nhalf a thought")
    field(tab).press("ControlOrMeta+Home")
    field(tab).type("yet ")
    tab.reload()
    expect(field(tab)).to_have_value("yet another half\nhalf a thought")


def test_a_text_under_way_follows_its_conversation(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    tab = wired(visit).open(twice.room)
    wire = Wire(tab)
    ready(tab, "twice")
    wire.keep("send", way="words")
    write(tab, "on its way")
    merge(node, twice, bela)
    ready(tab, "bela")
    expect(bubble(tab, "on its way")).to_have_count(1)
    wire.let("send", way="words")
    expect(bubble(tab, "on its way").locator(".state")).to_have_text("sent")
    assert [one.text for one in node.messages[bela.room]] == ["on its way"]
    expect(tab.locator(".row[data-pending]")).to_have_count(0)


def test_a_text_whose_answer_was_lost_is_not_doubled_by_a_merge(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    tab = wired(visit, frames=("send",)).open(twice.room)
    wire = Wire(tab)
    ready(tab, "twice")
    wire.spoil("send")
    write(tab, "only once")
    expect(bubble(tab, "only once").locator(".state")).to_have_text("sent")
    wire.until_waits("send")
    wire.keep("send", way="words")
    wire.let("send")
    wire.until_waits("send", "words")
    merge(node, twice, bela)
    ready(tab, "bela")
    expect(bubble(tab, "only once")).to_have_count(1)
    # Asked again as it was, and known by that: not as something new in the other conversation.
    wire.let("send", way="words")
    write(tab, "and another")
    expect(bubble(tab, "and another").locator(".state")).to_have_text("sent")
    expect(bubble(tab, "only once")).to_have_count(1)
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    assert [one.text for one in node.messages[bela.room]] == ["only once", "and another"]


def test_a_text_sent_by_one_tab_waits_in_no_other(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")

    def refuse(command: m.Command) -> None:
        if command.op == "send":
            raise CommandRefused("no_address", "No address.")

    node.before = refuse
    visitor = visit()
    one = visitor.open(bela.room)
    write(one, "precious words")
    expect(bubble(one, "precious words").locator(".state")).to_have_text("not sent")
    two = visitor.open(bela.room)
    expect(bubble(two, "precious words").locator(".state")).to_have_text("not sent")
    node.before = lambda command: None
    one.get_by_role("button", name="Try again").click()
    expect(bubble(one, "precious words").locator(".state")).to_have_text("sent")
    expect(two.locator(".row[data-pending]")).to_have_count(0)
    expect(bubble(two, "precious words").locator(".state")).to_have_text("sent")


def test_what_a_closed_tab_left_is_sent_by_another(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    other = visitor.open(bela.room)
    ready(other, "bela")
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    write(tab, "kept for later")
    expect(bubble(tab, "kept for later").locator(".state")).to_have_text("not yet taken")
    tab.close()
    node.start()
    expect(bubble(other, "kept for later").locator(".state")).to_have_text("sent")
    assert [one.text for one in node.messages[bela.room]] == ["kept for later"]


def test_what_was_taken_before_a_reload_stands_there_once(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = wired(visit, frames=("send",)).open(bela.room)
    wire = Wire(tab)
    ready(tab, "bela")
    write(tab, "only once")
    until(lambda: node.messages.get(bela.room), "the node has it")
    tab.reload()
    until(lambda: wire.asked("send") == 1, "the page asks again")
    expect(tab.locator(".log .row").first).to_be_visible()
    expect(tab.locator(".log .row")).to_have_count(1)
    expect(bubble(tab, "only once").locator(".state")).to_have_text("sent")
    wire.until_waits("send")
    wire.let("send")
    expect(tab.locator(".log .row")).to_have_count(1)
    # The same words once more are another message.
    write(tab, "only once")
    expect(tab.locator(".log .row")).to_have_count(2)
    until(lambda: len(node.messages[bela.room]) == 2, "the node has both")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)


def test_a_text_for_one_node_is_never_sent_by_another(
    node: FakeNode, dashboard: Dashboard, visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = True
    dashboard.stop()
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "for bela only")
    field(tab).fill("half a thought")
    home = tmp_path_factory.mktemp("other")
    token = home / "dashboard.token"
    token.write_bytes((node.home / "dashboard.token").read_bytes())
    token.chmod(0o600)
    other = FakeNode(home, "zoe")
    other.me = replace(other.me, id="z" * 52)
    with other:
        zoran = other.add_peer("zoran")
        assert zoran.room == bela.room, "both count from one"
        server = Dashboard(home, dashboard.port).start()
        try:
            expect(tab.locator(".frame .me .name")).to_have_text("zoe")
            expect(tab.locator(".talk h2")).to_have_text("zoran")
            expect(tab.locator(".row[data-pending]")).to_have_count(0)
            expect(field(tab)).to_have_value("")
            write(tab, "hello zoran")
            expect(bubble(tab, "hello zoran").locator(".state")).to_have_text("sent")
            assert [one.text for one in other.messages[zoran.room]] == ["hello zoran"]
        finally:
            server.stop()
    dashboard.start()
    expect(bubble(tab, "for bela only").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("half a thought")
    assert [one.text for one in node.messages[bela.room]] == ["for bela only"]
