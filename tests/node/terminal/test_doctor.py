"""The verb `doctor`: how a diagnosis looks on a terminal, and its exit code."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from node.bus.diagnosis import Check, Diagnosis, DoctorArgs
from node.terminal import doctor
from tests.support.diagnoses import some
from tests.support.fake_client import FakeClient

AT = 1_800_000_000_000
WIDE = """\
You can be reached. Multicast doesn't come back: others may not see you.
  Whoever has your address or an invite gets through. Nobody finds you by
  themselves until UDP 5353 is let in.

  well      Port 5000    Open. bela's node connected back to it in 3 ms.
  fails     Multicast    6 questions went out on en0 and wlan0, none came back.
                         Let mDNS in, then run again:
                         sudo ufw allow 5353/udp
"""


def test_it_is_laid_out_for_80_columns() -> None:
    told = doctor.lines(some(AT), 80, AT)
    assert "\n".join(told).startswith(WIDE)
    assert max(map(len, told)) < 80


@pytest.mark.parametrize("width", [20, 24, 40, 63, 64, 80, 200])
def test_no_line_is_longer_than_the_terminal_but_what_is_to_be_copied(width: int) -> None:
    told = doctor.lines(some(AT), width, AT)
    long = [line for line in told if len(line) > max(width, doctor.LEAST)]
    assert all("sudo" in line or ":5000" in line for line in long)


def test_nothing_that_others_say_steers_the_terminal() -> None:
    found = replace(some(AT), name="do\x1b[2Jra", verdict="a\x1b[31m", paths=[])
    assert all(line.isprintable() for line in doctor.lines(found, 80, AT))


def test_the_exit_code_tells_whether_something_fails() -> None:
    assert doctor.exit_code(some(AT)) == 1
    well = replace(some(AT), state="well", checks=[Check(key="port", title="Port", state="doubtful", said="x")])
    assert doctor.exit_code(well) == 0
    assert doctor.exit_code(replace(well, state="fails")) == 1


def test_it_waits_until_the_node_is_done_and_asks_for_another_look_once(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    going = replace(some(AT), running=True)
    client = verb(["doctor", "bela", "--again"], going, going, some(AT), code=1)
    assert client.asked == [("doctor", "bela", True), ("doctor", "bela", False), ("doctor", "bela", False)]
    assert "Checked at" in capsys.readouterr().out


def test_a_node_that_is_never_done_is_waited_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATIENCE_S", 0.0)
    found = Diagnosis(running=True)
    assert "It isn't done yet." in doctor.lines(found, 80, AT)
    assert DoctorArgs().again is False
