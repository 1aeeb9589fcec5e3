"""Runs the benchmarks in a short form, so that they keep working, and checks the figures that do not depend on the machine."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import PATIENCE

pytestmark = pytest.mark.once

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def figures(name: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_launch_day_meets_its_limits(tmp_path: Path) -> None:
    """Simulates 100,000 players, an outage, and 200 players in the whole login code. The report names each missed limit."""
    pytest.importorskip("numpy", reason="numpy is needed: pip install -e .[benchmarks]")
    pytest.importorskip("matplotlib", reason="matplotlib is needed: pip install -e .[benchmarks]")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.launch_day", "--short", "--out", str(tmp_path)],
        cwd=BENCHMARKS.parent,
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert done.returncode == 0, report
    plots = {path.name for path in tmp_path.glob("*.svg")}
    assert plots == set(re.findall(r"\]\((.*?\.svg)#", report)) and plots


def test_import_takes_at_most_a_tenth_of_httpx_and_pydantic() -> None:
    assert figures("import_time", "--runs", "3")["ratio"] <= 0.1


def test_login_over_a_slow_line_waits_for_ticket_and_connection_at_the_same_time() -> None:
    """The login takes the longer wait and one round trip. Exact in virtual time, for a fast ticket and a slow one."""
    found = figures("login_latency", "--runs", "0")
    assert {name: row["bound"] for name, row in found.items()} == pytest.approx({"80": 0.36, "400": 0.52})
    for row in found.values():
        assert row["login"] <= row["bound"] + 1e-6
        assert row["issuing"] == pytest.approx(row["ticket"])


@pytest.mark.usefixtures("stub_library")
def test_login_over_a_slow_line_in_real_time() -> None:
    found = figures("login_latency", "--runs", "1", "--one-way-ms", "5")
    assert all(row["first"] > 0 and row["later"] > 0 for row in found.values())


@pytest.mark.usefixtures("stub_library")
def test_login_time() -> None:
    assert figures("login_time", "--runs", "2", "--ticket-ms", "10")["ratio"] > 0


@pytest.mark.usefixtures("stub_library")
@pytest.mark.parametrize("loop", ["bare", "pygame"])
def test_frame_time(loop: str) -> None:
    if loop == "pygame" and importlib.util.find_spec("pygame") is None:
        pytest.skip("pygame-ce is needed: pip install pygame-ce")
    found = figures("frame_time", "--runs", "1", "--loop", loop)
    for way in ("prepared", "unprepared", "plain", "without"):
        assert 0 < found[way]["p50"] <= found[way]["worst"]
    assert found["plain"]["frames"] == found["without"]["frames"] > 1  # both figures are of the same frames


def test_table_of_costs_is_filled() -> None:
    """`make costs` measures it. A sidecar starts in 1.3 times the time that importing the libraries takes, or less."""
    rows = [
        line.strip("| ").split(" | ") for line in (BENCHMARKS / "README.md").read_text().splitlines() if "| " in line
    ]
    measured = {row[-2]: float(row[-1]) for row in rows if re.fullmatch(r"\d+\.\d+", row[-1])}
    assert len(measured) >= 15
    assert measured["`python -c 'import asyncio, httpx, pydantic'`"] <= 1.3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc, which only Linux has")
@pytest.mark.parametrize("side", ["bridge", "bare"])
def test_first_login_and_its_floor(side: str, emulator: Emulator, stub_library: Path) -> None:
    names = ("application", "steam_app_id", "native_url")
    settings = {name: emulator.settings[name] for name in names} | {"steam_library": str(stub_library)}
    found = figures("first_login", json.dumps({"side": side, "prepared": True, "settings": settings}))
    assert found["seconds"] > 0 and found["resident"] > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="wake-ups are read from /proc, which only Linux has")
@pytest.mark.usefixtures("stub_library")
def test_idle_errand_wakes_up_about_as_often_as_a_bare_httpx_client() -> None:
    found = figures("idle_errand", "--seconds", "3")
    # Both poll every two seconds, so each wakes up a few times during the test. A busy wait would wake up hundreds of times.
    assert 0 < found["wake_ups_a_second"] < 20
    assert 0 < found["httpx"]["wake_ups_a_second"] < 20
    assert found["cpu_percent"] < 25
    assert found["wake_ups_ratio"] > 0
    assert found["cpu_ratio"] > 0
