"""What can be set: every option by flag, variable and file, in this order, and told in the help."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import tracemalloc
from typing import Any

import pytest

from node import config, supervisor
from node.bus import nouns
from node.core import settings
from node.errors import ConfigError, HomeRefused
from node.model import Address

#: For each option: three texts that differ, and what config.toml may say instead of the last one.
VALUES: dict[str, tuple[tuple[str, str, str], str]] = {
    "name": (("flag", "variable", "file"), ""),
    "listen": (("127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003"), ""),
    "bus": (("tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002", "ipc"), ""),
    "log_format": (("json", "text", "json"), ""),
    "log_level": (("debug", "warning", "error"), ""),
    "mandatory": (
        ("127.0.0.1:1", "127.0.0.1:2@127.0.0.0/8", "127.0.0.1:3,[::1]:4@::1/128"),
        '["127.0.0.1:3", "[::1]:4@::1/128"]',
    ),
    "mandatory_greeting": (("one", "two", "three"), ""),
    "mandatory_rule": (("off", "on", "off"), "false"),
    "reconnect": (("off", "on", "off"), "false"),
    "share_reading": (("off", "on", "off"), "false"),
    "accept_nodes": (("everybody", "nobody", "ask"), ""),
    "accept_plain": (("known", "everybody", "nobody"), ""),
    "discovery": (("off", "ask", "on"), ""),
    "keep_events": (("20000", "30000", "40000"), "40_000"),
    "keep_days": (("1", "2", "3"), "3"),
    "free_space": (("1", "2", "3"), "3"),
    "quota": (("4", "5", "6"), "6"),
}


def flag(option: config.Option) -> str:
    return "--" + option.key.replace("_", "-")


def set_file(home: pathlib.Path, key: str, value: str) -> None:
    (home / "config.toml").write_text(f'{key} = "{value}"\n')


def value_of(loaded: config.Config, key: str, saved: dict[str, Any] | None = None) -> str:
    """What a start like this works with, in the words of the flag."""
    if key in settings.KEYS:
        return settings.to_text(getattr(settings.in_force(loaded.default_name, saved or {}, loaded.fixed), key))
    value = getattr(loaded, key)
    return str(value // 1_000_000 if isinstance(value, int) else value)


def test_every_option_is_tested_here() -> None:
    assert set(VALUES) == {option.key for option in config.OPTIONS}


@pytest.mark.parametrize("option", config.OPTIONS, ids=lambda option: option.key)
def test_a_flag_goes_before_the_variable_and_that_before_the_file(
    tmp_path: pathlib.Path, option: config.Option
) -> None:
    (by_flag, by_variable, by_file), typed = VALUES[option.key]
    field = option.key
    home = ["--home", str(tmp_path)]
    default = value_of(config.load(home, {}), field)
    set_file(tmp_path, option.key, by_file)
    assert value_of(config.load(home, {}), field) == by_file
    assert value_of(config.load(home, {option.variable: by_variable}), field) == by_variable
    assert value_of(config.load([*home, flag(option), by_flag], {option.variable: by_variable}), field) == by_flag
    empty = value_of(config.load(home, {option.variable: ""}), field)
    assert empty == ("" if option.empty else by_file), "an empty variable says nothing, but where that is an answer"
    if typed:
        (tmp_path / "config.toml").write_text(f"{option.key} = {typed}\n")
        assert value_of(config.load(home, {}), field) == by_file
    (tmp_path / "config.toml").write_text("# nothing\n")
    assert value_of(config.load(home, {}), field) == default


@pytest.mark.parametrize("key", settings.KEYS)
def test_what_was_saved_comes_after_all_that_is_said_and_before_the_default(tmp_path: pathlib.Path, key: str) -> None:
    home = ["--home", str(tmp_path)]
    given, saved_text, _ = VALUES[key][0]
    saved = {key: settings.from_text(key, saved_text)}
    assert value_of(config.load(home, {}), key, saved) == saved_text
    (option,) = (one for one in config.OPTIONS if one.key == key)
    assert value_of(config.load([*home, flag(option), given], {}), key, saved) == given
    set_file(tmp_path, key, given)
    assert value_of(config.load(home, {}), key, saved) == given


@pytest.mark.parametrize("key", ["home", *VALUES])
def test_it_is_told_where_each_value_comes_from(tmp_path: pathlib.Path, key: str) -> None:
    def told(argv: list[str], environment: dict[str, str], saved: dict[str, Any] | None = None) -> nouns.Option:
        loaded = config.load(argv, environment)
        found = config.explain(loaded, settings.in_force(loaded.default_name, saved or {}, loaded.fixed), saved or {})
        assert [one.key for one in found] == ["home", *(option.key for option in config.OPTIONS)]
        return next(one for one in found if one.key == key)

    home = str(tmp_path)
    if key == "home":
        assert told(["--home", home], {"SNICHER_HOME": "/elsewhere"}).where == "--home"
        one = told([], {"SNICHER_HOME": home})
        assert (one.value, one.source, one.where) == (home, "environment", "SNICHER_HOME")
        return
    (option,) = (one for one in config.OPTIONS if one.key == key)
    (by_flag, by_variable, by_file), _ = VALUES[key]
    argv, environment = ["--home", home, flag(option), by_flag], {option.variable: by_variable}
    default = told(argv[:2], {})
    assert (default.source, default.where, default.default) == ("default", "", option.default)
    set_file(tmp_path, key, by_file)
    one = told(argv, environment)
    assert (one.value, one.source, one.where) == (by_flag, "flag", flag(option))
    one = told(argv[:2], environment)
    assert (one.value, one.source, one.where) == (by_variable, "environment", option.variable)
    one = told(argv[:2], {})
    assert (one.value, one.source, one.where) == (by_file, "file", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").unlink()
    if key in settings.KEYS:
        one = told(argv[:2], {}, {key: settings.from_text(key, by_variable)})
        assert (one.value, one.source, one.where) == (by_variable, "saved", str(tmp_path / "snicher.db"))
    at_once = (
        "name", "reconnect", "share_reading", "accept_nodes", "accept_plain", "discovery", "keep_events", "keep_days",
    )  # fmt: skip
    assert one.restart == (key not in at_once)


def test_a_name_changed_for_this_run_says_so_and_what_comes_after(tmp_path: pathlib.Path) -> None:
    loaded = config.load(["--home", str(tmp_path), "--name", "anna"], {})
    found = config.explain(loaded, nouns.Settings(name="bela"), {"name": "bela"})
    (name,) = (one for one in found if one.key == "name")
    assert (name.value, name.source) == ("bela", "saved")
    assert name.where == "until the node ends; at each start --name says 'anna'"


def test_readme_lists_every_option_with_its_flag_its_variable_its_line_its_meaning_and_its_default() -> None:
    text = (pathlib.Path(__file__).parents[2] / "README.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `(--[a-z-]+) [^|`]*(?:\\\|[^|`]*)*` \| `(\w+)` \| (?:`(\w+)`)? ?\| (.*) \| (.*) \|$", text, re.M
    )
    found = {row[0]: row[1:] for row in rows}
    assert list(found) == ["--home", *map(flag, config.OPTIONS)]
    for option in config.OPTIONS:
        assert found[flag(option)] == (option.variable, option.key, option.meaning, option.default), option.key


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
    for key in settings.KEYS:
        if key in ("name", "mandatory"):
            continue
        assert value_of(loaded, key) == told[key]
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
        ("name", " ", "A name has 1 to 64 characters, and at least one that can be seen."),
        ("name", "x" * 65, "A name has at most 64 characters; this one has 65."),
        ("name", "two\\nlines", "A name has no line breaks"),
        ("listen", "5000", "'5000' is not HOST:PORT"),
        ("listen", "::1:5000", "An IPv6 address goes in brackets: [::1]:5000"),
        ("listen", "127.0.0.1:65536", "65536 is not a port"),
        ("bus", "udp://127.0.0.1:1", "neither ipc nor tcp://HOST:PORT"),
        ("listen", "[::1]", "Which port? [::1]:PORT, for example [::1]:5000."),
        ("listen", "[fe80::1%]:5000", "'' is no zone"),
        ("bus", "tcp://127.0.0.1", "Which port? 127.0.0.1:PORT"),
        ("bus", "tcp://127.0.0.1:65535", "PORT is 65534 at most"),
        ("log_format", "xml", "it must be one of text, json"),
        ("log_level", "loud", "it must be one of debug, info, warning, error"),
        ("reconnect", "maybe", "it must be one of on, off"),
        ("share_reading", "yes", "it must be one of on, off"),
        ("keep_events", "9999", "10,000 to 100,000,000 events can be kept, not 9,999"),
        ("keep_events", "many", "It is a whole number, not 'many'"),
        ("keep_days", "36501", "0 (for ever) to 36,500 days, not 36,501"),
        ("keep_days", "1.5", "It is a whole number, not '1.5'"),
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
        (b"name = 5\n", "`name` must be text in quotes, not 5."),
        (b"listen = true\n", "`listen` must be text in quotes, not true."),
        (b"reconnect = 1\n", "`reconnect` must be true or false, not 1."),
        (b"keep_days = true\n", "`keep_days` must be a whole number, not true."),
        (b"keep_days = 1.5\n", "`keep_days` must be a whole number, not 1.5."),
        (b"keep_days = -1\n", "It is a whole number, not '-1'"),
        (b"quota = [1]\n", "`quota` must be a whole number, not a list."),
        (b"mandatory = 5\n", "`mandatory` must be a list of texts in quotes, not 5."),
        (b"mandatory = [5]\n", "each of `mandatory` must be one text in quotes, without a comma."),
        (b"mandatory = ['127.0.0.1:1,127.0.0.1:2']\n", "each of `mandatory` must be one text"),
        (b"mandatory = ['somewhere']\n", "`mandatory` in "),
        (b"[keep_days]\n", "`keep_days` must be a whole number, not a table."),
        (b"colour = 'red'\n", f"there is no setting `colour`; there are {', '.join(sorted(VALUES))}"),
        (b"name = \n", "can't be read"),
        (b"\xff\xfe", "can't be read"),
        ("\ufeffname = 'x'\n".encode("utf-16-le"), "it is in UTF-16; save it as UTF-8."),
        ("\ufeffname = 'x'\n".encode("utf-16-be"), "it is in UTF-16; save it as UTF-8."),
        ("\ufeff\ufeffname = 'x'\n".encode(), "can't be read"),
    ],
)
def test_a_config_file_that_makes_no_sense_is_refused_whole(tmp_path: pathlib.Path, content: bytes, says: str) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        config.load(["--home", str(tmp_path), "--name", "flag"], {})
    assert says in str(refused.value)
    assert str(tmp_path / "config.toml") in str(refused.value)


def test_a_config_file_may_begin_with_a_byte_order_mark(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfname = 'anna'\r\n")
    assert config.load(["--home", str(tmp_path)], {}).name == "anna"


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

        def __contains__(self, key: object) -> bool:
            read.append(str(key))
            return False

    config.load(["--home", str(tmp_path)], Watched())
    known = {"SNICHER_HOME", supervisor.HONCHO_VARIABLE, *(option.variable for option in config.OPTIONS)}
    assert set(read) == known - {"SNICHER_HOME"}


def test_honcho_writes_the_time_by_itself(tmp_path: pathlib.Path) -> None:
    flags = ["--home", str(tmp_path)]
    assert config.load(flags, {}).log_times
    assert not config.load(flags, {"HONCHO_PROCESS_NAME": "node.1"}).log_times


def test_the_mandatory_peers_are_those_of_the_older_program(tmp_path: pathlib.Path) -> None:
    found = settings.in_force("anna", {}, config.load(["--home", str(tmp_path)], {}).fixed)
    network = "10.206.0.0/16"
    assert found.mandatory == [f"10.206.4.122:1255@{network}", f"10.206.5.228:6555@{network}"]
    assert found.mandatory_greeting == "Mandatory message: Hello from our peer!"
    fixed = config.load(["--home", str(tmp_path), "--mandatory", ""], {}).fixed
    assert settings.in_force("anna", {}, fixed).mandatory == []


@pytest.mark.parametrize(
    ("flag_", "value"),
    [
        ("--mandatory", "10.0.0.1"),
        ("--mandatory", "host.example:5000"),
        ("--mandatory", "10.0.0.1:5000@there"),
        ("--mandatory", ",".join(f"10.0.0.1:{port}" for port in range(1, settings.MAX_MANDATORY + 2))),
        ("--mandatory-greeting", " "),
        ("--mandatory-greeting", "two\nlines"),
        ("--mandatory-greeting", "x" * (settings.MAX_GREETING_CHARS + 1)),
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


HOSTILE = {
    "nested lists": ("mandatory = " + "[" * 5_000, "nested too deeply"),
    "nested lists that end": ("mandatory = " + "[" * 5_000 + "]" * 5_000, "nested too deeply"),
    "nested tables": ("name = " + "{a=" * 5_000, "nested too deeply"),
    "digits": ("keep_days = " + "9" * 5_000, "too many digits"),
    "hexadecimal digits": ("keep_days = 0x" + "f" * 5_000, "more than 12 digits"),
    "a number just too large": (f"keep_days = {config.MAX_NUMBER + 1}", "more than 12 digits"),
    "a large number where none belongs": ("name = 0x" + "f" * 5_000, "not a very large number"),
    "NaN": ("keep_days = nan", "a whole number, not nan"),
    "endless": ("keep_days = -inf", "a whole number, not -inf"),
    "half a pair": ('name = "\\ud800"', "not a Unicode scalar value"),
    "half a pair, as it is": (b'name = "\xed\xa0\x80"', "can't decode"),
    "twice": ("keep_days = 1\nkeep_days = 2", "Cannot overwrite"),
    "a NUL": ('name = "\x00"', "Illegal character"),
    "a dotted name": ("a" + ".a" * 7_000 + " = 1", "there is no setting `a`"),
    "too long": ("# " + "x" * config.MAX_FILE_BYTES, "more than 16,384 bytes"),
}


@pytest.mark.parametrize(("content", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_nobody_could_mean_ends_the_start_with_a_sentence(
    tmp_path: pathlib.Path, content: str | bytes, sentence: str
) -> None:
    path = tmp_path / config.FILE_NAME
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError, match=re.escape(sentence)) as told:
        config.load(["--home", str(tmp_path)], {})
    assert str(told.value).startswith(str(path))


def test_a_file_of_a_gigabyte_is_not_read(tmp_path: pathlib.Path) -> None:
    with (tmp_path / config.FILE_NAME).open("wb") as file:
        file.truncate(2**30)
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match="more than 16,384 bytes"):
            config.load(["--home", str(tmp_path)], {})
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("option", config.OPTIONS, ids=lambda option: option.key)
@pytest.mark.parametrize(
    "text", ["9" * 5_000, "\udcff", "nan", "[" * 5_000], ids=["digits", "no text", "nan", "nested"]
)
def test_hostile_text_in_the_environment_is_a_value_or_a_sentence(
    tmp_path: pathlib.Path, option: config.Option, text: str
) -> None:
    with contextlib.suppress(ConfigError):
        config.load(["--home", str(tmp_path)], {option.variable: text})


def test_the_file_may_be_a_link_and_reading_it_changes_nothing(tmp_path: pathlib.Path) -> None:
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    elsewhere.write_text("keep_days = 3\n")
    elsewhere.chmod(0o666)
    home.mkdir()
    home.chmod(0o755)
    (home / config.FILE_NAME).symlink_to(elsewhere)
    assert config.read_file(home) == {"keep_days": "3"}
    assert (elsewhere.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o666, 0o755), "the log isn't set up yet"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_file_or_a_home_of_somebody_else_is_not_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / config.FILE_NAME
    path.write_text("keep_days = 3\n")
    for one in (path, tmp_path):
        os.chown(one, 12345, 12345)
        with pytest.raises(HomeRefused, match=f"{one} can't be used: it belongs to uid 12345"):
            config.read_file(tmp_path)
        os.chown(one, 0, 0)
    assert config.read_file(tmp_path) == {"keep_days": "3"}


#: A wrong value of each variable, and words of the sentence that it gets.
WRONG = [
    ("SNICHER_NAME", "x" * 65, "at most 64 characters"),
    ("SNICHER_NAME", "\udcff", "characters"),
    ("SNICHER_LISTEN", "5000", "is not HOST:PORT"),
    ("SNICHER_LISTEN", "127.0.0.1:80000", "1 to 65535"),
    ("SNICHER_LISTEN", "127.0.0.1:-1", "1 to 65535"),
    ("SNICHER_LISTEN", "127.0.0.1:\u0663", "1 to 65535"),
    ("SNICHER_LISTEN", "\udcff:5000", "neither an IP address nor a host name"),
    ("SNICHER_BUS", "udp://127.0.0.1:1", "neither ipc nor tcp://HOST:PORT"),
    ("SNICHER_BUS", "tcp://127.0.0.1:65535", "65534"),
    ("SNICHER_BUS", "tcp://\udcff:1", "neither an IP address nor a host name"),
    ("SNICHER_LOG_FORMAT", "xml", "one of text, json"),
    ("SNICHER_LOG_LEVEL", "INFO", "one of debug, info, warning, error"),
    ("SNICHER_MANDATORY", "10.0.0.1", "10.0.0.1:PORT"),
    ("SNICHER_MANDATORY_GREETING", "\udcff", "characters"),
    ("SNICHER_MANDATORY_RULE", "yes", "one of on, off"),
    ("SNICHER_RECONNECT", "1", "one of on, off"),
    ("SNICHER_SHARE_READING", "1", "one of on, off"),
    ("SNICHER_ACCEPT_NODES", "on", "one of ask, everybody, nobody"),
    ("SNICHER_ACCEPT_PLAIN", "ask", "one of everybody, known, nobody"),
    ("SNICHER_DISCOVERY", "yes", "one of on, ask, off"),
    *((name, value, "whole number") for name in ("SNICHER_KEEP_EVENTS", "SNICHER_KEEP_DAYS", "SNICHER_FREE_SPACE",
      "SNICHER_QUOTA") for value in ("-1", "1.5", "\u0663", "x", "1e3", "9" * 5_000)),
    ("SNICHER_HOME", "~nobody-of-that-name", "no such user"),
    ("SNICHER_HOME", "/tmp/\udcff", "UTF-8"),
    ("SNICHER_HOME", "/etc/passwd", "not a folder"),
]  # fmt: skip


def test_every_variable_has_a_wrong_value_here() -> None:
    assert {name for name, _, _ in WRONG} == {"SNICHER_HOME", *(option.variable for option in config.OPTIONS)}


@pytest.mark.parametrize(("variable", "value", "says"), WRONG)
def test_a_wrong_variable_is_one_sentence_that_names_it(
    tmp_path: pathlib.Path, variable: str, value: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load([], {"SNICHER_HOME": str(tmp_path), variable: value})
    assert str(caught.value).startswith(variable) and says in str(caught.value)
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("value", ["", "node.1", "\udcff", "x" * 10_000])
def test_whatever_honcho_says_is_taken(tmp_path: pathlib.Path, value: str) -> None:
    assert config.load(["--home", str(tmp_path)], {"HONCHO_PROCESS_NAME": value}).home == tmp_path
