"""Specifies `Secret` and `redact`: they mask every existing secret, even while other threads create more."""

from __future__ import annotations

import re
import sys

import pytest

from sudomimus_bridge import ServiceUnavailable
from sudomimus_bridge._values.logs import describe_crash
from sudomimus_bridge._values.secret import MASK, Secret, redact, sealed

TEXT = "looks-like-nothing-in-particular"


def test_either_of_two_equal_secrets_masks_the_text() -> None:
    first, second = Secret(TEXT), Secret(TEXT)
    assert first == second
    del first
    assert redact(f"it is {TEXT}.") == f"it is {MASK}."
    del second
    assert redact(f"it is {TEXT}.") == f"it is {TEXT}."  # now no secret with this text exists


def test_error_is_made_while_other_threads_make_secrets() -> None:
    """A profiler's callback acts as the other thread, because it runs between any two steps."""
    kept = [Secret(f"{TEXT}-{number}") for number in range(10)]
    sys.setprofile(lambda *_step: kept.append(Secret(f"{TEXT}-{len(kept)}")))
    try:
        error = ServiceUnavailable(f"Not {TEXT}-0. Try again.")
    finally:
        sys.setprofile(None)
    assert error.sentence == f"Not {MASK}. Try again."
    assert len(kept) > 20


@pytest.mark.parametrize(
    "path",
    [
        "/games/exp_edition-2/lib",
        "/games/exp_edition-2",
        "exp_edition-2/lib",
        r"C:\Games\hid_devices\steam_api64.dll",
        "/home/robin/My Games/regexp_matcher/libsteam_api.so",
        f"/var/cache/{'0123456789abcdef' * 4}/lib",
    ],
)
def test_path_with_a_part_like_a_secret_is_shown(path: str) -> None:
    assert ServiceUnavailable(f"There is no Steam library at {path}. Try again.").sentence.count(path) == 1
    kept = Secret(path.replace("\\", "/").rpartition("/")[2])
    assert kept.reveal() not in redact(f"at {path}.") or len(kept) < 8


@pytest.mark.parametrize(
    "secret",
    [
        "exp_edition-2",
        "=exp_0123456789",
        "https://via.example/?exposure-key=exp_0123456789",
        "https://via.example/exp_0123456789/x",
        "GET /errand/ernd_0123456789/status",
        "/?exposure-key%3Dexp_0123456789&next=/",
        "/games/acs_t_0123456789abcdef",
        "/games/eyJhbGciOiJub25lIn0",
        "0123456789abcdef" * 4,
    ],
)
def test_text_like_a_secret_is_masked_outside_paths(secret: str) -> None:
    assert MASK in redact(f"It is {secret}.")


@pytest.mark.parametrize("value", [5, None, b"bytes"])
def test_secret_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="a secret must be a str") as refused:
        Secret(value)  # type: ignore[arg-type]
    assert ServiceUnavailable("Try again.").sentence == "Try again."
    assert refused.value


def test_description_of_a_crash_names_its_place_although_a_sealed_function_has_lost_its_frames() -> None:
    @sealed
    def divide() -> float:
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        divide()
    assert re.fullmatch(
        r"ZeroDivisionError at test_secret\.py:\d+, in divide: division by zero", describe_crash(caught.value)
    )
    assert describe_crash(ZeroDivisionError("never raised")) == "ZeroDivisionError: never raised"
