"""What every one-shot dialect must hold, so that its own test file only lists its messages."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import codec
from node.protocol.plain.codec import Announced, OneShotCodec, PersistentCodec, Reader, Said, Speaker, Text
from tests.node.protocol.plain.reading import read

ANNA = Speaker("10.0.0.7", 5000, "anna", "10.0.0.9:6000", "2025-03-01 10:00:00")
SIZES = [None, 1, 2, 7]
NAMES = st.text(max_size=80) | st.sampled_from(["GROUP7", 'a"b\\c', "😀" * 64, "a b|c>d"])
TEXTS = st.text(max_size=3000) | st.sampled_from(["x" * 3000, '"\\' * 1500, "\x01" * 900, "é" * 1500, "\n\n", " \x00 "])


def speakers(names: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[Speaker]:
    """Anybody on any address, with any name."""
    hosts = st.sampled_from(["10.0.0.7", "fe80::1", "255.255.255.255"])
    return st.builds(lambda host, name: Speaker(host, 65535, name, ANNA.target, ANNA.clock), hosts, names)


def recognises_every_beginning(dialect: OneShotCodec | PersistentCodec, data: bytes) -> None:
    """No beginning of a message is taken for something else, and the whole of it is known at its end."""
    verdicts = [dialect.recognises(data[:length], ended=False) for length in range(1, len(data) + 1)]
    assert False not in verdicts
    assert True not in verdicts or all(verdicts[verdicts.index(True) :])
    assert dialect.recognises(data, ended=True) is True


def refuses(dialect: OneShotCodec | PersistentCodec, head: bytes) -> None:
    """It is none of this dialect's, whole and byte by byte."""
    assert dialect.recognises(head, ended=True) is False
    assert True not in [dialect.recognises(head[:length], ended=False) for length in range(1, len(head) + 1)]


def several_lines(dialect: OneShotCodec | PersistentCodec) -> bool:
    """Whether a message of the dialect may have several lines."""
    return dialect.name in ("snicher", "angle@", "angle-ts", "json")


def bounded_payloads(dialect: OneShotCodec | PersistentCodec, blank: bool = True) -> Callable[[], None]:
    """A test: any text by anybody goes out in payloads that old clients can read, and that say that text."""

    @settings(derandomize=True)
    @given(TEXTS, speakers())
    def check(text: str, speaker: Speaker) -> None:
        sent = dialect.payloads(text, speaker)
        for payload in sent.parts:
            assert len(payload) <= codec.MAX_PAYLOAD
            assert b"\x00" not in payload
            payload.decode()
        if not text.strip().strip("\x00").strip():
            return
        if dialect.persistent:
            said = read(dialect.reader(dialled=True), b"".join(sent.parts))
        else:
            said = [one for payload in sent.parts for one in read(dialect.reader(), payload)]
        assert all(isinstance(one, Text) and one.port == 65535 for one in said if not isinstance(one, Announced))
        heard = "".join(one.text.partition(") ")[2] if "parts" in sent.marks else one.text for one in texts(said))
        assert squeezed(heard) == squeezed(text if several_lines(dialect) else codec.on_one_line(codec.sendable(text)))
        if not dialect.persistent:
            assert all(dialect.recognises(payload, ended=True) for payload in sent.parts)

    return check


def texts(said: list[Said]) -> list[Text]:
    """The texts among it."""
    return [one for one in said if isinstance(one, Text)]


def squeezed(text: str) -> str:
    """A text without blanks, word joiners and a full stop at its end: what may change on the way."""
    return "".join(text.replace("\x00", " ").replace("\u2060", "").split()).removesuffix(".")


def same_in_pieces(make: Callable[[], Reader], heads: list[bytes]) -> Callable[[], None]:
    """A test: whatever follows a header reads the same whole and in pieces, and is never a blank text."""

    @settings(derandomize=True)
    @given(st.sampled_from(heads), st.binary(max_size=200), st.sampled_from([1, 3, 50]))
    def check(head: bytes, tail: bytes, size: int) -> None:
        said = read(make(), head + tail, size)
        assert said == read(make(), head + tail)
        assert all(one.text.strip() for one in texts(said))

    return check
