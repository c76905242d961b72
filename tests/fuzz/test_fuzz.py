"""The short run of the suite. Always the same inputs; the long run of tests.fuzz draws new ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import __main__ as fuzz
from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, Target

INPUTS = 3_000
BYTES = st.lists(st.sampled_from((*corpus.SEEDS, *corpus.TOKENS)) | st.binary(max_size=12), max_size=6).map(b"".join)


def test_spoilt_messages_are_parsed_or_refused_and_nothing_else() -> None:
    count, failure = fuzz.run(1, list(TARGETS), lambda done: done < INPUTS)
    assert failure is None, failure
    assert count == INPUTS


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_parsed_or_refused_and_nothing_else(name: str) -> None:
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(BYTES, st.integers(0, 2**32))
    def check(data: bytes, seed: int) -> None:
        TARGETS[name](data, random.Random(seed))

    check()


@pytest.mark.parametrize("name", TARGETS)
def test_what_real_clients_send_is_taken_by_everybody(name: str) -> None:
    for number, data in enumerate(corpus.SEEDS):
        TARGETS[name](data, random.Random(number))


def test_a_failure_is_told_with_all_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(data: bytes, rng: random.Random) -> None:
        if b"\xff" in data:
            raise KeyError("a bug")

    broken_target: Target = broken
    monkeypatch.setitem(TARGETS, "header", broken_target)
    assert fuzz.main(["--seed", "7", "--target", "header", "--minutes", "1"]) == 1
    said = capsys.readouterr()
    index = int(said.err.split("input ")[1].split(",")[0])
    assert "seed 7" in said.out
    assert f"{index + 1} inputs tried" in said.out
    assert fuzz.main(["--seed", "7", "--target", "header", "--only", str(index)]) == 1
    assert capsys.readouterr().err == said.err
    assert fuzz.main(["--seed", "7", "--target", "header", "--only", str(index - 1)]) == 0
