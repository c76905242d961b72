from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import LocalFault
from node.model import peer_id
from node.protocol.secure import frames
from node.protocol.secure import link as sl
from node.protocol.secure.frames import BYE_CODES, Bye, Digest, Frame, Hello, Ping, Pong, Run, Stop, encode
from node.protocol.secure.link import (
    DEAD,
    HANDSHAKE,
    MAX_QUEUED,
    OWN_TOKEN,
    SILENCE,
    STALL,
    Ended,
    Framed,
    KeyDiffered,
    Secured,
    SecureEvent,
    SecureLink,
)
from node.protocol.secure.states import TRANSITIONS, Input, State
from tests.node.protocol.secure.pair import ANNA, BEN, EVE, HELLO_OF_ANNA, HELLO_OF_BEN, End, Pair, accepted, dialled
from tests.support.fake_engine import FakeEngine

STOP = Stop("#lobby", "author", b"s" * 16)
SECURED_BEN = Secured(peer_id(BEN), HELLO_OF_BEN, 2)


class Wire:
    """A link of Anna, who dialled Ben, and the hand of a tester at Ben's engine."""

    def __init__(self, link: SecureLink | None = None, *, key: bytes = BEN) -> None:
        self.link = link or dialled()
        self.engine = FakeEngine(key, server=True)
        self.engine.start()
        self.link.begin(0.0)
        self._frames: list[Frame] = []

    def shake(self) -> Wire:
        """Complete the handshake."""
        while not self.engine.up:
            self._frames = self.heard()
            self.link.receive_data(self.engine.out(), 0.0)
        return self

    def greet(self, hello: Frame = HELLO_OF_BEN) -> Wire:
        """Complete it, and say HELLO."""
        return self.shake().say(hello)

    def say(self, *said: Frame | bytes, now: float = 0.0) -> Wire:
        """Say frames, or bytes, in one read."""
        self.engine.write(b"".join(one if isinstance(one, bytes) else encode(one) for one in said))
        self.link.receive_data(self.engine.out(), now)
        return self

    def heard(self) -> list[Frame]:
        """The frames that the link has written since the last call."""
        data = self.engine.feed(self.link.data_to_send())
        found, self._frames, at = self._frames, [], 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            frame = frames.decode(data[at + 4 : at + 4 + size])
            assert frame is not None
            found.append(frame)
            at += 4 + size
        return found


def opened() -> Wire:
    """An open link, at 0, with its beginnings taken."""
    wire = Wire().greet()
    assert wire.link.events() == [SECURED_BEN]
    assert wire.heard() == [HELLO_OF_ANNA]
    return wire


# ---- the table -------------------------------------------------------------------------------------------------------


class Recorder(dict[tuple[State, Input], State]):
    """The table, remembering which rows were used."""

    def __init__(self) -> None:
        super().__init__(TRANSITIONS)
        self.used: list[tuple[State, Input]] = []

    def __getitem__(self, key: tuple[State, Input]) -> State:
        self.used.append(key)
        return super().__getitem__(key)


def shaking() -> Wire:
    return Wire()


def greeting() -> Wire:
    return Wire().shake()


def before_the_last_flight(key: bytes = BEN) -> Wire:
    """Ben's answer is on its way."""
    wire = Wire(key=key)
    wire.heard()
    return wire


def answered(wire: Wire) -> None:
    wire.link.receive_data(wire.engine.out(), 0.0)


def lost(wire: Wire) -> None:
    wire.link.connection_lost("Reset.", 0.1)


def leave(wire: Wire) -> None:
    wire.link.leave(0.1)


def clear_text(wire: Wire) -> None:
    wire.link.receive_data(b"BEN: in clear", 0.1)


def stalled(wire: Wire) -> None:
    wire.link.pause_writing(1.0)
    wire.link.handle_deadline(1.0 + STALL)


ROWS: dict[tuple[State, Input], tuple[Callable[[], Wire], Callable[[Wire], object]]] = {
    (State.SHAKING, Input.SHAKEN): (before_the_last_flight, answered),
    (State.SHAKING, Input.DIFFERED): (lambda: before_the_last_flight(EVE), answered),
    (State.SHAKING, Input.BROKEN): (shaking, clear_text),
    (State.SHAKING, Input.OVERDUE): (shaking, lambda wire: wire.link.handle_deadline(HANDSHAKE)),
    (State.SHAKING, Input.LEAVE): (shaking, leave),
    (State.SHAKING, Input.LOST): (shaking, lost),
    (State.GREETING, Input.GREETED): (greeting, lambda wire: wire.say(HELLO_OF_BEN)),
    (State.GREETING, Input.NO_VERSION): (
        greeting,
        lambda wire: wire.say(msgspec.structs.replace(HELLO_OF_BEN, versions=[3])),
    ),
    (State.GREETING, Input.PARTED): (greeting, lambda wire: wire.say(Bye(5, ""))),
    (State.GREETING, Input.BROKEN): (greeting, clear_text),
    (State.GREETING, Input.OVERDUE): (greeting, lambda wire: wire.link.handle_deadline(HANDSHAKE)),
    (State.GREETING, Input.LEAVE): (greeting, leave),
    (State.GREETING, Input.LOST): (greeting, lost),
    (State.OPEN, Input.PARTED): (opened, lambda wire: wire.say(Bye(0, ""))),
    (State.OPEN, Input.BROKEN): (opened, clear_text),
    (State.OPEN, Input.OVERDUE): (
        opened,
        stalled,
    ),
    (State.OPEN, Input.LEAVE): (opened, leave),
    (State.OPEN, Input.LOST): (opened, lost),
}


def test_every_row_of_the_table_is_shown_here_and_no_other() -> None:
    assert set(ROWS) == set(TRANSITIONS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0].name}-{row[1].name}")
def test_a_row_of_the_table_is_used_as_it_stands(row: tuple[State, Input], monkeypatch: pytest.MonkeyPatch) -> None:
    table = Recorder()
    monkeypatch.setattr(sl, "TRANSITIONS", table)
    come, move = ROWS[row]
    wire = come()
    assert wire.link.state is row[0]
    table.used.clear()
    move(wire)
    assert table.used == [row]
    over = TRANSITIONS[row] is State.CLOSED
    assert wire.link.state is TRANSITIONS[row]
    assert wire.link.closing is wire.link.half_close is over
    assert any(isinstance(event, Ended) for event in wire.link.events()) is over
    assert (wire.link.next_deadline() is None) is over


# ---- handshake and HELLO ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 1 << 20])
def test_two_links_prove_their_keys_greet_talk_and_part(size: int) -> None:
    pair = Pair(size=size)
    assert pair.dialler.events == [SECURED_BEN]
    assert pair.acceptor.events == [Secured(peer_id(ANNA), HELLO_OF_ANNA, 2)]
    said: list[Frame] = [STOP, Digest([("#lobby", b"d" * 32)]), Run("#lobby", [b"h"], [None], b"s"), Ping(b"12345678")]
    for frame in said:
        pair.dialler.link.say(frame, 0.0)
    pair.acceptor.link.say(STOP, 0.0)
    pair.settle()
    assert [frame for event in pair.acceptor.of(Framed) for frame in event.frames] == said[:3]
    assert [frame for event in pair.dialler.of(Framed) for frame in event.frames] == [STOP, Pong(b"12345678")]
    pair.dialler.link.leave(1.0)
    pair.settle()
    assert pair.dialler.events[-1] == Ended(None)
    assert pair.acceptor.events[-1] == Ended(None, 0)
    assert len(pair.dialler.of(Ended)) == len(pair.acceptor.of(Ended)) == 1


def test_hello_is_said_by_both_as_soon_as_tls_is_up() -> None:
    wire = Wire().shake()
    assert wire.link.state is State.GREETING
    assert wire.heard() == [HELLO_OF_ANNA]
    # The dialler says it with its last bytes of the handshake.
    link = dialled()
    link.begin(0.0)
    link.data_to_send()
    other = FakeEngine(BEN, server=True)
    other.feed(b"H\0\0")
    link.receive_data(other.out(), 0.0)
    assert other.feed(link.data_to_send()) == encode(HELLO_OF_ANNA)


@pytest.mark.parametrize("acceptor", [False, True])
def test_bytes_behind_the_offer_and_behind_the_answer_belong_to_tls(acceptor: bool) -> None:
    first = b"H\0\0" if acceptor else b"S\0\x20" + BEN
    link = accepted(rest=first) if acceptor else dialled(rest=first)
    link.begin(0.0)
    assert link.data_to_send() == (
        b"S\0\x20" + BEN if acceptor else b"H\0\0" + b"C\0\x20" + ANNA + b"D\0\x3a" + encode(HELLO_OF_ANNA)
    )


def test_our_hello_is_made_when_it_is_said() -> None:
    made = []

    def hello() -> Hello:
        made.append(True)
        return HELLO_OF_ANNA

    link = SecureLink(FakeEngine(ANNA, server=False), hello)
    wire = Wire(link)
    assert made == []
    wire.shake()
    assert made == [True]


@pytest.mark.parametrize(("name", "said"), [("x" * 100, "x" * 64), ("", "anon"), ("  ", "anon"), ("日本", "日本")])
def test_our_name_is_within_its_bounds(name: str, said: str) -> None:
    wire = Wire(dialled(hello=msgspec.structs.replace(HELLO_OF_ANNA, name=name, versions=[9]))).shake()
    assert wire.heard() == [msgspec.structs.replace(HELLO_OF_ANNA, name=said)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("", "anon"), ("\x1b[2J", "[2J"), ("be\u202en", "ben"), ("e" + "\u0301" * 9, "e" + "\u0301" * 4), ("ben", "ben")],
)
def test_the_other_side_s_name_is_fit_to_be_shown(name: str, shown: str) -> None:
    wire = Wire().greet(msgspec.structs.replace(HELLO_OF_BEN, name=name))
    (event,) = wire.link.events()
    assert isinstance(event, Secured)
    assert event.hello.name == shown


def test_another_key_than_the_expected_one_is_told_nothing_at_all() -> None:
    pair = Pair(dialled(expect=BEN), accepted(key=EVE))
    assert pair.dialler.events == [KeyDiffered(peer_id(EVE)), Ended("It has another key than the one expected.")]
    # Neither HELLO nor our certificate: nothing but the beginning of the handshake.
    assert pair.dialler.written == b"H\0\0"
    assert pair.acceptor.events == [Ended("It closed the connection during the TLS handshake.")]
    assert pair.dialler.link.closing


def test_who_accepts_or_expects_nobody_takes_any_key() -> None:
    pair = Pair(dialled(expect=None), accepted(key=EVE))
    assert pair.dialler.events == [Secured(peer_id(EVE), HELLO_OF_BEN, 2)]


@pytest.mark.parametrize(
    ("versions", "chosen"), [([2], 2), ([1, 2, 3], 2), ([3, 2], 2), ([1], None), ([3], None), ([2**40, -1], None)]
)
def test_the_highest_common_version_is_spoken_or_none(versions: list[int], chosen: int | None) -> None:
    hello = msgspec.structs.replace(HELLO_OF_BEN, versions=versions)
    wire = Wire().shake()
    wire.heard()
    wire.say(hello)
    if chosen is not None:
        assert wire.link.events() == [Secured(peer_id(BEN), hello, chosen)]
        return
    assert wire.link.events() == [Ended("It speaks no version of the protocol that this node speaks.")]
    assert wire.heard() == [Bye(1, "This node speaks 2.")]


def test_of_several_common_versions_the_highest_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sl, "VERSIONS", (2, 3, 4))
    wire = Wire().shake()
    (hello,) = wire.heard()
    assert isinstance(hello, Hello)
    assert hello.versions == [2, 3, 4]
    wire.say(msgspec.structs.replace(HELLO_OF_BEN, versions=[3, 1, 2, 5]))
    (event,) = wire.link.events()
    assert isinstance(event, Secured)
    assert event.version == 3


def test_a_handshake_that_takes_too_long_is_over() -> None:
    link = dialled()
    link.begin(10.0)
    assert link.next_deadline() == 10.0 + HANDSHAKE == 15.0
    link.receive_data(b"S", 14.9)
    link.handle_deadline(14.9)
    assert link.events() == []
    link.handle_deadline(15.0)
    assert link.events() == [Ended("It didn't finish the TLS handshake within 5 s.")]
    assert (link.data_to_send(), link.closing, link.next_deadline()) == (b"H\0\0", True, None)


def test_tls_without_a_hello_is_over_at_the_same_time() -> None:
    wire = Wire().shake()
    wire.heard()
    wire.link.handle_deadline(HANDSHAKE)
    assert wire.link.events() == [Ended("It said no HELLO within 5 s.")]
    assert wire.heard() == [Bye(6, "No HELLO.")]


def test_a_failed_handshake_ends_with_the_engine_s_words_and_its_alert_goes_out() -> None:
    pair = Pair(
        acceptor=SecureLink(FakeEngine(BEN, server=True, fails="Its certificate was refused."), lambda: HELLO_OF_BEN)
    )
    assert pair.acceptor.events == [Ended("Its certificate was refused.")]
    assert pair.acceptor.written.endswith(b"A\0\nbad record")
    assert pair.dialler.events == [Ended("The other side refused TLS: bad record.")]


@pytest.mark.parametrize("make", [shaking, greeting, opened])
def test_clear_text_where_tls_should_be_ends_the_link(make: Callable[[], Wire]) -> None:
    wire = make()
    wire.link.receive_data(b"BEN: in clear", 1.0)
    assert wire.link.events() == [Ended("What came isn't the TLS of an encrypted link.")]
    assert wire.link.data_to_send().endswith(b"A\0\nbad record")


# ---- breaking the protocol -------------------------------------------------------------------------------------------

FIRST: dict[str, tuple[Frame | bytes, str]] = {
    "another frame": (STOP, "The first frame is no HELLO."),
    "PING": (Ping(b"12345678"), "The first frame is no HELLO."),
    "an unknown type": (b"\0\0\0\x02\x91\x63", "The first frame is no HELLO."),
    "no MessagePack": (b"\0\0\0\x01\xc1", ""),
    "a length of 0": (b"\0\0\0\0", "A frame here has 1 to 16384 bytes, not 0."),
    "a HELLO beyond its bound": (
        msgspec.structs.replace(HELLO_OF_BEN, features=["x" * 17_000]),
        "A frame here has 1 to 16384 bytes, not 17056.",
    ),
    "HTTP inside TLS": (b"GET / HTTP/1.1\r\n", "A frame here has 1 to 16384 bytes, not 1195725856."),
}
LATER: dict[str, tuple[Frame | bytes, str]] = {
    "a second HELLO": (HELLO_OF_BEN, "A second HELLO."),
    "a length beyond the bound": (b"\0\x10\0\x01", "A frame here has 1 to 1048576 bytes, not 1048577."),
    "a short token": (Ping(b"1"), "A token has 8 bytes."),
    "a stream of 3 bytes": (Stop("#lobby", "author", b"sss"), "A stream has 16 bytes."),
    "no array": (b"\0\0\0\x01\x07", ""),
}


def broken(wire: Wire, why: str) -> None:
    (ended,) = wire.link.events()
    assert isinstance(ended, Ended)
    assert ended.reason is not None
    assert ended.reason.startswith("It broke the protocol: ")
    assert why in ended.reason
    (bye,) = wire.heard()
    assert isinstance(bye, Bye)
    assert (bye.code, bye.text) == (4, ended.reason.removeprefix("It broke the protocol: ")[: frames.MAX_BYE_TEXT])
    assert wire.link.closing


@pytest.mark.parametrize("name", FIRST)
def test_what_may_not_come_first_ends_the_link_with_words(name: str) -> None:
    wire = Wire().shake()
    wire.heard()
    wire.say(FIRST[name][0])
    broken(wire, FIRST[name][1])


@pytest.mark.parametrize("name", LATER)
def test_what_may_not_come_later_ends_the_link_with_words(name: str) -> None:
    wire = opened()
    wire.say(LATER[name][0])
    broken(wire, LATER[name][1])


@pytest.mark.parametrize("size", [1, 1000])
def test_what_came_before_a_broken_frame_is_handed_on_and_nothing_behind_it(size: int) -> None:
    wire = opened()
    data = encode(STOP) * 2 + b"\0\0\0\0" + encode(STOP)
    for at in range(0, len(data), size):
        wire.say(data[at : at + size])
    events = wire.link.events()
    assert [frame for event in events if isinstance(event, Framed) for frame in event.frames] == [STOP, STOP]
    assert isinstance(events[-1], Ended)


def test_frames_of_unknown_types_and_further_elements_are_ignored() -> None:
    wire = opened()
    wire.say(
        b"\0\0\0\x02\x91\x63",
        b"\0\0\0\x05\x92\x63\x81\x80\x01",
        b"\0\0\0\x0d\x93\x02\xc4\x0812345678\xc0",
        STOP,
    )
    assert wire.link.events() == [Framed([Pong(b"12345678"), STOP])]
    assert wire.link.state is State.OPEN


@pytest.mark.parametrize("cut", range(len(encode(HELLO_OF_BEN))))
def test_hello_cut_anywhere_is_hello(cut: int) -> None:
    data = encode(HELLO_OF_BEN) + encode(STOP)
    wire = Wire().shake().say(data[:cut] or b"")
    assert wire.link.events() == []
    wire.say(data[cut:])
    assert wire.link.events() == [SECURED_BEN, Framed([STOP])]


# ---- signs of life ---------------------------------------------------------------------------------------------------


def test_after_25_s_of_silence_the_other_side_is_asked_and_20_s_later_taken_for_dead() -> None:
    wire = opened()
    wire.say(STOP, now=3.0)
    assert wire.link.next_deadline() == 3.0 + SILENCE == 28.0
    wire.link.handle_deadline(27.9)
    assert wire.heard() == []
    wire.link.handle_deadline(28.0)
    assert wire.heard() == [Ping(b"live\0\0\0\0")]
    assert wire.link.next_deadline() == 28.0 + DEAD == 48.0
    wire.link.events()
    wire.link.handle_deadline(48.0)
    assert wire.link.events() == [Ended("Nothing came from it for 45 s.", silent=45.0)]
    assert wire.heard() == [Bye(6, "")]


def test_any_byte_is_a_sign_of_life_and_each_question_has_its_own_token() -> None:
    wire = opened()
    wire.link.handle_deadline(25.0)
    assert wire.heard() == [Ping(b"live\0\0\0\0")]
    wire.link.receive_data(b"D", 44.9)
    assert wire.link.next_deadline() == 44.9 + SILENCE
    wire.link.handle_deadline(44.9 + SILENCE)
    assert wire.heard() == [Ping(b"live\0\0\0\1")]
    assert wire.link.events() == []


def test_pongs_to_the_link_s_own_pings_are_swallowed_and_others_handed_on() -> None:
    wire = opened()
    wire.link.say(Ping(b"from app"), 1.0)
    wire.link.handle_deadline(25.0)
    assert wire.heard() == [Ping(b"from app"), Ping(b"live\0\0\0\0")]
    wire.say(Pong(b"live\0\0\0\0"), Pong(b"from app"), Pong(b"live\0\0\0\0"), now=26.0)
    assert wire.link.events() == [Framed([Pong(b"from app")])]


def test_a_ping_is_answered_and_told_nobody() -> None:
    wire = opened()
    wire.say(Ping(b"12345678"), Ping(OWN_TOKEN + b"\0\0\0\0"))
    assert wire.heard() == [Pong(b"12345678"), Pong(OWN_TOKEN + b"\0\0\0\0")]
    assert wire.link.events() == []


def test_two_idle_links_keep_each_other_alive_for_an_hour_and_tell_nobody() -> None:
    pair = Pair()
    pair.run(3600.0)
    assert pair.dialler.events == [SECURED_BEN]
    assert len(pair.acceptor.events) == 1
    assert len(pair.dialler.written) < 40 * 3600 / SILENCE + 200


# ---- saying ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [HELLO_OF_ANNA, Bye(0, ""), Ping(OWN_TOKEN + b"1234")])
def test_what_is_the_link_s_own_business_cannot_be_said(frame: Frame) -> None:
    wire = opened()
    with pytest.raises(LocalFault):
        wire.link.say(frame, 0.0)
    assert wire.heard() == []


@pytest.mark.parametrize("make", [shaking, greeting])
def test_nothing_can_be_said_before_the_link_is_open(make: Callable[[], Wire]) -> None:
    with pytest.raises(LocalFault):
        make().link.say(STOP, 0.0)


def test_nothing_can_be_said_after_the_end_and_no_unknown_code() -> None:
    wire = opened()
    with pytest.raises(LocalFault):
        wire.link.leave(0.0, code=99)
    wire.link.leave(0.0)
    with pytest.raises(LocalFault):
        wire.link.say(STOP, 0.0)


def test_a_frame_beyond_its_bound_is_our_own_fault_and_not_sent() -> None:
    wire = opened()
    with pytest.raises(LocalFault, match="too large"):
        wire.link.say(Stop("x" * frames.MAX_FRAME, "author", b"s" * 16), 0.0)
    assert wire.heard() == []


def test_frames_wait_while_the_other_side_does_not_read() -> None:
    wire = opened()
    wire.link.pause_writing(1.0)
    assert wire.link.next_deadline() == min(SILENCE, 1.0 + STALL)
    wire.link.say(STOP, 2.0)
    wire.say(Ping(b"12345678"), now=2.0)
    assert wire.heard() == []
    wire.link.resume_writing(3.0)
    assert wire.heard() == [STOP, Pong(b"12345678")]
    assert wire.link.next_deadline() == 2.0 + SILENCE


def test_who_does_not_read_for_30_s_is_left() -> None:
    wire = opened()
    wire.link.pause_writing(1.0)
    wire.link.say(STOP, 2.0)
    wire.say(b"", now=20.0)
    wire.link.receive_data(b"D", 20.0)
    wire.link.handle_deadline(31.0)
    assert wire.link.events() == [Ended("It doesn't read what it is sent.")]
    assert wire.link.closing


def test_no_more_than_4_mib_wait_for_who_does_not_read() -> None:
    wire = opened()
    wire.link.pause_writing(1.0)
    big = Stop("x" * (1 << 20), "author", b"s" * 16)
    with pytest.raises(LocalFault):
        wire.link.say(big, 1.0)
    big = Stop("x" * ((1 << 20) - 100), "author", b"s" * 16)
    for _ in range(MAX_QUEUED // (1 << 20)):
        wire.link.say(big, 1.0)
    assert wire.link.events() == []
    wire.link.say(big, 1.0)
    assert wire.link.events() == [Ended("It reads too slowly: too much waits for it.")]
    assert len(wire.link.data_to_send()) < 100


def test_what_was_written_counts_no_more_for_what_waits() -> None:
    wire = opened()
    big = Stop("x" * 1_000_000, "author", b"s" * 16)
    for _ in range(3 * MAX_QUEUED // 1_000_000):
        wire.link.say(big, 1.0)
        assert wire.heard() == [big]
    assert wire.link.events() == []


def test_a_flood_of_pings_to_who_does_not_read_answers_is_bounded() -> None:
    wire = opened()
    wire.link.pause_writing(1.0)
    pings = [encode(Ping(b"12345678"))] * 50_000
    for _ in range(10):
        wire.say(*pings)
        if wire.link.closing:
            break
    assert wire.link.events() == [Ended("It reads too slowly: too much waits for it.")]


# ---- parting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", BYE_CODES)
def test_bye_ends_the_other_side_in_order_with_code_and_sentence(code: int) -> None:
    pair = Pair()
    pair.dialler.link.say(STOP, 1.0)
    pair.dialler.link.leave(1.0, code, "because")
    pair.settle()
    assert pair.dialler.events[-1] == Ended(None)
    framed, ended = pair.acceptor.events[-2:]
    assert framed == Framed([STOP])
    assert ended == Ended(f"It left: {BYE_CODES[code]} It says: because" if code else None, code)
    # BYE and then close_notify are the last that is written.
    assert pair.dialler.written.endswith(encode(Bye(code, "because")) + b"N\0\0")


def test_an_unknown_code_and_an_untrusted_text_are_told_safely() -> None:
    wire = opened()
    wire.say(Bye(77, "\x1b[2J" + "x" * 1000))
    assert wire.link.events() == [Ended("It left: code 77. It says: \ufffd[2J" + "x" * 252, 77)]
    wire = opened()
    wire.link.leave(0.0, 4, "y" * 1000)
    assert wire.heard() == [Bye(4, "y" * 256)]


def test_what_comes_behind_a_bye_is_dropped() -> None:
    wire = opened()
    wire.say(STOP, Bye(0, ""), STOP, Ping(b"12345678"))
    wire.say(STOP)
    wire.link.receive_eof(1.0)
    wire.link.connection_lost("Reset.", 1.0)
    wire.link.handle_deadline(100.0)
    wire.link.leave(100.0)
    assert wire.link.events() == [Framed([STOP]), Ended(None, 0)]
    assert wire.heard() == []


@pytest.mark.parametrize("make", [greeting, opened])
def test_an_end_without_a_bye_says_so(make: Callable[[], Wire]) -> None:
    wire = make()
    wire.link.receive_eof(1.0)
    assert wire.link.events() == [Ended("It closed the connection.")]
    wire = make()
    wire.engine.close()
    wire.link.receive_data(wire.engine.out(), 1.0)
    assert wire.link.events() == []
    wire.link.connection_lost(None, 1.0)
    assert wire.link.events() == [Ended("It closed the connection.")]
    wire = make()
    wire.link.connection_lost("Reset.", 1.0)
    assert wire.link.events() == [Ended("Reset.")]


def test_leaving_before_tls_is_up_says_nothing() -> None:
    link = dialled()
    link.begin(0.0)
    link.data_to_send()
    link.leave(0.1, 5, "no room")
    assert (link.data_to_send(), link.events(), link.closing) == (b"", [Ended(None)], True)


def test_leaving_who_does_not_read_drops_what_waits_but_for_the_bye() -> None:
    wire = opened()
    wire.link.pause_writing(1.0)
    wire.link.say(STOP, 1.0)
    wire.link.leave(2.0)
    assert wire.heard() == [Bye(0, "")]


# ---- whatever happens ------------------------------------------------------------------------------------------------


def test_many_small_records_without_content_stay_cheap() -> None:
    wire = opened()
    half = encode(Stop("x" * 900_000, "author", b"s" * 16))[:-1]
    wire.say(half)
    before = time.process_time()
    for _ in range(20_000):
        wire.link.receive_data(b"D\0\0", 1.0)
    # About 0.1 s; what copies the unfinished frame each time takes a minute.
    assert time.process_time() - before < 3.0
    assert wire.link.events() == []


PIECES: list[Frame] = [
    HELLO_OF_BEN, STOP, Ping(b"12345678"), Pong(b"12345678"), Pong(OWN_TOKEN + b"\0\0\0\0"), Bye(0, "bye"),
    Bye(9, "\x1b\ud7ff"), Run("#lobby", [b"h"], [b"b"], b"s"), Digest([]),
]  # fmt: skip
RAW = [
    b"H\0\0",
    b"S\0\x20" + BEN,
    b"C\0\x20" + ANNA,
    b"S\0\x20" + EVE,
    b"N\0\0",
    b"A\0\1x",
    b"D\0\0",
    b"D\0\1",
    b"\t\n",
]
INNER = (
    st.sampled_from([encode(frame) for frame in PIECES])
    | st.binary(max_size=9)
    | st.sampled_from([b"\0\0\0\0", b"\0\0\0\1\xc1"])
)
STEPS = st.one_of(
    st.tuples(st.just("inner"), st.lists(INNER, max_size=4).map(b"".join)),
    st.tuples(st.just("raw"), st.sampled_from(RAW) | st.binary(max_size=9)),
    st.tuples(st.just("time"), st.sampled_from([0.0, 0.1, 4.9, 5.0, 20.0, 25.0, 31.0])),
    st.tuples(st.sampled_from(["due", "say", "pause", "resume", "leave", "eof", "lost"]), st.none()),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(["dialled", "accepted", "up"]), st.lists(STEPS, max_size=20), st.integers(1, 9))
def test_whatever_the_other_side_does_nothing_is_raised_and_the_link_ends_once(
    kind: str, steps: list[tuple[str, object]], size: int
) -> None:
    link = accepted() if kind == "accepted" else dialled(expect=None)
    link.begin(0.0)
    now, events = 0.0, list[SecureEvent]()
    if kind == "up":
        link.receive_data(b"S\0\x20" + BEN, 0.0)
    for what, value in steps:
        if what in ("inner", "raw"):
            assert isinstance(value, bytes)
            data = value if what == "raw" else b"D" + len(value).to_bytes(2, "big") + value
            for at in range(0, len(data), size):
                link.receive_data(data[at : at + size], now)
        elif what in ("time", "due"):
            now = max(now, link.next_deadline() or now) if what == "due" else now + float(str(value))
            link.handle_deadline(now)
            due = link.next_deadline()
            assert due is None or due > now, "a timer that is due again at once never lets go"
        elif what == "say":
            if link.state is State.OPEN:
                link.say(STOP, now)
        elif what == "lost":
            link.connection_lost("Reset.", now)
        else:
            doing = {"pause": link.pause_writing, "resume": link.resume_writing, "leave": link.leave}
            doing.get(what, link.receive_eof)(now)
        link.data_to_send()
        events += link.events()
    link.connection_lost(None, now)
    events += link.events()
    assert link.state is State.CLOSED
    assert link.closing
    assert link.next_deadline() is None
    assert [event for event in events if isinstance(event, Ended)] == events[-1:]
    secured = [at for at, event in enumerate(events) if isinstance(event, Secured)]
    assert len(secured) <= 1
    assert all(at > secured[0] for at, event in enumerate(events) if isinstance(event, Framed))
    for event in events:
        if isinstance(event, Framed):
            assert event.frames
            assert not any(isinstance(frame, Hello | Ping | Bye) for frame in event.frames)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([*PIECES[7:], STOP])), max_size=12), st.integers(1, 64))
def test_what_one_link_says_the_other_hands_on_once_and_in_order(said: list[tuple[bool, Frame]], size: int) -> None:
    pair = Pair(size=size)
    sides: dict[bool, tuple[End, End]] = {True: (pair.dialler, pair.acceptor), False: (pair.acceptor, pair.dialler)}
    for side, frame in said:
        sides[side][0].link.say(frame, 0.0)
        if size % 2:
            pair.settle()
    pair.settle()
    for side, (_, other) in sides.items():
        heard = [frame for event in other.of(Framed) for frame in event.frames]
        assert heard == [frame for speaker, frame in said if speaker is side]
