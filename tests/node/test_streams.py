"""What is printed holds nobody up: a queue with a bound, one thread, and a count of what was dropped."""

from __future__ import annotations

import io
import logging
import os
import pathlib
import pty
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from node import loglines, streams
from node.streams import Outlet
from tests.support.processes import PATIENCE

#: A pipe takes 64 KiB on Linux.
MORE_THAN_A_PIPE = 400_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for one in (reading, writing):
        os.close(one)


def read_lines(descriptor: int, count: int) -> list[str]:
    """So many lines, read as they come."""
    found = b""
    while found.count(b"\n") < count:
        found += os.read(descriptor, 65_536)
    return found.decode().splitlines()


def test_lines_come_out_in_their_order_and_whole(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    print("one", "two", 3, file=outlet)
    outlet.write("begun ")
    outlet.write("and ended\nlast\nno end")
    assert outlet.drain(PATIENCE)
    assert os.read(pipe[0], 1_000) == b"one two 3\nbegun and ended\nlast\nno end"
    assert (outlet.fileno(), outlet.isatty(), outlet.encoding) == (pipe[1], False, "utf-8")


def test_lines_of_several_threads_stay_whole(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    handler = logging.StreamHandler(outlet)

    def say(who: str) -> None:
        for number in range(300):
            handler.emit(logging.makeLogRecord({"msg": f"{who} {number}"}))

    threads = [threading.Thread(target=say, args=(who,)) for who in "abc"]
    for one in threads:
        one.start()
    lines = read_lines(pipe[0], 900)
    for one in threads:
        one.join()
    for who in "abc":
        assert [line for line in lines if line.startswith(who)] == [f"{who} {number}" for number in range(300)]


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_missing_is_said(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], limit=100_000)
    began = time.monotonic()
    for number in range(40_000):
        print(f"line {number:06}", file=outlet)
    assert time.monotonic() - began < PATIENCE / 4
    assert not outlet.drain(0.05), "and the end doesn't wait for it"
    read: list[str] = []
    while not any("not written" in line for line in read):
        read += read_lines(pipe[0], 1)
    print("after", file=outlet)
    read += read_lines(pipe[0], 1)
    kept = [line for line in read if line.startswith("line ")]
    assert kept == [f"line {number:06}" for number in range(len(kept))], "the first ones, in order"
    missing = 40_000 - len(kept)
    assert read[len(kept) :] == [f"{missing} lines were not written here, because nothing took them.", "after"]


def test_a_terminal_whose_flow_is_stopped_holds_nobody_up() -> None:
    ours, theirs = pty.openpty()
    try:
        outlet = Outlet(theirs)
        termios.tcflow(theirs, termios.TCOOFF)
        for number in range(5_000):
            print("x" * 50, number, file=outlet)
        assert not outlet.drain(0.05)
        termios.tcflow(theirs, termios.TCOON)
        lines = read_lines(ours, 5_000)
        assert [line.split()[1] for line in lines] == [str(number) for number in range(5_000)]
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    outlet = Outlet(writing)
    for _ in range(100):
        print("nobody hears it", file=outlet)
    assert outlet.drain(PATIENCE)
    os.close(writing)


def test_a_full_disk_is_no_error_and_what_it_cost_is_said(tmp_path: pathlib.Path) -> None:
    """/dev/full refuses every byte; then the descriptor becomes a file with room."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    outlet = Outlet(descriptor)
    for number in range(3):
        print("lost", number, file=outlet)
    assert outlet.drain(PATIENCE)
    with (tmp_path / "log").open("wb") as file:
        os.dup2(file.fileno(), descriptor)
    print("written", file=outlet)
    assert outlet.drain(PATIENCE)
    os.close(descriptor)
    said = (tmp_path / "log").read_text().splitlines()
    assert said == ["3 lines were not written here, because nothing took them.", "written"]


def test_a_descriptor_that_does_not_wait_is_waited_for(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    outlet = Outlet(pipe[1])
    text = "y" * MORE_THAN_A_PIPE
    print(text, file=outlet)
    assert read_lines(pipe[0], 1) == [text]


def test_what_the_encoding_has_no_sign_for_is_a_question_mark(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], "ascii")
    print("é \udcff", file=outlet)
    assert outlet.drain(PATIENCE)
    assert os.read(pipe[0], 100) == b"? ?\n"


def test_what_was_missed_is_a_line_of_the_log_in_its_form(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    outlet = Outlet(pipe[1])
    monkeypatch.setattr(sys, "stderr", outlet)
    try:
        loglines.set_up("json", "info")
        assert '"message":"7 lines were not written here, because nothing took them."' in outlet.said_lost(7)
        loglines.set_up("text", "info", timed=False)
        assert outlet.said_lost(1) == "warning 1 line was not written here, because nothing took them."
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_all_that_a_program_prints_goes_that_way(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what a library printed to when it was imported."""
    stream = io.TextIOWrapper(io.FileIO(pipe[1], "w", closefd=False), write_through=True)
    early = logging.StreamHandler(stream)
    logger = logging.getLogger("snicher.tests.early")
    # Handlers that other tests left further up have nothing to do with this one.
    monkeypatch.setattr(logger, "propagate", False)
    logger.addHandler(early)
    kept: list[object] = []
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(streams.atexit, "register", lambda *call: kept.append(call))
    try:
        streams.never_block()
        outlet = sys.stderr
        assert isinstance(outlet, Outlet)
        assert early.stream is outlet
        logger.error("said early")
        assert outlet.drain(PATIENCE)
        assert os.read(pipe[0], 100) == b"said early\n"
        assert len(kept) == 1, "it is written when the process ends"
    finally:
        logger.removeHandler(early)
