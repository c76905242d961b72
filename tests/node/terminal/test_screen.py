"""Where the verbs print: in colour on a terminal that wants it, and nothing of a text is markup."""

from __future__ import annotations

import pytest

from node.terminal import screen

LINE: list[screen.Piece] = [("12:00  ", "dim"), ("anna", "own"), (": [red]hi[/red] :smile: https://a.example", "")]
#: Persian with its non-joiner, a family, a flag.
SPELT = "\u06cc\u200c\u062e \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea"
WORDS = "12:00  anna: [red]hi[/red] :smile: https://a.example"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("terminal")
def test_colours_are_of_the_sixteen_and_no_text_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(LINE)
    assert capsys.readouterr().out == (
        "\x1b[2m12:00  \x1b[0m\x1b[1;36manna\x1b[0m: [red]hi[/red] :smile: https://a.example\n"
    )


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colour_gets_none(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    screen.say(LINE)
    assert capsys.readouterr().out == f"{WORDS}\n"


@pytest.mark.usefixtures("terminal")
def test_a_long_line_is_left_to_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen.say([("x" * 300, "dim"), (SPELT, "")])
    assert capsys.readouterr().out == f"\x1b[2m{'x' * 300}\x1b[0m{SPELT}\n"


@pytest.mark.usefixtures("terminal")
def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, width in (("40", 40), ("200", 200), ("3", screen.LEAST)):
        monkeypatch.setenv("COLUMNS", columns)
        assert screen.width() == width


def test_a_pipe_has_no_width_and_no_colour(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    assert screen.width() is None
    screen.say_all([LINE, "plain"])
    assert capsys.readouterr().out == f"{WORDS}\nplain\n"
