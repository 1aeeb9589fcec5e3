"""Specifies that a name server that does not answer delays the end of neither a login nor the program, in every door.

The look-up in these programs never returns, so a call that waits for it never ends.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ..conftest import BACKENDS
from ..helpers.patience import PATIENCE
from ..helpers.steam_helpers import run_program
from ..helpers.warm_start import MAY_FORK

HANGING = """
import atexit, os, signal, socket, sys, threading, time

hangs, asked = threading.Event(), []

def getaddrinfo(host, *arguments, **keywords):
    asked.append(host)
    hangs.set()
    threading.Event().wait()

socket.getaddrinfo = getaddrinfo
atexit.register(lambda: print("ended by itself", file=sys.stderr))
os.environ["no_proxy"] = "*"

from sudomimus_bridge import Bridge, BridgeError

KEY = {"access_key_id": "acs_k_4f9d5f61-8e3a-4f0e-9f65-0123456789ab", "access_key_secret": "acs_t_" + "0" * 64}
HOST = "https://native.example"

def bridge(**more):
    return Bridge(application="my-game", native_url=HOST, session_url=HOST, device_url=HOST, connect_url=HOST, **more)

def told(function):
    try:
        function()
    except BridgeError as error:
        print(type(error).__name__)

def patiently(function):
    # Call it with a timeout that suffices, here and now, to come as far as the look-up.
    seconds = 0.5
    while not hangs.is_set():
        seconds *= 2
        try:
            function(seconds)
        except BridgeError as error:
            ended = type(error).__name__
    print(ended)
"""

ENDED = "ended by itself\n"


def hanging(source: str, *arguments: str) -> Any:
    return run_program(HANGING + textwrap.dedent(source), *arguments)


@pytest.mark.parametrize(
    "call",
    [
        'login("access-key", **KEY)',
        'login("device")',
        'share("a.b.c")',
    ],
)
def test_blocking_call_ends_with_its_timeout(call: str) -> None:
    done = hanging(f"patiently(lambda seconds: bridge(timeout=seconds).{call})")
    assert (done.stdout, done.stderr) == ("ServiceUnavailable\n", ENDED)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_awaited_login_ends_when_it_is_cancelled_or_closed(how: str, backend: str) -> None:
    done = hanging(
        """
        import anyio

        how, backend = sys.argv[1:]
        ours = bridge()

        async def main():
            async with anyio.create_task_group() as tasks:
                async def stop():
                    while not hangs.is_set():
                        await anyio.sleep(0.01)
                    if how == "cancel":
                        tasks.cancel_scope.cancel()
                    if how == "close":
                        await anyio.to_thread.run_sync(ours.close)
                tasks.start_soon(stop)
                try:
                    await ours.login_async("access-key", **KEY)
                except BridgeError as error:
                    print(type(error).__name__)
            print("over")

        anyio.run(main, backend=backend)
        """,
        how,
        backend,
    )
    error = {"cancel": "", "close": "LoginCancelled\n"}[how]
    assert (done.stdout, done.stderr) == (f"{error}over\n", ENDED)


@pytest.mark.parametrize("backend", BACKENDS)
def test_awaited_login_ends_with_its_timeout(backend: str) -> None:
    done = hanging(
        """
        import anyio

        def login(seconds):
            anyio.run(lambda: bridge(timeout=seconds).login_async("access-key", **KEY), backend=sys.argv[1])

        patiently(login)
        """,
        backend,
    )
    assert (done.stdout, done.stderr) == ("ServiceUnavailable\n", ENDED)


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:3128"])
@pytest.mark.parametrize("how", ["cancel", "end"])
def test_started_login_ends_when_it_is_cancelled_or_the_program_ends(how: str, proxy: str) -> None:
    done = hanging(
        """
        how, proxy = sys.argv[1:]
        if proxy:
            del os.environ["no_proxy"]
            os.environ["https_proxy"] = proxy
        login = bridge().start_login("access-key", **KEY)
        hangs.wait()
        if how == "cancel":
            login.cancel()

        def poll():
            while login.poll() is None:
                time.sleep(0.01)

        if how != "end":
            told(poll)
        print(*{host.decode() for host in asked})
        """,
        how,
        proxy,
    )
    error = {"cancel": "LoginCancelled\n", "end": ""}[how]
    assert (done.stdout, done.stderr) == (f"{error}{'proxy' if proxy else 'native'}.example\n", ENDED)


def test_ctrl_c_ends_a_blocking_login() -> None:
    done = hanging(
        """
        def interrupt():
            hangs.wait()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        try:
            bridge().login("access-key", **KEY)
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", ENDED)


COMMAND_LINE = """
from sudomimus_bridge._cli.main import main

os.environ.update(SUDOMIMUS_APPLICATION="my-game", SUDOMIMUS_NATIVE_URL=HOST, SUDOMIMUS_ACCESS_KEY_ID=KEY["access_key_id"],
                  SUDOMIMUS_ACCESS_KEY_SECRET=KEY["access_key_secret"])
if sys.argv[1] == "SIGINT":
    def interrupt():
        hangs.wait()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
sys.argv[1:] = sys.argv[2:]
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("ending", "arguments", "status"),
    [
        ("timeout", ["login", "access-key", "--timeout", "1"], 6),
        ("SIGINT", ["login", "access-key"], 130),
        ("SIGINT", ["doctor"], 130),
    ],
)
def test_command_ends_with_its_timeout_or_a_signal(ending: str, arguments: list[str], status: int) -> None:
    done = hanging(COMMAND_LINE, ending, *arguments)
    assert done.returncode == status
    assert done.stderr.endswith(ENDED), "the program did not end by itself"


def test_sidecar_answers_a_cancel_and_ends() -> None:
    source = """
    from sudomimus_bridge._cli.main import main

    os.environ.update(SUDOMIMUS_APPLICATION="my-game", SUDOMIMUS_NATIVE_URL=HOST,
                      SUDOMIMUS_ACCESS_KEY_ID=KEY["access_key_id"], SUDOMIMUS_ACCESS_KEY_SECRET=KEY["access_key_secret"])
    sys.argv[1:] = ["sidecar"]
    threading.Thread(target=lambda: (hangs.wait(), print("it hangs", file=sys.stderr, flush=True)), daemon=True).start()
    sys.exit(main())
    """
    program = [sys.executable, "-c", HANGING + textwrap.dedent(source) + MAY_FORK]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(program, text=True, **pipes) as sidecar:

        def say(**message: Any) -> None:
            print(json.dumps({"jsonrpc": "2.0", **message}), file=sidecar.stdin, flush=True)

        try:
            assert sidecar.stdout is not None
            assert sidecar.stderr is not None
            say(id=1, method="login", params={"method": "access-key"})
            assert sidecar.stderr.readline() == "it hangs\n"
            say(id=2, method="cancel", params={"id": 1})
            answers: dict[Any, Any] = {}
            while not {1, 2} <= answers.keys():
                message = json.loads(sidecar.stdout.readline())
                answers[message.get("id")] = message
            assert answers[1]["error"]["data"]["kind"] == "cancelled"
            say(id=3, method="shutdown")
            _, errors = sidecar.communicate(timeout=PATIENCE)
            assert (sidecar.returncode, errors) == (0, ENDED)
        finally:
            sidecar.kill()


def test_logins_share_the_look_up_that_hangs() -> None:
    """A game that tries again and again has only one hanging thread."""
    done = hanging(
        """
        patiently(lambda seconds: bridge(timeout=seconds).login("access-key", **KEY))
        for _ in range(3):
            told(lambda: bridge(timeout=0.5).login("access-key", **KEY))
        print(len(asked))
        """
    )
    assert done.stdout == "ServiceUnavailable\n" * 4 + "1\n"


REAL = """
import fcntl, os, socket, struct, subprocess, sys, threading

up, running = 0x1, 0x40
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", up | running))  # SIOCSIFFLAGS
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))

def look_up():
    try:
        socket.getaddrinfo("native.example", 443)
    except OSError:
        over.set()

over = threading.Event()
threading.Thread(target=look_up, daemon=True).start()
done = subprocess.run([sys.executable, "-m", "sudomimus_bridge", *sys.argv[1:]], capture_output=True, text=True)
print(done.returncode, over.is_set(), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces, which only Linux has")
def test_login_ends_before_a_look_up_of_the_system(tmp_path: Path) -> None:
    """In a network whose name server is silent, a login ends before a look-up that started earlier."""
    inside = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-ec"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*inside, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("this user may not make the network and mount namespaces that this test needs")
    settings = tmp_path / "resolv.conf"
    settings.write_text("nameserver 127.0.0.1\n")
    program = tmp_path / "beside.py"
    program.write_text(REAL)
    arguments = [
        "login",
        "access-key",
        "--timeout",
        "2",
        "--native-url",
        "https://native.example",
        "--application",
        "g",
    ]
    done = subprocess.run(
        [
            *inside,
            'mount --bind "$0" /etc/resolv.conf && exec "$@"',
            str(settings),
            sys.executable,
            str(program),
            *arguments,
        ],
        env={
            "PATH": "/usr/bin:/bin",
            "SUDOMIMUS_ACCESS_KEY_ID": "acs_k_4f9d5f61-8e3a-4f0e-9f65-0123456789ab",
            "SUDOMIMUS_ACCESS_KEY_SECRET": "acs_t_" + "0" * 64,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("6 False\n", "")
