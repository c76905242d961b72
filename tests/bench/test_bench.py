"""The benchmark still runs: every figure is produced and sane. Never a speed: that is for people to look at."""

from __future__ import annotations

import itertools
import math
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.bench import rows
from tests.bench.__main__ import NAMES, main, run
from tests.bench.processes import NodeProcess
from tests.bench.rows import Row, Target
from tests.bench.sizes import QUICK
from tests.support.chromium import CHROMIUM
from tests.support.forks import Fork, forks

#: So many figures each family has.
FIGURES = {
    "plain": 5, "latency": 2, "sending": 5, "delivered": 4, "links": 5,
    "paging": 5, "snapshots": 4, "newcomers": 6, "searching": 19, "leaving": 21, "idle": 4,
    "burst": 2, "crowd": 6, "handshakes": 8, "finding": 13, "scrolling": 7, "pixels": 8, "opening": 2, "many": 3,
    "growth": 16,
}  # fmt: skip


def _marks(name: str) -> list[pytest.MarkDecorator]:
    if name not in ("scrolling", "pixels", "opening", "many"):
        return []
    return [
        pytest.mark.browser,
        pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
    ]


class Begun:
    """How nodes begin here: the first one as in a whole run, all others as forks, which takes less (forks.py)."""

    def __init__(self, anew: Callable[[Sequence[str], Mapping[str, str]], subprocess.Popen[Any] | Fork]) -> None:
        self._anew = anew
        self._numbers = itertools.count()

    def __call__(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[Any] | Fork:
        if not next(self._numbers) or sys.platform != "linux":
            return self._anew(words, environment)
        with pathlib.Path(os.devnull).open("r+b") as nothing:
            script, streams = ("-m", "node"), [nothing.fileno(), nothing.fileno(), 2]
            return Fork(*forks(script).start(script, words, environment, streams), None)


@pytest.fixture(scope="module")
def everything() -> Iterator[dict[str, Future[list[Row]]]]:
    """All families at once: each waits most of its time, and speed doesn't matter here."""
    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(len(NAMES)) as pool:
        patched.setattr(NodeProcess, "begin", Begun(NodeProcess.begin))
        yield {name: pool.submit(run, name, QUICK) for name in NAMES}


# All of them run while the first one is waited for, on a machine that may be busy.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in NAMES])
def test_every_figure_is_produced_and_sane(name: str, everything: dict[str, Future[list[Row]]]) -> None:
    found = everything[name].result()
    if name == "finding" and not found and not os.environ.get("CI"):
        pytest.skip("no network namespaces")
    assert len(found) == FIGURES[name]
    assert len({row.what for row in found}) == len(found)
    for row in found:
        assert row.values
        assert all(math.isfinite(value) and value >= 0 for value in row.values), row
        assert all(math.isfinite(value) and value >= 0 for value in row.references), row
        if row.unit == "messages/s":
            assert row.median > 0, row
        if row.target is not None and row.target.sign == "=":
            assert row.verdict == "met", row
    assert all(row.what in rows.table(found) for row in found)


def test_a_row_is_judged_by_the_medians_of_values_and_of_pairs() -> None:
    row = Row(
        what="x", unit="messages/s", values=[10, 20, 90], target=Target("≥", 20),
        beside="bare", references=[20, 50, 90], ratio_target=Target("≥", 0.5),
    )  # fmt: skip
    assert row.ratio == 0.5
    assert row.verdict == "met"
    assert Row(what="x", unit="ms", values=[4, 4.9, 9], target=Target("<", 5)).verdict == "met"
    assert Row(what="x", unit="ms", values=[5], target=Target("<", 5)).verdict == "MISSED"
    assert Row(what="x", unit="", values=[9], references=[20], ratio_target=Target("≥", 0.5)).verdict == "MISSED"
    assert Row(what="x", unit="ms", values=[5]).verdict == ""
    head, _, line = rows.table([row]).splitlines()
    assert line.split() == [
        "x",
        "10.0",
        "20.0",
        "90.0",
        "messages/s",
        "≥",
        "20.0",
        "bare",
        "50.0",
        "0.50",
        "(≥",
        "0.50)",
        "met",
    ]
    assert head.startswith("figure")


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = list(range(1, 101))
    assert [rows.percentile(hundred, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert rows.percentile([7.5], 99) == 7.5


def test_an_unknown_name_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["plane"])
    assert refused.value.code == 2
    assert "searching" in capsys.readouterr().err
