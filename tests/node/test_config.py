"""What can be set: every option by flag, variable and file, in this order, and told in the help."""

from __future__ import annotations

import pathlib

import pytest

from node import config
from node.errors import ConfigError
from node.model import Address

#: For each option: three texts that differ, and where they end up in Config.
VALUES = {
    "name": (("flag", "variable", "file"), "name"),
    "listen": (("127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003"), "listen"),
    "bus": (("tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002", "ipc"), "bus"),
    "log_format": (("json", "text", "json"), "log_format"),
    "log_level": (("debug", "warning", "error"), "log_level"),
    "mandatory": (("127.0.0.1:1", "127.0.0.1:2@127.0.0.0/8", "127.0.0.1:3,[::1]:4@::1/128"), "mandatory"),
    "mandatory_greeting": (("one", "two", "three"), "mandatory_greeting"),
    "free_space": (("1", "2", "3"), "free_space"),
    "quota": (("4", "5", "6"), "quota"),
    "mandatory_rule": (("off", "on", "off"), "mandatory_rule"),
}


def flag(option: config.Option) -> str:
    return "--" + option.key.replace("_", "-")


def set_file(home: pathlib.Path, key: str, value: str) -> None:
    (home / "config.toml").write_text(f'{key} = "{value}"\n')


def value_of(loaded: config.Config, field: str) -> str:
    value = getattr(loaded, field)
    if isinstance(value, int):
        value //= 1_000_000
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_every_option_is_tested_here() -> None:
    assert set(VALUES) == {option.key for option in config.OPTIONS}


@pytest.mark.parametrize("option", config.OPTIONS, ids=lambda option: option.key)
def test_a_flag_goes_before_the_variable_and_that_before_the_file(
    tmp_path: pathlib.Path, option: config.Option
) -> None:
    (by_flag, by_variable, by_file), field = VALUES[option.key]
    home = ["--home", str(tmp_path)]
    default = value_of(config.load(home, {}), field)
    set_file(tmp_path, option.key, by_file)
    assert value_of(config.load(home, {}), field) == by_file
    assert value_of(config.load(home, {option.variable: by_variable}), field) == by_variable
    assert value_of(config.load([*home, flag(option), by_flag], {option.variable: by_variable}), field) == by_flag
    empty = value_of(config.load(home, {option.variable: ""}), field)
    assert empty == ("" if option.empty else by_file), "an empty variable says nothing, but where that is an answer"
    (tmp_path / "config.toml").write_text("# nothing\n")
    assert value_of(config.load(home, {}), field) == default


@pytest.mark.parametrize("option", config.OPTIONS, ids=lambda option: option.key)
def test_every_option_is_told_in_the_help(option: config.Option) -> None:
    text = " ".join(config.parser().format_help().split())
    for what in (flag(option), option.variable, option.meaning, f"default: {option.default}"):
        assert what in text


def test_the_defaults_are_what_the_help_says(tmp_path: pathlib.Path) -> None:
    told = {option.key: option.default for option in config.OPTIONS}
    loaded = config.load(["--home", str(tmp_path)], {})
    assert str(loaded.listen) == told["listen"]
    assert (loaded.bus, loaded.log_format, loaded.log_level) == (told["bus"], told["log_format"], told["log_level"])
    assert loaded.name is None
    assert loaded.default_name


def test_the_home_is_the_flag_then_the_variable_then_the_usual_place(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SNICHER_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert config.load(["--home", "/a/b"], {"SNICHER_HOME": "/c"}).home == pathlib.Path("/a/b")
    assert config.load([], {"SNICHER_HOME": "/c"}).home == pathlib.Path("/c")
    assert config.load([], {}).home.name == "snicher"


@pytest.mark.parametrize("source", ["flag", "variable", "file"])
@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("name", " ", "a name has 1 to 64 characters and no line breaks"),
        ("name", "x" * 65, "a name has 1 to 64 characters and no line breaks"),
        ("name", "two\\nlines", "a name has 1 to 64 characters and no line breaks"),
        ("listen", "5000", "'5000' is not HOST:PORT"),
        ("listen", "::1:5000", "An IPv6 address goes in brackets: [::1]:5000"),
        ("listen", "127.0.0.1:65536", "65536 is not a port"),
        ("bus", "udp://127.0.0.1:1", "neither ipc nor tcp://HOST:PORT"),
        ("bus", "tcp://127.0.0.1", "is not HOST:PORT"),
        ("bus", "tcp://127.0.0.1:65535", "PORT is 65534 at most"),
        ("log_format", "xml", "it must be one of text, json"),
        ("log_level", "loud", "it must be one of debug, info, warning, error"),
    ],
)
def test_what_can_t_be_used_is_refused_and_its_source_named(
    tmp_path: pathlib.Path, source: str, key: str, value: str, says: str
) -> None:
    (option,) = (option for option in config.OPTIONS if option.key == key)
    home = ["--home", str(tmp_path)]
    plain = value.replace("\\n", "\n")
    if source == "flag" and option.choices:
        with pytest.raises(SystemExit) as ended:
            config.load([*home, flag(option), plain], {})
        assert ended.value.code == 2
        return
    if source == "file":
        set_file(tmp_path, key, value)
    argv = [*home, flag(option), plain] if source == "flag" else home
    environment = {option.variable: plain} if source == "variable" else {}
    with pytest.raises(ConfigError) as refused:
        config.load(argv, environment)
    named = {"flag": flag(option), "variable": option.variable, "file": f"`{key}` in {tmp_path / 'config.toml'}"}
    assert named[source] in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name = 5\n", "`name` must be text in quotes"),
        (b"colour = 'red'\n", f"there is no setting `colour`; there are {', '.join(sorted(VALUES))}"),
        (b"name = \n", "can't be read"),
        (b"\xff\xfe", "can't be read"),
    ],
)
def test_a_config_file_that_makes_no_sense_is_refused_whole(tmp_path: pathlib.Path, content: bytes, says: str) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        config.load(["--home", str(tmp_path), "--name", "flag"], {})
    assert says in str(refused.value)
    assert str(tmp_path / "config.toml") in str(refused.value)


def test_a_config_file_that_may_not_be_read_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError):
        config.load(["--home", str(tmp_path)], {})


def test_addresses_are_normalised(tmp_path: pathlib.Path) -> None:
    loaded = config.load(["--home", str(tmp_path), "--listen", "[::1]:0"], {})
    assert loaded.listen == Address("::1", 0)


def test_a_user_name_that_can_t_be_had_or_shown_is_anon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    def nobody() -> str:
        raise KeyError("no such user")

    for answer in (nobody, lambda: "\x1b[2J", lambda: "  "):
        monkeypatch.setattr("getpass.getuser", answer)
        assert config.load(["--home", str(tmp_path)], {}).default_name == "anon"


def test_flags_are_not_abbreviated() -> None:
    with pytest.raises(SystemExit):
        config.load(["--lis", "127.0.0.1:5000"], {})


def test_nothing_but_these_variables_is_read(tmp_path: pathlib.Path) -> None:
    read: list[str] = []

    class Watched(dict[str, str]):
        def get(self, key: str, default: object = None) -> None:  # type: ignore[override]
            read.append(key)

    config.load(["--home", str(tmp_path)], Watched())
    assert set(read) <= {"SNICHER_HOME", *(option.variable for option in config.OPTIONS)}


def test_the_mandatory_peers_are_those_of_the_older_program(tmp_path: pathlib.Path) -> None:
    loaded = config.load(["--home", str(tmp_path)], {})
    network = "10.206.0.0/16"
    assert [(str(one.address), one.network) for one in loaded.mandatory] == [
        ("10.206.4.122:1255", network),
        ("10.206.5.228:6555", network),
    ]
    assert loaded.mandatory_greeting == "Mandatory message: Hello from our peer!"
    assert config.load(["--home", str(tmp_path), "--mandatory", ""], {}).mandatory == ()


@pytest.mark.parametrize(
    ("flag_", "value"),
    [
        ("--mandatory", "10.0.0.1"),
        ("--mandatory", "host.example:5000"),
        ("--mandatory", "10.0.0.1:5000@there"),
        ("--mandatory", ",".join(f"10.0.0.1:{port}" for port in range(1, config.MAX_MANDATORY + 2))),
        ("--mandatory-greeting", " "),
        ("--mandatory-greeting", "two\nlines"),
        ("--mandatory-greeting", "x" * (config.MAX_GREETING_CHARS + 1)),
    ],
)
def test_mandatory_peers_that_can_t_be_used_are_refused(tmp_path: pathlib.Path, flag_: str, value: str) -> None:
    with pytest.raises(ConfigError, match=flag_):
        config.load(["--home", str(tmp_path), flag_, value], {})


def test_megabytes_are_whole_numbers_and_have_sane_defaults(tmp_path: pathlib.Path) -> None:
    home = ["--home", str(tmp_path)]
    loaded = config.load(home, {})
    assert (loaded.free_space, loaded.quota) == (None, 200_000_000)
    assert config.load([*home, "--free-space", "0", "--quota", "0"], {}).free_space == 0
    for flag_ in ("--free-space", "--quota"):
        for value in ("-1", "1.5", "much"):
            with pytest.raises(ConfigError, match=flag_):
                config.load([*home, f"{flag_}={value}"], {})
