"""Every setting of the bridge in one table: keyword, flag, variable, default and check. Every door reads its settings here.

This module imports only the standard library, because a game imports it before its first login. A keyword or a flag wins over
the environment. Only the Ren'Py door asks for the reverse (`environment_first`).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ._values.errors import ConfigurationError
from ._values.secret import looks_secret, sealed
from ._values.urls import HOST, is_loopback

DEFAULT_TIMEOUT = 3600.0

PAGES = ("browser", "overlay", "show")


@dataclass(frozen=True)
class Settings:
    """The settings of one bridge, checked. The field names are the keywords."""

    application: str | None = None
    steam_app_id: int | None = None
    steam_library: Path | None = None
    native_url: str = "https://native-api.sudomimus.com"
    connect_url: str = "https://connect-api.sudomimus.com"
    device_url: str = "https://device-api.sudomimus.com"
    session_url: str = "https://session-api.sudomimus.com"
    via_url: str = "https://via.sudomimus.com"
    browser_hosts: tuple[str, ...] = ()
    """The hosts whose pages may be opened, each with or without a port. Empty: see `BrowserGate`."""
    page: str = "browser"
    """Where a page opens: "browser", "overlay" (Steam's), or "show" (nowhere; the player is shown its address)."""
    quietly: bool = False
    """Whether a flow that needs a page ends with `ErrandNotCompleted` instead of opening it."""
    patient: bool = False
    """Whether a login keeps trying for as long as the service, the network or Steam cannot be used."""
    steam_hosted: bool = False
    """Whether the program around the bridge initialises, pumps and shuts down Steam."""
    session_folder: Path | None = None
    """The folder for saved sessions. None: the usual folder of the platform."""
    timeout: float | None = None
    """The longest time for a flow, pages included, in seconds. None: see `time_limit`."""

    def time_limit(self, patient: bool) -> float:
        """The longest time for a flow, in seconds: the setting `timeout`, else an hour, and infinity for a patient login."""
        return self.timeout or (math.inf if patient else DEFAULT_TIMEOUT)

    @property
    def no_browser(self) -> bool:
        """Whether the player is shown the address of a page, and the bridge opens none."""
        return self.page == "show"

    def require_application(self) -> str:
        """The application anchor. Raises `ConfigurationError` if none is set."""
        if self.application is None:
            raise ConfigurationError(
                detail="No application is set: pass --application ANCHOR or set SUDOMIMUS_APPLICATION to your game's "
                "application anchor."
            )
        return self.application

    @sealed
    def require_steam_app_id(self, environ: Mapping[str, str] = os.environ) -> int:
        """The Steam app id: the setting, else `SteamAppId`, else `steam_appid.txt` in the working directory.

        Raises `ConfigurationError` if none of them is set, or if the first one that is set is malformed.
        """
        if self.steam_app_id is not None:
            return self.steam_app_id
        if environ.get("SteamAppId", "").strip() not in ("", "0"):
            return _app_id(environ["SteamAppId"], "the environment variable SteamAppId")
        try:
            text = Path("steam_appid.txt").read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise ConfigurationError(
                detail="No Steam app id is set: pass --steam-app-id, set SUDOMIMUS_STEAM_APP_ID, or put steam_appid.txt into "
                "the working directory."
            ) from None
        except (OSError, ValueError):
            raise ConfigurationError(
                detail="steam_appid.txt in the working directory cannot be read: it must be a text file that holds the "
                "game's Steam app id."
            ) from None
        return _app_id(text, "steam_appid.txt")


@dataclass(frozen=True)
class Setting:
    """One row of the table: the keyword, the texts of the command line, and the check of a given value."""

    keyword: str
    metavar: str
    help: str
    check: Callable[[Any, str], Any]
    variable: str
    flag: str

    @property
    def repeatable(self) -> bool:
        """Whether the flag may be given several times."""
        return self.keyword == "browser_hosts"

    @property
    def switch(self) -> bool:
        """Whether the flag takes no value."""
        return self.check is _switch


@sealed
def read_settings(
    given: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    environment_first: bool = False,
    spelled: Callable[[Setting], str] = lambda setting: setting.flag,
) -> Settings:
    """Read the settings that a door was given (`given`, by keyword) and those in the environment (`environ`).

    A given setting that is None counts as not given. With `environment_first`, the environment wins. Raises `TypeError` for an
    unknown keyword, and `ConfigurationError` for a wrong value. The error names the source of the value: the setting as the
    door spells it (`spelled`), or the variable.
    """
    given = given or {}
    environ = os.environ if environ is None else environ
    unknown = set(given) - {setting.keyword for setting in TABLE}
    if unknown:
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for setting in TABLE:
        sources = [
            (given.get(setting.keyword), spelled(setting)),
            (environ.get(setting.variable) or None, setting.variable),
        ]
        if environment_first:
            sources.reverse()
        for rank, (value, source) in enumerate(sources):
            if value is not None:
                values[setting.keyword] = setting.check(value, source)
                ranks[setting.keyword] = rank
                break
    _merge_no_browser(values, ranks)
    return Settings(**values)


def _merge_no_browser(values: dict[str, Any], ranks: dict[str, int]) -> None:
    """Turn `no_browser` into a value of `page`. If both are given, the one from the source with the lower rank wins."""
    no_browser = values.pop("no_browser", None)
    if no_browser is None or ranks["no_browser"] > ranks.get("page", 2):
        return
    if no_browser:
        values["page"] = "show"
    elif ranks["no_browser"] < ranks.get("page", 2):
        values.pop("page", None)


def shown(value: object) -> str:
    """The text of a wrong value for an error: shortened, or a placeholder if the value looks like a secret."""
    text = str(value)
    return (
        "a value that looks like a secret"
        if looks_secret(text) or "@" in text  # as in a URL with a password
        else ascii(text if len(text) <= 60 else text[:57] + "…")
    )


def _anchor(value: Any, source: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > 200 or not text.isprintable():
        raise ConfigurationError(
            detail=f"{source} must be your game's application anchor, such as my-game; it is {shown(value)}."
        )
    return text


def _app_id(value: Any, source: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= 0xFFFFFFFF:
        raise ConfigurationError(
            detail=f"{source} must be a Steam app id, a whole number from 1 to 4294967295; it is {shown(value)}."
        )
    return int(text)


def _library(value: Any, source: str) -> Path:
    return _path(value, source, "the path of the Steam library")


def _folder(value: Any, source: str) -> Path:
    return _path(value, source, "the path of a folder")


def _path(value: Any, source: str, what: str) -> Path:
    try:
        text = os.fspath(value)
    except TypeError:
        text = None
    if not isinstance(text, str) or not text or "\0" in text:
        raise ConfigurationError(detail=f"{source} must be {what}; it is {shown(value)}.")
    try:
        return Path(text).expanduser()
    except RuntimeError:  # pathlib raises it for `~name` if no user has this name
        raise ConfigurationError(
            detail=f"{source} must be {what}; it is {shown(value)}, and there is no such home folder here. Pass the whole path."
        ) from None


def _url(value: Any, source: str) -> str:
    wrong = partial(_not_a_url, source)
    text = value.strip() if isinstance(value, str) else ""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise wrong("it holds characters that do not belong in a URL")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong("it is not a well-formed URL") from None
    if "@" in text or parts.query or parts.fragment or "?" in text or "#" in text:
        raise wrong("it may hold no user name, query or fragment")
    if parts.scheme not in ("https", "http") or not host:
        raise wrong(f"{shown(text)} is neither" if text else "it is empty")
    if parts.scheme == "http" and not is_loopback(host):
        raise wrong(f"{shown(host)} is not a loopback host, so it needs https")
    return text.rstrip("/")


def _not_a_url(source: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        detail=f"{source} must be an https URL, or http on a loopback host such as http://127.0.0.1:8000: {why}."
    )


def _hosts(value: Any, source: str) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else [value]
    hosts = []
    for item in items:
        host = item.strip() if isinstance(item, str) else ""
        if not is_browser_host(host):
            raise ConfigurationError(
                detail=f"{source} must name hosts, such as via.sudomimus.com or 127.0.0.1:8000, without scheme or path; "
                f"it has {shown(item)}."
            )
        hosts.append(host.lower())
    return tuple(hosts)


def is_browser_host(text: str) -> bool:
    """Whether the text is a host, with or without a port."""
    match = HOST.fullmatch(text)
    return match is not None and (match["port"] is None or 1 <= int(match["port"]) <= 65535)


def _switch(value: Any, source: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off", ""):
        return False
    raise ConfigurationError(detail=f"{source} must be 1 or 0; it is {shown(value)}.")


def _page(value: Any, source: str) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in PAGES:
        raise ConfigurationError(
            detail=f"{source} must be {', '.join(PAGES[:-1])} or {PAGES[-1]}; it is {shown(value)}."
        )
    return text


def _seconds(value: Any, source: str) -> float:
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 < seconds <= 7 * 24 * 3600:
        raise ConfigurationError(
            detail=f"{source} must be a number of seconds, more than 0 and at most a week; it is {shown(value)}."
        )
    return seconds


def _row(keyword: str, metavar: str, check: Callable[[Any, str], Any], help: str, flag: str = "") -> Setting:
    variable = f"SUDOMIMUS_{keyword.upper()}"
    return Setting(keyword, metavar, help, check, variable, flag or "--" + keyword.replace("_", "-"))


TABLE: tuple[Setting, ...] = (
    _row("application", "ANCHOR", _anchor, "your game's application anchor"),
    _row("steam_app_id", "ID", _app_id, "the Steam app id; by default SteamAppId, then steam_appid.txt"),
    _row("steam_library", "PATH", _library, "the Steam library, or its folder; by default the bridge searches for it"),
    _row("native_url", "URL", _url, f"the Native API (default {Settings.native_url})"),
    _row("connect_url", "URL", _url, f"the Connect API (default {Settings.connect_url})"),
    _row("device_url", "URL", _url, f"the Device API (default {Settings.device_url})"),
    _row("session_url", "URL", _url, f"the Session API (default {Settings.session_url})"),
    _row("via_url", "URL", _url, f"the base of the service's pages (default {Settings.via_url})"),
    _row(
        "browser_hosts",
        "HOST",
        _hosts,
        "a host whose pages may be opened; repeatable; replaces the default",
        "--browser-host",
    ),
    _row("no_browser", "", _switch, "show the page's URL instead of opening it: the same as --page show"),
    _row(
        "page", "|".join(PAGES), _page, "where a page opens: the browser, Steam's overlay, or nowhere (default browser)"
    ),
    _row("quietly", "", _switch, "neither open a page nor wait for one: end with exit status 5 if one is needed"),
    _row("patient", "", _switch, "keep trying while the service, the network or Steam cannot be used"),
    _row(
        "steam_hosted", "", _switch, "the program around the bridge runs Steam: never initialise, pump or shut it down"
    ),
    _row("session_folder", "PATH", _folder, "the folder for saved sign-ins; by default one of the user's own"),
    _row(
        "timeout",
        "SECONDS",
        _seconds,
        "the longest time for a login, pages included (default 3600; no limit with --patient)",
    ),
)
