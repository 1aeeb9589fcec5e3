"""Specifies what becomes of a player's profile if it cannot be asked for. `tests/session/test_player.py` has the answers."""

from __future__ import annotations

import errno
from contextlib import AbstractAsyncContextManager

import pytest

from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.profile import find_player
from sudomimus_bridge._service.port import Service
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import ConfigurationError
from sudomimus_bridge._values.player import Player
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_helpers import jwt

TOKEN = Secret(jwt(sub="player"))


class Failing(AbstractAsyncContextManager[Service]):
    """Connections that cannot be opened."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    async def __aenter__(self) -> Service:
        raise self._fault

    async def __aexit__(self, *_: object) -> None:
        raise AssertionError


def player_behind_a(fault: Exception, backend: str) -> Player:
    clock = VirtualClock()
    ports = Ports(read_settings({}, {}), clock=clock, open_service=lambda _settings, _clock: Failing(fault))
    return clock.run(find_player, TOKEN, ports, backend=backend)


@pytest.mark.parametrize(
    "fault",
    [
        ConfigurationError(detail="HTTPS_PROXY is no URL."),
        PermissionError(errno.EACCES, "Permission denied"),
        ExceptionGroup("several", [OSError(errno.EMFILE, "Too many open files")]),
    ],
    ids=["setting", "system", "exhausted"],
)
def test_service_that_cannot_be_reached_leaves_the_profile_unknown(fault: Exception, backend: str) -> None:
    assert player_behind_a(fault, backend) == Player("player", claims={})


def test_fault_of_the_bridge_is_raised(backend: str) -> None:
    with pytest.raises(KeyError):
        player_behind_a(KeyError(), backend)
