"""Notices the end of the launcher. A child of the launcher may hold the pipes open, so the process itself is watched, without
polling if the system allows it.

PR_SET_PDEATHSIG is not used: it reports the end of the parent's thread, not of its process (prctl(2)).
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .._runs.threads import start_daemon

_POLL_SECONDS = 0.2


def launchers() -> list[int] | None:
    """The parent process, and if that is a wrapper of this program, its ancestors up to the launcher.

    None if the launcher has ended already, while Python was starting.
    """
    found = _ancestors(1 + _wrappers())
    return None if found and _adopted(found) else found


def _adopted(ancestors: list[int]) -> bool:
    """Whether one of them is the system's reaper of orphans: a process of another session.

    A process has the session of its starter, unless it has begun its own (setsid(2)).
    """
    if sys.platform == "win32":  # Windows has no reaper: the parent's number of an orphan does not change
        return False
    session = os.getsid(0)
    if session in (os.getpid(), *ancestors[:-1]):
        return False
    try:
        return any(os.getsid(pid) != session for pid in ancestors)
    except OSError:  # the process has ended meanwhile, or belongs to another user
        return True


def watch(processes: list[int], stdin: int, on_gone: Callable[[], None], on_hung_up: Callable[[], object]) -> None:
    """Call `on_gone`, on a thread, when one of the processes has ended. The parent is the first of them.

    On Linux, `on_hung_up` is called when the other end of `stdin` is closed, even if `stdin` is not yet read to its end.
    """
    for generation, pid in enumerate(processes):
        pipe = stdin if generation == 0 else None
        target = _watch_windows if sys.platform == "win32" else _watch_posix
        name = "sudomimus-bridge parent"
        start_daemon(target, pid, pipe, on_gone, on_hung_up, name=name)


def _wrappers() -> int:
    """The number of this program's processes between the launcher and this process. Each waits for its child.

    The single file unpacks itself and starts the program (PyInstaller's bootloader). On Windows, a virtual environment's
    python.exe starts the real one, and so does the sudomimus-bridge.exe that pip makes.
    """
    frozen = bool(getattr(sys, "frozen", False))
    unpacked = frozen and Path(getattr(sys, "_MEIPASS", "")).name.startswith(
        "_MEI"
    )  # the bootloader's name for this variable
    windows = sys.platform == "win32" and not frozen
    in_environment = windows and sys.prefix != sys.base_prefix
    by_stub = windows and Path(sys.argv[0]).with_suffix(".exe").is_file()
    return int(unpacked) + int(in_environment) + int(by_stub)


def _ancestors(generations: int) -> list[int]:
    found: list[int] = []
    pid = os.getppid()
    while pid > 0 and len(found) < generations:
        found.append(pid)
        pid = _parent_of(pid) if len(found) < generations else 0
    return found


def _parent_of(pid: int) -> int:
    """The parent of another process; 0 if it is unknown."""
    with suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
        if sys.platform == "win32":
            return _windows_parent_of(pid)
        if Path("/proc/self/stat").exists():
            status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            return int(status.rpartition(")")[2].split()[1])  # the name, in parentheses, may hold anything (proc(5))
        ps = ["/bin/ps", "-o", "ppid=", "-p", str(pid)]
        return int(subprocess.run(ps, capture_output=True, stdin=subprocess.DEVNULL, timeout=5, check=False).stdout)
    return 0


def _watch_posix(pid: int, stdin: int | None, on_gone: Callable[[], None], on_hung_up: Callable[[], object]) -> None:
    try:
        if sys.platform == "linux":
            _wait_linux(pid, stdin, on_hung_up)
        elif sys.platform == "darwin":
            _wait_macos(pid)
        else:
            _wait_polling(pid)
    except ProcessLookupError:
        pass
    except OSError:  # a sandbox or an old kernel forbids watching processes
        _wait_polling(pid)
    on_gone()


def _wait_linux(pid: int, stdin: int | None, on_hung_up: Callable[[], object]) -> None:
    if sys.platform == "linux":
        process = os.pidfd_open(pid)
        if (
            stdin is not None and os.getppid() != pid
        ):  # the process ended before the call, and its number may belong to another one
            return
        waiting = select.poll()
        waiting.register(process, select.POLLIN)
        if stdin is not None:
            waiting.register(stdin, select.POLLRDHUP)
        while True:
            for descriptor, _ in waiting.poll():
                if descriptor == process:
                    return
                waiting.unregister(descriptor)
                on_hung_up()


def _wait_macos(pid: int) -> None:
    if sys.platform == "darwin":
        ends = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT)
        select.kqueue().control([ends], 1)


def _wait_polling(pid: int) -> None:
    """Look for the process again and again. The system gives an orphan another parent, so for the parent that is enough."""
    is_parent = os.getppid() == pid
    with suppress(ProcessLookupError):
        while not is_parent or os.getppid() == pid:
            with suppress(PermissionError):
                os.kill(pid, 0)
            time.sleep(_POLL_SECONDS)


def _watch_windows(pid: int, _stdin: int | None, on_gone: Callable[[], None], _: Callable[[], object]) -> None:
    """Wait on the process's handle. If that process began after this one, its number was used again: the launcher has ended."""
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        synchronize, query, for_ever = 0x00100000, 0x1000, 0xFFFFFFFF
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(synchronize | query, False, pid)
        if not handle:
            if ctypes.get_last_error() == 87:  # ERROR_INVALID_PARAMETER: there is no such process
                on_gone()
            return

        def began(process: int) -> int:
            times = [wintypes.FILETIME() for _ in range(4)]
            kernel.GetProcessTimes(wintypes.HANDLE(process), *map(ctypes.byref, times))
            return int(times[0].dwHighDateTime << 32 | times[0].dwLowDateTime)

        if began(handle) <= began(kernel.GetCurrentProcess()):
            kernel.WaitForSingleObject(wintypes.HANDLE(handle), for_ever)
        on_gone()


def _windows_parent_of(pid: int) -> int:
    """The parent of another process, from a snapshot of all processes (tlhelp32.h)."""
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        class Entry(ctypes.Structure):
            _fields_ = (
                ("dwSize", wintypes.DWORD),
                ("cntUsage", wintypes.DWORD),
                ("th32ProcessID", wintypes.DWORD),
                ("th32DefaultHeapID", ctypes.c_void_p),
                ("th32ModuleID", wintypes.DWORD),
                ("cntThreads", wintypes.DWORD),
                ("th32ParentProcessID", wintypes.DWORD),
                ("pcPriClassBase", wintypes.LONG),
                ("dwFlags", wintypes.DWORD),
                ("szExeFile", ctypes.c_char * 260),
            )

        kernel = ctypes.WinDLL("kernel32")
        kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
        snapshot = wintypes.HANDLE(kernel.CreateToolhelp32Snapshot(2, 0))
        entry = Entry(dwSize=ctypes.sizeof(Entry))
        more = kernel.Process32First(snapshot, ctypes.byref(entry))
        while more and entry.th32ProcessID != pid:
            more = kernel.Process32Next(snapshot, ctypes.byref(entry))
        kernel.CloseHandle(snapshot)
        return int(entry.th32ParentProcessID) if more else 0
    return 0
