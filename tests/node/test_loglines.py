"""What the node says on stderr: one line a record, whatever peers put into it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from node import loglines


@pytest.fixture(autouse=True)
def root_logger_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


Captured = pytest.CaptureFixture[str]


def test_a_line_has_clock_level_and_message(capsys: Captured) -> None:
    loglines.set_up("text", "info")
    logging.getLogger("snicher").info("listening on %s", "127.0.0.1:5000")
    clock, level, message = capsys.readouterr().err.split(maxsplit=2)
    assert len(clock) == len("12:34:56")
    assert (level, message) == ("info", "listening on 127.0.0.1:5000\n")


def test_lines_have_no_time_where_the_journal_or_honcho_adds_one(capsys: Captured) -> None:
    loglines.set_up("text", "info", timed=False)
    logging.getLogger("snicher").info("listening")
    assert capsys.readouterr().err == "info    listening\n"


def test_levels_below_the_chosen_one_are_left_out(capsys: Captured) -> None:
    loglines.set_up("text", "warning")
    logging.getLogger("snicher").info("quiet")
    logging.getLogger("snicher").warning("loud")
    err = capsys.readouterr().err
    assert "quiet" not in err
    assert "loud" in err


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", "\rstart", "\u202eturned", "\x00", "\x85", "\u2028"])
def test_nothing_in_a_name_moves_the_cursor_or_begins_a_line(capsys: Captured, name: str) -> None:
    loglines.set_up("text", "info")
    logging.getLogger("snicher").info("new peer: %s", name)
    (line,) = capsys.readouterr().err.split("\n")[:-1]
    assert line.isprintable(), ascii(line)


def test_json_lines_are_json_whatever_is_in_them(capsys: Captured) -> None:
    loglines.set_up("json", "info")
    for text in ("plain", "two\nlines", '"quoted"', "\udc80 is no text"):
        logging.getLogger("snicher.x").warning("say %s", text)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["message"] for one in said] == ["say plain", "say two\nlines", 'say "quoted"', "say ? is no text"]
    assert {one["level"] for one in said} == {"warning"}
    assert {one["logger"] for one in said} == {"snicher.x"}
    assert all(isinstance(one["at"], int) for one in said)


@pytest.mark.parametrize("name", ["\x9b31m", "\x9d0;x\x9c", "\x7f", "\u202eturned", "\u2028"])
def test_json_lines_steer_no_terminal(capsys: Captured, name: str) -> None:
    loglines.set_up("json", "info")
    logging.getLogger("snicher").info("new peer: %s", name)
    line = capsys.readouterr().err.removesuffix("\n")
    assert line.isprintable(), ascii(line)
    assert json.loads(line)["message"] == f"new peer: {name}"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_comes_with_its_record(capsys: Captured, form: str) -> None:
    loglines.set_up(form, "info")
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("snicher").exception("a bug")
    err = capsys.readouterr().err
    if form == "json":
        said = json.loads(err)
        assert said["message"] == "a bug"
        assert "ValueError: what went wrong" in said["error"]
    else:
        assert err.splitlines()[0].endswith("a bug")
        assert "ValueError: what went wrong" in err
