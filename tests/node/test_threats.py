"""THREATS.md names tests that exist, and each attack that is tested has its row."""

from __future__ import annotations

import pathlib
import re

import pytest

NODE = pathlib.Path(__file__).resolve().parent
PAGE = (NODE.parents[1] / "node" / "THREATS.md").read_text("utf-8")
#: The tables whose rows are one test each, by heading, and the files whose tests all stand there.
TABLES = {
    "The way between two nodes": ("peers/test_middleman.py",),
    "A hostile node": ("peers/test_visitors.py", "core/test_hostile.py"),
}


def defined_in(path: pathlib.Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE))


def rows(heading: str) -> list[list[str]]:
    """The cells of the one table under a heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in section.splitlines() if line[:1] == "|"][2:]


@pytest.mark.parametrize("heading", TABLES)
def test_each_attack_has_a_row_and_each_row_a_test(heading: str) -> None:
    found = rows(heading)
    assert all(len(row) == 4 and all(row) for row in found)
    shown = [row[3].strip("`") for row in found]
    assert len(shown) == len(set(shown))
    attacks = set[str]().union(*(defined_in(NODE / name) for name in TABLES[heading]))
    assert attacks <= set(shown), attacks - set(shown)


def test_every_test_that_the_page_names_exists() -> None:
    folder = NODE.parent
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = set[str]().union(*map(defined_in, folder.rglob("test_*.py")))
    assert named <= there, named - there
    files = set(re.findall(r"`(?:tests/)?((?:\w+/)*test_\w+\.py)`", PAGE))
    known = {path.name for path in folder.rglob("test_*.py")}
    assert {name.rpartition("/")[2] for name in files} <= known


def test_each_attack_names_its_test_or_says_openly_that_it_has_none() -> None:
    tables = re.split(r"^\|.*\| test \|$", PAGE, flags=re.MULTILINE)[1:]
    assert len(tables) >= 8
    for table in tables:
        for line in table.strip().partition("\n\n")[0].splitlines()[1:]:
            assert re.search(r"test_\w+|stated", line.rpartition(" | ")[2]), line


def test_the_middleman_has_no_code_of_the_node() -> None:
    code = (NODE.parent / "support" / "middleman.py").read_text("utf-8")
    imported = re.findall(r"^\s*(?:from|import) (\w+)", code, re.MULTILINE)
    assert not {"node", "tests", "msgspec"} & set(imported)
