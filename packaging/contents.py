"""The contents of the single file: everything that a sidecar may import, and nothing else.

PyInstaller follows import statements. It does not see imports by computed names, and it also follows statements that a sidecar
never runs. So the bridge's modules are listed here by folder, and the packages by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

BRIDGE = Path(__file__).parents[1] / "bridge"

PACKAGES = {
    *("sudomimus_bridge", "anyio", "sniffio", "idna", "httpx", "httpcore", "h11", "certifi", "typing_extensions"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
}
"""The packages of the file. Every other installed package is excluded."""

_OTHER_DOORS = [f"sudomimus_bridge.{name}" for name in ("_program", "_renpy", "_session", "emulator", "testing")]

_UNUSED_PARTS = [
    *("anyio._backends._trio", "anyio.pytest_plugin", "httpx._main"),
    *("pydantic.v1", "pydantic.mypy", "pydantic.deprecated", "pydantic.experimental"),
]

_UNUSED_STANDARD_LIBRARY = [
    *(
        "tkinter",
        "curses",
        "readline",
        "sqlite3",
        "dbm",
        "xml",
        "xmlrpc",
        "http.server",
        "wsgiref",
        "ftplib",
        "imaplib",
    ),
    *("smtplib", "poplib", "multiprocessing", "concurrent.futures.process", "unittest", "doctest", "pdb", "pydoc"),
    *("pydoc_data", "test", "lib2to3", "idlelib", "ensurepip", "venv", "optparse", "cmd", "code", "codeop", "timeit"),
    *("pickletools", "profile", "cProfile", "pstats", "trace", "tracemalloc", "zipapp", "tarfile", "tomllib"),
    *("bz2", "lzma", "statistics", "_uuid"),  # optional for the modules that import them
]

# Every Linux has libgcc. Steam's libraries use the copy that is loaded first. That must be the player's, which is newer.
_LEFT_TO_THE_SYSTEM = ("libgcc_s.so",)
_NEVER_LOADED = ("_codecs_", "_multibytecodec", "termios.", "resource.")


def excluded() -> list[str]:
    """The modules that PyInstaller must not follow."""
    other_packages = sorted(packages_distributions().keys() - PACKAGES)
    return [*_OTHER_DOORS, *_UNUSED_PARTS, *_UNUSED_STANDARD_LIBRARY, *other_packages]


def bridge_modules() -> Iterator[str]:
    """The bridge's modules that a sidecar may import."""
    for path in sorted((BRIDGE / "sudomimus_bridge").rglob("*.py")):
        module = ".".join(path.relative_to(BRIDGE).with_suffix("").parts).removesuffix(".__init__")
        if not any(f"{module}.".startswith(f"{other}.") for other in _OTHER_DOORS):
            yield module


def is_carried(destination: str) -> bool:
    """Whether the file contains a library or data file, given its place in it."""
    path = PurePosixPath(destination.replace("\\", "/"))
    if any(part.endswith(".dist-info") for part in path.parts) or path.name == "py.typed":
        return False
    return not path.name.startswith((*_LEFT_TO_THE_SYSTEM, *_NEVER_LOADED))


def unexpected(modules: Iterable[str]) -> list[str]:
    """The top-level modules that belong neither to Python nor to one of `PACKAGES`. They fail the build."""
    tops = {module.partition(".")[0] for module in modules}
    known = {*PACKAGES, *sys.stdlib_module_names}
    return sorted(top for top in tops - known if not top.startswith(("_sysconfigdata", "pyi")))
