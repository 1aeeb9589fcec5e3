"""Runs the tests of the example launchers with the single file instead of the installed sidecar."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..samples import test_launchers
from ..samples.test_launchers import (  # noqa: F401 - tests, and fixtures that pytest finds by their names
    browser,
    compiled,
    program,
    start,
    test_cancel_of_a_login,
    test_killed_sidecar_is_started_again,
    test_login_through_an_errand,
)
from .test_file import single_file, temporary  # noqa: F401

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def the_file(single_file: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(test_launchers, "command", lambda *words: [str(single_file), *words])
