"""What goes into the single file: all that a sidecar may use, by whatever name, and nothing that it never does.

PyInstaller follows import statements. It sees neither the imports by name, nor that many of the statements it sees are for
uses that are not ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

BRIDGE = Path(__file__).parents[1] / "bridge"

PACKAGES = {
    *("sudomimus_bridge", "anyio", "sniffio", "idna", "httpx", "httpcore", "h11", "certifi", "typing_extensions"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
}
"""All that is not Python's own. `strangers` finds what else has got in, which fails the build."""

_OF_A_FOLDER = {
    "_cli": {"__init__", "arguments", "commands", "descriptors", "main", "output", "terminal"},
    "_session": {"__init__", "refresh"},  # a sidecar keeps no session
}
"""The modules of a folder that a sidecar uses, where it does not use most of them."""


def _rest_of_folders() -> Iterator[str]:
    for folder, used in _OF_A_FOLDER.items():
        for path in sorted((BRIDGE / "sudomimus_bridge" / folder).glob("*.py")):
            if path.stem not in used:
                yield f"sudomimus_bridge.{folder}.{path.stem}"


NEVER_USED = [
    # Of the bridge: its other doors, and what only they need.
    *("sudomimus_bridge.emulator", "sudomimus_bridge.testing", "sudomimus_bridge._renpy", "segno", "steamworks"),
    *(
        "sudomimus_bridge._program.bridge",
        "sudomimus_bridge._runs.awaited",
        "sudomimus_bridge._runs.running",
        "sudomimus_bridge._program.stand_ins",
        "sudomimus_bridge._values.token",
    ),
    *_rest_of_folders(),
    # A client key stays on a backend, which has the package, or on a developer's machine; keyrings are for sessions.
    *(
        "jwt",
        "cryptography",
        "keyring",
        "secretstorage",
        "jeepney",
        "jaraco",
        "more_itertools",
        "backports",
        "win32ctypes",
    ),
    # Of the others: other event loops, HTTP/2, SOCKS, command lines, plugins for tools, versions of the past.
    *("trio", "outcome", "uvloop", "winloop", "anyio._backends._trio", "anyio.pytest_plugin", "exceptiongroup"),
    *("h2", "socksio", "brotli", "brotlicffi", "zstandard", "httpx._main", "click", "rich", "pygments"),
    *("pydantic.v1", "pydantic.mypy", "pydantic.deprecated", "pydantic.experimental", "email_validator", "dotenv"),
    *("mypy", "hypothesis", "pytest", "_pytest", "attr", "attrs", "yaml", "toml", "importlib_metadata"),
    *("setuptools", "pkg_resources", "_distutils_hack", "distutils", "packaging"),
    # Of Python: windows, databases, other protocols, tools for developers, formats that nothing here reads.
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
    *("bz2", "lzma", "statistics", "_uuid"),  # where they are missing, who imports them does without
]

# Every Linux has it, and the player's is the newer one: Steam's own libraries find the one that is loaded first.
_LEFT_TO_THE_SYSTEM = ("libgcc_s.so",)
_NEVER_LOADED = ("_codecs_", "_multibytecodec", "termios.", "resource.")


def imported_by_name() -> Iterator[str]:
    """The bridge's modules that a sidecar may import."""
    for path in sorted((BRIDGE / "sudomimus_bridge").rglob("*.py")):
        module = ".".join(path.relative_to(BRIDGE).with_suffix("").parts).removesuffix(".__init__")
        if not any(f"{module}.".startswith(f"{other}.") for other in NEVER_USED):
            yield module


def is_carried(destination: str) -> bool:
    """Whether a library or a data file belongs into it, by its place there."""
    path = PurePosixPath(destination.replace("\\", "/"))
    if any(part.endswith(".dist-info") for part in path.parts) or path.name == "py.typed":
        return False
    return not path.name.startswith((*_LEFT_TO_THE_SYSTEM, *_NEVER_LOADED))


def strangers(modules: Iterable[str]) -> list[str]:
    """Of the names of modules, those that are neither Python's nor of one of `PACKAGES`."""
    tops = {module.partition(".")[0] for module in modules}
    known = {*PACKAGES, *sys.stdlib_module_names}
    return sorted(top for top in tops - known if not top.startswith(("_sysconfigdata", "pyi")))
