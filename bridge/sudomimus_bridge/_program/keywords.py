"""What `Bridge` and its `login` take by keyword, for type checkers and editors.

`settings.TABLE` says what the settings are and checks them; `login.credentials` does so for the credentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from .._service.constraints import Constraints

LoginMethod = Literal["steam", "access-key", "browser", "device"]


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
    page: Literal["browser", "overlay", "show"] | None
    quietly: bool | str | None
    patient: bool | str | None
    steam_hosted: bool | str | None
    session_folder: str | PathLike[str] | None
    timeout: float | str | None


class LoginOptions(TypedDict, total=False):
    """What each login takes: settings for this login alone. None stands for not given."""

    quietly: bool | None
    patient: bool | None


class AccessKeyCredentials(LoginOptions, total=False):
    """What `login("access-key")` takes. A credential that is not given comes from the environment."""

    access_key_id: str | None
    access_key_secret: str | None


class InquiryCredentials(LoginOptions, total=False):
    """What `login("browser")` takes for an inquiry that a backend established."""

    exposure_key: str | None
    hidden_key: str | None


class ClientKeyCredentials(LoginOptions, total=False):
    """What `login("browser")` takes to establish an inquiry itself, on a developer's machine."""

    client_key: str | None
    client_key_file: str | PathLike[str] | None
    constraints: Constraints | None
