"""What meets in an unlucky order: slow, lost and late answers, a connection that breaks at a bad moment, a conversation
that goes while somebody looks at it, two tabs. Nothing here is left to chance: frames wait until the test lets them go.
"""

from __future__ import annotations

import json
import re
import shutil

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, WebSocketRoute, expect

from dashboard import place
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, Visitor, bubble, field, room, until, write
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
    visitor = visit(**options)
    visitor.context.add_init_script(WIRE % json.dumps({"frames": list(frames), "words": list(words)}))
    return visitor


def choose(tab: Page, name: str, item: str) -> None:
    tab.get_by_role("button", name=f"More about {name}").click()
    tab.get_by_role("menuitem", name=item).click()


def merge(node: FakeNode, gone: nouns.Peer, into: nouns.Peer) -> None:
    """Somebody else merges two conversations."""
    node.on_loop(lambda: node._do_merge(rq.MergeArgs(peer=gone.room, into=into.room)))


def delete(node: FakeNode, peer: nouns.Peer) -> None:
    node.on_loop(lambda: node._do_delete(rq.PeerArgs(peer=peer.room)))


def read(node: FakeNode, peer: nouns.Peer) -> None:
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=peer.room)))


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


def test_half_a_character_stops_nothing(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    ready(tab, "bela")
    # As a cut in the middle of an emoji leaves it; it can't be told in UTF-8.
    field(tab).evaluate("area => { area.value = 'cut \\ud83d here'; area.dispatchEvent(new Event('input')); }")
    field(tab).press("Enter")
    expect(tab.locator(".log .row .state")).to_have_text("sent")
    write(tab, "and \N{GRINNING FACE} goes on")
    until(lambda: len(node.messages[bela.room]) == 2, "the node has both")
    texts = ["cut \ufffd here", "and \N{GRINNING FACE} goes on"]
    assert [one.text for one in node.messages[bela.room]] == texts
    expect(tab.locator(".log .row .text")).to_have_text(texts)


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


def merged_unheard(node: FakeNode, dashboard: Dashboard, tab: Page, *steps: tuple[nouns.Peer, nouns.Peer]) -> None:
    """The dashboard's server is down while conversations are merged: no tab, and no server, ever hears of it."""
    dashboard.leave(tab)
    write(tab, "precious words")
    field(tab).fill("half a thought")
    for twice, into in steps:
        merge(node, twice, into)
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()


def test_what_was_written_follows_a_merge_that_nobody_heard_of(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela, cian, dana = node.add_peer("bela"), node.add_peer("cian"), node.add_peer("dana")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = True
    merged_unheard(node, dashboard, tab, (bela, cian), (cian, dana))
    ready(tab, "dana")
    expect(bubble(tab, "precious words").locator(".state")).to_have_text("sent")
    expect(field(tab)).to_have_value("half a thought")
    expect(tab.locator(".row[data-pending]")).to_have_count(0)
    assert [one.text for one in node.messages[dana.room]] == ["precious words"]
    # An old link leads there as well.
    late = visitor.open(bela.room)
    ready(late, "dana")
    expect(bubble(late, "precious words")).to_be_visible()


def test_a_page_that_opens_later_finds_what_was_written(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = True
    dashboard.leave(tab)
    write(tab, "precious words")
    tab.close()
    merge(node, bela, cian)
    dashboard.start()
    tab = visitor.open(cian.room)
    expect(bubble(tab, "precious words").locator(".state")).to_have_text("sent")


def test_what_waits_for_an_unknown_node_is_nobody_elses(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    node.stop()
    dashboard.stop()
    dashboard.start()
    visitor = visit()
    tab = visitor.open(early=True)
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    other = {"key": "b" * 32, "room": "room-77", "to": "room-77", "text": "for another node", "at": now()}
    name = f"snicher/null/out/{other['key']}"
    tab.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, json.dumps(other)])
    tab.reload()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    node.start()
    bela = node.add_peer("bela")
    room(tab, "bela").click()
    write(tab, "for bela")
    expect(bubble(tab, "for bela").locator(".state")).to_have_text("sent")
    assert tab.evaluate("(name) => localStorage.getItem(name)", name), "it is still there"
    assert node.commands.count("send") == 1
    assert [one.text for one in node.messages[bela.room]] == ["for bela"]


def test_what_was_refused_is_not_sent_again_unasked(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")

    def refuse(command: rq.Command) -> None:
        if command.op == "send":
            raise CommandRefused("internal", "A bug.")

    node.before = refuse
    visitor = visit()
    tab = visitor.open(bela.room)
    write(tab, "not meant any more")
    expect(bubble(tab, "not meant any more").locator(".state")).to_have_text("not sent")
    node.before = lambda command: None
    other = visitor.open(bela.room)
    expect(bubble(other, "not meant any more").locator(".state")).to_have_text("not sent")
    write(other, "something else")
    expect(bubble(other, "something else").locator(".state")).to_have_text("sent")
    assert [one.text for one in node.messages[bela.room]] == ["something else"]


def test_a_text_that_waits_is_no_older_one_with_the_same_words(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = wired(visit)
    tab = visitor.open(bela.room)
    wire = Wire(tab)
    ready(tab, "bela")
    wire.cut()
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "first")
    expect(bubble(tab, "first")).to_be_visible()
    node.say(bela.room, "ok", at=now() + 1, state="sent")
    until(lambda: now() > node.messages[bela.room][0].at + 1, "later than that")
    write(tab, "ok")
    expect(bubble(tab, "ok")).to_be_visible()
    visitor.context.add_init_script(WIRE % json.dumps({"frames": [], "words": ["send"]}))
    tab.reload()
    expect(bubble(tab, "first")).to_be_visible()
    expect(tab.locator(".log .row .text")).to_have_text(["ok", "first", "ok"])
    Wire(tab).let("send", way="words")
    until(lambda: len(node.messages[bela.room]) == 3, "the node has all three")


def test_a_text_sent_by_one_tab_waits_in_no_other(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")

    def refuse(command: rq.Command) -> None:
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
    dashboard.leave(tab)
    write(tab, "for bela only")
    field(tab).fill("half a thought")
    home = tmp_path_factory.mktemp("other")
    # The same place, so that the tab takes it for its dashboard.
    (kept,) = place.places(node.home)
    shutil.copy(kept.path, home)
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


# -- a conversation that is open


def test_a_conversation_deleted_while_the_tab_was_cut_off_is_left(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "a secret")
    visitor = wired(visit)
    tab, witness = visitor.open(bela.room), visitor.open()
    wire = Wire(tab)
    expect(bubble(tab, "a secret")).to_be_visible()
    expect(room(witness, "bela")).to_be_visible()
    wire.cut()
    delete(node, bela)
    expect(room(witness, "bela")).to_have_count(0)
    wire.mend()
    expect(tab.locator(".calmline")).to_have_text("The conversation with bela was deleted.")
    expect(tab.locator(".talk")).to_be_hidden()


def test_a_conversation_merged_while_the_tab_was_cut_off_goes_on_in_the_other(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    node.receive(twice, "said at home")
    node.receive(bela, "said here")
    visitor = wired(visit)
    tab, other, witness = visitor.open(twice.room), visitor.open(bela.room), visitor.open()
    wires = Wire(tab), Wire(other)
    ready(tab, "twice")
    ready(other, "bela")
    field(tab).fill("half a thought")
    for wire in wires:
        wire.cut()
    write(tab, "written in the dark")
    field(tab).fill("half a thought")
    merge(node, twice, bela)
    expect(room(witness, "bela")).to_be_visible()
    expect(room(witness, "twice")).to_have_count(0)
    for wire in wires:
        wire.mend()
    for each in (tab, other):
        ready(each, "bela")
        expect(each.locator(".log .row .text")).to_have_text(["said at home", "said here", "written in the dark"])
    expect(field(tab)).to_have_value("half a thought")
    expect(bubble(tab, "written in the dark").locator(".state")).to_have_text("sent")


def test_what_expired_while_the_tab_was_cut_off_goes(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    old = node.receive(bela, "an old secret")
    node.receive(bela, "still here")
    visitor = wired(visit)
    tab, witness = visitor.open(bela.room), visitor.open(bela.room)
    wire = Wire(tab)
    for each in (tab, witness):
        expect(bubble(each, "an old secret")).to_be_visible()
    wire.cut()
    node.expire(bela.room, old.id)
    expect(bubble(witness, "an old secret")).to_have_count(0)
    wire.mend()
    expect(tab.locator(".log .row .text")).to_have_text(["still here"])


def test_what_is_gone_does_not_stay_on_the_screen(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    """Also where nobody can tell any more what became of it, and without asking for it again and again."""
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    node.receive(bela, "a secret")
    visitor = wired(visit)
    tab = visitor.open(bela.room)
    wire = Wire(tab)
    expect(bubble(tab, "a secret")).to_be_visible()
    visitor.forgiving = True
    dashboard.leave(tab)
    delete(node, bela)
    node.forgotten_before = len(node.events)
    dashboard.start()
    expect(tab.locator(".broken h3")).to_have_text("This conversation isn't here")
    expect(tab.locator(".broken")).to_be_visible()
    expect(bubble(tab, "a secret")).to_have_count(0)
    back = tab.get_by_role("button", name="All conversations")
    back.focus()
    until(lambda: wire.asked("unknown_rooms") == 1, "it is asked what became of it")
    asked = wire.asked("history")
    for number in range(5):
        node.receive(cian, f"line {number}")
        expect(room(tab, "cian").locator(".preview")).to_have_text(f"line {number}")
    assert (wire.asked("history"), wire.asked("unknown_rooms")) == (asked, 1)
    expect(back).to_be_focused()


def test_what_was_deleted_and_nobody_heard_of_it_leads_back(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = True
    dashboard.leave(tab)
    delete(node, bela)
    dashboard.start()
    expect(tab.locator(".talk")).to_be_hidden()
    expect(tab.get_by_text("The conversation with bela was deleted.")).to_be_visible()


def test_a_link_to_a_message_waits_for_the_node(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(300)]
    read(node, bela)
    dashboard.stop()
    node.stop()
    dashboard.start()
    visitor = visit()
    tab = visitor.open(f"{bela.room}&message={said[20].id}", early=True)
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    node.start()
    expect(bubble(tab, "number 020")).to_be_in_viewport()
    assert f"message={said[20].id}" in tab.url


def test_reading_on_at_the_end_the_view_does_not_jump_back_to_the_new_line(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "read before")
    read(node, bela)
    node.receive(bela, "new to the reader")
    visitor = visit()
    tab = visitor.open(bela.room)
    expect(tab.locator(".newline")).to_be_visible()
    for number in range(60):
        node.receive(bela, f"line {number:02}")
    expect(bubble(tab, "line 59")).to_be_in_viewport()
    visitor.forgiving = True
    dashboard.leave(tab)
    asked = node.commands.count("history")
    node.receive(bela, "said meanwhile")
    dashboard.start()
    until(lambda: node.commands.count("history") > asked, "the window was asked for again")
    node.receive(bela, "the newest")
    expect(bubble(tab, "the newest")).to_be_in_viewport()
    expect(tab.locator(".jump")).to_be_hidden()


def test_a_page_of_messages_that_did_not_come_is_asked_for_again(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(300):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    read(node, bela)
    tab = wired(visit, frames=("history",)).open(bela.room)
    wire = Wire(tab)
    wire.until_waits("history")
    wire.spoil("history")
    wire.let("history")
    # Nothing else happens meanwhile.
    expect(bubble(tab, "number 299")).to_be_in_viewport()
    wire.keep("history")
    tab.locator(".log").evaluate("log => log.scrollTop = 0")
    wire.until_waits("history")
    wire.spoil("history")
    wire.let("history")
    tab.locator(".log").evaluate("log => log.scrollTop = 0")
    expect(bubble(tab, "number 150")).to_have_count(1)


def test_what_is_said_far_from_the_end_without_a_connection_is_seen(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(400)]
    read(node, bela)
    tab = wired(visit).open(f"{bela.room}&message={said[20].id}")
    wire = Wire(tab)
    expect(bubble(tab, "number 020")).to_be_in_viewport()
    wire.cut()
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "written in the dark")
    expect(bubble(tab, "written in the dark").locator(".state")).to_have_text("…")
    expect(bubble(tab, "written in the dark")).to_be_in_viewport()
    wire.mend()
    expect(bubble(tab, "written in the dark").locator(".state")).to_have_text("sent")
    expect(bubble(tab, "number 399")).to_be_in_viewport()
    expect(tab.locator(".jump")).to_be_hidden()


def test_a_reader_at_the_end_stays_there_when_it_is_read_anew(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "read before")
    read(node, bela)
    said = [node.receive(bela, f"line {number:02}") for number in range(60)]
    visitor = visit()
    tab = visitor.open(f"{bela.room}&message={said[50].id}")
    expect(bubble(tab, "line 50")).to_be_focused()
    tab.locator(".log").evaluate("log => log.scrollTop = log.scrollHeight")
    expect(bubble(tab, "line 59")).to_be_in_viewport()
    until(lambda: node.unread(bela.room) == 0, "read at the node")
    visitor.forgiving = True
    dashboard.leave(tab)
    node.receive(bela, "said meanwhile")
    dashboard.start()
    expect(bubble(tab, "said meanwhile")).to_be_in_viewport()
    expect(tab.locator(".jump")).to_be_hidden()


def test_who_has_just_left_the_end_keeps_what_they_look_at(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(50):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    read(node, bela)
    tab, witness = wired(visit).open(bela.room), visit().open(bela.room)
    wire = Wire(tab)
    for each in (tab, witness):
        expect(bubble(each, "number 049")).to_be_in_viewport()
    wire.keep("patch")
    for number in range(400):
        node.receive(bela, f"flood {number:03}")
    expect(bubble(witness, "flood 399")).to_be_attached()
    # Much comes in before the page hears of the scrolling.
    tab.locator(".log").evaluate("log => { log.scrollTop = 50; window.wire.let('frames', 'patch'); }")
    expect(bubble(tab, "flood 100")).to_be_attached()
    expect(bubble(tab, "number 005")).to_be_in_viewport()


def far_up(node: FakeNode, visitor: Visitor) -> tuple[nouns.Peer, Page]:
    """A reader near the beginning of a long conversation, whose end is not loaded."""
    bela = node.add_peer("bela")
    said = [node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000) for number in range(400)]
    read(node, bela)
    tab = visitor.open(f"{bela.room}&message={said[20].id}")
    expect(bubble(tab, "number 020")).to_be_in_viewport()
    return bela, tab


def test_who_goes_up_by_keyboard_is_not_taken_to_the_end(node: FakeNode, visit: Visit) -> None:
    bela, tab = far_up(node, wired(visit))
    wire = Wire(tab)
    wire.cut()
    expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")
    write(tab, "written in the dark")
    expect(bubble(tab, "written in the dark")).to_be_in_viewport()
    tab.locator(".log").focus()
    tab.keyboard.press("Home")
    expect(bubble(tab, "number 000")).to_be_in_viewport()
    wire.keep("history")
    wire.mend()
    expect(room(tab, "bela").locator(".preview")).to_have_text(re.compile("written in the dark"))
    # What may have been missed is asked for, around the reader.
    wire.until_waits("history")
    wire.let("history")
    assert bubble(tab, "number 399").count() == 0
    expect(bubble(tab, "number 000")).to_be_in_viewport()
    assert node.messages[bela.room][-1].text == "written in the dark"


def test_what_the_node_has_taken_shows_though_the_end_can_not_be_loaded(node: FakeNode, visit: Visit) -> None:
    _, tab = far_up(node, visit())

    def refuse(command: rq.Command) -> None:
        if command.op == "history":
            raise CommandRefused("busy", "Busy.", True)

    node.before = refuse
    write(tab, "my words")
    expect(bubble(tab, "my words").locator(".state")).to_have_text("sent")
    expect(bubble(tab, "my words")).to_be_in_viewport()
    node.before = lambda command: None
    expect(bubble(tab, "number 399")).to_be_in_viewport()
    expect(bubble(tab, "my words")).to_have_count(1)


def test_what_will_be_refused_again_is_not_asked_for_by_itself(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    for number in range(300):
        node.receive(bela, f"number {number:03}", at=now() - 900_000 + number * 1000)
    read(node, bela)
    # It looks each second whether there is something to ask for.
    visitor = wired(visit).hold(1000)
    tab = visitor.open(bela.room)
    wire = Wire(tab)
    expect(bubble(tab, "number 240")).to_be_attached()
    wire.keep("history")
    tab.locator(".log").evaluate("log => log.scrollTop = 0")
    wire.until_waits("history")
    wire.spoil("history", {"code": "internal", "message": "A bug."})
    wire.let("history")
    asked = wire.asked("history")
    visitor.let_go(tab)
    assert wire.asked("history") == asked
    # Whoever scrolls wants to see more.
    tab.locator(".log").evaluate("log => log.scrollTop = 200")
    tab.locator(".log").evaluate("log => log.scrollTop = 0")
    expect(bubble(tab, "number 170")).to_be_attached()


def test_a_second_try_whose_answer_is_lost_says_so(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    failed = node.say(bela.room, "again", state="failed", detail="It refused the connection.")
    tab = wired(visit, words=("resend",)).open(bela.room)
    wire = Wire(tab)
    button = tab.get_by_role("button", name="Try again")
    button.click()
    wire.until_waits("resend", "words")
    # Drawn anew for what comes in before it, the button still waits for its answer.
    node.say(bela.room, "something else", state="sent", at=failed.at - 1000)
    expect(tab.locator(".log .row .text")).to_have_text(["something else", "again"])
    expect(button).to_be_disabled()
    node.before = lambda command: (_ for _ in ()).throw(CommandRefused("busy", "Busy.", True))
    wire.let("resend", way="words")
    expect(bubble(tab, "again").locator(".repair .why")).to_have_text("The node is very busy.")
    expect(button).to_be_enabled()


def test_a_second_try_that_fails_after_all_breaks_nothing(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    failed = node.say(bela.room, "again", state="failed", detail="It refused the connection.")
    tab = wired(visit, frames=("resend",)).open(bela.room)
    wire = Wire(tab)
    tab.get_by_role("button", name="Try again").click()
    wire.spoil("resend")
    expect(bubble(tab, "again").locator(".state")).to_have_text("waiting")
    wire.let("resend")
    node.set_state(failed, "failed", "It refused it once more.")
    expect(bubble(tab, "again").locator(".repair .why")).to_have_text("It refused it once more.")
    # The watchers of the page complain of an error in it.


def test_a_press_counts_though_the_reason_changes_under_it(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    failed = node.say(bela.room, "again", state="failed", detail="It refused the connection.")
    tab = visit().open(bela.room)
    tab.get_by_role("button", name="Try again").hover()
    tab.mouse.down()
    node.set_state(failed, "failed", "It refused it once more.")
    expect(bubble(tab, "again").locator(".repair .why")).to_have_text("It refused it once more.")
    tab.get_by_role("button", name="Try again").hover()
    tab.mouse.up()
    expect(bubble(tab, "again").locator(".state")).to_have_text("waiting")


def test_back_leads_to_no_conversation_that_is_gone(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    tab = visit(viewport={"width": 390, "height": 800}).open()
    room(tab, "twice").click()
    ready(tab, "twice")
    merge(node, twice, bela)
    ready(tab, "bela")
    tab.go_back()
    expect(tab.locator(".talk")).to_be_hidden()
    expect(room(tab, "bela")).to_be_visible()


def test_a_late_error_of_the_menu_leaves_the_reader_alone(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela", link="offline")
    node.add_peer("cian")
    tab = wired(visit, frames=("connect",)).open(bela.room)
    wire = Wire(tab)
    ready(tab, "bela")
    choose(tab, "bela", "Connect")
    wire.until_waits("connect")
    choose(tab, "bela", "Rename…")
    name = tab.get_by_role("textbox", name="Name")
    name.fill("Bela from la")
    wire.spoil("connect")
    wire.let("connect")
    expect(tab.locator(".talk .toast")).to_have_text("bela: No answer in time.")
    name.press("End")
    tab.keyboard.type("b 2")
    expect(name).to_have_value("Bela from lab 2")
    name.press("Enter")
    expect(tab.locator(".talk h2")).to_have_text("Bela from lab 2")
    # Nor does it follow to another page, or break it.
    wire.keep("disconnect")
    choose(tab, "Bela from lab 2", "Disconnect")
    wire.until_waits("disconnect")
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peers h1")).to_be_visible()
    expect(tab.locator(".talk")).to_have_count(0)
    wire.spoil("disconnect")
    wire.let("disconnect")
    assert tab.get_by_role("dialog").count() == 0


def test_who_has_the_focus_keeps_it_when_the_order_changes(node: FakeNode, visit: Visit) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    node.receive(bela, "first", at=now() - 2000)
    node.receive(cian, "second", at=now() - 1000)
    tab = visit().open()
    expect(tab.locator(".list .room .name")).to_have_text(["cian", "bela"])
    room(tab, "bela").focus()
    node.receive(bela, "third")
    expect(tab.locator(".list .room .name")).to_have_text(["bela", "cian"])
    expect(room(tab, "bela")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(room(tab, "cian")).to_be_focused()


# -- searching


def test_what_is_looked_for_before_the_page_knows_its_node_is_found(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector room is free")
    tab = wired(visit, words=("hello",)).open(early=True)
    tab.get_by_role("searchbox").fill("projector")
    wire = Wire(tab)
    wire.until_waits("hello", "words")
    wire.mend()
    expect(tab.locator(".list .hit")).to_contain_text("the projector room is free")
    expect(tab.locator(".list .hint")).to_be_hidden()


def test_hits_follow_a_conversation_that_is_merged(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("twice"), node.add_peer("bela")
    said = node.receive(twice, "the projector at home")
    node.receive(bela, "the projector here")
    visitor = visit()
    tab, page = visitor.open(), visitor.open(page="search", room=f"{twice.room}&q=projector")
    tab.get_by_role("searchbox").fill("projector")
    expect(tab.locator(".list .hit")).to_have_count(2)
    expect(page.locator(".hits .hit")).to_have_count(1)
    merge(node, twice, bela)
    expect(page.locator(".hits .hit")).to_have_count(2)
    expect(page.get_by_label("In")).to_have_value(bela.room)
    hit = tab.locator(".list .hit", has_text="at home")
    expect(hit).to_have_attribute("href", f"/?room={bela.room}&message={said.id}")
    hit.click()
    ready(tab, "bela")
    expect(bubble(tab, "at home")).to_be_in_viewport()


def test_a_search_whose_answer_was_lost_is_asked_again(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector here")
    tab = wired(visit, frames=("search",)).open(page="search", room="&q=projector")
    wire = Wire(tab)
    wire.until_waits("search")
    wire.spoil("search")
    wire.let("search")
    expect(tab.locator(".hits .hit")).to_have_count(1)


def test_a_setting_that_was_saved_is_not_called_unsaved(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit, frames=("change",)).open(page="settings")
    wire = Wire(tab)
    name = tab.get_by_label("Your name", exact=True)
    expect(name).to_have_value("anna")
    form = tab.locator("form.field", has=name)
    for later, wish in ((False, "hanna"), (True, "hannah")):
        wire.keep("change")
        # The event about it comes before the answer is lost, or after.
        if later:
            wire.keep("options")
        name.fill(wish)
        name.press("Enter")
        wire.until_waits("change")
        expect(tab.locator(".frame .me .name")).to_have_text(wish)
        if later:
            wire.until_waits("options")
        else:
            expect(form.locator(".source")).to_have_text("Saved by this node")
        wire.spoil("change")
        wire.let("change")
        if later:
            expect(form.locator(".note")).to_contain_text("Perhaps not saved. No answer in time.")
            wire.let("options")
        expect(form.locator(".note")).to_have_text(re.compile("^Saved\\."))
        expect(name).not_to_have_attribute("aria-invalid", "true")


def test_what_is_being_indexed_joins_though_an_answer_was_lost(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector here")
    node.pending = 1
    tab = wired(visit).open(page="search", room="&q=projector")
    wire = Wire(tab)
    expect(tab.locator(".results .pending")).to_be_visible()
    wire.spoil("search")
    asked = wire.asked("search")
    until(lambda: wire.asked("search") > asked, "it is asked again by itself")
    node.pending = 0
    expect(tab.locator(".results .pending")).to_be_hidden()


def test_who_leaves_while_typing_finds_what_was_typed(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "the projector here")
    # Typing has not rested yet when the page is left.
    tab = visit().hold(220).open(page="search")
    tab.get_by_role("searchbox").fill("projector")
    tab.locator(".page", has_text="Peers").click()
    expect(tab.locator(".peers h1")).to_be_visible()
    tab.locator(".page", has_text="Search").click()
    expect(tab.get_by_role("searchbox")).to_have_value("projector")
    expect(tab.locator(".hits .hit")).to_have_count(1)


# -- peers and settings


def test_the_next_address_is_not_lost_when_a_slow_answer_comes(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit, frames=("connect",)).open(page="peers")
    wire = Wire(tab)
    address = tab.get_by_label("Address")
    expect(tab.locator(".known .empty")).to_be_visible()
    address.fill("10.0.0.8:5000")
    address.press("Enter")
    wire.until_waits("connect")
    address.fill("10.0.0.9:5000")
    wire.let("connect")
    expect(tab.locator("#connect-note")).to_contain_text("Connecting to 10.0.0.8:5000")
    expect(address).to_have_value("10.0.0.9:5000")
    tab.reload()
    expect(address).to_have_value("10.0.0.9:5000")


def test_a_late_error_leaves_the_focus_where_it_is(node: FakeNode, visit: Visit) -> None:
    node.add_peer("bela")
    tab = wired(visit, frames=("connect", "change")).open(page="peers")
    wire = Wire(tab)
    expect(tab.locator(".peer")).to_have_count(1)
    tab.get_by_label("Address").fill("10.0.0.8:5000")
    tab.get_by_label("Address").press("Enter")
    wire.until_waits("connect")
    search = tab.get_by_role("searchbox")
    search.click()
    tab.keyboard.type("be")
    wire.spoil("connect")
    wire.let("connect")
    expect(tab.locator("#connect-note")).to_contain_text("No answer in time.")
    tab.keyboard.type("la")
    expect(search).to_have_value("bela")
    tab.locator(".page", has_text="Settings").click()
    name, events = tab.get_by_label("Your name", exact=True), tab.get_by_label("Keep in the event log", exact=True)
    expect(name).to_be_enabled()
    name.fill("anna the second")
    name.press("Enter")
    wire.until_waits("change")
    events.fill("50")
    wire.spoil("change", {"code": "internal", "message": "A bug."})
    wire.let("change")
    expect(tab.locator("form.field", has=name).locator(".note")).to_contain_text("Not saved. A bug.")
    tab.keyboard.type("000")
    expect(events).to_have_value("50000")
    # Who stays at the field is led back to it.
    wire.spoil("change")
    name.press("Enter")
    expect(name).to_be_focused()


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


def test_a_way_to_another_page_that_was_given_up_is_not_taken(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    visitor = visit().hold(2000)
    stream = Stream(visitor)
    tab = visitor.open(page="search")
    expect(tab.locator(".searchpage h1")).to_be_visible()
    visitor.forgiving = stream.shut = True
    dashboard.leave(tab)
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    tab.locator(".page", has_text="Peers").click()
    tab.locator(".page", has_text="Search").click()
    stream.shut = False
    expect(tab.locator("[data-test-connection-state]")).to_have_attribute("data-test-connection-state", "CONNECTED")
    stream.said.clear()
    visitor.let_go(tab)
    tab.locator(".page", has_text="Activity").click()
    expect(tab.locator(".activity h1")).to_be_visible()
    assert [word for word in stream.said if b"activity" in word]
    assert not [word for word in stream.said if b"peers" in word]


def test_a_conversation_can_be_opened_before_the_event_about_it_comes(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit).open(page="peers")
    wire = Wire(tab)
    expect(tab.locator(".known .empty")).to_be_visible()
    wire.keep("patch")
    tab.get_by_label("Address").fill("10.0.0.8:5000")
    tab.get_by_label("Address").press("Enter")
    tab.get_by_role("button", name="Open the conversation").click()
    expect(tab.locator(".talk")).to_be_visible()
    wire.let("patch")
    ready(tab, "10.0.0.8:5000")


def test_mandatory_peers_are_added_and_removed_one_after_the_other(node: FakeNode, visit: Visit) -> None:
    node.on_loop(lambda: node._do_settings(rq.SettingsArgs(mandatory=[])))
    tab = wired(visit).open(page="settings")
    wire = Wire(tab)
    field, entries = tab.get_by_label("Address of a mandatory peer"), tab.locator(".mandatory .entry")
    expect(field).to_be_visible()
    expect(entries).to_have_count(0)
    # What the node says of its settings now takes its time.
    wire.keep("options")
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        field.fill(address)
        field.press("Enter")
        expect(field).to_have_value("")
    expect(entries).to_have_text(["127.0.0.1:1", "127.0.0.1:2"])
    assert node.state.settings.mandatory == ["127.0.0.1:1", "127.0.0.1:2"]
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        tab.get_by_role("button", name=f"Remove {address}").click()
        expect(entries.filter(has_text=address)).to_have_count(0)
    assert node.state.settings.mandatory == []
    wire.keep("change")
    field.fill("127.0.0.1:3")
    field.press("Enter")
    wire.until_waits("change")
    field.fill("127.0.0.1:4")
    wire.let("change")
    expect(entries).to_have_text(["127.0.0.1:3"])
    expect(field).to_have_value("127.0.0.1:4")


def test_what_was_saved_is_not_shown_as_it_was_before(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit).open(page="settings")
    wire = Wire(tab)
    name = tab.get_by_label("Your name", exact=True)
    expect(name).to_have_value("anna")
    wire.keep("options")
    node.publish(
        "GreetingChanged", ev.GreetingChanged(greeting=nouns.Greeting(address="127.0.0.9:1", outcome="calling", at=1))
    )
    wire.until_waits("options")
    # An answer from before is under way.
    name.fill("Anna B")
    name.press("Enter")
    expect(tab.locator("form.field", has=name).locator(".note")).to_contain_text("Saved.")
    expect(tab.locator(".me .name")).to_have_text("Anna B")
    asked = wire.asked("options")
    wire.let_one("options")
    until(lambda: wire.asked("options") > asked, "it is asked anew")
    expect(name).to_have_value("Anna B")
    assert name.input_value() == "Anna B"
    wire.let("options")
    expect(tab.locator("form.field", has=name).locator(".source")).to_have_text("Saved by this node")
    expect(name).to_have_value("Anna B")


def test_half_typed_settings_outlive_server_and_node(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    visitor = visit()
    tab = visitor.open(page="settings")
    name = tab.get_by_label("Your name", exact=True)
    expect(name).to_have_value("anna")
    name.fill("half a na")
    visitor.forgiving = True
    dashboard.stop()
    node.stop()
    dashboard.start()
    expect(tab.locator(".settings .loading")).to_have_text("The settings are shown as soon as the node is there.")
    node.start()
    expect(name).to_be_enabled()
    expect(name).to_have_value("half a na")
    expect(tab.get_by_label("Keep in the event log", exact=True)).to_have_value("1,000,000")
    assert "Changed elsewhere" not in tab.locator("form.field", has=name).locator(".note").inner_text()


def test_colours_are_shown_as_chosen_where_nothing_can_be_kept(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    visitor.context.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    )
    bela = node.add_peer("bela")
    tab = visitor.open(page="settings")
    expect(tab.get_by_label("Your name", exact=True)).to_be_enabled()
    tab.get_by_text("Dark", exact=True).click()
    expect(tab.locator("html[data-theme=dark]")).to_have_count(1)
    node.receive(bela, "something happens")
    expect(tab.locator(".page", has_text="Chats").locator(".count")).to_have_text("1")
    expect(tab.get_by_label("Dark")).to_be_checked()


# -- activity, and what is wrong


def test_a_filter_chosen_while_the_connection_breaks_holds(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "hello anna")
    tab = wired(visit).open(page="activity")
    wire = Wire(tab)
    rows = tab.locator(".rows .row")
    expect(rows.filter(has_text="hello anna")).to_be_visible()
    wire.keep("events")
    tab.get_by_role("button", name="Peers", exact=True).click()
    wire.until_waits("events")
    wire.cut()
    wire.let("events")
    wire.mend()
    expect(rows.filter(has_text="A new peer: bela")).to_be_visible()
    expect(rows.filter(has_text="hello anna")).to_have_count(0)
    expect(tab.locator(".rows .row[data-kind=peers]")).to_have_count(1)
    expect(rows).to_have_count(1)


def test_a_log_that_could_not_be_read_is_read_once_the_node_is_back(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "hello anna")
    tab = visit().open(page="activity")
    rows = tab.locator(".rows .row")
    expect(rows.filter(has_text="hello anna")).to_be_visible()
    node.stop(politely=False)
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    tab.get_by_role("button", name="Peers", exact=True).click()
    expect(tab.locator(".after .end")).to_contain_text("The log can't be read right now.")
    node.start()
    expect(tab.locator(".after .end")).to_have_text("That is all that is kept.")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("A new peer: bela")


def test_a_disk_that_is_well_after_a_new_start_is_told(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    expect(tab.locator(".me .name")).to_have_text("anna")
    node.set_health(nouns.Health(store=False, problem="No space left on the device."))
    expect(tab.locator(".strip")).to_contain_text("No space left on the device.")
    node.stop()
    node.health = nouns.Health()
    node.start()
    expect(tab.locator(".strip")).to_be_hidden()


def test_a_new_link_in_another_tab_lets_this_one_in(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    owner = visit()
    settings = owner.open(page="settings")
    settings.get_by_role("button", name="Shut out all other browsers").click()
    settings.get_by_role("button", name="Really? They need a link again").click()
    expect(tab.locator(".strip")).to_contain_text("This browser isn't let in any more.")
    other = visitor.context.new_page()
    other.goto(dashboard.another_link())
    expect(tab.locator(".strip")).to_be_hidden()
    expect(other.locator(".me .name")).to_have_text("anna")
    write(tab, "still here")
    expect(bubble(tab, "still here").locator(".state")).to_have_text("sent")
    expect(tab.locator(".strip")).to_be_hidden()
    visitor.complaints.clear()


def test_a_click_on_another_page_waits_for_streamlit(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    """Its connection is another one than ours, and comes back when it likes."""
    bela = node.add_peer("bela")
    visitor = visit()
    stream = Stream(visitor)
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    visitor.forgiving = stream.shut = True
    dashboard.leave(tab)
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    tab.locator(".page", has_text="Peers").click()
    stream.shut = False
    expect(tab.locator(".peers h1")).to_be_visible()
