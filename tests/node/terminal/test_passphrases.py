"""Where passphrases come from, and which are refused."""

from __future__ import annotations

import getpass
import io
import pathlib
import sys
from collections.abc import Iterator

import pytest

from node.errors import PassphraseRefused
from node.terminal import passphrases

GOOD = "correct horse battery"


class Terminal:
    """Somebody who types, line after line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
        self.asked: list[str] = []
        self._lines: Iterator[str] = iter(lines)
        monkeypatch.setattr(sys, "stdin", self)
        monkeypatch.setattr(getpass, "getpass", self._ask)

    def isatty(self) -> bool:
        return True

    def _ask(self, prompt: str) -> str:
        self.asked.append(prompt)
        try:
            return next(self._lines)
        except StopIteration:
            raise EOFError from None


def test_a_new_one_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch, GOOD, GOOD)
    assert passphrases.new(None, "the file") == GOOD
    assert terminal.asked == ["A new passphrase for the file: ", "The same again: "]
    Terminal(monkeypatch, GOOD, "another one")
    with pytest.raises(PassphraseRefused, match="differ"):
        passphrases.new(None, "the file")


def test_a_known_one_is_asked_for_once_and_may_be_short(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch, "x")
    assert passphrases.known(None, "the \x1bfile") == "x"
    assert len(terminal.asked) == 1 and "\x1b" not in terminal.asked[0]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "empty"), ("1234567", "too easy to guess"), ("aaaaaaaaaaaa", "too easy to guess"),
        ("x" * 2000 + "abcd", "more than 1024 bytes"), ("ab\0cdefgh", "NUL"), ("\udcffabcdefgh", "UTF-8"),
    ],
)  # fmt: skip
def test_one_that_protects_nothing_is_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, typed: str, why: str
) -> None:
    Terminal(monkeypatch, typed, typed)
    with pytest.raises(PassphraseRefused, match=why):
        passphrases.new(None, "the file")


def test_the_end_of_input_is_no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    Terminal(monkeypatch)
    with pytest.raises(PassphraseRefused, match="No passphrase was typed"):
        passphrases.known(None, "the file")


@pytest.mark.parametrize(
    "content",
    [b"caf\xc3\xa9 and more", b"caf\xc3\xa9 and more\n", b"\xef\xbb\xbfcaf\xc3\xa9 and more\r\nsecond line\n"],
)
def test_a_file_gives_its_first_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(0o600)
    assert passphrases.new(str(path), "it") == "café and more"
    assert capsys.readouterr().err == ""
    path.chmod(0o644)
    assert passphrases.known(str(path), "it") == "café and more"
    assert "can be read by other users" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert passphrases.known("-", "it") == "café and more"


def test_what_can_t_be_read_is_told(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        with pytest.raises(PassphraseRefused, match="can't be read"):
            passphrases.known(source, "it")
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    with pytest.raises(PassphraseRefused, match="UTF-8"):
        passphrases.known(str(tmp_path / "bad"), "it")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped\n")))
    with pytest.raises(PassphraseRefused, match="--passphrase-file -"):
        passphrases.known(None, "it")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(PassphraseRefused, match="empty"):
        passphrases.known("-", "it")
