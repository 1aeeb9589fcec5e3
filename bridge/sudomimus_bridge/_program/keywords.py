"""The keywords of `Bridge` and its `login`, for type checkers and editors.

At run time `_settings.TABLE` checks the settings, and the classes of `_login.methods` check the credentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from .._service.constraints import Constraints

LoginMethod = Literal["steam", "access-key", "browser", "device"]
"""How a player signs in: with a Steam ticket, an access key, on a page, or with a code."""


class Keywords(TypedDict, total=False):
    """The settings that `Bridge` takes. None means not given."""

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
    page: Literal["browser", "overlay", "show"] | None
    quietly: bool | str | None
    patient: bool | str | None
    steam_hosted: bool | str | None
    session_folder: str | PathLike[str] | None
    timeout: float | str | None


class LoginOptions(TypedDict, total=False):
    """The settings that apply to one login alone. None means not given."""

    quietly: bool | None
    patient: bool | None


class AccessKeyCredentials(LoginOptions, total=False):
    """The keywords of `login("access-key")`. A credential that is not given comes from the environment."""

    access_key_id: str | None
    access_key_secret: str | None


class InquiryCredentials(LoginOptions, total=False):
    """The keywords of `login("browser")` for an inquiry that the game's backend has established."""

    exposure_key: str | None
    hidden_key: str | None


class ClientKeyCredentials(LoginOptions, total=False):
    """The keywords of `login("browser")` that establish an inquiry, on a developer's computer."""

    client_key: str | None
    client_key_file: str | PathLike[str] | None
    constraints: Constraints | None
