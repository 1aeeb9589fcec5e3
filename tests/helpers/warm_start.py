"""Starts `sudomimus-bridge` by forking a Python that has imported it already, which saves most of such a test's time.

`use` redirects the starts of `python -c CODE` in this process if the code ends with `PROGRAM` or `MAY_FORK`, also those through
a shell that only closes standard streams (`closing`). The program is a child of this process as any other, with its own
standard streams, environment, folder and signals, and it ends as Python ends.

The modules are imported before the code begins. So what they have registered with `atexit` runs after what the code registers.

A start that differs in anything that Python reads before the code runs (`PYTHON…`, the locale, the libraries, ignored signals,
open descriptors) takes the usual way. So does every start with `pytest --cold`.

This file is also the program that forks. Each pytest worker has one. It ends with the worker.
"""

from __future__ import annotations

import array
import ctypes
import gc
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

PROGRAM = "from sudomimus_bridge._cli.main import main; sys.exit(main())"
MAY_FORK = "\n# may start by a fork"

CLOSES = re.compile(r'exec "\$@"((?: (?:<|>|2>)&-)+)')
NUMBERS = {"<&-": 0, ">&-": 1, "2>&-": 2}

# What begins the names of the variables that Python, or a library at its start, reads before the code runs.
READ_EARLY = ("PYTHON", "LC_", "LANG", "LD_", "GLIBC_", "MALLOC_", "OPENSSL_", "TZ")
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
MODULES = """
    _cli.commands _cli.completion _cli.demo _cli.doctor _cli.login _cli.output _cli.renpy _cli.terminal
    _cli.emulator emulator testing._service
    _sidecar.server _sidecar.handlers _sidecar.openrpc _program.bridge _program.session steam._library
"""


def closing(redirections: str, words: list[str]) -> list[str]:
    """The command line that starts a program without some standard streams: `<&-`, `>&-`, `2>&-`. It needs a shell."""
    return ["sh", "-c", f'exec "$@" {redirections}', "sh", *words]


def use() -> None:
    """From now on, start the program by a fork. Has no effect on systems other than Linux."""
    if sys.platform == "linux" and hasattr(subprocess, "_fork_exec"):
        subprocess._USE_POSIX_SPAWN = False  # type: ignore[misc]  # documented: it is another way to start programs
        subprocess._fork_exec = _WarmStarts(subprocess._fork_exec)


class _WarmStarts:
    """Replaces `subprocess`'s own function, so that `Popen`, `run` and asyncio's processes all use it."""

    def __init__(self, cold: Any) -> None:
        self._cold = cold
        self._environ = dict(os.environ)
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def __call__(self, *given: Any) -> int:
        """Start the program, and return its process id. The parameters are `_posixsubprocess.fork_exec`'s."""
        arguments, closed = _without_the_shell([os.fsdecode(word) for word in given[0]])
        start = _as_warm_start(arguments[2:], closed, given, _early(self._environ)) if _is_ours(arguments) else None
        if start is None:
            return int(self._cold(*given))
        with self._lock:
            self._server = self._server or _Server(self._environ)
            return self._server.start(*start)


def _without_the_shell(arguments: list[str]) -> tuple[list[str], list[int]]:
    """The command line that the shell of `closing` runs, and the streams that it closes."""
    closes = CLOSES.fullmatch(arguments[2]) if arguments[:2] == ["sh", "-c"] and len(arguments) > 4 else None
    return (arguments[4:], [NUMBERS[word] for word in closes[1].split()]) if closes else (arguments, [])


def _is_ours(arguments: list[str]) -> bool:
    if arguments[:2] != [sys.executable, "-c"]:
        return False
    code = arguments[2]
    of_imports = "sys.modules" in code or "sys.meta_path" in code  # such code hides, counts or watches imports
    return code.endswith((PROGRAM, MAY_FORK)) and not of_imports


def _as_warm_start(
    arguments: list[str], closed: list[int], given: Any, early: dict[str, str]
) -> tuple[dict[str, Any], list[int]] | None:
    """What the server is told, and the three standard streams; or None if this start must be a cold one."""
    _, _, close_fds, fds_to_keep, folder, environ = given[:6]
    read, _, _, write, _, errors, _, failed = given[6:14]
    new_session, group, group_id, groups, user, umask, before = given[15:22]
    environ = dict(os.environ if environ is None else (os.fsdecode(one).split("=", 1) for one in environ))
    ignored = any(
        signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    )
    unusual = (group_id, groups, user, before) != (None, None, None, None) or umask >= 0 or group >= 0
    others = not close_fds or set(fds_to_keep) != {failed}
    if unusual or others or ignored or _early(environ) != early:
        return None
    told = {
        "arguments": arguments,
        "closed": closed,
        "environ": environ,
        "folder": os.fsdecode(folder) if folder is not None else str(Path.cwd()),
        "new_session": bool(new_session),
    }
    return told, [usual if given < 0 else given for usual, given in enumerate((read, write, errors))]


def _early(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(READ_EARLY)}


class _Server:
    """The program below, seen from the worker."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._socket, other = socket.socketpair()
        program = [sys.executable, __file__, str(other.fileno())]
        with other:
            self._process = subprocess.Popen(program, env=environ, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL)

    def start(self, told: dict[str, Any], streams: list[int]) -> int:
        """Fork. The new process is orphaned at once, and this process adopts it: it is a child as any other."""
        prctl = ctypes.CDLL(None).prctl
        prctl(SUBREAPER, 1, 0, 0, 0)
        try:
            text = json.dumps(told).encode()
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))]
            self._socket.sendmsg([len(text).to_bytes(4, "big")], rights)
            self._socket.sendall(text)
            return int.from_bytes(self._socket.recv(4), "big")
        finally:
            prctl(SUBREAPER, 0, 0, 0, 0)


# --- the program that forks ----------------------------------------------------------------------------------------------


def serve(connection: socket.socket) -> str:
    """Fork for each request. Return in the new process, which then is the program that the test asked for: its code."""
    while True:
        head, rights, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(12))
        if not head:
            sys.exit()
        text = b""
        while len(text) < int.from_bytes(head, "big"):
            text += connection.recv(65536)
        streams = array.array("i", rights[0][2])
        reader, writer = os.pipe()
        if (between := os.fork()) == 0:
            between = os.getpid()
            if (child := os.fork()) == 0:
                for descriptor in (reader, writer, connection.detach()):
                    os.close(descriptor)
                while os.getppid() == between:  # until the worker has adopted this process
                    time.sleep(0.0005)
                return _become(json.loads(text), list(streams))
            os.write(writer, child.to_bytes(4, "big"))
            os._exit(0)
        os.waitpid(between, 0)
        connection.sendall(os.read(reader, 4))
        for descriptor in (reader, writer, *streams):
            os.close(descriptor)


def _become(told: dict[str, Any], streams: list[int]) -> str:
    """Take over what a start would have given to this process. Return the code that it runs."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in {*streams, *told["closed"]}:
        if descriptor > 2 or descriptor in told["closed"]:
            os.close(descriptor)
    if told["new_session"]:
        os.setsid()
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environ"])
    code, *arguments = told["arguments"]
    sys.argv[:] = ["-c", *arguments]
    sys.path.insert(0, "")
    before = (sys.stdin, sys.stdout, sys.stderr)
    sys.stdin, sys.stdout, sys.stderr = (
        None if number in told["closed"] else _stream(number, before[number]) for number in range(3)
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    return str(code)


def _stream(number: int, before: Any) -> io.TextIOWrapper:
    """A standard stream as Python makes it."""
    buffered = not os.environ.get("PYTHONUNBUFFERED")
    raw: Any = open(number, "wb" if number else "rb", -1 if buffered or number == 0 else 0, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        raw,
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=buffered and (number == 2 or os.isatty(number)),
        write_through=not buffered,
    )


def main() -> None:
    """Import, serve, and then be the program."""
    del sys.path[0]  # the folder of this file
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    for name in MODULES.split():
        import_module(f"sudomimus_bridge.{name}")
    import_module("sudomimus_bridge._program.preparation")._import_modules()
    gc.collect()
    gc.freeze()
    code = serve(connection)
    program = sys.modules["__main__"] = ModuleType("__main__")  # its variables live until the interpreter ends
    exec(compile(code, "<string>", "exec"), vars(program))


if __name__ == "__main__":
    main()
