"""The settings as keywords, for type checkers and editors; what they are and how they are checked is `settings.TABLE`."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TypedDict


class Keywords(TypedDict, total=False):
    """What `Bridge` takes by keyword. None stands for not given."""

    application: str | None
    steam_app_id: int | str | None
    steam_library: str | PathLike[str] | None
    native_url: str | None
    connect_url: str | None
    device_url: str | None
    session_url: str | None
    via_url: str | None
    browser_hosts: str | Iterable[str] | None
    no_browser: bool | str | None
    quietly: bool | str | None
    steam_hosted: bool | str | None
    session_folder: str | PathLike[str] | None
    timeout: float | str | None
