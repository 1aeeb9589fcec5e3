"""Specifies every setting from every source: the accepted values, the source that wins, and the error for a wrong value."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._cli.arguments import given_settings, parse
from sudomimus_bridge._cli.commands import build_parser
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._settings import TABLE, Settings, read_settings, shown
from sudomimus_bridge._values.errors import ConfigurationError

# keyword: (text of flag and variable, value of the keyword, setting for both, another text, setting for that text)
GOOD: dict[str, tuple[Any, ...]] = {
    "application": ("my-game", "my-game", "my-game", " other ", "other"),
    "steam_app_id": ("480", 480, 480, "4294967295", 4294967295),
    "steam_library": ("lib/x.so", Path("lib/x.so"), Path("lib/x.so"), "/y", Path("/y")),
    "native_url": ("https://n.example/", "https://n.example", "https://n.example", "http://[::1]:1", "http://[::1]:1"),
    "connect_url": (
        "https://c.example",
        "https://c.example",
        "https://c.example",
        "http://localhost",
        "http://localhost",
    ),
    "device_url": ("https://d.example/v1/", "https://d.example/v1", "https://d.example/v1", *["https://e.example"] * 2),
    "session_url": ("https://s.example", "https://s.example", "https://s.example", *["http://127.0.0.1:80"] * 2),
    "via_url": ("https://v.example", "https://v.example", "https://v.example", *["https://v.example:8443"] * 2),
    "browser_hosts": ("A.example, b:1", ["A.example", "b:1"], ("a.example", "b:1"), "c.example", ("c.example",)),
    "no_browser": ("1", True, True, "0", False),
    "page": ("overlay", "overlay", "overlay", " Show ", "show"),
    "quietly": ("1", True, True, "0", False),
    "patient": ("1", True, True, "0", False),
    "steam_hosted": ("1", True, True, "0", False),
    "session_folder": ("/s", "/s", Path("/s"), "/t", Path("/t")),
    "timeout": ("12.5", 12.5, 12.5, "604800", 604800.0),
}

# Windows finds a home folder for any name, so no name is unknown there.
_NOBODYS_HOME = ["~nobody-has-this-name/there"] if os.name == "posix" else []

BAD: dict[str, list[Any]] = {
    "application": [" ", "a\nb", "x" * 201],
    "steam_app_id": ["0", "-1", "4294967296", "x", "4.5", "٤٨٠", "9" * 30],
    "steam_library": ["a\0b", *_NOBODYS_HOME],
    "native_url": ["example.com", "ftp://example.com", "http://example.com", "http://10.0.0.1", "http://0.0.0.0:1"],
    "connect_url": ["https://", "https://u:p@example.com", "https://example.com?x=1", "https://example.com#x"],
    "device_url": ["https://example.com:99999", "https://exa mple.com", "https://example.com\\x", "https://[::1"],
    "session_url": ["https://exämple.com", "http://localhost.example", "https://example.com/?", "//example.com"],
    "via_url": ["javascript:x", "http://127.0.0.1.example", "https://example.com:x"],
    "browser_hosts": ["https://a.example", "a b", "a/b", "a,,b", "a:0", "*"],
    "no_browser": ["maybe", "2"],
    "page": ["window", "browser,show"],
    "quietly": ["maybe"],
    "patient": ["maybe"],
    "steam_hosted": ["maybe"],
    "session_folder": ["a\0b", *_NOBODYS_HOME],
    "timeout": ["0", "-1", "nan", "inf", "604801", "soon", "1h"],
}

# Values that only a program can pass.
BAD_KEYWORDS: dict[str, list[Any]] = {
    "application": [1, b"x", ""],
    "steam_app_id": [True, 0, 4.5, [480]],
    "steam_library": [1, ""],
    "native_url": [None.__class__, 1, b"https://x.example", ""],
    "browser_hosts": [1, [1], [""], {"a": 1}],
    "no_browser": [2, "x"],
    "page": [1, True, ["show"]],
    "quietly": [2],
    "patient": [2],
    "steam_hosted": [2],
    "session_folder": [1, ""],
    "timeout": [True, "x", [], -1, float("nan"), 10**400],
}


def by_flag(setting: Any, text: str, environ: Mapping[str, str]) -> Any:
    """The settings of the command line for these flags and this environment."""
    words = ([setting.flag] if text == "1" else []) if setting.switch else [setting.flag, text]
    if setting.repeatable:
        words = [word for host in text.split(",") for word in (setting.flag, host)]
    arguments = parse(build_parser(), ["login", "steam", *words])
    given = {row.keyword: getattr(arguments, row.keyword) for row in TABLE}
    return getattr(read_settings(given, environ), setting.keyword)


def test_table_has_each_flag_and_variable() -> None:
    assert [(row.flag, row.variable) for row in TABLE] == [
        ("--application", "SUDOMIMUS_APPLICATION"),
        ("--steam-app-id", "SUDOMIMUS_STEAM_APP_ID"),
        ("--steam-library", "SUDOMIMUS_STEAM_LIBRARY"),
        ("--native-url", "SUDOMIMUS_NATIVE_URL"),
        ("--connect-url", "SUDOMIMUS_CONNECT_URL"),
        ("--device-url", "SUDOMIMUS_DEVICE_URL"),
        ("--session-url", "SUDOMIMUS_SESSION_URL"),
        ("--via-url", "SUDOMIMUS_VIA_URL"),
        ("--browser-host", "SUDOMIMUS_BROWSER_HOSTS"),
        ("--no-browser", "SUDOMIMUS_NO_BROWSER"),
        ("--page", "SUDOMIMUS_PAGE"),
        ("--quietly", "SUDOMIMUS_QUIETLY"),
        ("--patient", "SUDOMIMUS_PATIENT"),
        ("--steam-hosted", "SUDOMIMUS_STEAM_HOSTED"),
        ("--session-folder", "SUDOMIMUS_SESSION_FOLDER"),
        ("--timeout", "SUDOMIMUS_TIMEOUT"),
    ]
    assert [row.keyword for row in TABLE] == list(GOOD) == list(BAD)
    fields = list(Settings.__dataclass_fields__)
    assert [row.keyword for row in TABLE if row.keyword != "no_browser"] == fields  # `no_browser` is a value of `page`


def test_defaults() -> None:
    assert read_settings({}, {}) == Settings(
        application=None,
        steam_app_id=None,
        steam_library=None,
        native_url="https://native-api.sudomimus.com",
        connect_url="https://connect-api.sudomimus.com",
        device_url="https://device-api.sudomimus.com",
        session_url="https://session-api.sudomimus.com",
        via_url="https://via.sudomimus.com",
        browser_hosts=(),
        page="browser",
        quietly=False,
        patient=False,
        steam_hosted=False,
        session_folder=None,
        timeout=None,
    )


def test_default_timeout_is_an_hour_unless_patient() -> None:
    assert [read_settings({}, {}).time_limit(patient) for patient in (False, True)] == [3600.0, math.inf]
    assert [read_settings({"timeout": 5}, {}).time_limit(patient) for patient in (False, True)] == [5.0, 5.0]


@pytest.mark.parametrize("setting", TABLE, ids=lambda row: row.keyword)
def test_flag_wins_over_variable(setting: Any) -> None:
    text, value, expected, other, other_expected = GOOD[setting.keyword]
    keyword, variable = setting.keyword, setting.variable
    assert getattr(read_settings({keyword: value}, {}), keyword) == expected
    assert getattr(read_settings({}, {variable: text}), keyword) == expected
    assert getattr(read_settings({}, {variable: other}), keyword) == other_expected
    assert by_flag(setting, text, {}) == expected
    # The flag and the keyword win over the variable. An empty variable does not count.
    assert by_flag(setting, text, {variable: other}) == expected
    assert getattr(read_settings({keyword: value}, {variable: other}), keyword) == expected
    assert getattr(read_settings({keyword: value}, {variable: ""}), keyword) == expected
    assert getattr(read_settings({}, {variable: ""}), keyword) == getattr(Settings(), keyword)
    # None means that a flag is not given.
    assert getattr(read_settings({keyword: None}, {variable: text}), keyword) == expected
    # Only in Ren'Py the variable wins.
    first = read_settings({keyword: value}, {variable: other}, environment_first=True)
    assert getattr(first, keyword) == other_expected
    assert getattr(read_settings({keyword: value}, {variable: ""}, environment_first=True), keyword) == expected


@pytest.mark.parametrize(
    ("keyword", "bad"), [(keyword, bad) for keyword, values in BAD.items() for bad in values], ids=ascii
)
def test_error_for_a_wrong_text_names_its_source(keyword: str, bad: str) -> None:
    setting = next(row for row in TABLE if row.keyword == keyword)
    with pytest.raises(ConfigurationError) as wrong:
        read_settings({}, {setting.variable: bad})
    assert_names(wrong.value, setting.variable)
    # A value that does not count is not checked.
    assert read_settings({keyword: GOOD[keyword][1]}, {setting.variable: bad})
    if not setting.switch:
        with pytest.raises(ConfigurationError) as wrong:
            by_flag(setting, bad, {})
        assert_names(wrong.value, setting.flag)


@pytest.mark.parametrize(
    ("keyword", "bad"), [(keyword, bad) for keyword, values in BAD_KEYWORDS.items() for bad in values], ids=ascii
)
def test_error_for_a_wrong_value_of_a_program(keyword: str, bad: object) -> None:
    setting = next(row for row in TABLE if row.keyword == keyword)
    with pytest.raises(ConfigurationError) as wrong:
        read_settings({keyword: bad}, {})
    assert_names(wrong.value, setting.flag)


def assert_names(error: ConfigurationError, source: str) -> None:
    assert error.exit_status == 2 and source not in error.sentence
    assert error.detail is not None and error.detail.startswith(f"{source} must ") and error.detail.endswith(".")
    assert error.detail.isprintable() and len(error.detail) < 250


def test_unknown_keyword_raises_type_error() -> None:
    with pytest.raises(TypeError, match="no such setting: aplication"):
        read_settings({"aplication": "x"}, {})


def test_switch_in_a_variable() -> None:
    for text, expected in {"1": True, "true": True, "YES": True, "0": False, "off": False, " ": False}.items():
        assert read_settings({}, {"SUDOMIMUS_NO_BROWSER": text}).no_browser is expected


@pytest.mark.parametrize(
    ("given", "environ", "page"),
    [
        ({"page": "overlay"}, {"SUDOMIMUS_NO_BROWSER": "1"}, "overlay"),
        ({"no_browser": True}, {"SUDOMIMUS_PAGE": "overlay"}, "show"),
        ({"no_browser": False}, {"SUDOMIMUS_PAGE": "show"}, "browser"),
        ({"page": "browser"}, {"SUDOMIMUS_NO_BROWSER": "0", "SUDOMIMUS_PAGE": "show"}, "browser"),
        ({"no_browser": True, "page": "overlay"}, {}, "show"),
        ({"no_browser": False, "page": "overlay"}, {}, "overlay"),
        ({}, {"SUDOMIMUS_NO_BROWSER": "1", "SUDOMIMUS_PAGE": "overlay"}, "show"),
        ({}, {"SUDOMIMUS_NO_BROWSER": "0", "SUDOMIMUS_PAGE": "overlay"}, "overlay"),
    ],
)
def test_page_and_no_browser_together(given: dict[str, Any], environ: dict[str, str], page: str) -> None:
    assert read_settings(given, environ).page == page
    # In Ren'Py the environment wins, so the reversed sources have the same result.
    as_variables = {f"SUDOMIMUS_{keyword.upper()}": str(value) for keyword, value in given.items()}
    as_keywords = {variable.removeprefix("SUDOMIMUS_").lower(): text for variable, text in environ.items()}
    assert read_settings(as_keywords, as_variables, environment_first=True).page == page


def test_overrides_win_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDOMIMUS_APPLICATION", "c")
    arguments = parse(build_parser(), ["login", "steam", "--application", "b"])
    assert given_settings(arguments).application == "b"
    assert given_settings(arguments, application="a").application == "a"


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@example.com", "ftp://u:hunter2@h/", "http://u:hunter2@evil.example"]
)
def test_error_does_not_repeat_a_password_in_a_url(url: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        read_settings({"native_url": url}, {})
    assert "hunter2" not in f"{wrong.value.sentence} {wrong.value.detail}"


def test_shown_part_of_a_wrong_value() -> None:
    assert shown("x\n\x1b") == "'x\\n\\x1b'"
    assert len(shown("y" * 1000)) < 80
    assert shown("acs_t_0123456789") == "a value that looks like a secret"


# --- the app id, and what is required --------------------------------------------------------------------------------


def test_sources_of_the_app_id(tmp_path: Path) -> None:
    """The setting, else SteamAppId, else steam_appid.txt in the working directory, which is the test's own folder."""
    with pytest.raises(
        ConfigurationError, match=r"pass --steam-app-id, set SUDOMIMUS_STEAM_APP_ID, or put steam_appid\.txt"
    ):
        read_settings({}, {}).require_steam_app_id({})
    (tmp_path / "steam_appid.txt").write_bytes(b"\xef\xbb\xbf 3 \r\n")
    assert read_settings({}, {}).require_steam_app_id({}) == 3
    assert read_settings({}, {}).require_steam_app_id({"SteamAppId": ""}) == 3
    assert read_settings({}, {}).require_steam_app_id({"SteamAppId": "0"}) == 3
    assert read_settings({}, {}).require_steam_app_id({"SteamAppId": "2"}) == 2
    assert read_settings({}, {"SUDOMIMUS_STEAM_APP_ID": "1"}).require_steam_app_id({"SteamAppId": "2"}) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "steam_appid.txt must be a Steam app id"),
        (b"my game", "steam_appid.txt must be a Steam app id"),
        (b"480\n481\n", "steam_appid.txt must be a Steam app id"),
        (b"\xff\xfe4\x008\x000\x00", "steam_appid.txt in the working directory cannot be read"),
        (None, "steam_appid.txt in the working directory cannot be read"),
    ],
)
def test_file_without_an_app_id(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "steam_appid.txt"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        read_settings({}, {}).require_steam_app_id({})


def test_steams_variable_without_an_app_id() -> None:
    with pytest.raises(ConfigurationError, match="the environment variable SteamAppId must be"):
        read_settings({}, {}).require_steam_app_id({"SteamAppId": "x"})


def test_application_is_required_only_if_it_is_used() -> None:
    with pytest.raises(ConfigurationError, match="pass --application ANCHOR or set SUDOMIMUS_APPLICATION"):
        read_settings({}, {}).require_application()


def test_gate_uses_the_settings() -> None:
    settings = read_settings({"browser_hosts": ["a.example"], "via_url": "https://b.example"}, {})
    gate = Ports(settings).gate
    assert (gate.browser_hosts, gate.via_url) == (("a.example",), "https://b.example")


def test_type_checkers_know_every_setting() -> None:
    from sudomimus_bridge._program.keywords import Keywords

    assert list(Keywords.__annotations__) == [setting.keyword for setting in TABLE]


def test_error_names_the_keyword_to_a_program() -> None:
    from sudomimus_bridge import Bridge

    with pytest.raises(ConfigurationError, match=r"timeout must be a number of seconds"):
        Bridge(timeout=-1)
