from __future__ import annotations

import pytest

from node.protocol.secure.offer import (
    ANSWER,
    DIGITS_WAIT,
    NEWLINE_WAIT,
    OFFER,
    AnswerReader,
    Offered,
    OfferReader,
)

WHOLE = b"CONNECT:000000005000" + OFFER


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_every_beginning_of_an_offer_may_become_one(length: int) -> None:
    reader = OfferReader()
    assert reader.take(WHOLE[:length], 1.0) is None
    assert reader.tabbed is (length > 20)
    assert reader.due == 1.0 + (NEWLINE_WAIT if length > 20 else DIGITS_WAIT)
    assert reader.take(WHOLE[length:] + b"rest", 1.05) == Offered(5000, b"rest")
    assert reader.due is None


@pytest.mark.parametrize("length", range(len(WHOLE)))
@pytest.mark.parametrize("byte", [b"x", b" ", b"\r", b"\x00", b"\x16"])
def test_one_other_byte_anywhere_makes_it_none(length: int, byte: bytes) -> None:
    reader = OfferReader()
    assert reader.take(WHOLE[:length] + byte + WHOLE[length + 1 :], 1.0) is None
    assert reader.due is None
    assert reader.held == WHOLE[:length] + byte + WHOLE[length + 1 :]


def test_the_answer_is_found_and_any_other_byte_is_none() -> None:
    for length in range(len(ANSWER)):
        reader = AnswerReader()
        assert reader.take(ANSWER[:length]) is None
        assert reader.possible
        assert reader.take(ANSWER[length:] + b"rest") == b"rest"
        reader = AnswerReader()
        assert reader.take(ANSWER[:length] + b"x" + ANSWER[length:]) is None
        assert not reader.possible


def test_the_reads_that_were_held_back_come_out_as_they_came_in() -> None:
    reader = AnswerReader()
    for read in (b"\t\t", b"\t", b"BEN: hi"):
        assert reader.take(read) is None
    assert reader.reads == [b"\t\t", b"\t", b"BEN: hi"]
