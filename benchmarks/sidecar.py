"""How soon a sidecar answers, and how much memory it takes, beside the plain interpreter importing what it must.

The floor for the first answer is Python with asyncio and json, answering one line, and the same with anyio, on which the
bridge runs; for memory, Python with what a login must import (httpx, anyio, pydantic, ctypes, ssl with the system's
certificates), doing nothing. All are measured in turn, in the same minute. Memory is read from /proc, so it is Linux's.
Modules come from their bytecode, as in what pip has installed, whatever PYTHONDONTWRITEBYTECODE says.

    python benchmarks/sidecar.py [--runs 20] [--logins 300] [--executable dist/sudomimus-bridge-sidecar]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import compiled_stub

ANSWERS_ONE_LINE = """
import asyncio, json, sys
async def main():
    loop = asyncio.get_running_loop()
    line = await loop.run_in_executor(None, sys.stdin.buffer.readline)
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {}}), flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
asyncio.run(main())
"""
_ANSWERS_ON_ANYIO = ANSWERS_ONE_LINE.replace("import asyncio,", "import anyio._backends._asyncio, asyncio,")
_IMPORTS_A_LOGIN = """
import asyncio, ctypes, json, ssl, sys, anyio._backends._asyncio, httpx, pydantic
class Message(pydantic.BaseModel):
    id: int
context = ssl.create_default_context()
line = sys.stdin.buffer.readline()
print(json.dumps({"id": json.loads(line)["id"]}), flush=True)
sys.stdin.buffer.read()
"""

Process = subprocess.Popen[bytes]


def request(process: Process, method: str, params: Any = None, request_id: Any = 1) -> Any:
    """One request and its answer."""
    stdin, stdout = pipes(process)
    message = {"jsonrpc": "2.0", "id": request_id, "method": method, **({} if params is None else {"params": params})}
    stdin.write(json.dumps(message).encode() + b"\n")
    stdin.flush()
    while "id" not in (answer := json.loads(stdout.readline())):
        pass
    return answer


def pipes(process: Process) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@contextmanager
def started(arguments: Sequence[str]) -> Any:
    """A process on pipes, ended at the end of the block."""
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        yield process
        pipes(process)[0].close()


def first_answer(arguments: Sequence[str]) -> float:
    """Seconds from the start to the answer to `initialize`."""
    began = time.perf_counter()
    with started(arguments) as process:
        request(process, "initialize")
        return time.perf_counter() - began


def seconds_of(arguments: Sequence[str]) -> float:
    """Seconds from the start of a program to its end."""
    began = time.perf_counter()
    subprocess.run(arguments, check=True)
    return time.perf_counter() - began


def resident(process: Process) -> float:
    """MB that a process holds in memory, and its children, as those of a file that unpacks itself."""
    own = Path(f"/proc/{process.pid}")
    found = [own]
    for children in own.glob("task/*/children"):
        found += [Path(f"/proc/{pid}") for pid in children.read_text().split()]
    lines = [line for each in found for line in (each / "status").read_text().splitlines() if line.startswith("VmRSS")]
    return sum(int(line.split()[1]) for line in lines) / 1024


def memory(arguments: Sequence[str], logins: int) -> tuple[float, float, float]:
    """MB when idle after `initialize`, after one login, and after that many."""
    with started(arguments) as process:
        request(process, "initialize")
        time.sleep(0.3)
        figures = [resident(process)]
        for count in (1, logins):
            for _ in range(count):
                answer = request(process, "login", {"method": "steam", "openBrowser": False})
                assert "result" in answer, answer
            figures.append(resident(process))
    return figures[0], figures[1], figures[2]


def floor_memory() -> float:
    with started([sys.executable, "-c", _IMPORTS_A_LOGIN]) as process:
        request(process, "initialize")
        return resident(process)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--logins", type=int, default=300)
    parser.add_argument("--executable", help="a single file to measure beside `python -m sudomimus_bridge`")
    arguments = parser.parse_args()
    os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": "5", "STEAM_STUB_CHATTER": "0"}
    programs = {"python -m": [sys.executable, "-m", "sudomimus_bridge"]}
    if arguments.executable:
        programs["executable"] = [arguments.executable]
    budgets = {"attempts_per_application": 10**6, "attempts_global": 10**6}
    with compiled_modules(), Emulator({"budgets": budgets}) as service:
        urls = service.urls
        flags = ["--application", urls["application"], "--steam-app-id", str(urls["steamAppId"])]
        flags += ["--steam-library", str(compiled_stub()), "--native-url", urls["native"], "--via-url", urls["via"]]
        measure(programs, flags, arguments.runs, arguments.logins)
    if arguments.executable:
        print(f"size of the executable: {Path(arguments.executable).stat().st_size / 2**20:.1f} MB")


@contextmanager
def compiled_modules() -> Iterator[None]:
    """Have what is started find its modules compiled: the first start of each compiles them, and is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        yield


def measure(programs: dict[str, list[str]], flags: list[str], runs: int, logins: int) -> None:
    starts = {
        "floor": [sys.executable, "-c", ANSWERS_ONE_LINE],
        "and anyio": [sys.executable, "-c", _ANSWERS_ON_ANYIO],
        **{name: [*program, "sidecar", *flags] for name, program in programs.items()},
    }
    for arguments in starts.values():
        first_answer(arguments)
    times: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(runs):
        for name, arguments in starts.items():
            times[name].append(first_answer(arguments))
    print(f"start to the answer to `initialize`, medians of {runs} in turn:")
    for name, found in times.items():
        ratio = statistics.median(one / other for one, other in zip(found, times["floor"], strict=True))
        print(f"  {name:<12} {statistics.median(found) * 1000:6.0f} ms   {ratio:5.2f} times the floor")
    floor = floor_memory()
    print(f"resident memory; the floor, an interpreter with what a login imports: {floor:.1f} MB")
    for name, program in programs.items():
        idle, once, many = memory([*program, "sidecar", *flags], logins)
        ratio = many / floor
        print(
            f"  {name:<12} idle {idle:.1f} MB, after a login {once:.1f} MB, after {logins} more {many:.1f} MB, "
            f"{ratio:.2f} times the floor"
        )


if __name__ == "__main__":
    main()
