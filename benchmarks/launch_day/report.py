"""Runs the simulations, checks what must hold, and writes the report as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sudomimus_bridge._service.policy import PATIENT, Spacing

from . import plots
from .crowds import ARRIVALS, EVENING, crowd
from .measures import IN_TIME, Outcome, Scenario, outcome
from .million import Cost, cost_of
from .policies import COMPARED, EVERY_2_S, PATIENT_POLICY, WATCHED_AGAIN, Policy, patient
from .service import ATTEMPTS_PER_SECOND, Conditions
from .whole_code import Agreement, compare

OUTAGE = (EVENING / 2, EVENING / 2 + 180.0)
STEAM_OUTAGE = (60.0, 660.0)


@dataclass(frozen=True)
class Sizes:
    """The sizes of the crowds, and the policies to compare."""

    large: int = 100_000
    medium: int = 20_000
    whole_code: int = 2_000
    all: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    policies: tuple[Policy, ...] = COMPARED
    evenings: int = 8
    """How many evenings with an outage, each with other random numbers, are simulated for the busiest second."""
    longest: tuple[float, ...] = (300.0, 600.0, 1000.0, 1500.0, 2000.0, 2700.0, 3600.0)
    """The longest waits of the compared spacings, in seconds."""


SHORT = Sizes(
    medium=2_000,
    whole_code=200,
    all=(1_000,),
    policies=tuple(policy for policy in COMPARED if policy not in (EVERY_2_S, WATCHED_AGAIN)),
    evenings=2,
    longest=(1500.0,),
)
"""For tests: fewer and smaller crowds, and no policy that makes millions of attempts."""


def write_report(folder: Path, sizes: Sizes, say: Callable[[str], object]) -> bool:
    """Run all simulations, and write `report.md` and the plots. True if every requirement holds."""
    folder.mkdir(parents=True, exist_ok=True)
    say("a crowd within five minutes, with each policy")
    launch = Scenario(crowd("within five minutes", sizes.large), Conditions())
    compared = [outcome(policy, launch, times_best=1.35) for policy in sizes.policies]
    chosen = compared[-1]
    plots.signed_in_over_time(folder / "signed-in.svg", launch, compared)
    say("families of shapes")
    families = {name: _curve(policies, launch) for name, policies in _families(sizes.longest).items()}
    plots.time_against_attempts(folder / "time-attempts.svg", families, compared, chosen)
    say("an evening with an outage")
    evening = Scenario(crowd("over an evening", sizes.large, returning=True), Conditions(down=OUTAGE))
    after = [outcome(policy, evening, times_best=1.2) for policy in sizes.policies]
    new_players = Scenario(crowd("over an evening", sizes.large), Conditions(down=OUTAGE))
    after_new = [outcome(policy, new_players, times_best=1.2) for policy in sizes.policies]
    plots.around_an_outage(folder / "outage.svg", [found for found in after_new if found.policy.endless], OUTAGE)
    say("crowds of each size")
    grid = {(arrivals, size): _patient(arrivals, size) for arrivals in ARRIVALS for size in sizes.all}
    say("conditions")
    conditions = _conditions(sizes)
    say("what a player costs")
    costs = [cost_of(size) for size in sizes.all]
    plots.cost_by_size(folder / "cost.svg", costs)
    say("the whole login code")
    agreements = _agreements(sizes.whole_code)
    proofs = _proofs(compared, _busiest_seconds(sizes), agreements)
    parts = [
        "# Launch day\n\n`python -m benchmarks.launch_day` writes this report. All times are simulated. The service admits 150 "
        "attempts per application in 10 seconds. After 20 failed attempts it refuses every attempt for 60 seconds.",
        _proof_text(proofs),
        _compared_text(sizes, compared),
        _shape_text(),
        _outage_text(sizes, after_new, after),
        _grid_text(grid),
        _conditions_text(conditions),
        _cost_text(costs),
        _agreement_text(agreements),
    ]
    (folder / "report.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return all(held for _, held in proofs)


# --- the simulations -------------------------------------------------------------------------------------------------


def _families(longest: Sequence[float]) -> dict[str, list[Policy]]:
    return {
        "the chosen spacing, other longest waits": [patient(replace(PATIENT, most=most)) for most in longest],
        "full jitter, doubled from 2 s": [patient(Spacing(2.0, most)) for most in longest],
        "full jitter, doubled from 60 s": [patient(Spacing(60.0, most)) for most in longest],
        "a long window from the first failure on": [patient(Spacing(most, most, certain=0.5)) for most in longest],
    }


def _curve(policies: Iterable[Policy], scenario: Scenario) -> list[tuple[float, float]]:
    found = [outcome(policy, scenario) for policy in policies]
    return [(each.ratio, each.attempts) for each in found if np.isfinite(each.ratio)]


def _patient(arrivals: str, size: int) -> Outcome:
    return outcome(PATIENT_POLICY, Scenario(crowd(arrivals, size), Conditions()))


def _conditions(sizes: Sizes) -> dict[str, list[Outcome]]:
    arrivals, size = "within five minutes", sizes.medium
    policies = [policy for policy in sizes.policies if policy is not EVERY_2_S]
    days = {
        "the budgets alone": Scenario(crowd(arrivals, size), Conditions()),
        "the service down, from minute 1 to 4": Scenario(crowd(arrivals, size), Conditions(down=(60.0, 240.0))),
        "Steam down, from minute 1 to 11": Scenario(crowd(arrivals, size), Conditions(steam_down=STEAM_OUTAGE)),
        "half owe an errand": Scenario(crowd(arrivals, size, errands=True), Conditions()),
        "a 429 names 30 s": Scenario(crowd(arrivals, size), Conditions(retry_after=30.0)),
    }
    return {name: [outcome(policy, day) for policy in policies] for name, day in days.items()}


def _busiest_seconds(sizes: Sizes) -> list[int]:
    """The attempts of patient players in the busiest second after the outage of each evening."""
    evenings = [
        (Scenario(crowd("over an evening", sizes.large, seed), Conditions(down=OUTAGE)), seed)
        for seed in range(1, sizes.evenings + 1)
    ]
    return [outcome(PATIENT_POLICY, day, times_best=1.2, seed=seed).busiest_after(OUTAGE[1]) for day, seed in evenings]


def _agreements(count: int) -> dict[str, Agreement]:
    return {
        "all at once": compare(crowd("all at once", count), Conditions()),
        "within five minutes, the service down from minute 1 to 4": compare(
            crowd("within five minutes", count), Conditions(down=(60.0, 240.0))
        ),
        "within five minutes, Steam down from minute 1 to 11": compare(
            crowd("within five minutes", count), Conditions(steam_down=STEAM_OUTAGE)
        ),
    }


# --- the requirements ------------------------------------------------------------------------------------------------


def _proofs(
    compared: Sequence[Outcome], busiest: Sequence[int], agreements: dict[str, Agreement]
) -> list[tuple[str, bool]]:
    chosen = compared[-1]
    others = [each for each in compared[:-1] if each.signed_in_in_time >= 0.99]
    fewest = min((each.attempts_in_time for each in others), default=float("inf"))
    return [
        (
            f"{chosen.players:,} players arrive within five minutes. 99 % of them are signed in within {IN_TIME} times the best "
            f"time: within {chosen.ratio:.2f} times.",
            chosen.ratio <= IN_TIME,
        ),
        (
            "No other compared policy that signs 99 % in by then needs fewer attempts per player: "
            f"{chosen.attempts_in_time:.1f}; the next policy needs {fewest:.1f}.",
            chosen.attempts_in_time <= fewest,
        ),
        (f"No player gave up ({chosen.gave_up:.0%}).", not chosen.day.gave_up.any()),
        (
            f"{chosen.players:,} players arrive during an evening, and in the middle the service is down for three minutes. "
            f"Afterwards the busiest second has at most 3 times the budget of {ATTEMPTS_PER_SECOND:g} attempts. In "
            f"{len(busiest)} such evenings it has from {min(busiest)} to {max(busiest)}.",
            max(busiest) <= 3 * ATTEMPTS_PER_SECOND,
        ),
        (
            "The login code and the simulation agree on every player.",
            all(not each.other_attempts and each.furthest < 1e-6 for each in agreements.values()),
        ),
    ]


def _proof_text(proofs: Iterable[tuple[str, bool]]) -> str:
    return "\n".join(f"- {'Holds' if held else '**Does not hold**'}: {text}" for text, held in proofs)


# --- the text --------------------------------------------------------------------------------------------------------


def _compared_text(sizes: Sizes, compared: Sequence[Outcome]) -> str:
    rows = [
        (
            each.policy.name,
            _times(each.ratio),
            f"{each.signed_in_in_time:.1%}",
            f"{each.attempts_in_time:.1f}",
            f"{each.busiest:,}",
            _duration(each.wait(0.5)),
            _duration(each.wait(0.99)),
            f"{each.gave_up:.0%}",
        )
        for each in compared
    ]
    names = (
        "policy",
        "99 % in, × best",
        "in by 1.3 × best",
        "attempts by then",
        "busiest second",
        "p50 wait",
        "p99 wait",
        "gave up",
    )
    plot = plots.shown("signed-in", "Players signed in over time")
    return (
        f"## {sizes.large:,} players within five minutes\n\nAttempts are per player. Each attempt takes a ticket. The waits are "
        f"those of players who were signed in.\n\n{_table(names, rows)}\n\n{plot}"
    )


def _shape_text() -> str:
    paragraphs = (
        "## The spacing of a patient login",
        "A client knows only how often it has failed, so only that number can lengthen its wait. The first window is "
        f"{PATIENT.seconds:g} seconds long. Each later window is {PATIENT.growth:g} times as long as the one before, up to "
        f"{PATIENT.most / 60:g} minutes. A client waits at least {PATIENT.certain:.0%} of the window; the rest of the wait is "
        "random. So its attempts are evenly spaced, and the last players try again soon after the crowd has gone. If the whole "
        "window were random (full jitter), some players would try far too soon and some far too late. A Retry-After is a "
        "minimum, to which a random part is added.",
        plots.shown("time-attempts", "Time against attempts"),
        "A policy whose first window is already long needs fewer attempts for this one crowd, because its window fits the size "
        "of the crowd. In a small crowd it is worse: a player who is refused once waits half an hour, although the service has "
        "room ten seconds later.",
    )
    return "\n\n".join(paragraphs)


def _outage_text(sizes: Sizes, new: Sequence[Outcome], returning: Sequence[Outcome]) -> str:
    def row(each: Outcome, other: Outcome) -> tuple[str, ...]:
        busiest, renewals = each.busiest_after(OUTAGE[1]), int(other.day.renewals_per_second[int(OUTAGE[1]) :].max())
        times = f"{busiest / ATTEMPTS_PER_SECOND:.1f}"
        return (
            each.policy.name,
            f"{busiest}",
            times,
            f"{other.busiest_after(OUTAGE[1])}",
            f"{renewals}",
            f"{each.gave_up:.1%}",
        )

    rows = [row(each, other) for each, other in zip(new, returning, strict=True)]
    names = ("policy", "busiest second after it", "× budget", "if half return with a session", "renewals", "gave up")
    return (
        f"## An evening with an outage\n\n{sizes.large:,} players arrive during four hours. In the middle the service is down "
        "for three minutes. In two of the columns, half of the players return with a session. It renews itself every hour, in "
        "calls that have no budget.\n\n"
        f"{_table(names, rows)}\n\n{plots.shown('outage', 'Attempts around the outage')}\n\n"
        "If a crowd arrives within five minutes, its first attempts alone exceed the budget many times. No wait can change that, "
        "so the other tables show the busiest second of such days as it is."
    )


def _grid_text(grid: dict[tuple[str, int], Outcome]) -> str:
    rows = [
        (
            arrivals,
            f"{size:,}",
            _duration(each.scenario.best_time),
            _times(each.ratio),
            f"{each.attempts:.1f}",
            f"{each.busiest:,}",
            _duration(each.wait(0.5)),
            _duration(each.wait(0.99)),
        )
        for (arrivals, size), each in grid.items()
    ]
    names = ("arrivals", "players", "best time of 99 %", "× best", "attempts", "busiest second", "p50 wait", "p99 wait")
    return f"## Patient players in crowds of each size\n\n{_table(names, rows)}"


def _conditions_text(conditions: dict[str, list[Outcome]]) -> str:
    rows = [
        (
            name if position == 0 else "",
            each.policy.name,
            _times(each.ratio),
            f"{each.attempts:.1f}",
            f"{each.busiest:,}",
            _duration(each.wait(0.99)),
            f"{each.gave_up:.0%}",
        )
        for name, found in conditions.items()
        for position, each in enumerate(found)
    ]
    size = next(iter(conditions.values()))[0].players
    names = ("day", "policy", "99 % in, × best", "attempts", "busiest second", "p99 wait", "gave up")
    return f"## Conditions\n\n{size:,} players within five minutes.\n\n{_table(names, rows)}"


def _cost_text(costs: Sequence[Cost]) -> str:
    rows = [
        (
            f"{cost.players:,}",
            f"{cost.attempts:.1f}",
            f"{cost.ratio:.2f}",
            _duration(cost.median_wait),
            f"{cost.seconds:.1f}",
            f"{1e6 * cost.seconds / cost.players:.0f}",
            f"{cost.megabytes:.0f}",
        )
        for cost in costs
    ]
    names = ("players", "attempts per player", "× best", "p50 wait", "CPU seconds to simulate", "µs per player", "MB")
    return (
        "## The cost of a player\n\nThe players are patient and arrive within five minutes."
        f"\n\n{_table(names, rows)}\n\n{plots.shown('cost', 'Attempts by size')}"
    )


def _agreement_text(agreements: dict[str, Agreement]) -> str:
    rows = [
        (name, f"{each.players:,}", f"{each.attempts:,}", str(each.other_attempts), f"{each.furthest:.1e}")
        for name, each in agreements.items()
    ]
    names = ("arrivals", "players", "attempts", "players with other attempts", "largest difference, s")
    return (
        "## The login code and the simulation\n\nEach player runs the bridge's login code in virtual time, and the local "
        f"service's code counts the budgets. The simulation gets the same arrivals and the same random numbers."
        f"\n\n{_table(names, rows)}"
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if np.isfinite(ratio) else "never"


def _duration(seconds: float) -> str:
    if not np.isfinite(seconds):
        return "never"
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
