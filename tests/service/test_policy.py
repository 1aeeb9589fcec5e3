"""The wait before each request: a pure function of the failures so far, of Retry-After, and of a random number."""

from __future__ import annotations

import pytest

from sudomimus_bridge._service.policy import (
    AT_ONCE,
    BUDGET,
    ERRAND_POLL,
    INQUIRY_POLL,
    NETWORK,
    PATIENT,
    SOON,
    UPSTREAM,
    Spacing,
    poll_spacing,
    seconds_to_wait,
)

RETRIES = [
    (AT_ONCE, [0, 0, 0, 0, 0, 0]),
    (SOON, [0.25, 0.5, 1, 2, 2, 2]),
    (NETWORK, [0.5, 1, 2, 4, 8, 8]),
    (UPSTREAM, [1, 2, 4, 8, 15, 15]),
    (BUDGET, [2, 4, 8, 16, 32, 60]),
    (PATIENT, [90, 225, 562.5, 1406.25, 1500, 1500]),
]


@pytest.mark.parametrize(("spacing", "windows"), RETRIES)
def test_window_of_a_retry_grows_with_each_failure(spacing: Spacing, windows: list[float]) -> None:
    assert [seconds_to_wait(spacing, failures, None, 1.0) for failures in range(1, 7)] == windows
    assert seconds_to_wait(spacing, 0, None, 1.0) == windows[0]
    assert seconds_to_wait(spacing, 10**6, None, 1.0) == windows[-1]


@pytest.mark.parametrize(("spacing", "windows"), RETRIES)
def test_part_of_a_window_is_random(spacing: Spacing, windows: list[float]) -> None:
    certain = 0.33 if spacing is PATIENT else 0.0
    for failures, window in enumerate(windows, 1):
        assert seconds_to_wait(spacing, failures, None, 0.0) == pytest.approx(window * certain)
        assert seconds_to_wait(spacing, failures, None, 0.25) == pytest.approx(window * (0.75 * certain + 0.25))


@pytest.mark.parametrize(
    ("spacing", "failures", "retry_after", "widest"),
    [(BUDGET, 1, 7, 2), (BUDGET, 3, 7, 8), (NETWORK, 1, 0, 0.5), (PATIENT, 1, 7, 90), (PATIENT, 1, 1000, 330)],
)
def test_random_part_comes_on_top_of_retry_after(
    spacing: Spacing, failures: int, retry_after: float, widest: float
) -> None:
    waits = [seconds_to_wait(spacing, failures, retry_after, chance) for chance in (0.0, 0.5, 1.0)]
    assert waits == [retry_after, retry_after + widest / 2, retry_after + widest]


@pytest.mark.parametrize(
    ("spacing", "waits"),
    [
        (ERRAND_POLL, [2, 4, 8, 8, 8, 8]),
        (INQUIRY_POLL, [3, 6, 12, 24, 30, 30]),
        (poll_spacing(5), [5, 10, 20, 40, 60, 60]),
        (poll_spacing(120), [120] * 6),  # the service's interval is above the most
        (poll_spacing(None), [3, 6, 12, 24, 30, 30]),
    ],
)
def test_poll_waits_a_regular_time_that_failures_double(spacing: Spacing, waits: list[float]) -> None:
    assert [seconds_to_wait(spacing, failures, None, 0.7) for failures in range(6)] == waits
    assert seconds_to_wait(spacing, 10**6, None, 0.7) == waits[-1]


def test_poll_honours_retry_after_unless_its_bounds_are_strict() -> None:
    assert seconds_to_wait(INQUIRY_POLL, 0, 100.0, 0.5) == 100
    assert seconds_to_wait(INQUIRY_POLL, 0, 1.0, 0.5) == 3
    assert seconds_to_wait(ERRAND_POLL, 0, 7.0, 0.5) == 7
    assert seconds_to_wait(ERRAND_POLL, 0, 100.0, 0.5) == 8


def test_shortest_time_between_polls() -> None:
    assert [ERRAND_POLL.least, INQUIRY_POLL.least, poll_spacing(5).least, poll_spacing(None).least] == [1, 1, 5, 1]


@pytest.mark.parametrize(("interval", "seconds"), [(None, 10), (0.0, 10), (7.0, 10), (25.0, 25)])
def test_slow_down_adds_five_seconds_or_sets_the_interval(interval: float | None, seconds: float) -> None:
    slower = poll_spacing(5).slower(interval)
    assert (slower.seconds, slower.least) == (seconds, seconds)
    assert seconds_to_wait(slower, 1, None, 0.5) == 2 * seconds
