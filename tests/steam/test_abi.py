"""Specifies that the declarations for ctypes are those of docs/contracts/steam.md, and how the structures lie in memory."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import sys
from collections.abc import Iterator
from ctypes import POINTER, c_bool, c_char, c_char_p, c_int, c_int32, c_uint8, c_uint32, c_void_p
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sudomimus_bridge.steam import _abi as abi

PAGE = (Path(__file__).parents[2] / "docs" / "contracts" / "steam.md").read_text(encoding="utf-8")

TYPES = {
    "void": None,
    "bool": c_bool,
    "int": c_int,
    "int32": c_int32,
    "uint32": c_uint32,
    "uint8": c_uint8,
    "user": c_void_p,
    "utils": c_void_p,
    "friends": c_void_p,
    "vtable *": c_void_p,
    "const char *": c_char_p,
    "char []": POINTER(c_char),
    "uint8 *": POINTER(c_uint8),
    "CallbackMsg_t *": POINTER(abi.CallbackMsg),
    "CCallbackBase *": c_void_p,
}
"""The type of ctypes for each type that the page writes, without a parameter's name and an array's length."""


def rows(start: str) -> Iterator[list[str]]:
    """The cells of each row of the page whose first cell matches."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and re.fullmatch(f"`{start}`.*", cells[0]):
            yield cells


def type_of(text: str) -> Any:
    """The type of "type name", "type *name" or "type name[length]"."""
    words = re.fullmatch(r"((?:const )?\w+ ?\*?)\w*(\[\d+\])?", text.strip())
    assert words is not None, text
    return TYPES[f"{words[1].strip()} []" if words[2] else words[1].strip()]


def signature(text: str) -> tuple[Any, ...]:
    result, arguments = re.fullmatch(r"`(\w+) \((.*?)\)`.*", text).groups()  # type: ignore[union-attr]
    return (TYPES[result], *(type_of(each) for each in arguments.split(", ") if each != "void"))


EXPORTS = {cells[0].strip("`"): cells[1:] for cells in rows(r"Steam\w+") if re.match(r"`\w+ \(", cells[1])}
del EXPORTS["SteamAPI_RunCallbacks"]  # the game calls it
OPTIONAL = {name for name, (_, *use) in EXPORTS.items() if use and use[0].startswith("optional")}


def test_functions_are_those_of_the_contract() -> None:
    wanted = {name: signature(cells[0]) for name, cells in EXPORTS.items()}
    initialisers = {name: declared[1:] for name, declared in abi.INITIALISERS.items()}
    assert {**abi.FUNCTIONS, **abi.OPTIONAL_FUNCTIONS, **initialisers} == wanted
    assert set(abi.OPTIONAL_FUNCTIONS) == OPTIONAL
    for name, (sdk, *_) in abi.INITIALISERS.items():
        assert EXPORTS[name][1].startswith(f"SDK {sdk.partition(' ')[0]}")
    assert list(abi.INITIALISERS) == [name for name in EXPORTS if name in initialisers]


def test_accessors_are_those_of_the_contract() -> None:
    first = {cells[0].strip("`"): cells[2] for cells in rows(r"SteamAPI_\w+_v")}
    versions = {name: int(cell[:3]) for name, cell in first.items()}
    assert versions == {**abi.ACCESSORS, **abi.OPTIONAL_ACCESSORS}
    assert set(abi.OPTIONAL_ACCESSORS) == {name for name, cell in first.items() if "optional" in cell}


def test_callbacks_are_those_of_the_contract() -> None:
    numbers = {cells[0].strip("`"): int(cells[1]) for cells in rows(r"\w+_t") if cells[1].isdecimal()}
    assert numbers.pop("SteamAPICallCompleted_t") not in numbers.values()
    assert numbers == {
        "SteamServerConnectFailure_t": abi.STEAM_SERVER_CONNECT_FAILURE,
        "SteamServersDisconnected_t": abi.STEAM_SERVERS_DISCONNECTED,
        "GetTicketForWebApiResponse_t": abi.GET_TICKET_FOR_WEB_API_RESPONSE,
        "SteamShutdown_t": abi.STEAM_SHUTDOWN,
    }


def test_numbers_are_those_of_the_contract() -> None:
    assert f"char message[{abi.ERROR_MESSAGE_SIZE}]" in PAGE
    assert f"uint8 ticket[{abi.TICKET_MAX}]" in PAGE
    results = (abi.INIT_OK, abi.INIT_FAILED, abi.INIT_NO_STEAM_CLIENT, abi.INIT_VERSION_MISMATCH)
    assert "{} OK, {} failed, {} no Steam client, {} the client is older".format(*results) in PAGE
    assert f"mode {abi.OVERLAY_TO_WEB_PAGE_DEFAULT} is the default" in PAGE
    assert f"returns an `HAuthTicket`, {abi.INVALID_HANDLE} if there is none" in PAGE


# --- structures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "structure"),
    [
        ("CallbackMsg_t", abi.CallbackMsg),
        ("GetTicketForWebApiResponse_t", abi.TicketResponseHead),
        ("CCallbackBase", abi.CCallbackBase),
    ],
)
def test_fields_are_those_of_the_contract(name: str, structure: Any) -> None:
    (text,) = (cells[1].strip("`") for cells in rows(name) if ";" in cells[1])
    fields = [field for field in text.split("; ") if "[" not in field]  # the ticket's bytes follow the head
    parts = [re.fullmatch(r"(\w+ \*?)(\w*)", field) for field in fields]
    wanted = [(part[2] or "vtable", TYPES[part[1].strip()]) for part in parts if part is not None]
    assert list(structure._fields_) == wanted


POINTER_SIZE = ctypes.sizeof(c_void_p)


def on_platform(platform: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The declarations as this platform has them."""
    spec = importlib.util.spec_from_file_location("declarations", abi.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("platform", "padding"), [("linux", 0), ("darwin", 0), ("win32", POINTER_SIZE - 4)])
def test_layout_in_memory(platform: str, padding: int, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = on_platform(platform, monkeypatch)
    message, head, base = declared.CallbackMsg, declared.TicketResponseHead, declared.CCallbackBase
    assert (message.user.offset, message.id.offset, message.param.offset) == (0, 4, 8)
    assert message.size.offset == 8 + POINTER_SIZE
    assert ctypes.sizeof(message) == 12 + POINTER_SIZE + padding
    assert (head.handle.offset, head.result.offset, head.ticket_size.offset) == (0, 4, 8)
    assert (ctypes.sizeof(head), declared.TICKET_RESPONSE_SIZE) == (12, 12 + 2560)
    assert (base.vtable.offset, base.flags.offset, base.id.offset) == (0, POINTER_SIZE, POINTER_SIZE + 4)
    assert ctypes.sizeof(base) == POINTER_SIZE + 8
