"""Specifies the types of the package: each documented name is fully typed, and no other name is public.

`mypy` checks this file, too: it reports each `type: ignore` here that no longer hides an error.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type, get_args

import pytest

import sudomimus_bridge
from sudomimus_bridge import (
    Bridge,
    Claims,
    DeviceHandoff,
    ErrandHandoff,
    LoginMethod,
    LoginResult,
    ProgressEvent,
    Running,
)
from sudomimus_bridge._login.methods import METHODS
from sudomimus_bridge._program.keywords import (
    AccessKeyCredentials,
    ClientKeyCredentials,
    InquiryCredentials,
    LoginOptions,
)

pytestmark = pytest.mark.once

SOURCE = Path(sudomimus_bridge.__file__).parents[1]
CHECKOUT = Path(__file__).parents[2]

PUBLIC = {
    "sudomimus_bridge": set(sudomimus_bridge.__all__) - {"__version__"},
    "sudomimus_bridge.testing": set(import_module("sudomimus_bridge.testing").__all__),
    "sudomimus_bridge.emulator": {"Emulator", "visit"},
    "sudomimus_bridge.steam.steamworkspy": {"SteamworksPySteam", "import_steamworks"},
}
"""The modules that programs import, with the names that they import from each."""


PACKAGES_WITHOUT_NAMES = {"sudomimus_bridge.steam"}
"""The packages that contain a public module."""


@functools.cache
def verify_types() -> dict[str, Any]:
    """The report of `pyright --verifytypes` on this package. Skips the test if pyright cannot run."""
    # This package comes first: an editable install leaves a folder with its name among the installed packages.
    path = os.pathsep.join([str(SOURCE), sysconfig.get_path("purelib")])
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    try:
        done = subprocess.run(
            [*command, "--verifytypes", "sudomimus_bridge"],
            env={**os.environ, "PYTHONPATH": path, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        report: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        pytest.skip("pyright cannot run here: it needs the package `pyright` of the extra `dev`, and Node.js.")
    return report


def test_only_documented_modules_are_public() -> None:
    """Every other module is marked private: its name, or that of a folder above it, begins with an underscore."""
    paths = [path.relative_to(SOURCE).with_suffix("").parts for path in SOURCE.glob("sudomimus_bridge/**/*.py")]
    modules = {".".join(part for part in parts if part != "__init__") for parts in paths}
    public = {module for module in modules if "._" not in module}
    assert public == PUBLIC.keys() | PACKAGES_WITHOUT_NAMES


def test_type_checkers_see_only_documented_modules() -> None:
    """pyright also counts `__main__`, the command, as public."""
    seen = {module["name"] for module in verify_types()["modules"]} - {"sudomimus_bridge.__main__"}
    assert seen == PUBLIC.keys() | PACKAGES_WITHOUT_NAMES


def test_types_are_complete() -> None:
    assert verify_types()["completenessScore"] > 0.99


def test_type_checkers_see_only_documented_names() -> None:
    exported: dict[str, list[str]] = {module: [] for module in PUBLIC.keys() | PACKAGES_WITHOUT_NAMES}
    untyped = []
    for symbol in verify_types()["symbols"]:
        module, _, name = symbol["name"].rpartition(".")
        if symbol["isExported"] and symbol["category"] != "module" and module in exported:
            exported[module].append(name)
            if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]:
                untyped.append(symbol["name"])
    assert untyped == []
    assert {module: sorted(names) for module, names in exported.items()} == {
        **{package: [] for package in PACKAGES_WITHOUT_NAMES},
        **{module: sorted(names) for module, names in PUBLIC.items()},
    }


def test_typed_credentials_are_those_of_each_method() -> None:
    assert set(METHODS) == set(get_args(LoginMethod))
    typed = {
        "steam": set[str](),
        "device": set[str](),
        "access-key": set(AccessKeyCredentials.__annotations__),
        "browser": {*InquiryCredentials.__annotations__, *ClientKeyCredentials.__annotations__},
    }
    assert {method: names - set(LoginOptions.__annotations__) for method, names in typed.items()} == {
        name: method.credentials for name, method in METHODS.items()
    }


@pytest.mark.parametrize(
    ("method", "credential"),
    [
        ("steam", "access_key_id"),
        ("device", "hidden_key"),
        ("access-key", "client_key"),
        ("browser", "access_key_secret"),
    ],
)
def test_credential_of_another_method_is_refused(method: LoginMethod, credential: str) -> None:
    given: dict[str, Any] = {credential: "x"}
    with Bridge(application="my-game") as bridge:
        for login in (bridge.login, bridge.start_login):
            with pytest.raises(TypeError, match=f"no such credential for {method}: {credential}"):
                login(method, **given)


if TYPE_CHECKING:

    async def each_login_method_is_typed(bridge: Bridge, method: LoginMethod, key: InquiryCredentials) -> None:
        assert_type(bridge.login(), LoginResult)
        assert_type(bridge.login(method), LoginResult)
        assert_type(bridge.login("device"), LoginResult)
        assert_type(bridge.login("access-key", access_key_id="x", access_key_secret="y"), LoginResult)
        assert_type(bridge.login("browser", exposure_key="x", hidden_key="y"), LoginResult)
        assert_type(bridge.login("browser", **key), LoginResult)
        assert_type(await bridge.login_async("browser", client_key_file=Path("key.pem")), LoginResult)
        assert_type(bridge.start_login("access-key", access_key_id="x"), Running[LoginResult])
        assert_type(bridge.login("access-key", quietly=True), LoginResult)
        assert_type(bridge.start_login(quietly=True), Running[LoginResult])
        bridge.login(patiently=True)  # type: ignore[call-overload]
        bridge.login("telepathy")  # type: ignore[call-overload]
        bridge.login(hidden_key="y")  # type: ignore[call-overload]
        bridge.login("device", access_key_id="x")  # type: ignore[call-overload]
        bridge.login("access-key", hidden_key="y")  # type: ignore[call-overload]
        bridge.login("browser", exposure_key="x", client_key="z")  # type: ignore[call-overload]
        bridge.start_login("browser", access_key_id="x")  # type: ignore[call-overload]
        await bridge.login_async("steam", client_key="z")  # type: ignore[call-overload]

    def each_event_and_result_is_typed(event: ProgressEvent, result: LoginResult) -> None:
        assert_type(event.errand, ErrandHandoff | None)
        assert_type(event.device, DeviceHandoff | None)
        assert_type(result.claims, Claims)
        assert_type(result.claims["email"]["state"], str)
        result.claims["email"]["stat"]  # type: ignore[typeddict-item]
        assert sudomimus_bridge.Brigde  # type: ignore[attr-defined]
