"""PROTOCOL.md is the authority: what it says of numbers, words, bytes and states is what the code does."""

from __future__ import annotations

import ast
import json
import pathlib
import re

import pytest

from node.protocol import entries, link, order, probing, writing
from node.protocol.link import Ended, Heard, Link, Offered, Recognised
from node.protocol.plain import ancestor, angle, codec, one_shot, portline, registry, words
from node.protocol.plain.codec import Announced, Text
from node.protocol.secure import frames, offer
from node.protocol.secure import link as secure
from node.protocol.secure import states as secure_states
from node.protocol.states import State
from tests.node.protocol.diagram import diagrams
from tests.node.protocol.test_entries import run

#: Section 10 has tests of its own (test_entries_on_the_page.py).
PAGE = (pathlib.Path(link.__file__).parent / "PROTOCOL.md").read_text("utf-8").partition("\n## 10. ")[0]
MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (link, probing, writing, order, entries, codec, one_shot, angle, portline, ancestor, offer, frames)
} | {"secure": secure}
UNITS = {"ms": 0.001, "s": 1, "KiB": 1024, "MiB": 1024 * 1024, "": 1}
#: The rows of all tables, cell by cell.
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
    for line in PAGE.splitlines()
    if line.startswith("|")
]
CONSTANTS = {row[0].strip("`"): row[1] for row in ROWS if re.fullmatch(r"`[a-z_]+\.[A-Z_]+`", row[0])}
#: Rows whose first cell is bytes, with what the second says of them.
BYTES = [(ast.literal_eval(row[0].strip("`")), row[1]) for row in ROWS if re.match(r"`b['\"]", row[0])]
ROWS_OF_BAD_PEERS = ["what the node does", "what people see", "at most", "shown by"]
#: The further columns of the table of outcomes in section 9.
OUTCOMES = ["what happens", "what people see", "shown by"]
DIALECTS = [(data, says) for data, says in BYTES if says in registry.BY_NAME]
#: What becomes of reads.
READS = [(row[0], row[1]) for row in ROWS if row[0].startswith("`[")]
CONNECTS = [(data, says) for data, says in BYTES if says not in registry.BY_NAME]


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_has_the_value_that_the_page_says(name: str) -> None:
    module, _, constant = name.partition(".")
    number, _, unit = CONSTANTS[name].partition(" ")
    assert getattr(MODULES[module], constant) == pytest.approx(int(number) * UNITS[unit], abs=0)


def test_the_page_names_every_number_of_the_protocol() -> None:
    numbers = {
        f"{name}.{constant}"
        for name, module in MODULES.items()
        for constant, value in vars(module).items()
        if constant.isupper() and not constant.startswith("_") and isinstance(value, int | float)
    }
    assert numbers == set(CONSTANTS)


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    assert re.findall(r"```mermaid\n(.*?)\n```", PAGE, re.DOTALL) == diagrams()


def test_no_name_of_a_state_breaks_a_diagram() -> None:
    names = [state.value for state in State] + [state.value for state in secure_states.State]
    assert not re.search(r"[;:#{}]", "".join(names))


def test_the_offer_is_written_as_it_is_made() -> None:
    told = re.search(r"`(b\"CONNECT:5000\" \+ .*?)`", PAGE)
    assert told is not None
    made = Link.announce(5000, "anna", unsure=True)
    made.connected("127.0.0.1", 5000, "anna", 0.0)
    made.handle_deadline(link.CONNECT_PAUSE)
    # The one expression on the page; as literals, so that nothing of it is run.
    assert told[1] == f'b"CONNECT:5000" + b"\\t" * {offer.OFFER_TABS} + b"\\n"'
    assert made.data_to_send() == b"CONNECT:5000" + b"\t" * offer.OFFER_TABS + b"\n"
    assert f'`b"\\t" * {offer.ANSWER_TABS} + b"\\n"`' in PAGE
    assert b"\t" * offer.ANSWER_TABS + b"\n" == offer.ANSWER


@pytest.mark.parametrize(("data", "name"), DIALECTS)
@pytest.mark.parametrize("size", [None, 1])
def test_first_bytes_are_told_apart_as_the_page_shows(data: bytes, name: str, size: int | None) -> None:
    made = Link.accepted()
    made.connected("127.0.0.1", 5000, "anna", 0.0)
    for start in range(0, len(data), size or len(data)):
        made.receive_data(data[start : start + (size or len(data))], 0.0)
    made.receive_eof(0.0)
    events = made.events()
    assert events[0] == Recognised(name, persistent=registry.BY_NAME[name].persistent)
    assert isinstance(events[-1], Ended)


@pytest.mark.parametrize(("data", "says"), CONNECTS)
def test_a_connect_is_taken_as_the_page_shows(data: bytes, says: str) -> None:
    made = Link.accepted()
    made.connected("127.0.0.1", 5000, "anna", 0.0)
    made.receive_data(data, 0.0)
    made.receive_eof(0.0)
    said = [one for event in made.events() if isinstance(event, Heard) for one in event.said]
    port = re.match(r"port (\d+)", says)
    text = re.search(r'the text "(.*?)"(?: from (\w+))?', says)
    expected: list[object] = []
    if port is not None:
        expected.append(Announced(int(port[1])))
    if says == "a claim of nothing":
        expected.append(Announced(None))
    if text is not None:
        expected.append(Text(text[1], text[2]))
    assert expected
    assert said == expected


def test_the_page_has_examples_of_both_kinds() -> None:
    assert {name for _, name in DIALECTS} == set(registry.BY_NAME)
    assert len(CONNECTS) == 10


@pytest.mark.parametrize(("reads", "texts"), READS)
def test_reads_become_texts_as_the_page_shows(reads: str, texts: str) -> None:
    made = Link.accepted()
    made.connected("127.0.0.1", 5000, "anna", 0.0)
    now, said = 0.0, []
    for read in json.loads(reads.strip("`")):
        now += 0.02
        if read is None:
            now += ancestor.HOLD
            made.handle_deadline(now)
        else:
            made.receive_data(read.encode(), now)
        said += [one for event in made.events() if isinstance(event, Heard) for one in event.said]
    assert [one.text for one in said if isinstance(one, Text)] == json.loads(texts.strip("`"))
    assert len(READS) == 4


def listed(after: str, until: str) -> set[str]:
    """The words in code marks between two pieces of the page."""
    start = PAGE.index(after) + len(after)
    return {" ".join(word.split()) for word in re.findall(r"`([^`]+)`", PAGE[start : PAGE.index(until, start)])}


def test_the_words_are_those_of_the_code() -> None:
    assert listed("- **Hello**", "- **Good-bye**") == words.HELLO
    assert listed("- **Good-bye**", "A good-bye on") == words.GOODBYE
    assert listed("(in any case)", "or that begins") == words.ACTING
    assert listed("the first letter of", "wherever they stand") == set(words.ACTING_INSIDE)


def test_the_vectors_are_what_the_code_writes() -> None:
    lines = re.findall(r"^(n =|header|hash|signature) +([0-9a-f]+)$", PAGE, re.MULTILINE)
    written = []
    for entry in run(2):
        assert entry.signature is not None
        written += [
            ("n =", str(entry.header.n)),
            ("header", entry.header_bytes.hex()),
            ("hash", entry.hash.hex()),
            ("signature", entry.signature.hex()),
        ]
    assert lines == written
    assert f'`b"{entries.CONTEXT.decode()[:-1]}\\x00"`' in PAGE


def test_the_worked_example_of_an_encrypted_link_is_what_the_code_writes() -> None:
    hello = frames.Hello([2], bytes(range(16)), bytes(range(16, 32)), "anna", 5000, 1_767_225_600_000, [])
    written = [
        ("offer", b"CONNECT:5000" + offer.OFFER),
        ("answer", offer.ANSWER),
        ("HELLO", frames.encode(hello)),
        ("PING", frames.encode(frames.Ping(b"live\x00\x00\x00\x01"))),
    ]
    lines = re.findall(r"^(offer|answer|HELLO|PING) +([0-9a-f]+)$", PAGE, re.MULTILINE)
    assert lines == [(name, data.hex()) for name, data in written]
    # What is on the page is what a link reads, too.
    made = Link.accepted()
    made.connected("127.0.0.1", 5000, "anna", 0.0)
    made.receive_data(bytes.fromhex(lines[0][1]), 0.0)
    assert made.events() == [Offered(5000, b"")]
    assert made.data_to_send() == bytes.fromhex(lines[1][1])
    assert frames.decode(bytes.fromhex(lines[2][1])[4:]) == hello


def test_the_codes_of_bye_are_those_of_the_code() -> None:
    rows = ROWS[ROWS.index(["code", "meaning of BYE"]) + 2 :]
    assert {int(row[0]): row[1] for row in rows[: len(frames.BYE_CODES)]} == frames.BYE_CODES
    assert not rows[len(frames.BYE_CODES)][0].isdigit()


def test_each_outcome_of_an_encrypted_link_that_names_a_test_has_it() -> None:
    rows = [row for row in ROWS[ROWS.index(["case", *OUTCOMES]) + 2 :] if len(row) == 4]
    shown = {row[3].strip("`") for row in rows}
    assert shown <= names_of_tests(pathlib.Path(__file__).resolve().parents[2])
    assert all(all(row) for row in rows)
    assert len(rows) >= 19


def names_of_tests(folder: pathlib.Path) -> set[str]:
    """The names of all tests in it."""
    return {
        name
        for path in folder.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE)
    }


def test_each_bad_peer_is_shown_by_a_test_and_each_such_test_has_its_row() -> None:
    tests = pathlib.Path(__file__).resolve().parents[2]
    rows = [row for row in ROWS[ROWS.index(["bad peer", *ROWS_OF_BAD_PEERS]) + 2 :] if len(row) == 5]
    shown = [row[4].strip("`") for row in rows]
    assert set(shown) <= names_of_tests(tests / "e2e"), set(shown) - names_of_tests(tests / "e2e")
    assert len(set(shown)) == len(shown) >= 36
    outcomes = re.findall(r"^def (test_\w+)\(", (tests / "e2e/test_bad_peer_outcomes.py").read_text(), re.MULTILINE)
    assert set(outcomes) <= set(shown), set(outcomes) - set(shown)
    assert all(row[0] and row[1] and row[2] for row in rows)


def test_the_page_has_the_title_and_version_by_which_others_name_it() -> None:
    assert PAGE.startswith("# Snicher peer protocol, version 2\n")
