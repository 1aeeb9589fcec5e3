"""Specifies that the bridge listens on no socket: no login binds one, so no web page or program can connect to it."""

from __future__ import annotations

import pytest

from ..conftest import BACKENDS
from ..helpers.steam_helpers import run_program

PROGRAM = """
import socket, sys

import anyio

from sudomimus_bridge import Bridge
from sudomimus_bridge.testing import using_browser, using_service, using_stub_steam

bound = []

def watch(event, arguments):
    if event == "socket.bind":
        bound.append(arguments[1])

with using_service(application="my-game", steam_app_id=480) as service, using_browser(), using_stub_steam():
    service.requires("email")
    sys.addaudithook(watch)
    with Bridge() as bridge:
        for method, credentials in (("steam", {}), ("browser", service.inquiry()), ("device", {})):
            anyio.run(lambda: bridge.login_async(method, **credentials), backend=sys.argv[1])
        print(len(bridge.session().access_token()) > 0, bound)
    socket.socket().bind(("127.0.0.1", 0))
    print(bound)
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_login_binds_a_socket(backend: str) -> None:
    done = run_program(PROGRAM, backend)
    assert done.stdout.splitlines() == ["True []", "[('127.0.0.1', 0)]"], done.stderr
